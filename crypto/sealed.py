"""Documents under a passphrase, and secret files with or without one.

The key is scrypt (RFC 7914) of the passphrase, the cipher AES-256-GCM; the header is authenticated
with it. By default scrypt takes n = 2^17, r = 8, p = 1: 128 MiB, about a fifth of a second.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ..errors import FileError
from .canonical import JsonValue, canonical_bytes, parse_json
from .fields import take_constant, take_hex, take_object
from .files import PathLike, read_json, write_secret
from .randomness import random_bytes

FORMAT = "zkcollateral/sealed/1"

DEFAULT_LOG2_N = 17
MIN_LOG2_N = 14
MAX_LOG2_N = 20
"""With r = 8, 2^20 takes 1 GiB: a file cannot make its reader take more."""

_BLOCK_SIZE = 8
_PARALLEL = 1
_SALT_BYTES = 16
_NONCE_BYTES = 12
_KEY_BYTES = 32
_FIELDS = ("format", "kdf", "n", "r", "p", "salt", "cipher", "nonce", "ciphertext")

Passphrase: TypeAlias = str | Callable[[], str] | None
"""A passphrase, or a function that asks for it when it is needed, or none."""


def seal(
    value: JsonValue, passphrase: str, *, log2_n: int = DEFAULT_LOG2_N
) -> dict[str, JsonValue]:
    """The document encrypted under a passphrase.

    Args:
        value: a JSON value.
        passphrase: at least one character; Unicode spellings of one text (NFKC) are one passphrase.
        log2_n: log2 of the cost of scrypt, 14 to 20; ValueError otherwise.

    Raises:
        FileError: an empty passphrase, or too little memory.
    """
    if not MIN_LOG2_N <= log2_n <= MAX_LOG2_N:
        raise ValueError(f"log2_n from {MIN_LOG2_N} to {MAX_LOG2_N}")
    salt, nonce = random_bytes(_SALT_BYTES), random_bytes(_NONCE_BYTES)
    header: dict[str, JsonValue] = {
        "format": FORMAT,
        "kdf": "scrypt",
        "n": str(1 << log2_n),
        "r": str(_BLOCK_SIZE),
        "p": str(_PARALLEL),
        "salt": salt.hex(),
        "cipher": "aes-256-gcm",
        "nonce": nonce.hex(),
    }
    cipher = AESGCM(_derive(passphrase, salt, 1 << log2_n, "passphrase"))
    ciphertext = cipher.encrypt(nonce, canonical_bytes(value), canonical_bytes(header))
    return {**header, "ciphertext": ciphertext.hex()}


def is_sealed(value: JsonValue) -> bool:
    """Whether a document says that it is sealed."""
    return isinstance(value, dict) and value.get("format") == FORMAT


def unseal(sealed: JsonValue, passphrase: str, where: str) -> JsonValue:
    """The document inside a sealed one.

    Raises:
        DocumentError: no sealed document, or parameters out of range.
        FileError: a wrong passphrase or a damaged document, which cannot be told apart.
    """
    fields = take_object(sealed, where, _FIELDS)
    take_constant(fields["format"], f"{where}: format", FORMAT)
    take_constant(fields["kdf"], f"{where}: kdf", "scrypt")
    costs = tuple(str(1 << log2_n) for log2_n in range(MIN_LOG2_N, MAX_LOG2_N + 1))
    n = int(take_constant(fields["n"], f"{where}: n", *costs))
    take_constant(fields["r"], f"{where}: r", str(_BLOCK_SIZE))
    take_constant(fields["p"], f"{where}: p", str(_PARALLEL))
    take_constant(fields["cipher"], f"{where}: cipher", "aes-256-gcm")
    salt = take_hex(fields["salt"], f"{where}: salt", _SALT_BYTES)
    nonce = take_hex(fields["nonce"], f"{where}: nonce", _NONCE_BYTES)
    ciphertext = take_hex(fields["ciphertext"], f"{where}: ciphertext")
    header = {name: value for name, value in fields.items() if name != "ciphertext"}
    cipher = AESGCM(_derive(passphrase, salt, n, where))
    try:
        plaintext = cipher.decrypt(nonce, ciphertext, canonical_bytes(header))
    except InvalidTag:
        raise FileError(
            where, "the passphrase of this file", "another passphrase, or a damaged file"
        ) from None
    return parse_json(plaintext, where)


def write_secret_file(
    path: PathLike,
    value: JsonValue,
    *,
    passphrase: str | None = None,
    overwrite: bool = False,
    log2_n: int = DEFAULT_LOG2_N,
) -> None:
    """Write a secret document, mode 0600, sealed if a passphrase is given.

    Raises:
        FileError: it exists and `overwrite` is off, cannot be written, or the passphrase is empty.
    """
    document = value if passphrase is None else seal(value, passphrase, log2_n=log2_n)
    write_secret(path, document, overwrite=overwrite)


def read_secret_file(path: PathLike, passphrase: Passphrase = None) -> JsonValue:
    """The document of a secret file, opened with the passphrase if it is sealed.

    Raises:
        FileError: it cannot be read, is open to group or others, is sealed and no passphrase is
            given, or the passphrase is wrong.
        DocumentError: no JSON document.
    """
    value = read_json(path, secret=True)
    if not is_sealed(value):
        return value
    where = os.fspath(path)
    given = passphrase() if callable(passphrase) else passphrase
    if given is None:
        raise FileError(where, "a passphrase, since the file is sealed", "none")
    return unseal(value, given, where)


def _derive(passphrase: str, salt: bytes, n: int, where: str) -> bytes:
    if not passphrase:
        raise FileError(where, "a passphrase of at least one character", "an empty one")
    secret = unicodedata.normalize("NFKC", passphrase).encode("utf-8", "surrogatepass")
    try:
        return Scrypt(salt=salt, length=_KEY_BYTES, n=n, r=_BLOCK_SIZE, p=_PARALLEL).derive(secret)
    except MemoryError:
        raise FileError(where, f"{n // 1024} MiB of memory for scrypt", "less") from None

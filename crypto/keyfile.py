"""Key files: who signs, in which role.

{"format": "zkcollateral/secret-key/1", "role", "name", "key_id", "secret"}       mode 0600
{"format": "zkcollateral/public-key/1", "role", "name", "key_id", "public_key"}
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from ..errors import DocumentError, EncodingError, FileError
from .canonical import JsonValue
from .fields import take_constant, take_hex, take_name, take_object
from .files import PathLike, read_json, write_public
from .sealed import Passphrase, read_secret_file, write_secret_file
from .signature import KEY_BYTES, PublicKey, SigningKey

SIGNING_KEY_FORMAT = "zkcollateral/secret-key/1"
PUBLIC_KEY_FORMAT = "zkcollateral/public-key/1"

Role = Literal["custodian", "oracle", "log"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True)
class NamedPublicKey:
    """A public key with the role and the name of its holder."""

    role: Role
    name: str
    key: PublicKey

    @classmethod
    def from_json_value(cls, value: JsonValue, where: str) -> NamedPublicKey:
        """The key in a parsed `public-key` document; DocumentError if it is none."""
        role, name, raw = _read(value, where, PUBLIC_KEY_FORMAT, "public_key")
        try:
            key = PublicKey(raw)
        except EncodingError as error:
            raise DocumentError(f"{where}: public_key", error.expected, error.got) from None
        _check_key_id(value, key, where)
        return cls(role, name, key)

    def to_json_value(self) -> dict[str, JsonValue]:
        """The `public-key` document."""
        return {
            "format": PUBLIC_KEY_FORMAT,
            "role": self.role,
            "name": self.name,
            "key_id": self.key.key_id,
            "public_key": self.key.raw.hex(),
        }


@dataclass(frozen=True)
class NamedSigningKey:
    """A secret key with the role and the name of its holder."""

    role: Role
    name: str
    key: SigningKey

    @property
    def public(self) -> NamedPublicKey:
        """The public half."""
        return NamedPublicKey(self.role, self.name, self.key.public)

    @classmethod
    def from_json_value(cls, value: JsonValue, where: str) -> NamedSigningKey:
        """The key in a parsed `secret-key` document; DocumentError if it is none."""
        role, name, raw = _read(value, where, SIGNING_KEY_FORMAT, "secret")
        key = SigningKey(raw)
        _check_key_id(value, key.public, where)
        return cls(role, name, key)

    def to_secret_json_value(self) -> dict[str, JsonValue]:
        """The `secret-key` document, with the secret in it."""
        return {
            "format": SIGNING_KEY_FORMAT,
            "role": self.role,
            "name": self.name,
            "key_id": self.key.key_id,
            "secret": self.key.secret_bytes().hex(),
        }


def write_key_pair(
    prefix: PathLike,
    key: NamedSigningKey,
    *,
    passphrase: str | None = None,
    overwrite: bool = False,
) -> tuple[Path, Path]:
    """Write PREFIX.key (secret, mode 0600) and PREFIX.pub.

    Returns:
        The two paths, the secret one first.

    Raises:
        FileError: one of them exists and `overwrite` is off, or cannot be written.
        DocumentError: a name that key files do not take.
    """
    NamedPublicKey.from_json_value(key.public.to_json_value(), "key")
    secret_path, public_path = Path(f"{os.fspath(prefix)}.key"), Path(f"{os.fspath(prefix)}.pub")
    # Two halves of different keys must not come to stand beside each other: look first.
    if not overwrite and os.path.lexists(public_path):
        raise FileError(os.fspath(public_path), "a new file", "an existing file")
    write_secret_file(
        secret_path, key.to_secret_json_value(), passphrase=passphrase, overwrite=overwrite
    )
    write_public(public_path, key.public.to_json_value(), overwrite=overwrite)
    return secret_path, public_path


def read_signing_key(path: PathLike, passphrase: Passphrase = None) -> NamedSigningKey:
    """The secret key in a file; FileError or DocumentError."""
    return NamedSigningKey.from_json_value(read_secret_file(path, passphrase), os.fspath(path))


def read_public_key(path: PathLike) -> NamedPublicKey:
    """The public key in a file; FileError or DocumentError."""
    return NamedPublicKey.from_json_value(read_json(path), os.fspath(path))


def _read(value: JsonValue, where: str, expected: str, key: str) -> tuple[Role, str, bytes]:
    fields = take_object(value, where, ("format", "role", "name", "key_id", key))
    take_constant(fields["format"], f"{where}: format", expected)
    role = cast(Role, take_constant(fields["role"], f"{where}: role", *ROLES))
    name = take_name(fields["name"], f"{where}: name")
    return role, name, take_hex(fields[key], f"{where}: {key}", KEY_BYTES)


def _check_key_id(value: JsonValue, key: PublicKey, where: str) -> None:
    if isinstance(value, dict) and value["key_id"] != key.key_id:
        raise DocumentError(f"{where}: key_id", "the SHA-256 of the public key", "another value")

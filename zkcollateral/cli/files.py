"""Reading and writing the files that commands are given. Errors name the file and the field."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from ..circuits.attestation import Attestation
from ..circuits.evidence import CommitmentDocument, Vouch, read_unverified
from ..crypto.canonical import JsonValue, parse_json
from ..crypto.envelope import PRICE_REPORT_TYPE, VOUCH_TYPE, Envelope
from ..crypto.files import read_bytes, read_json, write_bytes, write_public
from ..crypto.keyfile import NamedSigningKey, Role, read_signing_key
from ..errors import DocumentError, FileError, InputError, ZkCollateralError
from ..risk.document import Document
from ..risk.portfolio import Portfolio
from ..risk.prices import PriceReport
from ..verifier.bundle import Bundle
from .passphrase import passphrase_for

D = TypeVar("D", bound=Document)

BUNDLE_FORMAT = "zkcollateral/bundle/1"
SECRET_FORMATS = frozenset(
    f"zkcollateral/{kind}/1" for kind in ("opening", "portfolio", "sealed", "secret-key")
)


def read_document(kind: type[D], path: Path) -> D:
    """The document of this kind in a file; FileError or DocumentError."""
    return kind.from_json_value(read_json(path), str(path))


def read_attested(path: Path) -> Attestation | Bundle:
    """The attestation in a file, or the bundle with one; FileError or DocumentError."""
    value = read_json(path)
    bundled = isinstance(value, dict) and value.get("format") == BUNDLE_FORMAT
    return (Bundle if bundled else Attestation).from_json_value(value, str(path))


def read_portfolio(path: Path) -> Portfolio:
    """The portfolio in a file that nobody else can read; FileError or DocumentError."""
    return Portfolio.from_json_value(read_json(path, secret=True), str(path))


def read_report(path: Path) -> tuple[Envelope, PriceReport]:
    """A signed price report: the envelope, and what it says. Its signature is not checked here."""
    envelope = _read_envelope(read_json(path), path, PRICE_REPORT_TYPE)
    return envelope, PriceReport.from_json_value(read_unverified(envelope, str(path)), str(path))


def read_commitment(path: Path) -> tuple[Envelope | CommitmentDocument, Vouch | CommitmentDocument]:
    """A commitment file, vouched or not, and what it says. No signature is checked here."""
    value = read_json(path)
    if not (isinstance(value, dict) and "payloadType" in value):
        document = CommitmentDocument.from_json_value(value, str(path))
        return document, document
    envelope = _read_envelope(value, path, VOUCH_TYPE)
    return envelope, Vouch.from_json_value(read_unverified(envelope, str(path)), str(path))


def read_key(path: Path, role: Role, passphrase_file: Path | None) -> NamedSigningKey:
    """The secret key of somebody in this role; FileError or DocumentError."""
    key = read_signing_key(path, passphrase_for(path, passphrase_file))
    if key.role != role:
        raise DocumentError(f"{path}: role", f"'{role}'", f"'{key.role}'")
    return key


def write_document(path: Path, value: JsonValue) -> None:
    """Write a public document; FileError also if that would replace a file that holds a secret."""
    check_replaceable(path)
    write_public(path, value)


def write_binary(path: Path, data: bytes) -> None:
    """Write public bytes; errors as for `write_document`."""
    check_replaceable(path)
    write_bytes(path, data)


def check_replaceable(path: Path) -> None:
    """FileError if what stands there holds a secret, or is no file but a folder or a device."""
    if os.path.lexists(path) and not path.is_file():
        raise FileError(str(path), "a new file or a regular one", "something else of that name")
    try:
        value = parse_json(read_bytes(path), str(path))
    except InputError:
        return
    if isinstance(value, dict) and value.get("format") in SECRET_FORMATS:
        raise FileError(
            str(path), "a new file, or one that holds no secret", f"a file of {value['format']}"
        )


def refuse_inputs(outputs: Iterable[Path | None], inputs: Iterable[Path | None]) -> None:
    """FileError if a command would write one of the files that it reads, by whatever name."""
    read = [path for path in inputs if path is not None and path.exists()]
    for output in outputs:
        if output is not None and output.exists() and any(map(output.samefile, read)):
            raise FileError(str(output), "another file than those that are read", "one of them")


def check_writable(paths: Sequence[Path], *, force: bool) -> None:
    """FileError if one of several files that belong together could not be written."""
    for index, path in enumerate(paths):
        if path in paths[:index]:
            raise FileError(str(path), "a file for each output", "one name twice")
        if not force and os.path.lexists(path):
            raise FileError(str(path), "a new file (--force replaces it)", "an existing file")
        if path.is_dir():
            raise FileError(str(path), "a file that can be written", "a folder")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            got = "one that cannot be written" if path.parent.is_dir() else "no such folder"
            raise FileError(str(path), f"a file in the folder {path.parent}", got)


@contextmanager
def naming(**paths: Path) -> Iterator[None]:
    """Errors about `policy: …`, where `policy` is a keyword here, name that file in its place."""
    try:
        yield
    except InputError as error:
        head, separator, rest = error.where.partition(": ")
        if head not in paths:
            raise
        where = f"{paths[head]}{separator}{rest}"
        raise type(error)(where, error.expected, error.got) from None


@contextmanager
def blaming(path: Path, *kinds: type[ZkCollateralError]) -> Iterator[None]:
    """Errors of these kinds, which name no file, begin with this one."""
    try:
        yield
    except kinds as error:
        raise type(error)(f"{path}: {error}") from None


def _read_envelope(value: JsonValue, path: Path, payload_type: str) -> Envelope:
    envelope = Envelope.from_json_value(value, str(path))
    if envelope.payload_type != payload_type:
        raise DocumentError(
            f"{path}: payloadType", repr(payload_type), ascii(envelope.payload_type)
        )
    return envelope

"""Checkpoints: what a transparency log signs, as text that other clients read too.

    <origin>                    example.com/log
    <number of entries>         20852163
    <root hash in base64>       CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
                                (an empty line)
    — <key name> <base64 of key id and signature>

Sources: C2SP tlog-checkpoint, C2SP signed-note. Only its Ed25519 signatures (type 0x01) are made
and verified. Stricter than these: base64 in its canonical form only, and the rules for key names
hold for the origin too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import EncodingError, LogError, SignatureError
from .merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from .signature import KEY_BYTES, SIGNATURE_BYTES, PublicKey, SigningKey

# Room for 16 signatures of the largest kinds there are, which every reader has to accept.
MAX_NOTE_BYTES = 256 * 1024
MAX_SIGNATURES = 64

_ED25519 = b"\x01"
_ID_BYTES = 4
_DASH = "\u2014 "
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_HASH = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True)
class VerifierKey:
    """A public key under the name that it has in signature lines.

    Args:
        name: not empty, without spaces, plus signs and control characters.
        key: an Ed25519 key.

    Raises:
        EncodingError: a name of another form.
    """

    name: str
    key: PublicKey

    def __post_init__(self) -> None:
        _check_name(self.name, "key name")

    @property
    def id(self) -> bytes:
        """The 4 bytes that stand before its signatures."""
        hashed = self.name.encode("utf-8") + b"\n" + _ED25519 + self.key.raw
        return hashlib.sha256(hashed).digest()[:_ID_BYTES]

    @classmethod
    def parse(cls, text: str, where: str = "verifier key") -> VerifierKey:
        """The key in a verifier key string, NAME+HASH+BASE64; EncodingError if it is none."""
        name, _, rest = text.partition("+")
        digits, _, encoded = rest.partition("+")
        _check_name(name, f"{where}: name")
        if _HASH.fullmatch(digits) is None:
            raise EncodingError(f"{where}: hash", "8 lowercase hex digits", "another form")
        data = _from_base64(encoded, f"{where}: key")
        if data[:1] != _ED25519 or len(data) != 1 + KEY_BYTES:
            raise EncodingError(
                f"{where}: key", f"an Ed25519 key of {KEY_BYTES} bytes", "another kind or length"
            )
        try:
            found = cls(name, PublicKey(data[1:]))
        except EncodingError as error:
            raise EncodingError(f"{where}: key", error.expected, error.got) from None
        if found.id.hex() != digits:
            raise EncodingError(f"{where}: hash", f"{found.id.hex()} for this key", digits)
        return found

    def __str__(self) -> str:
        """The verifier key string, which `parse` reads."""
        return f"{self.name}+{self.id.hex()}+{_to_base64(_ED25519 + self.key.raw)}"


@dataclass(frozen=True)
class Checkpoint:
    """A state of a log: which log, how many entries, which root.

    Raises:
        EncodingError: an origin that could not be a key's name, a size outside 0..2^63 − 1, a root
            that is not 32 bytes, or an empty log with another root than that of no entries.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        _check_name(self.origin, "checkpoint: origin")
        if not 0 <= self.size <= MAX_SIZE:
            raise EncodingError("checkpoint: size", "0 to 2^63 - 1", str(self.size))
        if len(self.root) != HASH_BYTES:
            raise EncodingError("checkpoint: root", f"{HASH_BYTES} bytes", f"{len(self.root)}")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise EncodingError("checkpoint: root", "the root of no entries", "another root")

    def text(self) -> bytes:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{_to_base64(self.root)}\n".encode()

    @classmethod
    def parse(cls, text: bytes, where: str = "checkpoint") -> tuple[Checkpoint, tuple[str, ...]]:
        """The checkpoint in the text of a note, and its extension lines.

        Raises:
            EncodingError: no text of a checkpoint.
        """
        lines = _decode(text, where).split("\n")
        if lines.pop() != "" or len(lines) < 3 or not all(lines):
            raise EncodingError(where, "at least 3 lines, none of them empty", "another text")
        origin, size, root, *extensions = lines
        if _SIZE.fullmatch(size) is None:
            raise EncodingError(f"{where}: size", "a decimal number, 0 to 2^63 - 1", "another form")
        try:
            found = cls(origin, int(size), _from_base64(root, f"{where}: root"))
        except EncodingError as error:
            place = error.where.removeprefix(f"{where}: ").removeprefix("checkpoint: ")
            raise EncodingError(f"{where}: {place}", error.expected, error.got) from None
        return found, tuple(extensions)


@dataclass(frozen=True)
class OpenedNote:
    """What a note says, after the signatures of known keys were verified.

    Attributes:
        text: what they signed, with its last newline.
        signed_by: the known keys that signed, each once.
    """

    text: bytes
    signed_by: tuple[VerifierKey, ...]


@dataclass(frozen=True)
class OpenedCheckpoint:
    """A checkpoint whose signature was verified.

    Attributes:
        checkpoint: the state of the log.
        extensions: further lines that were signed too; nothing here reads them.
        note: all bytes, as they came: what to keep, and to compare the log with later.
        signed_by: the known keys that signed.
    """

    checkpoint: Checkpoint
    extensions: tuple[str, ...]
    note: bytes
    signed_by: tuple[VerifierKey, ...]


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """The checkpoint as a note with one signature, under the origin as the key's name."""
    return sign_note(checkpoint.text(), checkpoint.origin, key)


def open_checkpoint(
    note: bytes,
    keys: Iterable[VerifierKey],
    origin: str | None = None,
    where: str = "checkpoint",
) -> OpenedCheckpoint:
    """Verify the signatures of a checkpoint, then read it.

    Args:
        note: as it came.
        keys: the keys whose word counts.
        origin: the log that is asked about; without it, any log whose own key, that is a key named
            like the origin, is among those that signed.
        where: file or address, for errors.

    Raises:
        EncodingError: bytes that are no signed checkpoint.
        SignatureError: no signature of a known key, or one that does not verify.
        LogError: a checkpoint of another log.
    """
    opened = open_note(note, keys, where)
    checkpoint, extensions = Checkpoint.parse(opened.text, where)
    wanted = {key.name for key in opened.signed_by} if origin is None else {origin}
    if checkpoint.origin not in wanted:
        expected = " or ".join(ascii(name) for name in sorted(wanted))
        raise LogError(
            f"{where}: expected a checkpoint of {expected}, got one of {checkpoint.origin!a}"
        )
    return OpenedCheckpoint(checkpoint, extensions, note, opened.signed_by)


def sign_note(text: bytes, name: str, key: SigningKey) -> bytes:
    """A text with one signature.

    Args:
        text: UTF-8, ends in a newline, without other control characters.
        name: of the key.
        key: signs.

    Raises:
        EncodingError: a text or name that notes do not take.
    """
    if not _decode(text, "note").endswith("\n"):
        raise EncodingError("note", "a text that ends in a newline", "another text")
    signer = VerifierKey(name, key.public)
    line = f"\n{_DASH}{name} {_to_base64(signer.id + key.sign(text))}\n"
    note = text + line.encode()
    if len(note) > MAX_NOTE_BYTES:
        raise EncodingError("note", f"at most {MAX_NOTE_BYTES} bytes", f"{len(note)} bytes")
    return note


def open_note(note: bytes, keys: Iterable[VerifierKey], where: str = "note") -> OpenedNote:
    """Verify the signatures of a note.

    Signatures of other keys are passed over, whatever their type. Every signature of a known key
    has to verify, so that one more of the same key changes nothing.

    Args:
        note: as it came.
        keys: the keys whose word counts.
        where: file or address, for errors.

    Raises:
        EncodingError: bytes that are no note, or two keys of one name and key id.
        SignatureError: no signature of a known key, or one that does not verify.
    """
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.id), key) != key:
            raise EncodingError("keys", "one key for every name and key id", "two")
    text, lines = _split_note(note, where)
    signed: dict[VerifierKey, None] = {}
    for number, line in enumerate(lines, start=1):
        name, key_id, signature = _signature(line, f"{where}: signature {number}")
        found = known.get((name, key_id))
        if found is None:
            continue
        if len(signature) != SIGNATURE_BYTES:
            raise SignatureError(
                f"{where}: signature {number}: expected {SIGNATURE_BYTES} bytes, "
                f"got {len(signature)} bytes"
            )
        try:
            found.key.verify(signature, text)
        except SignatureError as error:
            raise SignatureError(f"{where}: signature {number}: {error}") from None
        signed[found] = None
    if not signed:
        listed = ", ".join(f"{name!a} ({id_.hex()})" for name, id_ in known) or "nobody"
        raise SignatureError(f"{where}: expected a signature of {listed}, got none")
    return OpenedNote(text, tuple(signed))


def _split_note(note: bytes, where: str) -> tuple[bytes, list[str]]:
    """The text, and the signature lines."""
    if len(note) > MAX_NOTE_BYTES:
        raise EncodingError(where, f"at most {MAX_NOTE_BYTES} bytes", f"{len(note)} bytes")
    _decode(note, where)
    blank = note.rfind(b"\n\n")
    if blank < 0:
        raise EncodingError(where, "an empty line before the signatures", "none")
    *lines, last = note[blank + 2 :].decode("utf-8").split("\n")
    if last != "" or not 1 <= len(lines) <= MAX_SIGNATURES:
        raise EncodingError(
            where, f"1 to {MAX_SIGNATURES} signatures, each a whole line", "another ending"
        )
    return note[: blank + 1], lines


def _signature(line: str, where: str) -> tuple[str, bytes, bytes]:
    """Key name, key id and signature in a line."""
    name, separator, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not separator:
        raise EncodingError(where, "an em dash, a key name and base64", "another form")
    _check_name(name, where)
    data = _from_base64(encoded, where)
    if len(data) <= _ID_BYTES:
        raise EncodingError(where, "a key id and a signature", f"{len(data)} bytes")
    return name, data[:_ID_BYTES], data[_ID_BYTES:]


def _check_name(name: str, where: str) -> None:
    if (
        not name
        or "+" in name
        or any(item.isspace() or item < " " or "\ud800" <= item <= "\udfff" for item in name)
    ):
        raise EncodingError(
            where, "a name without spaces, plus signs and control characters", ascii(name[:64])
        )


def _decode(data: bytes, where: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EncodingError(where, "UTF-8", f"another byte at offset {error.start}") from None
    if any(item < " " and item != "\n" for item in text):
        raise EncodingError(where, "no control characters but newlines", "one")
    return text


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _from_base64(text: str, where: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    # Decoding drops stray bits in front of the padding; encoding again shows them.
    if data is None or _to_base64(data) != text:
        raise EncodingError(where, "canonical base64 with padding", "another form")
    return data

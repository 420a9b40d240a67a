"""Reading the fields of the small documents of this room: envelopes, key files, sealed files."""

from __future__ import annotations

import re

from ..errors import DocumentError
from .canonical import JsonValue

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")


def take_object(value: JsonValue, where: str, names: tuple[str, ...]) -> dict[str, JsonValue]:
    """The object with exactly these fields; else DocumentError."""
    if not isinstance(value, dict):
        raise DocumentError(where, "an object", "another kind of value")
    for name in names:
        if name not in value:
            raise DocumentError(f"{where}: {name}", "this field", "nothing")
    if len(value) != len(names):
        listed = ", ".join(names)
        raise DocumentError(where, f"the fields {listed} and no other", f"{len(value)} fields")
    return value


def take_text(value: JsonValue, where: str) -> str:
    """A string; else DocumentError."""
    if not isinstance(value, str):
        raise DocumentError(where, "a string", "another kind of value")
    return value


def take_constant(value: JsonValue, where: str, *allowed: str) -> str:
    """One of the allowed strings; else DocumentError."""
    text = take_text(value, where)
    if text not in allowed:
        raise DocumentError(where, " or ".join(map(repr, allowed)), "another string")
    return text


def take_name(value: JsonValue, where: str) -> str:
    """A name: 1 to 64 letters, digits or `._:/+-`, first a letter or digit; else DocumentError."""
    text = take_text(value, where)
    if _NAME.fullmatch(text) is None:
        raise DocumentError(
            where, "a name of 1 to 64 letters, digits or ._:/+-", "a string of another form"
        )
    return text


def take_hex(value: JsonValue, where: str, length: int | None = None) -> bytes:
    """Bytes from lowercase hex, `length` of them if given; else DocumentError."""
    text = take_text(value, where)
    if _HEX.fullmatch(text) is None:
        raise DocumentError(where, "lowercase hex", "a string of another form")
    if length is not None and len(text) != 2 * length:
        raise DocumentError(where, f"{length} bytes in hex", f"{len(text) // 2} bytes")
    return bytes.fromhex(text)

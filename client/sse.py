"""Server-sent events as they come over the wire (HTML standard, 9.2.6), with bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ..errors import EncodingError

MAX_LINE_BYTES: Final = 1 << 20
MAX_EVENT_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Message:
    """What stands between two empty lines.

    Args:
        id: the last one that was given, in this message or before.
        event: its type; empty if none is given.
        data: its lines, joined; None for a message that only sets the id, or for a comment.
    """

    id: str | None
    event: str
    data: str | None


def read_messages(pieces: Iterable[bytes]) -> Iterator[Message]:
    """The messages in a stream; a comment is a message without data, so that time can be told.

    Raises:
        EncodingError: not UTF-8, or a line or a message that is too long.
    """
    last: str | None = None
    event, data, size = "", list[str](), 0
    for line in _lines(pieces):
        if not line:
            yield Message(last, event, "\n".join(data) if data else None)
            event, data, size = "", [], 0
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            size += len(value) + 1
            if size > MAX_EVENT_BYTES:
                raise EncodingError("events", f"at most {MAX_EVENT_BYTES} bytes each", "more")
            data.append(value)
        elif name == "event":
            event = value
        elif name == "id" and "\0" not in value:
            last = value


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """The lines of a stream, each ended by LF, CR LF or CR."""
    rest = bytearray()
    for piece in pieces:
        rest += piece
        *whole, rest = _split(rest)
        for line in whole:
            yield _text(line)
        if len(rest) > MAX_LINE_BYTES:
            raise EncodingError("events", f"lines of at most {MAX_LINE_BYTES} bytes", "more")


def _split(data: bytearray) -> list[bytearray]:
    # A CR at the end could be half of a CR LF: it waits for what follows.
    held = data.endswith(b"\r")
    body = data[:-1] if held else data
    parts = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if held:
        parts[-1] += b"\r"
    return parts


def _text(line: bytearray) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise EncodingError("events", "UTF-8", "other bytes") from None

"""The one door through which JSON from outside comes in, and the one canonical form that leaves.

Documents hold objects, lists, strings, true, false and null. Numbers are strings in them: RFC 8785
knows numbers as doubles only, and a double never decides anything here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import NoReturn, TypeAlias

import rfc8785

from ..errors import DocumentError

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | bool | None"

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32
MAX_VALUES = 1 << 18

# Possessive, so that an unterminated string costs one pass and not one pass per quote in it.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{\]}]', re.DOTALL)


class _Number:
    """Stands for a JSON number until its place in the document is known."""


class _DuplicateKeyError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def parse_json(
    data: bytes, where: str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH
) -> JsonValue:
    """The JSON value in `data`, strictly read.

    Args:
        data: the document, UTF-8 without byte order mark.
        where: file or field, for the error.
        max_bytes: most bytes that are looked at.
        max_depth: most objects and lists inside each other.

    Returns:
        Objects, lists, strings, booleans and None; never a number.

    Raises:
        DocumentError: anything else, a key twice in one object, or half of a surrogate pair. The
            error never quotes a value: the document may be secret.
    """
    if len(data) > max_bytes:
        raise DocumentError(where, f"at most {max_bytes} bytes", f"{len(data)} bytes")
    text = _decode(data, where)
    if _depth_exceeds(text, max_depth):
        raise DocumentError(where, f"at most {max_depth} levels", "deeper nesting")
    value, problem = _load(text)
    # Raised here and not while handling the parser's own error, which holds the whole document.
    if problem is not None:
        raise DocumentError(where, *problem)
    _check(value, where, max_depth)
    return value


def nests_deeper(data: bytes, max_depth: int = MAX_DEPTH) -> bool:
    """Whether objects and lists in `data` are nested deeper than `parse_json` takes; no parsing."""
    if data.count(b"{") + data.count(b"[") <= max_depth:
        return False
    # Brackets, quotes and backslashes are the same bytes in UTF-8 and in Latin-1, which takes all.
    return _depth_exceeds(data.decode("latin-1"), max_depth)


def canonical_bytes(value: JsonValue) -> bytes:
    """The RFC 8785 form of a value; DocumentError if `parse_json` could not have returned it."""
    _check(value, "value to encode", MAX_DEPTH)
    # Of ASCII text without numbers, Python's own encoder writes the same, ten times as fast: what
    # differs is how other keys are sorted, and how numbers are spelled.
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode() if text.isascii() else rfc8785.dumps(value)


def digest(value: JsonValue) -> str:
    """SHA-256 of the canonical bytes, 64 lowercase hex digits."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def _decode(data: bytes, where: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        position = error.start
    else:
        if text.startswith("\ufeff"):
            raise DocumentError(where, "UTF-8 without byte order mark", "a byte order mark")
        return text
    raise DocumentError(where, "UTF-8", f"another byte at offset {position}")


def _depth_exceeds(text: str, max_depth: int) -> bool:
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        first = token.group()[0]
        if first in "[{":
            depth += 1
            if depth > max_depth:
                return True
        elif first in "]}":
            depth -= 1
    return False


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result: dict[str, JsonValue] = {}
    for key, value in pairs:
        if key in result:
            raise _DuplicateKeyError(key)
        result[key] = value
    return result


def _number(_: str) -> _Number:
    return _Number()


def _load(text: str) -> tuple[JsonValue, tuple[str, str] | None]:
    """The parsed value, or None and what was expected and came."""
    try:
        value: JsonValue = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_number,
            parse_float=_number,
            parse_constant=_number,
        )
    except _DuplicateKeyError as error:
        return None, ("every key once", f"the key {_shown(error.key)} twice")
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        return None, ("well-formed JSON", f"a syntax error at {place}")
    except RecursionError:
        return None, ("a document that fits the stack", "deeper nesting")
    return value, None


# A place in a document as (the place around it, key or index); None is the whole document. It is
# spelled out only when something is refused: with long keys, spelling every place would take far
# more memory than the document.
_Place: TypeAlias = "tuple[_Place, str | int] | None"


def _check(value: object, where: str, max_depth: int) -> None:
    """DocumentError unless `value` is built of what documents hold; without recursion."""
    pending: list[tuple[object, _Place, int]] = [(value, None, 0)]
    count = 0
    while pending:
        item, place, depth = pending.pop()
        if item is None or isinstance(item, bool):
            continue
        if isinstance(item, str):
            _check_text(item, where, place)
        elif isinstance(item, (dict, list)):
            if depth == max_depth:
                _refuse(where, place, f"at most {max_depth} levels", "deeper nesting")
            count += len(item)
            if count > MAX_VALUES:
                _refuse(where, None, f"at most {MAX_VALUES} values", "more")
            pending.extend(
                (child, (place, step), depth + 1) for step, child in _steps(item, where, place)
            )
        elif isinstance(item, (_Number, int, float)):
            _refuse(where, place, "a string (numbers are written as strings)", "a JSON number")
        else:
            _refuse(where, place, "a JSON value", type(item).__name__)


def _steps(
    item: dict[object, object] | list[object], where: str, place: _Place
) -> Iterator[tuple[str | int, object]]:
    if isinstance(item, list):
        yield from enumerate(item)
        return
    for key, child in item.items():
        if not isinstance(key, str):
            _refuse(where, place, "keys that are strings", type(key).__name__)
        _check_text(key, where, place)
        yield key, child


def _check_text(text: str, where: str, place: _Place) -> None:
    # A caught encoding error keeps the text in its context, so the search is by hand.
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        _refuse(where, place, "Unicode text", "half of a surrogate pair")


def _refuse(where: str, place: _Place, expected: str, got: str) -> NoReturn:
    path = _spell(place)
    raise DocumentError(f"{where}: {path}" if path else where, expected, got)


def _spell(place: _Place) -> str:
    steps: list[str] = []
    while place is not None:
        place, step = place
        steps.append(f"[{step}]" if isinstance(step, int) else f".{_plain(step)}")
    return "".join(reversed(steps)).removeprefix(".")


def _plain(key: str) -> str:
    return key if key.isprintable() and 0 < len(key) <= 64 else _shown(key)


def _shown(key: str) -> str:
    return ascii(key if len(key) <= 64 else key[:64] + "…")

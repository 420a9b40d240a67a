"""Reading problems (RFC 9457), the only answers with JSON numbers in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from ..crypto.canonical import nests_deeper
from ..verifier.report import CHECK_NAMES, Check, CheckName
from .backoff import seconds_of
from .errors import BLANK, ServiceError, ServiceUnavailable

MAX_TEXT: Final = 1000
MAX_BYTES: Final = 1 << 20


def read_problem(
    status: int, headers: Mapping[str, str], content: bytes, where: str
) -> ServiceError:
    """The error in an answer that is not good; whatever it holds, there is one.

    Args:
        status: of the answer.
        headers: of the answer, found without regard to case.
        content: at most `MAX_BYTES` of it.
        where: method and address, for the error.
    """
    value = _members(headers.get("content-type", ""), content)
    unavailable = status >= 500 or status == 429
    error = (ServiceUnavailable if unavailable else ServiceError)(
        where,
        _text(value.get("detail")) or _text(value.get("title")) or "no problem was described",
        type=_text(value.get("type")) or BLANK,
        status=status,
        checks=_checks(value.get("checks")),
    )
    if isinstance(error, ServiceUnavailable):
        error.retry_after = seconds_of(headers.get("retry-after"))
    return error


def _members(media_type: str, content: bytes) -> dict[str, Any]:
    if media_type.partition(";")[0].strip().lower() != "application/problem+json":
        return {}
    content = content[:MAX_BYTES]
    # Looked at first: the parser recurses, and a library may have raised the limit that stops it.
    if nests_deeper(content):
        return {}
    try:
        value = json.loads(content)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    """A text for people, short, in which nothing moves the cursor of a terminal."""
    if not isinstance(value, str):
        return ""
    return "".join(character if character.isprintable() else " " for character in value[:MAX_TEXT])


def _checks(value: object) -> tuple[Check, ...]:
    found = []
    for item in value[: len(CHECK_NAMES)] if isinstance(value, list) else ():
        if not isinstance(item, dict):
            continue
        name, passed = item.get("name"), item.get("passed")
        if name in CHECK_NAMES and isinstance(passed, bool):
            found.append(Check(cast(CheckName, name), passed, _text(item.get("reason"))))
    return tuple(found)

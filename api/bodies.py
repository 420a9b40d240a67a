"""The one door through which request bodies come in.

Size and depth are bounded before (`edge`); here they are parsed as every document is: strictly,
without numbers, and with an error that says what was expected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import PlainValidator, ValidationError

from ..crypto.canonical import JsonValue, nests_deeper, parse_json
from ..errors import DocumentError
from ..risk.document import Document, Part
from ..risk.values import refusal
from .problems import Problem

P = TypeVar("P", bound=Part)

BODIES: Final[dict[str, type[Part]]] = {}
"""Every model that a body is read as, by its name in the OpenAPI document."""

_ITEMS: Final = re.compile(r'\s*\{\s*"items"\s*:\s*\[\s*')
_AFTER_ITEM: Final = re.compile(r"\s*(?:(,)\s*|\]\s*\}\s*$)")
_END: Final = re.compile(r"\]\s*\}\s*$")
# It only finds where an item ends; what an item says is read strictly afterwards.
_SCANNER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)

MAX_SCANNED_DEPTH: Final = 256
"""Of a body with several items: within it, one that nests too deeply is that item's own error."""

SMALL_BYTES: Final = 64 * 1024
"""Bodies up to this size are parsed where they arrive; of a larger one others would notice."""


async def read_json_bytes(request: Request) -> bytes:
    """The bytes of a body that says that it is JSON; Problem `media-type` for any other."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem("media-type", f"expected application/json, got {media_type[:80]!a}")
    return await request.body()


def parse_body(data: bytes) -> JsonValue:
    """The JSON value of a body; a Problem if it is not the JSON that is read here."""
    try:
        return parse_json(data, "body", max_bytes=max(len(data), 1))
    except DocumentError as error:
        too_deep = error.got == "deeper nesting"
        raise Problem("json-too-deep" if too_deep else "json-malformed", str(error)) from None


def parse_items(data: bytes, most: int) -> list[JsonValue | Problem]:
    """The JSON values in a body `{"items": [...]}`, or for each why it is not read.

    What is wrong with one item is that item's error; only what leaves unclear where an item ends is
    an error of all.

    Args:
        data: the body.
        most: items that are taken.

    Raises:
        Problem: another body, or more items.
    """
    found: list[JsonValue | Problem] = []
    # Looked at first: the scanner recurses, and a library may have raised the limit that stops it.
    if nests_deeper(data, MAX_SCANNED_DEPTH):
        raise Problem("json-too-deep", "body: it nests too deeply")
    try:
        for text in _items(data.decode("utf-8")):
            if len(found) == most:
                raise Problem("document-invalid", f"body.items: expected at most {most} items")
            try:
                found.append(parse_body(text.encode()))
            except Problem as problem:
                found.append(problem)
    except ValueError:
        # Of a decoding error nothing is said: it holds the whole body.
        raise Problem(
            "json-malformed", 'body: expected {"items": [...]} in well-formed JSON'
        ) from None
    return found


def _items(text: str) -> Iterator[str]:
    start = _ITEMS.match(text)
    if start is None:
        raise ValueError
    at = start.end()
    if _END.match(text, at):
        return
    more = True
    while more:
        _, end = _SCANNER.raw_decode(text, at)
        after = _AFTER_ITEM.match(text, end)
        if after is None:
            raise ValueError
        yield text[at:end]
        more, at = after.group(1) is not None, after.end()


def body(model: type[P]) -> Callable[[Request], Any]:
    """A dependency that reads the body as a document or as a `Part`."""
    BODIES[model.__name__] = model

    def parse(data: bytes) -> P:
        return read_value(model, parse_body(data))

    async def read(request: Request) -> P:
        data = await read_json_bytes(request)
        return parse(data) if len(data) <= SMALL_BYTES else await run_in_threadpool(parse, data)

    return read


def read_value(model: type[P], value: JsonValue, where: str = "body") -> P:
    """The document or `Part` in a JSON value; Problem `document-invalid` if it is none.

    What a `Part` does not take is not quoted: it may be secret.
    """
    if issubclass(model, Document):
        try:
            return model.from_json_value(value, where)
        except DocumentError as error:
            raise Problem("document-invalid", str(error)) from None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    raise Problem("document-invalid", _explain(dict(first), where))


def whole(*models: type[Document], text: Callable[[str], str] | None = None) -> PlainValidator:
    """How a document inside a `Part` is read: as strictly as it is read alone.

    Args:
        models: what it may be; with several of them its `format` says which.
        text: checks a string that may stand in its place, such as a digest.
    """
    by_format = {model.model_fields["format"].default: model for model in models}

    def read(value: Any) -> Any:
        if isinstance(value, models):
            return value
        if text is not None and isinstance(value, str):
            return text(value)
        named = value.get("format") if isinstance(value, dict) else None
        model = by_format.get(named) if isinstance(named, str) else None
        try:
            return (model or models[0]).from_json_value(value, "")
        except DocumentError as error:
            raise refusal(error.expected, error.got, error.where) from None

    allowed: Any = models[0] if text is None else models[0] | str
    for model in models[1:]:
        allowed = allowed | model
    return PlainValidator(read, json_schema_input_type=allowed)


def takes(model: type[Part], *examples: Any) -> dict[str, Any]:
    """What the OpenAPI document says of an operation whose body is read by `body(model)`."""
    BODIES[model.__name__] = model
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
    if examples:
        content["examples"] = {
            f"example-{number}": {"value": example} for number, example in enumerate(examples, 1)
        }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def _explain(error: dict[str, Any], where: str) -> str:
    """Where, what was expected and, if the validator itself says it, what came."""
    context = error.get("ctx", {})
    steps = [where, *(str(step)[:64] for step in error["loc"])]
    if error["type"] != "refused":
        return f"{'.'.join(steps)}: {error['msg']}"
    place = ".".join([*steps, context["at"]] if context["at"] else steps)
    got = f", got {context['got']}" if context["got"] else ""
    return f"{place}: expected {context['expected']}{got}"

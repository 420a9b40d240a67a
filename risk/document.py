"""What all JSON documents have in common: a format, strict reading, and one readable error."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime
from fractions import Fraction
from functools import cache
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_serializer

from ..errors import DocumentError
from .clock import format_time

_EXPECTED = {
    "missing": "this field",
    "extra_forbidden": "no such field",
    "string_type": "a string",
    "bool_type": "true or false",
    "none_required": "null",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}


class Part(BaseModel):
    """An object inside a document: immutable, no unknown fields, nothing converted.

    A field whose default is None, an empty list or an empty object may be left out, and is never
    written as such.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    @model_serializer(mode="plain")
    def _serialise(self) -> dict[str, Any]:
        return self._written()

    def _written(self, leave_out: Container[str] = ()) -> dict[str, Any]:
        values = self.__dict__
        return {
            name: _to_json(values[name])
            for name, optional in _fields(type(self))
            if not (optional and _is_nothing(values[name])) and name not in leave_out
        }


@cache
def _fields(kind: type[Part]) -> tuple[tuple[str, bool], ...]:
    """The names of a part's fields, and whether each is left out when it is nothing."""
    return tuple((name, _is_nothing(field.default)) for name, field in kind.model_fields.items())


class Document(Part):
    """A whole JSON document, with its `format` field `zkcollateral/<kind>/<version>`."""

    SECRET: ClassVar[bool] = False
    """Whether errors must not quote values of this document."""

    format: str

    @classmethod
    def from_json_value(
        cls, value: Any, where: str, known: Mapping[str, Document] | None = None
    ) -> Self:
        """The document in a parsed JSON value.

        Args:
            value: objects, lists, strings, booleans and None, as the JSON door returns them.
            where: file or place of the document, for the error.
            known: fields of it that the caller has read already, by name: what stands in their
                place in the value is not looked at.

        Raises:
            DocumentError: another format, a field missing, unknown or malformed, or a rule between
                fields broken; it names the first such field.
        """
        expected = cls.model_fields["format"].default
        if not isinstance(value, dict):
            raise DocumentError(where, f"an object of format {expected}", _kind(value))
        if "format" not in value:
            raise DocumentError(
                where, f"an object of format {expected}", "an object without format"
            )
        if value["format"] != expected or not isinstance(value["format"], str):
            raise DocumentError(_join(where, "format"), repr(expected), _shown(value["format"]))
        known = known or {}
        unread = {name: item for name, item in value.items() if name not in known}
        _refuse_foreign_values(unread, where)
        result, problem = cls._read({**unread, **known})
        # Raised here and not while handling pydantic's own error, which holds the whole input.
        if result is None:
            path, wanted, got = problem
            raise DocumentError(_join(where, path), wanted, got)
        # Python callers may leave out `format` and other constants; documents spell everything out,
        # so that what is read is, field by field, what its digest is taken of.
        if result._written(known) != unread:
            raise DocumentError(
                where,
                "every field spelled out, and nothing empty that may be left out",
                "another spelling of the same document",
            )
        return result

    @classmethod
    def build(cls, **fields: Any) -> Self:
        """The document with these fields, given as Python values.

        Raises:
            DocumentError: a field missing, unknown or malformed, or a rule between fields broken.
        """
        expected = cls.model_fields["format"].default
        result, problem = cls._read({"format": expected, **fields})
        if result is None:
            path, wanted, got = problem
            raise DocumentError(_join(expected, path), wanted, got)
        return result

    def to_json_value(self) -> dict[str, Any]:
        """The document as objects, lists, strings, booleans, None; numbers as they were spelled."""
        return self._serialise()

    @classmethod
    def _read(cls, value: dict[str, Any]) -> tuple[Self | None, tuple[str, str, str]]:
        try:
            return cls.model_validate(value), ("", "", "")
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
        return None, cls._explain(dict(first), value)

    @classmethod
    def _explain(cls, error: dict[str, Any], document: dict[str, Any]) -> tuple[str, str, str]:
        """Path, expected and got of a pydantic error."""
        kind: str = error["type"]
        context: dict[str, Any] = error.get("ctx", {})
        path = _path(error["loc"], document, kind == "missing")
        if kind == "refused":
            got = context["got"] or cls._got(kind, error["input"])
            return _join(path, context["at"], "."), context["expected"], got
        if kind == "union_tag_not_found":
            return _join(path, "type", "."), _EXPECTED["missing"], "nothing"
        if kind == "union_tag_invalid":
            tag = error["input"]["type"]
            return _join(path, "type", "."), f"one of {context['expected_tags']}", _shown(tag)
        if kind == "literal_error":
            expected = f"one of {context['expected']}"
        elif kind in ("too_short", "too_long"):
            limit = context["min_length" if kind == "too_short" else "max_length"]
            expected = f"a length of {'at least' if kind == 'too_short' else 'at most'} {limit}"
        else:
            expected = _EXPECTED.get(kind, str(error["msg"]))
        return path, expected, cls._got(kind, error["input"])

    @classmethod
    def _got(cls, kind: str, value: object) -> str:
        if kind == "missing":
            return "nothing"
        if kind == "extra_forbidden":
            return "an unknown field"
        if cls.SECRET:
            return "another value" if kind == "refused" else _kind(value)
        return _shown(value)


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, (tuple, Mapping)) and not value)


def _to_json(value: object) -> Any:
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Part):
        return value._serialise()
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, (int, Fraction)):
        return str(value)
    raise TypeError(f"a document holds no {type(value).__name__}")


def _refuse_foreign_values(document: dict[str, Any], where: str) -> None:
    """DocumentError for numbers and Python objects, which typed fields take from Python callers."""
    # (value, place), a place being (the place around it, step): it is spelled only when refused.
    pending: list[tuple[object, Any]] = [(document, None)]
    while pending:
        item, place = pending.pop()
        if isinstance(item, dict):
            for key, child in item.items():
                if not isinstance(key, str):
                    path = _spell_place(place)
                    raise DocumentError(_join(where, path), "keys that are strings", _kind(key))
                pending.append((child, (place, key)))
        elif isinstance(item, list):
            pending.extend((child, (place, index)) for index, child in enumerate(item))
        elif not (item is None or isinstance(item, (str, bool))):
            path = _spell_place(place)
            raise DocumentError(_join(where, path), "a string, a list or an object", _kind(item))


def _spell_place(place: Any) -> str:
    steps: list[str] = []
    while place is not None:
        place, step = place
        steps.append(f"[{step}]" if isinstance(step, int) else f".{_plain(step)}")
    return "".join(reversed(steps)).removeprefix(".")


def _path(loc: tuple[int | str, ...], document: Any, missing: bool) -> str:
    """The path in the JSON document.

    Pydantic's `loc` also names chosen members of unions, and marks keys; these are no steps of the
    path. The last step is one if the field is missing, although the document has no such place.
    """
    path, here = "", document
    for position, step in enumerate(loc):
        if isinstance(here, dict) and step in here:
            path, here = _join(path, _plain(str(step)), "."), here[step]
        elif isinstance(here, (list, tuple)) and isinstance(step, int) and step < len(here):
            path, here = f"{path}[{step}]", here[step]
        elif missing and position == len(loc) - 1:
            path = _join(path, _plain(str(step)), ".")
    return path


def _join(where: str, path: str, separator: str = ": ") -> str:
    return f"{where}{separator}{path}" if where and path else where or path


def _plain(key: str) -> str:
    return key if key.isprintable() and 0 < len(key) <= 64 else ascii(key[:64])


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        return "a string"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return "a number"
    return f"a Python {type(value).__name__}"


def _shown(value: object) -> str:
    if not isinstance(value, str):
        return _kind(value)
    return ascii(value if len(value) <= 80 else value[:80] + "...")

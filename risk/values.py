"""The values that documents are made of: exact decimals, integers, names, digests, times.

In JSON each of them is a string. Each is parsed in one way only and written back as it was spelled,
so that the digest of a document does not move when it is read and written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetCoreSchemaHandler,
    PlainValidator,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from . import clock

MAX_DIGITS = 40
MAX_ENTRIES = 1024

_DECIMAL = re.compile(rf"-?(0|[1-9][0-9]{{0,{MAX_DIGITS - 1}}})(\.([0-9]{{1,{MAX_DIGITS}}}))?")
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,79}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"

_DECIMAL_FORM = (
    f"a decimal such as '-1.25', at most {MAX_DIGITS} digits on either side of the point"
)


def refusal(expected: str, got: str = "", at: str = "") -> PydanticCustomError:
    """The error by which a validator refuses; `Document` turns it into one DocumentError.

    Args:
        expected: what was expected.
        got: what came, if more can be said than the refused value itself.
        at: path below the place of the validator, such as `assets[3].slot`.
    """
    return PydanticCustomError(
        "refused", "{expected}", {"expected": expected, "got": got, "at": at}
    )


class Exact(Fraction):
    r"""A decimal number, exact, that remembers its spelling.

    It is a Fraction: sums and products of it are Fractions and never rounded. `str()` gives the
    text back. Equal numbers are equal, however they are spelled.

    Args:
        text: `-?(0|[1-9][0-9]*)(\.[0-9]+)?`, at most 40 digits on either side of the point.

    Raises:
        ValueError: another text.
    """

    __slots__ = ("_text",)
    _text: str

    def __new__(cls, text: str) -> Self:
        match = _DECIMAL.fullmatch(text)
        if match is None:
            raise ValueError(f"expected {_DECIMAL_FORM}")
        decimals = match.group(3) or ""
        self = super().__new__(cls, int(text.replace(".", "")), 10 ** len(decimals))
        self._text = text
        return self

    @classmethod
    def of(cls, value: Fraction | int) -> Self:
        """`value` in its shortest spelling; ValueError if that needs more than 40 + 40 digits."""
        fraction = Fraction(value)
        for decimals in range(MAX_DIGITS + 1):
            scaled = fraction * 10**decimals
            if scaled.denominator == 1:
                return cls(_spell(scaled.numerator, decimals))
        raise ValueError(f"expected a number of at most {MAX_DIGITS} decimals")

    @classmethod
    def from_float(cls, f: float) -> Fraction:  # type: ignore[override]
        """What comparing with a float calls; a float has no spelling that could be kept."""
        return Fraction.from_float(f)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Exact({self._text!r})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (self._text,)

    @classmethod
    def _validate(cls, value: object) -> Exact:
        if isinstance(value, Exact):
            return value
        if isinstance(value, str) and _DECIMAL.fullmatch(value):
            return cls(value)
        raise refusal(_DECIMAL_FORM)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.to_string_ser_schema(),
            json_schema_input_schema=core_schema.str_schema(pattern=f"^{_DECIMAL.pattern}$"),
        )


def _spell(scaled: int, decimals: int) -> str:
    digits = f"{abs(scaled):0{decimals + 1}d}"
    point = len(digits) - decimals
    sign = "-" if scaled < 0 else ""
    return sign + digits[:point] + ("." + digits[point:] if decimals else "")


@dataclass(frozen=True)
class Integer:
    """Marks an `int` field as a decimal string between two bounds, both included."""

    low: int
    high: int

    def _validate(self, value: object) -> int:
        expected = f"an integer from {self.low} to {self.high}"
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            number = int(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            number = value
        else:
            raise refusal(f"{expected}, as a string")
        if not self.low <= number <= self.high:
            raise refusal(expected)
        return number

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._validate,
            serialization=core_schema.to_string_ser_schema(),
            json_schema_input_schema=core_schema.str_schema(pattern=f"^({_INTEGER.pattern})$"),
        )


V_co = TypeVar("V_co", covariant=True)
T = TypeVar("T")


class FrozenMap(Mapping[str, V_co]):
    """An immutable mapping from names; at most 1024 entries when it is read from a document."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, V_co]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, key: str) -> V_co:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __hash__(self) -> int:
        return hash(frozenset(self._entries.items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._entries!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # Without arguments it is the type of a default, which a JSON schema shows as an object.
        value_type, *_ = (*get_args(source), Any)
        entries = core_schema.dict_schema(
            keys_schema=handler.generate_schema(Name),
            values_schema=handler.generate_schema(value_type),
            max_length=MAX_ENTRIES,
        )
        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.no_info_before_validator_function(_as_dict, entries),
            serialization=core_schema.plain_serializer_function_ser_schema(dict),
        )


class SecretMap(FrozenMap[V_co]):
    """A FrozenMap of secret values: its repr says only how many there are."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} hidden>"


def _as_dict(value: object) -> object:
    return dict(value) if isinstance(value, FrozenMap) else value


def _as_tuple(value: object) -> object:
    if not isinstance(value, (list, tuple)):
        raise refusal("a list")
    if len(value) > MAX_ENTRIES:
        raise refusal(f"a list of at most {MAX_ENTRIES}", f"a list of {len(value)}")
    return tuple(value)


def _name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise refusal(
            "a name of 1 to 64 letters, digits or ._:/+- that starts with a letter or digit"
        )
    return text


def _text(text: str) -> str:
    if not 1 <= len(text) <= 128 or not text.isprintable():
        raise refusal("1 to 128 printable characters")
    return text


def _hex_digest(text: str) -> str:
    if _DIGEST.fullmatch(text) is None:
        raise refusal("a SHA-256 digest of 64 lowercase hex digits")
    return text


def _time(value: object) -> datetime:
    try:
        if isinstance(value, datetime):
            clock.format_time(value)
            return value
        if isinstance(value, str):
            return clock.parse_time(value)
    except ValueError:
        pass
    raise refusal("a UTC time such as '2026-01-31T12:00:00Z'")


def _positive(value: Exact) -> Exact:
    if value <= 0:
        raise refusal("a decimal above 0")
    return value


def _non_negative(value: Exact) -> Exact:
    if value < 0:
        raise refusal("a decimal of at least 0")
    return value


def _share(value: Exact) -> Exact:
    if not 0 <= value <= 1:
        raise refusal("a share from 0 to 1")
    return value


Several = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
"""A list of at most 1024 in JSON, a tuple in Python."""

Name = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"}),
]
"""A symbol, an account, the name of a claim or a scenario."""

Text = Annotated[
    str,
    AfterValidator(_text),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 128}),
]
"""An audience or a nonce."""

HexDigest = Annotated[
    str,
    AfterValidator(_hex_digest),
    WithJsonSchema({"type": "string", "pattern": f"^{_DIGEST.pattern}$"}),
]
"""SHA-256, 64 lowercase hex digits."""

Time = Annotated[
    datetime,
    PlainValidator(_time),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{_TIME}$"}),
]
"""UTC, whole seconds."""

Positive = Annotated[Exact, AfterValidator(_positive)]
NonNegative = Annotated[Exact, AfterValidator(_non_negative)]

Share = Annotated[Exact, AfterValidator(_share)]
"""From 0 to 1, both included."""

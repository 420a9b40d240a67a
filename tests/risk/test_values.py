"""Exact decimals, integers, names, digests, times and frozen maps."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from zkcollateral.risk import values
from zkcollateral.risk.values import Exact, FrozenMap, Integer, SecretMap

DECIMALS = st.from_regex(r"-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,40})?", fullmatch=True).filter(
    str.isascii
)

NO_DECIMALS = [
    "", "-", "+1", " 1", "1 ", "1\n", "01", "-01", "00", "1.", ".5", "1e3", "1E3", "1_000", "1,5",
    "0x10", "NaN", "Infinity", "--1", "1.2.3", "١", "1" * 41, "0." + "1" * 41,
]  # fmt: skip


@given(DECIMALS)
def test_a_decimal_keeps_its_spelling_and_its_value(text: str) -> None:
    number = Exact(text)
    with localcontext() as context:
        context.prec = 200
        assert number == Fraction(Decimal(text))
    assert str(number) == text
    for twin in (pickle.loads(pickle.dumps(number)), copy.copy(number), copy.deepcopy(number)):
        assert isinstance(twin, Exact)
        assert str(twin) == text


@pytest.mark.parametrize("text", NO_DECIMALS)
def test_another_text_is_no_decimal(text: str) -> None:
    with pytest.raises(ValueError, match="expected a decimal"):
        Exact(text)
    with pytest.raises(ValidationError):
        TypeAdapter(Exact).validate_python(text)


@pytest.mark.parametrize("value", [1, 1.5, True, None, Fraction(1, 2), Decimal("1.5"), b"1.5"])
def test_a_decimal_field_takes_no_other_type(value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Exact).validate_python(value)


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        (Fraction(3, 2), "1.5"),
        (Fraction(-3, 2), "-1.5"),
        (0, "0"),
        (100, "100"),
        (Fraction(1, 10**7), "0.0000001"),
        (Fraction(-1, 20), "-0.05"),
        (10**39, "1" + "0" * 39),
        (Fraction(1, 10**40), "0." + "0" * 39 + "1"),
    ],
)
def test_the_shortest_spelling(value: Fraction | int, spelling: str) -> None:
    assert str(Exact.of(value)) == spelling


@given(DECIMALS)
def test_the_shortest_spelling_is_the_same_number(text: str) -> None:
    number = Exact(text)
    short = Exact.of(number)
    assert short == number
    assert len(str(short)) <= len(text)
    assert "." not in str(short) or not str(short).endswith("0")
    assert not str(short).startswith("-0") or short != 0


@pytest.mark.parametrize("value", [Fraction(1, 3), Fraction(1, 10**41), 10**40])
def test_no_short_spelling_no_decimal(value: Fraction | int) -> None:
    with pytest.raises(ValueError, match="expected"):
        Exact.of(value)


@given(DECIMALS, DECIMALS)
def test_arithmetic_on_decimals_is_never_rounded(left: str, right: str) -> None:
    a, b = Exact(left), Exact(right)
    with localcontext() as context:
        context.prec = 400
        assert a + b == Fraction(Decimal(left) + Decimal(right))
        assert a * b == Fraction(Decimal(left) * Decimal(right))
    assert (a + b).__class__ is Fraction


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("-7", -7), ("12", 12)])
def test_integers(text: str, number: int) -> None:
    adapter = TypeAdapter(Annotated[int, Integer(-7, 12)])
    assert adapter.validate_python(text) == number


@pytest.mark.parametrize(
    "value", ["-8", "13", "-0", "00", "007", "+1", "1.0", "", " 1", "1\n", "٣", True, 1.0, None]
)
def test_other_integers_are_refused(value: Any) -> None:
    adapter = TypeAdapter(Annotated[int, Integer(-7, 12)])
    with pytest.raises(ValidationError):
        adapter.validate_python(value)


def test_a_number_of_many_digits_is_refused_and_not_computed() -> None:
    adapter = TypeAdapter(Annotated[int, Integer(0, 10**100)])
    assert adapter.validate_python("9" * 80) == 10**80 - 1
    with pytest.raises(ValidationError):
        adapter.validate_python("9" * 81)


@pytest.mark.parametrize("text", ["a", "B7", "ETH-PERP", "eip155:1/erc20.x_y+z", "0" * 64])
def test_names(text: str) -> None:
    assert TypeAdapter(values.Name).validate_python(text) == text


@pytest.mark.parametrize(
    "text", ["", "-a", ".a", "a b", "a\n", "é", "a" * 65, "a\x00", "a,b", "\u202ea", 5, None]
)
def test_other_names_are_refused(text: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(values.Name).validate_python(text)


@pytest.mark.parametrize("text", ["x", "Bank of Å, 7th floor", "n" * 128])
def test_texts(text: str) -> None:
    assert TypeAdapter(values.Text).validate_python(text) == text


@pytest.mark.parametrize("text", ["", "n" * 129, "a\nb", "a\u202eb", "a\x7f", "\ud800", 7])
def test_other_texts_are_refused(text: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(values.Text).validate_python(text)


@pytest.mark.parametrize("text", ["A" * 64, "a" * 63, "a" * 65, "g" * 64, "a" * 64 + "\n", None])
def test_other_digests_are_refused(text: Any) -> None:
    assert TypeAdapter(values.HexDigest).validate_python("a" * 64) == "a" * 64
    with pytest.raises(ValidationError):
        TypeAdapter(values.HexDigest).validate_python(text)


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30T12:00:00Z",
        datetime(2026, 1, 31),  # noqa: DTZ001
        datetime(2026, 1, 31, tzinfo=UTC) + timedelta(microseconds=1),
        datetime(2026, 1, 31, tzinfo=timezone(timedelta(hours=1))),
        1769860800,
        None,
    ],
)
def test_other_times_are_refused(value: Any) -> None:
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    assert TypeAdapter(values.Time).validate_python("2026-01-31T00:00:00Z") == moment
    assert TypeAdapter(values.Time).validate_python(moment) == moment
    with pytest.raises(ValidationError):
        TypeAdapter(values.Time).validate_python(value)


def test_a_frozen_map_is_a_mapping_and_nothing_else() -> None:
    source = {"a": 1}
    frozen = FrozenMap(source)
    source["a"] = 2
    assert dict(frozen) == {"a": 1} == frozen
    assert hash(frozen) == hash(FrozenMap({"a": 1}))
    assert pickle.loads(pickle.dumps(frozen)) == copy.deepcopy(frozen) == frozen
    assert not hasattr(frozen, "__setitem__")
    assert not hasattr(frozen, "__delitem__")


def test_a_map_has_a_limit() -> None:
    adapter = TypeAdapter(FrozenMap[Exact])
    assert len(adapter.validate_python({f"a{i}": "1" for i in range(1024)})) == 1024
    with pytest.raises(ValidationError):
        adapter.validate_python({f"a{i}": "1" for i in range(1025)})


def test_a_secret_map_hides_its_values() -> None:
    assert repr(SecretMap({"BTC": Exact("31337")})) == "<1 hidden>"


def test_an_exact_number_can_be_compared_with_a_float() -> None:
    assert Exact("0.5") == 0.5
    assert Exact("0.1") != 0.1
    assert Exact("0.1") < 0.2

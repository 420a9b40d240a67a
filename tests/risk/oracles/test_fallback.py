"""An order of sources, and Aave's fallback oracle."""

from __future__ import annotations

from typing import Any

import pytest

from zkcollateral.errors import InputError
from zkcollateral.risk.oracles.fallback import Fallback, first_usable, positive_or_fallback
from zkcollateral.risk.oracles.outcome import PriceBounds, Reason, ReasonKind, Refusal

PRICE = PriceBounds.point(100)


def stale(source: str) -> Refusal:
    return Refusal((Reason(ReasonKind.STALE, source, "fresh", "old"),))


def test_the_first_usable_source_is_used_and_the_reasons_of_the_others_kept() -> None:
    found = first_usable([("a", stale("a")), ("b", PRICE), ("c", PriceBounds.point(99))])
    assert found == Fallback("b", PRICE, stale("a").reasons)
    assert first_usable([("b", PRICE)]) == Fallback("b", PRICE, ())


def test_if_none_is_usable_all_reasons_are_given_in_order() -> None:
    found = first_usable([("b", stale("b")), ("a", stale("a"))])
    assert isinstance(found, Refusal)
    assert [reason.source for reason in found.reasons] == ["b", "a"]


# aave-dao/aave-v3-origin v3.7, tests/misc/AaveOracle.t.sol: testAddSingleSource,
# testUpdateSingleSource, testGetPriceViaFallbackOracle, testAssetZeroPriceNonZeroFallback,
# testAssetZeroPriceAndZeroFallbackPrice.
@pytest.mark.parametrize(
    ("answer", "fallback", "price"),
    [
        (10 * 10**8, None, 10 * 10**8),
        (99 * 10**7, None, 99 * 10**7),
        (None, 300 * 10**8, 300 * 10**8),
        (0, 2 * 10**8, 2 * 10**8),
        (0, 0, 0),
        (-1, 7, 7),
    ],
)
def test_aaves_fallback(answer: int | None, fallback: int | None, price: int) -> None:
    assert positive_or_fallback(answer, fallback) == price


# The same file: testEmptySource and testAssetZeroPriceWithoutFallback revert.
@pytest.mark.parametrize(
    ("answer", "kind"), [(None, ReasonKind.MISSING), (0, ReasonKind.NOT_POSITIVE)]
)
def test_without_a_fallback_oracle_there_is_no_price(answer: int | None, kind: ReasonKind) -> None:
    found = positive_or_fallback(answer, None)
    assert isinstance(found, Refusal)
    assert found.kinds() == (kind, ReasonKind.MISSING)


@pytest.mark.parametrize(
    "make",
    [
        lambda: first_usable([]),
        lambda: first_usable([("a", PRICE), ("a", PRICE)]),
        lambda: first_usable([("", PRICE)]),
        lambda: positive_or_fallback(1.0, None),  # type: ignore[arg-type]
        lambda: positive_or_fallback(0, -1),
        lambda: positive_or_fallback(0, 1.0),  # type: ignore[arg-type]
    ],
)
def test_what_is_out_of_range_is_refused(make: Any) -> None:
    with pytest.raises(InputError):
        make()

"""Order books and constant-product pools."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.liquidation.accounts import F, books, pools
from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.depth import (
    ConstantProductPool,
    DepthCurve,
    Level,
    OrderBook,
    sell,
)

BOOK = OrderBook((Level(F(100), F(2)), Level(F(99), F(3)), Level(F(90), F(5))))


def test_a_book_is_sold_into_from_the_top() -> None:
    sale = sell(BOOK, F(4))
    assert sale.proceeds == 2 * 100 + 2 * 99
    assert sale.price_impact == 1 - F("99.5") / 100
    assert sale.market == OrderBook((Level(F(99), F(1)), Level(F(90), F(5))))
    assert (BOOK.capacity, BOOK.best_price) == (10, 100)
    assert sell(BOOK, F(10)).market == OrderBook(())
    assert OrderBook(()).best_price is None


def test_a_level_at_the_price_is_sold_into() -> None:
    found = [BOOK.sellable_at(F(price)) for price in (101, 100, "99.5", 99, 90, 1)]
    assert found == [0, 2, 2, 5, 10, 10]


@pytest.mark.parametrize(
    ("sold", "base", "quote", "expected"),
    [
        (1, 5, 10, 1662497915624478906),
        (1, 10, 5, 453305446940074565),
        (2, 5, 10, 2851015155847869602),
        (2, 10, 5, 831248957812239453),
        (1, 10, 10, 906610893880149131),
        (1, 100, 100, 987158034397061298),
        (1, 1000, 1000, 996006981039903216),
    ],
)
def test_swaps_of_uniswap_v2(sold: int, base: int, quote: int, expected: int) -> None:
    # Uniswap/v2-core, test/UniswapV2Pair.spec.ts, swapTestCases: outputs are rounded down to wei.
    proceeds = ConstantProductPool(F(base), F(quote)).proceeds(F(sold))
    assert proceeds * 10**18 == expected


def test_the_smallest_amounts_are_those_of_uniswap() -> None:
    pool = ConstantProductPool(F(1), F(1))
    assert (pool.fee, pool.unit, pool.quote_unit) == (F("0.003"), F("1e-18"), F("1e-18"))


def test_the_fee_stays_in_the_pool() -> None:
    pool = ConstantProductPool(F(100), F(100), F("0.1"))
    after = pool.after(F(10))
    assert after.base == 110
    assert after.quote == 100 - F("8.256880733944954128")
    assert (after.fee, after.unit, after.quote_unit) == (pool.fee, pool.unit, pool.quote_unit)
    assert after.base * after.quote > pool.base * pool.quote
    assert pool.best_price == F("0.9")
    assert sell(pool, F(10)).price_impact == 1 - F("0.8256880733944954128") / F("0.9")


def test_the_turning_point_of_a_pool() -> None:
    # Without fee (100 + n)·(99 + n) ≤ 100 · 10,000 / 64: n = 25 makes 15,500 ≤ 15,625, 26 too many.
    pool = ConstantProductPool(F(100), F(10_000), F(0), F(1))
    assert pool.sellable_at(F(64)) == 25
    assert pool.sellable_at(F(100)) == 0
    # In the limit of small units √15625 − 100 = 25 exactly.
    fine = ConstantProductPool(F(100), F(10_000), F(0)).sellable_at(F(64))
    assert fine == 25


@given(pools, st.integers(1, 4000).map(lambda number: Fraction(number, 13)))
def test_the_last_unit_of_a_pool_fetches_the_price_and_the_next_does_not(
    pool: ConstantProductPool, price: Fraction
) -> None:
    amount = pool.sellable_at(price)
    assert amount % pool.unit == 0

    def unrounded(sold: Fraction) -> Fraction:
        kept = sold * (1 - pool.fee)
        return kept * pool.quote / (pool.base + kept)

    def fetched(first: Fraction) -> Fraction:
        return (unrounded(first + pool.unit) - unrounded(first)) / pool.unit

    assert 0 <= unrounded(amount) - pool.proceeds(amount) < pool.quote_unit
    assert pool.proceeds(amount) % pool.quote_unit == 0

    assert fetched(amount) < price
    assert amount == 0 or fetched(amount - pool.unit) >= price


@given(st.one_of(books, pools), st.integers(1, 50), st.integers(1, 50))
def test_selling_in_two_goes_is_never_better_and_never_beyond_the_depth(
    market: DepthCurve, first: int, second: int
) -> None:
    capacity = market.capacity
    total = Fraction(first + second, 5)
    if capacity is not None and total > capacity:
        for call in (market.proceeds, market.after, lambda amount: sell(market, amount)):
            with pytest.raises(InputError, match="amount"):
                call(total)
        return
    whole, start = sell(market, total), sell(market, Fraction(first, 5))
    rest = sell(start.market, Fraction(second, 5))
    together = start.proceeds + rest.proceeds
    # The fee of the first sale stays in the pool, as more of what the second sells.
    if isinstance(market, OrderBook):
        assert together == whole.proceeds
        assert rest.market == whole.market
    else:
        assert together <= whole.proceeds
    assert 0 <= start.price_impact <= whole.price_impact < 1
    if isinstance(whole.market, ConstantProductPool) and isinstance(market, ConstantProductPool):
        assert whole.market.base * whole.market.quote >= market.base * market.quote
    best = market.best_price
    assert best is not None
    assert whole.proceeds <= best * total


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (lambda: Level(F(0), F(1)), "level.price"),
        (lambda: Level(F(1), F(0)), "level.amount"),
        (lambda: Level(1.0, F(1)), "level.price"),  # type: ignore[arg-type]
        (lambda: OrderBook((Level(F(1), F(1)), Level(F(1), F(1)))), r"levels\[1\].price"),
        (lambda: OrderBook((Level(F(1), F(1)), Level(F(2), F(1)))), r"levels\[1\].price"),
        (lambda: OrderBook((3,)), r"levels\[0\]"),  # type: ignore[arg-type]
        (lambda: BOOK.proceeds(F(-1)), "amount to sell"),
        (lambda: BOOK.proceeds(F(11)), "amount to sell"),
        (lambda: BOOK.sellable_at(F(0)), "price"),
        (lambda: sell(BOOK, F(0)), "sale: amount"),
        (lambda: ConstantProductPool(F(0), F(1)), "pool.base"),
        (lambda: ConstantProductPool(F(1), F(0)), "pool.quote"),
        (lambda: ConstantProductPool(F(1), F(1), F(1)), "pool.fee"),
        (lambda: ConstantProductPool(F(1), F(1), F(2)), "pool.fee"),
        (lambda: ConstantProductPool(F(1), F(1), F(-1)), "pool.fee"),
        (lambda: ConstantProductPool(F(1), F(1), F(0), F(0)), "pool.unit"),
        (lambda: ConstantProductPool(F(1), F(1), F(0), F(1), F(0)), "pool.quote_unit"),
        (lambda: ConstantProductPool(F(1), F(1)).proceeds(F(-1)), "amount to sell"),
        (lambda: ConstantProductPool(F(1), F(1)).sellable_at(F(0)), "price"),
    ],
)
def test_what_is_refused(call: Any, where: str) -> None:
    with pytest.raises(InputError, match=where):
        call()

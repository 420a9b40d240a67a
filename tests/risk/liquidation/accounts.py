"""Accounts, rules and markets for the tests of liquidation."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from zkcollateral.risk.liquidation.depth import ConstantProductPool, Level, OrderBook
from zkcollateral.risk.liquidation.position import Account, Holding
from zkcollateral.risk.liquidation.rule import LiquidationRule


def F(value: str | int | Fraction) -> Fraction:
    """A Fraction from its decimal spelling."""
    return Fraction(value)


def holding(
    symbol: str, amount: str | int | Fraction, price: str | int, weight: str | int = 1
) -> Holding:
    return Holding(symbol, F(amount), F(price), F(weight))


def rule(close_factor: str = "0.5", penalty: str = "0.05", **others: str) -> LiquidationRule:
    values: dict[str, Any] = {field: F(value) for field, value in others.items()}
    return LiquidationRule(F(close_factor), F(penalty), **values)


def _numbers(low: int, high: int, scale: int) -> st.SearchStrategy[Fraction]:
    return st.integers(low, high).map(lambda number: Fraction(number, scale))


def holdings(symbols: tuple[str, ...], weights: tuple[int, int]) -> st.SearchStrategy[Any]:
    """A side of an account, each holding with something in it."""
    return st.lists(st.sampled_from(symbols), min_size=1, max_size=2, unique=True).flatmap(
        lambda chosen: st.tuples(
            *(
                st.builds(
                    Holding,
                    st.just(symbol),
                    _numbers(1, 1000, 7),
                    _numbers(1, 500, 10),
                    _numbers(*weights, 100),
                )
                for symbol in chosen
            )
        )
    )


accounts = st.builds(
    Account, holdings(("BTC", "ETH", "SOL"), (10, 95)), holdings(("DAI", "USDC"), (100, 125))
)
liquidatable = accounts.filter(lambda account: account.is_liquidatable)

rules = st.builds(
    LiquidationRule,
    close_factor=_numbers(1, 20, 20),
    penalty=_numbers(0, 30, 100),
    protocol_share=_numbers(0, 10, 10),
    close_all_below=_numbers(0, 12, 10),
    minimum=_numbers(0, 2000, 3),
)

books = st.lists(
    st.tuples(_numbers(1, 600, 10), _numbers(1, 500, 3)),
    max_size=5,
    unique_by=lambda level: level[0],
).map(lambda levels: OrderBook(tuple(Level(*level) for level in sorted(levels, reverse=True))))

pools = st.builds(
    ConstantProductPool,
    _numbers(1, 100_000, 10),
    _numbers(1, 1_000_000, 10),
    fee=_numbers(0, 30, 1000),
    unit=st.sampled_from([F(1), Fraction(1, 10**6), Fraction(1, 10**18)]),
)

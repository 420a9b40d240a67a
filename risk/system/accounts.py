"""Many accounts as arrays of doubles: from portfolios, or made by a seed.

Amounts are in whole assets, one row per asset and one column per account, so that a sum over
accounts runs along memory. They describe a system; whether one account is healthy is for the exact
engine to say (`risk/health.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...errors import InputError
from ..fixed_point import whole
from ..portfolio import Portfolio
from ..registry import Registry
from .numbers import number
from .terms import Floats, SystemTerms

MAX_ACCOUNTS: Final = 10_000_000


@dataclass(frozen=True, eq=False)
class Accounts:
    """What the accounts of a system hold and owe. Secret, unless synthetic.

    Args:
        symbols: of the assets, the rows of both arrays.
        held: shape (assets, accounts), float64, whole assets held as collateral, at least 0.
        owed: the same of debts.
        names: of the accounts, each once; empty if they have none.
        synthetic: how they were made, for every report; empty for accounts that exist.

    Raises:
        InputError: another shape or type, an amount that is negative or no finite number.
    """

    symbols: tuple[str, ...]
    held: Floats
    owed: Floats
    names: tuple[str, ...] = ()
    synthetic: str = ""

    def __repr__(self) -> str:
        return "Accounts(hidden)"

    def __post_init__(self) -> None:
        for side in ("held", "owed"):
            value = getattr(self, side)
            where = f"accounts: {side}"
            if not isinstance(value, np.ndarray) or value.dtype != np.float64:
                raise InputError(where, "an array of float64", f"a {type(value).__name__}")
            if value.ndim != 2 or len(value) != len(self.symbols):
                expected = f"the shape ({len(self.symbols)}, accounts)"
                raise InputError(where, expected, str(value.shape))
            for row, symbol in zip(value, self.symbols, strict=True):
                # NaN compares as false, so that it is caught too.
                if not np.all((row >= 0) & (row < np.inf)):
                    place = int(np.flatnonzero(~((row >= 0) & (row < np.inf)))[0])
                    expected = "finite amounts of at least 0"
                    raise InputError(
                        f"{where} of {symbol}", expected, f"another, of account {place}"
                    )
        if self.held.shape != self.owed.shape:
            raise InputError("accounts: owed", f"the shape {self.held.shape}", "another shape")
        if not 1 <= len(self) <= MAX_ACCOUNTS:
            raise InputError("accounts", f"1 to {MAX_ACCOUNTS:,} accounts", f"{len(self):,}")
        if self.names and len(self.names) != len(self):
            raise InputError("accounts: names", f"{len(self)} of them", str(len(self.names)))
        if len(set(self.names)) != len(self.names):
            raise InputError("accounts: names", "every account once", "one twice")

    def __len__(self) -> int:
        return int(self.held.shape[1])

    def held_value(self, prices: Floats) -> Floats:
        """What each account holds, in quote, at these prices; shape (accounts,)."""
        return weighted(self.held, prices)

    def owed_value(self, prices: Floats) -> Floats:
        """What each account owes, in quote, at these prices; shape (accounts,)."""
        return weighted(self.owed, prices)


def weighted(amounts: Floats, weights: Floats) -> Floats:
    """Σ amounts · weights over the assets, the same for an account whoever stands beside it.

    Args:
        amounts: shape (assets, accounts).
        weights: shape (assets,).

    Returns:
        Shape (accounts,).
    """
    total = np.zeros(amounts.shape[1])
    for row, weight in zip(amounts, weights.tolist(), strict=True):
        if weight:
            total += row * weight
    return total


def accounts_of(
    portfolios: Iterable[Portfolio], registry: Registry, terms: SystemTerms
) -> Accounts:
    """The accounts of portfolios; long signed positions are held, short ones owed.

    Args:
        portfolios: each fits the registry.
        registry: what the slots hold.
        terms: of a policy; what it does not price is left out only where the amount is 0.

    Raises:
        DocumentError: a portfolio that does not fit the registry.
        InputError: an amount of an asset that the policy does not price; an account twice.
    """
    names: list[str] = []
    columns: list[tuple[Floats, Floats]] = []
    for portfolio in portfolios:
        names.append(portfolio.account)
        amounts = portfolio.amounts(registry)
        held, owed = np.zeros(len(terms.symbols)), np.zeros(len(terms.symbols))
        for asset in registry.assets:
            amount = amounts[asset.slot]
            if not amount:
                continue
            place = terms.index(asset.symbol, f"portfolio of {portfolio.account}")
            owes = asset.side == "debt" or (asset.side == "signed" and amount < 0)
            if not (terms.owable if owes else terms.holdable)[place]:
                side = "owed" if owes else "held"
                raise InputError(
                    f"portfolio of {portfolio.account}: {asset.symbol}",
                    f"an asset that the policy prices where it is {side}",
                    "another",
                )
            (owed if owes else held)[place] += float(abs(amount) * asset.smallest_unit)
        columns.append((held, owed))
    if not columns:
        raise InputError("accounts", "at least one portfolio", "none")
    return Accounts(
        terms.symbols,
        np.ascontiguousarray(np.array([held for held, _ in columns]).T),
        np.ascontiguousarray(np.array([owed for _, owed in columns]).T),
        tuple(names),
    )


@dataclass(frozen=True, slots=True)
class SyntheticRule:
    """How synthetic accounts are drawn; the defaults are round numbers, fitted to nothing.

    What an account holds is worth median_value · exp(size_sigma · Z), Z a standard normal. Its
    health, weighted collateral over weighted debt, is 1 + median_buffer · exp(buffer_sigma · Z'):
    few accounts stand close to liquidation, and none below. A share `second_asset` of the accounts
    hold two assets, divided uniformly at random.

    Args:
        median_value: in quote, above 0.
        size_sigma, buffer_sigma: of the logarithms, at least 0.
        median_buffer: of health over 1, above 0.
        second_asset: share of the accounts, 0 to 1.
    """

    median_value: float = 10_000.0
    size_sigma: float = 1.5
    median_buffer: float = 0.5
    buffer_sigma: float = 0.8
    second_asset: float = 0.3

    def __post_init__(self) -> None:
        for field in ("median_value", "median_buffer"):
            number(f"synthetic.{field}", getattr(self, field), above=0)
        for field in ("size_sigma", "buffer_sigma"):
            number(f"synthetic.{field}", getattr(self, field), low=0, high=20)
        number("synthetic.second_asset", self.second_asset, low=0, high=1)

    def __str__(self) -> str:
        return (
            f"lognormal sizes, median {self.median_value:g}, sigma {self.size_sigma:g}; health "
            f"1 + lognormal, median {self.median_buffer:g}, sigma {self.buffer_sigma:g}; "
            f"{self.second_asset:.0%} hold two assets"
        )


_ROUND: Final = SyntheticRule()


def synthetic_accounts(
    count: int, terms: SystemTerms, seed: int, rule: SyntheticRule = _ROUND
) -> Accounts:
    """Made-up accounts, the same for the same seed and numpy's same generator; labelled so.

    Collateral is one or two of the assets that count as such, debt one of the others, all equally
    likely. Where every asset can be held, debt may be any.

    Args:
        count: 1 to 10,000,000.
        terms: of a policy.
        seed: of numpy's PCG64, at least 0. Not for secrets.
        rule: of what they are drawn.

    Raises:
        InputError: a number out of its range; a policy without collateral or debt that counts.
    """
    whole("synthetic accounts", count, 1, MAX_ACCOUNTS)
    whole("seed", seed, 0, 2**64 - 1)
    holdable = np.flatnonzero(terms.held_weight)
    owable = np.flatnonzero(terms.owed_weight)
    if not len(holdable) or not len(owable):
        raise InputError("policy: factors", "collateral and debt with factors above 0", "none")
    only = np.setdiff1d(owable, holdable)
    owable = only if len(only) else owable
    generator = np.random.default_rng(seed)
    value = rule.median_value * np.exp(rule.size_sigma * generator.standard_normal(count))
    excess = rule.median_buffer * np.exp(rule.buffer_sigma * generator.standard_normal(count))
    first, second = generator.choice(holdable, size=(2, count))
    two = generator.random(count) < rule.second_asset
    split = np.where(two, generator.random(count), 1.0)
    borrowed = generator.choice(owable, size=count)
    every = np.arange(count)
    held = np.zeros((len(terms.symbols), count))
    np.add.at(held, (first, every), split * value / terms.prices[first])
    np.add.at(held, (second, every), (1 - split) * value / terms.prices[second])
    test = weighted(held, terms.held_weight * terms.prices) / (1 + excess) - terms.reserve
    owed = np.zeros((len(terms.symbols), count))
    unit = terms.owed_weight[borrowed] * terms.prices[borrowed]
    owed[borrowed, every] = np.maximum(test, 0.0) / unit
    label = f"synthetic, {count:,} accounts, seed {seed}: {rule}"
    return Accounts(terms.symbols, held, owed, (), label)

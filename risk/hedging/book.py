"""What a claim allows an account to sell and to repay, piece by piece, exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from ..claims import Liquid, Repayment, Sale
from ..registry import Asset
from ..valuation import Account, held, owed

Amounts = dict[Asset, Fraction]
"""Smallest units by asset, not whole yet."""


@dataclass(frozen=True)
class Piece:
    """Up to `units` of an asset, each of which counts `weight` and is traded for `money`."""

    asset: Asset
    units: int
    weight: Fraction
    money: Fraction

    @property
    def value(self) -> Fraction:
        """What all of it counts."""
        return self.units * self.weight

    @property
    def rate(self) -> Fraction:
        """What it counts per money."""
        return self.weight / self.money


class Book:
    """What may be sold, by rising rate, and what may be repaid, by falling rate."""

    def __init__(self, account: Account, claim: Liquid) -> None:
        self.account = account
        self.claim = claim
        self.sales = sorted(self._pieces(bought=False), key=lambda piece: piece.rate)
        self.repayments = sorted(self._pieces(bought=True), key=lambda piece: -piece.rate)

    def _pieces(self, *, bought: bool) -> Iterator[Piece]:
        terms: Mapping[str, Sale | Repayment]
        terms = self.claim.repayments if bought else self.claim.sales
        side = "debt" if bought else "collateral"
        for asset in self.account.registry.assets:
            own = terms.get(asset.symbol) if asset.side in (side, "signed") else None
            priced = getattr(self.account.policy.factors, asset.side)
            if own is None or asset.symbol not in priced:
                continue
            amount = (owed if bought else held)(asset, self.account.amounts[asset.slot])
            room = min(amount, floor(own.limit / asset.smallest_unit))
            money = self.account.traded(asset, own.cost, bought=bought)
            if money <= 0:
                continue
            slices = self.account.slices(asset, self.claim.ratio, owed=bought)
            for start, weight in reversed(slices):
                units = min(room, amount - start)
                if units > 0:
                    yield Piece(asset, units, weight, money)
                    room -= units
                    amount = start

    def steps(self) -> Iterator[tuple[Piece, Piece, Fraction]]:
        """A sale, a repayment, and the money from one to the other; each gains, the first most."""
        sales, repayments = iter(self.sales), iter(self.repayments)
        sale, repayment = next(sales, None), next(repayments, None)
        offered = needed = Fraction(0)
        if sale and repayment:
            offered, needed = sale.units * sale.money, repayment.units * repayment.money
        while sale and repayment and sale.rate < repayment.rate:
            money = min(offered, needed)
            yield sale, repayment, money
            offered, needed = offered - money, needed - money
            if not offered and (sale := next(sales, None)):
                offered = sale.units * sale.money
            if not needed and (repayment := next(repayments, None)):
                needed = repayment.units * repayment.money

    def gain(self) -> Fraction:
        """By how much the trades can raise the margin, all of them divisible."""
        each = (money * (repayment.rate - sale.rate) for sale, repayment, money in self.steps())
        return sum(each, Fraction(0))

    def until(self, missing: Fraction) -> tuple[Amounts, Amounts]:
        """The units sold and repaid when so much is gained, or all that gains if it is too much."""
        sold: Amounts = {}
        repaid: Amounts = {}
        for sale, repayment, most in self.steps():
            rate = repayment.rate - sale.rate
            money = min(most, missing / rate)
            sold[sale.asset] = sold.get(sale.asset, Fraction(0)) + money / sale.money
            repaid[repayment.asset] = (
                repaid.get(repayment.asset, Fraction(0)) + money / repayment.money
            )
            missing -= money * rate
            if missing <= 0:
                break
        return sold, repaid

"""The portfolio: what an account holds and owes. Secret."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

from ..errors import DocumentError
from .document import Document
from .registry import Asset, Registry, Side
from .values import Exact, Name, NonNegative, SecretMap

AMOUNT_LIMIT = 2**63
"""Amounts are below this in absolute value, in the smallest unit."""


class Portfolio(Document):
    """Amounts in whole assets, by side and symbol. A debt is what is owed, a positive number."""

    SECRET: ClassVar[bool] = True

    format: Literal["zkcollateral/portfolio/1"] = "zkcollateral/portfolio/1"
    account: Name
    collateral: SecretMap[NonNegative]
    debt: SecretMap[NonNegative]
    signed: SecretMap[Exact]

    def amounts(self, registry: Registry) -> tuple[int, ...]:
        """The amount in every slot, in its smallest unit; 0 where the portfolio names nothing.

        Returns:
            `registry.slots` integers, each below 2^63 in absolute value.

        Raises:
            DocumentError: an asset that the registry does not have on that side, an amount that is
                no multiple of the smallest unit or not below 2^63 of them. It names the asset only.
        """
        amounts = [0] * registry.slots
        for side in get_args(Side):
            for symbol, amount in getattr(self, side).items():
                where = f"portfolio: {side}.{symbol}"
                asset = registry.by_key.get((symbol, side))
                if asset is None:
                    raise DocumentError(where, "an asset of the registry", "another symbol or side")
                amounts[asset.slot] = _in_units(amount, asset, where)
        return tuple(amounts)


def _in_units(amount: Exact, asset: Asset, where: str) -> int:
    units = amount / asset.smallest_unit
    if units.denominator != 1:
        raise DocumentError(where, f"a multiple of 10^{asset.unit}", "a finer amount")
    if abs(units) >= AMOUNT_LIMIT:
        raise DocumentError(where, f"less than 2^63 units of 10^{asset.unit}", "more")
    return units.numerator

"""The claims that a policy may name: what an account can show."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from .document import Part
from .values import Exact, FrozenMap, Name, NonNegative, Positive, Several, refusal


def _shock(value: Exact) -> Exact:
    if value < -1:
        raise refusal("a shock of at least -1")
    return value


def _fall(value: Exact) -> Exact:
    if not 0 < value <= 1:
        raise refusal("a fall above 0 and at most 1")
    return value


class Scenario(Part):
    """Prices after shocks: a price becomes price·(1 + shock), and stays where no shock is named.

    A claim on another asset (a growth cap, a wrapped one) moves with that one, unless it is named:
    the nearest named asset of its chain counts, alone.
    """

    name: Name
    shocks: FrozenMap[Annotated[Exact, AfterValidator(_shock)]]


Scenarios = Annotated[Several[Scenario], Field(min_length=1)]


def _check_names(scenarios: tuple[Scenario, ...]) -> None:
    seen: set[str] = set()
    for index, scenario in enumerate(scenarios):
        if scenario.name in seen:
            raise refusal(
                "every scenario once", f"{scenario.name!r} twice", f"scenarios[{index}].name"
            )
        seen.add(scenario.name)


class _OfAccount(Part):
    """A claim about one account; `category` names the policy's category that it is in, if any."""

    category: Name | None = None


class Maintenance(_OfAccount):
    """Σ collateral·price·factor ≥ ratio · Σ debt·price·factor."""

    type: Literal["maintenance"] = "maintenance"


class Stress(_OfAccount):
    """Maintenance under every one of the scenarios."""

    type: Literal["stress"] = "stress"
    scenarios: Scenarios

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_names(self.scenarios)
        return self


class Band(_OfAccount):
    """low ≤ Σ collateral·price·factor / Σ debt·price·factor < high; `high` None: no upper bound."""

    type: Literal["band"] = "band"
    low: NonNegative
    high: Positive | None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.high is not None and self.low >= self.high:
            raise refusal("a bound above low", repr(str(self.high)), "high")
        return self


class Survives(_OfAccount):
    """Maintenance now, and still after the prices of the named assets fell by `fall`.

    0.3 is thirty per cent. The value is concave in the size of the fall, so every smaller fall is
    survived too.
    """

    type: Literal["survives"] = "survives"
    assets: Annotated[Several[Name], Field(min_length=1)]
    fall: Annotated[Exact, AfterValidator(_fall)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        seen: set[str] = set()
        for index, symbol in enumerate(self.assets):
            if symbol in seen:
                raise refusal("every asset once", f"{symbol!r} twice", f"assets[{index}]")
            seen.add(symbol)
        return self


class NotLiquidatable(_OfAccount):
    """Now and in every scenario: the policy's liquidation test is passed, and what is held is worth
    the debts with the penalty fee on top.
    """

    type: Literal["not_liquidatable"] = "not_liquidatable"
    scenarios: Annotated[Several[Scenario], Field()]

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_names(self.scenarios)
        return self


def _lost(value: Exact) -> Exact:
    if not 0 <= value < 1:
        raise refusal("a share of at least 0 and below 1")
    return value


class Sale(Part):
    """How much of an asset may be sold: `limit` whole assets, each for its price · (1 − cost)."""

    limit: NonNegative
    cost: Annotated[Exact, AfterValidator(_lost)]


class Repayment(Part):
    """How much of a debt may be repaid: `limit` whole assets, each for its price · (1 + cost)."""

    limit: NonNegative
    cost: NonNegative


class Liquid(_OfAccount):
    """A deleveraging exists after which Σ collateral·price·factor ≥ ratio · Σ debt·price·factor
    + reserve.

    No more is sold of an asset than is held and than `sales` allows, no more repaid of a debt than
    is owed and than `repayments` allows, and the sales pay for the repayments; what is left of the
    proceeds counts nothing. Amounts are divisible. Of a signed slot the long part may be sold and
    the short part bought back.
    """

    type: Literal["liquid"] = "liquid"
    ratio: Positive
    sales: FrozenMap[Sale]
    repayments: FrozenMap[Repayment]


class PortfolioMargin(_OfAccount):
    """Maintenance with what the policy's instruments are worth, after `factor` times the largest
    loss that the policy's margin model finds, with its contingencies.
    """

    type: Literal["portfolio_margin"] = "portfolio_margin"
    factor: Positive


class Covers(Part):
    """The assets of one account cover the liabilities of another, `ratio` times.

    What the first account owes itself is taken off its assets. With `net` the whole is compared in
    value at the round's prices, before factors; without, asset by asset, and no surplus of one
    makes up for another.
    """

    type: Literal["covers"] = "covers"
    ratio: Positive
    net: bool


AccountClaim: TypeAlias = (
    Maintenance | Stress | Band | Survives | NotLiquidatable | Liquid | PortfolioMargin
)
"""A claim about one account."""

ClaimRule: TypeAlias = AccountClaim | Covers

ClaimType = Literal[
    "maintenance",
    "stress",
    "band",
    "survives",
    "not_liquidatable",
    "liquid",
    "portfolio_margin",
    "covers",
]

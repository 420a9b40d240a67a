"""The policy: what is asked of an account, and on whose word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ..errors import DocumentError, InputError
from .claims import (
    AccountClaim,
    ClaimRule,
    Covers,
    Liquid,
    NotLiquidatable,
    PortfolioMargin,
    Stress,
    Survives,
)
from .document import Document, Part
from .factors import Factor, Factors, Scaled, Sized, check_held
from .histories import HistoryShape
from .margin.model import MarginModel
from .registry import Registry
from .terms import LiquidationTerms
from .values import (
    Exact,
    FrozenMap,
    HexDigest,
    Integer,
    Name,
    NonNegative,
    Positive,
    Several,
    Share,
    Time,
    refusal,
)
from .volatility.adaptive import AdaptiveRatio
from .wrapped.model import Wrapped, chain, check_chains

MAX_SECONDS = 10**9
"""Longest age a policy may allow, about 31 years."""

Profile = Literal["balanced", "compact", "fast"]


def _part(value: Exact) -> Exact:
    if not 0 < value < 1:
        raise refusal("a share above 0 and below 1")
    return value


Seconds = Annotated[int, Integer(1, MAX_SECONDS)]


class OracleRule(Part):
    """When price reports make a round: see `prices.combine`."""

    quorum: Annotated[int, Integer(1, 64)]
    max_age_seconds: Seconds
    max_deviation: Share


class CommitmentRule(Part):
    """Which commitments are taken: how old, how many added up, whether unvouched ones may be.

    `max_apart_seconds` is how far apart the as-of times of a claim may lie: what moves from one
    venue to another in between is counted twice.
    """

    max_age_seconds: Seconds
    max_summands: Annotated[int, Integer(1, 64)]
    max_apart_seconds: Annotated[int, Integer(0, MAX_SECONDS)]
    unvouched: bool


class ConfidenceRule(Part):
    """Prices by the oracles' own confidence σ: what is held at μ − multiple·σ, what is owed at
    μ + multiple·σ. A price with σ above `max_share` of it is refused.
    """

    multiple: Positive
    max_share: Share


class GrowthCap(Part):
    """A yearly limit on the exchange rate of a yield-bearing asset (Aave CAPO).

    What is held is worth the price of `underlying` times the smaller of the figure `rate` and
    snapshot · (1 + yearly_growth · seconds since the snapshot / 31,536,000); what is owed is worth
    the price times `rate`. `underlying` may be a claim on another asset itself.
    """

    underlying: Name
    rate: Name
    snapshot: Positive
    snapshot_time: Time
    yearly_growth: NonNegative

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.snapshot_time.year < 1970:
            raise refusal("a time of 1970 or later", "an earlier one", "snapshot_time")
        return self


class Limit(Part):
    """A concentration limit: how much of all collateral the named assets may be.

    `refused`: a claim of maintenance, stress, band or survives fails if they are worth more than
    `share` of all collateral at the round's prices, before factors. `uncounted`: in every condition
    but the penalty's what exceeds `share` of the collateral's value after factors counts nothing.
    """

    name: Name
    assets: Annotated[Several[Name], Field(min_length=1)]
    share: Annotated[Exact, AfterValidator(_part)]
    excess: Literal["refused", "uncounted"]


class Category(Part):
    """An efficiency category (Aave's eMode): other factors for some collateral, and nothing owed
    but the assets named in `debts`. `liquidation` replaces factors of the liquidation test.
    """

    collateral: FrozenMap[Factor]
    debts: Several[Name]
    liquidation: FrozenMap[Factor] = FrozenMap({})

    @model_validator(mode="after")
    def _check(self) -> Self:
        for field in ("collateral", "liquidation"):
            factors: Mapping[str, Factor] = getattr(self, field)
            for symbol, factor in factors.items():
                check_held(factor, f"{field}.{symbol}")
        return self


class Policy(Document):
    """What is asked of an account; names one registry by its digest.

    `reserve`, in quote, is what must be left of the collateral above the weighted debt, in every
    condition but those of a band, of `covers` and of the penalty fee.
    """

    format: Literal["zkcollateral/policy/1"] = "zkcollateral/policy/1"
    name: Name
    registry: HexDigest
    quote: Name
    ratio: Positive
    factors: Factors
    value_decimals: Annotated[int, Integer(0, 80)] | None
    oracle: OracleRule
    commitments: CommitmentRule
    profile: Profile
    claims: FrozenMap[Annotated[ClaimRule, Field(discriminator="type")]]
    reserve: NonNegative | None = None
    limits: Several[Limit] = ()
    categories: FrozenMap[Category] = FrozenMap({})
    confidence: ConfidenceRule | None = None
    growth_caps: FrozenMap[GrowthCap] = FrozenMap({})
    wrapped: FrozenMap[Wrapped] = FrozenMap({})
    liquidation: LiquidationTerms | None = None
    adaptive: AdaptiveRatio | None = None
    margin: MarginModel | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.claims:
            raise refusal("at least one claim", "none", "claims")
        for name, claim in self.claims.items():
            if isinstance(claim, Covers):
                continue
            if claim.category is not None and claim.category not in self.categories:
                raise refusal(
                    "a category of the policy", repr(claim.category), f"claims.{name}.category"
                )
            if isinstance(claim, NotLiquidatable) and self.liquidation is None:
                raise refusal("a policy with liquidation terms", "none", f"claims.{name}")
            if isinstance(claim, Liquid):
                self._check_liquid(claim, f"claims.{name}")
            if isinstance(claim, PortfolioMargin) and self.margin is None:
                raise refusal("a policy with a margin model", "none", f"claims.{name}")
        check_chains(
            {symbol: cap.underlying for symbol, cap in self.growth_caps.items()},
            {symbol: each.underlying for symbol, each in self.wrapped.items()},
        )
        self._check_limits()
        self._check_test()
        if self.margin is not None:
            self._check_margin(self.margin)
        if self.adaptive is not None:
            self.adaptive.check_in(self.ratio, self.symbols, {c.type for c in self.claims.values()})
        return self

    def _check_limits(self) -> None:
        names: set[str] = set()
        counted: set[str] = set()
        for index, limit in enumerate(self.limits):
            if limit.name in names:
                raise refusal("every limit once", f"{limit.name!r} twice", f"limits[{index}].name")
            names.add(limit.name)
            own: set[str] = set()
            for place, symbol in enumerate(limit.assets):
                at = f"limits[{index}].assets[{place}]"
                if symbol not in self.factors.collateral:
                    raise refusal("collateral with a factor", repr(symbol), at)
                if symbol in own:
                    raise refusal("every asset once", f"{symbol!r} twice", at)
                if limit.excess == "uncounted" and symbol in counted:
                    raise refusal("an asset in one uncounted limit only", repr(symbol), at)
                own.add(symbol)
            if limit.excess == "uncounted":
                counted |= own

    def _check_liquid(self, claim: Liquid, at: str) -> None:
        """What is traded has one slot and one factor there, and what counts of it depends on
        nothing else.
        """
        if any(limit.excess == "uncounted" for limit in self.limits):
            raise refusal(
                "a policy whose limits refuse an excess", "one that leaves it uncounted", at
            )
        signed = self.factors.signed
        for field, side in (("sales", "collateral"), ("repayments", "debt")):
            own: Mapping[str, Factor] = getattr(self.factors, side)
            for symbol in getattr(claim, field):
                where = f"{at}.{field}.{symbol}"
                if (symbol in own) == (symbol in signed):
                    expected = f"an asset with a factor as {side} or as signed, and not as both"
                    raise refusal(expected, repr(symbol), where)
                factors = [own[symbol]] if symbol in own else []
                if symbol in signed:
                    both = signed[symbol]
                    factors = [both.long if field == "sales" else both.short]
                elif field == "sales" and claim.category is not None:
                    replaced = self.categories[claim.category].collateral
                    factors = [replaced.get(symbol, own[symbol])]
                if any(isinstance(factor, Sized) for factor in factors):
                    raise refusal("a factor that does not jump", "a sized one", where)

    def _check_margin(self, model: MarginModel) -> None:
        """An instrument counts by the model only, and a spot by a weight that depends on nothing
        else.
        """
        if self.confidence is not None:
            raise refusal("no margin model beside prices with confidence", "both", "margin")
        for symbol in model.instruments:
            if symbol in self.factors.signed:
                at = f"margin.instruments.{symbol}"
                raise refusal("a symbol without factors as signed", repr(symbol), at)
        for symbol in sorted(model.symbols):
            # The model takes prices as oracles report them; a cap or a haircut would be passed by.
            if symbol in self.growth_caps or symbol in self.wrapped:
                raise refusal(
                    "prices of assets that are no claims on others", repr(symbol), "margin"
                )
        capped = {s for each in self.limits if each.excess == "uncounted" for s in each.assets}
        for symbol in model.spots:
            at = f"margin.spots.{symbol}"
            factors = [
                side[symbol]
                for side in (self.factors.collateral, self.factors.debt)
                if symbol in side
            ]
            for category in self.categories.values():
                factors += [f for s, f in category.collateral.items() if s == symbol]
            if not factors:
                raise refusal("collateral or a debt with a factor", repr(symbol), at)
            if not all(isinstance(factor, Exact) for factor in factors):
                raise refusal("plain factors", "others", at)
            if symbol in capped:
                raise refusal("an asset in no uncounted limit", repr(symbol), at)

    def _check_test(self) -> None:
        """Categories and liquidation factors are about what the policy prices."""
        for name, category in self.categories.items():
            for field in ("collateral", "liquidation"):
                for symbol in getattr(category, field):
                    if symbol not in self.factors.collateral:
                        at = f"categories.{name}.{field}.{symbol}"
                        raise refusal("collateral with a factor", "another symbol", at)
        test = self.liquidation.factors if self.liquidation else None
        if test is not None and set(test.pairs()) != set(self.factors.pairs()):
            raise refusal(
                "factors for the same assets as `factors`", "other assets", "liquidation.factors"
            )

    @property
    def test_factors(self) -> Factors:
        """The factors of the liquidation test."""
        test = self.liquidation.factors if self.liquidation else None
        return self.factors if test is None else test

    def category_of(self, claim: ClaimRule) -> Category | None:
        """The category that a claim says the account is in."""
        if isinstance(claim, Covers) or claim.category is None:
            return None
        return self.categories[claim.category]

    def account_claim(self, name: str) -> AccountClaim:
        """The claim of a name.

        Raises:
            InputError: there is none (at `claims`), or it is about two accounts (at `claim`).
        """
        claim = self.claims.get(name)
        if claim is None:
            expected = f"a claim of the name {name!r}"
            raise InputError("claims", expected, ", ".join(sorted(self.claims)))
        if isinstance(claim, Covers):
            raise InputError("claim", "a claim about one account", f"{name!r}, about two")
        return claim

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The symbols whose price the policy needs, ascending."""
        priced = {symbol for symbol, _ in self.factors.pairs()}
        needed = {(symbol, *chain(symbol, self.underlyings))[-1] for symbol in priced}
        return tuple(sorted(needed | (self.margin.symbols if self.margin else set())))

    @cached_property
    def underlyings(self) -> dict[str, str]:
        """What every asset with a growth cap and every wrapped one is a claim on."""
        claims: dict[str, GrowthCap | Wrapped] = {**self.growth_caps, **self.wrapped}
        return {symbol: each.underlying for symbol, each in claims.items()}

    @cached_property
    def figures(self) -> tuple[str, ...]:
        """The other numbers that the policy needs of the oracles, ascending."""
        names = {cap.rate for cap in self.growth_caps.values()}
        names |= {each.rate for each in self.wrapped.values() if each.rate is not None}
        held = [*self.factors.held(), *self.test_factors.held()]
        for category in self.categories.values():
            held += [*category.collateral.values(), *category.liquidation.values()]
        names |= {factor.figure for factor in held if isinstance(factor, Scaled)}
        if self.adaptive is not None:
            names |= {each.figure for each in self.adaptive.stress}
        if self.margin is not None:
            names |= self.margin.figures
        return tuple(sorted(names))

    @cached_property
    def histories(self) -> dict[str, HistoryShape]:
        """The price histories that the policy needs of the oracles: by symbol, ascending."""
        rule = self.adaptive
        return {} if rule is None else dict.fromkeys(sorted(rule.symbols), rule.shape)


def check_policy(policy: Policy, registry_digest: str, registry: Registry) -> None:
    """Check that a policy is about this registry and names only what the registry has.

    Args:
        policy: the policy.
        registry_digest: SHA-256 of the registry's canonical form.
        registry: the registry itself.

    Raises:
        DocumentError: the policy names another registry; a factor for a (symbol, side), or a shock,
            a falling asset, a growth cap, a wrapped asset or a category's debt for a symbol, that
            the registry does not have and nothing of it is a claim on; no factor at all.
    """
    if policy.registry != registry_digest:
        raise DocumentError("policy: registry", f"the digest {registry_digest}", policy.registry)
    if not policy.symbols:
        raise DocumentError("policy: factors", "at least one factor", "none")
    for symbol, side in policy.factors.pairs():
        if (symbol, side) not in registry.by_key:
            raise DocumentError(
                f"policy: factors.{side}.{symbol}",
                "an asset of the registry",
                "another symbol or side",
            )
    for symbol in policy.margin.instruments if policy.margin else ():
        if (symbol, "signed") not in registry.by_key:
            raise DocumentError(
                f"policy: margin.instruments.{symbol}",
                "a signed asset of the registry",
                "another symbol or side",
            )
    known = _known_symbols(policy, registry)
    for path, symbol in _named_symbols(policy):
        if symbol not in known:
            raise DocumentError(f"policy: {path}", "a symbol of the registry", repr(symbol))


def _known_symbols(policy: Policy, registry: Registry) -> set[str]:
    """What the registry has, and what that is a claim on."""
    return {s for own in registry.symbols for s in (own, *chain(own, policy.underlyings))}


def _named_symbols(policy: Policy) -> Iterator[tuple[str, str]]:
    for name, claim in policy.claims.items():
        if isinstance(claim, (Stress, NotLiquidatable)):
            for index, scenario in enumerate(claim.scenarios):
                for symbol in scenario.shocks:
                    yield f"claims.{name}.scenarios[{index}].shocks", symbol
        elif isinstance(claim, Survives):
            for index, symbol in enumerate(claim.assets):
                yield f"claims.{name}.assets[{index}]", symbol
    for symbol in policy.growth_caps:
        yield f"growth_caps.{symbol}", symbol
    for symbol in policy.wrapped:
        yield f"wrapped.{symbol}", symbol
    for name, category in policy.categories.items():
        for index, symbol in enumerate(category.debts):
            yield f"categories.{name}.debts[{index}]", symbol

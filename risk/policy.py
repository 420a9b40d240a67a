"""The policy: what is asked of an account, and on whose word."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from ..errors import DocumentError
from .document import Document, Part
from .registry import Registry, Side
from .values import (
    Exact,
    FrozenMap,
    HexDigest,
    Integer,
    Name,
    NonNegative,
    Positive,
    Several,
    refusal,
)

MAX_SECONDS = 10**9
"""Longest age a policy may allow, about 31 years."""

Profile = Literal["balanced", "compact", "fast"]


def _shock(value: Exact) -> Exact:
    if value < -1:
        raise refusal("a shock of at least -1")
    return value


def _fall(value: Exact) -> Exact:
    if not 0 < value <= 1:
        raise refusal("a fall above 0 and at most 1")
    return value


def _share(value: Exact) -> Exact:
    if not 0 <= value <= 1:
        raise refusal("a share from 0 to 1")
    return value


Seconds = Annotated[int, Integer(1, MAX_SECONDS)]


class SignedFactor(Part):
    """Factors of a signed slot: `long` for the part above 0, `short` for the part below."""

    long: NonNegative
    short: NonNegative


class Factors(Part):
    """What one unit of value counts, by side and symbol. What has no factor here is not priced."""

    collateral: FrozenMap[NonNegative]
    debt: FrozenMap[NonNegative]
    signed: FrozenMap[SignedFactor]

    def pairs(self) -> Iterator[tuple[str, Side]]:
        """Every (symbol, side) that has a factor."""
        yield from ((symbol, "collateral") for symbol in self.collateral)
        yield from ((symbol, "debt") for symbol in self.debt)
        yield from ((symbol, "signed") for symbol in self.signed)


class OracleRule(Part):
    """When price reports make a round: see `prices.combine`."""

    quorum: Annotated[int, Integer(1, 64)]
    max_age_seconds: Seconds
    max_deviation: Annotated[Exact, AfterValidator(_share)]


class CommitmentRule(Part):
    """Which commitments are taken: how old, how many added up, whether unvouched ones may be.

    `max_apart_seconds` is how far apart the as-of times of a sum may lie: what moves from one venue
    to another in between is counted twice.
    """

    max_age_seconds: Seconds
    max_summands: Annotated[int, Integer(1, 64)]
    max_apart_seconds: Annotated[int, Integer(0, MAX_SECONDS)]
    unvouched: bool


class Maintenance(Part):
    """Σ collateral·price·factor ≥ ratio · Σ debt·price·factor."""

    type: Literal["maintenance"] = "maintenance"


class Scenario(Part):
    """Prices after shocks: a price becomes price·(1 + shock), and stays where no shock is named."""

    name: Name
    shocks: FrozenMap[Annotated[Exact, AfterValidator(_shock)]]


class Stress(Part):
    """Maintenance under every one of the scenarios."""

    type: Literal["stress"] = "stress"
    scenarios: Annotated[Several[Scenario], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        seen: set[str] = set()
        for index, scenario in enumerate(self.scenarios):
            if scenario.name in seen:
                raise refusal(
                    "every scenario once", f"{scenario.name!r} twice", f"scenarios[{index}].name"
                )
            seen.add(scenario.name)
        return self


class Band(Part):
    """low ≤ Σ collateral·price·factor / Σ debt·price·factor < high; `high` None: no upper bound."""

    type: Literal["band"] = "band"
    low: NonNegative
    high: Positive | None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.high is not None and self.low >= self.high:
            raise refusal("a bound above low", repr(str(self.high)), "high")
        return self


class Survives(Part):
    """Maintenance now, and still after the prices of the named assets fell by `fall`.

    0.3 is thirty per cent. The value is linear in prices, so every smaller fall is survived too.
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


ClaimRule: TypeAlias = Maintenance | Stress | Band | Survives


class Policy(Document):
    """What is asked of an account; names one registry by its digest."""

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

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.claims:
            raise refusal("at least one claim", "none", "claims")
        return self

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The symbols whose price the policy needs, ascending."""
        return tuple(sorted({symbol for symbol, _ in self.factors.pairs()}))


def check_policy(policy: Policy, registry_digest: str, registry: Registry) -> None:
    """Check that a policy is about this registry and names only what the registry has.

    Args:
        policy: the policy.
        registry_digest: SHA-256 of the registry's canonical form.
        registry: the registry itself.

    Raises:
        DocumentError: the policy names another registry; a factor for a (symbol, side), or a shock
            or a falling asset for a symbol, that the registry does not have; no factor at all.
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
    for name, claim in policy.claims.items():
        for path, symbol in _named_symbols(claim):
            if symbol not in registry.symbols:
                raise DocumentError(
                    f"policy: claims.{name}.{path}", "a symbol of the registry", repr(symbol)
                )


def _named_symbols(claim: ClaimRule) -> Iterator[tuple[str, str]]:
    if isinstance(claim, Stress):
        for index, scenario in enumerate(claim.scenarios):
            for symbol in scenario.shocks:
                yield f"scenarios[{index}].shocks", symbol
    elif isinstance(claim, Survives):
        for index, symbol in enumerate(claim.assets):
            yield f"assets[{index}]", symbol

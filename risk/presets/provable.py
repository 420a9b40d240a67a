"""A protocol's health test as a policy, so that it can be proved.

A policy's conditions are exact and have no roundings of their own, a protocol's test rounds. The
policy asks for a little more than the test: its `reserve` is a bound on all roundings together, the
dust. Whoever satisfies the policy passes the protocol's test at the same prices. Whoever passes the
test with twice the dust to spare satisfies the policy, where its module names no other gap: factors
of more than 18 decimals are rounded against the account, and curves are replaced by chords.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Any

from ...errors import InputError
from ..claims import Maintenance, NotLiquidatable, Scenario
from ..policy import CommitmentRule, OracleRule, Policy, Profile
from ..registry import Registry
from ..values import Exact, FrozenMap

DECIMALS = 18
"""Decimals that a factor is rounded to, against the account, where it has more."""

HEALTHY = "healthy"
NOT_LIQUIDATABLE = "not-liquidatable"


@dataclass(frozen=True)
class ProvableRule:
    """A protocol's health test in the terms of a policy.

    Attributes:
        protocol: its name, as the policy's.
        quote: what values are counted in.
        ratio: collateral·factor ≥ ratio · debt·factor; 1 or more.
        factors: by side (`collateral`, `debt`, `signed`) and symbol, as a policy document has them.
        dust: in quote, at least what all roundings of the protocol's test together can be.
        minimum: in quote, what the protocol asks for besides (a minimum margin).
        terms: the liquidation terms as a policy document has them, without `ratio` and `factors`.
        fields: further fields of the policy document (`categories`, `growth_caps`, …).
        largest_units: by symbol, the largest power of ten of a registry's smallest unit with which
            the dust is a bound.
    """

    protocol: str
    quote: str
    ratio: Fraction
    factors: Mapping[str, Mapping[str, Any]]
    dust: Fraction
    terms: Mapping[str, Any]
    minimum: Fraction = Fraction(0)
    fields: Mapping[str, Any] = field(default_factory=dict)
    largest_units: Mapping[str, int] = field(default_factory=dict)

    def policy(
        self,
        registry: Registry,
        registry_digest: str,
        oracle: OracleRule,
        commitments: CommitmentRule,
        *,
        scenarios: Sequence[Scenario] = (),
        profile: Profile = "balanced",
    ) -> Policy:
        """The policy with two claims: `healthy` now, and `not-liquidatable` now and under shocks.

        Args:
            registry: what the slots hold; only its assets can have factors.
            registry_digest: SHA-256 of the registry's canonical form.
            oracle, commitments: on whose word.
            scenarios: the named shocks of `not-liquidatable`.
            profile: size against speed of the proofs.

        Raises:
            DocumentError: the rule and these make no policy.
            InputError: a unit of the registry with which the dust is no bound.
        """
        for asset in registry.assets:
            largest = self.largest_units.get(asset.symbol)
            if largest is not None and asset.unit > largest:
                where = f"registry: unit of {asset.symbol}"
                raise InputError(where, f"at most {largest}, for {self.protocol}", str(asset.unit))
        known = set(registry.by_key)
        factors = {
            side: {
                symbol: factor
                for symbol, factor in self.factors.get(side, {}).items()
                if (symbol, side) in known
            }
            for side in ("collateral", "debt", "signed")
        }
        ratio = rounded_up(self.ratio)
        return Policy.build(
            name=self.protocol,
            registry=registry_digest,
            quote=self.quote,
            ratio=ratio,
            factors=factors,
            value_decimals=None,
            oracle=oracle,
            commitments=commitments,
            profile=profile,
            reserve=rounded_up(self.dust + self.minimum),
            liquidation={"ratio": ratio, **self.terms},
            claims=FrozenMap(
                {
                    HEALTHY: Maintenance(),
                    NOT_LIQUIDATABLE: NotLiquidatable(scenarios=tuple(scenarios)),
                }
            ),
            **self.fields,
        )


def rounded_down(value: Fraction | int) -> Exact:
    """`value` in at most 18 decimals, rounded down: a factor of what is held."""
    return Exact.of(Fraction(floor(Fraction(value) * 10**DECIMALS), 10**DECIMALS))


def rounded_up(value: Fraction | int) -> Exact:
    """`value` in at most 18 decimals, rounded up: a factor of what is owed, a ratio, a reserve."""
    return Exact.of(Fraction(ceil(Fraction(value) * 10**DECIMALS), 10**DECIMALS))

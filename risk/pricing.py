"""The prices that a policy counts with, from a round: confidence intervals, growth caps, scaling.

Everything here is public, and both sides of a proof compute it from the same signed reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ..errors import CompileError
from .factors import Factor, Scaled, Sized, Tiered
from .oracles.confidence import ConfidenceRule, interval
from .oracles.growth_cap import GrowthRule, capped_rate
from .oracles.outcome import Refusal
from .policy import GrowthCap, Policy
from .prices import PriceRound

ResolvedFactor = Fraction | Tiered | Sized


@dataclass(frozen=True)
class Quote:
    """What one whole asset is worth, in quote: `low` if it is held, `high` if it is owed."""

    low: Fraction
    high: Fraction


@dataclass(frozen=True)
class Pricing:
    """A policy's prices at one round.

    Attributes:
        quotes: of every symbol that has a factor.
        followers: the underlying of every symbol whose price follows another's.
        figures: the round's other numbers.
    """

    quotes: Mapping[str, Quote]
    followers: Mapping[str, str]
    figures: Mapping[str, Fraction]

    def shock(self, symbol: str, shocks: Mapping[str, Fraction]) -> Fraction:
        """The shock of a symbol: its own if it is named, otherwise that of what it follows."""
        named = shocks.get(symbol)
        if named is None:
            named = shocks.get(self.followers.get(symbol, symbol))
        return Fraction(0) if named is None else named

    def resolve(self, factor: Factor, symbol: str) -> ResolvedFactor:
        """The factor with its scaling done, at the round's own prices."""
        if not isinstance(factor, Scaled):
            return factor
        quote = self.quotes[symbol]
        held = self.figures[factor.figure] * (quote.low + quote.high) / 2
        return factor.factor * min(Fraction(1), factor.start / held)


def price(policy: Policy, prices: PriceRound) -> Pricing:
    """The prices that a policy counts with.

    Args:
        policy: confidence rule, growth caps and factors.
        prices: the round.

    Raises:
        CompileError: the round is in another quote, lacks a price, a confidence or a figure, is
            older than a snapshot; or a confidence is too large a share of its price.
    """
    if prices.quote != policy.quote:
        raise CompileError(
            f"the policy counts in {policy.quote}, the price round in {prices.quote}"
        )
    quotes = {symbol: _quote(symbol, policy, prices) for symbol in policy.symbols}
    figures = prices.figures
    for name in policy.figures:
        if name not in figures:
            raise CompileError(f"the price round has no figure {name}")
    caps = policy.growth_caps
    for symbol in {symbol for symbol, _ in policy.factors.pairs()} & set(caps):
        rate = figures[caps[symbol].rate]
        capped = _capped_rate(symbol, caps[symbol], rate, prices)
        underlying = quotes[caps[symbol].underlying]
        # What is owed is not worth less because of a cap.
        quotes[symbol] = Quote(underlying.low * capped, underlying.high * rate)
    return Pricing(quotes, {symbol: cap.underlying for symbol, cap in caps.items()}, figures)


def _quote(symbol: str, policy: Policy, prices: PriceRound) -> Quote:
    middle = prices.prices.get(symbol)
    if middle is None:
        raise CompileError(f"the price round has no price of {symbol}")
    rule = policy.confidence
    if rule is None:
        return Quote(middle, middle)
    confidence = prices.confidence.get(symbol)
    if confidence is None:
        raise CompileError(f"the price round has no confidence of {symbol}")
    allowed = ConfidenceRule(rule.max_share, policy.oracle.max_age_seconds, multiple=rule.multiple)
    bounds = interval(symbol, middle, confidence, allowed)
    if isinstance(bounds, Refusal):
        raise CompileError(f"the policy refuses a price: {bounds}")
    return Quote(Fraction(bounds.low), Fraction(bounds.high))


def _capped_rate(symbol: str, cap: GrowthCap, rate: Fraction, prices: PriceRound) -> Fraction:
    if prices.time < cap.snapshot_time:
        raise CompileError(
            f"the price round is older than the snapshot of the growth cap of {symbol}"
        )
    rule = GrowthRule(cap.snapshot, cap.snapshot_time, cap.yearly_growth)
    return capped_rate(rate, rule, prices.time).rate

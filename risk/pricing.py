"""The prices that a policy counts with, from a round: confidence intervals, claims on other assets
(growth caps, wrapped ones), scaling.

Everything here is public, and both sides of a proof compute it from the same signed reports.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from ..errors import CompileError
from .factors import Factor, Scaled, Sized, Tiered
from .oracles.confidence import ConfidenceRule, interval
from .oracles.growth_cap import GrowthRule, capped_rate
from .oracles.outcome import Refusal
from .policy import GrowthCap, Policy
from .prices import PriceRound
from .volatility.adaptive import AppliedRatio, applied_ratio
from .wrapped.model import chain

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
        quotes: of every symbol that has a factor, and of what it is a claim on.
        chains: of every symbol that is a claim on another one, what it is a claim on: the nearest
            first, the root last.
        figures: the round's other numbers.
        ratio: the maintenance ratio: the policy's own, or the adaptive one.
        applied: how an adaptive one came about.
    """

    quotes: Mapping[str, Quote]
    chains: Mapping[str, tuple[str, ...]]
    figures: Mapping[str, Fraction]
    ratio: Fraction
    applied: AppliedRatio | None = None

    @cached_property
    def followers(self) -> Mapping[str, str]:
        """The root of every symbol whose price follows another's."""
        return {symbol: links[-1] for symbol, links in self.chains.items()}

    def shock(self, symbol: str, shocks: Mapping[str, Fraction]) -> Fraction:
        """The shock of a symbol: its own if it is named, otherwise of the nearest it follows.

        The nearest alone: a shock on a wrapper stands in place of one on its underlying.
        """
        nearest = self.named(symbol, shocks)
        return Fraction(0) if nearest is None else shocks[nearest]

    def named(self, symbol: str, among: Container[str]) -> str | None:
        """The symbol itself or the nearest that it follows, whichever is among some; else None."""
        if symbol in among:
            return symbol
        return next((link for link in self.chains.get(symbol, ()) if link in among), None)

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
        policy: confidence rule, growth caps, factors and ratio.
        prices: the round.

    Raises:
        CompileError: the round is in another quote, lacks a price, a confidence, a figure or a
            history, is older than a snapshot; or a confidence is too large a share of its price.
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
    chains = {symbol: chain(symbol, policy.underlyings) for symbol in policy.underlyings}
    priced = {symbol for symbol, _ in policy.factors.pairs()}
    needed = priced.union(*(chains[symbol] for symbol in priced & set(chains)))
    # What is nearer to a root is priced before what is a claim on it.
    for symbol in sorted(needed & set(chains), key=lambda each: (len(chains[each]), each)):
        quotes[symbol] = _claim_quote(symbol, policy, prices, quotes[chains[symbol][0]])
    applied = _adaptive_ratio(policy, prices)
    ratio = policy.ratio if applied is None else applied.ratio
    return Pricing(quotes, chains, figures, ratio, applied)


def _adaptive_ratio(policy: Policy, prices: PriceRound) -> AppliedRatio | None:
    if policy.adaptive is None:
        return None
    ends = set()
    for symbol, shape in policy.histories.items():
        history = prices.histories.get(symbol)
        if history is None or not shape.fits(history):
            raise CompileError(
                f"the price round has no history of {symbol} of {shape.prices} prices every "
                f"{shape.step_seconds} seconds"
            )
        ends.add(history.last)
    if len(ends) > 1:
        raise CompileError("the price round has histories that end at different times")
    return applied_ratio(policy.adaptive, policy.ratio, prices.histories, prices.figures)


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


def _claim_quote(symbol: str, policy: Policy, prices: PriceRound, underlying: Quote) -> Quote:
    """What is owed is worth no less because of a cap or a haircut."""
    cap = policy.growth_caps.get(symbol)
    if cap is not None:
        rate: Fraction = prices.figures[cap.rate]
        return Quote(
            underlying.low * _capped_rate(symbol, cap, rate, prices), underlying.high * rate
        )
    claim = policy.wrapped[symbol]
    rate = Fraction(1) if claim.rate is None else prices.figures[claim.rate]
    return Quote(underlying.low * rate * (1 - claim.haircut), underlying.high * rate)


def _capped_rate(symbol: str, cap: GrowthCap, rate: Fraction, prices: PriceRound) -> Fraction:
    if prices.time < cap.snapshot_time:
        raise CompileError(
            f"the price round is older than the snapshot of the growth cap of {symbol}"
        )
    rule = GrowthRule(cap.snapshot, cap.snapshot_time, cap.yearly_growth)
    return capped_rate(rate, rule, prices.time).rate

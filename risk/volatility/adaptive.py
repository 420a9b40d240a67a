"""A maintenance ratio that follows volatility and network stress, exactly.

    target_t = clamp(base + multiple · σ_t, floor, cap)
    limited_0 = floor
    limited_t = clamp(target_t, limited_{t−1} − max_fall, limited_{t−1} + max_rise)
    ratio = min(cap, limited_last + Σ min(multiple_i · max(0, figure_i − start_i), most_i))

σ_t is the largest EWMA volatility of the named symbols over `horizon` steps (`ewma`), t runs over
the returns of the signed histories, the floor is the policy's own `ratio`. Targets and the result
are rounded up to `decimals`. All of it is integers: prover and verifier derive the same ratio.

Margins that rise with volatility make everybody sell at once, and falling ones let everybody borrow
before the next storm. Against that the ratio has a floor (Commission Delegated Regulation (EU) No
153/2013, under EMIR, Article 28(1)(c)) and moves by limited steps. Network stress has no limit per
step, because it says how long a liquidation takes now; it has a limit of its own, and the cap.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ..document import Part
from ..histories import MAX_PRICES, HistoryShape, PriceHistory, StepSeconds
from ..values import Exact, Integer, Name, NonNegative, Positive, Several, refusal
from .ewma import DECIMALS, SCALE, ewma_variances, scaled_returns, volatility

MAX_SYMBOLS: Final = 16
MAX_HORIZON: Final = 10_000

MAX_LEFT_OUT: Final = Fraction(5, 100)
"""How much of the variance may be that of returns before the history, which count 0."""

_USED_BY: Final = frozenset({"maintenance", "stress", "survives", "portfolio_margin"})

RatioLimit = Literal["none", "floor", "cap", "rise", "fall"]
"""What kept the ratio from what volatility and stress alone would make it."""


def _decay(value: Exact) -> Exact:
    if not 0 < value < 1:
        raise refusal("a decay above 0 and below 1")
    return value


class NetworkStress(Part):
    """A public figure, such as a gas price, that raises the ratio: multiple · (figure − start) when
    it is above `start`, and at most `most`.
    """

    figure: Name
    start: NonNegative
    multiple: Positive
    most: Positive


class AdaptiveRatio(Part):
    """How the maintenance ratio follows volatility; see the module.

    `symbols`: whose histories of `prices` prices, every `step_seconds`, count; the most volatile of
    them decides. `decay` is λ, `horizon` the steps that σ is about. `max_rise` and `max_fall` are
    per step of the histories. `decimals` is what targets and ratio are rounded up to.
    """

    symbols: Annotated[Several[Name], Field(min_length=1, max_length=MAX_SYMBOLS)]
    step_seconds: StepSeconds
    prices: Annotated[int, Integer(3, MAX_PRICES)]
    decay: Annotated[Exact, AfterValidator(_decay)]
    horizon: Annotated[int, Integer(1, MAX_HORIZON)]
    base: NonNegative
    multiple: Positive
    cap: Positive
    max_rise: Positive
    max_fall: Positive
    decimals: Annotated[int, Integer(0, DECIMALS)]
    stress: Annotated[Several[NetworkStress], Field(max_length=MAX_SYMBOLS)] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for index, symbol in enumerate(self.symbols):
            if symbol in self.symbols[:index]:
                raise refusal("every symbol once", f"{symbol!r} twice", f"symbols[{index}]")
        figures = [each.figure for each in self.stress]
        for index, figure in enumerate(figures):
            if figure in figures[:index]:
                raise refusal("every figure once", f"{figure!r} twice", f"stress[{index}].figure")
        for field in ("cap", "max_rise", "max_fall"):
            self.check_decimals(getattr(self, field), field)
        if self.decay ** (self.prices - 1) > MAX_LEFT_OUT:
            raise refusal(
                "so many prices that what lies before them weighs at most 5 per cent: "
                "decay^(prices - 1) at most 0.05",
                str(self.prices),
                "prices",
            )
        return self

    def check_in(
        self, floor: Exact, symbols: Collection[str], claim_types: Collection[str]
    ) -> None:
        """Refuse a rule that makes no sense in its policy.

        Args:
            floor: the policy's own ratio.
            symbols: those whose prices the policy needs.
            claim_types: of the policy's claims.
        """
        if self.base > floor:
            expected = f"at most the policy's ratio {floor}, which is the floor"
            raise refusal(expected, str(self.base), "adaptive.base")
        if self.cap <= floor:
            expected = f"more than the policy's ratio {floor}, which is the floor"
            raise refusal(expected, str(self.cap), "adaptive.cap")
        self.check_decimals(floor, "ratio")
        # Otherwise a history would forget a rise before the ratio may have fallen back from it.
        if (self.prices - 1) * self.max_fall < self.cap - floor:
            expected = f"enough to fall from the cap to the floor in {self.prices - 1} steps"
            raise refusal(expected, str(self.max_fall), "adaptive.max_fall")
        for index, symbol in enumerate(self.symbols):
            if symbol not in symbols:
                at = f"adaptive.symbols[{index}]"
                raise refusal("a symbol whose price the policy needs", repr(symbol), at)
        if _USED_BY.isdisjoint(claim_types):
            expected = "a claim that the maintenance ratio is part of, as the policy is adaptive"
            raise refusal(expected, "none", "claims")

    def check_decimals(self, value: Exact, at: str) -> None:
        """Refuse a bound of the ratio that is not a multiple of what the ratio is rounded to."""
        if (value * 10**self.decimals).denominator != 1:
            raise refusal(f"at most {self.decimals} decimals, as `decimals` says", str(value), at)

    @property
    def shape(self) -> HistoryShape:
        """What every history must be like."""
        return HistoryShape(self.step_seconds, self.prices)


@dataclass(frozen=True)
class AppliedRatio:
    """The ratio that applies at a round, and why. Public.

    Attributes:
        ratio: what the debt is multiplied by.
        volatility: the largest σ over the horizon at the end of the histories, as a share.
        symbol: whose it is; the first of the policy's symbols if several have it.
        target: base + multiple · volatility.
        limited: what became of the target between floor and cap, moving slowly.
        stress: what the figures add, each within its own limit.
        limit: what held the ratio last: `floor` or `cap`; `rise` or `fall` per step; or `none`.
    """

    ratio: Fraction
    volatility: Fraction
    symbol: str
    target: Fraction
    limited: Fraction
    stress: Fraction
    limit: RatioLimit


def applied_ratio(
    rule: AdaptiveRatio,
    floor: Fraction,
    histories: Mapping[str, PriceHistory],
    figures: Mapping[str, Fraction],
) -> AppliedRatio:
    """The ratio that a rule makes of public numbers.

    Args:
        rule: the policy's.
        floor: the policy's own ratio; a multiple of 10^−decimals, as documents ensure.
        histories: of every symbol of the rule, all of its shape and with one end.
        figures: of every network stress of the rule.
    """
    largest, symbol = _largest_volatilities(rule, histories)
    unit = 10**rule.decimals
    low, high = _units(floor, unit), _units(rule.cap, unit)
    # Bounds and steps are whole units, so this is also the end of the exact path, rounded up.
    targets = [_units(rule.base + rule.multiple * Fraction(s, SCALE), unit) for s in largest]
    held = [min(max(target, low), high) for target in targets]
    path = limited_path(held, low, _units(rule.max_rise, unit), _units(rule.max_fall, unit))
    stress = sum((_stress(each, figures[each.figure]) for each in rule.stress), Fraction(0))
    wanted = _units(path[-1] / Fraction(unit) + stress, unit)
    found = min(wanted, high)
    return AppliedRatio(
        ratio=Fraction(found, unit),
        volatility=Fraction(largest[-1], SCALE),
        symbol=symbol,
        target=rule.base + rule.multiple * Fraction(largest[-1], SCALE),
        limited=Fraction(path[-1], unit),
        stress=stress,
        limit=_limit(wanted > high, path[-1], held[-1], targets[-1]),
    )


def limited_path(targets: Sequence[int], start: int, max_rise: int, max_fall: int) -> list[int]:
    """Where one gets who follows targets, from a start, with limited steps.

    Higher targets, or a higher start, never lead to less. A history that moves on by a step forgets
    its first return, and what that had raised: so the ratio never rises by more than `max_rise`
    from one history to the next.
    """
    found = []
    here = start
    for target in targets:
        here = min(max(target, here - max_fall), here + max_rise)
        found.append(here)
    return found


def _largest_volatilities(
    rule: AdaptiveRatio, histories: Mapping[str, PriceHistory]
) -> tuple[list[int], str]:
    """After every return the largest volatility of all symbols, and whose the last one is."""
    every = {}
    for symbol in rule.symbols:
        variances = ewma_variances(scaled_returns(histories[symbol].prices), rule.decay)
        every[symbol] = [volatility(variance, rule.horizon) for variance in variances]
    largest = [max(each) for each in zip(*every.values(), strict=True)]
    return largest, next(symbol for symbol in rule.symbols if every[symbol][-1] == largest[-1])


def _stress(rule: NetworkStress, figure: Fraction) -> Fraction:
    return min(rule.multiple * max(figure - rule.start, Fraction(0)), Fraction(rule.most))


def _units(value: Fraction, unit: int) -> int:
    return ceil(value * unit)


def _limit(capped: bool, limited: int, held: int, target: int) -> RatioLimit:
    if capped:
        return "cap"
    if limited != held:
        return "rise" if limited < held else "fall"
    if held != target:
        return "floor" if held > target else "cap"
    return "none"

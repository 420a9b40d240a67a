"""A deleveraging that exists, without the trades: the claim `liquid` as inequalities.

Selling one unit takes its weight a off the collateral and brings the money c, repaying one unit
takes its weight b off the debt and costs the money e. That trades within the limits bring an
account to the target is a linear program with one budget, Σ c·s ≥ Σ e·r. By its dual the best that
trades reach is the smallest over λ ≥ 0 of

    Σ max over s of (a·(x − s) + λ·c·s) − Σ min over r of (b·(d − r) + λ·e·r)

where λ is what a unit of money is worth. That is convex in λ and linear between the rates a / c and
b / e, so the smallest is at one of these; they are public. So the claim is one inequality at each
rate, in which a unit that may be sold counts for what it is worth or for what it brings, and a unit
that may be repaid for what it is owed or for what that costs. No trade is a value of the proof: a
prover has none to choose, and the proof is about amounts and their slices only, as every other.

Source: strong duality of linear programs (Schrijver, Theory of Linear and Integer Programming,
section 7.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from ..errors import CompileError
from .curves import Curve, Weight
from .quantity import Place
from .statement import MAX_TERMS

if TYPE_CHECKING:
    from .weights import Inequality

_NOTHING = Weight(Curve((0,), (Fraction(0),)))


@dataclass(frozen=True, slots=True)
class Offer:
    """Up to `limit` units of a slot may be traded, for `money` in quote each.

    Args:
        limit: in smallest units, at least 1.
        money: above 0; what a sale brings, or a repayment takes.
    """

    limit: int
    money: Fraction


def at_every_rate(
    inequality: Inequality, sales: Mapping[Place, Offer], repayments: Mapping[Place, Offer]
) -> Iterator[Inequality]:
    """The inequalities that hold if and only if trades bring the account to `inequality`.

    Args:
        inequality: what is to hold after the trades; without caps. The weights of signed slots that
            are traded have both curves, those of other slots one.
        sales: of what is held: of collateral, and of the part of a signed slot above 0.
        repayments: of what is owed: of debts, and of the part of a signed slot below 0.

    Raises:
        CompileError: more than a statement holds.
    """
    weights = dict(inequality.weights)
    for place in {*sales, *repayments} - set(weights):
        weights[place] = _NOTHING
    held = [
        weight / offer.money
        for place, offer in sales.items()
        for weight in weights[place].positive.weights
    ]
    owed = [
        weight / offer.money
        for place, offer in repayments.items()
        for weight in _owed(weights[place])
    ]
    rates = set[Fraction]()
    if held and owed:
        # Below the lowest rate of a sale nothing is sold, and above the highest of a repayment
        # nothing repaid: the smallest is not there.
        low, high = min(held), max(owed)
        rates = {rate for rate in (*held, *owed) if low <= rate <= high} if low < high else rates
    if not rates:
        yield inequality
        return
    if len(rates) * len(weights) > MAX_TERMS:
        raise CompileError(f"rates times assets are more than {MAX_TERMS} terms")
    for rate in sorted(rates):
        moved = {
            place: _moved(weights[place], sales.get(place), repayments.get(place), rate)
            for place in sorted(weights)
        }
        kept = {place: weight for place, weight in moved.items() if not weight.nothing}
        yield replace(inequality, weights=kept)


def _owed(weight: Weight) -> tuple[Fraction, ...]:
    """What the units of a debt take away, or of a signed slot those below 0."""
    if weight.negative is not None:
        return weight.negative.weights
    return tuple(-each for each in weight.positive.weights)


def _moved(weight: Weight, sale: Offer | None, repayment: Offer | None, rate: Fraction) -> Weight:
    """The weight of a slot whose units may be traded while money is worth `rate`."""
    positive, negative = weight.positive, weight.negative
    if sale is not None:
        positive = _inserted(positive, sale.limit, rate * sale.money)
    if repayment is not None and negative is None:
        # A debt is a positive amount that weighs negatively.
        positive = _inserted(positive, repayment.limit, -rate * repayment.money)
    elif repayment is not None and negative is not None:
        turned = _inserted(_negative(negative), repayment.limit, -rate * repayment.money)
        negative = _negative(turned)
    if positive == negative and len(positive.weights) == 1:
        negative = None
    return Weight(positive, negative)


def _inserted(curve: Curve, limit: int, value: Fraction) -> Curve:
    """The most that an amount adds if up to `limit` units of it may count `value` instead.

    The slices with the largest weights count first, wherever they come from: this is the
    sup-convolution of two concave functions, whose slopes are those of both.
    """
    ends = [*curve.starts[1:], None]
    slices: list[tuple[int | None, Fraction]] = [
        (None if end is None else end - start, weight)
        for start, end, weight in zip(curve.starts, ends, curve.weights, strict=True)
    ]
    above = sum(weight >= value for weight in curve.weights)
    if above == len(slices):
        return curve
    slices.insert(above, (limit, value))
    starts, weights, start = list[int](), list[Fraction](), 0
    for width, weight in slices:
        if not weights or weights[-1] != weight:
            starts.append(start)
            weights.append(weight)
        start += width or 0
    return Curve(tuple(starts), tuple(weights))


def _negative(curve: Curve) -> Curve:
    return Curve(curve.starts, tuple(-weight for weight in curve.weights))

"""From a policy's claim and a price round to the rows of a statement.

Both sides run this, and arrive at the same rows in the same order:

1. the range checks of an unvouched account, one row per slot;
2. the empty slots: every slot that the policy does not price must be zero;
3. where an account has no row of its own by now (`covers`), one that says its first slot is ranged;
4. for every inequality of the claim: what a margin model takes off (`margin_rows`), the slices of
   the amounts that it weighs differently, the caps on what it counts, and one row with the slack
   that makes it an equation.

The values are numbered in the same order; a number that needs more than 64 bits takes several
values, least significant first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from ..crypto.commitment import AMOUNT_BOUND
from ..errors import CompileError, EncodingError, LiftError
from ..risk.claims import AccountClaim, Covers
from ..risk.policy import Policy
from ..risk.prices import PriceRound
from ..risk.registry import Registry
from .integers import IntegerWeight, Starts, in_integers
from .layout import DIGITS, MAX_DOMAIN_SIZE, choose_domain_size
from .lift import VALUE_BOUND, Interval, check_lift, vouched_interval
from .margin_rows import Charge, IntegerCharge, charge_in_integers
from .quantity import LIMB_BITS, Form, Place, Quantity, row
from .statement import MAX_ROWS, MAX_TERMS, LinearSystem, Row
from .weights import Cap, Inequality, empty_slots, inequalities


@dataclass(frozen=True)
class Backing:
    """What stands behind the amounts of one account of a claim.

    Args:
        vouched: whether vouchers stand for every amount's range; otherwise every slot is
            range-checked.
        summands: N, how many vouched commitments are added up; 1 for an unvouched one.
    """

    vouched: bool
    summands: int = 1


@dataclass(frozen=True)
class Circuit:
    """The compiled claim: everything of a statement but the commitments and the context.

    Args:
        domain_size: n.
        value_count: m.
        system: the rows, over one account, or two of a `covers` claim.
        quantities: how the prover computes the values.
        empty_slots: the places (account, slot) that must be zero.
    """

    domain_size: int
    value_count: int
    system: LinearSystem
    quantities: tuple[Quantity, ...]
    empty_slots: tuple[Place, ...]


def compile_claim(
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    claim: str,
    *backings: Backing,
) -> Circuit:
    """The rows of one of the policy's claims.

    Args:
        policy: what is asked.
        registry: the slots; the one that the policy names (`risk.policy.check_policy`).
        prices: the price round.
        claim: a name in `policy.claims`.
        backings: of every account of the claim: one; two of a `covers` claim, assets first.

    Raises:
        CompileError: no such claim, another number of accounts, a missing price, a claim that is
            not concave, or too large.
        LiftError: rows that could wrap modulo r.
    """
    rule = policy.claims.get(claim)
    if rule is None:
        raise CompileError(f"the policy {policy.name} has no claim {claim!r}")
    if len(backings) != account_count(rule):
        raise CompileError(f"a claim of type {rule.type} is about {account_count(rule)} account(s)")
    for backing in backings:
        if not backing.vouched and backing.summands != 1:
            raise CompileError("only vouched commitments may be added up")
    compiler = _Compiler(registry, backings)
    compiler.range_unvouched()
    compiler.empty(empty_slots(rule, policy, registry))
    compiler.give_own_rows()
    anything = False
    for inequality in inequalities(rule, policy, registry, prices):
        anything |= compiler.add_inequality(inequality)
    if not anything:
        raise CompileError("every asset of the claim has weight zero: there is nothing to prove")
    return compiler.finish(policy)


def account_count(rule: AccountClaim | Covers) -> int:
    """How many accounts a claim is about."""
    return 2 if isinstance(rule, Covers) else 1


MAX_LIMBS = 4
"""More than any number below r needs; what passes the lift check is decided there."""

Slices = tuple[Quantity, ...]
Parts = tuple[dict[Place, int], dict[int, int]]
"""Coefficients of slots and of values."""


class _Compiler:
    def __init__(self, registry: Registry, backings: Sequence[Backing]) -> None:
        self.registry = registry
        self.backings = backings
        self.intervals: dict[Place, Interval] = {
            (account, slot): vouched_interval(backing.summands, unsigned=self._is_unsigned(slot))
            if backing.vouched
            else self._ranged(slot)
            for account, backing in enumerate(backings)
            for slot in range(registry.slots)
        }
        self.rows: list[Row] = []
        self.term_count = 0
        self.quantities: list[Quantity] = []
        self.value_count = 0
        self.empty_places: tuple[Place, ...] = ()
        self.slices: dict[tuple[Place, Starts, Starts], tuple[Slices, Slices]] = {}

    def _is_unsigned(self, slot: int) -> bool:
        asset = self.registry.by_slot[slot]
        return asset is None or asset.side != "signed"

    def _ranged(self, slot: int) -> Interval:
        low = 0 if self._is_unsigned(slot) else -AMOUNT_BOUND
        return Interval(low, low + VALUE_BOUND - 1)

    def _quantity(
        self, bound: int, *forms: Form, limit: int | None = None, largest: bool = False
    ) -> Quantity:
        """A number up to `bound`, in as many values as that takes."""
        limbs = max(1, -(-bound.bit_length() // LIMB_BITS))
        if limbs > MAX_LIMBS:
            raise LiftError(
                f"a number of the claim needs {bound.bit_length()} bits, and r has 255: use fewer "
                "decimals in prices, factors or units, or set value_decimals"
            )
        quantity = Quantity(self.value_count, limbs, forms, limit, largest)
        self.value_count += limbs
        if self.value_count > DIGITS * MAX_DOMAIN_SIZE:
            raise CompileError("the claim needs more range-checked values than a proof holds")
        self.quantities.append(quantity)
        return quantity

    def _add_row(self, row_: Row) -> None:
        """Counted as they come: a claim that is too large is refused before it is all there."""
        self.rows.append(row_)
        self.term_count += len(row_.account_terms) + len(row_.value_terms)
        if len(self.rows) > MAX_ROWS or self.term_count > MAX_TERMS:
            raise CompileError(
                f"the claim needs more than {MAX_ROWS} rows or {MAX_TERMS} terms, too many"
            )

    def _at_least_zero(self, bound: int, form: Form) -> None:
        """The row that says form ≥ 0, for a form that is at most `bound`."""
        self._add_row(self._quantity(max(bound, 0), form).row())

    def range_unvouched(self) -> None:
        for place, interval in self.intervals.items():
            if not self.backings[place[0]].vouched:
                self._at_least_zero(VALUE_BOUND - 1, Form.of({place: 1}, constant=interval.low))

    def empty(self, places: tuple[Place, ...]) -> None:
        self.empty_places = places
        for place in places:
            self._add_row(row([(place, 1)], {}, 0))

    def give_own_rows(self) -> None:
        """Every account of several needs a row about itself alone (protocol section 4)."""
        own = {account for row_ in self.rows for account, _, _ in row_.account_terms}
        for account in set(range(len(self.backings))) - own if len(self.backings) > 1 else ():
            place = next(p for p in self.intervals if p[0] == account and self._is_unsigned(p[1]))
            self._at_least_zero(self.intervals[place].high, Form.of({place: 1}))

    def add_inequality(self, inequality: Inequality) -> bool:
        """f(x) ≥ t over the integers, as f(x) − slack = t; whether anything counts in it."""
        charged, each = self._charged(inequality.charges)
        if not inequality.weights and not charged:
            # It says 0 ≥ t: in a scenario in which every price falls to nothing, say.
            if inequality.strict or inequality.threshold > 0:
                raise CompileError(
                    "nothing counts in a condition that asks for more: there is nothing to prove"
                )
            return False
        weights, scale = in_integers(inequality, each)
        parts = {place: self._parts(place, weight) for place, weight in weights.items()}
        largest = {place: self._largest(place, weight) for place, weight in weights.items()}
        bound = sum(largest.values())
        capped: dict[int, int] = {}
        for cap in inequality.caps:
            capped |= self._capped(cap, parts, largest)
        limited = {place for cap in inequality.caps for place in cap.limited}
        slots, values = _sum(part for place, part in parts.items() if place not in limited)
        values |= capped
        for quantities, unit in zip(charged, each, strict=True):
            for quantity in quantities:
                values |= quantity.times(-int(unit * scale))
        threshold = math.ceil(inequality.threshold * scale) + (1 if inequality.strict else 0)
        self._at_least_zero(bound - threshold, Form.of(slots, values, threshold))
        return True

    def _charged(self, charges: Iterable[Charge]) -> tuple[list[list[Quantity]], list[Fraction]]:
        """Numbers that are at least each charge, in sum, and what one of each takes off."""
        found, each = [], []
        for charge in charges:
            integers = charge_in_integers(charge, self.intervals)
            if integers is not None:
                take = self._size if integers.is_size else self._loss
                found.append(take(integers))
                each.append(integers.each)
        return found, each

    def _loss(self, charge: IntegerCharge) -> list[Quantity]:
        """At least 0, and at least what is lost in any outcome."""
        forms = [outcome.lost for outcome in charge.outcomes]
        loss = self._quantity(charge.most, *forms, limit=_full(charge.most), largest=True)
        for outcome in charge.outcomes:
            most = charge.most + outcome.most_gained + outcome.relief
            self._at_least_zero(most, outcome.gained(loss.times(1)))
        return [loss]

    def _size(self, charge: IntegerCharge) -> list[Quantity]:
        """x = long − short with both at least 0, so that their sum is at least |x|."""
        (outcome,) = charge.outcomes
        gained, lost = outcome.most_gained, outcome.most_lost
        long = self._quantity(gained, outcome.gained({}), limit=_full(gained), largest=True)
        short = self._quantity(lost, outcome.lost, limit=_full(lost), largest=True)
        values = long.times(-1) | short.times(1)
        self._add_row(row(outcome.gained({}).slots, values, 0))
        return [long, short]

    def _parts(self, place: Place, weight: IntegerWeight) -> Parts:
        """The value of a slot, as terms over itself or over its slices."""
        if weight.linear:
            return {place: weight.positive[0]}, {}
        long, short = self._sliced(place, weight)
        values: dict[int, int] = {}
        for slice_, value in zip(long, weight.positive, strict=False):
            values |= slice_.times(value)
        for slice_, value in zip(short, weight.negative, strict=False):
            values |= slice_.times(-value)
        return {}, values

    def _sliced(self, place: Place, weight: IntegerWeight) -> tuple[Slices, Slices]:
        """x = Σ long slices − Σ short slices, every slice between 0 and its width.

        The slices are otherwise free. A prover gains nothing by another split than the greedy one,
        since every further unit long brings no more, every further unit short costs no less, and a
        pair of one long and one short unit brings nothing: that is what concave means here.
        """
        self._require_concave(place, weight)
        key = place, weight.starts, weight.short_starts
        if key not in self.slices:
            interval = self.intervals[place]
            long = self._cut(place, 1, weight.starts, interval.high)
            short = self._cut(place, -1, weight.short_starts, -interval.low)
            values: dict[int, int] = {}
            for slice_ in long:
                values |= slice_.times(-1)
            for slice_ in short:
                values |= slice_.times(1)
            self._add_row(row([(place, 1)], values, 0))
            self.slices[key] = long, short
        return self.slices[key]

    def _cut(self, place: Place, sign: int, starts: Starts, bound: int) -> Slices:
        reached = [start for start in starts if start < bound]
        slices = []
        for start, end in zip(reached, [*reached[1:], None][: len(reached)], strict=True):
            form = Form.of({place: sign}, constant=start)
            if end is None:
                limbs = max(1, -(-bound.bit_length() // LIMB_BITS))
                slices.append(self._quantity(bound, form, limit=(1 << LIMB_BITS * limbs) - 1))
                continue
            width = end - start
            slices.append(self._quantity(width, form, limit=width))
            self._at_least_zero(width, Form.of({}, slices[-1].times(-1), -width))
        return tuple(slices)

    def _require_concave(self, place: Place, weight: IntegerWeight) -> None:
        # Walking up from the deepest short position, no unit may add more than the one before.
        steps = [*reversed(weight.negative), *weight.positive]
        if any(here > before for before, here in pairwise(steps)):
            asset = self.registry.by_slot[place[1]]
            raise CompileError(
                f"{asset.side if asset else ''} asset {asset.symbol if asset else place}: a unit "
                "held counts for more than a unit owed costs, so the value is not concave and no "
                "linear proof bounds it from below"
            )

    def _largest(self, place: Place, weight: IntegerWeight) -> int:
        """The most that a slot can add."""
        interval = self.intervals[place]
        if weight.linear:
            return (interval * weight.positive[0]).high
        reached = [start for start in weight.starts if start < interval.high]
        ends = [*reached[1:], interval.high]
        return sum(
            (end - start) * max(value, 0)
            for start, end, value in zip(reached, ends, weight.positive, strict=False)
        )

    def _capped(
        self, cap: Cap, parts: Mapping[Place, Parts], largest: Mapping[Place, int]
    ) -> dict[int, int]:
        """The value that counts of the capped slots: at most theirs, at most the share of all."""
        limited = _sum(parts[place] for place in sorted(cap.limited & set(parts)))
        slots, values = _sum(parts[place] for place in sorted(cap.all_ & set(parts)))
        share = (
            {place: (number * cap.share).numerator for place, number in slots.items()},
            {index: (number * cap.share).numerator for index, number in values.items()},
        )
        bound = sum(largest[place] for place in cap.limited & set(parts))
        all_bound = sum(largest[place] for place in cap.all_ & set(parts))
        counted = self._quantity(bound, Form.of(*limited), Form.of(*share))
        for (slots, values), most in ((limited, bound), (share, all_bound)):
            self._at_least_zero(most, Form.of(slots, {**values, **counted.times(-1)}))
        return counted.times(1)

    def finish(self, policy: Policy) -> Circuit:
        try:
            system = LinearSystem(self.rows)
        except EncodingError as error:
            raise CompileError(f"the claim has no statement: {error}") from None
        vouched = {
            place: interval
            for place, interval in self.intervals.items()
            if self.backings[place[0]].vouched
        }
        check_lift(system, vouched)
        n = choose_domain_size(self.registry.slots, self.value_count, policy.profile)
        return Circuit(n, self.value_count, system, tuple(self.quantities), self.empty_places)


def _full(bound: int) -> int:
    """The largest number that as many values hold as a number up to `bound` takes."""
    return (1 << LIMB_BITS * max(1, -(-bound.bit_length() // LIMB_BITS))) - 1


def _sum(parts: Iterable[Parts]) -> Parts:
    """The coefficients of several values together; slots and slices of different places differ."""
    slots: dict[Place, int] = {}
    values: dict[int, int] = {}
    for of_slots, of_values in parts:
        slots |= of_slots
        values |= of_values
    return slots, values

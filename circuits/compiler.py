"""From a policy's claim and a price round to the rows of a statement.

Both sides run this, and arrive at the same rows in the same order:

1. the range checks of an unvouched account, one row per slot;
2. the empty slots: every slot that the policy does not price must be zero;
3. the split of signed slots into a long and a short part, where these weigh differently;
4. one row per inequality of the claim, with the slack that makes it an equation.

The values are numbered in the same order: ranged slots, long and short parts, slacks; a number that
needs more than 64 bits takes several values, least significant first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..crypto.commitment import AMOUNT_BOUND
from ..errors import CompileError, EncodingError
from ..risk.policy import Policy
from ..risk.prices import PriceRound
from ..risk.registry import Registry
from .layout import DIGITS, MAX_DOMAIN_SIZE, choose_domain_size
from .lift import VALUE_BOUND, Interval, check_lift, vouched_interval
from .statement import AccountTerm, LinearSystem, Row, ValueTerm
from .weights import Inequality, inequalities, priced_slots

LIMB_BITS = 64


@dataclass(frozen=True)
class Quantity:
    """A non-negative number that the prover computes and puts into one or more values.

        number = Σ coefficient·x[slot] + Σ coefficient·v[index] − constant

    Args:
        first: index of its first value.
        limbs: how many values it takes, 64 bits each, least significant first.
        slots: (slot, coefficient) terms.
        values: (index, coefficient) terms over earlier values.
        constant: see above.
        clamped: whether a negative number counts as 0 (the long or short part of a signed amount);
            otherwise a negative number means that the claim does not hold.
    """

    first: int
    limbs: int
    slots: tuple[tuple[int, int], ...]
    values: tuple[tuple[int, int], ...] = ()
    constant: int = 0
    clamped: bool = False

    def terms(self, sign: int) -> tuple[ValueTerm, ...]:
        """sign · number, as terms over its own values."""
        return tuple(
            ValueTerm(self.first + limb, sign << LIMB_BITS * limb) for limb in range(self.limbs)
        )

    def row(self) -> Row:
        """The row that defines the number."""
        return Row(
            tuple(AccountTerm(0, slot, coefficient) for slot, coefficient in self.slots),
            (*(ValueTerm(*term) for term in self.values), *self.terms(-1)),
            self.constant,
        )


@dataclass(frozen=True)
class Circuit:
    """The compiled claim: everything of a statement but the commitment and the context.

    Args:
        domain_size: n.
        value_count: m.
        system: the rows, over one account.
        quantities: how the prover computes the values.
        empty_slots: the slots that must be zero.
    """

    domain_size: int
    value_count: int
    system: LinearSystem
    quantities: tuple[Quantity, ...]
    empty_slots: tuple[int, ...]


def compile_claim(
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    claim: str,
    *,
    vouched: bool,
    summands: int = 1,
) -> Circuit:
    """The rows of one of the policy's claims.

    Args:
        policy: what is asked.
        registry: the slots; the one that the policy names (`risk.policy.check_policy`).
        prices: the price round.
        claim: a name in `policy.claims`.
        vouched: whether vouchers stand for every amount's range; otherwise every slot is
            range-checked.
        summands: N, how many vouched commitments are added up; 1 for an unvouched one.

    Raises:
        CompileError: no such claim, a missing price, a claim that is not linear, or too large.
        LiftError: rows that could wrap modulo r.
    """
    rule = policy.claims.get(claim)
    if rule is None:
        raise CompileError(f"the policy {policy.name} has no claim {claim!r}")
    if prices.quote != policy.quote:
        raise CompileError(
            f"the policy counts in {policy.quote}, the price round in {prices.quote}"
        )
    if not vouched and summands != 1:
        raise CompileError("only vouched commitments may be added up")
    compiler = _Compiler(policy, registry, vouched, summands)
    if not vouched:
        compiler.range_all_slots()
    compiler.empty_unpriced_slots()
    claims = inequalities(rule, policy, registry, prices)
    compiler.split_signed_slots(claims)
    if not any(inequality.weights for inequality in claims):
        raise CompileError("every asset of the claim has weight zero: there is nothing to prove")
    for inequality in claims:
        # Without weights it says 0 ≥ 0 (say, a scenario in which every price falls to nothing).
        if inequality.weights or inequality.strict:
            compiler.add_inequality(inequality)
    return compiler.finish()


class _Compiler:
    def __init__(self, policy: Policy, registry: Registry, vouched: bool, summands: int) -> None:
        self.policy = policy
        self.registry = registry
        self.vouched = vouched
        self.priced = priced_slots(policy, registry)
        self.bound = summands * AMOUNT_BOUND
        self.intervals = {
            slot: vouched_interval(summands, unsigned=self._is_unsigned(slot))
            if vouched
            else self._ranged(slot)
            for slot in range(registry.slots)
        }
        self.rows: list[Row] = []
        self.quantities: list[Quantity] = []
        self.value_count = 0
        self.splits: dict[int, tuple[Quantity, Quantity]] = {}

    def _is_unsigned(self, slot: int) -> bool:
        asset = self.registry.by_slot[slot]
        return asset is None or asset.side != "signed"

    def _ranged(self, slot: int) -> Interval:
        low = 0 if self._is_unsigned(slot) else -AMOUNT_BOUND
        return Interval(low, low + VALUE_BOUND - 1)

    def _quantity(
        self,
        bound: int,
        slots: Mapping[int, int],
        values: Mapping[int, int] | None = None,
        constant: int = 0,
        *,
        clamped: bool = False,
    ) -> Quantity:
        limbs = max(1, -(-bound.bit_length() // LIMB_BITS))
        quantity = Quantity(
            self.value_count,
            limbs,
            tuple(sorted(slots.items())),
            tuple(sorted((values or {}).items())),
            constant,
            clamped,
        )
        self.value_count += limbs
        self.quantities.append(quantity)
        return quantity

    def range_all_slots(self) -> None:
        for slot, interval in self.intervals.items():
            quantity = self._quantity(VALUE_BOUND - 1, {slot: 1}, constant=interval.low)
            self.rows.append(quantity.row())

    def empty_unpriced_slots(self) -> None:
        self.empty_slots = tuple(s for s in range(self.registry.slots) if s not in self.priced)
        for slot in self.empty_slots:
            self.rows.append(Row((AccountTerm(0, slot, 1),), (), 0))

    def split_signed_slots(self, claims: list[Inequality]) -> None:
        """x = long − short for the slots where these weigh differently.

        Both parts are range-checked and otherwise free. A prover who inflates both gains nothing as
        long as a short unit costs at least what a long one brings, which is why that is required.
        """
        needed = set()
        for inequality in claims:
            for slot, weight in inequality.weights.items():
                if weight.positive > weight.negative:
                    raise CompileError(
                        f"signed asset {self.priced[slot].symbol}: a unit held counts for more "
                        "than a unit owed costs, so the value is not concave and no linear proof "
                        "bounds it from below"
                    )
                if weight.positive != weight.negative:
                    needed.add(slot)
        for slot in sorted(needed):
            long = self._quantity(self.bound, {slot: 1}, clamped=True)
            short = self._quantity(self.bound, {slot: -1}, clamped=True)
            self.splits[slot] = long, short
            self.rows.append(Row((AccountTerm(0, slot, 1),), (*long.terms(-1), *short.terms(1)), 0))

    def add_inequality(self, inequality: Inequality) -> None:
        """f(x) ≥ t over the integers, as f(x) − slack = t."""
        weights = _integers(inequality)
        slots: dict[int, int] = {}
        values: dict[int, int] = {}
        largest = 0
        for slot, (positive, negative) in weights.items():
            if slot in self.splits:
                long, short = self.splits[slot]
                values |= {term.value: term.coefficient for term in long.terms(positive)}
                values |= {term.value: term.coefficient for term in short.terms(-negative)}
                largest += self.bound * max(positive, 0)
            else:
                slots[slot] = positive
                largest += (self.intervals[slot] * positive).high
        threshold = 1 if inequality.strict else 0
        nonzero = {index: coefficient for index, coefficient in values.items() if coefficient}
        quantity = self._quantity(max(largest - threshold, 0), slots, nonzero, threshold)
        self.rows.append(quantity.row())

    def finish(self) -> Circuit:
        if self.value_count > DIGITS * MAX_DOMAIN_SIZE:
            raise CompileError(f"the claim needs {self.value_count} range-checked values, too many")
        try:
            system = LinearSystem(self.rows)
        except EncodingError as error:
            raise CompileError(f"the claim has no statement: {error}") from None
        vouched = (
            {(0, slot): interval for slot, interval in self.intervals.items()}
            if self.vouched
            else {}
        )
        check_lift(system, vouched)
        n = choose_domain_size(self.registry.slots, self.value_count, self.policy.profile)
        return Circuit(n, self.value_count, system, tuple(self.quantities), self.empty_slots)


def _integers(inequality: Inequality) -> dict[int, tuple[int, int]]:
    """The weights times their least common denominator, divided by their greatest common
    divisor.
    """
    weights = inequality.weights
    if not weights:
        raise CompileError("the upper bound says 0 < 0: there is nothing to prove")
    numbers = {slot: (w.positive, w.negative) for slot, w in weights.items()}
    scale = math.lcm(*(part.denominator for pair in numbers.values() for part in pair))
    scaled = {
        slot: tuple(part.numerator * (scale // part.denominator) for part in pair)
        for slot, pair in numbers.items()
    }
    divisor = math.gcd(*(part for pair in scaled.values() for part in pair))
    return {slot: (held // divisor, owed // divisor) for slot, (held, owed) in scaled.items()}

"""Numbers that a prover computes from its amounts and puts into range-checked values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .statement import AccountTerm, Row, ValueTerm

LIMB_BITS = 64

Place = tuple[int, int]
"""(account, slot)."""


@dataclass(frozen=True)
class Form:
    """Σ coefficient·x[account][slot] + Σ coefficient·v[index] − constant, over the integers."""

    slots: tuple[tuple[Place, int], ...]
    values: tuple[tuple[int, int], ...]
    constant: int

    @classmethod
    def of(
        cls,
        slots: Mapping[Place, int],
        values: Mapping[int, int] | None = None,
        constant: int = 0,
    ) -> Form:
        """The form with these coefficients; those that are 0 are left out."""
        return cls(
            tuple(sorted((place, c) for place, c in slots.items() if c)),
            tuple(sorted((index, c) for index, c in (values or {}).items() if c)),
            constant,
        )

    def evaluate(self, accounts: Sequence[Sequence[int]], values: Sequence[int]) -> int:
        """The number, for these amounts and earlier values."""
        number = -self.constant
        for (account, slot), coefficient in self.slots:
            number += coefficient * accounts[account][slot]
        for index, coefficient in self.values:
            number += coefficient * values[index]
        return number


@dataclass(frozen=True)
class Quantity:
    """A non-negative number in one or more values, 64 bits each, least significant first.

    It is the smallest of `forms`, or the largest if `largest` is set. If `limit` is set it is that
    number cut to the range from 0 to `limit` (a slice of an amount, a loss); otherwise a number
    below 0, or too large for its values, means that the claim does not hold.

    Args:
        first: index of its first value.
        limbs: how many values it takes.
        forms: one or more.
        limit: see above.
        largest: see above.
    """

    first: int
    limbs: int
    forms: tuple[Form, ...]
    limit: int | None = None
    largest: bool = False

    def times(self, factor: int) -> dict[int, int]:
        """factor · number, as coefficients of its own values."""
        return {self.first + limb: factor << LIMB_BITS * limb for limb in range(self.limbs)}

    def row(self) -> Row:
        """The row form − number = 0, of a quantity that is one form."""
        (form,) = self.forms
        values = {**dict(form.values), **self.times(-1)}
        return row(form.slots, values, form.constant)

    def number(self, accounts: Sequence[Sequence[int]], values: Sequence[int]) -> int:
        """The number, from the amounts and the values before it."""
        numbers = [form.evaluate(accounts, values) for form in self.forms]
        number = max(numbers) if self.largest else min(numbers)
        return number if self.limit is None else min(max(number, 0), self.limit)


def row(slots: Sequence[tuple[Place, int]], values: Mapping[int, int], constant: int) -> Row:
    """Σ slot terms + Σ value terms = constant."""
    return Row(
        tuple(AccountTerm(account, slot, c) for (account, slot), c in slots),
        tuple(ValueTerm(index, c) for index, c in sorted(values.items())),
        constant,
    )

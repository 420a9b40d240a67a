"""From private amounts to the values of a circuit."""

from __future__ import annotations

from collections.abc import Sequence

from ..circuits.compiler import LIMB_BITS, Circuit, Quantity
from ..errors import ClaimNotSatisfied

_MASK = (1 << LIMB_BITS) - 1


def solve(circuit: Circuit, amounts: Sequence[int]) -> tuple[int, ...]:
    """The values with which the amounts satisfy the circuit's rows.

    Args:
        circuit: the compiled claim.
        amounts: one signed integer per slot, in the slot's smallest unit.

    Returns:
        m values, each in [0, 2^64).

    Raises:
        ClaimNotSatisfied: there are none. The message is always the same: it tells nothing about
            how far the portfolio is from satisfying the claim.
    """
    satisfied = not any(amounts[slot] for slot in circuit.empty_slots)
    values: list[int] = []
    for quantity in circuit.quantities:
        number = _number(quantity, amounts, values)
        satisfied &= 0 <= number < 1 << LIMB_BITS * quantity.limbs
        values += (number >> LIMB_BITS * limb & _MASK for limb in range(quantity.limbs))
    if not satisfied:
        raise ClaimNotSatisfied("the portfolio does not satisfy the claim")
    return tuple(values)


def _number(quantity: Quantity, amounts: Sequence[int], values: Sequence[int]) -> int:
    number = -quantity.constant
    number += sum(coefficient * amounts[slot] for slot, coefficient in quantity.slots)
    number += sum(coefficient * values[index] for index, coefficient in quantity.values)
    return max(number, 0) if quantity.clamped else number

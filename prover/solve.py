"""From private amounts to the values of a circuit."""

from __future__ import annotations

from collections.abc import Sequence

from ..circuits.compiler import Circuit
from ..circuits.quantity import LIMB_BITS
from ..errors import ClaimNotSatisfied

_MASK = (1 << LIMB_BITS) - 1


def solve(circuit: Circuit, *accounts: Sequence[int]) -> tuple[int, ...]:
    """The values with which the amounts satisfy the circuit's rows.

    Args:
        circuit: the compiled claim.
        accounts: for every account of the claim one signed integer per slot, in the slot's smallest
            unit.

    Returns:
        m values, each in [0, 2^64).

    Raises:
        ClaimNotSatisfied: there are none. The message is always the same: it tells nothing about
            how far the portfolio is from satisfying the claim.
    """
    satisfied = not any(accounts[account][slot] for account, slot in circuit.empty_slots)
    values: list[int] = []
    for quantity in circuit.quantities:
        number = quantity.number(accounts, values)
        satisfied &= 0 <= number < 1 << LIMB_BITS * quantity.limbs
        values += (number >> LIMB_BITS * limb & _MASK for limb in range(quantity.limbs))
    if not satisfied:
        raise ClaimNotSatisfied("the portfolio does not satisfy the claim")
    return tuple(values)

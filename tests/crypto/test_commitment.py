"""Openings hold what the lift takes for granted."""

from __future__ import annotations

import pytest

from zkcollateral.crypto.commitment import Opening
from zkcollateral.crypto.field import MODULUS
from zkcollateral.errors import OpeningError


@pytest.mark.parametrize("amount", [2**63, -(2**63), MODULUS - 1])
def test_an_opening_holds_amounts_below_2_to_the_63(amount: int) -> None:
    """The lift takes this for granted of everything that is vouched for."""
    with pytest.raises(OpeningError, match="slot 1"):
        Opening((0, amount), 1)
    assert Opening((0, 2**63 - 1), 1).summands == 1


@pytest.mark.parametrize("blinder", [-1, MODULUS, MODULUS + 1])
def test_a_blinder_is_a_scalar(blinder: int) -> None:
    with pytest.raises(OpeningError, match="blinder"):
        Opening((0, 0), blinder)

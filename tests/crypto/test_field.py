"""The scalar field's constants and encoding, and the random scalars."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_ecc.optimized_bls12_381.optimized_curve import curve_order

from zkcollateral.crypto.field import (
    COSET_SHIFT,
    MODULUS,
    decode_scalar,
    encode_scalar,
    is_power_of_two,
    root_of_unity,
)
from zkcollateral.crypto.randomness import random_bytes, random_scalar
from zkcollateral.errors import EncodingError


def test_modulus_is_the_order_of_the_curve() -> None:
    assert curve_order == MODULUS


@pytest.mark.parametrize("log_n", range(33))
def test_root_of_unity_is_primitive(log_n: int) -> None:
    n = 1 << log_n
    root = root_of_unity(n)
    assert pow(root, n, MODULUS) == 1
    if n > 1:
        assert pow(root, n // 2, MODULUS) == MODULUS - 1


def test_roots_of_unity_are_powers_of_each_other() -> None:
    for log_n in range(1, 33):
        assert pow(root_of_unity(1 << log_n), 2, MODULUS) == root_of_unity(1 << (log_n - 1))


def test_coset_meets_no_subgroup() -> None:
    # If 7·ω lay in any H_m, so would 7, and 7^(2^32) would be 1.
    assert pow(COSET_SHIFT, 1 << 32, MODULUS) != 1


@pytest.mark.parametrize("n", [0, -1, -4, 3, 12, (1 << 32) + 1, 1 << 33])
def test_root_of_unity_refuses_other_orders(n: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        root_of_unity(n)


def test_is_power_of_two() -> None:
    assert [n for n in range(-4, 33) if is_power_of_two(n)] == [1, 2, 4, 8, 16, 32]


@given(st.integers(0, MODULUS - 1))
def test_scalar_round_trip(value: int) -> None:
    data = encode_scalar(value)
    assert data == value.to_bytes(32, "big")
    assert decode_scalar(data) == value


@pytest.mark.parametrize("value", [MODULUS, MODULUS + 1, (1 << 256) - 1])
def test_decode_scalar_refuses_r_and_above(value: int) -> None:
    with pytest.raises(EncodingError, match="below r"):
        decode_scalar(value.to_bytes(32, "big"))


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_decode_scalar_refuses_other_lengths(size: int) -> None:
    with pytest.raises(EncodingError, match=f"32 bytes, got {size} bytes"):
        decode_scalar(bytes(size))


@pytest.mark.parametrize("value", [-1, MODULUS, 1 << 256])
def test_encode_scalar_refuses_what_is_no_scalar(value: int) -> None:
    with pytest.raises(ValueError, match="scalar") as caught:
        encode_scalar(value)
    assert str(value) not in str(caught.value), "the value may be secret"


def test_random_scalars_are_scalars_that_fill_the_range_and_do_not_repeat() -> None:
    scalars = [random_scalar() for _ in range(200)]
    assert len(set(scalars)) == 200
    assert all(0 <= scalar < MODULUS for scalar in scalars)
    # Each half is missed by 200 uniform draws with a chance of 2^-200.
    assert any(scalar < MODULUS // 2 for scalar in scalars)
    assert any(scalar > MODULUS // 2 for scalar in scalars)


def test_random_bytes() -> None:
    assert random_bytes(0) == b""
    assert len(random_bytes(32)) == 32
    assert random_bytes(32) != random_bytes(32)
    with pytest.raises(ValueError, match="negative"):
        random_bytes(-1)

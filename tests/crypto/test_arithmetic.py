"""One suite for both arithmetics: every method of the vocabulary against plain integers and py-ecc.

Vectors are checked against Python integers. Points are checked by the bytes py-ecc gives for the
same multiple of the generator, so that both arithmetics passing means both giving the same bytes.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from py_ecc.bls.point_compression import compress_G1
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.optimized_bls12_381.optimized_curve import G1, add, is_inf, multiply
from py_ecc.typing import Optimized_Point3D

from tests.unsafe_srs import unsafe_srs
from zkcollateral.crypto.arithmetic import Arithmetic, FieldVector, Point
from zkcollateral.crypto.field import MODULUS, root_of_unity
from zkcollateral.crypto.points import (
    BASE_MODULUS,
    IDENTITY_ENCODING,
    CompressedPoint,
    format_point,
    parse_point,
)
from zkcollateral.crypto.srs import ceremony
from zkcollateral.errors import EncodingError

R = MODULUS
TAU = 0x1234567890ABCDEF1234567890ABCDEF1234567890ABCDEF

# A root of x² + x + 1, the eigenvalue of G1's endomorphism: fast code splits scalars by it.
EIGENVALUE = 0xAC45A4010001A40200000000FFFFFFFF
STRUCTURED = [
    0,
    1,
    2,
    3,
    R - 1,
    R - 2,
    (R - 1) // 2,
    (R + 1) // 2,
    1 << 63,
    (1 << 64) - 1,
    1 << 64,
    1 << 127,
    1 << 128,
    (1 << 128) - 1,
    1 << 254,
    (1 << 254) - 1,
    EIGENVALUE,
    R - EIGENVALUE,
    EIGENVALUE + 1,
    R - EIGENVALUE - 1,
]
OUTSIDE = [R, R + 1, -1, -R, 2 * R - 1, 1 << 256, -(1 << 300), 1 << 1000]

scalars = st.one_of(st.sampled_from(STRUCTURED), st.integers(0, R - 1))
integers = st.one_of(scalars, st.sampled_from(OUTSIDE), st.integers(-(1 << 64), 1 << 64))
vectors = st.lists(integers, max_size=40)
polynomials = st.integers(0, 6).flatmap(
    lambda k: st.lists(scalars, min_size=1 << k, max_size=1 << k)
)


def full_size(count: int, seed: int = 0) -> list[int]:
    generator = random.Random(seed)
    return [generator.randrange(R) for _ in range(count)]


def value_at(coefficients: Sequence[int], x: int) -> int:
    return sum(c * pow(x, i, R) for i, c in enumerate(coefficients)) % R


def encode(point: Optimized_Point3D[FQ]) -> bytes:
    return compress_G1(point).to_bytes(48, "big")


def multiple(scalar: int) -> bytes:
    """The encoding of scalar·[1]₁, by py-ecc."""
    return encode(multiply(G1, scalar % R))


def point_of(arithmetic: Arithmetic, scalar: int) -> Point:
    return arithmetic.linear_combination([arithmetic.generator], [scalar])


def identity_of(arithmetic: Arithmetic) -> Point:
    return arithmetic.linear_combination([], [])


# --- vectors --------------------------------------------------------------------------------------


@given(vectors)
def test_vector_reduces_and_reads_back(arithmetic: Arithmetic, values: list[int]) -> None:
    vector = arithmetic.vector(values)
    expected = [value % R for value in values]
    assert vector.to_ints() == expected
    assert len(vector) == len(values)
    assert [vector[i] for i in range(len(values))] == expected
    assert arithmetic.vector(iter(values)) == vector


def test_vector_index_out_of_range(arithmetic: Arithmetic) -> None:
    for vector, index in ((arithmetic.vector([]), 0), (arithmetic.vector([1, 2]), 2)):
        with pytest.raises(IndexError):
            vector[index]


def test_vector_takes_integers_only(arithmetic: Arithmetic) -> None:
    for value in (1.0, "1", None, b"1"):
        with pytest.raises(TypeError):
            arithmetic.vector([value])  # type: ignore[list-item]


def test_vectors_are_equal_when_their_elements_are(arithmetic: Arithmetic) -> None:
    vector = arithmetic.vector([1, R - 1])
    assert vector == arithmetic.vector([R + 1, -1])
    assert vector != arithmetic.vector([1, 1])
    assert vector != arithmetic.vector([1, R - 1, 0])
    assert arithmetic.vector([]) == arithmetic.vector([])
    assert vector != [1, R - 1]


def test_vectors_do_not_show_their_elements(arithmetic: Arithmetic) -> None:
    shown = repr(arithmetic.vector([123456789]))
    assert "123456789" not in shown
    assert f"{123456789:x}" not in shown


@given(st.lists(st.tuples(integers, integers), max_size=40), integers)
def test_elementwise_operators(
    arithmetic: Arithmetic, pairs: list[tuple[int, int]], scalar: int
) -> None:
    a, b = arithmetic.vector(x for x, _ in pairs), arithmetic.vector(y for _, y in pairs)

    def expect(result: FieldVector, operation: Callable[[int, int], int]) -> None:
        assert result.to_ints() == [operation(x, y) % R for x, y in pairs]

    expect(a + b, lambda x, y: x + y)
    expect(a - b, lambda x, y: x - y)
    expect(a * b, lambda x, y: x * y)
    expect(-a, lambda x, y: -x)
    expect(a + scalar, lambda x, y: x + scalar)
    expect(scalar + a, lambda x, y: x + scalar)
    expect(a - scalar, lambda x, y: x - scalar)
    expect(scalar - a, lambda x, y: scalar - x)
    expect(a * scalar, lambda x, y: x * scalar)
    expect(scalar * a, lambda x, y: x * scalar)
    assert a.to_ints() == [x % R for x, _ in pairs], "operands stay as they are"
    assert a.sum() == sum(x for x, _ in pairs) % R
    assert a.dot(b) == sum(x * y for x, y in pairs) % R


def test_vectors_of_different_length_do_not_mix(arithmetic: Arithmetic) -> None:
    two, three = arithmetic.vector([1, 2]), arithmetic.vector([1, 2, 3])
    one, none = arithmetic.vector([1]), arithmetic.vector([])
    for a, b in itertools.permutations([none, one, two, three], 2):
        for operation in ("__add__", "__sub__", "__mul__", "dot"):
            with pytest.raises(ValueError, match="expected"):
                getattr(a, operation)(b)


def test_vectors_mix_with_nothing_else(arithmetic: Arithmetic) -> None:
    vector: Any = arithmetic.vector([1, 2])
    for other in (1.0, "1", None, [1, 2]):
        with pytest.raises(TypeError):
            vector + other
        with pytest.raises(TypeError):
            other - vector
        with pytest.raises(TypeError):
            vector * other


@given(st.lists(scalars.filter(bool), max_size=20))
def test_inverse(arithmetic: Arithmetic, values: list[int]) -> None:
    vector = arithmetic.vector(values)
    assert vector.inverse().to_ints() == [pow(value, R - 2, R) for value in values]


@pytest.mark.parametrize("values", [[0], [1, 0], [0, 1], [2, R, 3], [0] * 5])
def test_zero_has_no_inverse(arithmetic: Arithmetic, values: list[int]) -> None:
    with pytest.raises(ZeroDivisionError):
        arithmetic.vector(values).inverse()


@given(vectors)
def test_prefix_sums(arithmetic: Arithmetic, values: list[int]) -> None:
    sums = arithmetic.vector(values).prefix_sums()
    assert sums.to_ints() == [sum(values[:i]) % R for i in range(len(values))]


@given(vectors, st.integers(-100, 100))
@example([], 3)
def test_rotate(arithmetic: Arithmetic, values: list[int], by: int) -> None:
    rotated = arithmetic.vector(values).rotate(by).to_ints()
    assert rotated == [values[(i + by) % len(values)] % R for i in range(len(values))]


@given(vectors, st.integers(0, 20))
def test_resize(arithmetic: Arithmetic, values: list[int], more: int) -> None:
    resized = arithmetic.vector(values).resize(len(values) + more)
    assert resized.to_ints() == [value % R for value in values] + [0] * more


def test_resize_drops_zeros_and_nothing_else(arithmetic: Arithmetic) -> None:
    vector = arithmetic.vector([1, 2, 0, 0])
    assert vector.resize(2).to_ints() == [1, 2]
    assert vector.resize(3).to_ints() == [1, 2, 0]
    for length in (1, 0, -1):
        with pytest.raises(ValueError, match="expected"):
            vector.resize(length)


@given(st.lists(integers, min_size=1, max_size=10), st.integers(1, 5))
def test_tile(arithmetic: Arithmetic, values: list[int], times: int) -> None:
    tiled = arithmetic.vector(values).tile(len(values) * times)
    assert tiled.to_ints() == [value % R for value in values] * times


def test_tile_takes_whole_copies_only(arithmetic: Arithmetic) -> None:
    for length in (1, 3, 5):
        with pytest.raises(ValueError, match="expected"):
            arithmetic.vector([1, 2]).tile(length)


@given(scalars | st.sampled_from(OUTSIDE), st.integers(0, 40))
def test_powers(arithmetic: Arithmetic, base: int, count: int) -> None:
    assert arithmetic.powers(base, count).to_ints() == [pow(base, i, R) for i in range(count)]


# --- polynomials ----------------------------------------------------------------------------------


@given(polynomials)
@settings(max_examples=30)
@example([0])
@example([R - 1])
@example([0] * 8)
@example([R - 1] * 8)
def test_ntt_is_evaluation_on_the_subgroup(arithmetic: Arithmetic, coefficients: list[int]) -> None:
    n = len(coefficients)
    values = arithmetic.vector(coefficients).ntt()
    assert values.to_ints() == [
        value_at(coefficients, pow(root_of_unity(n), i, R)) for i in range(n)
    ]
    assert values.intt().to_ints() == coefficients


@given(polynomials, st.integers(0, 2))
@settings(max_examples=30)
@example([0], 0)
@example([R - 1] * 8, 0)
def test_coset_ntt_is_evaluation_on_the_coset(
    arithmetic: Arithmetic, coefficients: list[int], larger: int
) -> None:
    size = len(coefficients) << larger
    values = arithmetic.vector(coefficients).coset_ntt(size)
    assert values.to_ints() == [
        value_at(coefficients, 7 * pow(root_of_unity(size), i, R)) for i in range(size)
    ]
    padding = [0] * (size - len(coefficients))
    assert values.coset_intt().to_ints() == coefficients + padding


def test_coset_ntt_pads_any_length(arithmetic: Arithmetic) -> None:
    for length in (0, 1, 3, 5, 8):
        coefficients = full_size(length)
        values = arithmetic.vector(coefficients).coset_ntt(8)
        assert values.coset_intt().to_ints() == coefficients + [0] * (8 - length)


@pytest.mark.parametrize("n", [1024, 4096])
def test_transforms_of_protocol_size(arithmetic: Arithmetic, n: int) -> None:
    coefficients = full_size(n)
    vector = arithmetic.vector(coefficients)
    values, on_coset = vector.ntt(), vector.coset_ntt(n)
    for i in (0, 1, n // 2, n - 1):
        x = pow(root_of_unity(n), i, R)
        assert values[i] == value_at(coefficients, x)
        assert on_coset[i] == value_at(coefficients, 7 * x)
    assert values.intt() == vector
    assert on_coset.coset_intt() == vector


@pytest.mark.parametrize("length", [0, 3, 6, 12])
def test_transforms_take_powers_of_two_only(arithmetic: Arithmetic, length: int) -> None:
    vector = arithmetic.vector([1] * length)
    for transform in (vector.ntt, vector.intt, vector.coset_intt, lambda: vector.coset_ntt(length)):
        with pytest.raises(ValueError, match="expected"):
            transform()


def test_coset_ntt_takes_no_more_coefficients_than_its_size(arithmetic: Arithmetic) -> None:
    for length, size in ((2, 1), (5, 4), (8, 4)):
        with pytest.raises(ValueError, match="expected"):
            arithmetic.vector([0] * length).coset_ntt(size)


@given(vectors, scalars | st.sampled_from(OUTSIDE))
def test_evaluate(arithmetic: Arithmetic, coefficients: list[int], x: int) -> None:
    assert arithmetic.vector(coefficients).evaluate(x) == value_at(coefficients, x)


@given(st.lists(scalars, min_size=1, max_size=40), scalars | st.sampled_from(OUTSIDE))
def test_divide_linear(arithmetic: Arithmetic, coefficients: list[int], root: int) -> None:
    quotient = arithmetic.vector(coefficients).divide_linear(root).to_ints()
    assert len(quotient) == len(coefficients) - 1
    # f(X) = q(X)·(X − root) + f(root), coefficient by coefficient.
    shifted, scaled = [0, *quotient], [*quotient, 0]
    product = [(s - root * q) % R for s, q in zip(shifted, scaled, strict=True)]
    product[0] = (product[0] + value_at(coefficients, root)) % R
    assert product == coefficients


def test_divide_linear_of_no_coefficients(arithmetic: Arithmetic) -> None:
    assert arithmetic.vector([]).divide_linear(1) == arithmetic.vector([])


# --- matrices -------------------------------------------------------------------------------------

entries = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), integers), max_size=30)


@given(entries, st.lists(integers, min_size=5, max_size=5))
def test_matrix_combine(
    arithmetic: Arithmetic, entries: list[tuple[int, int, int]], weights: list[int]
) -> None:
    expected = [0] * 7
    for row, column, value in entries:
        expected[column] += weights[row] * value
    matrix = arithmetic.matrix(5, 7, entries)
    assert matrix.combine(arithmetic.vector(weights)).to_ints() == [x % R for x in expected]


def test_matrix_of_a_large_statement(arithmetic: Arithmetic) -> None:
    values = full_size(3000)
    places = [(i * 7 % 300, i * 11 % 64) for i in range(3000)]
    weights = full_size(300, seed=1)
    expected = [0] * 64
    for (row, column), value in zip(places, values, strict=True):
        expected[column] += weights[row] * value
    matrix = arithmetic.matrix(300, 64, ((*p, v) for p, v in zip(places, values, strict=True)))
    assert matrix.combine(arithmetic.vector(weights)).to_ints() == [x % R for x in expected]


def test_matrix_takes_one_weight_per_row(arithmetic: Arithmetic) -> None:
    matrix = arithmetic.matrix(2, 3, [(1, 2, 5)])
    for count in (0, 1, 3):
        with pytest.raises(ValueError, match="expected"):
            matrix.combine(arithmetic.vector([1] * count))


@pytest.mark.parametrize("entry", [(2, 0, 1), (0, 3, 1)])
def test_matrix_refuses_entries_outside(
    arithmetic: Arithmetic, entry: tuple[int, int, int]
) -> None:
    with pytest.raises(ValueError, match="expected"):
        arithmetic.matrix(2, 3, [(0, 0, 1), entry])


# --- points ---------------------------------------------------------------------------------------


def test_generator(arithmetic: Arithmetic) -> None:
    assert bytes(arithmetic.generator) == encode(G1)
    assert not arithmetic.generator.is_identity()


def test_identity(arithmetic: Arithmetic) -> None:
    identity, g = identity_of(arithmetic), arithmetic.generator
    assert identity.is_identity()
    assert bytes(identity) == IDENTITY_ENCODING
    for other in (
        g - g,
        -identity,
        identity + identity,
        identity - identity,
        point_of(arithmetic, R),
    ):
        assert other == identity
        assert hash(other) == hash(identity)
        assert other.is_identity()
    assert g + identity == identity + g == g - identity == g
    assert identity - g == -g
    assert identity != g


@pytest.mark.parametrize("scalar", STRUCTURED + OUTSIDE)
def test_multiples_of_the_generator(arithmetic: Arithmetic, scalar: int) -> None:
    assert bytes(point_of(arithmetic, scalar)) == multiple(scalar)


@given(st.integers(-20, 20), st.integers(-20, 20))
@settings(max_examples=40)
@example(3, 3)
@example(3, -3)
@example(0, 0)
def test_points_add_like_integers(arithmetic: Arithmetic, a: int, b: int) -> None:
    p, q = point_of(arithmetic, a), point_of(arithmetic, b)
    assert bytes(p + q) == multiple(a + b)
    assert bytes(p - q) == multiple(a - b)
    assert bytes(-p) == multiple(-a)
    assert p.is_identity() == (a == 0)
    assert (p == q) == (a == b)
    assert (bytes(p) == bytes(q)) == (a == b)


def test_equal_points_are_equal_however_they_came_about(arithmetic: Arithmetic) -> None:
    g = arithmetic.generator
    ways = [
        g + g + g,
        point_of(arithmetic, 3),
        point_of(arithmetic, 3 - R),
        arithmetic.linear_combination([g, g + g], [1, 1]),
        arithmetic.decode_point(multiple(3)),
        -point_of(arithmetic, R - 3),
    ]
    assert len(set(ways)) == 1
    assert len({bytes(way) for way in ways}) == 1
    assert ways[0] != -ways[0]
    assert ways[0] != bytes(ways[0])


def test_points_of_two_arithmetics_do_not_mix(both: tuple[Arithmetic, Arithmetic]) -> None:
    one, other = both
    for a, b in ((one, other), (other, one)):
        mixed: Any = b.generator
        assert a.generator != mixed
        with pytest.raises(TypeError):
            a.generator + mixed
        with pytest.raises(TypeError):
            a.linear_combination([mixed], [1])
        with pytest.raises(TypeError):
            unsafe_srs(TAU, a).setup.pairing_check(a.generator, mixed)


def expect_combination(arithmetic: Arithmetic, logs: Sequence[int], weights: Sequence[int]) -> None:
    """Checks Σ weights[i]·(logs[i]·G) for points of known discrete logarithm."""
    points = [point_of(arithmetic, log) for log in logs]
    result = arithmetic.linear_combination(points, weights)
    assert bytes(result) == multiple(sum(x * w for x, w in zip(logs, weights, strict=True)))


@given(st.lists(st.tuples(st.integers(-9, 9), integers), max_size=6))
@settings(max_examples=25, deadline=None)
def test_linear_combination(arithmetic: Arithmetic, terms: list[tuple[int, int]]) -> None:
    expect_combination(arithmetic, [x for x, _ in terms], [w for _, w in terms])


@pytest.mark.parametrize("count", [1, 2, 7, 8, 31, 32, 33, 70])
def test_linear_combination_of_every_size_class(arithmetic: Arithmetic, count: int) -> None:
    logs = [i * i + 1 for i in range(count)]
    expect_combination(arithmetic, logs, full_size(count))
    expect_combination(arithmetic, logs, [0] * count)
    expect_combination(arithmetic, logs, [R - 1] * count)
    expect_combination(arithmetic, logs, [1] * count)
    expect_combination(arithmetic, logs, (STRUCTURED * 4)[:count])
    expect_combination(arithmetic, logs, [0] * (count - 1) + [R - 1])


@pytest.mark.parametrize("count", [2, 9, 40])
def test_linear_combination_of_points_that_meet(arithmetic: Arithmetic, count: int) -> None:
    """Repeated, opposite and identity points fall into one bucket and cancel or double there."""
    weights = full_size(count)
    expect_combination(arithmetic, [5] * count, weights)
    expect_combination(arithmetic, [5] * count, [R - 1] * count)
    expect_combination(arithmetic, [5, -5] * (count // 2), [7] * (count // 2 * 2))
    expect_combination(arithmetic, [5, -5] * (count // 2), weights[: count // 2 * 2])
    expect_combination(arithmetic, [0] * count, weights)
    expect_combination(arithmetic, [0, 5] * (count // 2), weights[: count // 2 * 2])


def test_linear_combination_of_nothing(arithmetic: Arithmetic) -> None:
    assert bytes(arithmetic.linear_combination([], [])) == IDENTITY_ENCODING


def test_linear_combination_takes_one_scalar_per_point(arithmetic: Arithmetic) -> None:
    g = arithmetic.generator
    for points, weights in (([g], []), ([], [1]), ([g, g], [1]), ([g], [1, 0])):
        with pytest.raises(ValueError, match="expected"):
            arithmetic.linear_combination(points, weights)


# --- encodings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scalar", [1, 2, 3, R - 1, R - 2, TAU])
def test_decode_point_round_trip(arithmetic: Arithmetic, scalar: int) -> None:
    point = arithmetic.decode_point(multiple(scalar))
    assert bytes(point) == multiple(scalar)
    assert point == point_of(arithmetic, scalar)


def test_both_signs_occur_and_differ(arithmetic: Arithmetic) -> None:
    data = multiple(5)
    flipped = bytes([data[0] ^ 0x20]) + data[1:]
    assert arithmetic.decode_point(flipped) == -arithmetic.decode_point(data)


def refuse(arithmetic: Arithmetic, data: bytes) -> None:
    with pytest.raises(EncodingError):
        arithmetic.decode_point(data)


@pytest.mark.parametrize("flags", range(8))
def test_only_two_flag_combinations_decode(arithmetic: Arithmetic, flags: int) -> None:
    body = int.from_bytes(multiple(TAU), "big") & (1 << 381) - 1
    data = (flags << 381 | body).to_bytes(48, "big")
    if flags in (0b100, 0b101):
        assert bytes(arithmetic.decode_point(data)) == data
    else:
        refuse(arithmetic, data)


@pytest.mark.parametrize("flags", range(8))
def test_no_flags_make_zeros_a_point(arithmetic: Arithmetic, flags: int) -> None:
    # 110 is the identity; 100 and 101 are the points (0, ±2) of order 3.
    refuse(arithmetic, (flags << 381).to_bytes(48, "big"))


@pytest.mark.parametrize("place", [0, 1, 23, 47])
@pytest.mark.parametrize("flags", [0b110, 0b111])
def test_infinity_with_junk_is_refused(arithmetic: Arithmetic, flags: int, place: int) -> None:
    data = bytearray((flags << 381).to_bytes(48, "big"))
    data[place] |= 1
    refuse(arithmetic, bytes(data))


def test_the_identity_is_refused(arithmetic: Arithmetic) -> None:
    assert bytes(identity_of(arithmetic)) == IDENTITY_ENCODING == b"\xc0" + bytes(47)
    with pytest.raises(EncodingError, match="the identity"):
        arithmetic.decode_point(IDENTITY_ENCODING)


@pytest.mark.parametrize("size", [0, 1, 47, 49, 95, 96, 97])
def test_other_lengths_are_refused(arithmetic: Arithmetic, size: int) -> None:
    data = (multiple(1) * 3)[:size]
    assert len(data) == size
    refuse(arithmetic, data)


def test_coordinates_of_p_and_above_are_refused(arithmetic: Arithmetic) -> None:
    # A multiple of the generator whose x + p still fits in 381 bits: the same point, spelled twice.
    room = (1 << 381) - BASE_MODULUS
    point = next(p for p in map(parse_point, map(multiple, range(1, 100))) if p.x < room)
    arithmetic.decode_point(format_point(point))
    refuse(arithmetic, format_point(CompressedPoint(point.x + BASE_MODULUS, point.larger_root)))
    for x in (BASE_MODULUS, BASE_MODULUS + 1, (1 << 381) - 1):
        for larger_root in (False, True):
            refuse(arithmetic, format_point(CompressedPoint(x, larger_root)))


def curve_point(x: int) -> Optimized_Point3D[FQ] | None:
    """A point of the curve y² = x³ + 4 with this x, in whatever subgroup; None if there is none."""
    y_squared = (pow(x, 3, BASE_MODULUS) + 4) % BASE_MODULUS
    y = pow(y_squared, (BASE_MODULUS + 1) // 4, BASE_MODULUS)
    return (FQ(x), FQ(y), FQ(1)) if y * y % BASE_MODULUS == y_squared else None


def test_points_off_the_curve_are_refused(arithmetic: Arithmetic) -> None:
    off_curve = [x for x in range(1, 40) if curve_point(x) is None]
    assert len(off_curve) > 5
    for x in [*off_curve[:5], BASE_MODULUS - 1]:
        assert curve_point(x) is None
        for larger_root in (False, True):
            refuse(arithmetic, format_point(CompressedPoint(x, larger_root)))


def points_outside_the_subgroup() -> list[Optimized_Point3D[FQ]]:
    on_curve = [point for point in map(curve_point, range(40)) if point is not None]
    order_3 = on_curve[0]
    assert order_3[0] == FQ(0)
    assert is_inf(multiply(order_3, 3))
    # Of order 3; with a part in the subgroup and one of order 3; of the cofactor's order; with a
    # part in the subgroup and one of that order; and as they come.
    mixed = add(multiply(G1, TAU), order_3)
    in_cofactor = multiply(on_curve[1], R)
    return [order_3, mixed, in_cofactor, add(G1, in_cofactor), *on_curve[1:6]]


def test_points_outside_the_subgroup_are_refused(arithmetic: Arithmetic) -> None:
    for point in points_outside_the_subgroup():
        assert not is_inf(multiply(point, R)), "or the test shows nothing"
        refuse(arithmetic, encode(point))


def test_every_flipped_bit_is_refused_or_another_point(arithmetic: Arithmetic) -> None:
    data = multiple(TAU)
    for bit in range(0, 384, 7):
        changed = (int.from_bytes(data, "big") ^ 1 << bit).to_bytes(48, "big")
        try:
            point = arithmetic.decode_point(changed)
        except EncodingError:
            continue
        assert bytes(point) == changed


# --- setups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 31, 32, 33, 66, 197, 256])
def test_commit_is_evaluation_at_tau(arithmetic: Arithmetic, count: int) -> None:
    setup = unsafe_srs(TAU, arithmetic).setup
    highest_power = ([0] * (count - 1) + [1])[:count]
    for coefficients in (full_size(count), [0] * count, [R - 1] * count, highest_power):
        commitment = setup.commit(arithmetic.vector(coefficients))
        assert bytes(commitment) == multiple(value_at(coefficients, TAU))


def test_commit_takes_no_more_coefficients_than_powers(arithmetic: Arithmetic) -> None:
    setup = unsafe_srs(TAU, arithmetic, size=8).setup
    setup.commit(arithmetic.vector([1] * 8))
    with pytest.raises(ValueError, match="expected"):
        setup.commit(arithmetic.vector([0] * 9))


def digit_commitment(digits: Sequence[int], blinders: tuple[int, int], tau: int) -> bytes:
    """From the definitions of protocol section 2 and 5: L_i(τ) = (ω^i/n)·Z(τ)/(τ − ω^i)."""
    n = len(digits)
    vanishing = (pow(tau, n, R) - 1) % R
    omega = root_of_unity(n)
    value = (blinders[0] + blinders[1] * tau) * vanishing
    for i, digit in enumerate(digits):
        power = pow(omega, i, R)
        value += digit * power * vanishing * pow(n * (tau - power), -1, R)
    return multiple(value)


@pytest.mark.parametrize("n", [32, 64])
def test_commit_digits(arithmetic: Arithmetic, n: int) -> None:
    setup = unsafe_srs(TAU, arithmetic).setup
    beta = tuple(full_size(2))
    for digits in (
        [0] * n,
        [3] * n,
        [i % 4 for i in range(n)],
        [0] * (n - 1) + [1],
        random.Random(n).choices(range(4), k=n),
    ):
        for blinders in ((0, 0), (1, 0), (0, R - 1), (beta[0], beta[1])):
            commitment = setup.commit_digits(bytes(digits), blinders)
            assert bytes(commitment) == digit_commitment(digits, blinders, TAU)


@pytest.mark.parametrize("n", [128, 256])
def test_commit_digits_of_larger_domains(arithmetic: Arithmetic, n: int) -> None:
    setup = unsafe_srs(TAU, arithmetic, size=n + 2).setup
    digits = random.Random(n).choices(range(4), k=n)
    commitment = setup.commit_digits(bytes(digits), (5, R - 6))
    assert bytes(commitment) == digit_commitment(digits, (5, R - 6), TAU)


def test_commit_digits_of_the_largest_domain_over_the_ceremony(arithmetic: Arithmetic) -> None:
    setup = ceremony(arithmetic).setup
    digits = random.Random(1024).choices(range(4), k=1024)
    blinders = (3, 5)
    # Interpolated and committed in the monomial basis, with (3 + 5X)(X^1024 − 1) added.
    coefficients = [*arithmetic.vector(digits).intt().to_ints(), 3, 5]
    coefficients[0] -= 3
    coefficients[1] -= 5
    expected = setup.commit(arithmetic.vector(coefficients))
    assert setup.commit_digits(bytes(digits), blinders) == expected


def test_commit_digits_is_additive_in_its_blinders(arithmetic: Arithmetic) -> None:
    setup = unsafe_srs(TAU, arithmetic).setup
    zeros, digits = bytes(32), bytes([1, 2, 3, 0] * 8)
    blinded = setup.commit_digits(digits, (-1, R + 7))
    assert blinded == setup.commit_digits(digits, (0, 0)) + setup.commit_digits(zeros, (R - 1, 7))


@pytest.mark.parametrize("n", [0, 1, 16, 31, 33, 48, 2048])
def test_commit_digits_refuses_other_domains(arithmetic: Arithmetic, n: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        ceremony(arithmetic).setup.commit_digits(bytes(n), (1, 2))


@pytest.mark.parametrize("place", [0, 17, 31])
@pytest.mark.parametrize("digit", [4, 5, 255])
def test_commit_digits_refuses_larger_digits(
    arithmetic: Arithmetic, place: int, digit: int
) -> None:
    digits = bytearray(32)
    digits[place] = digit
    with pytest.raises(ValueError, match="expected"):
        unsafe_srs(TAU, arithmetic).setup.commit_digits(bytes(digits), (1, 2))


def test_commit_digits_needs_two_more_powers_than_digits(arithmetic: Arithmetic) -> None:
    unsafe_srs(TAU, arithmetic, size=34).setup.commit_digits(bytes(32), (1, 2))
    with pytest.raises(ValueError, match="expected"):
        unsafe_srs(TAU, arithmetic, size=33).setup.commit_digits(bytes(32), (1, 2))


def test_setups_of_different_secrets_keep_apart(arithmetic: Arithmetic) -> None:
    one, other = unsafe_srs(TAU, arithmetic).setup, unsafe_srs(TAU + 1, arithmetic).setup
    digits = bytes([1] * 31 + [2])
    for tau, setup in ((TAU, one), (TAU + 1, other), (TAU, one)):
        assert bytes(setup.commit_digits(digits, (3, 4))) == digit_commitment(digits, (3, 4), tau)


@pytest.mark.parametrize("log", [1, 2, R - 1, EIGENVALUE, TAU])
def test_pairing_check_holds_for_tau_times_right_only(arithmetic: Arithmetic, log: int) -> None:
    setup = unsafe_srs(TAU, arithmetic).setup
    right = point_of(arithmetic, log)
    left = point_of(arithmetic, log * TAU)
    assert setup.pairing_check(left, right) is True
    assert setup.pairing_check(-left, -right) is True
    assert setup.pairing_check(left, -right) is False
    assert setup.pairing_check(right, left) is False
    assert setup.pairing_check(left + arithmetic.generator, right) is False


def test_pairing_check_with_the_identity(arithmetic: Arithmetic) -> None:
    setup = unsafe_srs(TAU, arithmetic).setup
    g, identity = arithmetic.generator, identity_of(arithmetic)
    assert setup.pairing_check(identity, identity)
    assert not setup.pairing_check(identity, g)
    assert not setup.pairing_check(g, identity)


def test_pairing_check_opens_a_polynomial(arithmetic: Arithmetic) -> None:
    """The check of KZG, over the ceremony: f(X) − f(x) = q(X)·(X − x)."""
    setup = ceremony(arithmetic).setup
    f, x = arithmetic.vector(full_size(34)), full_size(1, seed=2)[0]
    value = f.evaluate(x)
    commitment, opening = setup.commit(f), setup.commit(f.divide_linear(x))
    points = [commitment, arithmetic.generator, opening]
    for claimed, holds in ((value, True), ((value + 1) % R, False)):
        left = arithmetic.linear_combination(points, [1, -claimed, x])
        assert setup.pairing_check(left, opening) is holds


def test_a_setup_needs_encodings_of_the_right_size(arithmetic: Arithmetic) -> None:
    g1, g2 = [multiple(1), multiple(TAU)], _g2_encodings()
    assert arithmetic.setup(g1, g2).size == 2
    for bad_g1, bad_g2 in (
        ([g1[0], g1[1][:-1]], g2),
        ([g1[0] + b"\x00"], g2),
        (g1, (g2[0][:-1], g2[1])),
        (g1, (g2[0], g2[1] + b"\x00")),
    ):
        with pytest.raises(EncodingError):
            arithmetic.setup(bad_g1, bad_g2)


def test_a_setup_of_no_points_fails_when_they_are_needed(arithmetic: Arithmetic) -> None:
    (g1, tau), (one_2, _) = [multiple(1), multiple(TAU)], _g2_encodings()
    off_curve = format_point(CompressedPoint(BASE_MODULUS - 1, larger_root=False))
    setup = arithmetic.setup([g1, tau, off_curve], (one_2, bytes(96)))
    with pytest.raises(EncodingError):
        setup.commit(arithmetic.vector([1, 1, 1]))
    with pytest.raises(EncodingError):
        setup.pairing_check(arithmetic.generator, arithmetic.generator)


def _g2_encodings() -> tuple[bytes, bytes]:
    from tests.unsafe_srs import _encode_g2

    return _encode_g2(1), _encode_g2(TAU)


# --- both -----------------------------------------------------------------------------------------


def test_names(both: tuple[Arithmetic, Arithmetic]) -> None:
    assert [arithmetic.name for arithmetic in both] == ["reference", "native"]


def test_same_bytes_over_the_ceremony(both: tuple[Arithmetic, Arithmetic]) -> None:
    coefficients = full_size(101)
    digits = bytes(random.Random(0).choices(range(4), k=32))
    results = []
    for arithmetic in both:
        setup = ceremony(arithmetic).setup
        commitment = setup.commit(arithmetic.vector(coefficients))
        column = setup.commit_digits(digits, (coefficients[0], coefficients[1]))
        combination = arithmetic.linear_combination([commitment, column], coefficients[:2])
        results.append([bytes(point) for point in (commitment, column, combination)])
    assert results[0] == results[1]


def test_decode_points_is_decode_point_one_by_one(arithmetic: Arithmetic) -> None:
    generator = arithmetic.generator
    points = [arithmetic.linear_combination([generator], [factor]) for factor in range(1, 12)]
    data = b"".join(map(bytes, points))
    assert arithmetic.decode_points(data) == points
    assert arithmetic.decode_points(b"") == []
    for length in (1, 47, len(data) - 1):
        with pytest.raises(EncodingError):
            arithmetic.decode_points(data[:length])
    for index in range(len(points)):
        start = 48 * index
        for bad in (b"\xc0" + bytes(47), bytes(48), b"\xff" * 48):
            with pytest.raises(EncodingError):
                arithmetic.decode_points(data[:start] + bad + data[start + 48 :])

"""Item 3: proofs with a flipped bit, a malformed or substituted point or scalar, or another
length.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typing_extensions import override

from tests import independent_verifier as independent
from tests.attacks.points import (
    COFACTOR_PRIMES,
    IDENTITY,
    TORSION,
    coordinate_at_least_p,
    of_small_order,
    off_curve,
    off_subgroup,
    plus,
    plus_torsion,
    with_flags,
)
from tests.helpers import TAU, Case, case, opening, row, small_case, toy_srs
from zkcollateral.circuits.proof import Proof
from zkcollateral.circuits.statement import Statement
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.reference import ReferenceArithmetic
from zkcollateral.crypto.reference_group import ReferencePoint, decode_on_curve
from zkcollateral.errors import EncodingError
from zkcollateral.verifier.proof import verify

DECIDE = independent.known_tau(TAU)
POINTS = ("F_0", "Z", "T", "W", "W'")
SCALARS = ("y_0", "z̄")
SIZE = 308


def point_at(slot: str) -> slice:
    start = 4 + 48 * POINTS.index(slot)
    return slice(start, start + 48)


def scalar_at(slot: str) -> slice:
    start = 4 + 48 * len(POINTS) + 32 * SCALARS.index(slot)
    return slice(start, start + 32)


def put(proof: bytes, place: slice, data: bytes) -> bytes:
    changed = proof[: place.start] + data + proof[place.stop :]
    assert changed != proof
    return changed


def flipped(proof: bytes, byte: int, bit: int) -> bytes:
    changed = bytearray(proof)
    changed[byte] ^= 1 << bit
    return bytes(changed)


def assert_malformed(case: Case, data: bytes) -> None:
    """Refused while decoding, by ours and by the independent verifier, and reported as invalid."""
    with pytest.raises(EncodingError):
        Proof.decode(data, case.statement, case.srs.arithmetic)
    assert not verify(case.statement, data, case.srs).valid
    with pytest.raises(independent.Rejected) as refusal:
        independent.verify(case.statement.encoded, data, case.srs.id, DECIDE)
    assert "pairing" not in str(refusal.value)


def assert_refused(case: Case, data: bytes) -> None:
    assert not verify(case.statement, data, case.srs).valid
    assert not independent.accepts(case.statement.encoded, data, case.srs.id, DECIDE)


# --- bits and bytes


@pytest.mark.native
def test_one_flipped_bit_in_every_byte(small: Case, small_proof: bytes) -> None:
    """Guards: that every byte matters. A different bit in each of the 308."""
    assert len(small_proof) == SIZE
    for byte in range(SIZE):
        data = flipped(small_proof, byte, byte * 5 % 8)
        assert not verify(small.statement, data, small.srs).valid, byte


@pytest.mark.slow
def test_every_flipped_bit(small: Case, small_proof: bytes) -> None:
    """Guards: that every bit matters."""
    for byte in range(SIZE):
        for bit in range(8):
            data = flipped(small_proof, byte, bit)
            assert not verify(small.statement, data, small.srs).valid, (byte, bit)


@pytest.mark.native
def test_every_byte_replaced(small: Case, small_proof: bytes) -> None:
    """Guards: as above, for 0x00 and 0xff in every place."""
    for byte in range(SIZE):
        for value in (0x00, 0xFF):
            data = small_proof[:byte] + bytes([value]) + small_proof[byte + 1 :]
            assert data == small_proof or not verify(small.statement, data, small.srs).valid, byte


# --- lengths


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: b"",
        lambda proof: proof[:4],
        lambda proof: proof[:-1],
        lambda proof: proof[:-32],
        lambda proof: proof[1:],
        lambda proof: proof + b"\x00",
        lambda proof: proof + bytes(32),
        lambda proof: proof + proof,
        lambda proof: proof[:4] + proof[4:52] + proof[4:],
        lambda proof: proof[:4] + proof[4:52] * 2 + proof[52:] + proof[-64:-32],
    ],
    ids=[
        "empty",
        "only the magic",
        "a byte less",
        "a scalar less",
        "first byte less",
        "a byte more",
        "a scalar more",
        "twice",
        "a point more",
        "a column more",
    ],
)
def test_length(small: Case, small_proof: bytes, change: Callable[[bytes], bytes]) -> None:
    """Guards: the length check, and k from the statement alone."""
    assert_malformed(small, change(small_proof))


@pytest.mark.parametrize("magic", [b"ZKC2", b"zkc1", b"\x00" * 4, b"ZKC\x00"])
def test_magic(small: Case, small_proof: bytes, magic: bytes) -> None:
    """Guards: the four letters."""
    assert_malformed(small, magic + small_proof[4:])


# --- points


@pytest.mark.parametrize("slot", POINTS)
class TestPointSlot:
    def test_identity(self, small: Case, small_proof: bytes, slot: str) -> None:
        """Guards: that the identity is no point of a proof."""
        assert_malformed(small, put(small_proof, point_at(slot), IDENTITY))

    def test_infinity_flag_with_bytes_behind_it(
        self, small: Case, small_proof: bytes, slot: str
    ) -> None:
        """Guards: the flags, on the raw bytes; some libraries read these as the identity."""
        for data in (IDENTITY[:-1] + b"\x01", with_flags(small_proof[point_at(slot)], 0b110)):
            assert_malformed(small, put(small_proof, point_at(slot), data))

    def test_off_the_curve(self, small: Case, small_proof: bytes, slot: str) -> None:
        """Guards: the curve equation."""
        assert_malformed(small, put(small_proof, point_at(slot), off_curve()))

    def test_outside_the_subgroup(self, small: Case, small_proof: bytes, slot: str) -> None:
        """Guards: the subgroup check."""
        good = small_proof[point_at(slot)]
        for data in (TORSION, off_subgroup(), plus_torsion(good)):
            assert_malformed(small, put(small_proof, point_at(slot), data))

    def test_coordinate_at_least_p(self, small: Case, small_proof: bytes, slot: str) -> None:
        """Guards: one encoding for one point."""
        data = coordinate_at_least_p(small_proof[point_at(slot)])
        assert_malformed(small, put(small_proof, point_at(slot), data))

    def test_all_flag_combinations(self, small: Case, small_proof: bytes, slot: str) -> None:
        """Guards: the three flag bits; only the two of a compressed point decode, and one
        is true.
        """
        good = small_proof[point_at(slot)]
        for flags in range(8):
            data = with_flags(good, flags)
            changed = (
                small_proof[: point_at(slot).start] + data + small_proof[point_at(slot).stop :]
            )
            if data == good:
                assert verify(small.statement, changed, small.srs).valid
            elif flags in {0b100, 0b101}:
                Proof.decode(changed, small.statement, small.srs.arithmetic)
                assert_refused(small, changed)
            else:
                assert_malformed(small, changed)

    def test_another_valid_point(self, small: Case, small_proof: bytes, slot: str) -> None:
        """Guards: the equation itself."""
        generator = bytes(small.srs.arithmetic.generator)
        commitment = small.statement.accounts[0].commitment
        for data in (generator, commitment, small_proof[point_at("F_0")]):
            if data != small_proof[point_at(slot)]:
                assert_refused(small, put(small_proof, point_at(slot), data))


def test_points_swapped(small: Case, small_proof: bytes) -> None:
    """Guards: that each point has its own role."""
    for i, first in enumerate(POINTS):
        for second in POINTS[i + 1 :]:
            swapped = put(small_proof, point_at(first), small_proof[point_at(second)])
            swapped = put(swapped, point_at(second), small_proof[point_at(first)])
            assert not verify(small.statement, swapped, small.srs).valid


class UnsafeArithmetic(ReferenceArithmetic):
    """Decodes points of the curve without asking for the subgroup."""

    @override
    def decode_point(self, data: bytes) -> ReferencePoint:
        return ReferencePoint(decode_on_curve(data))


@pytest.mark.parametrize("slot", ["W", "W'"])
def test_torsion_makes_no_second_proof(slot: str, fast: Arithmetic) -> None:
    """Guards: the subgroup check. Without it a point of order 3 added to W or W' pairs to 1 and
    passes.
    """
    unsafe = small_case(toy_srs(UnsafeArithmetic()))
    proof = unsafe.prove()
    malleated = put(proof, point_at(slot), plus_torsion(proof[point_at(slot)]))
    assert verify(unsafe.statement, malleated, unsafe.srs).valid

    assert_malformed(small_case(toy_srs(fast)), malleated)


def test_torsion_in_a_commitment(fast: Arithmetic) -> None:
    """Guards: the subgroup check of the statement's commitments, also outside
    `Statement.decode`.
    """
    good = small_case(toy_srs(fast))
    first = good.statement.accounts[0]
    shifted = first._replace(commitment=plus_torsion(first.commitment))
    statement = Statement(64, 1, (shifted,), good.statement.system, good.statement.context)
    with pytest.raises(EncodingError):
        Statement.decode(statement.encoded, fast)
    report = verify(statement, good.prove(), good.srs)
    assert not report.valid
    assert "subgroup" in report.reason or "point" in report.reason


@pytest.mark.parametrize("prime", COFACTOR_PRIMES)
def test_points_of_every_small_order(prime: int, arithmetic: Arithmetic) -> None:
    """Guards: the subgroup check, against points made to confuse it: their multiples meet early.

    Alone, and in every place among eight good points, as they may be decoded together.
    """
    good = bytes(arithmetic.generator)
    small = of_small_order(prime)
    for bad in (small, plus(good, small)):
        with pytest.raises(EncodingError):
            arithmetic.decode_point(bad)
        for place in range(8) if arithmetic.name == "native" else (0, 1):
            group = [good] * 8 if arithmetic.name == "native" else [good] * 2
            arithmetic.decode_points(b"".join(group))
            group[place] = bad
            with pytest.raises(EncodingError):
                arithmetic.decode_points(b"".join(group))


# --- scalars


@pytest.mark.parametrize("slot", SCALARS)
class TestScalarSlot:
    @pytest.mark.parametrize(
        "value", [MODULUS, MODULUS + 1, 2 * MODULUS, 2**255, 2**256 - 1], ids=hex
    )
    def test_not_below_r(self, small: Case, small_proof: bytes, slot: str, value: int) -> None:
        """Guards: canonical scalars."""
        assert_malformed(small, put(small_proof, scalar_at(slot), value.to_bytes(32, "big")))

    def test_the_true_value_plus_r(self, fast: Arithmetic, slot: str) -> None:
        """Guards: canonical scalars. y + r stands for the same element, and must be no second
        proof.
        """
        for index in range(50):
            small = small_case(toy_srs(fast), context=index.to_bytes(32, "big"))
            proof = small.prove()
            raised = int.from_bytes(proof[scalar_at(slot)], "big") + MODULUS
            if raised < 2**256:
                data = put(proof, scalar_at(slot), raised.to_bytes(32, "big"))
                assert_malformed(small, data)
                return
        raise AssertionError

    def test_other_values(self, small: Case, small_proof: bytes, slot: str) -> None:
        """Guards: the equation itself."""
        true = int.from_bytes(small_proof[scalar_at(slot)], "big")
        for value in (0, 1, MODULUS - 1, (true + 1) % MODULUS, -true % MODULUS):
            data = put(small_proof, scalar_at(slot), value.to_bytes(32, "big"))
            assert_refused(small, data)


def test_scalars_swapped(small: Case, small_proof: bytes) -> None:
    """Guards: that each scalar has its own role."""
    y, z_bar = small_proof[scalar_at("y_0")], small_proof[scalar_at("z̄")]
    assert_refused(small, small_proof[:-64] + z_bar + y)


# --- the reference arithmetic decodes alike


def case_with_small_coordinate(arithmetic: Arithmetic) -> tuple[Case, bytes]:
    """A case and proof whose T has a coordinate that p can be added to without leaving 381 bits."""
    for index in range(100):
        small = small_case(toy_srs(arithmetic), context=index.to_bytes(32, "big"))
        proof = small.prove()
        if coordinate_at_least_p(proof[point_at("T")])[1:] != coordinate_at_least_p(bytes(48))[1:]:
            return small, proof
    raise AssertionError


REFERENCE_REASONS = {
    "identity": "other than the identity",
    "infinity": "the flags",
    "flags": "the flags",
    "p": "below p",
    "curve": "on the curve",
    "subgroup": "subgroup",
    "torsion": "subgroup",
    "scalar": "below r",
}


@pytest.mark.parametrize("name", REFERENCE_REASONS)
def test_reference_refuses_for_the_reason_it_should(
    name: str, both: tuple[Arithmetic, Arithmetic]
) -> None:
    """Guards: each check in the readable implementation, where one could hide behind the next."""
    small, proof = case_with_small_coordinate(both[1])
    point = point_at("T")
    data = {
        "identity": put(proof, point, IDENTITY),
        "infinity": put(proof, point, IDENTITY[:-1] + b"\x01"),
        "flags": put(proof, point, with_flags(proof[point], 0b001)),
        "p": put(proof, point, coordinate_at_least_p(proof[point])),
        "curve": put(proof, point, off_curve()),
        "subgroup": put(proof, point, off_subgroup()),
        "torsion": put(proof, point, plus_torsion(proof[point])),
        "scalar": put(proof, scalar_at("z̄"), MODULUS.to_bytes(32, "big")),
    }[name]
    with pytest.raises(EncodingError, match=REFERENCE_REASONS[name]):
        Proof.decode(data, small.statement, both[0])
    with pytest.raises(EncodingError):
        Proof.decode(data, small.statement, both[1])


def test_proof_of_one_statement_has_the_size_of_its_columns_only(fast: Arithmetic) -> None:
    """Guards: k from the statement. A good proof with a column too many or too few is malformed."""
    srs = toy_srs(fast)
    rows = [row([(0, 0, 1)], [(0, -1)]), row([(0, 1, 1)], [(1, -1)]), row([(0, 2, 1)], [(2, -1)])]
    opened = opening((1, 2, 3, 4))
    two, three = case(srs, [opened], rows[:2], (1, 2)), case(srs, [opened], rows, (1, 2, 3))
    assert verify(two.statement, two.prove(), srs).valid
    assert verify(three.statement, three.prove(), srs).valid
    assert_malformed(two, three.prove())
    assert_malformed(three, two.prove())

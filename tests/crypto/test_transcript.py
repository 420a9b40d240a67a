"""The transcript against its specification, written out a second time with hashlib alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import pytest
from py_ecc.bls.hash import expand_message_xmd

from zkcollateral.crypto.arithmetic import Arithmetic, Point
from zkcollateral.crypto.field import MODULUS, encode_scalar
from zkcollateral.crypto.points import IDENTITY_ENCODING
from zkcollateral.crypto.select import arithmetic as select_arithmetic
from zkcollateral.crypto.transcript import Transcript, blinder
from zkcollateral.errors import EncodingError

# py-ecc's annotation asks for the hash object where it takes the constructor.
SHA256: Any = sha256

LABELS = ("rho", "alpha", "zeta", "nu", "mu")


def encoding(byte: int) -> bytes:
    """48 bytes in the place of a point; the transcript does not decode."""
    return bytes([0x80, *[byte] * 47])


def challenge(label: str, state: bytes) -> int:
    expanded = expand_message_xmd(state, b"ZKCOLLATERAL-V1:" + label.encode(), 48, SHA256)
    return int.from_bytes(expanded, "big") % MODULUS


@dataclass(frozen=True)
class Sent:
    """Everything a proof of two columns puts into its transcript."""

    srs_id: bytes = bytes(range(32))
    statement: bytes = b"statement"
    columns: tuple[bytes, ...] = (encoding(1), encoding(2))
    z: bytes = encoding(3)
    t: bytes = encoding(4)
    evaluations: tuple[int, ...] = (5, 6)
    z_bar: int = 7
    w: bytes = encoding(8)
    w_prime: bytes = encoding(9)

    def challenges(self) -> list[int]:
        transcript = Transcript(select_arithmetic("reference"), self.srs_id, self.statement)
        evaluations = (encode_scalar(y) for y in (*self.evaluations, self.z_bar))
        return [
            transcript.round("rho", *self.columns),
            transcript.round("alpha", self.z),
            transcript.round("zeta", self.t),
            transcript.round("nu", *evaluations),
            transcript.round("mu", self.w, self.w_prime),
        ]

    def specified_challenges(self) -> list[int]:
        s0 = sha256(b"ZKCOLLATERAL-V1:statement" + self.srs_id + self.statement).digest()
        s1 = sha256(s0 + self.columns[0] + self.columns[1]).digest()
        s2 = sha256(s1 + self.z).digest()
        s3 = sha256(s2 + self.t).digest()
        scalars = (*self.evaluations, self.z_bar)
        s4 = sha256(s3 + b"".join(y.to_bytes(32, "big") for y in scalars)).digest()
        s5 = sha256(s4 + self.w + self.w_prime).digest()
        states = (s1, s2, s3, s4, s5)
        return [challenge(label, state) for label, state in zip(LABELS, states, strict=True)]


def test_challenges_are_the_specified_ones() -> None:
    assert Sent().challenges() == Sent().specified_challenges()


CHANGES: list[tuple[str, int, Callable[[Sent], Sent]]] = [
    ("srs", 0, lambda sent: replace(sent, srs_id=bytes(32))),
    ("statement", 0, lambda sent: replace(sent, statement=b"statemenu")),
    ("longer statement", 0, lambda sent: replace(sent, statement=b"statement\x00")),
    ("first column", 0, lambda sent: replace(sent, columns=(encoding(0), encoding(2)))),
    ("last column", 0, lambda sent: replace(sent, columns=(encoding(1), encoding(0)))),
    ("order of columns", 0, lambda sent: replace(sent, columns=(encoding(2), encoding(1)))),
    ("left out column", 0, lambda sent: replace(sent, columns=(encoding(1),))),
    ("z", 1, lambda sent: replace(sent, z=encoding(0))),
    ("t", 2, lambda sent: replace(sent, t=encoding(0))),
    ("first evaluation", 3, lambda sent: replace(sent, evaluations=(0, 6))),
    ("last evaluation", 3, lambda sent: replace(sent, evaluations=(5, 0))),
    ("left out evaluation", 3, lambda sent: replace(sent, evaluations=(5,))),
    ("z bar", 3, lambda sent: replace(sent, z_bar=0)),
    ("w", 4, lambda sent: replace(sent, w=encoding(0))),
    ("w prime", 4, lambda sent: replace(sent, w_prime=encoding(0))),
    ("order of openings", 4, lambda sent: replace(sent, w=encoding(9), w_prime=encoding(8))),
]


@pytest.mark.parametrize(
    ("first_changed", "change"), [pytest.param(n, f, id=i) for i, n, f in CHANGES]
)
def test_a_changed_item_changes_every_later_challenge(
    first_changed: int, change: Callable[[Sent], Sent]
) -> None:
    before = Sent().challenges()
    after = change(Sent()).challenges()
    assert before[:first_changed] == after[:first_changed]
    assert all(x != y for x, y in zip(before[first_changed:], after[first_changed:], strict=True))


def test_labels_separate_challenges_over_one_state() -> None:
    state = bytes(32)
    assert len({challenge(label, state) for label in (*LABELS, "blinder")}) == 6
    assert len(set(Sent().challenges())) == 5


def test_state_is_exposed_before_and_after_a_round(arithmetic: Arithmetic) -> None:
    transcript = Transcript(arithmetic, bytes(32), b"")
    s0 = sha256(b"ZKCOLLATERAL-V1:statement" + bytes(32)).digest()
    assert transcript.state == s0
    transcript.round("rho", encoding(1))
    assert transcript.state == sha256(s0 + encoding(1)).digest()


def test_points_are_absorbed_as_their_encoding(arithmetic: Arithmetic) -> None:
    point = arithmetic.generator
    by_point = Transcript(arithmetic, bytes(32), b"s").round("rho", point)
    by_bytes = Transcript(arithmetic, bytes(32), b"s").round("rho", bytes(point))
    assert by_point == by_bytes


def test_the_identity_is_refused_in_every_round_of_points(arithmetic: Arithmetic) -> None:
    identity = arithmetic.generator - arithmetic.generator
    for due in ("rho", "alpha", "zeta", "mu"):
        for item in (IDENTITY_ENCODING, identity):
            transcript = _until(arithmetic, due)
            state = transcript.state
            with pytest.raises(EncodingError, match=f"round {due}: .* got the identity"):
                transcript.round(due, encoding(1), item)
            assert transcript.state == state


def test_rounds_have_one_order() -> None:
    arithmetic = select_arithmetic("reference")
    for due in LABELS:
        for label in (*LABELS, "blinder", ""):
            if label != due:
                with pytest.raises(ValueError, match=f"expected round {due}"):
                    _until(arithmetic, due).round(label, encoding(1))
    finished = _until(arithmetic, None)
    for label in LABELS:
        with pytest.raises(ValueError, match="no further round"):
            finished.round(label, encoding(1))


def test_a_round_takes_items_of_its_kind_only() -> None:
    arithmetic = select_arithmetic("reference")
    for due in LABELS:
        right = 32 if due == "nu" else 48
        for size in {0, 31, 32, 33, 47, 48, 49, 96} - {right}:
            with pytest.raises(ValueError, match=f"items of {right} bytes"):
                _until(arithmetic, due).round(due, bytes(size))
        with pytest.raises(ValueError, match="at least one item"):
            _until(arithmetic, due).round(due)


def test_an_integer_is_not_absorbed_as_zero_bytes() -> None:
    with pytest.raises(AttributeError):
        _until(select_arithmetic("reference"), "nu").round("nu", 32)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 31, 33])
def test_srs_id_has_32_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Transcript(select_arithmetic("reference"), bytes(size), b"")


def test_blinder_is_the_specified_one(arithmetic: Arithmetic) -> None:
    seed, s0, h = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
    message = seed + s0 + h + b"\x00\x01\x00\x05"
    expanded = expand_message_xmd(message, b"ZKCOLLATERAL-V1:blinder", 48, SHA256)
    expected = int.from_bytes(expanded, "big") % MODULUS
    assert blinder(arithmetic, seed, s0, h, 65541) == expected


def test_blinders_differ_by_seed_statement_witness_and_index() -> None:
    arithmetic = select_arithmetic("reference")
    zero, other = bytes(32), bytes(31) + b"\x01"
    blinders = {
        blinder(arithmetic, seed, s0, h, j)
        for seed in (zero, other)
        for s0 in (zero, other)
        for h in (zero, other)
        for j in range(5)
    }
    assert len(blinders) == 40


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("size", [0, 31, 33])
def test_blinder_takes_parts_of_32_bytes(place: int, size: int) -> None:
    parts = [bytes(32)] * 3
    parts[place] = bytes(size)
    seed, s0, h = parts
    with pytest.raises(ValueError, match="32 bytes"):
        blinder(select_arithmetic("reference"), seed, s0, h, 0)


@pytest.mark.parametrize("index", [-1, 1 << 32])
def test_blinder_index_is_a_u32(index: int) -> None:
    with pytest.raises(ValueError, match="index"):
        blinder(select_arithmetic("reference"), bytes(32), bytes(32), bytes(32), index)


def _until(arithmetic: Arithmetic, due: str | None) -> Transcript:
    """A transcript in which round `due` comes next; None is after the last."""
    transcript = Transcript(arithmetic, bytes(32), b"statement")
    for label in LABELS:
        if label == due:
            break
        item: Point | bytes = bytes(32) if label == "nu" else encoding(1)
        transcript.round(label, item)
    return transcript

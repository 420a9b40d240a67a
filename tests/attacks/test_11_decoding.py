"""Item 11: everything that section 7 rejects, one fault at a time, on bytes; and fuzzing.

That there is exactly one fault, and which, the independent decoder says.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import independent_verifier as independent
from tests.attacks.points import (
    IDENTITY,
    TORSION,
    coordinate_at_least_p,
    off_curve,
    off_subgroup,
    with_flags,
)
from tests.helpers import Case, account, opening, toy_srs
from tests.independent_verifier import PlainRow, PlainStatement
from zkcollateral.circuits import statement as statement_module
from zkcollateral.circuits.bytes_reader import Reader
from zkcollateral.circuits.proof import Proof
from zkcollateral.circuits.statement import LinearSystem, Statement
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.srs import Srs
from zkcollateral.errors import EncodingError

Edit = Callable[[PlainStatement], PlainStatement]


@pytest.fixture(scope="module")
def base(srs: Srs) -> PlainStatement:
    """A valid statement: accounts of 4 and 8 slots, own rows, a shared row, values 0 to 4."""
    accounts = [account(opening([1] * slots, f"{slots}"), srs) for slots in (4, 8)]
    rows = [
        PlainRow([(0, 0, 1), (0, 3, 5)], [(0, MODULUS - 1), (2, 7)], 3),
        PlainRow([(1, 7, MODULUS - 2)], [], MODULUS - 1),
        PlainRow([(0, 1, 1), (1, 0, 1)], [(4, 1)], 0),
        PlainRow([], [(1, 1), (3, 1)], 9),
    ]
    return PlainStatement(64, 5, [(a.slots, a.commitment) for a in accounts], rows, bytes(32))


def with_row(statement: PlainStatement, index: int, **fields: object) -> PlainStatement:
    rows = list(statement.rows)
    rows[index] = rows[index]._replace(**fields)  # type: ignore[arg-type]
    return statement._replace(rows=rows)


def with_coefficient(scalar: int) -> Edit:
    return lambda s: with_row(s, 0, account_terms=[(0, 0, scalar), (0, 3, 5)])


def with_value_coefficient(scalar: int) -> Edit:
    return lambda s: with_row(s, 3, value_terms=[(1, 1), (3, scalar)])


def with_slots(index: int, slots: int) -> Edit:
    def edit(statement: PlainStatement) -> PlainStatement:
        accounts = list(statement.accounts)
        accounts[index] = slots, accounts[index][1]
        return statement._replace(accounts=accounts)

    return edit


def with_point(make: Callable[[bytes], bytes]) -> Edit:
    def edit(statement: PlainStatement) -> PlainStatement:
        first, (slots, point) = statement.accounts
        return statement._replace(accounts=[first, (slots, make(point))])

    return edit


def many_accounts(count: int) -> Edit:
    """`count` accounts, each with a row of its own."""
    return lambda s: s._replace(
        accounts=[s.accounts[0]] * count, rows=[PlainRow([(i, 0, 1)], [], 0) for i in range(count)]
    )


def many_rows(count: int) -> Edit:
    return lambda s: s._replace(rows=s.rows + [s.rows[0]] * (count - len(s.rows)))


FAULTS: dict[str, tuple[str, Edit]] = {
    **{
        f"n = {n}": ("n", lambda s, n=n: s._replace(n=n))  # type: ignore[misc]
        for n in (0, 1, 16, 31, 33, 48, 63, 65, 96, 1000, 1023, 2048, 2**31, 2**32 - 1)
    },
    **{
        f"m = {m}": ("m", lambda s, m=m: s._replace(m=m))  # type: ignore[misc]
        for m in (0, 32 * 64 + 1, 2**31, 2**32 - 1)
    },
    "m = 0, and no value in any row": (
        "m",
        lambda s: s._replace(m=0, rows=[r._replace(value_terms=[]) for r in s.rows[:3]]),
    ),
    "m at the bound of another n": ("m", lambda s: s._replace(n=32, m=32 * 32 + 1)),
    **{f"a = {a}": ("a", with_slots(1, a)) for a in (0, 3, 5, 6, 7, 9, 63, 128, 2**31, 2**32 - 1)},
    "no accounts": ("number of accounts", lambda s: s._replace(accounts=[])),
    "no accounts, and no account in any row": (
        "number of accounts",
        lambda s: s._replace(accounts=[], rows=[s.rows[3]]),
    ),
    "65 accounts": ("number of accounts", many_accounts(65)),
    "no rows": ("number of rows", lambda s: s._replace(rows=[])),
    "4097 rows": ("number of rows", many_rows(4097)),
    "account out of range": (
        "account or slot",
        lambda s: with_row(s, 2, account_terms=[(0, 1, 1), (2, 0, 1)]),
    ),
    "account 2^32 - 1": (
        "account or slot",
        lambda s: with_row(s, 2, account_terms=[(0, 1, 1), (2**32 - 1, 0, 1)]),
    ),
    "slot out of range": (
        "account or slot",
        lambda s: with_row(s, 0, account_terms=[(0, 0, 1), (0, 4, 5)]),
    ),
    "slot of the other account's range": (
        "account or slot",
        lambda s: with_row(s, 2, account_terms=[(0, 7, 1), (1, 0, 1)]),
    ),
    "value out of range": ("value index", lambda s: with_row(s, 3, value_terms=[(1, 1), (5, 1)])),
    "value 2^32 - 1": (
        "value index",
        lambda s: with_row(s, 3, value_terms=[(1, 1), (2**32 - 1, 1)]),
    ),
    "m below a value": ("value index", lambda s: s._replace(m=4)),
    "coefficient 0": ("coefficient", with_coefficient(0)),
    "coefficient 2^250": ("coefficient", with_coefficient(2**250)),
    "coefficient -2^250": ("coefficient", with_coefficient(MODULUS - 2**250)),
    "coefficient r/2": ("coefficient", with_coefficient(MODULUS // 2)),
    "coefficient r/2 + 1": ("coefficient", with_coefficient(MODULUS // 2 + 1)),
    "coefficient r": ("scalar not below r", with_coefficient(MODULUS)),
    "coefficient r + 1": ("scalar not below r", with_coefficient(MODULUS + 1)),
    "coefficient 2^256 - 1": ("scalar not below r", with_coefficient(2**256 - 1)),
    "value coefficient 0": ("coefficient", with_value_coefficient(0)),
    "value coefficient 2^250": ("coefficient", with_value_coefficient(2**250)),
    "value coefficient -2^250": ("coefficient", with_value_coefficient(MODULUS - 2**250)),
    "value coefficient r": ("scalar not below r", with_value_coefficient(MODULUS)),
    "constant r": ("scalar not below r", lambda s: with_row(s, 0, constant=MODULUS)),
    "constant 2^256 - 1": ("scalar not below r", lambda s: with_row(s, 1, constant=2**256 - 1)),
    "slots out of order": (
        "account terms out of order or twice",
        lambda s: with_row(s, 0, account_terms=[(0, 3, 5), (0, 0, 1)]),
    ),
    "accounts out of order": (
        "account terms out of order or twice",
        lambda s: with_row(s, 2, account_terms=[(1, 0, 1), (0, 1, 1)]),
    ),
    "slot twice": (
        "account terms out of order or twice",
        lambda s: with_row(s, 0, account_terms=[(0, 3, 5), (0, 3, 1)]),
    ),
    "slot twice, not side by side": (
        "account terms out of order or twice",
        lambda s: with_row(s, 0, account_terms=[(0, 0, 1), (0, 3, 5), (0, 0, 1)]),
    ),
    "values out of order": (
        "value terms out of order or twice",
        lambda s: with_row(s, 3, value_terms=[(3, 1), (1, 1)]),
    ),
    "value twice": (
        "value terms out of order or twice",
        lambda s: with_row(s, 3, value_terms=[(3, 1), (3, 1)]),
    ),
    "a row without terms": (
        "a row without terms",
        lambda s: with_row(s, 3, value_terms=[]),
    ),
    "an account in no row": (
        "an account without own row",
        lambda s: s._replace(rows=[s.rows[0], s.rows[3]]),
    ),
    "an account in shared rows only": (
        "an account without own row",
        lambda s: s._replace(rows=[s.rows[0], s.rows[2], s.rows[3]]),
    ),
    "accounts as a difference only": (
        "an account without own row",
        lambda s: s._replace(
            rows=[PlainRow([(0, i, 1), (1, i, MODULUS - 1)], [(0, 1)], 0) for i in range(4)]
        ),
    ),
    "the identity": ("flags", with_point(lambda point: IDENTITY)),
    "the infinity flag": ("flags", with_point(lambda point: with_flags(point, 0b110))),
    "no compression flag": ("flags", with_point(lambda point: with_flags(point, 0b000))),
    "a coordinate of p or more": ("coordinate not below p", with_point(coordinate_at_least_p)),
    "a point off the curve": ("off the curve", with_point(lambda point: off_curve())),
    "a point outside the subgroup": (
        "outside the subgroup",
        with_point(lambda point: off_subgroup()),
    ),
    "a point of order 3": ("outside the subgroup", with_point(lambda point: TORSION)),
}


def test_the_base_is_valid(base: PlainStatement, srs: Srs) -> None:
    data = base.encode()
    assert independent.decode_statement(data) == base
    assert Statement.decode(data, srs.arithmetic).encoded == data


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault(base: PlainStatement, srs: Srs, fault: str) -> None:
    """Guards: the rejection that the name says, alone."""
    rule, edit = FAULTS[fault]
    data = edit(base).encode()
    with pytest.raises(independent.Rejected) as refusal:
        independent.decode_statement(data)
    assert str(refusal.value) == rule
    with pytest.raises(EncodingError):
        Statement.decode(data, srs.arithmetic)


@pytest.mark.parametrize("tail", [b"\x00", bytes(32), b"\xff" * 4])
def test_trailing_bytes(base: PlainStatement, srs: Srs, tail: bytes) -> None:
    """Guards: that the bytes end where the statement does."""
    with pytest.raises(EncodingError, match="the end"):
        Statement.decode(base.encode() + tail, srs.arithmetic)


def test_every_truncation(base: PlainStatement, srs: Srs) -> None:
    """Guards: that no read goes past the end."""
    data = base.encode()
    for length in range(len(data)):
        with pytest.raises(EncodingError):
            Statement.decode(data[:length], srs.arithmetic)


@pytest.mark.parametrize("shift", [-1, 1, 2**31, 2**32 - 1])
def test_counts_that_lie(base: PlainStatement, srs: Srs, shift: int) -> None:
    """Guards: each of the counts; a wrong one moves all that follows, or claims what is not
    there.
    """
    data = base.encode()
    accounts, rows = 8, 12 + 2 * 52
    for place in (accounts, rows, rows + 4, rows + 8 + 2 * 40):
        count = int.from_bytes(data[place : place + 4], "big")
        wrong = ((count + shift) % 2**32).to_bytes(4, "big")
        with pytest.raises(EncodingError):
            Statement.decode(data[:place] + wrong + data[place + 4 :], srs.arithmetic)


def test_no_read_past_the_end() -> None:
    """Guards: the reader itself, behind which other checks stand."""
    reader = Reader(b"\x00\x00\x00\x05\x01", "test")
    assert reader.u32() == 5
    with pytest.raises(EncodingError, match="test byte 4: expected 2 more bytes, got 1"):
        reader.take(2)
    with pytest.raises(EncodingError, match="4 more bytes"):
        reader.u32()
    with pytest.raises(EncodingError, match="32 more bytes"):
        reader.scalar()
    with pytest.raises(EncodingError, match="test byte 4: expected the end, got 1 more"):
        reader.finish()
    assert reader.take(1) == b"\x01"
    reader.finish()


BOUNDS: dict[str, Edit] = {
    "n = 32": lambda s: s._replace(n=32),
    "n = 1024": lambda s: s._replace(n=1024),
    "m = 32·n": lambda s: s._replace(m=32 * 64),
    "a = n": with_slots(1, 64),
    "coefficient 2^250 - 1": with_coefficient(2**250 - 1),
    "coefficient 1 - 2^250": with_coefficient(MODULUS - 2**250 + 1),
    "constant (r - 1)/2": lambda s: with_row(s, 0, constant=MODULUS // 2),
    "constant (r + 1)/2": lambda s: with_row(s, 0, constant=MODULUS // 2 + 1),
    "64 accounts": many_accounts(64),
    "4096 rows": many_rows(4096),
    "one C twice": lambda s: s._replace(accounts=[s.accounts[0], (8, s.accounts[0][1])]),
    "the same row twice": lambda s: s._replace(rows=[*s.rows, s.rows[0]]),
}


@pytest.mark.parametrize("bound", BOUNDS)
def test_just_inside(base: PlainStatement, srs: Srs, bound: str) -> None:
    """The other side of each limit is accepted, and comes back as the same bytes."""
    data = BOUNDS[bound](base).encode()
    decoded = Statement.decode(data, srs.arithmetic)
    assert decoded.encoded == data
    if "rows" not in bound and "accounts" not in bound:
        independent.decode_statement(data)


def test_too_many_terms(base: PlainStatement, srs: Srs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards: the limit on terms, in decoding and in building; here with a small limit."""
    data = base.encode()
    system = Statement.decode(data, srs.arithmetic).system
    terms = sum(len(r.account_terms) + len(r.value_terms) for r in system.rows)
    monkeypatch.setattr(statement_module, "MAX_TERMS", terms)
    assert LinearSystem(system.rows) == system
    monkeypatch.setattr(statement_module, "MAX_TERMS", terms - 1)
    with pytest.raises(EncodingError):
        Statement.decode(data, srs.arithmetic)
    with pytest.raises(EncodingError, match="terms in all"):
        LinearSystem(system.rows)


@pytest.mark.slow
def test_two_to_the_twentieth_terms(base: PlainStatement, srs: Srs) -> None:
    """Guards: the real limit. 32 rows of 32,768 values are accepted, and one term more is not."""
    width = 32 * 1024
    wide = PlainRow([], [(index, 1) for index in range(width)], 0)
    narrow = PlainRow([(0, 0, 1), (0, 3, 5)], [(index, 1) for index in range(width - 3)], 0)
    own = PlainRow([(1, 0, 1)], [], 0)
    full = base._replace(n=1024, m=width, rows=[own, narrow, *[wide] * 31])
    decoded = Statement.decode(full.encode(), srs.arithmetic)
    assert sum(len(r.account_terms) + len(r.value_terms) for r in decoded.system.rows) == 2**20
    over = full._replace(rows=[*full.rows, PlainRow([(1, 1, 1)], [], 0)])
    with pytest.raises(EncodingError):
        Statement.decode(over.encode(), srs.arithmetic)


@pytest.mark.parametrize(
    "fault", ["coefficient r", "a point of order 3", "the identity", "slot twice"]
)
def test_reference_arithmetic_rejects_alike(
    base: PlainStatement, both: tuple[Arithmetic, Arithmetic], fault: str
) -> None:
    data = FAULTS[fault][1](base).encode()
    for arithmetic in both:
        assert Statement.decode(base.encode(), arithmetic).encoded == base.encode()
        with pytest.raises(EncodingError):
            Statement.decode(data, arithmetic)


# --- fuzzing: accepted by both decoders or by none, and canonical


def accepted_by_ours(data: bytes, srs: Srs) -> bool:
    try:
        statement = Statement.decode(data, srs.arithmetic)
    except EncodingError:
        return False
    assert statement.encoded == data
    assert Statement.decode(statement.encoded, srs.arithmetic) == statement
    return True


def accepted_by_theirs(data: bytes) -> bool:
    try:
        return independent.decode_statement(data).encode() == data
    except independent.Rejected:
        return False


def mutations() -> st.SearchStrategy[list[tuple[str, int, int]]]:
    """Edits: set a byte, xor a bit, insert a byte, delete one, copy four bytes from elsewhere."""
    kind = st.sampled_from(["set", "flip", "insert", "delete", "copy"])
    return st.lists(st.tuples(kind, st.integers(0, 2**16), st.integers(0, 2**16)), max_size=3)


def mutate(data: bytes, edits: list[tuple[str, int, int]]) -> bytes:
    changed = bytearray(data)
    for kind, where, what in edits:
        place = where % max(len(changed), 1)
        if kind == "set":
            changed[place : place + 1] = bytes([what % 256])
        elif kind == "flip":
            changed[place] ^= 1 << what % 8
        elif kind == "insert":
            changed[place:place] = bytes([what % 256])
        elif kind == "delete":
            del changed[place : place + 1 + what % 4]
        else:
            source = what % len(changed)
            changed[place : place + 4] = changed[source : source + 4]
    return bytes(changed)


@settings(max_examples=300)
@given(data=st.binary(max_size=400))
@example(data=b"")
def test_fuzz_statement_from_nothing(srs: Srs, data: bytes) -> None:
    """Guards: a value or EncodingError, whatever comes."""
    accepted_by_ours(data, srs)


@settings(max_examples=400)
@given(edits=mutations())
def test_fuzz_statement_from_a_valid_one(
    base: PlainStatement, srs: Srs, edits: list[tuple[str, int, int]]
) -> None:
    """Guards: the same verdict as the independent decoder's, and canonical where accepted."""
    data = mutate(base.encode(), edits)
    assert accepted_by_ours(data, srs) == accepted_by_theirs(data)


@st.composite
def statements(draw: st.DrawFn, points: tuple[bytes, ...]) -> PlainStatement:
    """Any valid statement, small."""
    n = draw(st.sampled_from([32, 64, 1024]))
    m = draw(st.integers(1, 32 * n))
    count = draw(st.integers(1, 3))
    accounts = [
        (2 ** draw(st.integers(0, n.bit_length() - 1)), draw(st.sampled_from(points)))
        for _ in range(count)
    ]
    size = st.integers(1, 2**250 - 1)
    coefficient = st.one_of(st.integers(1, 9), size, size.map(lambda c: MODULUS - c))
    constant = st.one_of(st.integers(0, 9), st.integers(0, MODULUS - 1))

    def row(places: list[tuple[int, int]]) -> PlainRow:
        indices = sorted(draw(st.sets(st.integers(0, m - 1), max_size=3)))
        return PlainRow(
            [(acc, slot, draw(coefficient)) for acc, slot in places],
            [(index, draw(coefficient)) for index in indices],
            draw(constant),
        )

    rows = [row([(acc, draw(st.integers(0, a - 1)))]) for acc, (a, _) in enumerate(accounts)]
    for _ in range(draw(st.integers(0, 2))):
        chosen = {(acc, draw(st.integers(0, a - 1))) for acc, (a, _) in enumerate(accounts)}
        rows.append(row(sorted(chosen)))
    return PlainStatement(
        n, m, accounts, draw(st.permutations(rows)), draw(st.binary(min_size=32, max_size=32))
    )


@settings(max_examples=100)
@given(data=st.data())
def test_fuzz_valid_statements(base: PlainStatement, srs: Srs, data: st.DataObject) -> None:
    """Guards: that nothing valid is refused, and decode and encode are inverse."""
    plain = data.draw(statements(tuple(point for _, point in base.accounts)))
    assert accepted_by_ours(plain.encode(), srs)


def proof_accepted_by_ours(data: bytes, small: Case) -> bool:
    try:
        proof = Proof.decode(data, small.statement, small.srs.arithmetic)
    except EncodingError:
        return False
    assert proof.encoded == data
    assert Proof.decode(proof.encoded, small.statement, small.srs.arithmetic) == proof
    return True


def proof_accepted_by_theirs(data: bytes) -> bool:
    try:
        proof = independent.decode_proof(data, 1)
        for point in (
            *proof.columns,
            proof.accumulator,
            proof.quotient,
            proof.opening,
            proof.shifted_opening,
        ):
            independent.decode_point(point)
    except independent.Rejected:
        return False
    return True


@settings(max_examples=300)
@given(data=st.one_of(st.binary(max_size=400), st.binary(min_size=304, max_size=304)))
def test_fuzz_proof_from_nothing(small: Case, data: bytes) -> None:
    """Guards: a value or EncodingError, whatever comes."""
    proof_accepted_by_ours(data, small)
    proof_accepted_by_ours(b"ZKC1" + data, small)


@settings(max_examples=300)
@given(edits=mutations())
def test_fuzz_proof_from_a_valid_one(
    small: Case, small_proof: bytes, edits: list[tuple[str, int, int]]
) -> None:
    """Guards: the same verdict as the independent decoder's, and canonical where accepted."""
    data = mutate(small_proof, edits)
    assert proof_accepted_by_ours(data, small) == proof_accepted_by_theirs(data)


@settings(max_examples=60)
@given(flags=st.lists(st.integers(0, 7), min_size=5, max_size=5))
def test_fuzz_proof_flags(small: Case, small_proof: bytes, flags: list[int]) -> None:
    """Guards: the flag bits of every point at once."""
    data = small_proof[:4]
    for index, bits in enumerate(flags):
        data += with_flags(small_proof[4 + 48 * index : 52 + 48 * index], bits)
    data += small_proof[4 + 48 * 5 :]
    assert proof_accepted_by_ours(data, small) == proof_accepted_by_theirs(data)


def test_statements_of_every_domain_decode(fast: Arithmetic) -> None:
    """Guards: that n is read as it stands."""
    for n in (32, 64, 128, 256, 512, 1024):
        point = account(opening((1,)), toy_srs(fast))
        plain = PlainStatement(
            n, n, [(1, point.commitment)], [PlainRow([(0, 0, 1)], [], 1)], bytes(32)
        )
        assert Statement.decode(plain.encode(), fast).domain_size == n

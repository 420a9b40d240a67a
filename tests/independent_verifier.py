"""ZKC1's verifier a second time, straight down the page: plain integers, hashlib, py-ecc.

Written from docs/protocol.md alone. It shares no code with the package, so that the two can
disagree: it decodes statement_bytes and proof_bytes by itself, evaluates every polynomial by its
definition, and knows none of the shortcuts. Slow and simple; for tests only.

With a known τ the pairing equation e(L, [1]₂) = e(R, [τ]₂) is L = τ·R, which needs no pairing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

from py_ecc.bls.point_compression import decompress_G2
from py_ecc.bls.typing import G2Compressed
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.optimized_bls12_381.optimized_curve import G1, add, eq, is_inf, multiply
from py_ecc.optimized_bls12_381.optimized_pairing import pairing
from py_ecc.typing import Optimized_Point3D

R: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
Q: Final = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    16,
)

G1Point = Optimized_Point3D[FQ]
Decide = Callable[[G1Point, G1Point], bool]
"""Whether e(left, [1]₂) = e(right, [τ]₂)."""


class Rejected(Exception):
    """The bytes are refused; the message says by which rule."""


# --- section 7 as plain data, and its encoder (which checks nothing, so that tests can encode
# faults)


class PlainRow(NamedTuple):
    """One row; coefficients and constant are scalars in [0, r), or anything below 2^256 in
    a fault.
    """

    account_terms: list[tuple[int, int, int]]
    value_terms: list[tuple[int, int]]
    constant: int


class PlainStatement(NamedTuple):
    """statement_bytes, field by field."""

    n: int
    m: int
    accounts: list[tuple[int, bytes]]
    rows: list[PlainRow]
    context: bytes

    def encode(self) -> bytes:
        """statement_bytes of section 7."""
        parts = [_u32(self.n), _u32(self.m), _u32(len(self.accounts))]
        for a, point in self.accounts:
            parts += [_u32(a), point]
        parts.append(_u32(len(self.rows)))
        parts += map(_encode_row, self.rows)
        return b"".join([*parts, self.context])


class PlainProof(NamedTuple):
    """proof_bytes, field by field: points as their 48 bytes, scalars as integers."""

    columns: list[bytes]
    accumulator: bytes
    quotient: bytes
    opening: bytes
    shifted_opening: bytes
    column_values: list[int]
    accumulator_value: int


class Challenges(NamedTuple):
    """The five challenges of section 6."""

    rho: int
    alpha: int
    zeta: int
    nu: int
    mu: int


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _encode_row(row: PlainRow) -> bytes:
    parts = [_u32(len(row.account_terms))]
    for account, slot, coefficient in row.account_terms:
        parts.append(_u32(account) + _u32(slot) + coefficient.to_bytes(32, "big"))
    parts.append(_u32(len(row.value_terms)))
    for index, coefficient in row.value_terms:
        parts.append(_u32(index) + coefficient.to_bytes(32, "big"))
    return b"".join([*parts, row.constant.to_bytes(32, "big")])


# --- decoding


def _require(condition: bool, rule: str) -> None:
    if not condition:
        raise Rejected(rule)


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        _require(len(self.data) - self.at >= count, "truncated")
        self.at += count
        return self.data[self.at - count : self.at]

    def end(self) -> None:
        _require(self.at == len(self.data), "trailing bytes")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def scalar(self) -> int:
        value = int.from_bytes(self.take(32), "big")
        _require(value < R, "scalar not below r")
        return value


@lru_cache(maxsize=1024)
def decode_point(data: bytes) -> G1Point:
    """G1 of section 2, every check in order."""
    _require(len(data) == 48, "a point has 48 bytes")
    flags = data[0] >> 5
    _require(flags in (0b100, 0b101), "flags")  # no uncompressed point, and no identity
    x = int.from_bytes(data, "big") % (1 << 381)
    _require(x < Q, "coordinate not below p")
    y = pow(x**3 + 4, (Q + 1) // 4, Q)
    _require((y * y - x**3 - 4) % Q == 0, "off the curve")
    if (2 * y > Q) != (flags == 0b101):
        y = Q - y
    point = (FQ(x), FQ(y), FQ(1))
    _require(is_inf(multiply(point, R)), "outside the subgroup")
    return point


def _power_of_two(value: int) -> bool:
    return value in {1 << bit for bit in range(32)}


def decode_statement(data: bytes) -> PlainStatement:
    """statement_bytes, with every rejection of section 7."""
    left = _Bytes(data)
    n, m = left.u32(), left.u32()
    _require(_power_of_two(n) and 32 <= n <= 1024, "n")
    _require(1 <= m <= 32 * n, "m")
    count = left.u32()
    _require(1 <= count <= 64, "number of accounts")
    accounts = []
    for _ in range(count):
        a = left.u32()
        _require(_power_of_two(a) and a <= n, "a")
        point = left.take(48)
        decode_point(point)
        accounts.append((a, point))
    row_count = left.u32()
    _require(1 <= row_count <= 4096, "number of rows")
    rows, terms = [], 0
    own = set()
    for _ in range(row_count):
        account_terms = []
        for _ in range(left.u32()):
            account, slot, coefficient = left.u32(), left.u32(), left.scalar()
            _require(account < count and slot < accounts[account][0], "account or slot")
            _check_coefficient(coefficient)
            account_terms.append((account, slot, coefficient))
        value_terms = []
        for _ in range(left.u32()):
            index, coefficient = left.u32(), left.scalar()
            _require(index < m, "value index")
            _check_coefficient(coefficient)
            value_terms.append((index, coefficient))
        places = [term[:2] for term in account_terms]
        _require(sorted(set(places)) == places, "account terms out of order or twice")
        indices = [term[0] for term in value_terms]
        _require(sorted(set(indices)) == indices, "value terms out of order or twice")
        terms += len(account_terms) + len(value_terms)
        _require(terms <= 1 << 20, "more than 2^20 terms")
        _require(bool(account_terms or value_terms), "a row without terms")
        if len({account for account, _ in places}) == 1:
            own.add(places[0][0])
        rows.append(PlainRow(account_terms, value_terms, left.scalar()))
    _require(own == set(range(count)), "an account without own row")
    context = left.take(32)
    left.end()
    return PlainStatement(n, m, accounts, rows, context)


def _check_coefficient(scalar: int) -> None:
    integer = min(scalar, scalar - R, key=abs)
    _require(integer != 0 and abs(integer) < 2**250, "coefficient")


def decode_proof(data: bytes, k: int) -> PlainProof:
    """proof_bytes for k columns; its points are decoded by who uses them."""
    left = _Bytes(data)
    _require(left.take(4) == b"ZKC1", "magic")
    points = [left.take(48) for _ in range(k + 4)]
    scalars = [left.scalar() for _ in range(k + 1)]
    left.end()
    z, t, w, w_shifted = points[k:]
    return PlainProof(points[:k], z, t, w, w_shifted, scalars[:k], scalars[k])


# --- the transcript


def hash_to_field(message: bytes, dst: bytes) -> int:
    """RFC 9380 section 5.2 with expand_message_xmd, SHA-256, count 1, L = 48, modulus r."""
    dst_prime = dst + bytes([len(dst)])
    b_0 = sha256(b"\x00" * 64 + message + b"\x00\x30" + b"\x00" + dst_prime).digest()
    b_1 = sha256(b_0 + b"\x01" + dst_prime).digest()
    b_2 = sha256(bytes(x ^ y for x, y in zip(b_0, b_1, strict=True)) + b"\x02" + dst_prime).digest()
    return int.from_bytes((b_1 + b_2)[:48], "big") % R


def first_state(srs_id: bytes, statement_bytes: bytes) -> bytes:
    """s0."""
    return sha256(b"ZKCOLLATERAL-V1:statement" + srs_id + statement_bytes).digest()


def challenges(srs_id: bytes, statement_bytes: bytes, proof: PlainProof) -> Challenges:
    """The challenges that answer this proof."""
    s0 = first_state(srs_id, statement_bytes)
    s1 = sha256(s0 + b"".join(proof.columns)).digest()
    s2 = sha256(s1 + proof.accumulator).digest()
    s3 = sha256(s2 + proof.quotient).digest()
    evaluations = [*proof.column_values, proof.accumulator_value]
    s4 = sha256(s3 + b"".join(y.to_bytes(32, "big") for y in evaluations)).digest()
    s5 = sha256(s4 + proof.opening + proof.shifted_opening).digest()
    return Challenges(
        hash_to_field(s1, b"ZKCOLLATERAL-V1:rho"),
        hash_to_field(s2, b"ZKCOLLATERAL-V1:alpha"),
        hash_to_field(s3, b"ZKCOLLATERAL-V1:zeta"),
        hash_to_field(s4, b"ZKCOLLATERAL-V1:nu"),
        hash_to_field(s5, b"ZKCOLLATERAL-V1:mu"),
    )


def blinders(seed: bytes, s0: bytes, witness_scalars: Sequence[int], count: int) -> list[int]:
    """Section 8's hedged blinders; `witness_scalars` in the order in which h hashes them."""
    h = sha256(b"".join((x % R).to_bytes(32, "big") for x in witness_scalars)).digest()
    return [
        hash_to_field(seed + s0 + h + _u32(j), b"ZKCOLLATERAL-V1:blinder") for j in range(count)
    ]


# --- the verifier


def root(n: int) -> int:
    """ω_n."""
    return pow(7, (R - 1) // n, R)


def lagrange(n: int, x: int) -> list[int]:
    """L^(n)_i(x) for every i; x outside H_n."""
    omega, z_n = root(n), (pow(x, n, R) - 1) % R
    nodes = [pow(omega, i, R) for i in range(n)]
    return [node * pow(n, -1, R) * z_n * pow(x - node, -1, R) % R for node in nodes]


def digit_check(y: int) -> int:
    """P(y)."""
    return y * (y - 1) * (y - 2) * (y - 3) % R


def verify(statement_bytes: bytes, proof_bytes: bytes, srs_id: bytes, decide: Decide) -> None:
    """Accept by returning; raise Rejected otherwise. Section 6, from the bytes alone."""
    statement = decode_statement(statement_bytes)
    n, m = statement.n, statement.m
    per_column = n // 32
    k = (m + per_column - 1) // per_column
    proof = decode_proof(proof_bytes, k)
    f_points = [decode_point(data) for data in proof.columns]
    z_point, t_point = decode_point(proof.accumulator), decode_point(proof.quotient)
    w_point, w_shifted = decode_point(proof.opening), decode_point(proof.shifted_opening)
    y, z_bar = proof.column_values, proof.accumulator_value

    rho, alpha, zeta, nu, mu = challenges(srs_id, statement_bytes, proof)
    _require(pow(zeta, n, R) != 1, "zeta on the domain")
    z_n = (pow(zeta, n, R) - 1) % R
    basis = lagrange(n, zeta)

    u = [[0] * a for a, _ in statement.accounts]
    lam = [0] * (k * per_column)
    e = 0
    for s, row in enumerate(statement.rows):
        power = pow(rho, s, R)
        for account, slot, coefficient in row.account_terms:
            u[account][slot] += power * coefficient
        for index, coefficient in row.value_terms:
            lam[index] += power * coefficient
        e += power * row.constant
    u_at = [
        sum(u_i * basis[i * n // a] for i, u_i in enumerate(u_acc)) % R
        for (a, _), u_acc in zip(statement.accounts, u, strict=True)
    ]
    w_at = []
    for c in range(k):
        total = 0
        for j in range(per_column):
            weight = sum(4**t * basis[t * per_column + j] for t in range(32))
            total += lam[c * per_column + j] * weight
        w_at.append(total % R)

    d = -z_bar - e * pow(n, -1, R)
    for c in range(k):
        d += y[c] * w_at[c] - pow(alpha, c + 1, R) * digit_check(y[c])

    left = multiply(z_point, (mu - 1) % R)
    for (_, commitment), factor in zip(statement.accounts, u_at, strict=True):
        left = add(left, multiply(decode_point(commitment), -factor % R))
    left = add(left, multiply(t_point, -z_n % R))
    e_scalar = d + mu * z_bar
    for c in range(k):
        left = add(left, multiply(f_points[c], pow(nu, c + 1, R)))
        e_scalar += pow(nu, c + 1, R) * y[c]
    left = add(left, multiply(G1, -e_scalar % R))
    left = add(left, multiply(w_point, zeta))
    left = add(left, multiply(w_shifted, mu * root(n) * zeta % R))
    right = add(w_point, multiply(w_shifted, mu))
    _require(decide(left, right), "the pairing equation does not hold")


def known_tau(tau: int) -> Decide:
    """Decide in the exponent, for a toy reference string."""
    return lambda left, right: eq(left, multiply(right, tau))


def by_pairing(one: bytes, tau: bytes) -> Decide:
    """Decide by two of py-ecc's pairings, for compressed [1]₂ and [τ]₂."""

    def decide(left: G1Point, right: G1Point) -> bool:
        g2 = [
            decompress_G2(
                G2Compressed((int.from_bytes(data[:48], "big"), int.from_bytes(data[48:], "big")))
            )
            for data in (one, tau)
        ]
        return bool(pairing(g2[0], left) == pairing(g2[1], right))

    return decide


def accepts(statement_bytes: bytes, proof_bytes: bytes, srs_id: bytes, decide: Decide) -> bool:
    """`verify` as a verdict."""
    try:
        verify(statement_bytes, proof_bytes, srs_id, decide)
    except Rejected:
        return False
    return True

"""What is the native arithmetic's own: its adapter, its two engines, threads, and bad arguments.

That it computes what the reference computes is tested for both in test_arithmetic.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from py_ecc.optimized_bls12_381 import FQ, curve_order, field_modulus, is_inf, multiply, normalize

from tests.conftest import NATIVE_INSTALLED, NATIVE_REQUIRED
from zkcollateral.crypto import fast
from zkcollateral.crypto import srs as srs_module
from zkcollateral.crypto.arithmetic import Arithmetic, Point, Setup
from zkcollateral.crypto.select import arithmetic as select_arithmetic
from zkcollateral.crypto.srs import ceremony
from zkcollateral.errors import EncodingError

if not NATIVE_INSTALLED and not NATIVE_REQUIRED:
    pytest.skip("zkcollateral-native is not installed", allow_module_level=True)

R: int = curve_order
P: int = field_modulus
COFACTOR = 0x396C8C005555E1568C00AAAB0000AAAB
COFACTOR_PRIMES = (3, 11, 10177, 859267, 52437899)
ENGINE_SWITCH = "ZKCOLLATERAL_NATIVE_SIMD"


@pytest.fixture(scope="module")
def native() -> Arithmetic:
    return select_arithmetic("native")


@pytest.fixture(scope="module")
def setup(native: Arithmetic) -> Setup:
    return ceremony(native).setup


def encode(x: int, greater: bool) -> bytes:
    """48 bytes for a point with this x; no check of any kind."""
    return (x | 1 << 383 | (1 << 381 if greater else 0)).to_bytes(48, "big")


def points_outside_the_subgroup() -> list[bytes]:
    """Points of the curve whose order is a small prime, such a prime times r, or the cofactor."""
    draw = random.Random(381)
    found: list[bytes] = [encode(0, False), encode(0, True)]
    while len(found) < 24:
        x = draw.randrange(P)
        y = pow(x**3 + 4, (P + 1) // 4, P)
        if (y * y - x**3 - 4) % P:
            continue
        point = (FQ(x), FQ(y), FQ(1))
        for factor in (1, R, *(COFACTOR // prime for prime in COFACTOR_PRIMES)):
            for times in (factor, factor * R):
                image = multiply(point, times)
                if not is_inf(image) and not is_inf(multiply(image, R)):
                    px, py = normalize(image)
                    found.append(encode(px.n, py.n > P // 2))
    return found


def test_without_the_wheel_there_is_no_such_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zkcollateral_native", None)
    with pytest.raises(ImportError, match="zkcollateral_native"):
        fast.NativeArithmetic()


def test_what_is_wrong_with_an_encoding_is_said(native: Arithmetic) -> None:
    good = bytes(native.generator)
    cases = {
        b"": "0 bytes",
        good + b"\0": "49 bytes",
        bytes(48): "no compression flag",
        bytes([good[0] | 0x40]) + good[1:]: "the infinity flag",
        encode(P, False): "a coordinate of p or more",
        encode(1, False): "no point on the curve",
        encode(4, False): "a point outside the subgroup",
    }
    for data, found in cases.items():
        with pytest.raises(EncodingError) as caught:
            native.decode_point(data)
        assert caught.value.got == found
    with pytest.raises(EncodingError) as caught:
        native.decode_points(good * 9 + encode(1, False) + good)
    assert caught.value.got == "no point on the curve (point 9)"


def test_points_of_every_small_order_are_refused(native: Arithmetic) -> None:
    good = bytes(native.generator)
    for data in points_outside_the_subgroup():
        with pytest.raises(EncodingError, match="outside the subgroup"):
            native.decode_point(data)
        # One lane of eight, among good ones.
        with pytest.raises(EncodingError, match="outside the subgroup"):
            native.decode_points(good * 3 + data + good * 4)


def test_a_setup_of_bad_encodings(native: Arithmetic, setup: Setup) -> None:
    one = bytes(native.generator)
    g2 = (bytes([0x80]) + bytes(95), bytes(96))
    with pytest.raises(EncodingError, match="47 bytes"):
        native.setup([one[1:]], g2)
    with pytest.raises(EncodingError, match="95 bytes"):
        native.setup([one], (g2[0], g2[1][1:]))
    unusable = native.setup([one, bytes(48)], g2)
    with pytest.raises(EncodingError, match="no compression flag"):
        unusable.commit(native.vector([1, 2]))
    with pytest.raises(EncodingError, match="expected"):
        unusable.pairing_check(native.generator, native.generator)


def fingerprint() -> list[str]:
    """Results of everything that the engines compute in their own ways, from fixed inputs."""
    native = select_arithmetic("native")
    setup = ceremony(native).setup
    draw = random.Random(2020)

    def scalars(count: int) -> list[int]:
        return [draw.choice((0, 1, R - 1, draw.randrange(R))) for _ in range(count)]

    points: list[Point] = []
    for count in (1, 2, 67, 197, 300, 3077):
        points.append(setup.commit(native.vector(scalars(count))))
    for n in (32, 64, 256, 1024):
        digits = bytes(draw.randrange(4) for _ in range(n))
        points.append(setup.commit_digits(digits, (draw.randrange(R), draw.randrange(R))))
    for count in (1, 2, 14, 10):
        points.append(native.linear_combination(points[:count], scalars(min(count, len(points)))))
    many = [point + points[0] for point in points] * 40
    points.append(native.linear_combination(many, scalars(len(many))))
    encoded = b"".join(bytes(point) for point in points)
    finite = [point for point in points if not point.is_identity()]
    assert native.decode_points(b"".join(bytes(point) for point in finite)) == finite
    vectors = []
    for length in (1, 8, 32, 64, 67, 512):
        a, b = native.vector(scalars(length)), native.vector(scalars(length))
        vectors += [a * b, a * 3, a + b, a - b, 7 - a, -a]
        vectors.append(native.vector([a.dot(b), a.evaluate(5), a.sum()]))
        if length != 67:
            vectors += [a.ntt(), a.intt(), a.coset_ntt(4 * length), b.coset_intt()]
    x = native.vector([*scalars(9), 1])
    left, right = setup.commit(native.vector([0, *x.to_ints()])), setup.commit(x)
    checks = [setup.pairing_check(left, right), setup.pairing_check(right, left)]
    return [encoded.hex(), *(str(vector.to_ints()) for vector in vectors), str(checks)]


def test_both_engines_give_the_same() -> None:
    code = "from tests.crypto.test_fast import fingerprint; print(*fingerprint(), sep='\\n')"
    environment = {**os.environ, ENGINE_SWITCH: "0", "PYTHONPATH": os.pathsep.join(sys.path)}
    portable = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    lines = fingerprint()
    assert portable.stdout.splitlines() == lines
    assert lines[-1] == "[True, False]"


def test_the_engine_is_named() -> None:
    code = "import zkcollateral_native; print(zkcollateral_native.engine())"
    environment = {**os.environ, ENGINE_SWITCH: "0"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert run.stdout == "portable\n"


def test_structured_scalars_commit_to_the_value_at_tau(native: Arithmetic, setup: Setup) -> None:
    # [f(τ)]₁ is additive: every structured vector is checked against two random summands of it.
    draw = random.Random(7)
    for count in (1, 3, 64, 130):
        for coefficients in (
            [1] * count,
            [R - 1] * count,
            [0] * (count - 1) + [R - 1],
            [1 << 200] * count,
            [int("01" * 127, 2)] * count,
            [draw.choice((1, R - 1)) for _ in range(count)],
        ):
            f = native.vector(coefficients)
            g = native.vector([draw.randrange(R) for _ in range(count)])
            assert setup.commit(f - g) + setup.commit(g) == setup.commit(f)
    assert setup.commit(native.vector([0] * 100)).is_identity()
    assert setup.commit(native.vector([])).is_identity()


def test_one_point_many_times(native: Arithmetic, setup: Setup) -> None:
    draw = random.Random(8)
    point = setup.commit(native.vector([5, 6]))
    for count in (2, 33, 500):
        scalars = [draw.randrange(R) for _ in range(count)]
        total = native.linear_combination([point], [sum(scalars)])
        assert native.linear_combination([point] * count, scalars) == total
        opposite = [point, -point] * count
        assert native.linear_combination(opposite, [3] * (2 * count)).is_identity()


def test_threads_share_a_setup(
    native: Arithmetic, setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Loaded anew: its tables are made by the threads that need them first.
    monkeypatch.setattr(srs_module, "_loaded", {})
    fresh = ceremony(native).setup
    assert fresh is not setup
    draw = random.Random(9)
    vectors = [native.vector([draw.randrange(R) for _ in range(n)]) for n in (3, 70, 200, 300) * 3]
    digits = bytes(draw.randrange(4) for _ in range(64))
    expected = [setup.commit(vector) for vector in vectors]
    column = setup.commit_digits(digits, (1, 2))
    gate = threading.Barrier(4)

    def work(_: int) -> tuple[list[Point], Point]:
        gate.wait()
        return [fresh.commit(vector) for vector in vectors], fresh.commit_digits(digits, (1, 2))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [(expected, column)] * 4


def test_bad_arguments_raise_what_python_would(native: Arithmetic, setup: Setup) -> None:
    vector = native.vector([1, 2, 3, 4])
    huge = 1 << 80
    cases: list[tuple[type[Exception], Callable[[], Any]]] = [
        (TypeError, lambda: native.vector([1.5])),  # type: ignore[list-item]
        (TypeError, lambda: native.vector(["1"])),  # type: ignore[list-item]
        (TypeError, lambda: native.vector(None)),  # type: ignore[arg-type]
        (TypeError, lambda: vector + 1.0),  # type: ignore[operator]
        (TypeError, lambda: "x" * vector),  # type: ignore[operator]
        (ValueError, lambda: vector + native.vector([1])),
        (ValueError, lambda: vector.dot(native.vector([]))),
        (IndexError, lambda: vector[4]),
        (IndexError, lambda: vector[-5]),
        (ValueError, lambda: vector.resize(-1)),
        (ValueError, lambda: vector.resize(huge)),
        (ValueError, lambda: vector.resize(1 << 40)),
        (ValueError, lambda: vector.tile(1 << 62)),
        (ValueError, lambda: vector.coset_ntt(-4)),
        (ValueError, lambda: vector.coset_ntt(1 << 50)),
        (ValueError, lambda: native.powers(2, -1)),
        (ValueError, lambda: native.powers(2, 1 << 60)),
        (ZeroDivisionError, lambda: native.vector([1, 0]).inverse()),
        (ValueError, lambda: native.matrix(-1, 2, [])),
        (ValueError, lambda: native.matrix(2, 2, [(0, -1, 5)])),
        (ValueError, lambda: native.matrix(2, 2, [(0, huge, 5)])),
        (ValueError, lambda: native.matrix(1 << 50, 1, [])),
        (ValueError, lambda: native.matrix(2, 2, [(0, 1)])),  # type: ignore[list-item]
        (TypeError, lambda: native.matrix(2, 2, [5])),  # type: ignore[list-item]
        (TypeError, lambda: native.linear_combination([b"x"], [1])),  # type: ignore[list-item]
        (ValueError, lambda: native.linear_combination([native.generator], [])),
        (TypeError, lambda: setup.commit([1])),  # type: ignore[arg-type]
        (ValueError, lambda: setup.commit(native.powers(3, 4097))),
        (ValueError, lambda: setup.commit_digits(bytes(33), (0, 0))),
        (ValueError, lambda: setup.commit_digits(b"\4" * 32, (0, 0))),
        (TypeError, lambda: setup.pairing_check(b"", native.generator)),  # type: ignore[arg-type]
        (ValueError, lambda: native.hash_to_field(b"", bytes(256))),
        (TypeError, lambda: native.generator + 1),  # type: ignore[operator]
    ]
    for error, call in cases:
        with pytest.raises(error):
            call()


def test_integers_of_any_size_and_sign(native: Arithmetic) -> None:
    values = [0, 1, -1, R, -R, R - 1, R + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64]
    values += [2**255 - 1, 2**255, 2**256 - 1, 2**256, -(2**255), 2**4000 + 17, -(3**2000), True]
    vector = native.vector(values)
    assert vector.to_ints() == [value % R for value in values]
    for i, value in enumerate(values):
        assert vector[i] == value % R
        assert (native.vector([1]) * value)[0] == value % R


def test_nothing_secret_is_printed(native: Arithmetic) -> None:
    vector = native.vector([123456789, 987654321])
    assert repr(vector) == str(vector) == "<FieldVector of 2 elements>"
    with pytest.raises(ValueError, match="expected") as caught:
        _ = vector + native.vector([192837465] * 3)
    assert not any(secret in str(caught.value) for secret in ("123456789", "192837465"))


def test_what_an_object_says_of_its_length_is_only_a_hint() -> None:
    """A length of 2^62 once panicked, and 2^40 ended the process."""
    native = pytest.importorskip("zkcollateral_native")
    for length in (2**40, 2**62):
        with pytest.raises(TypeError, match="expected points"):
            native.linear_combination(range(length), [])

"""The ceremony's file: found, checked, and read; and the toy one of the tests."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from py_ecc.bls.point_compression import compress_G1, compress_G2
from py_ecc.optimized_bls12_381.optimized_curve import G1, G2, multiply

from tests.unsafe_srs import unsafe_srs
from zkcollateral.crypto import srs as srs_module
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.select import arithmetic as select_arithmetic
from zkcollateral.crypto.srs import CEREMONY_SIZE, SRS_ID, ceremony
from zkcollateral.errors import FileError


@pytest.fixture(scope="session")
def ceremony_file() -> Path:
    spec = importlib.util.find_spec("eth_account")
    assert spec is not None
    assert spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    return package / "typed_transactions/blob_transactions/kzg_trusted_setup.txt"


@pytest.fixture(scope="session")
def reference() -> Arithmetic:
    return select_arithmetic("reference")


def test_id_is_the_hash_of_the_installed_file(ceremony_file: Path) -> None:
    assert hashlib.sha256(ceremony_file.read_bytes()).digest() == SRS_ID


def test_ceremony_is_loaded_once(arithmetic: Arithmetic) -> None:
    srs = ceremony(arithmetic)
    assert srs is ceremony(arithmetic)
    assert srs.id == SRS_ID
    assert srs.arithmetic is arithmetic
    assert srs.setup.size == CEREMONY_SIZE == 4096


def test_first_power_is_the_generator(arithmetic: Arithmetic) -> None:
    setup = ceremony(arithmetic).setup
    assert bytes(setup.commit(arithmetic.vector([1]))) == compress_G1(G1).to_bytes(48, "big")


def test_powers_are_consecutive(arithmetic: Arithmetic) -> None:
    # e([τ^(i+1)]₁, [1]₂) = e([τ^i]₁, [τ]₂), at the ends of the file's section and inside it.
    setup = ceremony(arithmetic).setup

    def power(i: int) -> object:
        return setup.commit(arithmetic.vector([*[0] * i, 1]))

    for i in (0, 1, 100, 4094):
        left, right = power(i + 1), power(i)
        assert setup.pairing_check(left, right)  # type: ignore[arg-type]
        assert not setup.pairing_check(right, left)  # type: ignore[arg-type]


def test_second_group_is_read_from_its_section(ceremony_file: Path) -> None:
    _, (one, tau) = srs_module._parse(ceremony_file.read_bytes())
    high, low = compress_G2(G2)
    assert one == high.to_bytes(48, "big") + low.to_bytes(48, "big")
    assert len(tau) == 96
    assert tau != one


def test_lagrange_section_belongs_to_the_same_secret(ceremony_file: Path) -> None:
    # L_0 = (1 + X + … + X^4095)/4096 is committed to in the first line after the two counts.
    arithmetic = select_arithmetic()
    setup = ceremony(arithmetic).setup
    coefficients = arithmetic.vector([1] * 4096) * pow(4096, -1, MODULUS)
    first = ceremony_file.read_text().split()[2]
    assert bytes(setup.commit(coefficients)).hex() == first


def test_an_explicit_copy_is_as_good(
    arithmetic: Arithmetic, ceremony_file: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "trusted_setup.txt"
    copy.write_bytes(ceremony_file.read_bytes())
    srs = ceremony(arithmetic, copy)
    vector = arithmetic.vector([1, 2, 3])
    assert srs.id == SRS_ID
    assert srs.setup.commit(vector) == ceremony(arithmetic).setup.commit(vector)


def _flip(data: bytes) -> bytes:
    place = len(data) // 2
    return data[:place] + (b"0" if data[place : place + 1] != b"0" else b"1") + data[place + 1 :]


@pytest.mark.parametrize(
    ("damage", "got"),
    [
        pytest.param(_flip, "got [0-9a-f]{64}$", id="one digit"),
        pytest.param(lambda data: data[:-1], "got [0-9a-f]{64}$", id="truncated"),
        pytest.param(lambda data: data + b"\n", "got a longer file$", id="longer"),
        pytest.param(
            lambda data: data.replace(b"\n", b"\r\n"), "got a longer file$", id="newlines"
        ),
        pytest.param(lambda data: b"", "got e3b0c442", id="empty"),
    ],
)
def test_any_other_file_is_refused(
    reference: Arithmetic,
    ceremony_file: Path,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
    got: str,
) -> None:
    path = tmp_path / "trusted_setup.txt"
    path.write_bytes(damage(ceremony_file.read_bytes()))
    with pytest.raises(FileError, match=got) as caught:
        ceremony(reference, path)
    assert caught.value.where == str(path)
    assert SRS_ID.hex() in caught.value.expected


@pytest.mark.parametrize("name", ["missing.txt", "."])
def test_an_unreadable_file_is_reported(reference: Arithmetic, tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match="KZG ceremony") as caught:
        ceremony(reference, tmp_path / name)
    assert caught.value.where == str(tmp_path / name)


def test_a_missing_package_is_reported(
    reference: Arithmetic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(srs_module, "_PACKAGE", "no_such_package_anywhere")
    monkeypatch.setattr(srs_module, "_loaded", {})
    with pytest.raises(FileError, match="the package eth-account, got no such package installed"):
        ceremony(reference)


def test_loading_does_not_run_eth_account() -> None:
    program = (
        "import sys; from zkcollateral.crypto.srs import ceremony;"
        "from zkcollateral.crypto.select import arithmetic;"
        "ceremony(arithmetic('reference'));"
        "sys.exit('eth_account' in sys.modules)"
    )
    paths = os.pathsep.join(entry for entry in sys.path if entry)
    result = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": paths}, check=False
    )
    assert result.returncode == 0


def test_unsafe_srs_is_made_of_the_powers_of_its_tau(arithmetic: Arithmetic) -> None:
    tau = MODULUS - 12345
    srs = unsafe_srs(tau, arithmetic, size=8)
    assert srs is unsafe_srs(tau, arithmetic, size=8)
    assert srs.setup.size == 8
    assert srs.id == hashlib.sha256(b"UNSAFE" + tau.to_bytes(32, "big")).digest()
    for i in range(8):
        point = srs.setup.commit(arithmetic.vector([*[0] * i, 1]))
        expected = compress_G1(multiply(G1, pow(tau, i, MODULUS)))
        assert bytes(point) == expected.to_bytes(48, "big")
    left, right = (srs.setup.commit(arithmetic.vector(v)) for v in ([0, 1], [1]))
    assert srs.setup.pairing_check(left, right)


def test_unsafe_srs_is_told_apart_from_the_ceremony(reference: Arithmetic) -> None:
    ids = {unsafe_srs(tau, reference, size=2).id for tau in (1, 2, 3)}
    assert len(ids | {SRS_ID}) == 4

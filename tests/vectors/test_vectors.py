"""Frozen proofs stay valid, and come out of their seeds byte for byte."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from tests import independent_verifier as independent
from tests.vectors import make_vectors
from tests.vectors.make_vectors import FOLDER, VECTORS, build, text
from zkcollateral.circuits.layout import column_count
from zkcollateral.circuits.proof import Proof, proof_size
from zkcollateral.circuits.statement import Statement
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.commitment import Opening
from zkcollateral.crypto.srs import SRS_ID, Srs, ceremony
from zkcollateral.prover.proof import prove
from zkcollateral.prover.witness import Witness
from zkcollateral.verifier.proof import verify, verify_batch

SMALL = ("one-row", "smallest-domain", "several-accounts")
MADE = [pytest.param(name, marks=() if name in SMALL else pytest.mark.native) for name in VECTORS]
"""To be proved anew: the large ones by the native arithmetic only."""


def load(name: str) -> dict[str, Any]:
    vector = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(vector, dict)
    return vector


def read(name: str, srs: Srs) -> tuple[Statement, bytes]:
    vector = load(name)
    statement = Statement.decode(bytes.fromhex(vector["statement"]), srs.arithmetic)
    return statement, bytes.fromhex(vector["proof"])


@pytest.fixture(scope="module")
def real(fast: Arithmetic) -> Srs:
    """The ceremony's reference string."""
    return ceremony(fast)


def test_every_file_has_its_case() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(VECTORS)


@pytest.mark.parametrize("name", VECTORS)
def test_verifies(name: str, real: Srs) -> None:
    statement, proof = read(name, real)
    assert verify(statement, proof, real).valid
    assert not verify(statement, proof[:-1] + bytes([proof[-1] ^ 1]), real).valid


@pytest.mark.parametrize("name", VECTORS)
def test_describes_itself(name: str, real: Srs) -> None:
    vector = load(name)
    statement, proof = read(name, real)
    assert bytes.fromhex(vector["srs_id"]) == SRS_ID
    assert int(vector["n"]) == statement.domain_size
    assert int(vector["m"]) == statement.value_count == len(vector["values"])
    k = column_count(statement.domain_size, statement.value_count)
    assert int(vector["k"]) == k == len(Proof.decode(proof, statement, real.arithmetic).columns)
    assert len(proof) == proof_size(k)
    assert statement.encoded.hex() == vector["statement"]


@pytest.mark.parametrize("name", MADE)
def test_comes_out_of_its_seed(name: str, real: Srs) -> None:
    """From the file alone: openings, values and seed give the commitments and the proof."""
    vector = load(name)
    statement, proof = read(name, real)
    openings = tuple(
        Opening(tuple(map(int, opened["amounts"])), int(opened["blinder"], 16))
        for opened in vector["openings"]
    )
    for account, opened in zip(statement.accounts, openings, strict=True):
        assert bytes(opened.commit(real)) == account.commitment
    witness = Witness(openings, tuple(map(int, vector["values"])))
    assert prove(statement, witness, real, seed=bytes.fromhex(vector["seed"])).encoded == proof


@pytest.mark.parametrize("name", MADE)
def test_generator_still_makes_it(name: str, real: Srs) -> None:
    assert text(build(name, real)) == (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def test_all_in_one_batch(real: Srs) -> None:
    reports = verify_batch([read(name, real) for name in VECTORS], real)
    assert [report.valid for report in reports] == [True] * len(VECTORS)


@pytest.mark.parametrize("name", SMALL)
def test_reference_arithmetic_verifies(name: str) -> None:
    from zkcollateral.crypto.select import arithmetic

    srs = ceremony(arithmetic("reference"))
    statement, proof = read(name, srs)
    assert verify(statement, proof, srs).valid


@pytest.mark.slow
def test_reference_arithmetic_makes_it() -> None:
    from zkcollateral.crypto.select import arithmetic

    srs = ceremony(arithmetic("reference"))
    assert build("one-row", srs) == load("one-row")


def g2_of_the_ceremony() -> tuple[bytes, bytes]:
    spec = importlib.util.find_spec("eth_account")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    file = folder / "typed_transactions/blob_transactions/kzg_trusted_setup.txt"
    lines = file.read_text(encoding="ascii").split()
    return bytes.fromhex(lines[2 + 4096]), bytes.fromhex(lines[3 + 4096])


@pytest.mark.parametrize("name", [*SMALL, "balanced-32-values"])
def test_independent_verifier_accepts(name: str) -> None:
    """By pairing, over the ceremony, with no line of the package."""
    vector = load(name)
    statement, proof = bytes.fromhex(vector["statement"]), bytes.fromhex(vector["proof"])
    independent.verify(statement, proof, SRS_ID, independent.by_pairing(*g2_of_the_ceremony()))
    drawn = independent.challenges(
        SRS_ID, statement, independent.decode_proof(proof, int(vector["k"]))
    )
    for label, challenge in zip(drawn._fields, drawn, strict=True):
        assert int(vector["challenges"][label], 16) == challenge


@pytest.mark.slow
def test_independent_verifier_accepts_the_largest() -> None:
    test_independent_verifier_accepts("largest-domain")


def test_nothing_is_overwritten_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make_vectors, "FOLDER", tmp_path)
    monkeypatch.setattr(make_vectors, "VECTORS", {"one-row": VECTORS["one-row"]})
    file = tmp_path / "one-row.json"
    file.write_text("precious", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["make_vectors"])
    assert make_vectors.main() == 1
    assert file.read_text(encoding="utf-8") == "precious"
    monkeypatch.setattr("sys.argv", ["make_vectors", "--force"])
    assert make_vectors.main() == 0
    assert file.read_bytes() == (FOLDER / "one-row.json").read_bytes()
    assert capsys.readouterr().out.split() == ["kept", "one-row.json", "written", "one-row.json"]

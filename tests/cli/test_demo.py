"""The demonstration runs, shows what it says, and its commands can be typed again."""

from __future__ import annotations

import shlex
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import Run, leaks, load
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.demo import data, failures
from zkcollateral.demo.failures import CHANGES


def demo_secrets(folder: Path) -> set[str]:
    """Amounts, blinders and keys of the demonstration."""
    found = set()
    units = {(a["symbol"], a["side"]): -int(a["unit"]) for a in data.REGISTRY["assets"]}
    for portfolio in (*data.PORTFOLIOS.values(), data.BRITTLE):
        for side in ("collateral", "debt", "signed"):
            for symbol, amount in portfolio[side].items():
                whole, _, decimals = amount.lstrip("-").partition(".")
                found.add(whole + decimals.ljust(units[symbol, side], "0"))
    for path in (*folder.rglob("*.key"), *folder.rglob("*opening.json")):
        value = load(path)
        found |= {value[field] for field in ("secret", "blinder") if field in value}
    return found


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one demonstration showed and where; filled by the first test that needs it."""
    return {"temporary": tmp_path_factory.mktemp("temporary")}


@pytest.fixture
def text(run: Run, shown: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """What the demonstration shows to people, made in a temporary folder."""
    if "text" not in shown:
        monkeypatch.setattr("tempfile.tempdir", str(shown["temporary"]))
        outcome = run("demo")
        assert outcome.status == 0, outcome.err
        assert outcome.err == ""
        (shown["folder"],) = shown["temporary"].iterdir()
        shown["text"] = outcome.out
    return str(shown["text"])


def test_it_shows_all_of_it(text: str, shown: dict[str, Any]) -> None:
    for part in (
        "synthetic",
        "Sizes and times",
        "What is public and what stays private",
        "What must fail",
        "the portfolio does not satisfy the claim",
        "exit status 1, and brittle/attestation.json was not written",
        f"The files are in {shown['folder']}",
    ):
        assert part in text
    for claim, _, _ in data.CLAIMS:
        assert f"--claim {claim}" in text


def test_it_shows_and_publishes_no_secret(text: str, shown: dict[str, Any]) -> None:
    folder: Path = shown["folder"]
    secret = demo_secrets(folder)
    assert len(secret) > 20
    assert leaks(text, secret) == []
    public = secret_files = 0
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        if stat.S_IMODE(path.stat().st_mode) == 0o600:
            secret_files += 1
            continue
        public += 1
        # Prices are public, and some amounts are as short as one of them.
        long = {s for s in secret if len(s) > 8}
        assert leaks(path.read_text(encoding="utf-8"), long) == [], path
    assert secret_files == 3 * 3 + 2 + 5
    assert public > 20


def test_its_accounts_are_realistic() -> None:
    assets = {asset["symbol"] for asset in data.REGISTRY["assets"]}
    assert len(assets) == 12
    assert len(data.VENUES) == 3
    assert len(data.ORACLES) == 2
    held = [p for p in data.PORTFOLIOS.values() if p["collateral"]]
    owed = [p for p in data.PORTFOLIOS.values() if p["debt"]]
    assert len(held) == 3
    assert len(owed) == 2
    policy = data.lending_policy("0" * 64)
    names = [scenario["name"] for scenario in policy["claims"]["stress"]["scenarios"]]
    assert all(name.startswith("synthetic:") for name in names)


def test_its_commands_can_be_typed_again(
    text: str, shown: dict[str, Any], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined = text.replace(" \\\n", " ")
    lines = [line.strip()[2:] for line in joined.splitlines() if line.startswith("  $ ")]
    monkeypatch.chdir(shown["folder"])
    verified = [line for line in lines if line.startswith("zkcollateral verify")]
    assert len(verified) == len(data.CLAIMS) + len(CHANGES) + 1
    for index, line in enumerate(verified):
        outcome = run("", *shlex.split(line)[1:])
        assert outcome.status == (0 if index < len(data.CLAIMS) else 1)
    proved = [line for line in lines if line.startswith("zkcollateral prove")]
    assert len(proved) == len(data.CLAIMS) + 1
    again = run("", *shlex.split(proved[0])[1:])
    assert again.status == 0


def test_its_numbers_come_from_its_run(run: Run, folder: Path) -> None:
    outcome = run("demo --dir made/here --json")
    assert outcome.status == 0
    result = outcome.json
    for claim, _, _ in data.CLAIMS:
        path = folder / "made" / "here" / "attestations" / f"{claim}.json"
        attestation = Attestation.from_bytes(path.read_bytes())
        measured = result["claims"][claim]
        assert measured["proof_bytes"] == len(attestation.proof_bytes)
        assert measured["attestation_bytes"] == path.stat().st_size
        for value in (
            measured["seconds"],
            measured["verify_seconds"],
            measured["batch"]["seconds_each"],
        ):
            assert 0 < value < result["seconds"]
    assert len(result["failures"]) == 1 + len(CHANGES) + 1
    assert {failure["status"] for failure in result["failures"]} == {1}
    again = run("demo --dir made/here")
    assert again.status == 2
    assert "expected a new or empty folder" in again.line


def test_a_step_that_ends_otherwise_stops_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(data, "BRITTLE", data.PORTFOLIOS["northgate"])
    outcome = run("demo --json --dir", str(tmp_path / "d"))
    assert outcome.status == 2
    assert "expected exit status 1, got 0" in outcome.line


def test_a_tampered_attestation_that_fails_elsewhere_stops_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name, what, change, _ = CHANGES[-1]
    monkeypatch.setattr(failures, "CHANGES", ((name, what, change, {"nonce"}),))
    outcome = run("demo --json --dir", str(tmp_path / "d"))
    assert outcome.status == 2
    assert "expected the checks ['nonce'] to fail, got ['proof']" in outcome.line


@pytest.mark.slow
def test_it_runs_on_the_reference_arithmetic(run: Run) -> None:
    outcome = run("--arithmetic reference demo --dir d --json")
    assert outcome.status == 0
    assert outcome.json["arithmetic"] == "reference"
    for claim in outcome.json["claims"].values():
        assert claim["arithmetic"] == "reference"

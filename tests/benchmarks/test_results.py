"""What a run prints and writes; a trial run of the whole program."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks.document import performance
from benchmarks.figures import TARGETS, Pass
from benchmarks.hotspots import Profile
from benchmarks.machine import PACKAGES, describe
from benchmarks.results import Results, in_milliseconds, shown
from tests.benchmarks.measured import COMMITMENT_SHARES, OURS, PEAKS, figures

ROOT = Path(__file__).resolve().parents[2]

PEER = {
    "package": "bulletproofs 9",
    "backend": "serial",
    "rustc": "rustc 1",
    "single": {"proof_bytes": 672},
    "aggregated": {"proof_bytes": 992},
}


def results(**changes: Any) -> Results:
    parts: dict[str, Any] = {
        "figures": figures(),
        "machine": {"processor": "an abacus"},
        "peers": {"stable": PEER, "nightly": {**PEER, "backend": "swift"}},
        "profiles": {"prove": {"k1": Profile(0.004, {"this": 0.75, "that": 0.25})}},
        "share": 0.98,
        "passes_made": 2,
    }
    return Results(**{**parts, **changes})


def test_table_shows_every_asked_figure_once() -> None:
    text = io.StringIO()
    results().print(Console(file=text, width=140))
    lines = text.getvalue().splitlines()
    for target in TARGETS:
        (line,) = [line for line in lines if f" {target.key} " in line]
        assert ("no" if target.key == "prove_over_msm" else "yes") in line.split()


def test_json_has_one_number_per_key_and_the_asked_keys_first(tmp_path: Path) -> None:
    path = tmp_path / "new" / "latest.json"
    results().write_json(path)
    document = json.loads(path.read_text())
    assert list(document)[: len(TARGETS)] == [target.key for target in TARGETS]
    assert all(isinstance(value, (int, float)) for value in document.values())


def test_document_holds_the_figures_and_says_how_they_were_made() -> None:
    text = performance(results())
    for target in TARGETS:
        assert f"`{target.key}`" in text
    for part in ("an abacus", "bulletproofs 9, serial", "bulletproofs 9, swift", "75.0%", "868 by"):
        assert part in text
    assert "1 of 2 passes count; in the worst of them" in text
    assert "ours without AVX-512, the peer on serial" in text
    assert "make bench" in text


def test_document_without_a_peer_says_not_measured() -> None:
    text = performance(results(figures=figures(Pass(OURS, {}, COMMITMENT_SHARES, PEAKS)), peers={}))
    assert text.count("not measured") == 4
    assert "## The peer" not in text


def test_description_of_the_machine_names_no_place() -> None:
    machine = describe()
    text = "\n".join(machine.values())
    assert str(ROOT) not in text
    assert str(Path.home()) not in text
    assert all(machine.values())
    assert all(package in machine["packages"] for package in PACKAGES)


@pytest.mark.parametrize(("share", "busy"), [(0.98, False), (0.5, True)])
def test_a_busy_machine_is_owned_up_to(share: float, busy: bool) -> None:
    found = results(share=share)
    assert ("The machine was busy" in found.conditions()) is busy
    assert found.conditions() in performance(found)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0012345, "0.00123"), (12.345, "12.3"), (1234.5, "1234"), (308, "308"), (2.0, "2.00")],
)
def test_numbers_are_shown_with_three_digits(value: float, text: str) -> None:
    assert shown(value) == text
    assert shown(value, "s") == f"{text} s"


def test_times_are_shown_in_milliseconds_and_ratios_are_not() -> None:
    assert in_milliseconds("prove_k1_seconds", 0.0045) == "4.50 ms"
    assert in_milliseconds("bulletproofs_64_prove_seconds_nightly", 0.0045) == "4.50 ms"
    assert in_milliseconds("prove_over_msm_k1", 1.25) == "1.25"


@pytest.mark.slow
@pytest.mark.native
def test_a_trial_run_prints_and_writes_all_it_should(tmp_path: Path) -> None:
    out = tmp_path / "latest.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--no-peers", "--check"]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    }
    done = subprocess.run(
        [*command, "--out", str(out)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    # The ratios to a peer that is not run cannot be reached.
    assert done.returncode == 1, done.stderr
    document = json.loads(out.read_text())
    assert list(document)[: len(TARGETS)] == [target.key for target in TARGETS]
    unmeasured = {key for key, value in document.items() if value is None}
    assert unmeasured == {target.key for target in TARGETS if "bulletproofs" in target.key}
    assert document["proof_bytes_k1"] == 308
    assert document["prove_over_msm"] > 0
    for target in TARGETS:
        assert target.key in done.stdout
        assert (f"not reached: {target.key}" in done.stderr) or target.key not in unmeasured


@pytest.mark.slow
def test_without_the_native_arithmetic_nothing_is_measured(tmp_path: Path) -> None:
    hide = "import sys; sys.modules['zkcollateral_native'] = None\n"
    program = "import runpy; runpy.run_module('benchmarks', run_name='__main__', alter_sys=True)"
    done = subprocess.run(
        [sys.executable, "-c", hide + program, "--no-peers", "--out", str(tmp_path / "none.json")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "nothing was measured" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "none.json").exists()

"""The script that computes named shocks: what it writes is what `risk stress` reads."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from benchmarks.named_shocks import main
from zkcollateral.risk.replay.scenario_file import ScenarioSet
from zkcollateral.risk.replay.synthetic import candles_csv, synthetic_candles


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """A hundred and twenty synthetic days from 2001-01-01, with a crash on 2001-03-02."""
    path = tmp_path / "btc.csv"
    made = synthetic_candles({"BTCUSD": "60000"}, 5)["BTCUSD"]
    path.write_text(candles_csv(made), encoding="utf-8")
    return path


def test_it_writes_scenarios_and_where_they_come_from(
    csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "shocks.json"
    window = "--window=crash=2001-03-01..2001-03-03"
    assert main([f"BTC,BTC-PERP={csv}", "--out", str(out), window]) == 0
    printed, warned = capsys.readouterr()
    # Nobody has synthetic candles of 2020.
    assert "left out: 2020-03-12-black-thursday: no candles of BTC, BTC-PERP" in warned
    value = json.loads(out.read_text())
    document = ScenarioSet.from_json_value(value, "shocks")
    names = [scenario.name for scenario in document.scenarios]
    assert names == ["crash:close-to-low", "crash:close-to-close", "crash:peak-to-trough"]
    assert printed.count("\n") == 3
    first = document.scenarios[0]
    assert first.shocks["BTC"] == first.shocks["BTC-PERP"]
    assert -0.6 < first.shocks["BTC"] < -0.3
    digest = hashlib.sha256(csv.read_bytes()).hexdigest()
    assert {source.sha256 for source in document.sources} == {digest}
    assert document.sources[0].candles == "synthetic:BTCUSD"
    assert document.moves[0].start.month == 3


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["{csv}"], "SYMBOL=CSV: expected a symbol and a file"),
        (["BTC=none.csv"], "none.csv: expected a file that can be read"),
        (["BTC={csv}", "BTC={csv}"], "a second for BTC"),
        (["BTC={csv}", "--only"], "crises: expected candles, windows and moves"),
        (["BTC={csv}", "--only", "--window", "x=1..2"], "--window x: expected a day"),
    ],
)
def test_what_it_refuses(
    csv: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    problem: str,
) -> None:
    out = tmp_path / "shocks.json"
    assert main([*(text.format(csv=csv) for text in arguments), "--out", str(out)]) == 2
    assert problem in capsys.readouterr().err
    assert not out.exists()

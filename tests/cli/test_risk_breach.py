"""`zkcollateral risk breach`: what it says, draws, refuses and keeps secret."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.market import LIQUIDATION, Run, policy, write
from zkcollateral.risk.breach.closed_form import OneDriver, breach_probability
from zkcollateral.risk.breach.discrete import breach_at_steps
from zkcollateral.risk.breach.market import Timing

LINE = "risk breach p.json --registry registry.json --policy p.policy.json --prices round.json"
SIZE = "--paths 4096 --steps 20 --horizon 14d --delay 1d"
ONE = f"{LINE} {SIZE} --volatility BTC=0.6 --volatility USDC=0"

# What is held counts 64000.5 · 0.85 = 54400.425; what is owed 1.1 · 43000 = 47300. It fails below
# 47300 / 54400.425 of the price, 55647.06; something is lost below 1.08 · 43000 = 46440.
PORTFOLIO: dict[str, Any] = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-9",
    "collateral": {"BTC": "1"},
    "debt": {"USDC": "43000"},
    "signed": {},
}
ACCOUNT = OneDriver("below", 47300 / 54400.425, 0.6)
TIMING = Timing(14 * 86_400, 86_400, 20)


@pytest.fixture(autouse=True)
def _account(folder: Path) -> None:
    write(folder / "p.json", PORTFOLIO, 0o600)
    write(folder / "p.policy.json", policy(liquidation=LIQUIDATION))


def change(folder: Path, **fields: Any) -> None:
    """Another portfolio."""
    write(folder / "p.json", {**PORTFOLIO, **fields}, 0o600)


def candles(seed: int, days: int = 400, start: int = 0) -> str:
    """Synthetic daily candles: closes of a random walk, each open the close before."""
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.03, days + 1)))
    first = np.datetime64("2024-01-01")
    rows = ["Date,Open,High,Low,Close,Volume"]
    for day in range(start, days):
        one, two = closes[day], closes[day + 1]
        time = f"{first + day} 00:00:00"
        low, high = min(one, two), max(one, two)
        rows.append(f"{time},{one:.4f},{high:.4f},{low:.4f},{two:.4f},1")
    return "\n".join(rows) + "\n"


def says(out: str, what: str, value: str) -> bool:
    """Whether a table has this row."""
    return re.search(rf"^{re.escape(what)} +{value}$", out, re.MULTILINE) is not None


def test_an_account_that_one_price_decides(run: Run) -> None:
    outcome = run(ONE)
    assert outcome.status == 0, outcome.err
    always, steps = breach_probability(ACCOUNT, TIMING), breach_at_steps(ACCOUNT, TIMING)
    assert says(outcome.out, "liquidation test", "passes now")
    assert says(outcome.out, "above it now", "7,100.42 USD")
    assert says(outcome.out, "fails", "below BTC 55,647.059")
    assert says(outcome.out, "something is lost", "below BTC 46,440")
    for when, chance in (("always", always), ("every 16.8 hours", steps.breach_float)):
        row = rf"^looked at {when} +{chance:.2%}, bad debt"
        assert re.search(row, outcome.out, re.MULTILINE), when
    assert "seed 0" in outcome.out
    assert "statistics of an assumed market, not verdicts" in outcome.out
    assert "as secret as the portfolio" in outcome.out


def test_json(run: Run) -> None:
    value = run(f"{ONE} --json --seed 7").json
    assert (value["threshold"], value["standing"]) == ("liquidation", "passing")
    assert value["headroom"] == "7100.425"
    assert value["seed"] == 7
    assert (value["horizon_seconds"], value["delay_seconds"]) == (14 * 86_400, 86_400)
    exact = breach_at_steps(ACCOUNT, TIMING).breach_float
    found = value["simulated"]["breach_float"]
    assert found["low"] - 0.01 < exact < found["high"] + 0.01
    assert sum(value["simulated"]["first_breach_float"]) == pytest.approx(found["value"])
    assert value["closed_form"]["breach_float"] == pytest.approx(
        breach_probability(ACCOUNT, TIMING), rel=1e-9
    )
    assert value["closed_form"]["at_steps"]["breach_float"] == pytest.approx(exact, rel=1e-9)
    assert value["plot"] is None
    assert value == run(f"{ONE} --json --seed 7").json
    assert value["simulated"] != run(f"{ONE} --json --seed 8").json["simulated"]


def test_several_prices_and_what_each_matters(run: Run, folder: Path) -> None:
    change(folder, collateral={"BTC": "0.5", "ETH": "11"})
    line = f"{ONE} --volatility ETH=0.8 --correlation BTC,ETH=0.5 --drift BTC=0.1 --json"
    value = run(f"{line} --sensitivities").json
    assert value["closed_form"] is None
    assert value["market"]["correlation_float"][0][1] == 0.5
    assert value["market"]["drifts_float"] == [0.1, 0, 0]
    moves = {(each["what"], each["of"]): each["breach_float"] for each in value["sensitivities"]}
    assert moves["volatility", "BTC"]["low"] > 0
    assert moves["price", "ETH"]["high"] < 0
    assert moves["position", "USDC (debt)"]["low"] > 0
    stressed = run(f"{line} --correlation-stress 1").json
    assert stressed["market"]["correlation_float"][0][1] == 1
    chance = [each["simulated"]["breach_float"]["value"] for each in (value, stressed)]
    assert chance[1] > chance[0]
    assert "correlation" in run(line.replace("--json", "--sensitivities")).out


@pytest.mark.parametrize(
    ("changed", "standing", "words"),
    [
        ({"debt": {"USDC": "60000"}}, "failed", "fails now"),
        ({"debt": {}}, "owes nothing", "owes nothing: it cannot fail"),
        (None, "nothing moves", "no price of it moves"),
    ],
)
def test_accounts_that_are_decided_already(
    run: Run, folder: Path, changed: dict[str, Any] | None, standing: str, words: str
) -> None:
    change(folder, **(changed or {}))
    line = ONE if changed is not None else ONE.replace("BTC=0.6", "BTC=0")
    value = run(f"{line} --json").json
    assert value["standing"] == standing
    assert value["closed_form"] is None
    assert value["simulated"]["breach_float"]["value"] == float(standing == "failed")
    text = run(line).out
    assert words in text
    within = "100.00%" if standing == "failed" else "never"
    assert re.search(rf"^fails within 14 days +{within}", text, re.MULTILINE)


@pytest.mark.parametrize("kind", ["png", "svg"])
@pytest.mark.parametrize("debt", [{"USDC": "43000"}, {"USDC": "60000"}, {"USDC": "900"}, {}])
def test_the_picture_is_a_secret_file(
    run: Run, folder: Path, kind: str, debt: dict[str, str]
) -> None:
    change(folder, debt=debt)
    path = folder / f"a.{kind}"
    outcome = run(f"{ONE} --plot {path.name}")
    assert outcome.status == 0, outcome.err
    assert f"{path.name}: the picture, secret" in outcome.out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    assert run(f"{ONE} --plot {path.name}").status == 2
    assert run(f"{ONE} --plot {path.name} --force").status == 0


def test_history(run: Run, folder: Path) -> None:
    (folder / "btc.csv").write_text(candles(1))
    (folder / "eth.csv").write_text(candles(2, start=10))
    change(folder, collateral={"BTC": "0.5", "ETH": "11"})
    line = f"{LINE} {SIZE} --volatility USDC=0 --history BTC=btc.csv --history ETH=eth.csv --json"
    estimated = run(line).json
    assert estimated["method"] == "gaussian"
    # 3% a day is 57% a year.
    assert estimated["market"]["volatilities_float"][:2] == pytest.approx([0.57, 0.57], rel=0.1)
    assert abs(estimated["market"]["correlation_float"][0][1]) < 0.2
    given = run(f"{line} --volatility BTC=0.9 --correlation ETH,BTC=0.7").json["market"]
    assert given["volatilities_float"][0] == 0.9
    assert given["correlation_float"][0][1] == 0.7
    filtered = run(f"{line} --method historical").json
    assert filtered["method"] == "historical"
    assert filtered["steps"] == 14
    assert filtered["simulated"]["breach_float"]["value"] > 0
    assert (
        "filtered historical simulation"
        in run(f"{line.replace(' --json', '')} --method historical").out
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("--horizon 0d", "--horizon: expected whole seconds from 1"),
        ("--horizon soon", "--horizon: expected a whole number of w, d, h, m or s"),
        ("--delay -1h", "--delay: expected a whole number"),
        ("--steps 0", "--steps: expected whole steps from 1"),
        ("--paths 1000", "--paths: expected an integer from 1024"),
        ("--paths 1030", "--paths: expected a multiple of 16"),
        ("--seed -1", "--seed: expected an integer from 0"),
        ("--volatility ETH=-0.1", "--volatility of ETH: expected a number of at least 0"),
        ("--volatility ETH", "--volatility: expected SYMBOL=SHARE"),
        ("--volatility ETH=nan", "--volatility: expected SYMBOL=SHARE"),
        ("--volatility BTC=0.7", "--volatility: expected every symbol once, got 'BTC' twice"),
        ("--volatility DOGE=0.7", "--volatility: expected one of BTC"),
        ("--drift DOGE=0.7", "--drift: expected one of BTC"),
        ("--correlation BTC=0.7", "--correlation: expected A,B=SHARE"),
        ("--correlation BTC,USDC=1.2", "--correlation: BTC,USDC: expected a correlation from -1"),
        ("--correlation BTC,ETH=0.2", "--correlation: BTC,ETH: expected one of BTC, USDC"),
        ("--correlation-stress 1.5", "--correlation-stress: expected a weight from 0 to 1"),
        ("--history BTC", "--history: expected SYMBOL=FILE"),
        ("--history BTC=none.csv", "none.csv: expected"),
        ("--history BTC=p.policy.json", "p.policy.json"),
        ("--method historical", "--method historical: expected --history SYMBOL=CSV with it"),
        ("--method historical --history BTC=a.csv --correlation A,B=0", "--correlation: expected"),
        ("--method historical --history BTC=a.csv --sensitivities", "--sensitivities: expected"),
        ("--method historical --history BTC=a.csv", "--volatility BTC: expected 0 for a price"),
        ("--plot a.pdf", "--plot: expected a name that ends in .png or .svg"),
        ("--plot p.json", "p.json: expected another file than those that are read"),
    ],
)
def test_what_it_refuses(run: Run, options: str, problem: str) -> None:
    refused = run(f"{ONE} {options}")
    assert refused.status == 2
    assert refused.out == ""
    assert refused.line.startswith(problem)


def test_a_price_without_volatility(run: Run) -> None:
    refused = run(f"{LINE} {SIZE} --volatility BTC=0.5")
    assert refused.status == 2
    assert refused.line == "--volatility: expected a volatility of USDC, got none"


def test_correlations_that_cannot_be(run: Run) -> None:
    pairs = "--correlation BTC,ETH=0.9 --correlation ETH,USDC=0.9 --correlation BTC,USDC=-0.9"
    refused = run(f"{ONE} --volatility ETH=0.5 {pairs}")
    assert refused.status == 2
    assert refused.line.startswith("--correlation: expected a positive semidefinite matrix")


def test_without_scipy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    refused = run(ONE)
    assert refused.status == 2
    assert refused.line == (
        "risk breach: expected scipy to be installed (pip install 'zkcollateral[risk]'), "
        "got no scipy"
    )


@pytest.mark.parametrize("file", ["p.json", "p.policy.json", "registry.json", "round.json"])
def test_files_that_cannot_be_read(run: Run, folder: Path, file: str) -> None:
    (folder / file).write_text('{"a": 1}')
    refused = run(ONE)
    assert refused.status == 2
    assert refused.line.startswith(file)

"""A policy whose ratio follows volatility, from the oracles' reports to a verified attestation."""

from __future__ import annotations

import json
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import LENDER, PROVE, Run, policy, report, write
from tests.cli.test_risk_report import cells
from zkcollateral.cli.runner import run as run_command
from zkcollateral.risk.clock import format_time, now
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.pricing import price

ADAPTIVE: dict[str, Any] = {
    "symbols": ["BTC"],
    "step_seconds": "3600",
    "prices": "4",
    "decay": "0.36",
    "horizon": "4",
    "base": "1",
    "multiple": "2.5",
    "cap": "2",
    "max_rise": "0.45",
    "max_fall": "0.25",
    "decimals": "4",
    "stress": [{"figure": "gas", "start": "50", "multiple": "0.001", "most": "0.05"}],
}
PRICES = ["60000", "67500", "60750", "66825"]
COMBINE = (
    "prices combine oracle-a.signed.json oracle-b.signed.json --policy policy.json "
    "--trust trust.json --out round.json"
)
REPORT = "risk report one.portfolio.json --registry registry.json --policy policy.json"


def sign_both(run: Run, prices: list[str], other: list[str] | None = None) -> None:
    """Both oracles sign a report with a history that ends ten minutes ago."""
    last = format_time(now() - timedelta(minutes=10))
    for oracle, said in (("oracle-a", prices), ("oracle-b", other or prices)):
        history = {"last": last, "step_seconds": "3600", "prices": said}
        value = report(oracle, figures={"gas": "75"}, histories={"BTC": history})
        write(Path(f"{oracle}.report.json"), value)
        line = f"prices sign {oracle}.report.json --key {oracle}.key --out {oracle}.signed.json"
        assert run(f"{line} --json").json["histories"] == ["BTC"]


@pytest.fixture
def adaptive(run: Run, folder: Path) -> Run:
    """The market under the adaptive policy, which its trust file accepts."""
    write(Path("policy.json"), policy(adaptive=ADAPTIVE))
    keys = " ".join(f"--key {name}.pub" for name in ("north", "south", "oracle-a", "oracle-b"))
    line = f"trust {keys} --policy policy.json --audience {LENDER} --out trust.json"
    assert run(line).status == 0
    sign_both(run, PRICES)
    return run


def test_the_whole_way(adaptive: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    combined = adaptive(f"{COMBINE} --json")
    assert combined.json["histories"] == ["BTC"]
    value = json.loads(Path("round.json").read_text())["round"]
    rule = Policy.from_json_value(policy(adaptive=ADAPTIVE), "policy")
    assert price(rule, PriceRound.from_json_value(value, "round")).ratio == Fraction("1.525")

    # Volatility 0.2 over four steps; 1 + 2.5·0.2 = 1.5, and 0.025 for the gas price.
    shown = adaptive(f"{REPORT} --prices round.json")
    assert cells(shown.out, "maintenance ratio")[1] == (
        "1.5250 (volatility 20.00% of BTC, network stress +0.0250)"
    )
    capsys.readouterr()
    assert run_command([*f"{REPORT} --prices round.json --json".split()]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ratio"], found["adaptive"]["limit"]) == ("1.525", "none")

    assert adaptive(f"{PROVE} --out a.json").status == 0
    checked = adaptive("verify a.json --trust trust.json --json").json
    assert checked["valid"] is True
    reasons = {check["name"]: check["reason"] for check in checked["checks"]}
    assert reasons["statement"].endswith("adaptive ratio 1.525")


@pytest.mark.parametrize(
    ("prices", "ratio", "volatility", "why"),
    [
        (["60000"] * 4, "1.2750", "0.00", "held at the floor"),
        (["60000", "90000", "60000", "90000"], "2.0000", "90.85", "held at the cap"),
        (["60000", "60000", "60000", "90000"], "1.7250", "80.00", "may not rise faster"),
        (["60000", "90000", "90000", "90000"], "1.7750", "28.80", "may not fall faster"),
    ],
)
def test_a_report_says_why(
    adaptive: Run, prices: list[str], ratio: str, volatility: str, why: str
) -> None:
    sign_both(adaptive, prices)
    assert adaptive(COMBINE).status == 0
    found = cells(adaptive(f"{REPORT} --prices round.json").out, "maintenance ratio")[1]
    assert found == (f"{ratio} (volatility {volatility}% of BTC, network stress +0.0250, {why})")


def test_oracles_that_differ_make_no_round(adaptive: Run) -> None:
    Path("round.json").unlink()
    sign_both(adaptive, PRICES, [*PRICES[:2], "50000", PRICES[3]])
    outcome = adaptive(COMBINE)
    assert outcome.status == 2
    assert "price 2 of the history of BTC within 0.02 of the median" in outcome.line
    sign_both(adaptive, PRICES, PRICES[1:])
    outcome = adaptive(COMBINE)
    assert "expected a history of BTC of 4 prices every 3600 seconds, got 3" in outcome.line
    assert not Path("round.json").exists()


def test_prices_without_history_are_not_enough(adaptive: Run) -> None:
    """The round that stood there before has no history, and nothing falls back to the ratio."""
    outcome = adaptive(f"{PROVE} --out a.json")
    assert outcome.status == 2
    assert "the price round has no" in outcome.line
    outcome = adaptive(f"{REPORT} --prices round.json")
    assert outcome.status == 2
    assert "the price round has no" in outcome.line

"""`zkcollateral risk hedge`: what it says, draws, refuses and keeps secret."""

from __future__ import annotations

import re
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import Run, load, policy, write

LINE = "risk hedge p.json --registry registry.json --policy p.policy.json --prices round.json"

# 64000.5 · 0.85 + 10 · 3000 · 0.8 = 78400.425 weighted; the policy's ratio is 1.1.
PORTFOLIO: dict[str, Any] = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-9",
    "collateral": {"BTC": "1", "ETH": "10"},
    "debt": {"USDC": "60000"},
    "signed": {},
}
LIQUID = {
    "type": "liquid",
    "ratio": "1.5",
    "sales": {"ETH": {"limit": "8", "cost": "0.01"}},
    "repayments": {"USDC": {"limit": "50000", "cost": "0"}},
}


@pytest.fixture(autouse=True)
def _account(folder: Path) -> None:
    write(folder / "p.json", PORTFOLIO, 0o600)
    write(folder / "p.policy.json", with_claims())


def with_claims(**changes: Any) -> dict[str, Any]:
    value = policy()
    claims = {**value["claims"], "deleverage": {**LIQUID, **changes}}
    return {**value, "claims": claims}


def says(out: str, what: str, value: str) -> bool:
    """Whether a table has this row."""
    return re.search(rf"^{re.escape(what)} +{re.escape(value)}$", out, re.MULTILINE) is not None


def test_a_target(run: Run) -> None:
    """1.5 · 60000 − 78400.425 = 11599.575 is missing. A dollar of ETH loses 0.8 and saves 1.5, one
    of BTC loses 0.85: ETH, 11599.575 / 0.7 = 16570.82.
    """
    outcome = run(f"{LINE} --target 1.5 --goal sold")
    assert outcome.status == 0
    assert says(outcome.out, "ratio wanted", "1.5000")
    assert says(outcome.out, "ratio", "1.3066")
    assert says(outcome.out, "ratio after", "1.5000")
    assert says(outcome.out, "above the ratio", "-11,599.58 USD")
    assert says(outcome.out, "cost", "0.00 USD")
    assert says(outcome.out, "restored", "passed")
    value = run(f"{LINE} --target 1.5 --goal sold --json").json
    assert [(each["trade"], each["symbol"]) for each in value["trades"]] == [
        ("sell", "ETH"),
        ("repay", "USDC"),
    ]
    assert abs(float(value["sold_value"]) - 11_599.575 / 0.7) < 0.01
    assert 0 <= Decimal(value["margin_after"]) < Decimal("0.001")
    assert value["reached"] is True
    assert value["plot"] is None


def test_limits_and_costs(run: Run) -> None:
    line = f"{LINE} --target 1.5 --limit ETH=2 --cost ETH=0.001 --cost BTC=0.01 --json"
    value = run(line).json
    amounts = {each["symbol"]: Decimal(each["amount"]) for each in value["trades"]}
    assert amounts["ETH"] == 2
    # 6000 of ETH bring 5994 and help by 5994 · 1.5 − 4800 = 4191; a dollar of BTC by 0.635.
    assert abs(float(amounts["BTC"]) * 64_000.5 - (11_599.575 - 4191) / 0.635) < 0.01
    assert abs(float(value["cost"]) - 6 - 0.01 * float(amounts["BTC"]) * 64_000.5) < 0.01
    assert value["shadow_limits"][0]["symbol"] == "ETH"
    assert value["shadow_limits"][0]["saves_float"] > 0
    assert value["shadow_margin_float"] == pytest.approx(0.01 / 0.635, rel=1e-6)


def test_out_of_reach(run: Run) -> None:
    outcome = run(f"{LINE} --target 1.5 --limit ETH=2 --limit BTC=0")
    assert outcome.status == 0
    # 11599.575 − 6000 · 0.7
    assert says(outcome.out, "out of reach by", "7,399.58 USD")
    assert says(outcome.out, "restored", "failed")


def test_a_claim_s_terms(run: Run) -> None:
    value = run(f"{LINE} --claim deleverage --json").json
    assert (value["target"], value["reached"]) == ("1.5", True)
    assert {each["symbol"] for each in value["trades"]} == {"ETH", "USDC"}
    # A dollar of ETH brings 0.99 and helps by 0.685.
    assert abs(float(value["sold_value"]) - 11_599.575 / 0.685) < 0.01
    tight = run(f"{LINE} --claim deleverage --target 1.7 --json").json
    assert (tight["target"], tight["reached"]) == ("1.7", False)
    assert "expected a claim of the name 'that'" in run(f"{LINE} --claim that").line


def test_nothing_is_needed(run: Run) -> None:
    outcome = run(LINE)
    assert outcome.status == 0
    assert says(outcome.out, "restored", "passed")
    assert "Trades" not in outcome.out
    assert run(f"{LINE} --json").json["trades"] == []


def test_a_neutral_hedge(run: Run) -> None:
    value = run(f"{LINE} --neutral --limit BTC=10 --limit ETH=4 --cost BTC=0.001 --json").json
    assert [(each["trade"], each["symbol"], each["amount"]) for each in value["trades"]] == [
        ("sell", "BTC", "1"),
        ("sell", "ETH", "4"),
    ]
    assert value["exposures"] == [
        {"symbol": "BTC", "before": "64000.5", "after": "0"},
        {"symbol": "ETH", "before": "30000", "after": "18000"},
        {"symbol": "USDC", "before": "-60000", "after": "-60000"},
    ]
    assert (value["neutral"], value["cost"]) == (False, "64.0005")
    outcome = run(f"{LINE} --neutral")
    assert says(outcome.out, "neutral", "passed")
    assert re.search(r"^sell +ETH +10 +3,000\.00 +0\.00$", outcome.out, re.MULTILINE)


def test_a_breach_that_is_made_unlikely(run: Run) -> None:
    line = f"{LINE} --breach 0.01 --volatility BTC=0.8 --volatility ETH=0.8 --horizon 30d"
    value = run(f"{line} --json").json
    assert value["breach"]["before_float"] > 0.01 >= value["breach"]["after_float"]
    assert value["breach"]["after_float"] == pytest.approx(0.01, rel=0.01)
    assert value["breach"]["reached"] is True
    assert Decimal(value["target"]) > Decimal("1.1")
    outcome = run(line)
    assert says(outcome.out, "breach within the bound", "passed")
    assert run(f"{line} --breach 0.01").status == 0


@pytest.mark.parametrize("kind", ["png", "svg"])
@pytest.mark.parametrize("options", ["--target 1.5", "--neutral"])
def test_a_picture(run: Run, folder: Path, kind: str, options: str) -> None:
    outcome = run(f"{LINE} {options} --plot picture.{kind}")
    assert outcome.status == 0
    assert f"picture.{kind}: the picture, secret" in outcome.out
    picture = folder / f"picture.{kind}"
    assert stat.S_IMODE(picture.stat().st_mode) == 0o600
    head = picture.read_bytes()[:100]
    assert head.startswith(b"\x89PNG") if kind == "png" else b"<?xml" in head
    assert run(f"{LINE} {options} --plot picture.{kind}").status == 2
    assert run(f"{LINE} {options} --plot picture.{kind} --force").status == 0


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--target 0", "--target"),
        ("--target x", "--target"),
        ("--limit BTC", "--limit"),
        ("--limit BTC=x", "--limit"),
        ("--limit BTC=1 --limit BTC=2", "every symbol once"),
        ("--limit SOL=1", "--limit"),
        ("--limit BTC=-1", "limit"),
        ("--cost BTC=1", "below 1"),
        ("--cost BTC=-0.1", "cost"),
        ("--neutral --target 1.5", "--neutral"),
        ("--neutral --limit SOL=1", "--limit"),
        ("--breach 2 --volatility BTC=1", "--breach"),
        ("--breach 0.1", "--volatility"),
        ("--breach 0.1 --volatility BTC=1 --volatility ETH=2", "--volatility"),
        ("--breach 0.1 --volatility BTC=1 --horizon 0d", "--horizon"),
        ("--volatility BTC=1", "--breach"),
        ("--plot picture.gif", "--plot"),
    ],
)
def test_unusable_options(run: Run, options: str, expected: str) -> None:
    outcome = run(f"{LINE} {options}")
    assert outcome.status == 2
    assert expected in outcome.line


def test_a_policy_whose_limits_leave_an_excess_uncounted(run: Run, folder: Path) -> None:
    limit = {"name": "half", "assets": ["BTC"], "share": "0.5", "excess": "uncounted"}
    write(folder / "p.policy.json", {**policy(), "limits": [limit]})
    outcome = run(f"{LINE} --target 1.5")
    assert outcome.status == 2
    assert "limits refuse an excess" in outcome.line


def test_an_asset_without_a_price_of_the_policy(run: Run, folder: Path) -> None:
    value = load(folder / "p.json")
    value["collateral"]["DUST"] = "1"
    write(folder / "p.json", value, 0o600)
    outcome = run(f"{LINE} --target 1.5")
    assert outcome.status == 2
    assert "DUST (collateral)" in outcome.line

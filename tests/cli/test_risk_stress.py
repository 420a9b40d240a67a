"""`zkcollateral risk stress`: what it says, draws, refuses and keeps secret."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import LIQUIDATION, Run, policy, write

LINE = "risk stress p.json --registry registry.json --policy p.policy.json --prices round.json"

# 64000.5 · 0.85 + 10 · 3000 · 0.8 = 78400.425, of which 1.25 · 37000 = 46250 is needed.
PORTFOLIO: dict[str, Any] = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-9",
    "collateral": {"BTC": "1", "ETH": "10"},
    "debt": {"USDC": "37000"},
    "signed": {},
}
SCENARIOS: dict[str, Any] = {
    "format": "zkcollateral/scenarios/1",
    "scenarios": [{"name": "half", "shocks": {"BTC": "-0.5", "ETH": "-0.5"}}],
}


@pytest.fixture(autouse=True)
def _account(folder: Path) -> None:
    write(folder / "p.json", PORTFOLIO, 0o600)
    write(folder / "p.policy.json", policy(liquidation=LIQUIDATION))
    write(folder / "more.json", SCENARIOS)


def says(out: str, what: str, value: str) -> bool:
    """Whether a table has this row."""
    return re.search(rf"^{re.escape(what)} +{re.escape(value)}", out, re.MULTILINE) is not None


def test_what_it_says(run: Run) -> None:
    outcome = run(f"{LINE} --scenarios more.json")
    assert outcome.status == 0
    # 0.6 · 54400.425 + 12000 − 46250 = −1609.745
    crash = (
        r"^synthetic:crash +crisis +failed +-1,609\.75 +1\.2064 +3,940\.25 +- +BTC -40\.00%, ETH"
    )
    assert re.search(crash, outcome.out, re.MULTILINE)
    # 39200.2125 − 46250, and − 40700
    half = r"^half +file +failed +-7,049\.79 +1\.0594 +-1,499\.79 +19,980\.00 USD seized +BTC -50"
    assert re.search(half, outcome.out, re.MULTILINE)
    assert re.search(r"^survives-20 +survives-20 +passed ", outcome.out, re.MULTILINE)
    for what, value in (
        ("worst scenario", "half"),
        ("above maintenance then", "-7,049.79 USD"),
        ("scenarios failed", "2 of 4"),
        ("in no scenario", "USDC"),
        ("every scenario", "failed"),
    ):
        assert says(outcome.out, what, value), what
    assert "as secret as the portfolio" in outcome.out


def test_one_claim(run: Run) -> None:
    outcome = run(f"{LINE} --claim survives-20")
    assert says(outcome.out, "every scenario", "passed")
    assert "crisis" not in outcome.out


def test_json(run: Run) -> None:
    value = run(f"{LINE} --scenarios more.json --json").json
    assert value["worst"] == "half"
    assert [each["maintained"] for each in value["scenarios"]] == [True, False, True, False]
    half = value["scenarios"][3]
    assert (half["source"], half["margin"]) == ("file", "-7049.7875")
    assert half["liquidation"]["seized_value"] == "19980"
    assert (value["grids"], value["plot"]) == ([], None)
    (kept, tested) = run(f"{LINE} --grid BTC,others --json").json["grids"]
    assert (kept["threshold"], tested["threshold"]) == ("maintenance", "liquidation")
    assert len(kept["margin_float"]) == len(kept["second_changes_float"])


@pytest.mark.parametrize(("kind", "options"), [("png", ""), ("svg", "--grid ETH,others")])
def test_a_picture(run: Run, folder: Path, kind: str, options: str) -> None:
    pytest.importorskip("matplotlib")
    outcome = run(f"{LINE} {options} --scenarios more.json --plot a.{kind}")
    assert f"a.{kind}: the picture, secret" in outcome.out
    data = (folder / f"a.{kind}").read_bytes()
    assert data.startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    assert stat.S_IMODE((folder / f"a.{kind}").stat().st_mode) == 0o600
    assert len(data) < 1_000_000
    assert "an existing file" in run(f"{LINE} --plot a.{kind}").line


def test_every_scenario_is_on_the_map_or_said_not_to_be(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes = pytest.importorskip("matplotlib.axes").Axes
    drawn: list[str] = []
    for method, place in (("annotate", 0), ("text", 2)):
        draw = getattr(axes, method)

        def told(self: Any, *args: Any, _draw: Any = draw, _at: int = place, **more: Any) -> Any:
            drawn.append(str(args[_at]))
            return _draw(self, *args, **more)

        monkeypatch.setattr(axes, method, told)
    shocks = {"half": "-0.5", "half-again": "-0.5", "gone": "-1"}
    moved = [{"name": name, "shocks": {"BTC": by, "ETH": by}} for name, by in shocks.items()]
    write(folder / "more.json", {**SCENARIOS, "scenarios": moved})
    assert run(f"{LINE} --scenarios more.json --plot a.png").status == 0
    assert "2, 3" in drawn
    beside = next(text for text in drawn if "worst first" in text)
    assert re.search(r" 1  gone\n +-46,250, not on the map\n", beside)
    assert beside.count("not on the map") == 1


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("--grid BTC", "--grid: expected two names such as BTC,ETH or BTC,others, got 'BTC'"),
        ("--grid BTC,BTC", "--grid: expected two assets whose prices do not move together"),
        ("--grid BTC,DOGE", "--grid: expected one of BTC, ETH, USDC, others, got 'DOGE'"),
        ("--claim other", "p.policy.json: claims: expected a claim of the name 'other'"),
        ("--claim maintenance", "--scenarios: expected a file, as the claim 'maintenance' has no"),
        ("--scenarios none.json", "none.json: expected a file that can be read"),
        ("--scenarios p.policy.json", "p.policy.json: format: expected 'zkcollateral/scenarios/1'"),
        ("--plot a.gif", "--plot: expected a name that ends in .png or .svg"),
    ],
)
def test_what_it_refuses(run: Run, options: str, problem: str) -> None:
    pytest.importorskip("matplotlib")
    refused = run(f"{LINE} {options}")
    assert (refused.status, refused.out) == (2, "")
    assert refused.line.startswith(problem)


def test_a_scenario_of_an_asset_without_a_price(run: Run, folder: Path) -> None:
    other = {"name": "dog", "shocks": {"DOGE": "-0.5"}}
    write(folder / "more.json", {**SCENARIOS, "scenarios": [other]})
    refused = run(f"{LINE} --scenarios more.json")
    assert refused.line.startswith("more.json: scenarios: dog: expected one of BTC, ETH")


def test_a_claim_s_category(run: Run, folder: Path) -> None:
    changed = policy(
        liquidation=LIQUIDATION,
        categories={
            "e": {"collateral": {"BTC": "0.9"}, "debts": ["USDC"], "liquidation": {"BTC": "0.95"}}
        },
        claims={"it": {"type": "maintenance", "category": "e"}},
    )
    write(folder / "p.policy.json", changed)
    value = run(f"{LINE} --claim it --scenarios more.json --json").json
    (half,) = value["scenarios"]
    # 0.9 · 32000.25 + 12000 − 46250
    assert (half["category"], half["margin"], half["liquidatable"]) == ("e", "-5449.775", False)

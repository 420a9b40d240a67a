"""`zkcollateral risk cascade`: what it says, draws and refuses."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import LIQUIDATION, Run, load, policy, write

DOCUMENTS = "--registry registry.json --policy p.policy.json --prices round.json"
DEPTHS = "--depth BTC=50 --depth ETH=1000 --depth ETH-PERP=1000"
FALL = "--shock BTC=-0.2 --shock ETH=-0.2 --shock ETH-PERP=-0.2"
LINE = f"risk cascade --synthetic 300 {DOCUMENTS} {DEPTHS} {FALL} --steps 12"
CSV = f"risk cascade a.csv {DOCUMENTS} --depth BTC=50 --depth ETH=1000 --steps 5"

# At 0.55 of 64000.5, 35200.275 · 0.85 = 29920.23 is 0.907 of 1.1 · 30000: all may be repaid, for
# 32400 / 35200.275 BTC, of which what is worth 240 is the protocol's.
ACCOUNTS = """account,collateral.BTC,collateral.ETH,debt.USDC,signed.ETH-PERP
one,1,0,30000,0
two,0,10,7000.5,0
three,0.25,1.5,0,-0.5
"""


@pytest.fixture(autouse=True)
def _files(folder: Path) -> None:
    write(folder / "p.policy.json", policy(liquidation=LIQUIDATION))
    csv(folder)


def csv(folder: Path, text: str = ACCOUNTS) -> None:
    (folder / "a.csv").write_text(text, encoding="utf-8")
    (folder / "a.csv").chmod(0o600)


def says(out: str, what: str, value: str) -> bool:
    """Whether a table has this row."""
    return re.search(rf"^{re.escape(what)} +{re.escape(value)}$", out, re.MULTILINE) is not None


def test_accounts_in_a_file(run: Run) -> None:
    outcome = run(f"{CSV} --shock BTC=-0.45")
    assert outcome.status == 0
    for what, value in (
        ("accounts", "3"),
        ("accounts liquidated", "1 (33.33%)"),
        ("debt repaid", "30,000.00 USD"),
        ("written off", "0.00 USD"),
        ("bad debt", "0.00 USD"),
    ):
        assert says(outcome.out, what, value), what
    assert "after BTC -45.00%, 5 steps" in outcome.out
    assert "as secret as the accounts" in outcome.out
    assert "decides nothing" in outcome.out
    value = run(f"{CSV} --shock BTC=-0.45 --json").json
    sold = (32_400 - 240) / 35_200.275
    bitcoin = value["assets"][0]
    assert bitcoin["sold_float"] == pytest.approx(sold)
    assert bitcoin["to_protocol_float"] == pytest.approx(240 / 35_200.275)
    assert bitcoin["lowest_float"] == pytest.approx(35_200.275 / (1 + sold / 50) ** 2)
    assert value["liquidators_profit_float"] == pytest.approx(
        35_200.275 * sold / (1 + sold / 50) - 30_000
    )
    assert value["course"]["liquidations"] == [1, 0, 0, 0, 0]
    assert (value["synthetic"], value["seed"], value["plot"]) == (None, None, None)


def test_synthetic_accounts_are_labelled_and_follow_their_seed(run: Run) -> None:
    outcome = run(f"{LINE} --seed 4")
    assert "synthetic, 300 accounts, seed 4: lognormal sizes" in outcome.out
    assert "as secret as the accounts" not in outcome.out
    one, same, other = (run(f"{LINE} --seed {seed} --json").json for seed in (4, 4, 5))
    assert one == same != other
    assert (one["seed"], one["accounts"], one["steps"]) == (4, 300, 12)
    assert one["liquidated"] > 10
    assert one["amplification_float"] > 1
    assert one["worst_residual_float"] < 1e-12


def test_the_world_can_be_set(run: Run) -> None:
    options = (
        "--impact linear --fee 0.003 --half-life 20 --oracle-delay 2 --oracle-threshold 0.01 "
        "--congestion 3 --order health --gas-cost 2.5"
    )
    value = run(f"{LINE} {options} --json").json
    assert value["oracle"] == {"delay": 2, "threshold_float": 0.01, "heartbeat": None}
    assert value["liquidators"] == {
        "per_step": 3,
        "order": "health",
        "gas_cost_float": 2.5,
        "minimum_profit_float": 0.0,
    }
    depth = {"amount_float": 50, "impact": "linear", "fee_float": 0.003, "half_life_float": 20}
    assert value["assets"][0]["depth"] == depth
    liquidations = value["course"]["liquidations"]
    assert liquidations[:2] == [0, 0]
    assert 0 < max(liquidations) <= 3
    calm = run(f"{LINE} --json --impact square-root").json
    assert calm["assets"][0]["depth"]["impact"] == "square-root"
    deep = run(LINE.replace("BTC=50", "BTC=inf") + " --json").json
    assert deep["assets"][0]["impact_float"] == 0
    assert deep["assets"][0]["depth"]["amount_float"] is None


def test_the_spiral(run: Run) -> None:
    outcome = run(f"{LINE} --spiral --bound 1.5")
    assert outcome.status == 0
    assert "amplification reaches 1.5 at a shock of" in outcome.out
    assert "by the loop's gain alone, at" in outcome.out
    assert "Other shocks in the same direction" in outcome.out
    value = run(f"{LINE} --spiral --bound 1.5 --json").json
    spiral = value["spiral"]
    points = {point["shock_float"]: point["amplification_float"] for point in spiral["points"]}
    critical = spiral["critical_float"]
    assert points[critical] >= 1.5
    assert all(times < 1.5 for shock, times in points.items() if shock < critical)
    none = run(
        LINE.replace(DEPTHS, "--depth BTC=inf --depth ETH=inf --depth ETH-PERP=inf"), "--spiral"
    )
    assert "none: amplification stays below 2" in none.out
    assert "none: the gain stays below 1" in none.out


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_picture(run: Run, folder: Path, kind: str) -> None:
    pytest.importorskip("matplotlib")
    outcome = run(f"{LINE} --plot c.{kind}")
    assert f"c.{kind}: the picture, secret" in outcome.out
    alone = (folder / f"c.{kind}").read_bytes()
    assert alone.startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    assert stat.S_IMODE((folder / f"c.{kind}").stat().st_mode) == 0o600
    assert "an existing file" in run(f"{LINE} --plot c.{kind}").line
    assert run(f"{LINE} --spiral --plot c.{kind} --force --json").json["plot"] == f"c.{kind}"
    assert len((folder / f"c.{kind}").read_bytes()) > len(alone)


def test_a_picture_of_nothing(run: Run, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    assert run(f"{CSV} --shock ETH=0.1 --plot c.svg").status == 0
    assert "none" in (folder / "c.svg").read_text() or (folder / "c.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("--shock BTC", "--shock: expected SYMBOL=SHARE such as BTC=-0.3, got 'BTC'"),
        ("--shock =-0.1", "--shock: expected SYMBOL=SHARE"),
        ("--shock BTC=-1e-1", "--shock: expected SYMBOL=SHARE"),
        ("--shock BTC=inf", "--shock: expected SYMBOL=SHARE"),
        ("--shock BTC=nan", "--shock: expected SYMBOL=SHARE"),
        ("--shock BTC=-0.1 --shock BTC=-0.2", "--shock: expected every symbol once"),
        ("--shock DOGE=-0.1", "--shock: expected an asset that the policy prices, got 'DOGE'"),
        ("--shock BTC=-1", "--shock: BTC: expected a number of at least -0.999"),
        ("--shock BTC=-0.1 --depth DOGE=1", "--depth: expected an asset that the policy prices"),
        ("--shock BTC=-0.1 --depth USDC=1", "--depth: expected an asset that may be held"),
        ("--shock BTC=-0.1 --depth BTC=2", "--depth: expected every symbol once"),
        ("--shock BTC=-0.1 --depth ETH-PERP=0", "--depth: expected a number above 0"),
        ("--shock BTC=-0.1 --depth ETH-PERP=nan", "--depth: expected SYMBOL=AMOUNT"),
        ("--shock BTC=-0.1 --steps 0", "--steps: expected"),
        ("--shock BTC=-0.1 --fee 1", "--fee: expected a number of at most"),
        ("--shock BTC=-0.1 --half-life 0", "--half-life: expected a number above 0"),
        ("--shock BTC=-0.1 --oracle-delay -1", "--oracle-delay: expected"),
        ("--shock BTC=-0.1 --oracle-threshold nan", "--oracle-threshold: expected a finite"),
        ("--shock BTC=-0.1 --congestion 0", "--congestion: expected"),
        ("--shock BTC=-0.1 --gas-cost -1", "--gas-cost: expected a number of at least 0"),
        ("--shock BTC=-0.1 --spiral --bound 1", "--bound: expected a number above 1"),
        ("--shock BTC=0.1 --spiral", "--shock: BTC: expected a number of at most 0"),
        ("--shock BTC=0 --spiral", "--shock: expected at least one fall"),
        ("--shock BTC=-0.1 --synthetic 5", "ACCOUNTS.csv, --synthetic: expected one of the two"),
        ("--shock BTC=-0.1 --plot a.pdf", "--plot: expected a name that ends in .png or .svg"),
        ("--shock BTC=-0.1 --plot a.csv --force", "a.csv: expected another file than those"),
    ],
)
def test_what_it_refuses(run: Run, options: str, problem: str) -> None:
    refused = run(f"{CSV} {options}")
    assert refused.status == 2
    assert refused.out == ""
    assert refused.line.startswith(problem)


def test_neither_accounts_nor_synthetic_ones(run: Run) -> None:
    refused = run(CSV.replace("a.csv ", "") + " --shock BTC=-0.1")
    assert refused.line == "ACCOUNTS.csv, --synthetic: expected one of the two, got neither"
    for number in ("0", "-1"):
        refused = run(LINE.replace("300", number))
        assert refused.status == 2
        assert refused.line.startswith("--synthetic: expected")
    assert run(f"{LINE} --seed -1").line.startswith("--seed: expected")


def test_assets_without_depth(run: Run) -> None:
    refused = run(f"risk cascade a.csv {DOCUMENTS} --depth BTC=1 --shock BTC=-0.1")
    assert refused.line == "--depth: expected a depth of ETH, which accounts hold, got none"
    refused = run(f"risk cascade a.csv {DOCUMENTS} --depth ETH-PERP=1 --shock BTC=-0.1")
    assert refused.line == "--depth: expected a depth of BTC, ETH, which accounts hold, got none"


def test_lines_of_the_accounts(run: Run, folder: Path) -> None:
    text = (folder / "a.csv").read_text()
    before = run(f"{CSV} --shock BTC=-0.1 --json").json
    for changed in ("\ufeff" + text, text.replace("\n", "\r\n"), text.replace("\n", "\r")):
        (folder / "a.csv").write_bytes(changed.encode())
        assert run(f"{CSV} --shock BTC=-0.1 --json").json == before
    # No ends of lines in a CSV, though str.splitlines takes them for such.
    for mark in ("\x0b", "\u2028"):
        (folder / "a.csv").write_bytes((text.rstrip("\n") + mark + "z,1,1,1,0\n").encode())
        refused = run(f"{CSV} --shock BTC=-0.1")
        assert (refused.status, refused.out) == (2, "")


@pytest.mark.filterwarnings("error")
def test_a_picture_of_no_spiral(run: Run) -> None:
    pytest.importorskip("matplotlib")
    endless = "--depth BTC=inf --depth ETH=inf --depth ETH-PERP=inf"
    outcome = run(LINE.replace(DEPTHS, endless) + " --spiral --plot c.svg")
    assert outcome.status == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a.csv: expected a first line with the names of columns, got an empty file"),
        (ACCOUNTS.replace("debt.USDC", "debts.USDC"), "a.csv: line 1: expected the columns"),
        (ACCOUNTS.replace("debt.USDC", "debt.DAI"), "a.csv: line 1, column debt.DAI: expected"),
        (ACCOUNTS.replace("7000.5", ""), "a.csv: line 3, column debt.USDC: expected an amount"),
        (ACCOUNTS.replace("7000.5", "-7000.5"), "a.csv: line 3, column debt.USDC: expected an amo"),
        (ACCOUNTS.replace("7000.5", "7,000.5"), "a.csv: line 3: expected 5 cells, got 6"),
        (ACCOUNTS.replace("two", "one"), "a.csv: line 3, column account: expected every account"),
        (ACCOUNTS.replace("two", "t o"), "a.csv: line 3, column account: expected a name"),
    ],
)
def test_files_that_cannot_be_used(run: Run, folder: Path, text: str, problem: str) -> None:
    csv(folder, text)
    refused = run(f"{CSV} --shock BTC=-0.1")
    assert refused.status == 2
    assert refused.line.startswith(problem)
    assert "7000" not in refused.line


def test_a_file_that_is_no_text(run: Run, folder: Path) -> None:
    (folder / "a.csv").write_bytes(b"\xff\xfe")
    assert "expected a text in UTF-8" in run(f"{CSV} --shock BTC=-0.1").line
    (folder / "a.csv").chmod(0o644)
    assert "chmod 600 a.csv" in run(f"{CSV} --shock BTC=-0.1").line


def test_policies_and_rounds_that_do_not_serve(run: Run, folder: Path) -> None:
    write(folder / "p.policy.json", policy())
    refused = run(f"{CSV} --shock BTC=-0.1")
    assert refused.line == "p.policy.json: liquidation: expected liquidation terms, got none"
    tiers: dict[str, Any] = {
        "type": "tiered",
        "by": "amount",
        "tiers": [{"above": "0", "factor": "0.5"}],
    }
    factors = policy()["factors"] | {"collateral": {"BTC": tiers, "ETH": "0.8"}}
    write(folder / "p.policy.json", policy(liquidation=LIQUIDATION, factors=factors))
    problem = "p.policy.json: factors.collateral.BTC: expected a plain or a scaled factor"
    assert run(f"{CSV} --shock BTC=-0.1").line.startswith(problem)
    write(folder / "p.policy.json", policy(liquidation=LIQUIDATION))
    value = load(folder / "round.json")
    plain = value.get("round", value)
    del plain["prices"]["ETH"]
    write(folder / "round.json", plain)
    refused = run(f"{CSV} --shock BTC=-0.1")
    assert refused.line == "round.json: the price round has no price of ETH"

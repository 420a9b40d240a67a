"""`zkcollateral risk liquidation`: what it says, draws, refuses and keeps secret."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import LIQUIDATION, Run, load, policy, write

LINE = "risk liquidation p.json --registry registry.json --policy p.policy.json --prices round.json"
FALL = "--shock BTC=-0.5 --shock ETH=-0.5"

# At half of 64000.5 and 3000 what is held counts 32000.25 · 0.85 + 10 · 1500 · 0.8 = 39200.2125;
# what is owed 1.1 · 37000 = 40700. Health is 0.963, so that half may be repaid, 18500, for
# 19980 / 32000.25 BTC.
PORTFOLIO: dict[str, Any] = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-9",
    "collateral": {"BTC": "1", "ETH": "10"},
    "debt": {"USDC": "37000"},
    "signed": {},
}


@pytest.fixture(autouse=True)
def _account(folder: Path) -> None:
    write(folder / "p.json", PORTFOLIO, 0o600)
    write(folder / "p.policy.json", policy(liquidation=LIQUIDATION))


def says(out: str, what: str, value: str) -> bool:
    """Whether a table has this row."""
    return re.search(rf"^{re.escape(what)} +{re.escape(value)}$", out, re.MULTILINE) is not None


def test_a_healthy_account(run: Run) -> None:
    outcome = run(LINE)
    assert outcome.status == 0
    assert says(outcome.out, "liquidation test", "passed")
    assert says(outcome.out, "seized", "nothing: the account is healthy")
    assert "Auction" not in outcome.out
    assert "as secret as the portfolio" in outcome.out


def test_after_a_fall(run: Run) -> None:
    outcome = run(f"{LINE} {FALL}")
    assert outcome.status == 0
    for what, value in (
        ("health factor", "0.9631"),
        ("above liquidation", "-1,499.79 USD"),
        ("liquidation test", "failed"),
        ("steps", "1"),
        ("repaid", "18,500.00 USD"),
        ("penalty", "1,480.00 USD"),
        ("seized, market value", "19,980.00 USD"),
        # 39200.2125 − 19980 · 0.85 − 20350 = 1867.2125
        ("above liquidation after", "1,867.21 USD"),
        ("liquidation test after", "passed"),
        ("bad debt", "0.00 USD"),
    ):
        assert says(outcome.out, what, value), what
    assert "18,500 USDC" in outcome.out
    # 19980 / 32000.25 = 0.62436999...
    assert "0.62437013 BTC" in outcome.out
    # 1.25 · (1 − t / 3600) is 1 at 720, and 1 / 1.08 at 933.3.
    assert "market price, after 720 s; break-even at 29,629.861 after 934 s" in outcome.out
    assert "BTC -50.00%, ETH -50.00%" in outcome.out


def test_json(run: Run) -> None:
    value = run(f"{LINE} {FALL} --json").json
    assert value["liquidatable"] is True
    assert value["outcome"] == "healthy"
    assert value["shocks"] == {"BTC": "-0.5", "ETH": "-0.5"}
    assert (value["repaid_value"], value["penalty_value"]) == ("18500", "1480")
    assert value["seized_value"] == "19980"
    assert value["headroom"] == "-1499.7875"
    assert value["headroom_after"].startswith("1867.21")
    (step,) = value["steps"]
    assert (step["debt"], step["collateral"], step["repaid"]) == ("USDC", "BTC", "18500")
    assert [balance["symbol"] for balance in value["balances"]] == ["BTC", "ETH", "USDC"]
    assert value["balances"][2]["left"] == "18500"
    (auction,) = value["auctions"]
    assert (auction["seconds_to_market"], auction["seconds_to_break_even"]) == (720, 934)
    assert auction["course"][0] == {"seconds": 0, "price": "40000.3125", "raises": "19980"}
    assert value["plot"] is None
    healthy = run(f"{LINE} --json").json
    assert (healthy["liquidatable"], healthy["steps"], healthy["auctions"]) == (False, [], [])


def test_a_chosen_pair(run: Run) -> None:
    value = run(f"{LINE} {FALL} --repay USDC --seize ETH --amount 1000 --json").json
    (step,) = value["steps"]
    # 1080 / 1500
    assert (step["collateral"], step["repaid"], step["seized"]) == ("ETH", "1000", "0.72")
    assert value["outcome"] == "step limit"
    outcome = run(f"{LINE} {FALL} --repay USDC --seize ETH --amount 1000")
    assert says(outcome.out, "ended because", "no further step was asked for")


def test_a_claim_s_category(run: Run, folder: Path) -> None:
    changed = policy(
        liquidation=LIQUIDATION,
        categories={
            "e": {"collateral": {"BTC": "0.9"}, "debts": ["USDC"], "liquidation": {"BTC": "0.95"}}
        },
        claims={"it": {"type": "maintenance", "category": "e"}},
    )
    write(folder / "p.policy.json", changed)
    # 32000.25 · 0.95 + 12000 is enough for 40700.
    value = run(f"{LINE} {FALL} --claim it --json").json
    assert (value["category"], value["liquidatable"]) == ("e", False)
    assert "expected a claim of the name 'that'" in run(f"{LINE} --claim that").line


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_picture(run: Run, folder: Path, kind: str) -> None:
    pytest.importorskip("matplotlib")
    outcome = run(f"{LINE} {FALL} --plot a.{kind}")
    assert f"a.{kind}: the picture, secret" in outcome.out
    data = (folder / f"a.{kind}").read_bytes()
    assert data.startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    assert stat.S_IMODE((folder / f"a.{kind}").stat().st_mode) == 0o600
    assert "an existing file" in run(f"{LINE} {FALL} --plot a.{kind}").line
    assert run(f"{LINE} {FALL} --plot a.{kind} --force --json").json["plot"] == f"a.{kind}"


def test_a_picture_of_two_stairstep_auctions(run: Run, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    stairs = {"type": "stairstep", "start": "1.2", "step_seconds": "90", "factor": "0.99"}
    write(folder / "p.policy.json", policy(liquidation={**LIQUIDATION, "auction": stairs}))
    outcome = run(f"{LINE} --shock BTC=-0.8 --shock ETH=-0.5 --plot a.svg")
    assert outcome.out.count("Auction of") == 2
    assert (folder / "a.svg").stat().st_size > 1000


def test_nothing_to_draw(run: Run, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    outcome = run(f"{LINE} --plot a.png")
    assert outcome.status == 0
    assert "a.png: no picture, nothing is sold" in outcome.out
    terms = {name: value for name, value in LIQUIDATION.items() if name != "auction"}
    write(folder / "p.policy.json", policy(liquidation=terms))
    refused = run(f"{LINE} --plot a.png")
    assert refused.status == 2
    assert refused.line == "--plot: expected a policy with an auction, got one without"
    assert not (folder / "a.png").exists()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("--shock BTC", "--shock: expected SYMBOL=SHARE such as BTC=-0.3, got 'BTC'"),
        ("--shock BTC=-30%", "--shock: expected SYMBOL=SHARE"),
        ("--shock BTC=-1e-1", "--shock: expected SYMBOL=SHARE"),
        ("--shock =-0.3", "--shock: expected SYMBOL=SHARE"),
        ("--shock BTC=-0.1 --shock BTC=-0.2", "--shock: expected every symbol once"),
        ("--shock DOGE=-0.1", "--shock: expected a symbol that the policy prices, got 'DOGE'"),
        ("--shock BTC=-1.01", "--shock: expected a number of at least -1"),
        ("--repay USDC", "--repay, --seize: expected both or neither"),
        ("--seize BTC", "--repay, --seize: expected both or neither"),
        ("--amount 3", "--amount: expected --repay and --seize with it"),
        ("--repay USDC --seize BTC --amount x", "--amount: expected a decimal"),
        ("--repay DAI --seize BTC", "--repay: expected one of the account's debt assets"),
        ("--repay USDC --seize USDC", "--seize: expected one of the account's collateral assets"),
        (f"{FALL} --repay USDC --seize BTC --amount 0", "--amount: expected a number above 0"),
        ("--plot a.pdf", "--plot: expected a name that ends in .png or .svg"),
        ("--plot p.json", "p.json: expected another file than those that are read"),
    ],
)
def test_what_it_refuses(run: Run, options: str, problem: str) -> None:
    refused = run(f"{LINE} {options}")
    assert refused.status == 2
    assert refused.out == ""
    assert refused.line.startswith(problem)


def test_an_amount_that_leaves_less_than_the_minimum_is_not_repeated(run: Run) -> None:
    # At 60% less, health is 0.770, so that all 37000 may be repaid, or what leaves 100.
    fall = "--shock BTC=-0.6 --shock ETH=-0.6 --repay USDC --seize BTC"
    refused = run(f"{LINE} {fall} --amount 23690.12")
    assert refused.status == 2
    assert refused.line.startswith("--amount: expected an amount that leaves the minimum")
    assert "23690" not in refused.line


def test_a_policy_without_terms(run: Run) -> None:
    refused = run(LINE.replace("p.policy.json", "policy.json"))
    assert refused.status == 2
    assert refused.line == "policy.json: liquidation: expected liquidation terms, got none"


@pytest.mark.parametrize("file", ["p.json", "p.policy.json", "registry.json", "round.json"])
def test_files_that_cannot_be_read(run: Run, folder: Path, file: str) -> None:
    (folder / file).write_text('{"a": 1}')
    refused = run(LINE)
    assert refused.status == 2
    assert refused.line.startswith(file)


def test_a_round_without_a_price(run: Run, folder: Path) -> None:
    value = load(folder / "round.json")
    plain = value.get("round", value)
    del plain["prices"]["ETH"]
    write(folder / "round.json", plain)
    refused = run(LINE)
    assert refused.line == "round.json: the price round has no price of ETH"


def test_a_portfolio_that_others_can_read(run: Run, folder: Path) -> None:
    (folder / "p.json").chmod(0o644)
    assert "chmod 600 p.json" in run(LINE).line

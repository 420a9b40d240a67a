"""`zkcollateral risk replay`: what it says, draws, refuses and keeps secret."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import LIQUIDATION, REGISTRY, Run, policy, write

DOCUMENTS = "--portfolio p.json --registry registry.json --policy p.policy.json --prices round.json"
LINE = f"risk replay btc.csv {DOCUMENTS}"

# 64000.5 · 0.85 = 54400.425 against 1.25 · 40000: it passes down to 0.91911 of the price, and the
# liquidation test, 1.1 · 40000, down to 0.80882.
PORTFOLIO: dict[str, Any] = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-9",
    "collateral": {"BTC": "1"},
    "debt": {"USDC": "40000"},
    "signed": {},
}
CSV = """Unix,Date,Symbol,Open,High,Low,Close
1584144000000,2020-03-14,BTCUSDT,78,130,77,125
1584057600000,2020-03-13,BTCUSDT,95,96,75,78
1583971200000,2020-03-12,BTCUSDT,99,99,90,95
1583884800000,2020-03-11,BTCUSDT,100,110,95,99
"""


@pytest.fixture(autouse=True)
def _account(folder: Path) -> None:
    write(folder / "p.json", PORTFOLIO, 0o600)
    write(folder / "p.policy.json", policy(liquidation=LIQUIDATION))
    (folder / "btc.csv").write_text(CSV)


def says(out: str, what: str, value: str) -> bool:
    """Whether a table has this row."""
    return re.search(rf"^{re.escape(what)} +{re.escape(value)}$", out, re.MULTILINE) is not None


def test_what_it_says(run: Run) -> None:
    outcome = run(LINE)
    assert outcome.status == 0
    assert "Replay of acct-9 under prime: 2020-03-11 to 2020-03-14, 4 candles of a day\n" in (
        outcome.out
    )
    for what, value in (
        ("BTC", "BTCUSDT, opened at 100.00"),
        ("stay as they are", "USDC"),
        ("maintenance test", "failed"),
        ("maintenance failed on", "3 of 4 days, 1 at the close"),
        # 0.9 · 54400.425 − 50000 = −1039.6175, rounded down.
        ("maintenance first failed", "2020-03-12: -1,039.62 USD, ratio 1.2240"),
        ("maintenance at worst", "2020-03-13: -9,199.69 USD, ratio 1.0200"),
        ("liquidation failed on", "2 of 4 days, 1 at the close"),
        ("liquidation first failed", "2020-03-13: -3,199.69 USD, ratio 1.0200"),
    ):
        assert says(outcome.out, what, value), what
    assert says(outcome.out, "2020-03-13  1.0200  -9,199.69          -3,199.69", "-25.00% (low)")
    assert re.search(r"^liquidated when first failed +[0-9,.]+ USD seized", outcome.out, re.M)
    assert "as secret as the portfolio" in outcome.out


def test_a_window(run: Run) -> None:
    outcome = run(f"{LINE} --from 2020-03-12 --to 2020-03-13")
    # It begins at 99 now.
    assert says(outcome.out, "BTC", "BTCUSDT, opened at 99.00")
    assert says(outcome.out, "maintenance failed on", "2 of 2 days, 1 at the close")
    for options, problem in (
        ("--from 2020-03-10", "BTCUSDT: expected candles from 2020-03-10, got none on 2020-03-10"),
        ("--to 2020-03-16", "BTCUSDT: expected candles to 2020-03-16, got none from 2020-03-15"),
        ("--from 2020-03-14", "BTCUSDT: expected at least two candles from 2020-03-14"),
        ("--from 2020-03-13 --to 2020-03-12", "--to: expected a day from 2020-03-13 on"),
        ("--from yesterday", "--from: expected a day such as 2020-03-12, got 'yesterday'"),
        ("--from ２０２０-03-12", "--from: expected a day such as 2020-03-12, got"),
    ):
        refused = run(f"{LINE} {options}")
        assert (refused.status, refused.out) == (2, "")
        assert refused.line.startswith(problem)


def test_json(run: Run) -> None:
    value = run(f"{LINE} --json").json
    kept, tested = value["breaches"]
    assert (kept["threshold"], kept["candles"], kept["closes"]) == ("maintenance", 3, 1)
    assert kept["first"]["maintenance"] == "-1039.6175"
    assert kept["deepest"]["prices"] == {"BTC": "low"}
    assert tested["first"]["time"] == "2020-03-13T00:00:00Z"
    assert value["liquidation"]["outcome"] in ("healthy", "exhausted")
    assert (value["mode"], value["synthetic"], value["plot"]) == ("scaled", False, None)
    assert len(value["series"]["ratio_close_float"]) == 4


def test_what_fails_every_claim_fails_here_too(run: Run, folder: Path) -> None:
    factors = {**policy()["factors"], "signed": {}}
    write(folder / "p.policy.json", policy(liquidation=LIQUIDATION, factors=factors))
    write(folder / "p.json", {**PORTFOLIO, "debt": {}, "signed": {"ETH-PERP": "-1"}}, 0o600)
    outcome = run(LINE)
    assert says(outcome.out, "maintenance failed on", "0 of 4 days, 0 at the close")
    assert says(outcome.out, "maintenance test", "failed")
    assert says(outcome.out, "fails every claim", r"ETH-PERP (signed)")
    assert run(f"{LINE} --json").json["refused"] == ["ETH-PERP (signed)"]


def test_historical_prices(run: Run, folder: Path) -> None:
    (folder / "btc.csv").write_text(CSV.replace(",95,99\n", ",95,98\n").replace("BTCUSDT", "BTC"))
    value = run(f"{LINE} --historical --json").json
    assert value["mode"] == "historical"
    assert value["prices"][0]["base"] == "64000.5"
    # 75 · 0.85 − 50000
    assert value["breaches"][0]["deepest"]["maintenance"] == "-49936.25"


def test_two_assets_of_one_file(run: Run, folder: Path) -> None:
    changed = {**PORTFOLIO, "signed": {"ETH-PERP": "1"}, "collateral": {"BTC": "1", "ETH": "1"}}
    write(folder / "p.json", changed, 0o600)
    line = f"risk replay BTC=btc.csv ETH=btc.csv ETH-PERP=./btc.csv {DOCUMENTS} --json"
    value = run(line).json
    assert [each["symbol"] for each in value["prices"]] == ["BTC", "ETH", "ETH-PERP"]
    assert value["unmoved"] == ["USDC"]


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_picture(run: Run, folder: Path, kind: str) -> None:
    pytest.importorskip("matplotlib")
    outcome = run(f"{LINE} --plot a.{kind}")
    assert f"a.{kind}: the picture, secret" in outcome.out
    data = (folder / f"a.{kind}").read_bytes()
    assert data.startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    assert stat.S_IMODE((folder / f"a.{kind}").stat().st_mode) == 0o600
    assert "an existing file" in run(f"{LINE} --plot a.{kind}").line
    assert run(f"{LINE} --plot a.{kind} --force --json").json["plot"] == f"a.{kind}"


def test_a_picture_without_debts_and_without_liquidation(run: Run, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    write(folder / "p.json", {**PORTFOLIO, "debt": {}}, 0o600)
    write(folder / "p.policy.json", policy())
    outcome = run(f"{LINE} --plot a.svg")
    assert says(outcome.out, "maintenance first failed", "never")
    assert (folder / "a.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ("BTC=none.csv", "none.csv: expected a file that can be read"),
        ("DOGE=btc.csv", "btc.csv: expected SYMBOL= with one of BTC, ETH, ETH-PERP, USDC, got"),
        ("btc.csv BTC=btc.csv", "btc.csv: expected one file for every asset, got a second for BTC"),
        ("=btc.csv", "CSV: expected SYMBOL=FILE"),
        ("p.json", "p.json: line"),
        (
            "other.csv",
            "other.csv: expected SYMBOL=other.csv with one of BTC, ETH, ETH-PERP, USDC, "
            "got DOGEUSDT, which is none of them",
        ),
        (
            "plain.csv",
            "plain.csv: expected SYMBOL=plain.csv with one of BTC, ETH, ETH-PERP, USDC, "
            "got a file that does not say which asset it is about",
        ),
        (
            "gap.csv",
            "gap.csv: line 3: expected a row every day, got 2020-03-12 after 2020-03-14: "
            "2020-03-13 missing",
        ),
    ],
)
def test_what_it_refuses(run: Run, folder: Path, files: str, problem: str) -> None:
    (folder / "other.csv").write_text(CSV.replace("BTCUSDT", "DOGEUSDT"))
    rows = CSV.splitlines(keepends=True)
    (folder / "gap.csv").write_text(
        "".join(
            [
                *rows[:2],
                *rows[3:],
                rows[4].replace("1583884800000,2020-03-11", "1583798400000,2020-03-10"),
            ]
        )
    )
    (folder / "plain.csv").write_text(
        "Date,Open,High,Low,Close\n2020-01-01,1,1,1,1\n2020-01-02,1,1,1,1\n"
    )
    refused = run(f"risk replay {files} {DOCUMENTS}")
    assert (refused.status, refused.out) == (2, "")
    assert refused.line.startswith(problem)


def test_a_market_that_may_be_two_assets(run: Run, folder: Path) -> None:
    assets = [*REGISTRY["assets"][:3], {**REGISTRY["assets"][0], "slot": "3", "symbol": "BTCUSD"}]
    registry = {**REGISTRY, "assets": [*assets, *REGISTRY["assets"][3:]]}
    from tests.cli.market import PRICES, digest_of, load

    write(folder / "registry.json", registry)
    factors = policy()["factors"]
    factors["collateral"] |= {"BTCUSD": "0.5"}
    changed = policy(factors=factors, registry=digest_of(registry))
    write(folder / "p.policy.json", changed)
    signed = load(folder / "round.json")
    plain = signed.get("round", signed)
    write(folder / "round.json", {**plain, "prices": {**PRICES, "BTCUSD": "1"}})
    (folder / "btc.csv").write_text(CSV.replace("BTCUSDT", "BTCUSD"))
    assert "got BTCUSD, which may be BTC or BTCUSD" in run(LINE).line
    assert run(LINE.replace("btc.csv", "BTC=btc.csv")).status == 0


def test_the_picture_is_none_of_the_candles(run: Run, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    (folder / "c.svg").write_text(CSV)
    refused = run(f"risk replay c.svg {DOCUMENTS} --plot c.svg --force")
    assert refused.line == "c.svg: expected another file than those that are read, got one of them"
    assert (folder / "c.svg").read_text() == CSV


def test_made_up_prices_are_said_to_be(run: Run, folder: Path) -> None:
    (folder / "btc.csv").write_text(CSV.replace("BTCUSDT", "synthetic:BTCUSDT"))
    outcome = run(LINE)
    assert ", SYNTHETIC prices\n" in outcome.out
    assert run(f"{LINE} --json").json["synthetic"] is True


def test_hours(run: Run, folder: Path) -> None:
    rows = ["Date,Symbol,Open,High,Low,Close"]
    rows += [f"2020-03-{12 + h // 24} {h % 24:02d}:00:00,BTCUSDT,9,9,9,9" for h in range(48)]
    (folder / "btc.csv").write_text("\n".join(rows))
    value = run(f"{LINE} --from 2020-03-12 --to 2020-03-12 --json").json
    assert (value["candles"], value["last"]) == (24, "2020-03-12T23:00:00Z")

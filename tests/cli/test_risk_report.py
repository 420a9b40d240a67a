"""`risk report`: tables for people, exact JSON for programs, pictures; and clear refusals."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import LIQUIDATION, PRICES, REGISTRY, Run, load, policy, write
from zkcollateral.cli.report_text import decimal, price_text
from zkcollateral.cli.runner import run as run_command
from zkcollateral.risk.report_json import exact

REPORT = (
    "risk report one.portfolio.json --registry registry.json --policy policy.json "
    "--prices round.json"
)
POOR = REPORT.replace("one.", "poor.")
LIMITS = [
    {"name": "one-coin", "assets": ["ETH"], "share": "0.25", "excess": "refused"},
    {"name": "volatile", "assets": ["BTC"], "share": "0.4", "excess": "uncounted"},
]

Json = Callable[[str], Any]


@pytest.fixture
def as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> Json:
    """What a command prints as JSON: it holds exact values, which no other output may."""
    del folder

    def run(line: str) -> Any:
        capsys.readouterr()
        assert run_command([*line.split(), "--json"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return json.loads(out)

    return run


def use_policy(**changes: Any) -> None:
    write(Path("policy.json"), policy(**changes))


def cells(text: str, first: str) -> list[str]:
    """The cells of the table row that begins with this."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"{first}  ")]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_the_tables(run: Run) -> None:
    """1.61803398 BTC at 64,000.5 and a factor of 0.85, 98,765.432198 USDC owed."""
    use_policy(liquidation=LIQUIDATION, limits=LIMITS)
    outcome = run(POOR)
    assert outcome.status == 0
    assert outcome.err == ""
    for title in (
        "Health of acct-3 under prime, prices of ",
        "\nLimits\n",
        "\nDistance: prices in",
    ):
        assert title in f"\n{outcome.out}"
    # Of 88,021.74 weighted 40 per cent count.
    held = Fraction("1.61803398") * Fraction("64000.5")
    counted = held * Fraction("0.85") * Fraction("0.4")
    assert cells(outcome.out, "collateral, market value")[1] == f"{decimal(held)} USD"
    assert cells(outcome.out, "weighted collateral")[1] == f"{decimal(counted)} USD"
    above = counted - Fraction("1.25") * Fraction("98765.432198")
    assert cells(outcome.out, "above maintenance")[1] == (
        f"{decimal(above)} USD ({decimal(above / held * 100)}% of the collateral)"
    )
    assert cells(outcome.out, "maintained")[1] == "failed"
    assert cells(outcome.out, "liquidation test")[1] == "failed"
    factor = counted / (Fraction("1.1") * Fraction("98765.432198"))
    assert cells(outcome.out, "health factor")[1] == decimal(factor, 4)
    assert cells(outcome.out, "volatile")[3:] == [
        "100.00%",
        f"{decimal(held * Fraction('0.85') - counted)} USD",
        "uncounted",
    ]
    assert cells(outcome.out, "one-coin")[3:] == ["0.00%", "0", "passed"]
    change = f"+{decimal((1 / factor - 1) * 100, up=True)}%"
    price = price_text(Fraction("64000.5") / factor)
    assert cells(outcome.out, "BTC")[1:4] == ["64,000.50", decimal(held), "0.00"]
    assert cells(outcome.out, "BTC")[-2:] == [f"{price} ({change})", "none"]
    assert cells(outcome.out, "common shock to liquidation")[1] == change
    assert outcome.out.endswith("Signatures of prices were not checked.\n")


def test_without_liquidation_terms_and_limits(run: Run) -> None:
    text = run(REPORT).out
    assert cells(text, "maintained")[1] == "passed"
    assert "liquidation" not in text.replace("liquidation of", "")
    assert "Limits" not in text


def test_json_is_exact_and_complete(as_json: Json) -> None:
    use_policy(liquidation=LIQUIDATION, limits=LIMITS)
    found = as_json(POOR)
    held = Fraction("1.61803398") * Fraction("64000.5")
    owed = Fraction("98765.432198")
    counted = held * Fraction("0.85") * Fraction("0.4")
    numbers = {
        "collateral": held,
        "debt": owed,
        "equity": held - owed,
        "weighted_collateral": counted,
        "weighted_debt": owed,
        "collateralization_ratio": held / owed,
        "loan_to_value": owed / held,
        "health_factor": counted / (owed * Fraction("1.1")),
        "requirement": held - owed - (counted - owed * Fraction("1.25")),
    }
    for name, value in numbers.items():
        assert Fraction(found[name]) == value, name
    assert found["maintained"] is False
    assert found["boundaries"] == []
    assert found["plot"] is None
    assert (found["account"], found["policy"], found["quote"]) == ("acct-3", "prime", "USD")
    maintenance = found["maintenance"]
    assert Fraction(maintenance["headroom"]) == counted - owed * Fraction("1.25")
    assert maintenance["common_shock"]["upper"] == "none"
    (btc, usdc) = found["assets"]
    lower = btc["liquidation"]["lower"]
    assert lower["exact"] is True
    assert Fraction(lower["price"]) == owed * Fraction("1.1") / counted * Fraction("64000.5")
    assert Fraction(lower["change"]) == owed * Fraction("1.1") / counted - 1
    assert btc["liquidation"]["upper"] == "none"
    assert usdc["maintenance"]["passable"] is True
    assert [limit["met"] for limit in found["limits"]] == [True, True]


def test_nothing_to_divide_by_has_words(as_json: Json) -> None:
    portfolio = load(Path("one.portfolio.json"))
    write(Path("one.portfolio.json"), {**portfolio, "debt": {}, "signed": {}}, 0o600)
    held = as_json(REPORT)
    assert held["collateralization_ratio"] == held["health_factor"] == "infinite"
    assert held["loan_to_value"] == "0"
    assert held["maintenance"]["common_shock"]["lower"] == "none"
    assert held["liquidation"] is None
    write(Path("one.portfolio.json"), {**portfolio, "collateral": {}, "signed": {}}, 0o600)
    owed = as_json(REPORT)
    assert owed["loan_to_value"] == owed["margin_ratio"] == "infinite"
    assert owed["collateralization_ratio"] == owed["health_factor"] == "0"
    assert owed["maintenance"]["headroom_share"] == "none"
    assert owed["maintenance"]["common_shock"]["passable"] is False


def test_words_in_the_tables(run: Run) -> None:
    portfolio = load(Path("one.portfolio.json"))
    write(Path("one.portfolio.json"), {**portfolio, "collateral": {}, "signed": {}}, 0o600)
    text = run(REPORT).out
    assert cells(text, "margin ratio")[1] == cells(text, "loan to value")[1] == "infinite"
    assert cells(text, "common shock to maintenance")[1] == "never"
    assert cells(text, "USDC")[-2:] == ["none", "0 (-100.00%)"]
    assert cells(text, "above maintenance")[1].endswith(" USD (no collateral)")


def test_a_bare_round_is_as_good_as_a_signed_one(as_json: Json) -> None:
    signed = as_json(REPORT)
    write(Path("round.json"), load(Path("round.json"))["round"])
    assert as_json(REPORT) == signed


def test_a_claim_names_the_category(as_json: Json, run: Run) -> None:
    use_policy(
        categories={"majors": {"collateral": {"BTC": "0.95"}, "debts": ["USDC"]}},
        claims={
            "plain": {"type": "maintenance"},
            "majors": {"type": "maintenance", "category": "majors"},
            "reserves": {"type": "covers", "ratio": "1", "net": True},
        },
    )
    plain, majors = as_json(f"{POOR} --claim plain"), as_json(f"{POOR} --claim majors")
    assert (plain["category"], majors["category"]) == (None, "majors")
    factor = Fraction(majors["weighted_collateral"]) / Fraction(plain["weighted_collateral"])
    assert factor == Fraction(95, 85)
    assert as_json(POOR) == plain
    assert "category majors" in run(f"{POOR} --claim majors").out
    assert run(f"{POOR} --claim other").line.startswith(
        "policy.json: claims: expected a claim of the name 'other', got majors, plain, reserves"
    )
    assert run(f"{POOR} --claim reserves").line.startswith("--claim: expected a claim about one")


def test_a_boundary_in_json_and_in_a_table(as_json: Json, run: Run) -> None:
    use_policy(liquidation=LIQUIDATION)
    line = f"{POOR} --boundary BTC USDC"
    found = as_json(line)["boundaries"]
    assert [each["threshold"] for each in found] == ["maintenance", "liquidation"]
    for each, ratio in zip(found, ("1.25", "1.1"), strict=True):
        assert (each["first"], each["second"]) == ("BTC", "USDC")
        assert len(each["points"]) == 41
        for point in each["points"]:
            # 1.61803398 · b · 0.85 = 98,765.432198 · u · ratio
            held = Fraction("1.61803398") * Fraction("0.85") * Fraction(point["first_price"])
            owed = Fraction("98765.432198") * Fraction(ratio)
            assert Fraction(point["second"]["upper"]["price"]) == held / owed
            assert point["second"]["lower"] == "none"
    text = run(line).out
    assert "Boundary of liquidation: at these prices the account still passes" in text
    assert cells(text.partition("Boundary of liquidation")[2], "64,000.50")[1] == "none"


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("BTC DUST", "--boundary: expected one of BTC, ETH, ETH-PERP, USDC, got 'DUST'"),
        ("BTC BTC", "--boundary: expected two assets whose prices do not move together"),
        ("BTC", "Option '--boundary' requires 2 arguments"),
    ],
)
def test_what_has_no_boundary(run: Run, pair: str, message: str) -> None:
    outcome = run(f"{REPORT} --boundary {pair}")
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.line.startswith(message)


@pytest.mark.parametrize(
    ("kind", "begins"), [("png", b"\x89PNG\r\n"), ("svg", b'<?xml version="1.0"')]
)
@pytest.mark.parametrize("terms", [{}, {"liquidation": LIQUIDATION}])
def test_pictures(run: Run, kind: str, begins: bytes, terms: dict[str, Any]) -> None:
    use_policy(**terms)
    path = Path(f"health.{kind}")
    outcome = run(f"{POOR} --plot {path}")
    assert outcome.status == 0
    assert f"{path}: the picture, secret\n" in outcome.out
    data = path.read_bytes()
    assert data.startswith(begins)
    assert len(data) > 5000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    refused = run(f"{POOR} --plot {path}")
    assert refused.status == 2
    assert refused.line.startswith(f"{path}: expected a new file (--force replaces it)")
    assert run(f"{REPORT} --plot {path} --force --boundary BTC ETH").status == 0
    assert path.read_bytes() != data
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_picture_of_one_asset_has_no_boundary(as_json: Json) -> None:
    portfolio = load(Path("poor.portfolio.json"))
    write(Path("poor.portfolio.json"), {**portfolio, "debt": {}}, 0o600)
    found = as_json(f"{POOR} --plot one.png")
    assert found["boundaries"] == []
    assert found["plot"] == "one.png"
    assert Path("one.png").is_file()


def test_a_picture_is_of_the_two_largest(as_json: Json) -> None:
    found = as_json(f"{REPORT} --plot two.svg")["boundaries"]
    assert [(each["first"], each["second"]) for each in found] == [("BTC", "ETH")]


def test_a_picture_draws_the_same_figures_whatever_was_set_before(run: Run) -> None:
    """Nothing global of matplotlib is changed, and pyplot is not even loaded."""
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    loaded = "matplotlib.pyplot" in sys.modules
    assert run(f"{REPORT} --plot a.png").status == 0
    assert dict(mpl.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) is loaded


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--plot a.pdf", "--plot: expected a name that ends in .png or .svg, got 'a.pdf'"),
        ("--plot png", "--plot: expected a name that ends in .png or .svg"),
        ("--plot no/a.png", "no/a.png: expected a file in the folder no, got no such folder"),
    ],
)
def test_pictures_that_cannot_be(run: Run, option: str, message: str) -> None:
    outcome = run(f"{REPORT} {option}")
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.line.startswith(message)


def test_a_picture_replaces_no_secret_and_no_input(run: Run) -> None:
    key = Path("north.png")
    Path("north.key").rename(key)
    before = key.read_bytes()
    assert "a file of zkcollateral/secret-key/1" in run(f"{REPORT} --plot {key} --force").line
    assert key.read_bytes() == before
    link = Path("link.png")
    link.symlink_to("policy.json")
    line = run(f"{REPORT} --plot {link} --force").line
    assert line.startswith("link.png: expected another file than those that are read")


def test_without_matplotlib(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    outcome = run(f"{REPORT} --plot a.png")
    assert outcome.status == 2
    assert outcome.line == (
        "--plot: expected matplotlib to be installed (pip install 'zkcollateral[plot]'), "
        "got no matplotlib"
    )
    assert not Path("a.png").exists()
    assert run(REPORT).status == 0


def without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key != name}


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "one.portfolio.json",
            {"collateral": {"BTC": "0"}, "debt": {}, "signed": {}},
            "one.portfolio.json: expected an amount other than 0, got an empty portfolio",
        ),
        (
            "one.portfolio.json",
            {"collateral": {"DOGE": "7.31415926"}},
            "one.portfolio.json: collateral.DOGE: expected an asset of the registry",
        ),
        (
            "one.portfolio.json",
            {"debt": {"USDC": "-20271.828182"}},
            "one.portfolio.json: debt.USDC: expected a decimal of at least 0",
        ),
        (
            "registry.json",
            {"name": "other-assets"},
            "policy.json: registry: expected the digest",
        ),
        ("policy.json", {"ratio": "0"}, "policy.json: ratio: expected a decimal above 0"),
        (
            "policy.json",
            {"quote": "EUR"},
            "round.json: the policy counts in EUR, the price round in USD",
        ),
        (
            "round.json",
            {"prices": without(PRICES, "ETH")},
            "round.json: the price round has no price of ETH",
        ),
        (
            "round.json",
            {"prices": {**PRICES, "ETH": "0"}},
            "round.json: prices.ETH: expected a decimal above 0",
        ),
        (
            "round.json",
            {"format": "zkcollateral/registry/1"},
            "round.json: format: expected 'zkcollateral/price-round/1'",
        ),
    ],
)
def test_files_that_do_not_fit(run: Run, file: str, change: dict[str, Any], message: str) -> None:
    path = Path(file)
    value = load(path)
    secret = file.endswith("portfolio.json")
    write(path, {**value.get("round", value), **change}, 0o600 if secret else 0o644)
    outcome = run(REPORT)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.line.startswith(message)


def test_the_portfolio_is_for_its_owner_only(run: Run) -> None:
    Path("one.portfolio.json").chmod(0o644)
    assert "chmod 600" in run(REPORT).line


def test_a_slot_that_is_not_priced_is_named(run: Run) -> None:
    portfolio = load(Path("poor.portfolio.json"))
    held = {**portfolio["collateral"], "DUST": "12.5"}
    write(Path("poor.portfolio.json"), {**portfolio, "collateral": held}, 0o600)
    assert any(asset["symbol"] == "DUST" for asset in REGISTRY["assets"])
    text = run(POOR).out
    assert cells(text, "misplaced")[1] == "DUST (collateral)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(5, 4), "1.25"),
        (Fraction(4, 3), "4/3"),
        (Fraction(-7), "-7"),
        (Fraction(1, 2**41), f"1/{2**41}"),
        ("infinite", "infinite"),
        (None, "none"),
    ],
)
def test_numbers_in_full(value: Any, text: str) -> None:
    assert exact(value) == text
    if isinstance(value, Fraction):
        assert Fraction(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("64000.5", "64,000.50"),
        ("1", "1.00"),
        ("0", "0"),
        ("0.00001234567891", "0.000012345679"),
        ("0.1", "0.10"),
        ("123456789.987", "123,456,789.99"),
        ("3001.25", "3,001.25"),
        ("99999.9999", "100,000.00"),
    ],
)
def test_prices_have_about_eight_digits(value: str, text: str) -> None:
    assert price_text(Fraction(value)) == text


@pytest.mark.parametrize(
    ("value", "up", "text"),
    [
        (Fraction(-1, 1000), False, "-0.01"),
        (Fraction(-1, 1000), True, "0.00"),
        (Fraction(99999, 100000), False, "0.99"),
        (Fraction(100001, 100000), True, "1.01"),
        (Fraction(1234567), False, "1,234,567.00"),
    ],
)
def test_rounding_never_makes_an_account_look_better(value: Fraction, up: bool, text: str) -> None:
    assert decimal(value, up=up) == text

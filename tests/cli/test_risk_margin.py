"""`zkcollateral risk margin`: what it says, draws, refuses and keeps secret."""

from __future__ import annotations

import re
import stat
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from tests.cli.market import Run, load, write
from tests.risk.margin import margin_books as books
from zkcollateral.cli.app import EXAMPLES

DOCUMENTS = "--registry r.json --policy m.policy.json --prices m.round.json"
LINE = f"risk margin a.json {DOCUMENTS}"
BOTH = f"risk margin a.json b.json {DOCUMENTS}"


@pytest.fixture(autouse=True)
def _documents(folder: Path) -> None:
    write(folder / "r.json", books.REGISTRY)
    write(folder / "m.policy.json", books.policy_json())
    write(folder / "m.round.json", books.ROUND)
    write(folder / "a.json", books.BOOK, 0o600)
    write(folder / "b.json", books.OTHER, 0o600)


def says(out: str, what: str, value: str) -> bool:
    """Whether a table has this row."""
    return re.search(rf"^{re.escape(what)} +{re.escape(value)}$", out, re.MULTILINE) is not None


def test_a_perpetual_by_hand(run: Run, folder: Path) -> None:
    signed = {"BTC-PERP": "2", "USDC": "50000"}
    write(folder / "a.json", books.BOOK | {"collateral": {}, "signed": signed}, 0o600)
    outcome = run(LINE)
    assert outcome.status == 0
    # 2 · 64,000 · 16% + a roll of 1% of 128,000 + (128,000 − 100,000) · 1%.
    for what, value in (
        ("equity", "50,000.00 USD"),
        ("requirement, initial", "22,040.00 USD"),
        ("above initial", "27,960.00 USD"),
        ("positions one by one", "22,040.00 USD"),
        ("above claim kept", "32,368.00 USD (at 80.00% of the requirement)"),
        ("claim kept", "passed"),
        ("BTC-PERP", "perpetual  2      0      0             0"),
    ):
        assert says(outcome.out, what, value), what
    assert "price -4/4 of the range, volatility up" in outcome.out
    assert "-20,480.00 *" in outcome.out
    assert "on ETH by scenario" not in outcome.out
    assert "Each venue alone" not in outcome.out
    assert "as secret as the portfolio" in outcome.out


def test_two_venues(run: Run) -> None:
    outcome = run(BOTH)
    assert outcome.status == 0
    assert "Margin of desk-1, desk-2 under portfolio-margin" in outcome.out
    for text in ("venues one by one", "less for netting across venues", "Each venue alone"):
        assert text in outcome.out
    assert re.search(r"^ETH-BASKET +listed +1 +unknown +unknown +unknown$", outcome.out, re.M)
    assert re.search(r"^BTC \(owed\) +BTC +0\.1 ", outcome.out, re.M)


def test_no_portfolio_counts_twice(run: Run, folder: Path) -> None:
    (folder / "c.json").symlink_to("a.json")
    for again in ("a.json", "c.json"):
        refused = run(f"risk margin a.json b.json {again} {DOCUMENTS}")
        assert (refused.status, refused.out) == (2, "")
        assert refused.line == f"{again}: expected every portfolio once, got it again"


def test_json(run: Run) -> None:
    value = run(f"{BOTH} --json").json
    alone = [run(f"risk margin {name}.json {DOCUMENTS} --json").json for name in "ab"]
    assert value["accounts"] == ["desk-1", "desk-2"]
    assert [venue["requirement"] for venue in value["venues"]] == [
        each["requirement"] for each in alone
    ]
    total = sum(Fraction(each["requirement"]) for each in alone)
    assert Fraction(value["venues_alone"]) == total
    assert Fraction(value["netting_benefit"]) == total - Fraction(value["requirement"]) > 0
    names = [each["name"] for each in value["underlyings"][0]["scenarios"]]
    assert value["underlyings"][0]["worst"] in names
    assert isinstance(value["greeks"][0]["delta_float"], float)
    assert value["plot"] is None


def test_one_claim(run: Run) -> None:
    assert [each["name"] for each in run(f"{LINE} --json").json["claims"]] == ["initial", "kept"]
    value = run(f"{LINE} --claim kept --json").json
    assert [(each["name"], each["factor"]) for each in value["claims"]] == [("kept", "0.8")]


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_picture(run: Run, folder: Path, kind: str) -> None:
    pytest.importorskip("matplotlib")
    outcome = run(f"{BOTH} --plot m.{kind}")
    assert f"m.{kind}: the picture, secret" in outcome.out
    data = (folder / f"m.{kind}").read_bytes()
    assert data.startswith(b"\x89PNG" if kind == "png" else b"<?xml")
    assert stat.S_IMODE((folder / f"m.{kind}").stat().st_mode) == 0o600
    assert "an existing file" in run(f"{BOTH} --plot m.{kind}").line
    assert run(f"{BOTH} --plot m.{kind} --force --json").json["plot"] == f"m.{kind}"


def test_nothing_to_draw(run: Run, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    write(folder / "a.json", books.BOOK | {"collateral": {}, "signed": {"USDC": "5"}}, 0o600)
    outcome = run(f"{LINE} --plot m.png")
    assert outcome.status == 0
    assert "m.png: no picture, nothing is held" in outcome.out
    assert not (folder / "m.png").exists()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("--claim plain", "--claim: expected a claim of portfolio margin, got 'plain', of"),
        ("--claim that", "m.policy.json: claims: expected a claim of the name 'that'"),
        ("--plot m.pdf", "--plot: expected a name that ends in .png or .svg"),
        ("--plot b.png", "b.png: expected another file than those that are read"),
    ],
)
def test_what_it_refuses(run: Run, folder: Path, options: str, problem: str) -> None:
    (folder / "b.json").rename(folder / "b.png")
    refused = run(f"risk margin a.json b.png {DOCUMENTS} {options} --force")
    assert refused.status == 2
    assert refused.out == ""
    assert refused.line.startswith(problem)
    assert load(folder / "b.png") == books.OTHER


@pytest.mark.parametrize("file", ["a.json", "b.json", "r.json", "m.policy.json", "m.round.json"])
def test_files_that_cannot_be_read(run: Run, folder: Path, file: str) -> None:
    (folder / file).write_text('{"a": 1}')
    refused = run(BOTH)
    assert refused.status == 2
    assert refused.line.startswith(file)


def test_portfolios_that_do_not_fit(run: Run, folder: Path) -> None:
    write(folder / "b.json", books.OTHER | {"collateral": {"DOGE": "1"}}, 0o600)
    assert run(BOTH).line.startswith("b.json: collateral.DOGE: expected an asset of the registry")
    (folder / "b.json").chmod(0o644)
    assert "chmod 600 b.json" in run(BOTH).line


def test_rounds_and_policies_that_do_not_fit(run: Run, folder: Path) -> None:
    write(folder / "m.round.json", books.ROUND | {"time": "2026-03-27T08:00:00Z"})
    refused = run(LINE)
    assert refused.line.startswith("m.round.json: instrument BTC-C70 expired at 2026-03-27")
    figures = {
        name: figure for name, figure in books.ROUND["figures"].items() if "P3000" not in name
    }
    write(folder / "m.round.json", books.ROUND | {"figures": figures})
    assert "ETH-P3000-IV" in run(LINE).line
    line = "risk margin one.portfolio.json --registry registry.json --policy policy.json"
    refused = run(f"{line} --prices round.json")
    assert refused.line == "policy.json: margin: expected the terms of portfolio margin, got none"


def test_without_scipy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    refused = run(LINE)
    assert refused.status == 2
    assert refused.line.startswith("risk margin: expected scipy to be installed (pip install")


def test_the_example_of_the_help(run: Run, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    for old, new in (
        ("a.json", "venue-1.json"),
        ("b.json", "venue-2.json"),
        ("r.json", "registry.json"),
        ("m.policy.json", "policy.json"),
        ("m.round.json", "round.json"),
    ):
        write(folder / new, load(folder / old), 0o600)
    line = " ".join(" ".join(EXAMPLES["risk margin"]).split()).removeprefix("zkcollateral ")
    assert run(line).status == 0

"""What docs/risk.md says can be run is run, and what it names exists."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from zkcollateral.risk.fixed_point import RAY, WAD
from zkcollateral.risk.presets import (
    aave_policy,
    binance_policy,
    compound_policy,
    dydx_policy,
    hyperliquid_policy,
    liquity_policy,
    maker_policy,
    morpho_policy,
)
from zkcollateral.risk.presets.aave_market import AaveMarket, AaveReserve
from zkcollateral.risk.presets.compound_market import CometAsset, CometMarket
from zkcollateral.risk.presets.dydx_v4 import LiquidityTier
from zkcollateral.risk.presets.liquity_v2_branch import WETH_BRANCH

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "risk.md").read_text(encoding="utf-8")
PRESETS = "zkcollateral.risk.presets"


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def section(number: str) -> str:
    """The text of one section, such as "7" or "7.13", with those below it."""
    level = "##" if "." not in number else "###"
    mark = f"{level} {number}." if level == "##" else f"{level} {number} "
    start = PAGE.index(f"\n{mark}") + 1
    ends = [PAGE.find(f"\n{'#' * depth} ", start) for depth in range(2, len(level) + 1)]
    return PAGE[start : min(end for end in [*ends, len(PAGE)] if end > 0)]


def rows(number: str) -> list[list[str]]:
    """The cells of every table row of a section, without headings."""
    found = []
    for line in section(number).splitlines():
        if line.startswith("| ") and not line.startswith("|---"):
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def names(package: str) -> set[str]:
    """The modules of a package."""
    folder = Path(str(importlib.import_module(package).__file__)).parent
    return {path.stem for path in folder.glob("*.py")} - {"__init__"}


def plain(text: str) -> str:
    return " ".join(text.split())


def test_the_commands_and_the_examples_run(tmp_path: Path) -> None:
    folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": folder + os.pathsep + os.environ["PATH"]}
    shell, python = blocks("sh"), blocks("python")
    for command in ("report", "liquidation", "replay", "stress"):
        assert f"zkcollateral risk {command}" in "".join(shell)
    assert len(python) >= 7
    for command in (
        ["bash", "-euo", "pipefail", "-c", "\n".join(shell)],
        [sys.executable, "-P", "-W", "error", "-c", "\n".join(python)],
    ):
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_every_example_checks_something(number: int) -> None:
    tree = ast.parse(blocks("python")[number])
    assert any(isinstance(node, ast.Assert) for node in ast.walk(tree))


def test_every_preset_is_in_the_table_and_exists() -> None:
    helpers = {"provable", "units", "uint256", "rational", "margin_ladder", "perpetual_slots"}
    listed: list[str] = []
    for cells in rows("7")[1:]:
        if len(cells) == 4 and "`" in cells[3] and "`" in cells[1]:
            listed += re.findall(r"`(\w+)`", cells[3])
    assert len(listed) == len(set(listed))
    policies = {name for name in names(PRESETS) if name.endswith("_policy")}
    assert set(listed) == names(PRESETS) - helpers - policies
    for helper in helpers:
        assert f"`{helper}`" in section("7") or f"{helper}.py" in section("7"), helper


@pytest.mark.parametrize(
    ("versions", "module"),
    [
        (re.findall(r"`([^`]+)`", cells[1]), re.findall(r"`(\w+)`", cells[3])[0])
        for cells in rows("7")
        if len(cells) == 4 and re.fullmatch(r"(`\w+`(, )?)+", cells[3])
    ],
)
def test_the_version_followed_is_that_of_the_module(versions: list[str], module: str) -> None:
    said = plain(str(importlib.import_module(f"{PRESETS}.{module}").__doc__))
    assert versions
    for version in versions:
        assert version in said, f"{module} does not follow {version}"


def test_every_policy_of_a_preset_is_in_the_table_and_exists() -> None:
    listed = set()
    for cells in rows("7.13"):
        for module, function in re.findall(r"`(\w+_policy)\.(\w+)`", cells[0]):
            assert callable(getattr(importlib.import_module(f"{PRESETS}.{module}"), function))
            listed.add(module)
    assert listed == {name for name in names(PRESETS) if name.endswith("_policy")}


def test_the_dust_is_what_is_stated() -> None:
    def said(rule: str) -> str:
        (cells,) = [cells for cells in rows("7.13") if cells[0].startswith(f"`{rule}`")]
        return cells[2]

    step = Fraction(1, 10**8)
    reserves = tuple(AaveReserve(f"A{i}", 18, 10, 9_000, 10_100) for i in range(128))
    aave = aave_policy.aave_rule(AaveMarket(reserves)).dust
    assert aave == (Fraction(9, 10) * 128 + 128) * step <= 256 * step
    assert "at most 256 · 10^-8" in said("aave_policy.aave_rule")
    assets = tuple(CometAsset(f"C{i}", 18, 10**17, 10**18, 10**18) for i in range(24))
    compound = compound_policy.compound_rule(CometMarket("USDC", 6, assets)).dust
    assert compound == 48 * step
    assert "at most 48 · 10^-8" in said("compound_policy.compound_rule")
    maker = maker_policy.maker_rule("ETH", 15 * RAY // 10, WAD).dust
    assert maker == Fraction(2**69 * 25, 10 * RAY)
    assert Fraction(14, 10**7) < maker < Fraction(15, 10**7)
    assert said("maker_policy.maker_rule").startswith("2^69 · par · (1 + mat) · 10^-27")
    tokens = morpho_policy.MorphoTokens("WETH", 18, "USDC", 6)
    assert morpho_policy.morpho_rule(tokens, WAD // 2).dust == Fraction(1, 10**6)
    assert "one smallest unit" in said("morpho_policy.morpho_rule")
    assert liquity_policy.liquity_rule("ETH", WETH_BRANCH).dust == 0
    assert hyperliquid_policy.hyperliquid_rule({}).dust == 0
    for rule in ("liquity_policy.liquity_rule", "hyperliquid_policy.hyperliquid_rule"):
        assert said(rule).startswith("0: ")
    tiers = {name: LiquidityTier(50_000, 600_000) for name in ("BTC-USD", "ETH-USD")}
    assert dydx_policy.dydx_rule(tiers).dust == 2 * Fraction(3, 10**6)
    assert said("dydx_policy.dydx_rule") == "3 · 10^-6 for each perpetual"
    assert binance_policy.classic_margin_rule(["BTC"]).dust == step
    assert said("binance_policy.futures_rule").startswith("10^-8: ")


@pytest.mark.parametrize(
    ("number", "package"),
    [
        ("5", "oracles"),
        ("6", "liquidation"),
        ("9", "margin"),
        ("9", "options"),
        ("10", "volatility"),
        ("11", "wrapped"),
        ("12", "breach"),
        ("13", "system"),
        ("14", "hedging"),
        ("15", "replay"),
    ],
)
def test_every_rule_is_in_its_section(number: str, package: str) -> None:
    inner = {"checks", "outcome", "report_json"}
    for module in names(f"zkcollateral.risk.{package}") - inner:
        assert re.search(rf"`{module}[`.]|/{module}\.py", section(number)), module


def test_the_modules_it_names_exist() -> None:
    for path in re.findall(r"`((?:risk|circuits|oracles|zkcollateral)/[\w/]+\.py)`", PAGE):
        inside = f"risk/{path}" if path.startswith("oracles/") else path
        module = inside.removeprefix("zkcollateral/").removesuffix(".py").replace("/", ".")
        importlib.import_module(f"zkcollateral.{module}")


@pytest.mark.parametrize(
    "command",
    ["report", "liquidation", "margin", "stress", "breach", "cascade", "hedge", "replay"],
)
def test_a_command_has_the_options_that_are_shown(command: str) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "zkcollateral", "risk", command, "--help"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    ).stdout
    shown = rf"^    zkcollateral risk {command} [^\n]*\n.*?\n\n"
    (usage,) = re.findall(shown, PAGE, re.DOTALL | re.MULTILINE)
    options = set(re.findall(r"--[a-z-]+", usage))
    assert options == set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", said, re.MULTILINE)) - {"--help"}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        page, _, anchor = target.partition("#")
        text = PAGE if not page else (ROOT / "docs" / page).read_text(encoding="utf-8")
        anchors = {
            re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
            for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        }
        assert not anchor or anchor in anchors, target

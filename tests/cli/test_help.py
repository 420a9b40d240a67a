"""Help texts: every command has an example that works, every option a line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.market import LIQUIDATION, PORTFOLIO, REGISTRY, Run, policy, report, write
from zkcollateral.cli.app import EXAMPLES
from zkcollateral.cli.keys import RoleName
from zkcollateral.cli.options import ArithmeticName
from zkcollateral.crypto.keyfile import ROLES
from zkcollateral.crypto.select import arithmetic
from zkcollateral.risk.replay.synthetic import SyntheticMarket, candles_csv, synthetic_candles

COMMANDS = [*EXAMPLES]


def example(command: str) -> str:
    """The command line that the help shows."""
    return " ".join(" ".join(EXAMPLES[command]).split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_its_example(run: Run, command: str) -> None:
    outcome = run(f"{command} --help")
    assert outcome.status == 0
    assert outcome.err == ""
    assert "Example:" in outcome.out
    for line in EXAMPLES[command]:
        assert line in outcome.out


@pytest.mark.parametrize(
    "command", [*COMMANDS, "prices", "risk", "audit", "log", "api-key", "db", ""]
)
def test_every_option_takes_one_line(
    run: Run, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    text = run(f"{command} --help").out
    options = text.partition("Options:\n")[2].partition("\n\n")[0].splitlines()
    assert options
    for line in options:
        assert line.startswith(("  --", "  -h")), line
        assert "  " in line.strip(), line


def test_help_lists_every_command_in_full(run: Run) -> None:
    text = run("--help").out
    for command in COMMANDS:
        assert f"  {command.split()[0]} " in text
    assert "..." not in text.partition("Commands:")[2]


def test_examples_work_one_after_the_other(
    run: Run, folder: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del template
    empty = folder / "empty"
    (empty / "keys").mkdir(parents=True)
    monkeypatch.chdir(empty)
    monkeypatch.setenv("ZKCOLLATERAL_PASSPHRASE", "for the example")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///example.db")
    write(empty / "registry.json", REGISTRY)
    write(empty / "policy.json", policy(liquidation=LIQUIDATION))
    for name in ("portfolio", "books"):
        write(empty / f"{name}.json", PORTFOLIO, 0o600)
    candles = synthetic_candles({"BTCUSDT": "64000"}, market=SyntheticMarket(days=20))
    (empty / "BTCUSDT.csv").write_text(candles_csv(candles["BTCUSDT"]), encoding="utf-8")
    assert run(example("keygen").removeprefix("zkcollateral ")).status == 0
    for oracle in ("oracle-a", "oracle-b"):
        assert run(f"keygen oracle --out keys/{oracle}").status == 0
    write(empty / "report.json", report("oracle-b"))
    assert run("prices sign report.json --key keys/oracle-b.key --out signed-b.json").status == 0
    write(empty / "report.json", report("oracle-a"))
    order = (
        *("commit", "vouch", "trust", "prices sign", "prices combine", "prove", "verify"),
        *(
            "inspect",
            "risk report",
            "risk liquidation",
            "risk breach",
            "risk cascade",
            "risk hedge",
        ),
        *("risk replay", "risk stress", "digest"),
        *("api-key create", "api-key list"),
    )
    # The id of its example is nobody's: tests/cli/test_api_key.py.
    revoking = "api-key revoke"
    # tests/cli/test_service_examples.py has a service for them.
    of_service = {"submit", "audit open", "audit answer", "audit list", "log verify", "watch"}
    # tests/cli/test_db.py has a database for them.
    of_service |= {"db check", "db backup", "db restore", "db upgrade"}
    # tests/cli/test_risk_margin.py has a margin model for it.
    of_margin = "risk margin"
    # It never ends by itself: tests/cli/test_serve.py.
    serving = "serve"
    assert {*order, "keygen", "demo", revoking, of_margin, serving, *of_service} == set(COMMANDS)
    for command in order:
        outcome = run(example(command).removeprefix("zkcollateral "))
        assert outcome.status == 0, outcome.err
    shutil.rmtree(empty)


def test_choices_are_those_of_the_library() -> None:
    assert tuple(role.value for role in RoleName) == ROLES
    assert {name.value for name in ArithmeticName} == {"native", "reference"}
    assert arithmetic("reference").name == ArithmeticName.reference.value

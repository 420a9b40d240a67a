"""`zkcollateral db`: the database of this service, checked, copied, restored, upgraded."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from tests.api.asking import submit
from tests.api.running import Market, running, settings
from tests.cli.market import Outcome
from zkcollateral.api.access import create_api_key
from zkcollateral.api.app import open_store
from zkcollateral.api.settings import Settings
from zkcollateral.api.store.store import Store
from zkcollateral.api.store.tables import SignedCheckpoint
from zkcollateral.cli.runner import run as run_command


class Cli:
    """Runs command lines and reads what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, line: str) -> Outcome:
        self._capsys.readouterr()
        status = run_command(["db", *line.split()])
        out, err = self._capsys.readouterr()
        return Outcome(status, out, err)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    for name in os.environ:
        if name.startswith("ZKCOLLATERAL_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///one.db")
    return Cli(capsys)


@pytest.fixture
def store(cli: Cli) -> Iterator[Store]:
    """The store of the service, with an API key in it."""
    made = open_store(Settings.load())
    with made.write() as writer:
        create_api_key(writer.session, "north", ["prover"], None)
    yield made
    made.engine.dispose()


def checkpoints(store: Store) -> list[str]:
    with store.read() as session:
        return [*session.scalars(select(SignedCheckpoint.note).order_by(SignedCheckpoint.size))]


def test_a_sound_database_is_told_in_a_table_and_for_programs(cli: Cli, store: Store) -> None:
    outcome = cli("check")
    assert (outcome.status, outcome.err) == (0, "")
    assert "passed" in outcome.out
    assert "failed" not in outcome.out
    assert outcome.out.splitlines()[-1].startswith("sound: a log of 1 entries, root ")
    value = json.loads(cli("check --json").out)
    assert (value["sound"], value["size"]) == (True, 1)
    assert {each["name"] for each in value["checks"]} >= {"log", "tiles", "attestations", "events"}


def test_what_is_found_is_told_and_ends_with_1(cli: Cli, store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE trusted_keys SET name = 'somebody-else'"))
    outcome = cli("check")
    assert outcome.status == 1
    assert "trust" in outcome.out
    assert outcome.out.splitlines()[-1].startswith("NOT SOUND")
    value = json.loads(cli("check --json").out)
    failed = {each["name"]: each for each in value["checks"] if not each["passed"]}
    assert failed["trust"]["wrong"] == 1
    assert failed["trust"]["reasons"]


def test_proofs_are_verified_if_asked(tmp_path: Path, cli: Cli) -> None:
    with running(settings(tmp_path, "sqlite:///one.db", log_key=Path("other.key"))) as service:
        assert submit(service, Market.at_service(service).attestation()).status_code == 201
    value = json.loads(cli("check --proofs --json").out)
    assert value["sound"], value
    assert [each["examined"] for each in value["checks"] if each["name"] == "proofs"] == [1]


def test_the_key_beside_the_database_has_to_be_the_logs(cli: Cli, store: Store) -> None:
    public = Path("zkcollateral-log.pub")
    value = json.loads(public.read_text())
    assert run_command(["keygen", "log", "--out", "other", "--name", value["name"]]) == 0
    public.write_text(Path("other.pub").read_text())
    outcome = cli("check --json")
    assert outcome.status == 1
    public.unlink()
    assert cli("check").status == 0


def test_the_way_from_one_database_to_the_other(
    cli: Cli, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("checkpoint").write_text(checkpoints(store)[-1])
    outcome = cli("backup service.backup")
    assert (outcome.status, outcome.err) == (0, "")
    assert stat.S_IMODE(Path("service.backup").stat().st_mode) == 0o600
    assert "does not have the log's secret key" in outcome.out
    assert "secrets of webhooks" in outcome.out
    again = cli("backup service.backup")
    assert again.status == 2
    assert "an existing file" in again.err
    assert cli("backup service.backup --force --json").status == 0
    monkeypatch.setenv("DATABASE_URL", "sqlite:///two.db")
    restored = cli("restore service.backup --kept checkpoint")
    assert restored.status == 0, restored.err
    assert restored.out.splitlines()[-1] == "restored: 7 rows, a log of 1 entries"
    assert cli("check --kept checkpoint").status == 0
    assert "an empty one" in cli("restore service.backup").err


def test_an_older_log_than_was_kept_is_not_restored(
    cli: Cli, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("backup old.backup")
    with running(settings(Path.cwd(), "sqlite:///one.db", log_key="zkcollateral-log.key")) as now:
        Market.at_service(now)
    Path("checkpoint").write_text(checkpoints(store)[-1])
    monkeypatch.setenv("DATABASE_URL", "sqlite:///two.db")
    outcome = cli("restore old.backup --kept checkpoint")
    assert outcome.status == 1
    assert "kept checkpoint" in outcome.out
    assert json.loads(cli("restore old.backup --kept checkpoint --json").out)["restored"] is False
    without = cli("restore old.backup")
    assert without.status == 0
    assert "no --kept checkpoint" in without.out


def test_upgrading_makes_the_tables_and_then_changes_nothing(cli: Cli) -> None:
    assert "they were not there" in cli("upgrade").out
    value = json.loads(cli("upgrade --json").out)
    assert value["before"] == value["after"]


@pytest.mark.parametrize("line", ["check", "backup service.backup"])
def test_a_database_that_is_not_there_is_not_made(cli: Cli, line: str) -> None:
    outcome = cli(line)
    assert outcome.status == 2
    assert "no file one.db" in outcome.err
    assert not Path("one.db").exists()
    assert not Path("service.backup").exists()


@pytest.mark.parametrize("line", ["check", "backup service.backup"])
def test_a_database_without_tables_is_unusable(cli: Cli, line: str) -> None:
    Path("one.db").touch()
    outcome = cli(line)
    assert outcome.status == 2
    assert "the tables of this release" in outcome.err


def test_a_server_that_does_not_answer_is_told_without_its_password(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql+psycopg://somebody:s3cret@/nowhere?host=/nonexistent"
    monkeypatch.setenv("DATABASE_URL", url)
    for line in ("check", "backup file", "restore file", "upgrade"):
        outcome = cli(line)
        assert outcome.status == 2
        assert "s3cret" not in outcome.out + outcome.err

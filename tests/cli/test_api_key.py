"""`zkcollateral api-key`: keys of this machine's service, without its HTTP interface."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from tests.cli.market import Outcome
from zkcollateral.api.access import SCOPES, caller_of
from zkcollateral.api.app import make_service
from zkcollateral.api.problems import Problem
from zkcollateral.api.settings import Settings
from zkcollateral.cli.api_key import ScopeName
from zkcollateral.cli.runner import run as run_command


class Cli:
    """Runs command lines and reads what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, line: str) -> Outcome:
        self._capsys.readouterr()
        status = run_command(["api-key", *line.split()])
        out, err = self._capsys.readouterr()
        return Outcome(status, out, err)


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    for name in os.environ:
        if name.startswith("ZKCOLLATERAL_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'keys.db'}")
    return Cli(capsys)


def created(cli: Cli, line: str) -> dict[str, str]:
    outcome = cli(f"create {line} --json")
    assert (outcome.status, outcome.err) == (0, "")
    value: dict[str, str] = json.loads(outcome.out)
    return value


def test_a_key_that_was_made_here_works_until_it_is_revoked(cli: Cli) -> None:
    made = created(cli, "--tenant north --scope oracle --scope prover --name north-oracle")
    service = make_service(Settings.load())
    try:
        caller = caller_of(service, made["key"])
        assert caller.tenant == "north"
        assert caller.scopes == {"oracle", "prover"}
        assert caller.name == "north-oracle"
        outcome = cli(f"revoke {made['id']}")
        assert outcome.status == 0
        assert outcome.out.startswith(f"API key {made['id']} of north (oracle, prover, speaks for")
        with pytest.raises(Problem, match="key-unknown"):
            caller_of(service, made["key"])
    finally:
        service.store.engine.dispose()
    assert cli(f"revoke {made['id']}").status == 0


def test_a_key_is_printed_once_and_kept_as_a_hash(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("create --tenant holder --scope prover")
    assert outcome.status == 0
    first, key = outcome.out.splitlines()
    assert first.endswith("of holder (prover); it is shown this once:")
    secret = key.split("_", 2)[2]
    assert len(secret) == 43
    listed, revoked = cli("list"), cli(f"revoke {key.split('_')[1]} --json")
    assert secret not in listed.out + listed.err + revoked.out + revoked.err
    assert "key" not in json.loads(revoked.out)
    data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in data
    assert secret.encode() not in data


def test_keys_are_listed(cli: Cli) -> None:
    assert json.loads(cli("list --json").out) == {"items": []}
    one = created(cli, "--tenant holder --scope prover")
    two = created(cli, "--tenant north --scope oracle --name north-oracle")
    cli(f"revoke {one['id']}")
    items = json.loads(cli("list --json").out)["items"]
    assert [item["id"] for item in items] == [two["id"], one["id"]]
    assert "revoked" in items[1]
    del two["key"]
    assert items[0] == two
    lines = cli("list").out.splitlines()
    assert lines[0].split() == ["id", "tenant", "scopes", "speaks", "for", "created", "revoked"]
    assert lines[2].split() == [
        two["id"],
        "north",
        "oracle",
        "north-oracle",
        items[0]["created"],
    ]
    assert lines[3].split()[-1] == items[1]["revoked"]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("create --tenant a|b --scope prover", "--tenant"),
        ("create --tenant a --scope root", "--scope"),
        ("create --tenant a --scope prover --scope prover", "--scope"),
        ("create --tenant a", "--scope"),
        ("create --scope prover", "--tenant"),
        ("create --tenant a --scope oracle", "--name"),
        ("create --tenant a --scope prover --name north", "--name"),
        ("create --tenant a --scope oracle --name no/../slash,", "--name"),
        ("revoke 0123456789abcdef", "ID"),
        ("revoke ../../etc", "ID"),
    ],
)
def test_what_cannot_be_used(line: str, named: str, cli: Cli) -> None:
    outcome = cli(line)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")
    assert len(outcome.err.splitlines()) == 1
    assert named in outcome.err
    assert json.loads(cli("list --json").out) == {"items": []}


def test_settings_are_those_of_the_service(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "oracle://x:hidden-password@db/keys")
    outcome = cli("list")
    assert outcome.status == 2
    assert "DATABASE_URL" in outcome.err
    assert "hidden-password" not in outcome.err
    # Nobody listens there.
    url = "postgresql+psycopg://me:hidden-password@127.0.0.1:1/keys"
    monkeypatch.setenv("DATABASE_URL", url)
    outcome = cli("list")
    assert outcome.status == 2
    assert (
        outcome.err
        == "error: DATABASE_URL: expected a database that answers, got OperationalError\n"
    )


def test_scopes_are_those_of_the_service() -> None:
    assert tuple(scope.value for scope in ScopeName) == SCOPES


def test_no_log_key_is_made(cli: Cli, tmp_path: Path) -> None:
    """Guards: one made in another folder than the service's would be trusted beside its own."""
    assert cli("create --tenant ops --scope admin").status == 0
    assert not list(tmp_path.glob("*.key"))

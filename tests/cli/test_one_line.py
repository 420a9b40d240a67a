"""Whatever goes wrong is one line: usage, surprises, and every error of the tree."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.market import INSPECT, PROVE, Run
from zkcollateral.errors import InputError, ZkCollateralError


def failing(error: Exception) -> Callable[..., None]:
    """A function that raises this error, whatever it is called with."""

    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("bogus", "No such command 'bogus'"),
        ("prove", "Missing option '--opening'"),
        ("verify", "Missing argument"),
        ("verify a.json --trust t.json --bogus", "No such option: --bogus"),
        ("keygen king --out x", "Invalid value for"),
        ("--arithmetic abacus digest policy.json", "Invalid value for"),
        (f"{PROVE} --expires-in soon --out a.json", "Invalid value for"),
        ("prices", "Missing command"),
    ],
)
def test_usage_errors_are_one_line_too(run: Run, line: str, problem: str) -> None:
    outcome = run(line)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.line.startswith(problem)
    assert "--help)" in outcome.line


def test_an_arithmetic_that_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKCOLLATERAL_ARITHMETIC", "abacus")
    outcome = run(INSPECT)
    assert outcome.status == 2
    assert outcome.line == "ZKCOLLATERAL_ARITHMETIC: expected native or reference, got 'abacus'"


def test_file_names_cannot_write_to_the_terminal(run: Run) -> None:
    outcome = run("digest", "a\x1b[31m\nb.json")
    assert outcome.status == 2
    assert outcome.line.startswith(r"a\x1b[31m\nb.json: expected a file")


def test_file_names_that_are_no_text(run: Run, folder: Path) -> None:
    name = os.fsdecode(b"r\xff.json")
    (folder / name).write_bytes((folder / "registry.json").read_bytes())
    assert run("digest --json", name).status == 0
    assert run("digest", os.fsdecode(b"\xfe.json")).status == 2


def test_what_was_not_foreseen_tells_its_type_only(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = failing(RuntimeError("7.31415926 BTC"))
    monkeypatch.setattr("zkcollateral.prover.attestation.attest", fail)
    outcome = run(f"{PROVE} --out a.json")
    assert outcome.status == 2
    assert outcome.line == "internal error: RuntimeError (ZKCOLLATERAL_DEBUG=1 shows where)"


def test_debugging_shows_where(folder: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setenv("ZKCOLLATERAL_DEBUG", "1")
    fail = failing(RuntimeError("somewhere"))
    monkeypatch.setattr("zkcollateral.prover.attestation.attest", fail)
    outcome = run(f"{PROVE} --out a.json")
    assert outcome.status == 2
    assert 'File "' in outcome.err
    assert "somewhere" not in outcome.err


def test_every_error_of_the_tree_becomes_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending: list[type[ZkCollateralError]] = [ZkCollateralError]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if not kind.__module__.startswith("zkcollateral.errors"):
            continue
        arguments = ("here", "this", "that") if issubclass(kind, InputError) else ("text",)
        monkeypatch.setattr("zkcollateral.prover.attestation.attest", failing(kind(*arguments)))
        outcome = run(f"{PROVE} --out a.json")
        assert outcome.status == (1 if kind.__name__ == "ClaimNotSatisfied" else 2)
        assert outcome.line

"""`watch`: a new proof on every price round, within the round's time, across lost connections."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import Outcome, Run, load, policy, write
from tests.cli.service import Served, served, short_lived
from tests.client.hostile import drop, hostile, problem, reply
from tests.client.proxy import proxy
from zkcollateral.cli import watch as watch_module
from zkcollateral.errors import ZkCollateralError
from zkcollateral.risk.clock import format_time, now

LENDER = "--audience lender-7"
WATCH = (
    "watch --policy policy.json --claim maintenance --trust trust.json "
    f"--api-key-file holder-prover.api-key {LENDER}"
)
ONE = "--opening one.opening.json --commitment one.vouched.json"
POOR = "--opening poor.opening.json --commitment poor.vouched.json"


@pytest.fixture
def run(run: Run) -> Run:
    """Runs commands that end by themselves, even where no round comes."""

    def bounded(line: str, *more: str) -> Outcome:
        if "--until" in line:
            return run(line, *more)
        return run(line, *more, "--until", format_time(now() + timedelta(seconds=40)))

    return bounded


@pytest.fixture
def market(service: Served) -> Served:
    """The service, and a key for the holder."""
    service.key_file("prover")
    return service


def some_key(folder: Path) -> None:
    """A file with an API key that no service knows."""
    path = folder / "holder-prover.api-key"
    path.write_text("zkc_none\n", encoding="utf-8")
    path.chmod(0o600)


def lines(text: str) -> list[dict[str, Any]]:
    """What `watch --json` printed."""
    return [json.loads(line) for line in text.splitlines()]


class Meanwhile(threading.Thread):
    """Does something while a command runs, and raises in the end what went wrong."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self.act = act
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.act()
        except (AssertionError, OSError, ZkCollateralError) as error:
            self.error = error

    def finish(self) -> None:
        self.join(60)
        if self.error is not None:
            raise self.error


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it holds, for at most 20 s."""
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.02)


def accepted(market: Served) -> list[str]:
    """The rounds of the attestations that the service accepted, the oldest first."""
    with market.client("auditor") as client:
        return [each.round for each in client.attestations.list()][::-1]


def test_once_takes_the_newest_round(market: Served, run: Run) -> None:
    digest = market.round()
    done = run(f"{WATCH} {ONE} --once --json")
    assert done.status == 0
    (line,) = lines(done.out)
    assert (line["round"], line["outcome"]) == (digest, "accepted")
    assert line["seconds"] > 0
    assert accepted(market) == [digest]
    again = run(f"{WATCH} {ONE} --once")
    assert again.status == 0
    assert again.out.startswith(f"round {digest[:16]} of ")
    assert ": proved and accepted as " in again.out


def test_every_new_round_is_proved_on(market: Served, run: Run) -> None:
    rounds = [market.round()]

    def report() -> None:
        for price in ("64001", "64002"):
            wait_for(lambda: len(accepted(market)) >= len(rounds))
            # Times are whole seconds: two rounds of one second would be one age.
            time.sleep(1.1)
            rounds.append(market.round(price))

    meanwhile = Meanwhile(report)
    done = run(f"{WATCH} {ONE} --max-rounds 3 --json")
    meanwhile.finish()
    assert done.status == 0
    assert {line["outcome"] for line in lines(done.out)} == {"accepted"}
    # One oracle's report makes a round with the other's older one: there may be more than three.
    assert accepted(market)[0] == rounds[0]
    assert len(accepted(market)) == 3


def test_a_claim_that_is_not_satisfied_is_said_and_it_goes_on(market: Served, run: Run) -> None:
    market.round()
    poor = run(f"{WATCH} {POOR} --once")
    assert poor.status == 1
    assert poor.out.endswith(": the claim 'maintenance' is not satisfied\n")
    assert poor.err == ""
    assert accepted(market) == []

    def rise() -> None:
        time.sleep(1.1)
        market.round("96000")

    meanwhile = Meanwhile(rise)
    done = run(f"{WATCH} {POOR} --json --max-rounds 2")
    meanwhile.finish()
    assert [line["outcome"] for line in lines(done.out)] == ["unsatisfied", "accepted"]
    assert done.status == 0


def test_without_a_round_it_waits_for_one(market: Served, run: Run) -> None:
    def report() -> None:
        time.sleep(0.5)
        market.round()

    meanwhile = Meanwhile(report)
    done = run(f"{WATCH} {ONE} --once --json")
    meanwhile.finish()
    assert [line["outcome"] for line in lines(done.out)] == ["accepted"]
    idle = run(f"{WATCH} {ONE} --until {format_time(now())}")
    assert (idle.status, idle.out) == (0, "")


def test_a_round_that_is_too_old_is_passed_over(folder: Path, run: Run) -> None:
    short_lived(folder, 2)
    with served(folder) as market:
        market.key_file("prover")
        old = market.round()
        time.sleep(3)

        def report() -> None:
            time.sleep(0.5)
            market.round()

        meanwhile = Meanwhile(report)
        done = run(f"{WATCH} {ONE} --service {market.running.url} --once --json")
        meanwhile.finish()
    first, last = lines(done.out)
    assert (first["round"], first["outcome"]) == (old, "skipped")
    assert last["outcome"] == "accepted"
    assert done.status == 0


def test_what_is_proved_too_late_is_not_submitted(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_lived(folder, 2)
    prove = watch_module._Holder._prove

    def slowly(self: Any, signed: Any) -> Any:
        attestation = prove(self, signed)
        time.sleep(2.5)
        return attestation

    monkeypatch.setattr(watch_module._Holder, "_prove", slowly)
    with served(folder) as market:
        market.key_file("prover")
        market.round()
        end = format_time(now() + timedelta(seconds=3))
        done = run(f"{WATCH} {ONE} --service {market.running.url} --json --until {end}")
        assert lines(done.out)[0]["outcome"] == "skipped"
        assert accepted(market) == []


def test_it_goes_on_after_a_lost_connection(
    market: Served, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkcollateral.client.events.backoff", lambda *_, **__: 0.1)
    market.round()
    with proxy(market.running.url) as way:

        def cut() -> None:
            wait_for(lambda: len(accepted(market)) == 1)
            time.sleep(1.1)
            assert way.cut() > 0
            market.round("64001")

        meanwhile = Meanwhile(cut)
        done = run(f"{WATCH} {ONE} --max-rounds 2 --json --service {way.url}")
        meanwhile.finish()
    assert done.status == 0
    assert [line["outcome"] for line in lines(done.out)] == ["accepted"] * 2
    assert done.err == "the connection to the service broke; trying again\n"


def test_prices_of_untrusted_oracles_are_not_proved_on(
    market: Served, run: Run, folder: Path
) -> None:
    trust = load(folder / "trust.json")
    keys = [key for key in trust["keys"] if key["name"] != "oracle-b"]
    write(folder / "trust.json", trust | {"keys": keys})
    market.round()
    done = run(f"{WATCH} {ONE} --once --json")
    assert done.status == 1
    (line,) = lines(done.out)
    assert line["outcome"] == "failed"
    assert "price report" in line["detail"]
    assert accepted(market) == []


def test_a_policy_that_ones_own_trust_file_does_not_name(
    market: Served, run: Run, folder: Path
) -> None:
    write(folder / "policy.json", policy(name="prying"))
    refused = run(f"{WATCH} {ONE} --once")
    assert refused.status == 2
    assert refused.line.startswith("policy.json: expected a policy that trust.json names")


def test_a_refusal_is_said(market: Served, run: Run) -> None:
    market.round()
    done = run(f"{WATCH.replace(LENDER, '')} {ONE} --once --json")
    assert done.status == 1
    (line,) = lines(done.out)
    assert line["outcome"] == "refused"
    assert line["detail"].startswith("refused: audience-wrong: audience: ")


def test_files_are_read_anew_for_every_round(market: Served, run: Run, folder: Path) -> None:
    market.round()

    def lose() -> None:
        wait_for(lambda: len(accepted(market)) == 1)
        (folder / "one.vouched.json").unlink()
        time.sleep(1.1)
        market.round("64001")

    meanwhile = Meanwhile(lose)
    done = run(f"{WATCH} {ONE} --max-rounds 2 --json")
    meanwhile.finish()
    assert done.status == 1
    assert [line["outcome"] for line in lines(done.out)] == ["accepted", "failed"]


def test_a_key_that_does_not_count_ends_it(market: Served, run: Run) -> None:
    market.round()
    market.key_file("auditor")
    line = WATCH.replace("holder-prover", "holder-auditor")
    refused = run(f"{line} {ONE} --once")
    assert refused.status == 2
    assert "403 scope-missing" in refused.line


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, b"garbage\n\n", "text/event-stream"),
        reply(200, b"id: x\n\n", "text/event-stream"),
        reply(200, b"id: 1\nevent: round.new\ndata: {\n\n", "text/event-stream"),
        reply(200, b"{}"),
        reply(302, location="http://127.0.0.1:9/"),
        problem(404, "not-found"),
        drop,
    ],
)
def test_a_service_that_is_none(
    run: Run, folder: Path, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_key(folder)
    monkeypatch.setattr("zkcollateral.client.transport.time.sleep", lambda _: None)
    with hostile(answer, answer, problem(403, "scope-missing")) as server:
        outcome = run(f"{WATCH} {ONE} --service {server.url}")
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.splitlines()[-1].startswith("error: GET http://127.0.0.1:")


@pytest.mark.parametrize(
    ("more", "problem_"),
    [
        (f"{ONE} --max-rounds 0", "--max-rounds: expected at least 1"),
        (f"{ONE} --until tomorrow", "--until: expected a UTC time"),
        ("--opening one.opening.json --commitment two.vouched.json", "one.opening.json: account"),
        (f"{ONE} --claim nothing", "policy.json: claims: expected a claim"),
    ],
)
def test_what_cannot_be_used(run: Run, folder: Path, more: str, problem_: str) -> None:
    some_key(folder)
    refused = run(f"{WATCH} {more}")
    assert refused.status == 2
    assert refused.line.startswith(problem_)

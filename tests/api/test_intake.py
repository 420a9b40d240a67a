"""The queue of submissions: nobody who waits is forgotten, whatever happens to the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from zkcollateral.api.cases import Accepted, Case, Outcome
from zkcollateral.api.intake import MAX_BATCH, Intake, Submission
from zkcollateral.api.metrics import Metrics
from zkcollateral.api.problems import Problem

SECONDS = 10


class PanicError(BaseException):
    """What a panic of native code looks like: no Exception."""


class Decisions:
    """Stands for the acceptance: notes its batches, and does with them what a test wants."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.hold = threading.Event()
        self.entered = threading.Semaphore(0)
        self.rule: Callable[[list[str]], None] = lambda names: None
        self.hold.set()

    def accept(self, cases: Sequence[Case]) -> list[Outcome]:
        names = [case.id for case in cases]
        self.batches.append(names)
        self.entered.release()
        assert self.hold.wait(SECONDS)
        self.rule(names)
        return [Accepted(name, "accepted") for name in names]


def submission(name: str) -> Submission:
    attestation: Any = SimpleNamespace(identity=name)
    return Submission(attestation, b"{}", "holder")


@pytest.fixture
def decisions() -> Decisions:
    return Decisions()


@pytest.fixture
def intake(decisions: Decisions) -> Iterator[Intake]:
    acceptance: Any = decisions
    made = Intake(acceptance, Metrics(), MAX_BATCH + 10)
    made.start()
    yield made
    decisions.hold.set()
    made.stop()
    assert not made.running


def busy(decisions: Decisions, intake: Intake) -> Future[Outcome]:
    """Let it work on a first submission until `hold` is set."""
    decisions.hold.clear()
    first = intake.submit(submission("first"))
    assert decisions.entered.acquire(timeout=SECONDS)
    return first


def ids(futures: Sequence[Future[Outcome]]) -> list[str]:
    outcomes = [future.result(SECONDS) for future in futures]
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    return [outcome.id for outcome in outcomes if isinstance(outcome, Accepted)]


def problem(future: Future[Outcome]) -> str:
    error = future.exception(SECONDS)
    assert isinstance(error, Problem)
    return error.name


def test_what_waits_is_decided_together_and_answered_in_its_order(
    decisions: Decisions, intake: Intake
) -> None:
    first = busy(decisions, intake)
    waiting = [intake.submit(submission(str(number))) for number in range(MAX_BATCH + 5)]
    decisions.hold.set()
    assert ids([first, *waiting]) == ["first", *map(str, range(MAX_BATCH + 5))]
    assert [len(batch) for batch in decisions.batches] == [1, MAX_BATCH, 5]


def test_a_cancelled_submission_is_not_decided(decisions: Decisions, intake: Intake) -> None:
    busy(decisions, intake)
    gone, stays = intake.submit(submission("gone")), intake.submit(submission("stays"))
    assert gone.cancel()
    decisions.hold.set()
    assert ids([stays]) == ["stays"]
    assert decisions.batches == [["first"], ["stays"]]


def test_one_that_is_being_decided_cannot_be_cancelled(
    decisions: Decisions, intake: Intake
) -> None:
    first = busy(decisions, intake)
    assert not first.cancel()
    decisions.hold.set()
    assert ids([first]) == ["first"]


def test_only_cancelled_ones_are_no_batch(decisions: Decisions, intake: Intake) -> None:
    busy(decisions, intake)
    for number in range(3):
        assert intake.submit(submission(str(number))).cancel()
    decisions.hold.set()
    assert ids([intake.submit(submission("last"))]) == ["last"]
    assert "0" not in str(decisions.batches)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (RuntimeError("x"), "internal"),
        (PanicError("x"), "internal"),
        (RecursionError("x"), "internal"),
        (IntegrityError("x", {}, Exception("x")), "not-ready"),
    ],
)
def test_a_poisoned_submission_fails_alone(
    decisions: Decisions, intake: Intake, error: BaseException, name: str
) -> None:
    def rule(names: list[str]) -> None:
        if "poison" in names:
            raise error

    decisions.rule = rule
    busy(decisions, intake)
    futures = [intake.submit(submission(each)) for each in ("one", "poison", "two")]
    decisions.hold.set()
    assert ids([futures[0], futures[2]]) == ["one", "two"]
    assert problem(futures[1]) == name
    assert ids([intake.submit(submission("later"))]) == ["later"]


def test_without_a_database_all_are_told_so_at_once(decisions: Decisions, intake: Intake) -> None:
    def rule(names: list[str]) -> None:
        if names not in (["first"], ["later"]):
            raise OperationalError("x", {}, Exception("x"))

    decisions.rule = rule
    busy(decisions, intake)
    futures = [intake.submit(submission(str(number))) for number in range(5)]
    decisions.hold.set()
    assert [problem(future) for future in futures] == ["not-ready"] * 5
    assert futures[0].exception() is not futures[1].exception()
    # Each alone would have waited for the database once more.
    assert len(decisions.batches) == 2
    assert ids([intake.submit(submission("later"))]) == ["later"]


def test_more_than_may_wait_are_told_to_come_back(decisions: Decisions, intake: Intake) -> None:
    busy(decisions, intake)
    for number in range(MAX_BATCH + 10):
        intake.submit(submission(str(number)))
    with pytest.raises(Problem) as raised:
        intake.submit(submission("one too many"))
    assert raised.value.name == "busy"
    assert raised.value.headers["Retry-After"] == "1"


def test_at_its_end_what_waits_is_decided_and_nothing_more_is_taken(
    decisions: Decisions, intake: Intake
) -> None:
    first = busy(decisions, intake)
    # As many as can wait: the end itself must find room too.
    waiting = [intake.submit(submission(str(number))) for number in range(MAX_BATCH + 10)]
    stopping = threading.Thread(target=intake.stop)
    stopping.start()
    while intake.running:
        pass
    with pytest.raises(Problem) as raised:
        intake.submit(submission("late"))
    assert raised.value.name == "not-ready"
    decisions.hold.set()
    stopping.join(SECONDS)
    assert not stopping.is_alive()
    assert all(future.done() for future in (first, *waiting))
    assert len(ids([first, *waiting])) == MAX_BATCH + 11
    assert "late" not in str(decisions.batches)


def test_one_that_was_never_started_takes_nothing_and_can_be_stopped(
    decisions: Decisions,
) -> None:
    acceptance: Any = decisions
    made = Intake(acceptance, Metrics(), 1)
    with pytest.raises(Problem, match="not-ready"):
        made.submit(submission("early"))
    made.stop()

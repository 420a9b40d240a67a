"""Checking attestations and bundles against this service's own trust, without keeping anything.

What bounds the time of a batch: its bytes (`max_batch_bytes`), its items, how many batches a
process checks at once, and a deadline after which the items that are left are answered unchecked.
Proofs of a group of items are checked in one pairing; a wrong one costs its group a check of each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Self

import structlog
from fastapi import APIRouter, Depends
from pydantic import Field, model_validator

from ...circuits.attestation import Attestation
from ...circuits.claim import document_digest
from ...crypto.canonical import JsonValue
from ...risk.clock import now
from ...risk.document import Part
from ...risk.values import Name, Several, Text, Time, refusal
from ...verifier.attestation import verify_attestations
from ...verifier.bundle import Bundle, BundleReport, logged_report
from ...verifier.examination import Expectation
from ...verifier.memory import Memory
from ...verifier.report import Report
from ...verifier.trust import Trust
from .. import examples
from ..access import Reader, TheService
from ..bodies import body, parse_items, read_json_bytes, read_value, takes, whole
from ..problems import PREFIX, Problem
from ..service import Service
from ..trust import trust_of
from ..views import CheckView, ItemProblem, LoggedCheck, ReportsView, ReportView

router = APIRouter(prefix="/v1/verify", tags=["verify"])

MAX_ITEMS: Final = 1000
GROUP: Final = 32
"""Items that are checked together, between two looks at the clock."""
AT_ONCE: Final = 2
"""Batches that one process checks at once; it has one interpreter to do so."""
SHARE_OF_ANSWER: Final = 0.5
"""The part of the time for an answer after which no further group is begun."""

_room = threading.BoundedSemaphore(AT_ONCE)
_log = structlog.get_logger("zkcollateral.verify")


class ToVerify(Part):
    """A bundle, or an attestation without its place in the log, and what is expected of it.

    `at` is the time of the check, by default now. Without `audience` it must be addressed to this
    service, as it is set; without `nonce` it need not answer any; without `claim` any of the
    policy's will do.
    """

    bundle: Annotated[Bundle | None, whole(Bundle)] = None
    attestation: Annotated[Attestation | None, whole(Attestation)] = None
    at: Time | None = None
    audience: Text | None = None
    nonce: Text | None = None
    claim: Name | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.bundle is None) == (self.attestation is None):
            raise refusal("either a bundle or an attestation", "both or neither")
        return self

    @property
    def found(self) -> Attestation:
        """The attestation, in a bundle or alone."""
        found = self.attestation if self.bundle is None else self.bundle.attestation
        if found is None:
            raise ValueError("one of both is there")
        return found


class ToVerifyBatch(Part):
    """Up to 1,000 bundles or attestations."""

    items: Annotated[Several[ToVerify], Field(max_length=MAX_ITEMS)]


@router.post(
    "",
    summary="Verify an attestation",
    openapi_extra=takes(ToVerify, examples.TO_VERIFY),
)
def verify(
    caller: Reader, item: Annotated[ToVerify, Depends(body(ToVerify))], service: TheService
) -> ReportView:
    """Check a bundle or an attestation completely, now and against what this service trusts.

    Nothing is stored. The answer is 200 whatever it says: `valid` is the verdict.
    """
    (report,) = _Batch(service, [item]).reports()
    return report


@router.post(
    "/batch",
    summary="Verify many attestations",
    openapi_extra=takes(ToVerifyBatch, {"items": [examples.TO_VERIFY]}),
)
def verify_batch(
    caller: Reader, data: Annotated[bytes, Depends(read_json_bytes)], service: TheService
) -> ReportsView:
    """Check up to 1,000 bundles or attestations; proofs of many are checked together.

    An item that cannot be read, or for which there was no time, has a `problem` in its report, and
    the others are not affected.
    """
    if not _room.acquire(blocking=False):
        raise Problem("busy", "other batches are being checked", headers={"Retry-After": "1"})
    try:
        items = [_read(value) for value in parse_items(data, MAX_ITEMS)]
        return ReportsView(reports=tuple(_Batch(service, items).reports()))
    finally:
        _room.release()


def _read(value: JsonValue | Problem) -> ToVerify | Problem:
    if isinstance(value, Problem):
        return value
    try:
        return read_value(ToVerify, value, "item")
    except Problem as problem:
        return problem


@dataclass
class _Batch:
    """Items that are checked for one request."""

    service: Service
    items: Sequence[ToVerify | Problem]

    def reports(self) -> list[ReportView]:
        """One report per item."""
        readable = [item for item in self.items if isinstance(item, ToVerify)]
        policies = {document_digest(item.found.policy) for item in readable}
        settings = self.service.settings
        with self.service.store.read() as session:
            trust, _ = trust_of(session, settings.audience, policies)
        self.trust: Trust = trust
        self.at = now()
        self.memory = Memory()
        until = time.monotonic() + SHARE_OF_ANSWER * settings.answer_seconds
        views: list[ReportView] = []
        for start in range(0, len(readable), GROUP):
            group = readable[start : start + GROUP]
            if start and time.monotonic() > until:
                late = Problem("answer-too-slow", "there was no time left to check this item")
                views += [_unchecked(late)] * len(group)
            else:
                views += self._group(group)
        checked = iter(views)
        return [
            _unchecked(item) if isinstance(item, Problem) else next(checked) for item in self.items
        ]

    def _group(self, items: Sequence[ToVerify]) -> list[ReportView]:
        try:
            reports = verify_attestations(
                [item.found for item in items],
                self.trust,
                self.service.srs,
                [self._expectation(item) for item in items],
                self.memory,
            )
        except Exception as error:  # noqa: BLE001  # one item must not take the others down with it
            if len(items) > 1:
                return [view for item in items for view in self._group([item])]
            _log.error("verification failed", error=type(error).__name__, exc_info=True)
            return [_unchecked(Problem("internal", "the item could not be checked"))]
        return [
            _view(report)
            if item.bundle is None
            else _bundle_view(logged_report(item.bundle, report, self.trust))
            for item, report in zip(items, reports, strict=True)
        ]

    def _expectation(self, item: ToVerify) -> Expectation:
        return Expectation(item.at or self.at, item.audience, item.nonce, item.claim)


def _view(report: Report) -> ReportView:
    return ReportView(
        valid=report.valid,
        checks=tuple(
            CheckView(name=check.name, passed=check.passed, reason=check.reason)
            for check in report.checks
        ),
    )


def _bundle_view(found: BundleReport) -> ReportView:
    return ReportView(
        valid=found.valid,
        checks=_view(found.report).checks,
        log=LoggedCheck(passed=found.logged, reason=found.reason),
    )


def _unchecked(problem: Problem) -> ReportView:
    return ReportView(
        valid=False,
        checks=(),
        problem=ItemProblem(type=PREFIX + problem.name, detail=problem.detail),
    )

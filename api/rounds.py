"""Price rounds: the newest report of every oracle, combined by the rule of every policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ..circuits.claim import document_digest
from ..circuits.evidence import SignedRound, make_signed_round, read_unverified
from ..crypto.canonical import canonical_bytes, parse_json
from ..crypto.envelope import Envelope
from ..errors import PriceRoundError
from ..risk.clock import format_time, seconds_between
from ..risk.policy import Policy
from ..risk.prices import PriceReport
from .evidence import Evidence, require_counting
from .evidence_views import RoundOutcome
from .problems import Problem
from .store.tables import PublishedDocument, ReportRow, RoundRow, TrustedKeyRow
from .store.writer import Writer

LOOKED_AT: Final = 100
"""How many rounds are looked at for the newest one that no retired key has spoiled."""

_COUNTS: Final = ReportRow.time <= TrustedKeyRow.valid_until
"""Of a stored report and the key that signed it: whether the key was retired from before it on."""


@dataclass(frozen=True)
class _Stored:
    envelope: Envelope
    report: PriceReport


def file_report(writer: Writer, evidence: Evidence[PriceReport]) -> bool:
    """Store a signed report; whether it is new.

    Raises:
        Problem: its key does not count, or the oracle has reported the same quote since, or
            something else at the same time.
    """
    session, report = writer.session, evidence.document
    row = session.get(ReportRow, evidence.digest)
    if row is not None:
        key = session.get_one(TrustedKeyRow, row.key_id)
        if row.time > key.valid_until:
            raise Problem("key-retired", "the key that signed it first was retired: report anew")
        return False
    require_counting(writer, evidence.key_id, report.time)
    newest = _newest(session, report.oracle, report.quote)
    if newest is not None and newest.time == report.time:
        raise Problem(
            "exists-differently",
            f"{report.oracle} has reported something else as of {format_time(report.time)}",
        )
    if newest is not None and newest.time > report.time:
        raise Problem(
            "time-unusable", f"{report.oracle} has reported as of {format_time(newest.time)}"
        )
    session.add(
        ReportRow(
            digest=evidence.digest,
            oracle=report.oracle,
            quote=report.quote,
            time=report.time,
            key_id=evidence.key_id,
            envelope=evidence.envelope,
            received=writer.at,
        )
    )
    session.flush()
    return True


def make_rounds(writer: Writer, new: Evidence[PriceReport]) -> list[RoundOutcome]:
    """Combine a round for every policy in the quote of a report that was stored just now.

    Of every oracle the newest report counts, if it is young enough for the policy and has all that
    the policy needs: oracles of other markets neither help nor hinder.
    """
    stored = _newest_of_all(writer.session, new.document.quote)
    made = [
        _make_round(writer, new.document, stored, digest, policy)
        for digest, policy in _policies(writer.session, new.document.quote)
    ]
    refused = [
        {"policy": outcome.policy, "reason": outcome.refused}
        for outcome, told in made
        if outcome.refused is not None and told
    ]
    if refused:
        writer.emit(
            "round.refused",
            {"report": new.digest, "oracle": new.document.oracle, "refused": refused},
        )
    return [outcome for outcome, _ in made]


def rounds_with(session: Session, report: ReportRow) -> list[RoundOutcome]:
    """The rounds, each the newest of its policy, that rest on a report."""
    found = []
    for policy, _ in _policies(session, report.quote):
        row = newest_round(session, policy)
        if row is not None and report.digest in _reports_of(row):
            found.append(RoundOutcome(policy=policy, digest=row.digest))
    return found


def newest_round(session: Session, policy: str) -> RoundRow | None:
    """The newest round of a policy that rests on no report dated after the end of its key."""
    rows = session.scalars(
        select(RoundRow)
        .where(RoundRow.policy == policy)
        .order_by(RoundRow.event.desc())
        .limit(LOOKED_AT)
        .execution_options(yield_per=1)
    )
    with rows:
        return next((row for row in rows if not _is_spoiled(session, row)), None)


def _make_round(
    writer: Writer, new: PriceReport, stored: Sequence[_Stored], digest: str, policy: Policy
) -> tuple[RoundOutcome, bool]:
    """What came of it, and, if that is none, whether it is worth an event."""

    def age(report: PriceReport) -> int:
        return seconds_between(report.time, writer.at)

    limit = policy.oracle.max_age_seconds
    if (lacking := _lacking(new, policy)) is not None:
        return RoundOutcome(policy=digest, refused=f"the report has no {lacking}"), False
    if age(new) > limit:
        reason = f"the report is {age(new)} s old, the policy allows {limit} s"
        return RoundOutcome(policy=digest, refused=reason), False
    usable = [
        each.envelope
        for each in stored
        if age(each.report) <= limit and _lacking(each.report, policy) is None
    ]
    try:
        signed = make_signed_round(usable, policy)
    except PriceRoundError as error:
        return RoundOutcome(policy=digest, refused=str(error)), True
    return _store_round(writer, digest, signed), False


def _store_round(writer: Writer, policy: str, signed: SignedRound) -> RoundOutcome:
    digest, time = document_digest(signed.round), signed.round.time
    said = {"policy": policy, "digest": digest, "time": format_time(time)}
    writer.session.add(
        RoundRow(
            policy=policy,
            digest=digest,
            time=time,
            document=canonical_bytes(signed.to_json_value()),
            event=writer.emit("round.new", said),
        )
    )
    return RoundOutcome(policy=policy, digest=digest)


def _lacking(report: PriceReport, policy: Policy) -> str | None:
    """The first thing that a policy needs and a report does not have."""
    for symbol in policy.symbols:
        if symbol not in report.prices:
            return f"price of {symbol}"
        if policy.confidence is not None and symbol not in report.confidence:
            return f"confidence of {symbol}"
    for name in policy.figures:
        if name not in report.figures:
            return f"figure {name}"
    for symbol, shape in policy.histories.items():
        if not shape.fits(report.histories.get(symbol)):
            return f"history of {symbol} of {shape.prices} prices every {shape.step_seconds} s"
    return None


def _newest(session: Session, oracle: str, quote: str) -> ReportRow | None:
    return session.scalar(
        select(ReportRow)
        .join(TrustedKeyRow, TrustedKeyRow.key_id == ReportRow.key_id)
        .where(ReportRow.oracle == oracle, ReportRow.quote == quote, _COUNTS)
        .order_by(ReportRow.time.desc())
        .limit(1)
    )


def _newest_of_all(session: Session, quote: str) -> list[_Stored]:
    oracles = session.scalars(
        select(TrustedKeyRow.name).where(TrustedKeyRow.role == "oracle").distinct()
    ).all()
    found = []
    for oracle in oracles:
        row = _newest(session, oracle, quote)
        if row is not None:
            envelope = Envelope.from_json_value(parse_json(row.envelope, "report"), "report")
            value = read_unverified(envelope, "report")
            found.append(_Stored(envelope, PriceReport.from_json_value(value, "report")))
    return found


def _policies(session: Session, quote: str) -> Iterator[tuple[str, Policy]]:
    rows = session.execute(
        select(PublishedDocument.digest, PublishedDocument.document)
        .where(PublishedDocument.kind == "policy")
        .order_by(PublishedDocument.log_index)
    )
    for digest, document in rows.all():
        policy = _read_policy(document)
        if policy.quote == quote:
            yield digest, policy


@lru_cache(maxsize=1024)
def _read_policy(document: bytes) -> Policy:
    return Policy.from_json_value(parse_json(document, "policy"), "policy")


def _reports_of(row: RoundRow) -> list[str]:
    value: Any = parse_json(row.document, "round")
    reports: list[str] = value["round"]["reports"]
    return reports


def _is_spoiled(session: Session, row: RoundRow) -> bool:
    ended = exists().where(
        ReportRow.digest.in_(_reports_of(row)),
        TrustedKeyRow.key_id == ReportRow.key_id,
        ~_COUNTS,
    )
    return bool(session.scalar(select(ended)))

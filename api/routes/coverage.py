"""Coverage: whether an account is covered now, by which claims, and when it was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import ColumnElement, Row, exists, func, or_, select
from sqlalchemy.orm import Session

from ...risk.clock import now, seconds_between
from ...risk.values import HexDigest, Name, Text
from ..access import Reader, TheService
from ..caching import NO_CACHE
from ..store.tables import AttestationRow, AttestedAccount, Subject, SubjectAccount
from ..views import AccountView, CoverageView, CoveredClaimView, IntervalView
from .attestations import sees_all

router = APIRouter(prefix="/v1/accounts", tags=["coverage"])

MOST_CLAIMS: Final = 100
MOST_INTERVALS: Final = 100

Seen: TypeAlias = Sequence[ColumnElement[bool]]
"""Conditions that the attestations have to meet which the caller may see."""
Interval: TypeAlias = Row[str, datetime, datetime, datetime | None, datetime | None]
"""An attestation: when it was accepted, expires, was superseded, was revoked."""


@router.get("/{account:path}/coverage", summary="Ask whether an account is covered")
def get_coverage(
    account: Annotated[Name, Path()],
    caller: Reader,
    service: TheService,
    response: Response,
    custodian: Annotated[Name | None, Query()] = None,
    policy: Annotated[HexDigest | None, Query()] = None,
    claim: Annotated[Name | None, Query()] = None,
    audience: Annotated[Text | None, Query()] = None,
) -> CoverageView:
    """Whether an account is covered now, by each claim about it that was ever attested.

    Only what custodians vouch for altogether counts: of an account without custodian anybody can
    choose the name. Customers of several custodians may have accounts of one name, so name the
    custodian; without it `covered` means that the account of this name is covered at each of them.
    """
    response.headers["Cache-Control"] = NO_CACHE
    seen: Seen = ()
    if not sees_all(service, caller):
        seen = (AttestationRow.tenant == (caller.tenant if caller else ""),)
    at = now()
    named = [SubjectAccount.account == account]
    if custodian is not None:
        named.append(SubjectAccount.custodian == custodian)
    asked: list[ColumnElement[bool]] = [
        column == wanted
        for column, wanted in (
            (Subject.policy, policy),
            (Subject.claim, claim),
            (Subject.audience, audience),
        )
        if wanted is not None
    ]
    if seen:
        asked.append(exists().where(AttestationRow.id == Subject.newest, *seen))
    with service.store.read() as session:
        ends = session.execute(
            select(SubjectAccount.custodian, func.max(Subject.expires))
            .join(Subject, Subject.id == SubjectAccount.subject)
            .where(*named, *asked)
            .group_by(SubjectAccount.custodian)
        ).all()
        subjects = session.scalars(
            select(Subject)
            .where(exists().where(SubjectAccount.subject == Subject.id, *named), *asked)
            .order_by(Subject.expires.is_(None), Subject.expires.desc(), Subject.issued.desc())
            .limit(MOST_CLAIMS)
        ).all()
        accounts = _accounts(session, {subject.newest for subject in subjects})
        return CoverageView(
            account=account,
            covered=bool(ends) and all(end is not None and end > at for _, end in ends),
            claims=tuple(
                _claim(subject, accounts[subject.newest], _history(session, subject.id, seen), at)
                for subject in subjects
            ),
        )


def _claim(
    subject: Subject,
    accounts: Sequence[AccountView],
    history: Sequence[Interval],
    at: datetime,
) -> CoveredClaimView:
    covered = subject.expires is not None and subject.expires > at
    counts: dict[str, Any] = {}
    if covered:
        counts = {
            "attestation": subject.current,
            "issued": subject.issued,
            "age_seconds": max(seconds_between(subject.issued, at), 0),
            "due": subject.expires,
        }
    return CoveredClaimView(
        subject=subject.id,
        policy=subject.policy,
        claim=subject.claim,
        audience=subject.audience,
        accounts=tuple(accounts),
        covered=covered,
        history=tuple(_interval(row, at) for row in history),
        **counts,
    )


def _accounts(session: Session, attestations: set[str]) -> dict[str, list[AccountView]]:
    found: dict[str, list[AccountView]] = {id_: [] for id_ in attestations}
    rows = session.scalars(
        select(AttestedAccount)
        .where(AttestedAccount.attestation.in_(attestations))
        .order_by(AttestedAccount.position)
    )
    for row in rows:
        found[row.attestation].append(
            AccountView(
                custodian=row.custodian,
                account=row.account,
                side="liabilities" if row.side else "assets",
            )
        )
    return found


def _history(session: Session, subject: str, seen: Seen) -> Sequence[Interval]:
    return session.execute(
        select(
            AttestationRow.id,
            AttestationRow.accepted,
            AttestationRow.expires,
            AttestationRow.superseded,
            AttestationRow.revoked,
        )
        .where(
            AttestationRow.subject == subject,
            # One that came late never counted.
            or_(
                AttestationRow.superseded.is_(None),
                AttestationRow.superseded > AttestationRow.accepted,
            ),
            *seen,
        )
        .order_by(AttestationRow.issued.desc(), AttestationRow.log_index.desc())
        .limit(MOST_INTERVALS)
    ).all()


def _interval(row: Interval, at: datetime) -> IntervalView:
    ends: list[tuple[datetime, Literal["expired", "superseded", "revoked"]]] = [
        (row.expires, "expired")
    ]
    if row.superseded is not None:
        ends.append((row.superseded, "superseded"))
    if row.revoked is not None:
        ends.append((row.revoked, "revoked"))
    until, ended = min(ends, key=lambda end: end[0])
    return IntervalView.model_validate(
        {
            "attestation": row.id,
            "from": row.accepted,
            "until": until,
            "ended": ended if until <= at else "",
        }
    )

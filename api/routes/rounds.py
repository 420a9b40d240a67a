"""Price rounds: oracles post signed reports, the service combines them by the policies' rules."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select

from ...circuits.evidence import SignedDocument, SignedRound, open_report
from ...risk.prices import PriceReport
from .. import examples
from ..access import Oracle, Reader, TheService
from ..bodies import body, takes
from ..caching import immutable, revalidated
from ..evidence import Evidence, open_evidence
from ..evidence_views import PostedReportView, RoundPage, RoundView
from ..idempotency import Once
from ..paging import Cursor, Limit, page
from ..parameters import DigestInPath, DigestInQuery
from ..problems import Problem
from ..rounds import file_report, make_rounds, newest_round, rounds_with
from ..store.tables import ReportRow, RoundRow
from ..store.writer import Writer

router = APIRouter(prefix="/v1/price-rounds", tags=["price rounds"])


@router.post(
    "/reports",
    status_code=201,
    summary="Post a price report",
    openapi_extra=takes(SignedDocument, examples.REPORT),
)
def post_report(
    caller: Oracle,
    signed: Annotated[SignedDocument, Depends(body(SignedDocument))],
    once: Once,
    service: TheService,
    response: Response,
) -> PostedReportView:
    """Post a signed price report (a DSSE envelope), later than the oracle's last one in its quote.

    For every policy in that quote a round is combined of the newest reports, or the answer says why
    there is none. The same report again is answered 200.
    """
    evidence = open_evidence(service.store, signed, "oracle", open_report)
    oracle = evidence.document.oracle
    if evidence.signer != oracle:
        raise Problem(
            "signature-invalid", f"a report of {oracle} is signed with the key of {evidence.signer}"
        )
    caller.must_be(oracle)
    with service.store.write() as writer:
        return once.answer(
            writer, caller, PostedReportView, lambda: _post(writer, evidence, response)
        )


def _post(writer: Writer, evidence: Evidence[PriceReport], response: Response) -> PostedReportView:
    report = evidence.document
    if file_report(writer, evidence):
        rounds = make_rounds(writer, evidence)
    else:
        response.status_code = 200
        row = writer.session.get_one(ReportRow, evidence.digest)
        rounds = rounds_with(writer.session, row)
    return PostedReportView(
        digest=evidence.digest,
        oracle=report.oracle,
        time=report.time,
        quote=report.quote,
        rounds=tuple(rounds),
    )


@router.get("", summary="List price rounds")
def list_rounds(
    caller: Reader,
    service: TheService,
    limit: Limit = 50,
    cursor: Cursor = None,
    policy: DigestInQuery | None = None,
) -> RoundPage:
    """Price rounds, of all policies or of one, those made last first."""
    query = select(RoundRow)
    if policy is not None:
        query = query.where(RoundRow.policy == policy)
    with service.store.read() as session:
        rows, following = page(session, query, RoundRow.event, limit=limit, cursor=cursor)
        items = tuple(
            RoundView(policy=row.policy, digest=row.digest, time=row.time) for row in rows
        )
        return RoundPage(items=items, next=following)


@router.get("/latest", summary="Get the newest price round", response_model=SignedRound)
def latest_round(
    request: Request, policy: DigestInQuery, caller: Reader, service: TheService
) -> Response:
    """The round of a policy that was made last, with its signed reports.

    Rounds with a report that is dated after the end of its key, which was retired, are passed over.
    """
    with service.store.read() as session:
        row = newest_round(session, policy)
        if row is None:
            raise Problem("not-found", "no price round was made under a policy with this digest")
        private = service.settings.reads == "keys"
        return revalidated(request, row.document, row.digest, private=private)


@router.get("/{digest}", summary="Get a price round", response_model=SignedRound)
def get_round(
    request: Request,
    digest: DigestInPath,
    caller: Reader,
    service: TheService,
    policy: DigestInQuery | None = None,
) -> Response:
    """The round with a digest, with its signed reports; under one policy, or whichever made it."""
    query = select(RoundRow).where(RoundRow.digest == digest)
    if policy is not None:
        query = query.where(RoundRow.policy == policy)
    with service.store.read() as session:
        # Policies that make the same round make it of the same reports.
        row = session.scalar(query.limit(1))
        if row is None:
            raise Problem("not-found", "no such price round was made here")
        private = service.settings.reads == "keys"
        return immutable(request, row.document, row.digest, private=private)

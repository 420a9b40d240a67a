"""Whether the service is alive, whether it can work, and what it counts."""

from __future__ import annotations

import asyncio
from typing import Final, Literal

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from ...risk.document import Part
from ..access import TheService
from ..problems import Problem
from ..service import service_of
from ..store.setup import is_current

router = APIRouter(tags=["operations"])

READY_SECONDS: Final = 2.0
"""How long the database may take: those who probe give up soon."""

_log = structlog.get_logger("zkcollateral.health")


class AliveView(Part):
    """The process answers."""

    status: Literal["alive"] = "alive"


class ReadyView(Part):
    """The service can do its work."""

    status: Literal["ready"] = "ready"


@router.get("/healthz", summary="Is the process alive?")
async def alive() -> AliveView:
    """Answers as long as the process does; asks nothing else."""
    return AliveView()


@router.get("/readyz", summary="Can the service work?")
async def ready(request: Request, service: TheService) -> ReadyView:
    """Database reachable, its tables those of this release, submissions taken; else 503."""
    if not service.intake.running:
        raise _not_ready("no submissions are taken: the service starts or ends")
    try:
        async with asyncio.timeout(READY_SECONDS):
            current = await _look(request)
    except TimeoutError:
        raise _not_ready("the database does not answer in time") from None
    except SQLAlchemyError as error:
        _log.error("database", error=type(error).__name__)
        raise _not_ready("the database does not answer") from None
    if not current:
        raise _not_ready("the tables are not those of this release")
    return ReadyView()


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(service: TheService) -> Response:
    """Counters and histograms of this service, of all its workers together."""
    return Response(service.metrics.render(), media_type=CONTENT_TYPE_LATEST)


async def _look(request: Request) -> bool:
    """Whether the tables are current. A look that hangs is waited for again, not begun again."""
    state = request.app.state
    look: asyncio.Task[bool] | None = getattr(state, "look", None)
    if look is None or look.done():
        engine = service_of(request).store.engine
        look = state.look = asyncio.create_task(asyncio.to_thread(is_current, engine))
    return await asyncio.shield(look)


def _not_ready(detail: str) -> Problem:
    return Problem("not-ready", detail, headers={"Retry-After": "5"})

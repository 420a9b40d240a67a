"""One module per resource of the interface."""

from __future__ import annotations

from fastapi import APIRouter

from . import (
    attestations,
    audits,
    commitments,
    coverage,
    documents,
    events,
    health,
    keys,
    log,
    risk,
    rounds,
    trust,
    verify,
    webhooks,
)

ROUTERS: tuple[APIRouter, ...] = (
    documents.router,
    attestations.router,
    audits.router,
    coverage.router,
    events.router,
    webhooks.router,
    health.router,
    log.router,
    verify.router,
    risk.router,
    trust.router,
    rounds.router,
    commitments.router,
    keys.router,
)

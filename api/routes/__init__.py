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

# They are asked in this order, which takes time: what is asked for most stands first.
ROUTERS: tuple[APIRouter, ...] = (
    attestations.router,
    log.router,
    coverage.router,
    audits.router,
    events.router,
    rounds.router,
    commitments.router,
    documents.router,
    verify.router,
    trust.router,
    health.router,
    risk.router,
    webhooks.router,
    keys.router,
)

"""The OpenAPI document: what FastAPI finds out by itself, and the bodies that `bodies` reads."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from ..version import __version__
from .bodies import BODIES
from .operations import describe_operation
from .problems import KINDS, PREFIX
from .routes import ROUTERS
from .settings import Settings

DESCRIPTION: Final = """\
Proofs that private portfolios are sufficiently collateralized: asked for, checked, kept and found
again.

There are no JSON numbers in requests and answers: integers and decimals are strings. Times are RFC
3339, UTC, in whole seconds. Errors are `application/problem+json` (RFC 9457) with a stable `type`
for each cause. Lists come in pages: `next` of one page is the `cursor` of the next one.
"""

TAGS: Final = {
    "policies": "What is asked of accounts. Published once, the same for ever.",
    "registries": "What the slots of a portfolio hold. Published once, the same for ever.",
    "trust": "The keys of custodians, oracles and the log, and when their signatures count.",
    "price rounds": "Signed price reports, and the rounds that a quorum of them makes.",
    "commitments": "Commitments to portfolios, vouched for by custodians.",
    "audits": "Questions of auditors to provers.",
    "attestations": "Claims with their proofs, checked completely before they are stored.",
    "verify": "Checking without keeping anything.",
    "coverage": "Which accounts are covered now, and were when.",
    "events": "What happens, as it happens.",
    "webhooks": "Events, sent to an address.",
    "log": "The transparency log (RFC 6962, C2SP tlog-tiles and tlog-checkpoint).",
    "risk": "The plaintext engine; off unless enabled. Nothing of it is stored or logged.",
    "API keys": "Who may do what.",
    "operations": "For those who run the service.",
}

_TEMPLATE: Final = "#/components/schemas/{model}"

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [PREFIX + name for name in KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "checks": {
            "type": "array",
            "description": "Of a refused attestation: every check, in order.",
            "items": {
                "type": "object",
                "required": ["name", "passed", "reason"],
                "properties": {
                    "name": {"type": "string"},
                    "passed": {"type": "boolean"},
                    "reason": {"type": "string"},
                },
            },
        },
    },
}


def describe(app: FastAPI, settings: Settings) -> None:
    """Let the application answer with its complete OpenAPI document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, settings)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI, settings: Settings) -> dict[str, Any]:
    document = get_openapi(
        title="zkcollateral",
        version=__version__,
        summary="Attestations of private collateral",
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        separate_input_output_schemas=False,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    _, bodies = models_json_schema(
        [(model, "validation") for model in BODIES.values()], ref_template=_TEMPLATE
    )
    schemas.update(bodies.get("$defs", {}))
    schemas["Problem"] = _PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                path = document["paths"][route.path_format]
                for method in sorted(route.methods or ()):
                    name = f"{method} {route.path_format}"
                    describe_operation(name, route, path[method.lower()])
    return document

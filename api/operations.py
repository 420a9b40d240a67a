"""What the OpenAPI document says of operations beyond their signatures: for whom, and problems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from . import access
from .problems import KINDS, MEDIA_TYPE, OF_CHECK, PREFIX

ALWAYS: Final = (
    "http-malformed",
    "head-too-large",
    "body-too-large",
    "body-too-slow",
    "too-many-requests",
    "busy",
    "answer-too-slow",
    "not-ready",
    "internal",
)
"""What any request can come to."""

BODY: Final = ("json-malformed", "json-too-deep", "media-type", "document-invalid")
CALLER: Final = ("key-unknown", "token-invalid")
SUBMISSION: Final = (
    *dict.fromkeys(OF_CHECK.values()),
    "key-retired",
    "commitment-superseded",
    "audit-closed",
    "nonce-replayed",
    "other-tenant",
)
SIGNED: Final = ("signature-invalid", "key-retired", "time-unusable", "other-name")
RISK: Final = ("risk-disabled", "risk-unusable")

OWN: Final[dict[str, tuple[str, ...]]] = {
    "POST /v1/policies": ("registry-unknown", "policy-unusable", "state-conflict"),
    "POST /v1/registries": ("state-conflict",),
    "GET /v1/policies/{digest}": ("not-found",),
    "GET /v1/registries/{digest}": ("not-found",),
    "POST /v1/attestations": SUBMISSION,
    "GET /v1/attestations/{id}": ("not-found", "other-tenant"),
    "GET /v1/attestations/{id}/bundle": ("not-found", "other-tenant"),
    "POST /v1/attestations/{id}/revoke": ("not-found", "other-tenant"),
    "POST /v1/audits": ("policy-not-accepted", "claim-not-asked", "time-unusable"),
    "GET /v1/audits/{id}": ("not-found", "other-tenant"),
    "POST /v1/audits/{id}/answer": ("not-found", *SUBMISSION),
    "POST /v1/audits/{id}/decline": ("not-found", "other-tenant", "state-conflict"),
    "POST /v1/audits/{id}/withdraw": ("not-found", "other-tenant", "state-conflict"),
    "POST /v1/trust/keys": ("exists-differently", "state-conflict"),
    "GET /v1/trust/keys/{key_id}": ("not-found",),
    "POST /v1/trust/keys/{key_id}/retire": ("not-found", "state-conflict", "time-unusable"),
    "POST /v1/price-rounds/reports": (*SIGNED, "exists-differently"),
    "GET /v1/price-rounds/latest": ("not-found",),
    "GET /v1/price-rounds/{digest}": ("not-found",),
    "POST /v1/commitments": (*SIGNED, "registry-unknown", "exists-differently"),
    "GET /v1/commitments/{digest}": ("not-found",),
    "GET /v1/commitments/{digest}/envelope": ("not-found",),
    "POST /v1/webhooks": ("too-many-webhooks", "webhook-unusable"),
    "DELETE /v1/webhooks/{id}": ("not-found", "other-tenant"),
    "GET /v1/webhooks/{id}/deliveries": ("not-found", "other-tenant"),
    "POST /v1/api-keys/{id}/revoke": ("not-found",),
    "GET /v1/log/checkpoints/{size}": ("not-found",),
    "GET /v1/log/tile/entries/{name}": ("not-found",),
    "GET /v1/log/tile/{level}/{name}": ("not-found",),
    "GET /v1/log/entries/{index}": ("not-found",),
    "POST /v1/risk/evaluate": RISK,
    "POST /v1/risk/stress": RISK,
    "POST /v1/risk/liquidation": RISK,
    "POST /v1/risk/breach": RISK,
}
"""What an operation alone comes to; by method and path."""

KNOWN_BEFORE: Final = frozenset(
    {
        "POST /v1/policies",
        "POST /v1/registries",
        "POST /v1/attestations",
        "POST /v1/audits/{id}/answer",
        "POST /v1/trust/keys",
        "POST /v1/price-rounds/reports",
        "POST /v1/commitments",
    }
)
"""What answers 200 in place of 201 for what is there already."""

TAGGED: Final = frozenset(
    {
        "GET /v1/trust",
        "GET /v1/policies/{digest}",
        "GET /v1/registries/{digest}",
        "GET /v1/attestations/{id}/bundle",
        "GET /v1/price-rounds/latest",
        "GET /v1/price-rounds/{digest}",
        "GET /v1/commitments/{digest}/envelope",
        "GET /v1/log/checkpoints/{size}",
        "GET /v1/log/tile/entries/{name}",
        "GET /v1/log/tile/{level}/{name}",
    }
)
"""What has an entity tag, and answers 304 to whoever has it already."""

_RETRY: Final = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}},
}
_CHALLENGE: Final = {
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string"}},
}
_ETAG: Final = {
    "ETag": {"description": "For `If-None-Match`.", "schema": {"type": "string"}},
}


def describe_operation(name: str, route: APIRoute, operation: dict[str, Any]) -> None:
    """Say whom an operation is for, and every answer that it can give.

    Args:
        name: method and path.
        route: what answers it.
        operation: its part of the OpenAPI document, which is completed.
    """
    calls = set(_calls(route.dependant))
    responses = operation["responses"]
    scopes = [scope for call in calls for scope in access.SCOPES_OF.get(call, ())]
    if scopes:
        text = f"Needs a key with the scope `{'` or `'.join(sorted(scopes))}`."
        operation["description"] = f"{operation.get('description', '')}\n\n{text}".strip()
    if access.needs_key in calls:
        operation["security"] = [{"bearer": []}]
    elif access.optional_caller in calls:
        operation["security"] = [{"bearer": []}, {}]
    responses.pop("422", None)  # FastAPI's own, which is not one of ours
    # FastAPI takes every null out of the document, and out of examples too.
    body = (route.openapi_extra or {}).get("requestBody")
    if body is not None:
        operation["requestBody"] = body
    if name in KNOWN_BEFORE:
        responses["200"] = {**responses["201"], "description": "It was there already"}
    if name in TAGGED:
        responses["200"]["headers"] = {**responses["200"].get("headers", {}), **_ETAG}
        responses["304"] = {"description": "The sender has it already", "headers": _ETAG}
    for status, kinds in _by_status(_problems(name, calls, operation)).items():
        responses[str(status)] = _problem_response(status, kinds)


def _problems(name: str, calls: set[object], operation: dict[str, Any]) -> Iterator[str]:
    yield from ALWAYS
    yield from OWN.get(name, ())
    parameters = operation.get("parameters", [])
    if parameters:
        yield "parameter-invalid"
    if any(parameter["name"] == "Idempotency-Key" for parameter in parameters):
        yield "idempotency-conflict"
    if "requestBody" in operation:
        yield from BODY
    if access.optional_caller in calls:
        yield from CALLER
        yield "key-missing"
    if any(call in access.SCOPES_OF for call in calls):
        yield "scope-missing"


def _by_status(names: Iterator[str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for name in dict.fromkeys(names):
        found.setdefault(KINDS[name].status, []).append(name)
    return dict(sorted(found.items()))


def _problem_response(status: int, names: list[str]) -> dict[str, Any]:
    types = {"type": {"enum": [PREFIX + name for name in names]}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"properties": types}]}
    titles = "\n".join(f"- `{name}`: {KINDS[name].title}" for name in names)
    response: dict[str, Any] = {
        "description": titles,
        "content": {MEDIA_TYPE: {"schema": schema}},
    }
    if status in {429, 503}:
        response["headers"] = _RETRY
    if status == 401:
        response["headers"] = _CHALLENGE
    return response


def _calls(dependant: Dependant) -> Iterator[object]:
    """Everything that an operation depends on, whatever depends on it."""
    for each in dependant.dependencies:
        yield each.call
        yield from _calls(each)

"""How errors are answered: always as a problem, never with what an exception says of itself."""

from __future__ import annotations

import json

import structlog
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from .problems import MEDIA_TYPE, Problem

_log = structlog.get_logger("zkcollateral.answers")

_OF_STATUS = {404: "not-found", 405: "method-not-allowed"}


def answer(problem: Problem) -> Response:
    """The response that carries a problem."""
    return Response(
        json.dumps(problem.to_json_value(), ensure_ascii=False),
        status_code=problem.kind.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )


def problem(request: Request, error: Exception) -> Response:
    """A problem that was raised."""
    return answer(error) if isinstance(error, Problem) else internal(request, error)


def parameter_invalid(_: Request, error: Exception) -> Response:
    """A parameter in path, query or header."""
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    place = ".".join(str(step) for step in first.get("loc", ()))
    return answer(Problem("parameter-invalid", f"{place}: {first.get('msg', 'not usable')}"))


def http_error(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself: paths and methods that do not exist."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    name = _OF_STATUS.get(status)
    if name is None:
        return internal(request, error)
    headers = dict(getattr(error, "headers", None) or {})
    return answer(Problem(name, f"{request.method} {request.url.path[:200]}", headers=headers))


def database_error(request: Request, error: Exception) -> Response:
    """The database is away or too busy; what else it complains of is a fault of ours."""
    if not isinstance(error, (OperationalError, InterfaceError, PoolTimeout)):
        return internal(request, error)
    _log.error("database", error=type(error).__name__, exc_info=error)
    headers = {"Retry-After": "5"}
    return answer(Problem("not-ready", "the database does not answer", headers=headers))


def internal(_: Request, error: Exception) -> Response:
    """A fault of the service's own."""
    _log.error("internal", error=type(error).__name__, exc_info=error)
    return answer(Problem("internal", "this was noted; it is not the request's fault"))

"""Headers by which answers are kept, or not, by whoever reads them."""

from __future__ import annotations

import hashlib
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

_PUBLIC: Final = "public"
_PRIVATE: Final = "private"
_FOR_EVER: Final = "max-age=31536000, immutable"
_FOR_A_WHILE: Final = "max-age=60"

NO_CACHE: Final = "no-cache"
"""May be kept, and is asked for again before each use."""
NO_STORE: Final = "no-store"
"""Must not be kept anywhere."""


def etag(digest: str) -> str:
    """A strong entity tag from a digest of the content."""
    return f'"{digest}"'


def immutable(
    request: Request,
    content: bytes,
    digest: str | None = None,
    *,
    private: bool = False,
    media_type: str = "application/json",
) -> Response:
    """An answer that is the same for ever; 304 without content for whoever has it already.

    Args:
        request: which may say what its sender has.
        content: the body.
        digest: of the content, for its tag; by default its SHA-256.
        private: whether only whoever asked may keep it, as where reads need a key.
        media_type: of the content.
    """
    return _answer(request, content, digest, _FOR_EVER, private, media_type)


def short_lived(
    request: Request,
    content: bytes,
    digest: str | None = None,
    *,
    private: bool = False,
    media_type: str = "application/json",
) -> Response:
    """An answer that may be kept for a minute; otherwise as `immutable`."""
    return _answer(request, content, digest, _FOR_A_WHILE, private, media_type)


def revalidated(
    request: Request, content: bytes, digest: str, *, private: bool = False
) -> Response:
    """An answer that is asked for again before each use; otherwise as `immutable`."""
    return _answer(request, content, digest, NO_CACHE, private, "application/json")


def _answer(
    request: Request,
    content: bytes,
    digest: str | None,
    lifetime: str,
    private: bool,
    media_type: str,
) -> Response:
    tag = etag(hashlib.sha256(content).hexdigest() if digest is None else digest)
    headers = {
        "ETag": tag,
        "Cache-Control": f"{_PRIVATE if private else _PUBLIC}, {lifetime}",
    }
    given = request.headers.get("if-none-match", "")
    tags = {each.strip().removeprefix("W/") for each in given.split(",")}
    if tag in tags or given.strip() == "*":
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)

"""One exchange with the service: bounded, repeated where that is safe, and never redirected."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import httpx

from ..crypto.canonical import JsonValue, canonical_bytes, parse_json
from ..crypto.randomness import random_bytes
from ..errors import DocumentError
from ..version import __version__
from .address import Address
from .backoff import LONGEST_WAIT, backoff
from .errors import ServiceError, ServiceUnavailable, UnusableAnswer
from .problem import MAX_BYTES, read_problem

Method: TypeAlias = Literal["GET", "POST", "DELETE"]
Query: TypeAlias = Mapping[str, str | int | bool | None]

_REPEATED: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """A good answer, complete.

    Args:
        where: method and address, for errors.
        status: 2xx.
        content: the body.
    """

    where: str
    status: int
    content: bytes

    def json(self) -> JsonValue:
        """The JSON value of the body; UnusableAnswer if it is not the JSON that is read here."""
        try:
            return parse_json(self.content, "answer", max_bytes=max(len(self.content), 1))
        except DocumentError as error:
            raise self.unusable(str(error)) from None

    def unusable(self, detail: str) -> UnusableAnswer:
        """The error that says why the answer is of no use."""
        return UnusableAnswer(self.where, detail, status=self.status)


class _Bearer(httpx.Auth):
    """Puts the API key on a request. Its repr has no key in it."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        request.headers["Authorization"] = f"Bearer {self._key}"
        yield request

    def __repr__(self) -> str:
        return "_Bearer(hidden)"


class Transport:
    """Requests to one service.

    Args:
        address: of the service.
        api_key: sent with every request to it; None sends none.
        timeout: seconds for an answer to begin, and then to end.
        retries: how often a request that may be repeated is.
        max_bytes: most bytes of an answer.
    """

    def __init__(
        self,
        address: Address,
        api_key: str | None,
        *,
        timeout: float,
        retries: int,
        max_bytes: int,
    ) -> None:
        self.address = address
        self._timeout = timeout
        self._retries = retries
        self._max_bytes = max_bytes
        self._http = httpx.Client(
            auth=None if api_key is None else _Bearer(api_key),
            headers={
                "User-Agent": f"zkcollateral/{__version__}",
                # A compressed answer could be larger than what is counted.
                "Accept-Encoding": "identity",
            },
            timeout=timeout,
            # A redirect could lead the key to somebody else.
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def get(self, path: str, query: Query | None = None, *, max_bytes: int | None = None) -> Answer:
        """A GET request; see `call`."""
        return self.call("GET", path, query=query, max_bytes=max_bytes)

    def create(self, path: str, body: JsonValue) -> Answer:
        """A POST request that creates something, once however often it is repeated."""
        headers = {"Idempotency-Key": random_bytes(16).hex()}
        return self.call("POST", path, body=body, headers=headers, repeatable=True)

    def call(
        self,
        method: Method,
        path: str,
        *,
        query: Query | None = None,
        body: JsonValue | bytes = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """One request and its good answer.

        Args:
            method: of HTTP.
            path: below the address of the service, quoted.
            query: parameters; those that are None are left out.
            body: sent as JSON, unless None; bytes are JSON already.
            headers: further ones.
            repeatable: whether doing it twice does no more than once; by default not for POST.
            max_bytes: most bytes of the answer; by default those of this transport.

        Raises:
            ServiceUnavailable: no connection, or 429 or 5xx at the last try too.
            ServiceError: any other problem.
            UnusableAnswer: too large, damaged, or a redirect.
        """
        where = f"{method} {self.address}{path}"
        request = self._request(method, path, query, body, headers or {})
        repeatable = method != "POST" if repeatable is None else repeatable
        tries = 1 + (self._retries if repeatable else 0)
        for attempt in range(tries):
            try:
                return self._once(request, where, max_bytes or self._max_bytes)
            except ServiceUnavailable as error:
                asked = error.retry_after
                final = attempt + 1 == tries or error.status not in {None, *_REPEATED}
                if final or (asked is not None and asked > LONGEST_WAIT):
                    raise
                time.sleep(backoff(attempt, asked))
        raise ServiceUnavailable(where, "it was not tried")

    @contextmanager
    def stream(
        self, path: str, headers: Mapping[str, str], *, silence: float
    ) -> Iterator[tuple[str, Iterator[bytes]]]:
        """A GET request whose answer does not end: its media type, and its pieces as they come.

        Args:
            path: below the address of the service.
            headers: further ones.
            silence: the longest pause between two pieces, in seconds.

        Raises:
            As `call`, but nothing is repeated; ServiceUnavailable also later, from the pieces.
        """
        where = f"GET {self.address}{path}"
        request = self._request("GET", path, None, None, headers)
        limits = httpx.Timeout(self._timeout, read=silence)
        request.extensions = {**request.extensions, "timeout": limits.as_dict()}
        with self._answer(request, where) as response:
            media_type = response.headers.get("content-type", "").partition(";")[0].strip()
            yield media_type.lower(), _pieces(response, where)

    def _request(
        self,
        method: Method,
        path: str,
        query: Query | None,
        body: JsonValue | bytes,
        headers: Mapping[str, str],
    ) -> httpx.Request:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        fields: dict[str, Any] = {"params": given} if given else {}
        if body is not None:
            fields["content"] = body if isinstance(body, bytes) else canonical_bytes(body)
            headers = {**headers, "Content-Type": "application/json"}
        return self._http.build_request(
            method, f"{self.address}{path}", headers=dict(headers), **fields
        )

    def _once(self, request: httpx.Request, where: str, max_bytes: int) -> Answer:
        with self._answer(request, where) as response:
            content = _body(response, where, max_bytes, self._timeout)
            return Answer(where, response.status_code, content)

    @contextmanager
    def _answer(self, request: httpx.Request, where: str) -> Iterator[httpx.Response]:
        """A good answer whose body is still to be read; any other one is raised."""
        # Errors of httpx hold the request, and that holds the key.
        try:
            response = self._http.send(request, stream=True)
        except httpx.HTTPError as error:
            reason = _reason(error)
        else:
            with closing(response):
                if not response.is_success:
                    raise self._problem(response, where)
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise UnusableAnswer(
                        where, "an encoding that was not asked for", status=response.status_code
                    )
                yield response
            return
        raise ServiceUnavailable(where, reason)

    def _problem(self, response: httpx.Response, where: str) -> ServiceError:
        status = response.status_code
        if response.has_redirect_location:
            return UnusableAnswer(where, "a redirect, which is not followed", status=status)
        content = _body(response, where, MAX_BYTES, self._timeout)
        return read_problem(status, response.headers, content, where)


def _body(response: httpx.Response, where: str, max_bytes: int, seconds: float) -> bytes:
    """All of an answer, if it is not too large and comes in time."""
    declared = response.headers.get("content-length", "")
    too_large = UnusableAnswer(where, f"more than {max_bytes} bytes", status=response.status_code)
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > max_bytes:
        raise too_large
    ends = time.monotonic() + seconds
    content = bytearray()
    for piece in _pieces(response, where):
        content += piece
        if len(content) > max_bytes:
            raise too_large
        if time.monotonic() > ends:
            raise ServiceUnavailable(where, f"the answer did not end within {seconds:g} s")
    return bytes(content)


def _pieces(response: httpx.Response, where: str) -> Iterator[bytes]:
    pieces = response.iter_raw()
    while True:
        try:
            piece = next(pieces, None)
        except (httpx.HTTPError, httpx.StreamError) as error:
            reason = _reason(error)
        else:
            if piece is None:
                return
            yield piece
            continue
        raise ServiceUnavailable(where, reason)


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx.ConnectError):
        return f"no connection ({_text(error)})"
    return f"the connection broke ({_text(error)})"


def _text(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]

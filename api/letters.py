"""An event as it is sent to a webhook, signed as "Standard Webhooks" 1.0.0 has it, and the sending.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx

from ..crypto.randomness import random_bytes
from ..risk.clock import format_time, now
from ..version import __version__
from .addresses import AddressError, read_url, resolve
from .events import Happened

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # what secrets begin with
MAX_ADDRESSES: Final = 3
"""Addresses of a host that are tried before it counts as unreachable."""

GONE: Final = 410


def new_secret() -> str:
    """A secret to sign with: 256 random bits."""
    return SECRET_PREFIX + base64.b64encode(random_bytes(32)).decode()


def signature(secret: str, id_: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`.

    Args:
        secret: as `new_secret` spells it.
        id_: of the message, without a full stop.
        timestamp: of the attempt, in seconds since 1970.
        body: as it is sent.
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    signed = f"{id_}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


@dataclass(frozen=True)
class Letter:
    """What is sent to a webhook about an event: at every attempt with the same id and body."""

    webhook: str
    event: int
    attempt: int
    url: str
    secret: str
    body: bytes

    def __repr__(self) -> str:
        return f"Letter({self.webhook!r}, {self.event}, attempt {self.attempt})"

    def headers(self, at: datetime) -> Mapping[str, str]:
        """The headers of an attempt at a time."""
        id_, timestamp = f"msg_{self.webhook}_{self.event}", int(at.timestamp())
        return {
            "Content-Type": "application/json",
            "User-Agent": f"zkcollateral/{__version__}",
            "Connection": "close",
            "webhook-id": id_,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self.secret, id_, timestamp, self.body),
        }


def body_of(event: Happened) -> bytes:
    """What is told of an event."""
    value = {
        "type": event.type,
        "timestamp": format_time(event.time),
        "id": str(event.id),
        "data": json.loads(event.data),
    }
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class Answer:
    """How an attempt ended.

    Args:
        delivered: whether the receiver has taken it: it answered 2xx.
        outcome: in a few words.
        gone: whether the receiver wants nothing more (410).
    """

    delivered: bool
    outcome: str
    gone: bool = False


def make_client() -> httpx.AsyncClient:
    """The client that sends letters."""
    return httpx.AsyncClient(
        # A proxy would resolve names itself, and what it then calls nobody has checked.
        trust_env=False,
        verify=httpx.create_ssl_context(trust_env=True),
        follow_redirects=False,
        # A connection belongs to an address, and its certificate was checked for one name only.
        limits=httpx.Limits(max_keepalive_connections=0),
        timeout=None,  # noqa: S113  # `send` bounds the whole attempt, also one that trickles in
    )


async def send(
    client: httpx.AsyncClient, letter: Letter, *, seconds: float, private: bool
) -> Answer:
    """Send a letter once.

    Args:
        seconds: for all of it, from the name server to the head of the answer.
        private: whether private addresses, and such without TLS, are allowed.
    """
    try:
        async with asyncio.timeout(seconds):
            status = await _post(client, letter, private)
    except TimeoutError:
        return Answer(False, f"no answer within {seconds:g} seconds")
    except AddressError as error:
        return Answer(False, str(error))
    except ssl.SSLError:
        return Answer(False, "the connection is not secure")
    except httpx.ConnectError as error:
        insecure = "certificate" in str(error).lower() or "ssl" in str(error).lower()
        return Answer(False, "the connection is not secure" if insecure else "no connection")
    except (httpx.HTTPError, OSError):
        return Answer(False, "the connection broke")
    return Answer(200 <= status < 300, f"answered {status}", gone=status == GONE)


async def _post(client: httpx.AsyncClient, letter: Letter, private: bool) -> int:
    url = read_url(letter.url, private=private)
    addresses = (await resolve(url, private=private))[:MAX_ADDRESSES]
    headers = {**letter.headers(now()), "Host": url.netloc.decode()}
    # The address that was checked is called; the name is only told, and held against the
    # certificate.
    extensions = {"sni_hostname": url.raw_host.decode()}
    for left, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
        to = url.copy_with(host=str(address))
        try:
            async with client.stream(
                "POST", to, content=letter.body, headers=headers, extensions=extensions
            ) as response:
                # Only whether it was taken matters: the answer's content is not read.
                return response.status_code
        except httpx.ConnectError:
            if not left:
                raise
    raise httpx.ConnectError("no address")

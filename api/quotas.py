"""How many requests somebody may make: per API key, per tenant of a token, or else per address.

A key counts only once it was found to be good: else every made-up key would have a quota of its
own. Every worker counts for itself.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time
from collections import Counter, OrderedDict
from typing import Final, TypeAlias

from limits import parse_many
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers
from starlette.types import Scope

from .access import Caller
from .problems import Problem
from .settings import Settings

FREE_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
MAX_COUNTED: Final = 50_000
"""Windows that are kept in memory; beyond that, those that began first are forgotten."""
MAX_CREDENTIALS: Final = 10_000

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class Quotas:
    """The requests of a process, counted.

    Args:
        settings: with the limits and the proxies.
    """

    def __init__(self, settings: Settings) -> None:
        self._proxies = settings.proxies
        self._limits = parse_many(settings.rate_limit)
        self._counts = FixedWindowRateLimiter(Windows(MAX_COUNTED))
        self._under_way: Counter[str] = Counter()
        self._known: OrderedDict[bytes, str] = OrderedDict()

    def admit(self, scope: Scope) -> Visit:
        """Let a request in, if its quota allows; its place is taken until its status is known.

        Raises:
            Problem: `too-many-requests`, which says when to come back.
        """
        visit = Visit(self, scope)
        if visit.free:
            return visit
        who = visit.who
        cost = self._under_way[who] + 1
        for limit in self._limits:
            if not self._counts.test(limit, who, cost=cost):
                reset, remaining = self._counts.get_window_stats(limit, who)
                # With some remaining, those that are under way stand before it.
                wait = 1 if remaining else math.ceil(reset - time.monotonic())
                raise Problem(
                    "too-many-requests",
                    f"at most {limit}",
                    headers={"Retry-After": str(max(wait, 1))},
                )
        self._under_way[who] = cost
        return visit

    def address(self, scope: Scope) -> str:
        """Where a request comes from: what the last proxy says that is trusted, and no further."""
        client = scope.get("client")
        found = _address(client[0]) if client else None
        if found is not None and self._trusts(found):
            given = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
            for text in reversed(given):
                hop = _address(text.strip())
                if hop is None:
                    break
                found = hop
                if not self._trusts(hop):
                    break
        return _network(found)

    def _trusts(self, address: _Address) -> bool:
        return any(address in network for network in self._proxies)

    def _identity(self, scope: Scope) -> tuple[bytes | None, str]:
        """The digest of the credentials, and who is to be counted."""
        given = Headers(scope=scope).get("authorization")
        digest = None if given is None else hashlib.sha256(given.encode()).digest()
        known = None if digest is None else self._known.get(digest)
        return digest, known or self.address(scope)

    def _leave(self, visit: Visit, status: int, caller: Caller | None) -> None:
        self._under_way[visit.who] -= 1
        if self._under_way[visit.who] <= 0:
            del self._under_way[visit.who]
        if caller is not None and visit.digest is not None:
            self._known[visit.digest] = visit.who = _name(visit.scope, caller)
            self._known.move_to_end(visit.digest)
            if len(self._known) > MAX_CREDENTIALS:
                self._known.popitem(last=False)
        elif status == 401 and visit.digest is not None:
            self._known.pop(visit.digest, None)
        if status < 500:
            for limit in self._limits:
                self._counts.hit(limit, visit.who)


class Visit:
    """The place of one request in a quota.

    Args:
        quotas: all of them.
        scope: of the request.
    """

    def __init__(self, quotas: Quotas, scope: Scope) -> None:
        self._quotas = quotas
        self._open = True
        self.scope = scope
        self.free = scope["path"] in FREE_PATHS
        self.digest, self.who = (None, "") if self.free else quotas._identity(scope)

    def end(self, status: int) -> None:
        """Count the request, once, and not if it ended in a fault of the service."""
        if self._open and not self.free:
            caller = self.scope.get("state", {}).get("caller")
            self._quotas._leave(self, status, caller)
        self._open = False


class Windows(Storage):
    """The counters of fixed windows, of which the oldest go when there are too many.

    Args:
        most: windows to keep.
    """

    STORAGE_SCHEME: list[str] | None = ["zkcollateral"]  # noqa: RUF012  # as the base has it

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        end, count = self._window(key)
        if not count:
            end = time.monotonic() + expiry
            self._windows.pop(key, None)
            while len(self._windows) >= self._most:
                self._windows.popitem(last=False)
        self._windows[key] = end, count + amount
        return count + amount

    def get(self, key: str) -> int:
        return self._window(key)[1]

    def get_expiry(self, key: str) -> float:
        return self._window(key)[0]

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    def __len__(self) -> int:
        return len(self._windows)

    def _window(self, key: str) -> tuple[float, int]:
        end, count = self._windows.get(key, (0.0, 0))
        now = time.monotonic()
        return (end, count) if end > now else (now, 0)


def _name(scope: Scope, caller: Caller) -> str:
    """Whose quota a caller uses: the key's own, or that of the tenant that a token names."""
    key = Headers(scope=scope).get("authorization", "").partition(" ")[2].strip()
    if key.startswith("zkc_"):
        return f"key:{key.split('_')[1]}"
    return f"tenant:{caller.tenant}"


def _address(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped


def _network(address: _Address | None) -> str:
    """An address; of IPv6 the network, as whoever has one address there has all of them."""
    if address is None:
        return "address:unknown"
    if address.version == 4:
        return f"address:{address}"
    return f"address:{ipaddress.IPv6Network((int(address), 64), strict=False)}"

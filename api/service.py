"""What one process of the service holds: settings, the store, and the machinery around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from ..crypto.srs import Srs
from .interning import Interning
from .settings import Settings
from .store.store import Store

if TYPE_CHECKING:
    from .feed import Feed
    from .intake import Intake
    from .metrics import Metrics
    from .tokens import Tokens


@dataclass
class Service:
    """One process of the service."""

    settings: Settings
    store: Store
    srs: Srs
    metrics: Metrics
    intake: Intake
    feed: Feed
    tokens: Tokens | None = field(default=None)
    """None without a configured issuer."""
    interning: Interning = field(default_factory=Interning)


def service_of(connection: HTTPConnection) -> Service:
    """The service that answers a request."""
    service: Service = connection.app.state.service
    return service

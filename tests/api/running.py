"""A service that really runs: uvicorn on a free loopback port, in a thread of the test."""

from __future__ import annotations

import copy
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from tests.world import World, srs
from zkcollateral.api.access import Scope, create_api_key
from zkcollateral.api.app import create_app
from zkcollateral.api.server import ServiceConfig
from zkcollateral.api.service import Service
from zkcollateral.api.serving import Server
from zkcollateral.api.settings import Settings
from zkcollateral.api.trust import add_key
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.prover.attestation import Holding, attest
from zkcollateral.risk.clock import now
from zkcollateral.verifier.trust import TrustedKey


def settings(folder: Path, database_url: str | None = None, **changes: Any) -> Settings:
    """Settings with everything in one folder; the environment is not asked."""
    fields: dict[str, Any] = {
        "database_url": database_url or f"sqlite:///{folder / 'service.db'}",
        "log_key": folder / "log.key",
        "rate_limit": "1000000/second",
    }
    return Settings.load(**{**fields, **changes})


@dataclass
class Running:
    """A running service, and HTTP clients of it."""

    app: FastAPI
    url: str

    @property
    def service(self) -> Service:
        found: Service = self.app.state.service
        return found

    def key(self, *scopes: Scope, tenant: str = "ops", name: str | None = None) -> str:
        """A new API key."""
        with self.service.store.write() as writer:
            _, key = create_api_key(writer.session, tenant, list(scopes), name)
        return key

    def client(
        self, *scopes: Scope, tenant: str = "ops", name: str | None = None, **options: Any
    ) -> httpx.Client:
        """A client with a new API key of these scopes; without scopes, one without a key."""
        headers = {}
        if scopes:
            headers["Authorization"] = f"Bearer {self.key(*scopes, tenant=tenant, name=name)}"
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, **options)


@contextmanager
def running(configured: Settings) -> Iterator[Running]:
    """Start a service with these settings, and stop it at the end."""
    app = create_app(configured)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = Server(ServiceConfig(app, configured))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started and thread.is_alive():
                thread.join(0.01)
            yield Running(app, f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join(30)


@dataclass
class Market(World):
    """A market around a service, dated now: registry and policy published, keys trusted."""

    service: Service | None = None
    at: datetime = field(default_factory=now)

    @classmethod
    def at_service(cls, running_service: Running, **changes: Any) -> Market:
        """A new market whose registry, policy and keys the service takes."""
        market = cls(service=running_service.service)
        market.policy_value.update(copy.deepcopy(changes))
        with running_service.client("admin") as admin:
            admin.post("/v1/registries", json=market.registry.to_json_value()).raise_for_status()
            admin.post("/v1/policies", json=market.policy.to_json_value()).raise_for_status()
        with running_service.service.store.write() as writer:
            for value in market.trust_value()["keys"]:
                add_key(writer, TrustedKey.model_validate(value))
        return market

    def trust_value(self) -> dict[str, Any]:
        value = super().trust_value()
        window = {
            "valid_from": (self.at - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "valid_until": (self.at + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        value["audience"] = None
        value["keys"] = [{**key, **window} for key in value["keys"]]
        return value

    def attestation(
        self, *holdings: Holding, at: datetime | None = None, **changes: Any
    ) -> Attestation:
        """An attestation of this moment, addressed to nobody in particular, without nonce."""
        at = at or now()
        prices = changes.pop("prices", None) or self.prices(at)
        request = self.request(
            *(holdings or (self.vouched(as_of=at),)),
            prices=prices,
            **{"audience": None, **changes},
        )
        return attest(request, srs(), issued=at)

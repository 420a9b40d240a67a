"""The market of these tests at a running service, and what its people do there over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from tests.api.running import Running, running, settings
from tests.cli.market import LENDER, load, policy, report, write
from zkcollateral.api.access import Scope
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.evidence import report_envelope
from zkcollateral.client.client import Client
from zkcollateral.crypto.checkpoint import VerifierKey
from zkcollateral.crypto.keyfile import read_signing_key
from zkcollateral.risk.clock import format_time, now
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.prices import PriceReport
from zkcollateral.risk.registry import Registry
from zkcollateral.verifier.trust import Trust

HOLDER = "holder"
ORACLES = ("oracle-a", "oracle-b")


@dataclass
class Served:
    """A service that knows the market in a folder."""

    running: Running
    folder: Path

    def key_file(self, *scopes: Scope, tenant: str = HOLDER, name: str | None = None) -> str:
        """A file with a new API key."""
        key = self.running.key(*scopes, tenant=tenant, name=name)
        path = self.folder / f"{tenant}-{'-'.join(scopes)}.api-key"
        path.write_text(f"{key}\n", encoding="utf-8")
        path.chmod(0o600)
        return path.name

    def client(self, *scopes: Scope, tenant: str = "ops", name: str | None = None) -> Client:
        """A client with a new API key."""
        return Client(self.running.url, self.running.key(*scopes, tenant=tenant, name=name))

    @property
    def policy(self) -> Policy:
        return Policy.from_json_value(load(self.folder / "policy.json"), "policy")

    @property
    def log_key(self) -> VerifierKey:
        key = self.running.service.store.signer.public
        return VerifierKey(key.name, key.key)

    def trust_log(self, name: str = "trust.json") -> None:
        """Put the log's key into the trust file, and its `public-key` document beside it."""
        public = self.running.service.store.signer.public
        write(self.folder / "log.pub", public.to_json_value())
        value = load(self.folder / name)
        key = {"role": "log", "name": public.name, "public_key": public.key.raw.hex()}
        write(self.folder / name, value | {"keys": [*value["keys"], {**value["keys"][0], **key}]})

    def round(self, btc: str = "64000.5", time: datetime | None = None) -> str:
        """Let both oracles report; the digest of the round."""
        for oracle in ORACLES:
            value = report(oracle, time=format_time(time or now()))
            value["prices"] = value["prices"] | {"BTC": btc}
            key = read_signing_key(self.folder / f"{oracle}.key").key
            envelope = report_envelope(PriceReport.from_json_value(value, "report"), key)
            with self.client("oracle", name=oracle) as client:
                client.price_rounds.post(envelope)
        with self.client("auditor") as client:
            return document_digest(client.price_rounds.latest(document_digest(self.policy)).round)


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """A service with the folder's registry and policy, which trusts the keys of its trust file."""
    (folder / "service").mkdir(exist_ok=True)
    configured = settings(folder / "service", audience=LENDER)
    # It writes its log to the same standard error as the commands under test.
    with running(configured) as service, structlog.testing.capture_logs():
        place = Served(service, folder)
        with place.client("admin") as admin:
            registry = Registry.from_json_value(load(folder / "registry.json"), "registry")
            admin.registries.publish(registry)
            admin.policies.publish(place.policy)
            for key in Trust.from_json_value(load(folder / "trust.json"), "trust").keys:
                admin.trust.add(key)
        yield place


def short_lived(folder: Path, seconds: int) -> None:
    """Another policy for the market, under which prices count for a few seconds."""
    oracle = {"quorum": "2", "max_age_seconds": str(seconds), "max_deviation": "0.02"}
    value = policy(oracle=oracle, name="short")
    write(folder / "policy.json", value)
    trust = load(folder / "trust.json")
    digest = document_digest(Policy.from_json_value(value, "policy"))
    write(folder / "trust.json", trust | {"policies": [digest]})

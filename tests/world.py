"""A whole little market for tests: a registry, a policy, two oracles, three venues and a verifier.

Everything is built through the public functions; what a test wants to be wrong it changes itself.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.evidence import (
    CommitmentDocument,
    SignedRound,
    make_signed_round,
    report_envelope,
)
from zkcollateral.crypto.commitment import Opening
from zkcollateral.crypto.envelope import Envelope
from zkcollateral.crypto.select import arithmetic
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.crypto.srs import Srs, ceremony
from zkcollateral.prover.attestation import Holding, Request, attest
from zkcollateral.prover.vouching import vouch
from zkcollateral.risk.clock import format_time
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.portfolio import Portfolio
from zkcollateral.risk.prices import PriceReport
from zkcollateral.risk.registry import Registry
from zkcollateral.verifier.attestation import verify_attestation
from zkcollateral.verifier.examination import Expectation
from zkcollateral.verifier.report import Report
from zkcollateral.verifier.trust import Trust

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
LENDER = "lender-7"

REGISTRY: dict[str, Any] = {
    "format": "zkcollateral/registry/1",
    "name": "venue-assets",
    "slots": "8",
    "assets": [
        {"slot": "0", "symbol": "BTC", "unit": "-8", "side": "collateral"},
        {"slot": "1", "symbol": "ETH", "unit": "-8", "side": "collateral"},
        {"slot": "2", "symbol": "DUST", "unit": "-2", "side": "collateral"},
        {"slot": "4", "symbol": "USDC", "unit": "-6", "side": "debt"},
        {"slot": "5", "symbol": "BTC", "unit": "-8", "side": "debt"},
        {"slot": "6", "symbol": "ETH-PERP", "unit": "-4", "side": "signed"},
    ],
}

POLICY: dict[str, Any] = {
    "format": "zkcollateral/policy/1",
    "name": "prime",
    "registry": "",
    "quote": "USD",
    "ratio": "1.25",
    "factors": {
        "collateral": {"BTC": "0.85", "ETH": "0.8"},
        "debt": {"USDC": "1", "BTC": "1.05"},
        "signed": {"ETH-PERP": {"long": "0.9", "short": "1.1"}},
    },
    "value_decimals": None,
    "oracle": {"quorum": "2", "max_age_seconds": "600", "max_deviation": "0.02"},
    "commitments": {
        "max_age_seconds": "86400",
        "max_summands": "3",
        "max_apart_seconds": "172800",
        "unvouched": True,
    },
    "profile": "balanced",
    "claims": {
        "maintenance": {"type": "maintenance"},
        "crash": {
            "type": "stress",
            "scenarios": [
                {"name": "now", "shocks": {}},
                {"name": "crash", "shocks": {"BTC": "-0.3", "ETH": "-0.4"}},
            ],
        },
        "survives-20": {"type": "survives", "assets": ["BTC", "ETH"], "fall": "0.2"},
    },
}

PRICES = {"BTC": "64000.5", "ETH": "3000", "USDC": "1", "ETH-PERP": "3001.25"}

PORTFOLIO: dict[str, Any] = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-1",
    "collateral": {"BTC": "1.5", "ETH": "10"},
    "debt": {"USDC": "20000"},
    "signed": {"ETH-PERP": "-2.5"},
}


@cache
def srs() -> Srs:
    """The ceremony in the best arithmetic there is."""
    return ceremony(arithmetic())


@dataclass
class World:
    """Documents and keys, valid together until a test changes one of them."""

    registry: Registry = field(
        default_factory=lambda: Registry.from_json_value(REGISTRY, "registry")
    )
    policy_value: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(POLICY))
    oracles: dict[str, SigningKey] = field(
        default_factory=lambda: {name: SigningKey.generate() for name in ("north", "south")}
    )
    venues: dict[str, SigningKey] = field(
        default_factory=lambda: {name: SigningKey.generate() for name in ("bank", "desk", "vault")}
    )

    @property
    def policy(self) -> Policy:
        value = {**self.policy_value, "registry": document_digest(self.registry)}
        return Policy.from_json_value(value, "policy")

    def report(
        self,
        oracle: str,
        time: datetime = NOW,
        prices: dict[str, str] | None = None,
        key: SigningKey | None = None,
    ) -> Envelope:
        value = {
            "format": "zkcollateral/price-report/1",
            "oracle": oracle,
            "time": format_time(time),
            "quote": "USD",
            "prices": prices or PRICES,
        }
        report = PriceReport.from_json_value(value, "report")
        return report_envelope(report, key or self.oracles[oracle])

    def prices(self, time: datetime = NOW) -> SignedRound:
        return make_signed_round([self.report(name, time) for name in self.oracles], self.policy)

    def opening(self, portfolio: dict[str, Any] | None = None) -> Opening:
        document = Portfolio.from_json_value(portfolio or PORTFOLIO, "portfolio")
        return Opening.fresh(document.amounts(self.registry))

    def commitment(self, opening: Opening, account: str = "acct-1") -> CommitmentDocument:
        return CommitmentDocument(
            account=account,
            registry=document_digest(self.registry),
            slots=self.registry.slots,
            commitment=bytes(opening.commit(srs())).hex(),
        )

    def vouched(
        self,
        venue: str = "bank",
        opening: Opening | None = None,
        *,
        account: str = "acct-1",
        as_of: datetime = NOW,
        key: SigningKey | None = None,
    ) -> Holding:
        opening = opening or self.opening()
        envelope = vouch(
            self.commitment(opening, account),
            opening,
            self.registry,
            key or self.venues[venue],
            srs(),
            as_of=as_of,
        )
        return Holding(opening, envelope)

    def unvouched(self, opening: Opening | None = None) -> Holding:
        opening = opening or self.opening()
        return Holding(opening, self.commitment(opening))

    def request(self, *holdings: Holding, claim: str = "maintenance", **changes: Any) -> Request:
        fields: dict[str, Any] = {
            "claim": claim,
            "policy": self.policy,
            "registry": self.registry,
            "prices": changes.pop("prices", None) or self.prices(),
            "holdings": holdings or (self.vouched(),),
            "audience": LENDER,
        }
        return Request(**{**fields, **changes})

    def attest(self, *holdings: Holding, issued: datetime = NOW, **changes: Any) -> Attestation:
        return attest(self.request(*holdings, **changes), srs(), issued=issued)

    def trust_value(self) -> dict[str, Any]:
        keys = [("oracle", name, key) for name, key in self.oracles.items()]
        keys += [("custodian", name, key) for name, key in self.venues.items()]
        return {
            "format": "zkcollateral/trust/1",
            "audience": LENDER,
            "policies": [document_digest(self.policy)],
            "keys": [
                {
                    "role": role,
                    "name": name,
                    "public_key": key.public.raw.hex(),
                    "valid_from": format_time(NOW - timedelta(days=30)),
                    "valid_until": format_time(NOW + timedelta(days=30)),
                }
                for role, name, key in keys
            ],
        }

    def trust(self, change: Callable[[dict[str, Any]], None] | None = None) -> Trust:
        value = self.trust_value()
        if change is not None:
            change(value)
        return Trust.from_json_value(value, "trust")

    def verify(
        self,
        attestation: Attestation,
        *,
        trust: Trust | None = None,
        at: datetime = NOW,
        audience: str | None = None,
        nonce: str | None = None,
        claim: str | None = None,
    ) -> Report:
        expectation = Expectation(at, audience, nonce, claim)
        return verify_attestation(attestation, trust or self.trust(), srs(), expectation)


def altered(attestation: Attestation, *path: str | int, to: Any) -> Attestation:
    """The attestation with one place of its JSON changed, everything else as it was."""
    value = copy.deepcopy(attestation.to_json_value())
    here: Any = value
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = to
    return Attestation.from_json_value(value, "attestation")


def failed(report: Report) -> set[str]:
    """The names of the checks that failed."""
    return {check.name for check in report.failed}

"""What is submitted: attestations made beforehand, and those that must be refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.evidence import CommitmentDocument, make_signed_round, report_envelope
from zkcollateral.crypto.commitment import Opening
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.crypto.srs import Srs
from zkcollateral.prover.attestation import Holding, Request, attest_many
from zkcollateral.prover.vouching import vouch
from zkcollateral.risk.clock import format_time, now
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.portfolio import Portfolio
from zkcollateral.risk.prices import PriceReport
from zkcollateral.risk.registry import Registry
from zkcollateral.verifier.trust import Trust

REGISTRY: dict[str, Any] = {
    "format": "zkcollateral/registry/1",
    "name": "venue-assets",
    "slots": "16",
    "assets": [
        {"slot": "0", "symbol": "BTC", "unit": "-8", "side": "collateral"},
        {"slot": "1", "symbol": "ETH", "unit": "-8", "side": "collateral"},
        {"slot": "2", "symbol": "SOL", "unit": "-8", "side": "collateral"},
        {"slot": "8", "symbol": "USDC", "unit": "-6", "side": "debt"},
        {"slot": "9", "symbol": "DAI", "unit": "-8", "side": "debt"},
    ],
}
PRICES = {"BTC": "64000.5", "ETH": "3000", "SOL": "148.2", "USDC": "1", "DAI": "1.0001"}
HOURS = 6

_FACTORS = {
    "collateral": {"BTC": "0.85", "ETH": "0.8", "SOL": "0.7"},
    "debt": {"USDC": "1", "DAI": "1"},
    "signed": {},
}


def policy_of(registry: Registry) -> Policy:
    """A lender's policy; prices last for the whole run."""
    value = {
        "format": "zkcollateral/policy/1",
        "name": "prime",
        "registry": document_digest(registry),
        "quote": "USD",
        "ratio": "1.25",
        "factors": _FACTORS,
        "value_decimals": None,
        "oracle": {"quorum": "2", "max_age_seconds": str(3600 * HOURS), "max_deviation": "0.02"},
        "commitments": {
            "max_age_seconds": str(3600 * HOURS),
            "max_summands": "3",
            "max_apart_seconds": "3600",
            "unvouched": False,
        },
        "profile": "balanced",
        "claims": {"maintenance": {"type": "maintenance"}},
    }
    return Policy.from_json_value(value, "policy")


@dataclass
class Stock:
    """A market, and attestations from it, each about an account of its own."""

    srs: Srs
    at: datetime = field(default_factory=now)
    registry: Registry = field(
        default_factory=lambda: Registry.from_json_value(REGISTRY, "registry")
    )
    oracles: dict[str, SigningKey] = field(
        default_factory=lambda: {name: SigningKey.generate() for name in ("north", "south")}
    )
    bank: SigningKey = field(default_factory=SigningKey.generate)

    def __post_init__(self) -> None:
        self.policy = policy_of(self.registry)
        reports = []
        for name, key in self.oracles.items():
            value = {
                "format": "zkcollateral/price-report/1",
                "oracle": name,
                "time": format_time(self.at),
                "quote": "USD",
                "prices": PRICES,
            }
            reports.append(report_envelope(PriceReport.from_json_value(value, "report"), key))
        self.prices = make_signed_round(reports, self.policy)
        self._accounts = count()

    def trust_value(self) -> dict[str, Any]:
        """A trust file that takes everything here."""
        keys = [("oracle", name, key) for name, key in self.oracles.items()]
        return {
            "format": "zkcollateral/trust/1",
            "audience": None,
            "policies": [document_digest(self.policy)],
            "keys": [
                {
                    "role": role,
                    "name": name,
                    "public_key": key.public.raw.hex(),
                    "valid_from": format_time(self.at - timedelta(days=1)),
                    "valid_until": format_time(self.at + timedelta(days=1)),
                }
                for role, name, key in [*keys, ("custodian", "bank", self.bank)]
            ],
        }

    def trust(self) -> Trust:
        """The same, read."""
        return Trust.from_json_value(self.trust_value(), "trust")

    def attestations(
        self, number: int, done: Callable[[int], None], *, expires_in: int | None = None
    ) -> Iterator[bytes]:
        """So many attestations as JSON, in no time that anybody measures."""
        for start in range(0, number, 200):
            requests = [self._request(expires_in) for _ in range(min(200, number - start))]
            for attestation in attest_many(requests, self.srs):
                yield json.dumps(attestation.to_json_value(), separators=(",", ":")).encode()
            done(len(requests))

    def _request(self, expires_in: int | None) -> Request:
        number = next(self._accounts)
        portfolio = {
            "format": "zkcollateral/portfolio/1",
            "account": f"account-{number}",
            "collateral": {"BTC": f"1.{number % 1000:03d}1", "SOL": str(number % 700)},
            "debt": {"USDC": str(10_000 + number % 9_000), "DAI": "12.5"},
            "signed": {},
        }
        document = Portfolio.from_json_value(portfolio, "portfolio")
        opening = Opening.fresh(document.amounts(self.registry))
        commitment = CommitmentDocument(
            account=f"account-{number}",
            registry=document_digest(self.registry),
            slots=self.registry.slots,
            commitment=bytes(opening.commit(self.srs)).hex(),
        )
        envelope = vouch(commitment, opening, self.registry, self.bank, self.srs, as_of=self.at)
        return Request(
            "maintenance",
            self.policy,
            self.registry,
            self.prices,
            (Holding(opening, envelope),),
            expires_in=expires_in,
        )

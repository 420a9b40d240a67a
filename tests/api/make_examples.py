"""Writes api/examples.json anew: real documents, signed and proved with keys that are then lost.

    python -m tests.api.make_examples

Run it when a format changes; `tests/api/test_openapi.py` says whether the examples still hold.
"""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.world import NOW, World, srs
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.evidence import make_signed_round
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.crypto.checkpoint import Checkpoint, sign_checkpoint
from zkcollateral.crypto.merkle import Tree, leaf_hash
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.prover.attestation import attest
from zkcollateral.risk.clock import format_time
from zkcollateral.risk.registry import Registry
from zkcollateral.verifier.bundle import Bundle, Inclusion
from zkcollateral.verifier.entries import AttestationEntry, PublicationEntry

FILE = Path(__file__).resolve().parents[2] / "api" / "examples.json"
ORIGIN = "zkcollateral.local/log"

REGISTRY: dict[str, Any] = {
    "format": "zkcollateral/registry/1",
    "name": "venue-assets",
    "slots": "4",
    "assets": [
        {"slot": "0", "symbol": "BTC", "unit": "-8", "side": "collateral"},
        {"slot": "1", "symbol": "ETH", "unit": "-8", "side": "collateral"},
        {"slot": "2", "symbol": "USDC", "unit": "-6", "side": "debt"},
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
        "debt": {"USDC": "1"},
        "signed": {},
    },
    "value_decimals": None,
    "oracle": {"quorum": "2", "max_age_seconds": "600", "max_deviation": "0.02"},
    "commitments": {
        "max_age_seconds": "86400",
        "max_summands": "4",
        "max_apart_seconds": "86400",
        "unvouched": False,
    },
    "profile": "balanced",
    "claims": {
        "maintenance": {"type": "maintenance"},
        "crash": {
            "type": "stress",
            "scenarios": [{"name": "2020-03-12", "shocks": {"BTC": "-0.39", "ETH": "-0.44"}}],
        },
    },
    "liquidation": {
        "ratio": "1.1",
        "penalty": "0.08",
        "protocol_share": "0.1",
        "close_factor": "0.5",
        "close_all_below": "0.95",
        "minimum": "1000",
    },
}
PRICES = {"BTC": "64000.5", "ETH": "3000", "USDC": "1"}
PORTFOLIO: dict[str, Any] = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-17",
    "collateral": {"BTC": "1.5", "ETH": "10"},
    "debt": {"USDC": "40000"},
    "signed": {},
}


def documents() -> dict[str, Any]:
    """The documents by name."""
    world = World(
        registry=Registry.from_json_value(REGISTRY, "registry"),
        policy_value=POLICY,
        oracles={name: SigningKey.generate() for name in ("oracle-a", "oracle-b")},
        venues={"custodian-a": SigningKey.generate()},
    )
    reports = [world.report(name, NOW, PRICES) for name in world.oracles]
    holding = world.vouched("custodian-a", world.opening(PORTFOLIO), account="acct-17")
    request = world.request(holding, prices=make_signed_round(reports, world.policy), audience=None)
    attestation = attest(request, srs(), issued=NOW)
    entry = AttestationEntry(id=attestation.identity, digest=document_digest(attestation), time=NOW)
    before = PublicationEntry(
        kind="policy", digest=document_digest(world.policy), name="prime", time=NOW
    )
    first, second = (leaf_hash(canonical_bytes(each.to_json_value())) for each in (before, entry))
    tree, _ = Tree().append([first, second])
    log_key = SigningKey.generate()
    note = sign_checkpoint(Checkpoint(ORIGIN, tree.size, tree.root()), log_key)
    bundle = Bundle(
        attestation=attestation,
        log=Inclusion(
            index=1,
            entry=entry,
            proof=(base64.b64encode(first).decode(),),
            checkpoint=note.decode(),
        ),
    )
    window = {
        "valid_from": format_time(NOW - timedelta(days=30)),
        "valid_until": format_time(NOW + timedelta(days=335)),
    }
    keys = [("log", ORIGIN, log_key)]
    keys += [("oracle", name, key) for name, key in world.oracles.items()]
    keys += [("custodian", name, key) for name, key in world.venues.items()]
    return {
        "registry": REGISTRY,
        "policy": world.policy.to_json_value(),
        "portfolio": PORTFOLIO,
        "round": attestation.prices.round.to_json_value(),
        "report": reports[0].to_json_value(),
        "vouch": attestation.to_json_value()["vouchers"][0],
        "keys": [
            {"role": role, "name": name, "public_key": key.public.raw.hex(), **window}
            for role, name, key in keys
        ],
        "bundle": bundle.to_json_value(),
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(documents(), indent=1) + "\n", encoding="utf-8")

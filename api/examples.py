"""Examples of request bodies, for the OpenAPI document."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

_FROZEN: Final[dict[str, Any]] = json.loads(
    files(__package__).joinpath("examples.json").read_text(encoding="utf-8")
)
"""Real documents; `tests/api/make_examples.py` made them."""

REGISTRY: Final[dict[str, Any]] = _FROZEN["registry"]
POLICY: Final[dict[str, Any]] = _FROZEN["policy"]
REPORT: Final[dict[str, Any]] = _FROZEN["report"]
"""A price report, signed."""
VOUCH: Final[dict[str, Any]] = _FROZEN["vouch"]
"""A vouched commitment, signed."""
KEYS: Final[list[dict[str, Any]]] = _FROZEN["keys"]
"""Those that signed, the log's first."""
BUNDLE: Final[dict[str, Any]] = _FROZEN["bundle"]
ATTESTATION: Final[dict[str, Any]] = BUNDLE["attestation"]
TO_VERIFY: Final[dict[str, Any]] = {"bundle": BUNDLE, "at": ATTESTATION["claim"]["issued"]}

RISK_QUESTION: Final[dict[str, Any]] = {
    "portfolio": _FROZEN["portfolio"],
    "policy": POLICY,
    "registry": REGISTRY,
    "prices": _FROZEN["round"],
}
STRESS_QUESTION: Final[dict[str, Any]] = {**RISK_QUESTION, "claim": "crash"}
LIQUIDATION_QUESTION: Final[dict[str, Any]] = {
    **RISK_QUESTION,
    "shocks": {"BTC": "-0.7", "ETH": "-0.7"},
}
BREACH_QUESTION: Final[dict[str, Any]] = {
    **RISK_QUESTION,
    "scenarios": [{"name": "btc-30", "shocks": {"BTC": "-0.3"}}],
}
REVOCATION: Final[dict[str, Any]] = {"reason": "key of the custodian was lost"}
AUDIT: Final[dict[str, Any]] = {
    "prover": "holder",
    "policy": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "claim": "maintenance",
    "deadline": "2026-01-31T12:30:00Z",
    "max_attempts": "3",
}
REFUSAL: Final[dict[str, Any]] = {"reason": "the position was closed last week"}
TRUSTED_KEY: Final[dict[str, Any]] = {
    "role": "oracle",
    "name": "oracle-a",
    "public_key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_until": "2027-01-01T00:00:00Z",
}
RETIREMENT: Final[dict[str, Any]] = {
    "until": "2026-01-31T11:45:00Z",
    "reason": "a copy of the key was found",
}
API_KEY: Final[dict[str, Any]] = {
    "tenant": "north-oracle",
    "scopes": ["oracle"],
    "name": "oracle-a",
}
WEBHOOK: Final[dict[str, Any]] = {
    "url": "https://hooks.example.org/collateral",
    "types": ["attestation.accepted", "coverage.lost"],
}

"""What must fail: an untrue claim, an attestation that was changed, one that was replayed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ..crypto.files import read_json
from . import data
from .session import DemoError, Session

GENUINE = "attestations/maintenance.json"
GENERATOR = (
    "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58"
    "6c55e83ff97a1aeffb3af00adb22c6bb"
)
NONCE = ("--nonce", "challenge-maintenance")


def try_failures(session: Session) -> list[dict[str, Any]]:
    """Try everything that must fail.

    Returns:
        For every attempt: `attempt`, `status`, and `failed` checks or the `error`.

    Raises:
        DemoError: one of them did not fail, or left an attestation behind.
    """
    session.say("  an account with too little collateral:")
    outcomes = [_prove_the_untrue(session)]
    session.say("  attestations that were changed after proving:")
    outcomes += [_verify_changed(session, *change) for change in CHANGES]
    session.say("  a genuine attestation shown to another lender:")
    outcomes.append(_replay(session))
    return outcomes


def _prove_the_untrue(session: Session) -> dict[str, Any]:
    key = f"keys/{data.BRITTLE_VENUE}.key"
    portfolio = session.write("brittle/portfolio.json", data.BRITTLE, secret=True)
    opening = ("--opening", "brittle/opening.json")
    session.command(
        *("commit", portfolio, "--registry", "registry.json"),
        *("--out", "brittle/commitment.json", *opening),
    )
    session.command(
        *("vouch", "brittle/commitment.json", *opening, "--key", key),
        *("--out", "brittle/vouched.json"),
    )
    out = "brittle/attestation.json"
    refused = session.command(
        *("prove", *opening, "--commitment", "brittle/vouched.json", "--policy", "policy.json"),
        *("--claim", "maintenance", "--prices", "round.json", "--audience", data.LENDER),
        *("--out", out),
        expect=1,
    )
    if (session.folder / out).exists():
        raise DemoError("demo: expected no attestation of an untrue claim, got a file")
    session.say(f"    {refused['error']}")
    session.say(f"    exit status 1, and {out} was not written")
    return {
        "attempt": "prove maintenance of an under-collateralized account",
        "status": refused["status"],
        "error": refused["error"],
    }


def _set_ratio(attestation: dict[str, Any]) -> None:
    attestation["policy"]["ratio"] = "1.05"


def _set_price(attestation: dict[str, Any]) -> None:
    attestation["prices"]["round"]["prices"]["BTC"] = "94000"


def _set_audience(attestation: dict[str, Any]) -> None:
    attestation["claim"]["audience"] = data.OTHER_LENDER


def _set_account(attestation: dict[str, Any]) -> None:
    # The curve's generator: a valid commitment to something else, under the first voucher's word.
    commitments = attestation["claim"]["accounts"][0]["commitments"]
    commitments[0]["commitment"] = GENERATOR


def _set_proof(attestation: dict[str, Any]) -> None:
    proof = attestation["proof"]
    attestation["proof"] = proof[:-1] + ("0" if proof[-1] != "0" else "1")


CHANGES: tuple[tuple[str, str, Callable[[dict[str, Any]], None], set[str]], ...] = (
    (
        "ratio",
        "the policy's ratio lowered to 1.05",
        _set_ratio,
        {"format", "policy", "statement", "proof"},
    ),
    (
        "price",
        "the round's price of BTC raised to 94000",
        _set_price,
        {"format", "oracle_quorum", "statement", "proof"},
    ),
    ("audience", "addressed to another lender", _set_audience, {"audience", "proof"}),
    (
        "account",
        "another commitment in the place of a signed one",
        _set_account,
        {"custodian_signature", "proof"},
    ),
    ("proof", "the last digit of the proof", _set_proof, {"proof"}),
)


def _verify_changed(
    session: Session,
    name: str,
    what: str,
    change: Callable[[dict[str, Any]], None],
    expected: set[str],
) -> dict[str, Any]:
    value = copy.deepcopy(read_json(session.folder / GENUINE))
    if not isinstance(value, dict):
        raise DemoError("demo: expected an attestation, got another document")
    change(value)
    changed = session.write(f"changed/{name}.json", value)
    report = session.command("verify", changed, "--trust", "trust.json", *NONCE, expect=1)
    return _failed(report, what, expected)


def _replay(session: Session) -> dict[str, Any]:
    keys: list[str] = []
    for name in (*data.VENUES, *data.ORACLES):
        keys += ["--key", f"keys/{name}.pub"]
    other = ("--audience", data.OTHER_LENDER, "--out", "other-lender/trust.json")
    session.command("trust", *keys, "--policy", "policy.json", *other)
    report = session.command("verify", GENUINE, "--trust", "other-lender/trust.json", expect=1)
    return _failed(report, f"shown to {data.OTHER_LENDER} instead of {data.LENDER}", {"audience"})


def _failed(report: dict[str, Any], attempt: str, expected: set[str]) -> dict[str, Any]:
    failed = {check["name"]: check["reason"] for check in report["checks"] if not check["passed"]}
    if not expected <= set(failed):
        raise DemoError(
            f"demo: {attempt}: expected the checks {sorted(expected)} to fail, got {sorted(failed)}"
        )
    return {"attempt": attempt, "status": report["status"], "failed": failed}

"""The tables of the demonstration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import data
from .session import Session

Claims = Mapping[str, Mapping[str, Any]]


def commitments(session: Session, seconds: Sequence[float]) -> None:
    """How long the commitments took."""
    each = ", ".join(map(_milliseconds, seconds))
    session.say(f"  committing took {each}")


def proved(session: Session, made: Mapping[str, Any]) -> None:
    """Size and time of one proof."""
    took = _milliseconds(made["seconds"])
    session.say(f"    {made['proof_bytes']} bytes of proof, made and checked in {took}")


def checks(session: Session, made: Sequence[Mapping[str, Any]]) -> None:
    """Every check of one attestation."""
    session.table(
        ("check", "result", "reason"),
        [
            (check["name"], "passed" if check["passed"] else "failed", check["reason"])
            for check in made
        ],
        f"The lender's checks of {data.CLAIMS[0][0]}",
    )


def measurements(session: Session, claims: Claims) -> None:
    """Sizes and times of every claim."""
    session.say()
    size = next(iter(claims.values()))["batch"]["size"]
    session.table(
        ("claim", "proof", "attestation", "prove", "verify", f"verify, in a batch of {size}"),
        [
            (
                f"{name} ({result['type']})" if name != result["type"] else name,
                f"{result['proof_bytes']} bytes",
                f"{result['attestation_bytes']} bytes",
                _milliseconds(result["seconds"]),
                _milliseconds(result["verify_seconds"]),
                f"{_milliseconds(result['batch']['seconds_each'])} each",
            )
            for name, result in claims.items()
        ],
        f"Sizes and times ({session.arithmetic} arithmetic, each measured in this run)",
    )
    session.say("the first proof of a process also prepares the reference string")


def public_and_private(session: Session, claims: Claims) -> None:
    """What a reader of the attestations learns, and what not."""
    proofs = sum(result["proof_bytes"] for result in claims.values())
    assets = {asset["symbol"] for asset in data.REGISTRY["assets"]}
    session.say()
    session.table(
        ("public: in the attestations", "private: stays with the holder and each venue"),
        [
            (
                f"the registry: {len(assets)} assets that an account may hold",
                "which of them the holder has or owes, and how much",
            ),
            (
                "the policies: factors, ratios, scenarios and claims",
                "value, debt and ratio of the account, and by how much each claim holds",
            ),
            (
                f"{len(data.VENUES)} commitments of 48 bytes, with account names and as-of times",
                "the amounts and blinders that open them",
            ),
            (
                f"that {', '.join(data.VENUES)} vouch for them",
                "what is at which venue; no venue sees another's part",
            ),
            ("prices, and the two oracles that signed them", "all keys that sign"),
            (f"four proofs, {proofs} bytes together", "everything the proofs were made from"),
            ("that each claim is true, for whom and until when", "anything else about the account"),
        ],
        "What is public and what stays private",
    )


def failures(session: Session, tried: Sequence[Mapping[str, Any]]) -> None:
    """What was tried and which checks stopped it."""
    session.say()
    session.table(
        ("attempt", "exit status", "stopped by", "because"),
        [row for failure in tried for row in _failure_rows(failure)],
        "What must fail",
    )


def _failure_rows(failure: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    reasons = failure.get("failed") or {"prove": failure["error"].removeprefix("error: ")}
    attempt, status = failure["attempt"], str(failure["status"])
    rows = []
    for name, reason in reasons.items():
        rows.append((attempt, status, name, reason))
        attempt, status = "", ""
    return rows


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"

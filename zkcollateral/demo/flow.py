"""The demonstration, step by step: first what works, then what must fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from ..circuits.claim import document_digest
from ..risk.clock import format_time, now
from ..risk.registry import Registry
from . import data, show
from .batch import time_batches
from .failures import try_failures
from .session import Session


@dataclass
class Results:
    """What was measured, each number in one real run."""

    commit_seconds: list[float] = field(default_factory=list)
    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)


def demonstrate(session: Session) -> dict[str, Any]:
    """Run all of it in the session's folder.

    Returns:
        The measurements, for programs.

    Raises:
        DemoError: a step ended otherwise than it should.
    """
    started = perf_counter()
    results = Results()
    session.say("zkcollateral demo: holder, venues, oracles, prices and scenarios are synthetic;")
    session.say("keys, commitments, signatures and proofs are real")
    session.say(f"arithmetic: {session.arithmetic}")
    session.say(f"files: {session.folder}")
    steps: tuple[tuple[str, Callable[[Session, Results], None]], ...] = (
        ("Registry, policies, portfolios and prices are files", _write_documents),
        ("Venues and oracles make keys; the lender writes its trust file", _make_keys),
        ("The holder commits to its account at each venue; the venue checks and signs", _commit),
        ("Two oracles sign prices; their median is the price round", _sign_prices),
        ("The holder adds commitments up, and proves four claims to the lender", _prove),
        ("The lender checks them offline, one by one and in batches", _verify),
        ("What must fail, fails", _fail),
    )
    for number, (title, step) in enumerate(steps, 1):
        session.say()
        session.say(f"{number}. {title}")
        step(session, results)
    seconds = perf_counter() - started
    session.say()
    session.say(f"All as it should be, in {seconds:.1f} s. The files are in {session.folder}")
    return {
        "directory": str(session.folder),
        "arithmetic": session.arithmetic,
        "commit_seconds": results.commit_seconds,
        "claims": results.claims,
        "failures": results.failures,
        "commands": session.commands,
        "seconds": round(seconds, 3),
    }


def _write_documents(session: Session, _: Results) -> None:
    digest = document_digest(Registry.from_json_value(data.REGISTRY, "registry"))
    time = format_time(now())
    public = [
        session.write("registry.json", data.REGISTRY),
        session.write("policy.json", data.lending_policy(digest)),
        session.write("rating.json", data.rating_policy(digest)),
        *(session.write(f"prices/{name}.json", data.report(name, time)) for name in data.ORACLES),
    ]
    secret = [
        session.write(name, portfolio, secret=True)
        for venue, portfolio in data.PORTFOLIOS.items()
        for name in (f"{venue}.portfolio.json", f"books/{venue}.json")
    ]
    for folder in ("keys", "attestations", "brittle", "changed", "other-lender"):
        (session.folder / folder).mkdir()
    session.say(f"  public: {', '.join(public)}")
    session.say(f"  secret: {', '.join(secret)}")


def _make_keys(session: Session, _: Results) -> None:
    keys = []
    for role, names in (("custodian", data.VENUES), ("oracle", data.ORACLES)):
        for name in names:
            session.command("keygen", role, "--out", f"keys/{name}")
            keys += ["--key", f"keys/{name}.pub"]
    policies = ("--policy", "policy.json", "--policy", "rating.json")
    session.command("trust", *keys, *policies, "--audience", data.LENDER, "--out", "trust.json")


def _commit(session: Session, results: Results) -> None:
    for venue in data.VENUES:
        commitment, opening = f"{venue}.commitment.json", ("--opening", f"{venue}.opening.json")
        made = session.command(
            *("commit", f"{venue}.portfolio.json", "--registry", "registry.json"),
            *("--out", commitment, *opening),
        )
        results.commit_seconds.append(made["seconds"])
        session.command(
            *("vouch", commitment, *opening, "--key", f"keys/{venue}.key"),
            *("--books", f"books/{venue}.json", "--out", f"{venue}.vouched.json"),
        )
    show.commitments(session, results.commit_seconds)


def _sign_prices(session: Session, _: Results) -> None:
    signed = [f"prices/{oracle}.signed.json" for oracle in data.ORACLES]
    for oracle, out in zip(data.ORACLES, signed, strict=True):
        key = f"keys/{oracle}.key"
        session.command("prices", "sign", f"prices/{oracle}.json", "--key", key, "--out", out)
    session.command(
        *("prices", "combine", *signed, "--policy", "policy.json", "--trust", "trust.json"),
        *("--out", "round.json"),
    )
    # The other policy needs fewer symbols, and so another round of the same reports.
    session.command(
        *("prices", "combine", *signed, "--policy", "rating.json", "--trust", "trust.json"),
        *("--out", "rating-round.json"),
    )


def _prove(session: Session, results: Results) -> None:
    for claim, policy, venues in data.CLAIMS:
        holdings: list[str] = []
        for venue in venues:
            holdings += ["--opening", f"{venue}.opening.json"]
            holdings += ["--commitment", f"{venue}.vouched.json"]
        made = session.command(
            *("prove", *holdings, "--policy", policy, "--claim", claim),
            *("--prices", data.ROUNDS[policy], "--audience", data.LENDER),
            *("--nonce", f"challenge-{claim}", "--out", f"attestations/{claim}.json"),
        )
        results.claims[claim] = made
        show.proved(session, made)


def _verify(session: Session, results: Results) -> None:
    checks: list[dict[str, Any]] = []
    for claim, result in results.claims.items():
        checked = session.command(
            *("verify", f"attestations/{claim}.json", "--trust", "trust.json"),
            *("--claim", claim, "--nonce", f"challenge-{claim}"),
        )
        result["verify_seconds"] = checked["seconds"]
        checks = checks or checked["checks"]
    show.checks(session, checks)
    time_batches(session, results.claims)
    show.measurements(session, results.claims)
    show.public_and_private(session, results.claims)


def _fail(session: Session, results: Results) -> None:
    results.failures = try_failures(session)
    show.failures(session, results.failures)

"""Whatever is changed in an attestation, verify exits with 1 and the check that must fail fails."""

from __future__ import annotations

import base64
import copy
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import (
    HOUR,
    LENDER,
    MAX_AGE,
    PROVE,
    VERIFY,
    Run,
    load,
    policy,
    report,
    write,
)
from zkcollateral.risk.clock import format_time, now
from zkcollateral.verifier.report import CHECK_NAMES

GENERATOR = (
    "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58"
    "6c55e83ff97a1aeffb3af00adb22c6bb"
)
COMMITMENT = ("claim", "accounts", 0, "commitments", 0)
OTHER = "0" * 64


def failed(outcome: Any) -> set[str]:
    """The checks that failed, of a run with --json."""
    return {check["name"] for check in outcome.json["checks"] if not check["passed"]}


def changed(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """A copy with one place replaced; `new` may be a function of what is there."""
    value = copy.deepcopy(value)
    here = value
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = new(here[path[-1]]) if callable(new) else new
    return value


def _payload(change: dict[str, Any]) -> Any:
    def replace(text: str) -> str:
        document = json.loads(base64.b64decode(text)) | change
        data = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        return base64.b64encode(data).decode()

    return replace


def _flip(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]


def _last_digit(text: str) -> str:
    return text[:-1] + ("1" if text[-1] == "0" else "0")


TAMPERED: list[tuple[tuple[str | int, ...], Any, set[str]]] = [
    (("claim", "type"), "stress", {"claim"}),
    (("claim", "name"), "crisis", {"claim"}),
    (("claim", "name"), "unknown", {"claim", "statement"}),
    (("claim", "policy"), OTHER, {"format"}),
    (("claim", "registry"), OTHER, {"format"}),
    (("claim", "round", "digest"), OTHER, {"format"}),
    (("claim", "round", "time"), "2026-01-01T00:00:00Z", {"format"}),
    (("claim", "accounts", 0, "slots"), "16", {"statement"}),
    ((*COMMITMENT, "account"), "acct-9", {"custodian_signature", "proof"}),
    ((*COMMITMENT, "commitment"), GENERATOR, {"custodian_signature", "proof"}),
    ((*COMMITMENT, "commitment"), "c0" + "0" * 94, {"custodian_signature", "statement"}),
    ((*COMMITMENT, "voucher"), OTHER, {"custodian_signature", "proof"}),
    ((*COMMITMENT, "as_of"), "2026-01-01T00:00:00Z", {"custodian_signature", "commitment_age"}),
    ((*COMMITMENT, "as_of"), "2999-01-01T00:00:00Z", {"custodian_signature", "commitment_age"}),
    (("claim", "audience"), "lender-8", {"audience", "proof"}),
    (("claim", "audience"), None, {"audience", "proof"}),
    (("claim", "nonce"), "n-2", {"nonce", "proof"}),
    (("claim", "nonce"), None, {"nonce", "proof"}),
    (("claim", "issued"), "2020-01-01T00:00:00Z", {"proof"}),
    (("claim", "expires"), "2999-01-01T00:00:00Z", {"proof"}),
    (("policy", "ratio"), "1.01", {"format", "policy"}),
    (("policy", "factors", "collateral", "BTC"), "1", {"format", "policy"}),
    (("policy", "oracle", "quorum"), "1", {"format", "policy"}),
    (("policy", "commitments", "max_age_seconds"), "999999", {"format", "policy"}),
    (("policy", "profile"), "fast", {"format", "policy"}),
    (("policy", "claims", "maintenance", "type"), "maintenance2", set()),
    (("registry", "name"), "other", {"format", "policy"}),
    (("registry", "assets", 0, "unit"), "-7", {"format", "policy"}),
    (("registry", "assets", 0, "symbol"), "ETH2", {"format", "policy"}),
    (("prices", "round", "prices", "BTC"), "99000", {"format", "oracle_quorum"}),
    (("prices", "round", "time"), "2026-01-01T00:00:00Z", {"format", "oracle_quorum", "price_age"}),
    (("prices", "reports", 0, "payload"), _payload({"quote": "EUR"}), {"oracle_quorum"}),
    (("prices", "reports", 0, "payload"), _payload({"oracle": "oracle-c"}), {"oracle_quorum"}),
    (("prices", "reports", 0, "signatures", 0, "sig"), _flip, {"oracle_quorum"}),
    (("prices", "reports", 0, "signatures", 0, "keyid"), OTHER, {"oracle_quorum"}),
    (("prices", "reports"), lambda reports: reports[:1], {"oracle_quorum"}),
    (("prices", "reports"), lambda reports: reports[:1] * 2, {"oracle_quorum"}),
    (("vouchers", 0, "payload"), _payload({"account": "acct-9"}), {"custodian_signature"}),
    (("vouchers", 0, "signatures", 0, "sig"), _flip, {"custodian_signature"}),
    (("vouchers", 0, "signatures", 0, "keyid"), OTHER, {"custodian_signature"}),
    (("vouchers",), [], {"custodian_signature"}),
    (("vouchers",), lambda vouchers: vouchers * 2, {"custodian_signature"}),
    (("proof",), _last_digit, {"proof"}),
    (("proof",), lambda proof: proof + "00", {"proof"}),
    (("proof",), lambda proof: proof[:-2], {"proof"}),
    (("proof",), lambda proof: "5a4b4332" + proof[8:], {"proof"}),
    (("proof",), lambda proof: proof[:8] + GENERATOR + proof[104:], {"proof"}),
]


@pytest.mark.parametrize(("path", "new", "must_fail"), TAMPERED)
def test_a_changed_attestation_fails(
    run: Run, folder: Path, path: tuple[str | int, ...], new: Any, must_fail: set[str]
) -> None:
    original = load(folder / "attestation.json")
    value = changed(original, path, new)
    assert value != original
    write(folder / "a.json", value)
    line = VERIFY.replace("attestation.json", "a.json")
    outcome = run(f"{line} --json")
    if not must_fail:
        # No document of the format any more.
        assert outcome.status == 2
        assert outcome.line.startswith("a.json: policy.claims.maintenance.type: expected one of")
        return
    assert outcome.status == 1
    assert outcome.json["valid"] is False
    assert must_fail <= failed(outcome)


def test_the_report_has_a_stable_shape(run: Run) -> None:
    outcome = run(f"{VERIFY} --json")
    assert outcome.status == 0
    value = outcome.json
    assert list(value) == ["attestation", "at", "valid", "checks", "arithmetic", "seconds"]
    assert value["valid"] is True
    assert tuple(check["name"] for check in value["checks"]) == CHECK_NAMES
    for check in value["checks"]:
        assert list(check) == ["name", "passed", "reason"]
        assert check["passed"] is True
        assert check["reason"]
    assert value["arithmetic"] in ("native", "reference")
    assert value["seconds"] > 0


def test_every_check_is_listed_for_people(run: Run) -> None:
    lines = run(f"{VERIFY} --audience somebody-else").out.splitlines()
    rows = [line.split(maxsplit=2) for line in lines[2:-1]]
    assert tuple(row[0] for row in rows) == CHECK_NAMES
    assert {row[0]: row[1] for row in rows}["audience"] == "failed"
    assert lines[-1] == "attestation.json: not valid: audience"


@pytest.mark.parametrize(
    ("options", "must_fail"),
    [
        ("--audience lender-8", {"audience"}),
        ("--nonce n-2", {"nonce"}),
        ("--claim crisis", {"claim"}),
    ],
)
def test_what_the_verifier_asks_for_counts(run: Run, options: str, must_fail: set[str]) -> None:
    outcome = run(f"verify attestation.json --trust trust.json --json {options}")
    assert outcome.status == 1
    assert must_fail <= failed(outcome)


def test_the_time_of_the_check_counts(run: Run, folder: Path) -> None:
    issued = load(folder / "attestation.json")["claim"]["issued"]
    ages = {"price_age", "commitment_age", "expiry"}
    for time, must_fail in (
        (issued, set()),
        (format_time(now() + 3 * HOUR), set()),
        (format_time(now() + timedelta(seconds=MAX_AGE)), {"price_age", "expiry"}),
        (format_time(now() + 48 * HOUR), ages),
        (format_time(now() - HOUR), ages),
    ):
        outcome = run(f"{VERIFY} --json", "--at", time)
        assert failed(outcome) == must_fail
        assert outcome.status == (1 if must_fail else 0)
        assert outcome.json["at"] == time


def _trust(folder: Path, **changes: Any) -> None:
    write(folder / "t.json", load(folder / "trust.json") | changes)


def test_only_trusted_keys_count(run: Run, folder: Path) -> None:
    keys = load(folder / "trust.json")["keys"]
    for name, check in (("north", "custodian_signature"), ("oracle-b", "oracle_quorum")):
        _trust(folder, keys=[key for key in keys if key["name"] != name])
        assert failed(run(f"{VERIFY.replace('trust.json', 't.json')} --json")) == {check}
        early = [
            key | {"valid_until": "2026-01-01T00:00:00Z", "valid_from": "2025-01-01T00:00:00Z"}
            if key["name"] == name
            else key
            for key in keys
        ]
        _trust(folder, keys=early)
        assert failed(run(f"{VERIFY.replace('trust.json', 't.json')} --json")) == {check}
        swapped = [key | {"role": "log"} if key["name"] == name else key for key in keys]
        _trust(folder, keys=swapped)
        assert failed(run(f"{VERIFY.replace('trust.json', 't.json')} --json")) == {check}


def test_only_accepted_policies_count(run: Run, folder: Path) -> None:
    _trust(folder, policies=[OTHER])
    assert "policy" in failed(run(f"{VERIFY.replace('trust.json', 't.json')} --json"))


def _round(run: Run, folder: Path, rule: dict[str, Any], **changes: Any) -> None:
    """A signed round of changed reports as round.json, under a changed policy."""
    write(folder / "policy.json", rule)
    for name in ("oracle-a", "oracle-b"):
        write(folder / "report.json", report(name, **changes))
        line = f"prices sign report.json --key {name}.key --out {name}.signed.json"
        assert run(line).status == 0
    line = "prices combine oracle-a.signed.json oracle-b.signed.json --policy policy.json"
    assert run(f"{line} --out round.json").status == 0


def test_prices_from_the_future(run: Run, folder: Path) -> None:
    _round(run, folder, policy(), time=format_time(now() + HOUR))
    refused = run(f"{PROVE} --expires-in 7200 --out a.json")
    assert refused.status == 2
    assert refused.line.startswith("round.json: round.time: expected a time up to now, ")
    assert not (folder / "a.json").exists()
    early = run(f"{VERIFY} --json", "--at", format_time(now() - HOUR))
    assert early.status == 1
    reasons = {check["name"]: check["reason"] for check in early.json["checks"]}
    for name in ("price_age", "commitment_age", "expiry"):
        assert "lies in the future" in reasons[name]


def test_stale_prices_fail(run: Run, folder: Path) -> None:
    old = format_time(now() - timedelta(seconds=MAX_AGE + 5))
    _round(run, folder, policy(), time=old)
    refused = run(f"{PROVE} --out a.json")
    assert refused.status == 2
    assert refused.line.startswith(
        f"round.json: round.time: expected less than {MAX_AGE} seconds old, got 21"
    )
    assert not (folder / "a.json").exists()
    refused = run(f"{PROVE} --expires-in 7200 --out a.json")
    assert refused.status == 2
    assert not (folder / "a.json").exists()


def test_prices_that_are_stale_by_the_time_of_the_check_fail(run: Run) -> None:
    assert run(f"{PROVE} --expires-in 80000 --nonce n-1 --out attestation.json").status == 0
    later = format_time(now() + timedelta(seconds=MAX_AGE + 5))
    outcome = run(f"{VERIFY} --json --at {later}")
    assert outcome.status == 1
    assert failed(outcome) == {"price_age"}


def test_a_stale_vouch_fails(run: Run, folder: Path) -> None:
    line = "vouch one.commitment.json --opening one.opening.json --key north.key"
    old = format_time(now() - timedelta(seconds=86_405))
    assert run(f"{line} --as-of {old} --out one.vouched.json").status == 0
    refused = run(f"{PROVE} --out a.json")
    assert refused.status == 2
    assert refused.line.startswith("one.vouched.json: as_of: expected less than 86400 seconds old")
    assert run(f"{PROVE} --expires-in 60 --out a.json").status == 2


def test_a_vouch_that_is_stale_by_the_time_of_the_check_fails(run: Run) -> None:
    assert run(f"{PROVE} --expires-in 90000 --nonce n-1 --out attestation.json").status == 0
    later = format_time(now() + timedelta(seconds=86_405))
    assert failed(run(f"{VERIFY} --json --at {later}")) == {"price_age", "commitment_age"}


@pytest.mark.native
def test_both_arithmetics_say_the_same(run: Run) -> None:
    for name in ("native", "reference"):
        for line in (
            f"{VERIFY} --arithmetic {name} --json",
            f"--arithmetic {name} {VERIFY} --json",
        ):
            outcome = run(line)
            assert (outcome.status, outcome.json["arithmetic"]) == (0, name)


def test_the_commands_own_arithmetic_comes_first(run: Run) -> None:
    outcome = run(f"--arithmetic native {VERIFY} --arithmetic reference --json")
    assert outcome.json["arithmetic"] == "reference"
    assert LENDER in outcome.out

"""Documents and options that do not fit: one line with file or option, field and expectation."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import (
    COMBINE,
    COMMIT,
    PROVE,
    REGISTRY,
    SIGN,
    TRUST,
    VERIFY,
    VOUCH,
    Run,
    check_refused,
    digest_of,
    load,
    policy,
    report,
    write,
)


def edit(file: str, *path: str | int, to: Any) -> None:
    """Change one place of a file's JSON."""
    value = load(Path(file))
    here = value
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = to
    Path(file).write_text(json.dumps(value))


@pytest.mark.parametrize(
    ("line", "change", "begins"),
    [
        (
            COMMIT,
            ("one.portfolio.json", "collateral", "DOGE", "1"),
            "one.portfolio.json: collateral.DOGE: expected an asset of the registry",
        ),
        (
            COMMIT,
            ("one.portfolio.json", "debt", "USDC", "0.0000001"),
            "one.portfolio.json: debt.USDC: expected a multiple of 10^-6",
        ),
        (
            COMMIT,
            ("one.portfolio.json", "collateral", "BTC", "92233720368.54775808"),
            "one.portfolio.json: collateral.BTC: expected less than 2^63 units",
        ),
        (
            COMMIT,
            ("one.portfolio.json", "debt", "USDC", "-1"),
            "one.portfolio.json: debt.USDC: expected a decimal of at least 0",
        ),
        (COMMIT, ("registry.json", "slots", "12"), "registry.json: slots: expected a power of two"),
        (
            VOUCH,
            ("one.commitment.json", "account", "acct-2"),
            "one.opening.json: account: expected 'acct-2', got 'acct-1'",
        ),
        (
            VOUCH,
            ("one.opening.json", "amounts", 0, "5"),
            "one.opening.json: the opening does not open this commitment",
        ),
        (
            VOUCH,
            ("one.opening.json", "amounts", 0, "9223372036854775808"),
            "one.opening.json: amounts[0]: expected an integer from",
        ),
        (
            VOUCH,
            ("one.opening.json", "registry", "name", "other"),
            "one.opening.json: the commitment was made under another registry",
        ),
        (
            SIGN,
            ("oracle-a.report.json", "oracle", "oracle-z"),
            "oracle-a.report.json: oracle: expected",
        ),
        (
            SIGN,
            ("oracle-a.report.json", "time", "today"),
            "oracle-a.report.json: time: expected a UTC",
        ),
        (
            SIGN,
            ("oracle-a.report.json", "prices", "BTC", "0"),
            "oracle-a.report.json: prices.BTC: ",
        ),
        (
            f"{PROVE} --out a.json",
            ("one.opening.json", "account", "acct-7"),
            "one.opening.json: account: expected that of one.vouched.json, acct-1, got acct-7",
        ),
        (
            f"{PROVE} --out a.json",
            ("one.opening.json", "registry", "name", "other"),
            "one.opening.json: registry: expected that of one.vouched.json",
        ),
        (
            f"{PROVE} --out a.json",
            ("policy.json", "registry", "0" * 64),
            "policy.json: registry: expected the digest",
        ),
        (
            f"{PROVE} --out a.json",
            ("policy.json", "factors", "debt", {"EUR": "1"}),
            "policy.json: factors.debt.EUR: expected an asset of the registry",
        ),
        (
            f"{PROVE} --out a.json",
            ("policy.json", "claims", "survives-20", "assets", ["DOGE"]),
            "policy.json: claims.survives-20.assets[0]: expected a symbol of the registry",
        ),
        (
            f"{PROVE} --out a.json",
            ("policy.json", "quote", "EUR"),
            "policy.json: the policy counts in EUR, the price round in USD",
        ),
        (
            VERIFY,
            ("trust.json", "keys", 0, "role", "king"),
            "trust.json: keys[0].role: expected one",
        ),
        (VERIFY, ("attestation.json", "proof", "zz"), "attestation.json: proof: expected a proof"),
        (
            VERIFY,
            ("attestation.json", "claim", "nonce", "a\nb"),
            "attestation.json: claim.nonce: expected 1 to 128 printable characters",
        ),
        (TRUST, ("north.pub", "public_key", "00" * 32), "north.pub: public_key: expected a point"),
        (TRUST, ("north.pub", "key_id", "00" * 32), "north.pub: key_id: expected the SHA-256"),
    ],
)
def test_a_field_is_named(
    run: Run, folder: Path, line: str, change: tuple[Any, ...], begins: str
) -> None:
    edit(change[0], *change[1:-1], to=change[-1])
    check_refused(run, folder, line, begins)


@pytest.mark.parametrize(
    ("line", "begins"),
    [
        (
            PROVE.replace("--claim maintenance", "--claim unknown") + " --out a.json",
            "policy.json: claims: expected a claim of the name 'unknown', got crisis, maintenance",
        ),
        (
            f"{PROVE} --opening two.opening.json --out a.json",
            "--commitment: expected 2 files, one per --opening, got 1",
        ),
        (
            PROVE.replace("one.opening.json", "two.opening.json") + " --out a.json",
            "two.opening.json: account: expected that of one.vouched.json, acct-1, got acct-2",
        ),
        (f"{PROVE} --expires-in 0 --out a.json", "--expires-in: expected 1 to 1000000000 seconds"),
        (f"{PROVE} --out no/such/a.json", "no/such/a.json: expected a file that can be written"),
        (
            f"{PROVE} --out one.opening.json",
            "one.opening.json: expected another file than those that",
        ),
        (f"{VERIFY} --at yesterday", "--at: expected a UTC time such as 2026-01-31T12:00:00Z"),
        (f"{VERIFY} --at 2026-01-31T12:00:00+01:00", "--at: expected a UTC time"),
        (VOUCH.replace("north.key", "oracle-a.key"), "oracle-a.key: role: expected 'custodian'"),
        (SIGN.replace("oracle-a.key", "north.key"), "north.key: role: expected 'oracle'"),
        (SIGN.replace("oracle-a.key", "oracle-b.key"), "oracle-a.report.json: oracle: expected"),
        (VOUCH.replace("one.commitment", "one.vouched"), "one.vouched.json: expected an object of"),
        (
            COMBINE.replace("oracle-b.signed", "oracle-a.signed"),
            "oracle-a.signed.json: expected every report once",
        ),
        (
            COMBINE.replace("oracle-b.signed.json ", ""),
            "policy.json: expected reports of 2 oracles, got 1",
        ),
        (COMBINE.replace("oracle-b.signed", "one.vouched"), "one.vouched.json: payloadType: "),
        (
            PROVE.replace("one.vouched", "oracle-a.signed") + " --out a.json",
            "oracle-a.signed.json: ",
        ),
        (f"{TRUST} --key north.pub", "north.pub: expected every key once"),
        (f"{TRUST} --valid-days 0", "--valid-days: expected 1 to 36500"),
        (f"{TRUST} --valid-days 5 --valid-until 2027-01-01T00:00:00Z", "--valid-until: expected"),
        (f"{TRUST} --valid-until 2001-01-01T00:00:00Z", "--valid-until: expected a time after"),
        ("digest one.opening.json", "one.opening.json: format: expected a public document"),
        ("digest one.portfolio.json", "one.portfolio.json: format: expected a public document"),
        ("digest north.key", "north.key: format: expected a public document"),
        ("demo --dir .", "."),
        (COMMIT.replace(" o.json", " c.json"), "c.json: expected a file for each output"),
        ("keygen oracle --out -x.y/../", "--name: expected a name"),
        ("keygen oracle --out no/such/folder", "no/such/folder.key: expected a file in the folder"),
    ],
)
def test_an_option_or_a_pair_is_named(run: Run, folder: Path, line: str, begins: str) -> None:
    check_refused(run, folder, line, begins)


@pytest.mark.parametrize("option", ["--audience", "--nonce"])
@pytest.mark.parametrize("text", ["", "a\nb", "x" * 129])
def test_text_that_no_claim_holds(run: Run, folder: Path, option: str, text: str) -> None:
    line = PROVE.split(" --audience")[0]
    outcome = run(f"{line} --out a.json", option, text)
    assert outcome.status == 2
    assert outcome.line.startswith(f"{option}: expected 1 to 128 printable characters")
    assert not (folder / "a.json").exists()
    if option == "--audience":
        outcome = run(TRUST, option, text)
        assert outcome.line.startswith(f"{option}: expected 1 to 128 printable characters")


def test_openings_of_two_registries_are_not_added(run: Run, folder: Path) -> None:
    write(folder / "registry.json", REGISTRY | {"name": "other"})
    line = "commit two.portfolio.json --registry registry.json --out two.vouched.json"
    assert run(f"{line} --opening two.opening.json --force").status == 0
    line = f"{PROVE} --opening two.opening.json --commitment two.vouched.json --out a.json"
    check_refused(
        run, folder, line, "two.opening.json: registry: expected that of one.opening.json"
    )


def test_unvouched_commitments_are_not_added(run: Run, folder: Path) -> None:
    line = f"{PROVE} --opening two.opening.json --commitment two.commitment.json --out a.json"
    check_refused(run, folder, line, "policy.json: only vouched commitments may be added up")


def test_a_policy_may_want_vouchers(run: Run, folder: Path) -> None:
    rule = policy()["commitments"] | {"unvouched": False}
    write(folder / "policy.json", policy(commitments=rule))
    line = PROVE.replace("one.vouched", "one.commitment")
    check_refused(
        run, folder, f"{line} --out a.json", "policy.json: the policy prime wants every commitment"
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"prices": {"BTC": "64000.5"}}, "expected a price of"),
        ({"prices": {"BTC": "80000", "ETH": "3000", "USDC": "1", "ETH-PERP": "3001"}}, "deviation"),
        ({"time": "2026-01-01T00:00:00Z"}, "seconds apart"),
        ({"quote": "EUR"}, "oracle-b.signed.json: quote: expected 'USD', as policy.json has it"),
    ],
)
def test_reports_that_make_no_round(
    run: Run, folder: Path, changes: dict[str, Any], problem: str
) -> None:
    write(folder / "oracle-b.report.json", report("oracle-b", **changes))
    line = "prices sign oracle-b.report.json --key oracle-b.key --out oracle-b.signed.json"
    assert run(line).status == 0
    assert problem in check_refused(run, folder, COMBINE, "")


def test_a_report_under_the_wrong_signature(run: Run, folder: Path) -> None:
    signed = load(folder / "oracle-b.signed.json")
    signed["signatures"] = load(folder / "oracle-a.signed.json")["signatures"]
    write(folder / "oracle-b.signed.json", signed)
    assert run(COMBINE).status == 0
    (folder / "r.json").unlink()
    line = f"{COMBINE} --trust trust.json"
    assert "does not verify" in check_refused(run, folder, line, "expected a signature of key")


def test_a_report_of_an_oracle_under_anothers_key(run: Run, folder: Path) -> None:
    assert run("keygen oracle --out other --name oracle-b").status == 0
    write(folder / "report.json", report("oracle-b"))
    assert run("prices sign report.json --key other.key --out oracle-b.signed.json").status == 0
    assert run("trust --key other.pub --key oracle-a.pub --policy policy.json --out u").status == 0
    trust = load(folder / "u")
    trust["keys"][0]["name"] = "oracle-c"
    write(folder / "u", trust)
    line = f"{COMBINE} --trust u"
    check_refused(run, folder, line, "oracle-b.signed.json: expected the signature of oracle-b")


def test_another_registry_in_the_policy(run: Run, folder: Path) -> None:
    write(folder / "policy.json", policy(registry=digest_of(REGISTRY | {"name": "other"})))
    line = f"{PROVE} --out a.json"
    assert digest_of(REGISTRY) in check_refused(
        run, folder, line, "policy.json: registry: expected"
    )


def test_a_report_from_before_the_key_counted(run: Run, folder: Path) -> None:
    trust = load(folder / "trust.json")
    for key in trust["keys"]:
        key["valid_from"] = key["valid_until"]
    write(folder / "u", trust)
    check_refused(run, folder, f"{COMBINE} --trust u", "oracle-a.signed.json: expected a report")


def test_a_pipe_is_not_replaced_by_a_file(run: Run, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    refused = run(f"{PROVE} --out pipe")
    assert refused.status == 2
    assert refused.line.startswith("pipe: expected a new file or a regular one")
    assert (folder / "pipe").is_fifo()

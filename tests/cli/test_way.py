"""The way from a portfolio to a checked attestation, command by command."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.cli.market import LENDER, PROVE, VERIFY, Run, leaks, load, policy, secrets, write
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import document_digest
from zkcollateral.crypto.select import arithmetic
from zkcollateral.crypto.srs import ceremony
from zkcollateral.prover.opening import read_opening
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.prices import PriceRound


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_attestation_is_valid(run: Run) -> None:
    outcome = run(VERIFY)
    assert outcome.status == 0
    assert outcome.err == ""
    assert outcome.out.splitlines()[-1] == "attestation.json: valid"


def test_secret_files_are_for_their_owner_only(folder: Path) -> None:
    for path in folder.iterdir():
        secret = path.suffix == ".key" or path.name.endswith((".opening.json", ".portfolio.json"))
        assert mode(path) == (0o600 if secret else 0o644), path.name


def test_public_files_hold_no_secret(folder: Path) -> None:
    secret = secrets(folder)
    for path in folder.iterdir():
        if mode(path) != 0o600:
            assert leaks(path.read_text(encoding="utf-8"), secret) == [], path.name


def test_the_opening_opens_the_commitment(folder: Path) -> None:
    opening = read_opening(folder / "one.opening.json")
    srs = ceremony(arithmetic())
    commitment = load(folder / "one.commitment.json")
    assert bytes(opening.opening.commit(srs)).hex() == commitment["commitment"]
    assert opening.opening.amounts[0] == 731415926
    assert opening.opening.amounts[6] == -2577215
    assert opening.registry.to_json_value() == load(folder / "registry.json")


def test_two_commitments_to_one_portfolio_differ(folder: Path, run: Run) -> None:
    again = "commit one.portfolio.json --registry registry.json --out again.json"
    assert run(f"{again} --opening again.opening.json").status == 0
    first, second = load(folder / "one.commitment.json"), load(folder / "again.json")
    assert first["commitment"] != second["commitment"]


@pytest.mark.parametrize("claim", ["maintenance", "crisis", "survives-20"])
def test_every_claim_is_proved_and_verified(run: Run, claim: str) -> None:
    line = PROVE.replace("maintenance", claim)
    made = run(f"{line} --out a.json --json").json
    assert made["claim"] == claim
    checked = run(f"verify a.json --trust trust.json --claim {claim} --json")
    assert (checked.status, checked.json["valid"]) == (0, True)


def test_commitments_are_added_up(run: Run) -> None:
    line = f"{PROVE} --opening two.opening.json --commitment two.vouched.json --out sum.json --json"
    assert run(line).json["commitments"] == 2
    report = run("verify sum.json --trust trust.json --json").json
    reasons = {check["name"]: check["reason"] for check in report["checks"]}
    assert report["valid"] is True
    assert reasons["custodian_signature"] == "vouched for by north, south"


def test_an_unvouched_commitment_is_told_by_its_content(run: Run) -> None:
    line = PROVE.replace("one.vouched.json", "one.commitment.json")
    assert run(f"{line} --out a.json").status == 0
    report = run("verify a.json --trust trust.json --json").json
    assert report["valid"] is True
    assert "unvouched" in {c["name"]: c["reason"] for c in report["checks"]}["custodian_signature"]


def test_an_attestation_for_nobody_in_particular(run: Run) -> None:
    line = PROVE.replace(f" --audience {LENDER}", "")
    assert run(f"{line} --out a.json --json").json["audience"] is None
    failed = run("verify a.json --trust trust.json")
    assert failed.status == 1
    assert failed.out.splitlines()[-1] == "a.json: not valid: audience"


def test_expiry_is_what_was_asked_for(run: Run, folder: Path) -> None:
    made = run(f"{PROVE} --expires-in 90 --out a.json --json").json
    attestation = Attestation.from_bytes((folder / "a.json").read_bytes())
    assert (attestation.claim.expires - attestation.claim.issued).total_seconds() == 90
    late = run(f"verify a.json --trust trust.json --at {made['expires']} --json")
    assert late.status == 1
    assert [c["name"] for c in late.json["checks"] if not c["passed"]] == ["expiry"]


def test_an_untrue_claim_is_not_proved(run: Run, folder: Path) -> None:
    line = PROVE.replace("one.", "poor.")
    outcome = run(f"{line} --out a.json")
    assert outcome.status == 1
    assert outcome.out == ""
    assert outcome.line == (
        "the portfolio does not satisfy the claim 'maintenance', so no attestation was written"
    )
    assert not (folder / "a.json").exists()


def test_an_untrue_claim_leaves_an_older_file_alone(run: Run, folder: Path) -> None:
    before = (folder / "attestation.json").read_bytes()
    line = PROVE.replace("one.", "poor.")
    assert run(f"{line} --out attestation.json").status == 1
    assert (folder / "attestation.json").read_bytes() == before


def test_a_slot_without_factor_must_be_empty(run: Run, folder: Path) -> None:
    portfolio = load(folder / "one.portfolio.json")
    portfolio["collateral"]["DUST"] = "0.01"
    write(folder / "dusty.json", portfolio, 0o600)
    commit = "commit dusty.json --registry registry.json --out d.json --opening d.opening.json"
    assert run(commit).status == 0
    line = PROVE.replace("one.opening.json", "d.opening.json").replace("one.vouched.json", "d.json")
    assert run(f"{line} --out a.json").status == 1


def test_vouching_compares_with_the_books(run: Run, folder: Path) -> None:
    books = load(folder / "one.portfolio.json")
    books["collateral"]["BTC"] = "7.31415927"
    write(folder / "books.json", books, 0o600)
    line = "vouch one.commitment.json --opening one.opening.json --key north.key --books books.json"
    outcome = run(f"{line} --out v.json")
    assert outcome.status == 2
    assert "the books show another amount of BTC (collateral)" in outcome.line
    assert not (folder / "v.json").exists()


def test_vouching_as_of_a_time(run: Run) -> None:
    line = "vouch one.commitment.json --opening one.opening.json --key north.key --out v.json"
    made = run(f"{line} --as-of 2026-01-31T12:00:00Z --json").json
    assert (made["as_of"], made["voucher"]) == ("2026-01-31T12:00:00Z", "north")
    ahead = run(f"{line} --as-of 2999-01-31T12:00:00Z")
    assert ahead.status == 2
    assert ahead.line.startswith("--as-of: expected a time up to now")


def test_combining_without_trust_says_so(run: Run) -> None:
    line = "prices combine oracle-a.signed.json oracle-b.signed.json --policy policy.json"
    assert "signatures not checked" in run(f"{line} --out r.json").out
    assert run(f"{line} --out r.json --json").json["signatures_checked"] is False


def test_digests_are_those_of_the_library(run: Run, folder: Path) -> None:
    expected = document_digest(Policy.from_json_value(policy(), "policy"))
    assert run("digest policy.json").out == f"{expected}\n"
    round_ = PriceRound.from_json_value(load(folder / "round.json")["round"], "round")
    combined = run(
        "prices combine oracle-a.signed.json oracle-b.signed.json --policy policy.json "
        "--out r.json --json"
    ).json
    assert combined["digest"] == document_digest(round_)
    signed = run("digest oracle-a.signed.json --json").json
    assert signed["digest"] in round_.reports
    for name in ("registry", "trust", "attestation", "one.commitment", "round"):
        assert len(run(f"digest {name}.json").out) == 65
    assert run("digest north.pub --json").json["format"] == "zkcollateral/public-key/1"


def test_trust_files_take_windows(run: Run, folder: Path) -> None:
    line = "trust --key north.pub --policy policy.json --policy policy.json --out t.json"
    window = "--valid-from 2026-01-01T00:00:00Z --valid-until 2026-02-01T00:00:00Z"
    assert run(f"{line} {window}").status == 0
    trust = load(folder / "t.json")
    assert trust["keys"][0]["valid_from"] == "2026-01-01T00:00:00Z"
    assert trust["keys"][0]["valid_until"] == "2026-02-01T00:00:00Z"
    assert len(trust["policies"]) == 1
    assert trust["audience"] is None


def test_inspect_writes_what_the_verifier_hashes(run: Run, folder: Path) -> None:
    line = "inspect attestation.json --statement-bytes s.bin --proof-bytes p.bin --json"
    shown = run(line).json
    attestation = Attestation.from_bytes((folder / "attestation.json").read_bytes())
    assert (folder / "p.bin").read_bytes() == attestation.proof_bytes
    statement = (folder / "s.bin").read_bytes()
    assert statement.endswith(attestation.claim.context())
    assert len(statement) == shown["statement"]["bytes"]
    assert shown["proof_bytes"] == len(attestation.proof_bytes)
    assert shown["checked"] is False
    assert [oracle["oracle"] for oracle in shown["oracles"]] in (
        ["oracle-a", "oracle-b"],
        ["oracle-b", "oracle-a"],
    )


def test_inspect_for_people(run: Run) -> None:
    text = run("inspect attestation.json").out
    for part in ("maintenance", "prime", LENDER, "acct-1", "oracle-a", "Nothing here was checked"):
        assert part in text


def test_inspect_shows_a_claim_without_statement(run: Run, folder: Path) -> None:
    value = load(folder / "attestation.json")
    value["claim"]["name"] = "unknown"
    write(folder / "a.json", value)
    assert "unusable" in run("inspect a.json --json").json["statement"]
    outcome = run("inspect a.json --statement-bytes s.bin")
    assert outcome.status == 2
    assert outcome.line.startswith("a.json: claim: expected one that has a statement")
    assert not (folder / "s.bin").exists()


def test_json_of_every_command_has_its_fields(run: Run) -> None:
    lines = {
        "keygen log --out journal": "role name key_id secret_key_file public_key_file encrypted",
        "commit two.portfolio.json --registry registry.json --out c.json --opening o.json": (
            "account slots registry commitment digest out opening encrypted arithmetic seconds"
        ),
        "vouch one.commitment.json --opening one.opening.json --key north.key --out v.json": (
            "account commitment voucher key_id as_of books out"
        ),
        "prices sign oracle-a.report.json --key oracle-a.key --out s.json": (
            "oracle key_id time quote symbols histories digest out"
        ),
        "prices combine oracle-a.signed.json oracle-b.signed.json --policy policy.json --out r": (
            "time quote oracles prices histories digest signatures_checked out"
        ),
        f"{PROVE} --out a.json": (
            "claim type policy commitments audience nonce issued expires proof_bytes "
            "attestation_bytes out arithmetic seconds"
        ),
        VERIFY: "attestation at valid checks arithmetic seconds",
        "inspect attestation.json": (
            "attestation checked bytes claim context rule policy registry round oracles statement "
            "proof_bytes"
        ),
        "trust --key north.pub --policy policy.json --out t.json": (
            "format audience policies keys out"
        ),
        "digest policy.json": "document format digest",
    }
    for line, fields in lines.items():
        outcome = run(f"{line} --json")
        assert outcome.status == 0, outcome.err
        assert list(outcome.json) == fields.split(), line

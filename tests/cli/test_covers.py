"""`prove` with a claim about two accounts: what one holds covers what the other owes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.market import LENDER, Run, policy, write

CLAIMS = {
    "maintenance": {"type": "maintenance"},
    "each": {"type": "covers", "ratio": "1", "net": False},
    "net": {"type": "covers", "ratio": "1.1", "net": True},
}
ASSETS = {"account": "vault", "collateral": {"BTC": "2.71828182"}, "debt": {}, "signed": {}}
OWED = {"account": "customers", "collateral": {}, "debt": {"USDC": "149159.265359"}, "signed": {}}


@pytest.fixture
def prove(run: Run, folder: Path) -> str:
    """Assets and liabilities as files, and the command that proves with them."""
    write(folder / "policy.json", policy(claims=CLAIMS))
    for name, portfolio in (("assets", ASSETS), ("owed", OWED)):
        value = {"format": "zkcollateral/portfolio/1", **portfolio}
        write(folder / f"{name}.portfolio.json", value, 0o600)
        commit = f"commit {name}.portfolio.json --registry registry.json --out {name}.json"
        assert run(f"{commit} --opening {name}.opening.json").status == 0
        vouch = f"vouch {name}.json --opening {name}.opening.json --key north.key"
        assert run(f"{vouch} --out {name}.vouched.json").status == 0
    keys = "--key north.pub --key oracle-a.pub --key oracle-b.pub"
    trust = f"trust {keys} --policy policy.json --audience {LENDER} --out covers.trust.json"
    assert run(trust).status == 0
    return (
        "prove --opening assets.opening.json --commitment assets.vouched.json "
        "--liability-opening owed.opening.json --liability-commitment owed.vouched.json "
        f"--policy policy.json --claim net --prices round.json --audience {LENDER} --out a.json"
    )


def test_assets_cover_liabilities_in_value(prove: str, run: Run) -> None:
    assert run(f"{prove} --json").json["commitments"] == 2
    checked = run("verify a.json --trust covers.trust.json --claim net --json").json
    reasons = {check["name"]: check["reason"] for check in checked["checks"]}
    assert checked["valid"] is True
    assert reasons["claim"].endswith("for vault against the liabilities of customers")
    assert reasons["custodian_signature"] == "vouched for by north; vouched for by north"


def test_bitcoin_does_not_cover_dollars_asset_by_asset(prove: str, run: Run, folder: Path) -> None:
    outcome = run(prove.replace("--claim net", "--claim each"))
    assert outcome.status == 1
    assert not (folder / "a.json").exists()


def test_the_roles_cannot_be_swapped(prove: str, run: Run, folder: Path) -> None:
    swapped = prove.replace("assets.", "X.").replace("owed.", "assets.").replace("X.", "owed.")
    assert run(swapped).status == 1
    assert not (folder / "a.json").exists()


def test_a_claim_that_covers_needs_liabilities_and_no_other_takes_them(
    prove: str, run: Run
) -> None:
    alone = prove.replace("--liability-opening owed.opening.json", "").replace(
        "--liability-commitment owed.vouched.json", ""
    )
    outcome = run(alone)
    assert outcome.status == 2
    assert (
        outcome.line == "--liability-opening: expected the liabilities that 'net' covers, got none"
    )
    outcome = run(prove.replace("--claim net", "--claim maintenance"))
    assert outcome.status == 2
    assert outcome.line.startswith("--liability-opening: expected no liabilities")


def test_every_liability_opening_has_its_commitment(prove: str, run: Run) -> None:
    outcome = run(prove.replace("--liability-commitment owed.vouched.json", ""))
    assert outcome.status == 2
    assert outcome.line.startswith("--liability-commitment: expected 1 files")

"""`audit`: opened by a lender, answered by a holder who is shown first what is asked."""

from __future__ import annotations

import os
import pty
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.market import LENDER, Run, load, policy, write
from tests.cli.service import Served
from tests.cli.test_process import PROGRAM, environment
from zkcollateral.circuits.claim import document_digest
from zkcollateral.risk.clock import format_time, now
from zkcollateral.risk.policy import Policy

OPEN = (
    "audit open --prover holder --policy policy.json --claim maintenance "
    "--api-key-file lender-auditor.api-key"
)
WITH = "--trust trust.json --api-key-file holder-prover.api-key"
ONE = "--opening one.opening.json --commitment one.vouched.json"
POOR = "--opening poor.opening.json --commitment poor.vouched.json"


@pytest.fixture
def people(service: Served) -> Served:
    """A service with prices, and keys for a lender and a holder."""
    service.key_file("prover")
    service.key_file("auditor", tenant="lender")
    service.round()
    return service


def opened(run: Run, more: str = "") -> str:
    """The id of a new audit."""
    outcome = run(f"{OPEN} --json {more}")
    assert outcome.status == 0, outcome.err
    id_: str = outcome.json["id"]
    return id_


def test_an_audit_is_opened_and_answered(people: Served, run: Run, folder: Path) -> None:
    people.trust_log()
    asked = run(f"{OPEN} --json --max-attempts 2").json
    assert (asked["state"], asked["audience"], asked["auditor"]) == ("open", LENDER, "lender")
    listed = run("audit list --api-key-file holder-prover.api-key --state open")
    assert [line.split()[:2] for line in listed.out.splitlines()[2:]] == [[asked["id"], "open"]]
    done = run(f"audit answer {asked['id']} {ONE} {WITH} --yes --bundle-out b.json")
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[:5] == [
        f"audit {asked['id']} of lender asks holder to prove",
        "  claim    maintenance (maintenance)",
        f"  policy   prime, digest {asked['policy']}",
        f"  for      {LENDER}",
        f"  until    {asked['deadline']}",
    ]
    assert lines[5].startswith(f"audit {asked['id']}: accepted, entry ")
    nonce = load(folder / "b.json")["attestation"]["claim"]["nonce"]
    assert nonce == asked["nonce"]
    checked = run(f"verify b.json --trust trust.json --nonce {nonce} --claim maintenance")
    assert checked.status == 0
    value = run("audit list --api-key-file lender-auditor.api-key --json").json
    (audit,) = value["audits"]
    assert audit["state"] == "answered"
    again = run(f"audit answer {asked['id']} {ONE} {WITH} --yes")
    assert again.status == 2
    assert again.line.endswith("expected an open audit, got one that is answered")


def test_as_json_it_is_shown_on_standard_error(people: Served, run: Run) -> None:
    id_ = opened(run)
    done = run(f"audit answer {id_} {ONE} {WITH} --yes --json")
    assert done.status == 0
    assert done.json["audit"] == id_
    assert done.err.startswith(f"audit {id_} of lender asks holder to prove\n")


def test_nobody_to_ask_means_no(people: Served, run: Run, folder: Path) -> None:
    id_ = opened(run)
    (folder / "one.opening.json").unlink()
    refused = run(f"audit answer {id_} {ONE} {WITH}")
    assert refused.status == 2
    assert refused.line == "--yes: expected this option, or a terminal to ask on, got neither"
    assert f"audit {id_} of lender" in refused.out


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 130)])
def test_on_a_terminal_it_is_asked(
    people: Served, run: Run, folder: Path, answer: str, status: int
) -> None:
    id_ = opened(run)
    parent, child = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, "audit", "answer", id_, *ONE.split(), *WITH.split()],
        cwd=folder,
        env=environment(ZKCOLLATERAL_SERVICE=people.running.url),
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
    ) as process:
        os.close(child)
        output = b""
        while b"Answer it?" not in output:
            output += os.read(parent, 1024)
        assert b"policy   prime, digest " in output
        os.write(parent, f"{answer}\n".encode())
        code = process.wait(60)
    os.close(parent)
    assert code == status
    (audit,) = run("audit list --api-key-file lender-auditor.api-key --json").json["audits"]
    assert audit["state"] == ("open" if status else "answered")


def test_a_claim_that_is_not_satisfied_sends_nothing(people: Served, run: Run) -> None:
    id_ = opened(run)
    poor = run(f"audit answer {id_} {POOR} {WITH} --yes")
    assert poor.status == 1
    assert poor.line.endswith("'maintenance', so nothing was submitted")
    (audit,) = run("audit list --api-key-file lender-auditor.api-key --json").json["audits"]
    assert (audit["state"], audit["attempts"]) == ("open", "0")


def test_only_policies_of_ones_own_trust_file_are_answered(
    people: Served, run: Run, folder: Path
) -> None:
    write(folder / "other.json", policy(name="prying", ratio="1.1"))
    with people.client("admin") as admin:
        admin.policies.publish(Policy.from_json_value(load(folder / "other.json"), "policy"))
    id_ = run(f"{OPEN.replace('policy.json', 'other.json')} --json").json["id"]
    refused = run(f"audit answer {id_} {ONE} {WITH} --yes")
    assert refused.status == 2
    assert refused.line.startswith(
        f"audit {id_}: policy: expected a policy that trust.json names, got prying, digest "
    )
    assert refused.out == ""


def test_only_prices_of_ones_own_oracles_are_proved_on(
    people: Served, run: Run, folder: Path
) -> None:
    id_ = opened(run)
    trust = load(folder / "trust.json")
    keys = [key for key in trust["keys"] if key["name"] != "oracle-b"]
    write(folder / "trust.json", trust | {"keys": keys})
    refused = run(f"audit answer {id_} {ONE} {WITH} --yes")
    assert refused.status == 2
    assert "newest round: price report " in refused.line


def test_a_policy_is_named_by_file_or_digest(people: Served, run: Run) -> None:
    digest = document_digest(people.policy)
    deadline = format_time(now() + timedelta(minutes=5))
    by_digest = OPEN.replace("policy.json", digest)
    value = run(f"{by_digest} --json --deadline {deadline}").json
    assert (value["policy"], value["deadline"]) == (digest, deadline)
    unknown = run(OPEN.replace("--claim maintenance", "--claim nothing"))
    assert unknown.status == 2
    assert unknown.line.startswith("policy.json: claims: expected a claim of the name 'nothing'")
    past = run(f"{OPEN} --deadline 2026-01-01T00:00:00Z")
    assert past.status == 2
    assert "time-unusable" in past.line


def test_another_tenants_audit_is_not_shown(people: Served, run: Run) -> None:
    id_ = opened(run)
    people.key_file("prover", tenant="stranger")
    stranger = WITH.replace("holder", "stranger")
    refused = run(f"audit answer {id_} {ONE} {stranger} --yes")
    assert refused.status == 2
    assert "403 other-tenant" in refused.line


def test_a_refused_answer_lists_every_check(people: Served, run: Run) -> None:
    id_ = opened(run)
    with people.client("admin") as admin:
        (bank,) = [key for key in admin.trust.list(role="custodian") if key.name == "north"]
        until = now() - timedelta(days=1)
        admin.trust.retire(bank.key_id, "lost", until=max(until, bank.valid_from))
    refused = run(f"audit answer {id_} {ONE} {WITH} --yes")
    assert refused.status == 1
    assert "refused: key-retired" in refused.out
    value = run(f"audit answer {id_} {ONE} {WITH} --yes --json")
    assert value.status == 1
    assert value.json["accepted"] is False
    assert len(value.json["checks"]) == 12

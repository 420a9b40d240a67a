"""A day at the attestation service: a custodian, three oracles, a holder and an auditor, over HTTP.

    .venv/bin/python examples/served_account.py          (or `make serve-demo`)

Starts `zkcollateral serve` in a temporary folder, plays everybody against it with the client, and
prints what each of them sees. Synthetic numbers; keys, commitments, proofs and the log are real.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from common import ORACLES, Cast, asset_registry, show

import zkcollateral as zk
from zkcollateral.client import Client, ServiceError
from zkcollateral.crypto.checkpoint import VerifierKey
from zkcollateral.risk.clock import format_time

LENDER = "lender-7"
ASSETS = [("BTC", -8, "collateral"), ("ETH", -8, "collateral"), ("USDC", -6, "debt")]
PRICES = {
    "BTC": ("64010", "63990", "64002"),
    "ETH": ("3001", "2999", "3000"),
    "USDC": ("1", "1.0001", "0.9999"),
}
AFTER_A_FALL = {**PRICES, "BTC": ("39010", "38990", "39002"), "ETH": ("1801", "1799", "1800")}
PORTFOLIO = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-17",
    "collateral": {"BTC": "1.5", "ETH": "10"},
    "debt": {"USDC": "60000"},
    "signed": {},
}


def policy_for(registry: zk.Registry) -> zk.Policy:
    """Maintenance now, and the same after a crash."""
    crash = {"BTC": "-0.2", "ETH": "-0.2"}
    value = {
        "format": "zkcollateral/policy/1",
        "name": "prime",
        "registry": zk.document_digest(registry),
        "quote": "USD",
        "ratio": "1.15",
        "factors": {
            "collateral": {"BTC": "0.85", "ETH": "0.8"},
            "debt": {"USDC": "1"},
            "signed": {},
        },
        "value_decimals": None,
        "oracle": {"quorum": "2", "max_age_seconds": "600", "max_deviation": "0.02"},
        "commitments": {
            "max_age_seconds": "86400",
            "max_summands": "1",
            "max_apart_seconds": "0",
            "unvouched": False,
        },
        "profile": "balanced",
        "claims": {
            "maintenance": {"type": "maintenance"},
            "crash": {"type": "stress", "scenarios": [{"name": "fall-20", "shocks": crash}]},
        },
    }
    return zk.Policy.from_json_value(value, "policy")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A service in its own process; gives its address."""
    command = [sys.executable, "-m", "zkcollateral", "serve", "--port", "0"]
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and name.removeprefix("ZKCOLLATERAL_") in (name, "ARITHMETIC")
    }
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            line = process.stdout.readline() if process.stdout else ""
            address = next((word for word in line.split() if word.startswith("http://")), "")
            if not address:
                raise SystemExit(f"the service did not start:\n{line}{log_of(folder)}")
            yield address.rstrip(",;")
        finally:
            process.terminate()
            process.communicate(timeout=30)


def log_of(folder: Path) -> str:
    """What the service wrote about itself."""
    return (folder / "service.log").read_text(encoding="utf-8")[-2000:]


def api_key(folder: Path, tenant: str, scope: str, name: str | None = None) -> str:
    """A key, as the operator makes it: shown once."""
    command = [sys.executable, "-m", "zkcollateral", "api-key", "create", "--json"]
    command += ["--tenant", tenant, "--scope", scope, *(("--name", name) if name else ())]
    made = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    key: str = json.loads(made.stdout)["key"]
    return key


class Day:
    """Everybody who has to do with the service, each with a client and an API key of their own."""

    def __init__(self, folder: Path, address: str, stack: ExitStack) -> None:
        def client(tenant: str, scope: str, name: str | None = None) -> Client:
            return stack.enter_context(Client(address, api_key(folder, tenant, scope, name)))

        self.cast = Cast()
        self.admin = client("ops", "admin")
        self.custodian = client("custodian-one", "custodian", "custodian-one")
        self.oracles = {name: client(name, "oracle", name) for name in ORACLES}
        self.holder = client("holder", "prover")
        self.auditor = client(LENDER, "auditor")
        self.anybody = stack.enter_context(Client(address))
        self.registry = asset_registry("venue-assets", ASSETS)
        self.policy = policy_for(self.registry)
        self.digest = zk.document_digest(self.policy)

    def set_up(self) -> None:
        """The operator publishes what is asked about, and whom it believes."""
        rows = [
            ("registry", self.admin.registries.publish(self.registry).digest[:16]),
            ("policy", self.admin.policies.publish(self.policy).digest[:16]),
        ]
        for key in self.cast.trust(self.policy).keys:
            known = self.admin.trust.add(key)
            rows.append(
                (f"{known.role} {known.name}", f"{known.key_id[:16]}, entry {known.log_index}")
            )
        show("The operator publishes, and every entry goes into the log", rows)

    def post_prices(self, prices: dict[str, tuple[str, ...]]) -> zk.SignedRound:
        """Every oracle signs what it sees; the service makes the round."""
        signed = self.cast.sign_prices(self.policy, prices)
        rows = []
        for report in signed.reports:
            envelope = report.envelope("report")
            said = json.loads(envelope.payload)
            posted = self.oracles[said["oracle"]].price_rounds.post(envelope)
            (made,) = posted.rounds
            round_ = f"round {made.digest[:16]}" if made.digest else str(made.refused)
            rows.append((said["oracle"], f"BTC {said['prices']['BTC']}", round_))
        show("The oracles post what they signed; two make a quorum", rows)
        return self.holder.price_rounds.latest(self.digest)

    def commit(self) -> zk.Holding:
        """The holder commits, the custodian vouches and posts: 48 bytes, and no amount."""
        portfolio = zk.Portfolio.from_json_value(PORTFOLIO, "portfolio")
        holding = self.cast.vouch(self.registry, portfolio)
        if not isinstance(holding.commitment, zk.Envelope):
            raise TypeError("a vouched holding has an envelope")
        posted = self.custodian.commitments.post(holding.commitment)
        rows = [
            ("account", posted.account),
            ("commitment", f"{posted.commitment[:32]}…"),
            ("as of", format_time(posted.as_of)),
        ]
        show("The custodian posts a vouched commitment: all that the service sees of it", rows)
        return holding

    def audit(self, holding: zk.Holding, prices: zk.SignedRound) -> str | None:
        """The auditor asks, the holder answers; the id of what was accepted."""
        asked = self.auditor.audits.open(
            prover="holder",
            policy=self.digest,
            claim="crash",
            deadline=zk.now() + timedelta(minutes=5),
            audience=LENDER,
        )
        question = self.holder.audits.get(asked.id)
        rows = [("asks for", f"{question.claim} of {self.policy.name}"), ("nonce", question.nonce)]
        show("The auditor opens an audit; the service draws the nonce", rows)
        request = zk.Request(
            question.claim,
            self.policy,
            self.registry,
            prices,
            (holding,),
            audience=question.audience,
            nonce=question.nonce,
        )
        try:
            attestation = zk.attest(request, self.cast.srs)
        except zk.ClaimNotSatisfied:
            declined = self.holder.audits.decline(asked.id, "no proof can be made")
            show("The holder cannot prove it, and declines", [("audit", declined.state)])
            return None
        accepted = self.holder.audits.answer(asked.id, attestation).attestation
        rows = [
            ("proof", f"{len(attestation.proof) // 2} bytes"),
            ("accepted as entry", str(accepted.log_index)),
            ("audit", self.auditor.audits.get(asked.id).state),
        ]
        show("The holder answers with a proof", rows)
        return accepted.id

    def check_offline(self, id_: str, nonce: str | None) -> None:
        """The auditor believes nothing of it: the bundle, against its own trust file."""
        bundle = self.auditor.attestations.bundle(id_)
        own = self.cast.trust(self.policy)
        log = VerifierKey.parse(self.auditor.log.key())
        window = {"valid_from": own.keys[0].valid_from, "valid_until": own.keys[0].valid_until}
        key = zk.TrustedKey(role="log", name=log.name, public_key=log.key.raw.hex(), **window)
        trust = zk.Trust.build(audience=LENDER, policies=[self.digest], keys=[*own.keys, key])
        expected = zk.Expectation(zk.now(), claim="crash", nonce=nonce)
        report = zk.verify_bundle(bundle, trust, self.cast.srs, expected)
        rows = [
            (check.name, "passed" if check.passed else "FAILED") for check in report.report.checks
        ]
        rows.append(("log", report.reason))
        show("The auditor checks the bundle offline", rows)
        print(f"  the bundle is {'valid' if report.valid else 'NOT valid'}")

    def tamper(self, id_: str) -> None:
        """Somebody changes one digit of what was proved, and submits it."""
        value: dict[str, Any] = self.anybody.attestations.bundle(id_).attestation.to_json_value()
        value["claim"]["expires"] = format_time(zk.now() + timedelta(days=365))
        try:
            self.holder.attestations.submit(zk.Attestation.from_json_value(value, "changed"))
        except ServiceError as error:
            show("A changed claim is refused", [("problem", error.type), ("says", error.detail)])

    def look(self, kept: bytes) -> None:
        """Anybody asks what is covered, and replays the log."""
        coverage = self.anybody.coverage("acct-17", custodian="custodian-one")
        rows = [("acct-17 is covered", "yes" if coverage.covered else "no")]
        rows += [
            (f"until, by {each.claim}", format_time(each.due))
            for each in coverage.claims
            if each.due
        ]
        show("Anybody asks for coverage", rows)
        log = zk.verify_log(
            self.anybody.log.read, VerifierKey.parse(self.anybody.log.key()), kept=kept
        )
        rows = [("entries", str(log.size)), ("root", log.root.hex()[:32] + "…")]
        show("Anybody replays the log, against the checkpoint kept in the morning", rows)


def main() -> None:
    """A day with a good price round, and one after a fall."""
    print("Synthetic numbers throughout; keys, commitments, proofs and the log are real.")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        address = stack.enter_context(served(folder))
        print(f"zkcollateral serve runs at {address}")
        day = Day(folder, address, stack)
        day.set_up()
        kept = day.anybody.log.checkpoint()
        prices = day.post_prices(PRICES)
        holding = day.commit()
        accepted = day.audit(holding, prices)
        if accepted is None:
            raise SystemExit("the account should have been able to prove its claim")
        nonce = day.auditor.attestations.bundle(accepted).attestation.claim.nonce
        day.check_offline(accepted, nonce)
        day.tamper(accepted)
        day.look(kept)
        time.sleep(1)  # a report has to be later than the oracle's last one
        day.audit(holding, day.post_prices(AFTER_A_FALL))
        day.look(kept)


if __name__ == "__main__":
    main()

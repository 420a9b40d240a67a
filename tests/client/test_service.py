"""The client against the service as it runs: every resource once, with what belongs together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.api.running import Market, Running, running, settings
from tests.world import PORTFOLIO, srs
from zkcollateral.api.access import Scope
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.evidence import payload_digest
from zkcollateral.client.client import Client, question
from zkcollateral.client.errors import ServiceError
from zkcollateral.crypto.checkpoint import VerifierKey, open_checkpoint
from zkcollateral.crypto.envelope import Envelope
from zkcollateral.crypto.merkle import verify_consistency
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.errors import FileError
from zkcollateral.risk.clock import now
from zkcollateral.risk.policy import Policy
from zkcollateral.verifier.bundle import verify_bundle
from zkcollateral.verifier.examination import Expectation
from zkcollateral.verifier.log import verify_log
from zkcollateral.verifier.trust import Trust, TrustedKey

DAY = timedelta(days=1)


@dataclass
class Place:
    """A running service, a market that it knows, and clients of it."""

    service: Running
    market: Market

    def client(self, *scopes: Scope, tenant: str = "ops", name: str | None = None) -> Client:
        key = self.service.key(*scopes, tenant=tenant, name=name) if scopes else None
        return Client(self.service.url, key)

    @property
    def policy(self) -> str:
        return document_digest(self.market.policy)

    @property
    def log_key(self) -> VerifierKey:
        key = self.service.service.store.signer.public
        return VerifierKey(key.name, key.key)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("service")
    with running(settings(folder, risk=True)) as service:
        yield Place(service, Market.at_service(service))


def test_documents(place: Place) -> None:
    with place.client("admin") as admin:
        value = place.market.policy.to_json_value() | {"name": "another"}
        policy = Policy.from_json_value(value, "policy")
        published = admin.policies.publish(policy)
        assert admin.policies.publish(policy) == published
        assert admin.registries.publish(place.market.registry).name == "venue-assets"
    with place.client() as anybody:
        assert anybody.policies.get(published.digest) == policy
        assert anybody.registries.get(policy.registry) == place.market.registry
        names = [each.name for each in anybody.policies.list()]
        assert names == ["another", "prime"]
        assert [each.digest for each in anybody.registries.list()] == [policy.registry]
        with pytest.raises(ServiceError) as caught:
            anybody.policies.get("0" * 64)
        assert (caught.value.name, caught.value.status) == ("not-found", 404)
        with pytest.raises(ServiceError, match="401 key-missing"):
            anybody.policies.publish(policy)


def test_trusted_keys(place: Place) -> None:
    key = TrustedKey(
        role="custodian",
        name="late",
        public_key=SigningKey.generate().public.raw.hex(),
        valid_from=now() - DAY,
        valid_until=now() + DAY,
    )
    with place.client("admin") as admin:
        added = admin.trust.add(key)
        assert admin.trust.get(added.key_id) == added
        assert [each.name for each in admin.trust.list(role="custodian", name="late")] == ["late"]
        assert added.retired is None
        retired = admin.trust.retire(added.key_id, "lost")
        assert retired.retired is not None
        assert retired.reason == "lost"
        document = admin.trust.document()
    assert key.public_key in {each.public_key for each in document.keys}
    assert place.policy in document.policies


def test_evidence(place: Place) -> None:
    market = place.market
    reports = {name: market.report(name, now()) for name in market.oracles}
    posted = []
    for name, report in reports.items():
        with place.client("oracle", name=name) as oracle:
            posted.append(oracle.price_rounds.post(report))
            assert oracle.price_rounds.post(report).digest == posted[-1].digest
    made = {each.policy: each.digest for each in posted[-1].rounds}[place.policy]
    assert made is not None
    vouched = market.vouched(as_of=now(), account="acct-9").commitment
    assert isinstance(vouched, Envelope)
    with place.client("custodian", name="bank") as bank:
        commitment = bank.commitments.post(vouched)
        assert bank.commitments.get(payload_digest(vouched)) == commitment
        assert bank.commitments.envelope(commitment.digest) == vouched
    with place.client() as anybody:
        latest = anybody.price_rounds.latest(place.policy)
        assert document_digest(latest.round) == made
        assert anybody.price_rounds.get(made, place.policy) == latest
        assert [each.digest for each in anybody.price_rounds.history(place.policy)] == [made]
        listed = anybody.commitments.list(account="acct-9", custodian="bank", current=True)
        assert [*listed] == [commitment]
        assert [*anybody.commitments.list(account="acct-9", current=False)] == []


def test_an_audit_from_question_to_bundle(place: Place) -> None:
    market = place.market
    with (
        place.client("auditor", tenant="lender") as lender,
        place.client("prover", tenant="holder") as holder,
    ):
        audit = lender.audits.open(
            prover="holder",
            policy=place.policy,
            claim="maintenance",
            deadline=now() + DAY,
            audience="lender-7",
            max_attempts=2,
        )
        assert [*holder.audits.list(state="open")] == [audit]
        wrong = market.attestation(audience="lender-7", nonce="another")
        with pytest.raises(ServiceError) as caught:
            holder.audits.answer(audit.id, wrong)
        assert caught.value.name == "nonce-wrong"
        assert len(caught.value.checks) == 12
        attestation = market.attestation(audience="lender-7", nonce=audit.nonce)
        submitted = holder.audits.answer(audit.id, attestation)
        assert submitted.new
        assert submitted.attestation.audit == audit.id
        assert not holder.audits.answer(audit.id, attestation).new
        assert lender.audits.get(audit.id).state == "answered"
        declined, withdrawn = (
            lender.audits.open(
                prover="holder", policy=place.policy, claim="crash", deadline=now() + DAY
            )
            for _ in range(2)
        )
        assert holder.audits.decline(declined.id, "not now").state == "failed"
        assert lender.audits.withdraw(withdrawn.id).state == "withdrawn"
        bundle = lender.attestations.bundle(attestation.identity)
    value = market.trust_value()
    key = place.log_key
    value["keys"].append(
        {**value["keys"][0], "role": "log", "name": key.name, "public_key": key.key.raw.hex()}
    )
    trust = Trust.from_json_value(value, "trust")
    report = verify_bundle(bundle, trust, srs(), Expectation(now(), "lender-7", audit.nonce))
    assert report.valid, report.to_json_value()


def test_attestations_verification_and_coverage(place: Place) -> None:
    attestation = place.market.attestation(claim="survives-20")
    with place.client("prover", tenant="holder") as holder:
        submitted = holder.attestations.submit(attestation)
        assert len(submitted.checks) == 12
        id_ = submitted.attestation.id
        bundle = holder.attestations.bundle(id_)
        assert holder.attestations.get(id_) == submitted.attestation
        found = holder.attestations.list(
            policy=place.policy, claim="survives-20", account="acct-1", status="valid"
        )
        assert [each.id for each in found] == [id_]
        covered = holder.coverage("acct-1", claim="survives-20")
        assert covered.covered
        (claim,) = covered.claims
        assert claim.attestation == id_
        assert claim.history[0].attestation == id_
        assert not holder.coverage("nobody/of:that.name").covered
        assert holder.verify(attestation).valid
        assert holder.verify(attestation).log is None
        checked = holder.verify(bundle, nonce="7")
        assert not checked.valid
        assert checked.log is not None
        assert checked.log.passed
        asked = [question(bundle), question(attestation, claim="crash"), {"bundle": "garbage"}]
        reports = holder.verify_batch(asked)
        assert [each.valid for each in reports] == [True, False, False]
        assert reports[2].problem is not None
        revoked = holder.attestations.revoke(id_, "a test")
        assert (revoked.status, revoked.revoked_reason) == ("revoked", "a test")
        assert holder.attestations.revoke(id_, "a test") == revoked


def test_the_log(place: Place) -> None:
    key = place.log_key
    with place.client("admin") as admin:
        first = open_checkpoint(admin.log.checkpoint(), [key]).checkpoint
        value = place.market.policy.to_json_value() | {"name": f"at-{first.size}"}
        admin.policies.publish(Policy.from_json_value(value, "policy"))
        assert VerifierKey.parse(admin.log.key()) == key
        report = verify_log(admin.log.read, key, kept=first)
        assert report.size == first.size + 1
        assert open_checkpoint(admin.log.checkpoint(first.size), [key]).checkpoint == first
        proof = admin.log.consistency(first.size, report.size)
        verify_consistency(first.size, first.root, report.size, report.root, proof)
        entry = admin.log.entry(first.size)
        assert entry.entry.to_json_value()["name"] == f"at-{first.size}"
        assert len(admin.log.inclusion(first.size, report.size)) == len(entry.proof)
        with pytest.raises(FileError, match="404, not found"):
            admin.log.read("tile/0/999")


def test_api_keys(place: Place) -> None:
    with place.client("admin") as admin:
        created = admin.api_keys.create("holder", ["prover", "auditor"])
        assert created.id in [each.id for each in admin.api_keys.list()]
        with Client(place.service.url, created.key) as holder:
            assert [*holder.audits.list(state="expired")] == []
            admin.api_keys.revoke(created.id)
            with pytest.raises(ServiceError, match="401 key-unknown"):
                holder.audits.get("0")


def test_risk(place: Place) -> None:
    with place.client("prover") as holder:
        body = {
            "portfolio": PORTFOLIO,
            "registry": place.market.registry.to_json_value(),
            "policy": place.market.policy.to_json_value(),
            "prices": place.market.prices(now()).round.to_json_value(),
        }
        with pytest.raises(ServiceError, match="422"):
            holder.risk("evaluate", {"nothing": "here"})
        assert holder.risk("evaluate", body)

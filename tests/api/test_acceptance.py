"""Deciding about submissions: in one batch, in two processes at once, while the world changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.api.asking import (
    TENANT,
    answer_to,
    audit_now,
    events,
    issued_at,
    nothing_stored,
    open_audit,
    post_commitment,
    retire,
    stored,
    submit,
)
from tests.api.running import Market, Running, running, settings
from tests.world import altered, srs
from zkcollateral.api import filing
from zkcollateral.api.acceptance import Acceptance
from zkcollateral.api.app import make_service
from zkcollateral.api.cases import Accepted, Case, Outcome
from zkcollateral.api.metrics import Metrics
from zkcollateral.api.problems import Problem
from zkcollateral.api.store import writer
from zkcollateral.api.store.tables import AttestationRow, Audit
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import document_digest
from zkcollateral.prover.attestation import attest
from zkcollateral.risk.clock import now
from zkcollateral.verifier.attestation import valid_until
from zkcollateral.verifier.memory import Memory


class Interrupted(Acceptance):
    """An acceptance in which something happens between the first check and the storing."""

    def __init__(self, service: Running, between: Callable[[], None] = lambda: None) -> None:
        super().__init__(service.service.store, srs(), None, Metrics())
        self.between = between
        self.verified = 0

    def _verify(self, cases: Sequence[Case], trust: Any) -> None:
        super()._verify(cases, trust)
        self.verified += 1
        if self.verified == 1:
            self.between()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(settings(tmp_path_factory.mktemp("acceptance"))) as started:
        yield started


@pytest.fixture(scope="module")
def market(service: Running) -> Market:
    return Market.at_service(service)


def case(attestation: Attestation, audit: dict[str, Any] | None = None) -> Case:
    return Case(attestation, TENANT, None if audit is None else audit["id"])


def decide(service: Running, *attestations: Attestation) -> list[str]:
    return names(Interrupted(service).accept([case(each) for each in attestations]))


def names(outcomes: Sequence[Outcome]) -> list[str]:
    return [each.name if isinstance(each, Problem) else each.kind for each in outcomes]


def with_another_proof(market: Market) -> tuple[Attestation, Attestation]:
    """Two attestations of one claim."""
    at = now()
    request = market.request(market.vouched(as_of=at), prices=market.prices(at), audience=None)
    first, second = (attest(request, srs(), issued=at) for _ in range(2))
    assert (first.identity, first.proof) != (second.identity, second.proof)
    assert first.identity == second.identity
    return first, second


def test_one_claim_twice_in_a_batch_is_stored_once(service: Running, market: Market) -> None:
    first, second = with_another_proof(market)
    before = stored(service)
    assert decide(service, first, second, first) == ["accepted", "known", "known"]
    assert stored(service)["log_entries"] == before["log_entries"] + 1
    with service.service.store.read() as session:
        row = session.get_one(AttestationRow, first.identity)
        assert row.digest == document_digest(first)


def test_one_claim_with_another_proof_is_answered_with_what_is_stored(
    service: Running, market: Market
) -> None:
    first, second = with_another_proof(market)
    assert submit(service, first).status_code == 201
    with nothing_stored(service):
        again = submit(service, second)
        # Not checked any more: what is stored is what was checked.
        broken = submit(service, altered(first, "proof", to="00"))
    assert (again.status_code, broken.status_code) == (200, 200)
    for answer in (again, broken):
        assert answer.json()["new"] is False
        assert answer.json()["checks"] == []
        assert answer.json()["attestation"]["digest"] == document_digest(first)


def test_a_bad_proof_does_not_stand_in_the_way_of_a_good_one(
    service: Running, market: Market
) -> None:
    good = market.attestation()
    bad = altered(good, "proof", to=market.attestation().proof)
    assert decide(service, bad, good, bad) == ["proof-invalid", "accepted", "known"]


def test_of_two_answers_in_a_batch_the_first_counts(service: Running, market: Market) -> None:
    audit = open_audit(service, market)
    one, two = answer_to(market, audit), answer_to(market, audit)
    outcomes = Interrupted(service).accept([case(one), case(two, audit), case(one, audit)])
    assert names(outcomes) == ["accepted", "nonce-replayed", "known"]
    seen = audit_now(service, audit)
    assert (seen["state"], seen["attestation"]) == ("answered", one.identity)
    assert len([e for e in events(service, "audit.answered") if audit["id"] in e.data]) == 1


def test_refused_answers_in_a_batch_are_counted_and_the_last_one_closes(
    service: Running, market: Market
) -> None:
    audit = open_audit(service, market, max_attempts="2")
    good = answer_to(market, audit)
    bad = answer_to(market, audit, audience="lender-8")
    outcomes = Interrupted(service).accept([case(bad), case(bad, audit), case(bad), case(good)])
    assert names(outcomes) == ["audience-wrong", "audience-wrong", "audit-closed", "audit-closed"]
    seen = audit_now(service, audit)
    assert (seen["state"], seen["attempts"]) == ("failed", "2")
    assert seen["reason"] == "audience-wrong at the last attempt"


def test_of_two_answers_in_two_processes_one_counts(tmp_path: Path, database_url: str) -> None:
    configured = settings(tmp_path, database_url)
    with running(configured) as service:
        market = Market.at_service(service)
        other = Running(service.app, service.url)
        audit = open_audit(service, market)
        answers = [answer_to(market, audit) for _ in range(2)]
        # Both have passed all checks, with the audit open, before either is stored.
        together = threading.Barrier(2)
        second = make_service(configured)
        outcomes: dict[int, list[Outcome]] = {}

        def run(number: int) -> None:
            acceptance = Interrupted(other, lambda: together.wait(30) and None)
            if number:
                acceptance._store = second.store
            outcomes[number] = acceptance.accept([case(answers[number])])

        threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        second.store.engine.dispose()
        decided = {number: names(found)[0] for number, found in outcomes.items()}
        assert sorted(decided.values()) == ["accepted", "nonce-replayed"]
        (winner,) = (number for number, name in decided.items() if name == "accepted")
        seen = audit_now(service, audit)
        assert (seen["state"], seen["attempts"]) == ("answered", "0")
        assert seen["attestation"] == answers[winner].identity
        assert stored(service)["attestations"] == 1


def test_one_claim_in_two_processes_is_stored_once(tmp_path: Path, database_url: str) -> None:
    with running(settings(tmp_path, database_url)) as service:
        first, second = with_another_proof(Market.at_service(service))
        together = threading.Barrier(2)
        kinds: list[str] = []

        def run(attestation: Attestation) -> None:
            acceptance = Interrupted(service, lambda: together.wait(30) and None)
            kinds.extend(names(acceptance.accept([case(attestation)])))

        threads = [threading.Thread(target=run, args=(each,)) for each in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(kinds) == ["accepted", "known"]
        assert stored(service)["attestations"] == 1


@pytest.mark.parametrize("role", ["oracle", "custodian"])
def test_a_key_that_is_retired_between_check_and_storing(service: Running, role: str) -> None:
    market = Market.at_service(service)
    key = market.oracles["south"] if role == "oracle" else market.venues["bank"]
    at = now()
    attestation = market.attestation(at=at)

    def leak() -> None:
        retire(service, key, at - timedelta(seconds=1))

    acceptance = Interrupted(service, leak)
    before = stored(service)
    (outcome,) = acceptance.accept([case(attestation)])
    assert isinstance(outcome, Problem)
    assert outcome.name == "key-retired"
    assert acceptance.verified == 2
    # The log has the end of the key, and nothing else.
    after = stored(service)
    assert after.pop("log_entries") == before.pop("log_entries") + 1
    assert after.pop("checkpoints") == before.pop("checkpoints") + 1
    assert after == before


def test_trust_that_changes_elsewhere_takes_nothing_away(service: Running) -> None:
    market, other = Market.at_service(service), Market.at_service(service)
    acceptance = Interrupted(service, lambda: retire(service, other.venues["bank"], now()))
    assert names(acceptance.accept([case(market.attestation())])) == ["accepted"]
    assert acceptance.verified == 2


def test_an_attestation_that_expires_between_check_and_storing(
    service: Running, market: Market
) -> None:
    short = market.attestation(expires_in=2)

    def wait() -> None:
        while now() < short.claim.expires:
            time.sleep(0.05)

    with nothing_stored(service):
        (outcome,) = Interrupted(service, wait).accept([case(short)])
    assert isinstance(outcome, Problem)
    assert outcome.name == "attestation-expired"
    assert [check["passed"] for check in outcome.more["checks"]].count(False) == 1


def test_a_clock_that_is_set_back_between_check_and_storing(
    service: Running, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards: no entry is dated before what it is about, for its bundle would not pass."""
    attestation = market.attestation()
    earlier = attestation.claim.issued - timedelta(seconds=1)

    def set_back() -> None:
        monkeypatch.setattr(writer, "now", lambda: earlier)

    before = stored(service)
    outcomes = Interrupted(service, set_back).accept([case(attestation)])
    monkeypatch.undo()
    assert names(outcomes) == ["attestation-expired"]
    assert stored(service) == before


def test_an_audit_that_expires_between_check_and_storing(service: Running, market: Market) -> None:
    audit = open_audit(service, market)

    def pass_by() -> None:
        with service.service.store.write() as writer:
            past = update(Audit).where(Audit.id == audit["id"]).values(deadline=writer.at)
            writer.session.execute(past)

    with nothing_stored(service):
        outcomes = Interrupted(service, pass_by).accept([case(answer_to(market, audit))])
    assert names(outcomes) == ["audit-closed"]
    assert audit_now(service, audit)["state"] == "expired"


def test_a_newer_commitment_that_comes_between_check_and_storing(
    service: Running, market: Market
) -> None:
    at = now()
    attestation = issued_at(
        market,
        at,
        at - timedelta(seconds=5),
        holding=market.vouched(account="acct-7", as_of=at - timedelta(seconds=5)),
    )

    def come() -> None:
        post_commitment(service, market, "acct-7", at)

    with nothing_stored(service):
        outcomes = Interrupted(service, come).accept([case(attestation)])
    assert names(outcomes) == ["commitment-superseded"]


def test_what_a_leaked_key_signed_after_its_end_supersedes_nothing(service: Running) -> None:
    market, thief = Market.at_service(service), Market.at_service(service)
    at = now()
    post_commitment(service, thief, "acct-8", at)
    holding = market.vouched(account="acct-8", as_of=at - timedelta(seconds=5))
    attestation = issued_at(market, at, at - timedelta(seconds=5), holding=holding)
    assert decide(service, attestation) == ["commitment-superseded"]
    retire(service, thief.venues["bank"], at - timedelta(seconds=1))
    assert decide(service, attestation) == ["accepted"]


def test_an_error_while_storing_leaves_nothing(
    service: Running, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = open_audit(service, market)
    attestation = answer_to(market, audit)

    def fail(*_: Any) -> None:
        raise RuntimeError("killed")

    with nothing_stored(service), monkeypatch.context() as patched:
        patched.setattr(filing, "place", fail)
        with pytest.raises(RuntimeError, match="killed"):
            decide(service, attestation)
    assert audit_now(service, audit)["state"] == "open"
    assert decide(service, attestation) == ["accepted"]


def test_what_is_valid_counts_no_longer_than_its_evidence(market: Market) -> None:
    at = now()
    price_limit = at + timedelta(seconds=601)
    late = issued_at(market, at, at, expires_in=10**6)
    assert late.claim.expires > price_limit
    assert valid_until(late) == price_limit
    assert market.verify(late, trust=market.trust(), at=price_limit - timedelta(seconds=1)).valid
    assert not market.verify(late, trust=market.trust(), at=price_limit).valid
    early = issued_at(market, at, at, expires_in=60)
    assert valid_until(early) == early.claim.expires
    old = market.vouched(as_of=at - timedelta(seconds=86_390))
    assert valid_until(issued_at(market, at, at, holding=old, expires_in=300)) == at + timedelta(
        seconds=11
    )


def test_a_report_has_to_be_valid_to_be_stored(service: Running, market: Market) -> None:
    """Whatever the verifier says stands: one failed check is enough."""

    class Doubting(Interrupted):
        def _verify(self, cases: Sequence[Case], trust: Any) -> None:
            super()._verify(cases, trust)
            for each in cases:
                assert each.report is not None
                checks = tuple(
                    replace(check, passed=check.name != "expiry") for check in each.report.checks
                )
                each.checked(replace(each.report, checks=checks), Memory())

    with nothing_stored(service):
        outcomes = Doubting(service).accept([case(market.attestation())])
    assert names(outcomes) == ["attestation-expired"]
    assert not any(isinstance(each, Accepted) for each in outcomes)

"""The checks of one attestation, one by one, all but the proof's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ..circuits.attestation import Attestation
from ..circuits.claim import (
    ClaimedAccount,
    PublicClaim,
    Summand,
    build_statement,
    document_digest,
)
from ..circuits.compiler import Circuit, compile_claim
from ..circuits.evidence import SignedDocument, open_report, open_vouch, payload_digest
from ..circuits.statement import Statement
from ..crypto.srs import Srs
from ..errors import InputError, ZkCollateralError
from ..risk.clock import format_time, require_utc, seconds_between
from ..risk.policy import check_policy
from ..risk.prices import PriceReport, combine_for
from ..risk.pricing import price
from ..risk.values import Exact
from .memory import CircuitKey, Memory
from .report import Check, CheckName, Report
from .trust import Trust, TrustedKey


class _Failed(Exception):
    """A check that did not pass, and why."""


@dataclass(frozen=True)
class Expectation:
    """What the verifier expects of one attestation, besides its trust file.

    Args:
        at: the time of the check, UTC. Ages and expiry are measured at it.
        audience: whom the attestation must be addressed to; None takes the trust file's.
        nonce: the challenge that the attestation must answer; None expects none.
        claim: the name of the policy's claim that was asked for; None takes any of them, and then
            the report has to be read for which one it is.
    """

    at: datetime
    audience: str | None = None
    nonce: str | None = None
    claim: str | None = None

    def __post_init__(self) -> None:
        require_utc(self.at, "time of the check")
        if self.audience == "":
            raise InputError("audience", "a name", "an empty one")


class Examination:
    """The checks of one attestation, in order; every one is made, whatever the others said."""

    def __init__(
        self,
        attestation: Attestation,
        trust: Trust,
        srs: Srs,
        expectation: Expectation,
        memory: Memory,
    ) -> None:
        self.attestation = attestation
        self.claim: PublicClaim = attestation.claim
        self.trust = trust
        self.srs = srs
        self.expectation = expectation
        self.at = expectation.at
        self.memory = memory
        self.checks: dict[CheckName, Check] = {}
        self.reports: dict[str, PriceReport] = {}
        self.places: list[dict[tuple[str, str], str]] = []
        self.statement: Statement | None = None
        # Of the documents that the attestation carries, whatever its claim says of them.
        self.policy_digest = memory.digest(attestation.policy)
        self.registry_digest = memory.digest(attestation.registry)
        self.round_digest = memory.digest(attestation.prices.round)

    def before_proof(self) -> Statement | None:
        """All checks but the proof's; the statement it must prove, if there is one."""
        self._check("format", self._format)
        self._check("policy", self._policy)
        self._check("claim", self._claim)
        self._check("oracle_quorum", self._oracle_quorum)
        self._check("price_age", self._price_age)
        self._check("custodian_signature", self._custodian_signature)
        self._check("commitment_age", self._commitment_age)
        self._check("statement", self._statement)
        self._check("audience", self._audience)
        self._check("nonce", self._nonce)
        self._check("expiry", self._expiry)
        return self.statement

    def report(self, proof: Check) -> Report:
        """The report, with the proof's check in its place."""
        names = [*self.checks]
        checks = [*self.checks.values()]
        checks.insert(names.index("statement") + 1, proof)
        return Report(tuple(checks))

    def _check(self, name: CheckName, check: Callable[[], str]) -> None:
        try:
            self.checks[name] = Check(name, True, check())
        except (_Failed, ZkCollateralError) as error:
            self.checks[name] = Check(name, False, str(error))

    def _format(self) -> str:
        for name, carried, expected in (
            ("policy", self.policy_digest, self.claim.policy),
            ("registry", self.registry_digest, self.claim.registry),
            ("price round", self.round_digest, self.claim.round.digest),
        ):
            if carried != expected:
                raise _Failed(f"the claim is about another {name} than the attestation carries")
        if self.claim.round.time != self.attestation.prices.round.time:
            raise _Failed("the claim gives another time for its price round than the round does")
        return "claim, policy, registry and price round belong together"

    def _policy(self) -> str:
        policy, registry = self.attestation.policy, self.attestation.registry
        if self.policy_digest not in self.trust.policies:
            raise _Failed(f"policy {policy.name} is not among those that this verifier accepts")
        check_policy(policy, self.registry_digest, registry)
        return f"policy {policy.name} is accepted"

    def _claim(self) -> str:
        claim, expected = self.claim, self.expectation.claim
        if expected is not None and claim.name != expected:
            raise _Failed(f"the claim is {claim.name!r}, this verifier asked for {expected!r}")
        rule = self.attestation.policy.claims.get(claim.name)
        if rule is None or rule.type != claim.type:
            raise _Failed(f"the policy has no {claim.type} claim of the name {claim.name!r}")
        of_whom = [
            ", ".join(summand.account for summand in account.commitments)
            for account in claim.accounts
        ]
        # Whoever was counted among the assets must not pass for somebody who is covered.
        accounts = " against the liabilities of ".join(of_whom)
        return (
            f"{claim.name} ({claim.type}) of policy {self.attestation.policy.name} for {accounts}"
        )

    def _oracle_quorum(self) -> str:
        prices, policy = self.attestation.prices, self.attestation.policy
        self.reports = self.memory.once("round", (self.trust, policy, prices), self._open_reports)
        names = ", ".join(sorted(report.oracle for report in self.reports.values()))
        return f"{len(self.reports)} of {policy.oracle.quorum} needed: {names}"

    def _open_reports(self) -> dict[str, PriceReport]:
        """The reports that make the round; of a round that fails, those before what is wrong."""
        prices, policy = self.attestation.prices, self.attestation.policy
        oracles = self.trust.keys_of("oracle")
        for index, signed in enumerate(prices.reports):
            where = f"price report {index}"
            envelope = signed.envelope(where)
            report, key_id = open_report(envelope, [key.key for key in oracles.values()], where)
            key = oracles[key_id]
            if key.name != report.oracle:
                raise _Failed(f"{where}: {key.name} signed a report of {report.oracle}")
            _require_window(key, report.time, where)
            self.reports[payload_digest(envelope)] = report
        if len(self.reports) != len(prices.reports):
            raise _Failed("the same price report is listed twice")
        made = combine_for(self.reports, policy)
        if document_digest(made) != self.round_digest:
            raise _Failed("the price round is not the one that its reports make")
        return self.reports

    def _price_age(self) -> str:
        limit = self.attestation.policy.oracle.max_age_seconds
        for report in self.reports.values():
            self._age(report.time, f"the price report of {report.oracle}")
        age = self._age(self.attestation.prices.round.time, "the price round")
        if age > limit:
            raise _Failed(f"the price round is {age} s old, the policy allows {limit} s")
        return f"{age} s of {limit} s"

    def _custodian_signature(self) -> str:
        accounts, vouchers = self.claim.accounts, self.attestation.vouchers
        vouched = sum(account.summands for account in accounts if account.vouched)
        if len(vouchers) != vouched:
            raise _Failed(f"{vouched} vouched commitments, {len(vouchers)} signatures")
        envelopes = iter(vouchers)
        reason = "; ".join(self._backed(account, envelopes) for account in accounts)
        for place in set(self.places[0]).intersection(*self.places[1:]) if accounts[1:] else ():
            if len({commitments[place] for commitments in self.places}) > 1:
                raise _Failed("one account of one voucher stands on both sides, at two moments")
        return reason

    def _backed(self, account: ClaimedAccount, envelopes: Iterator[SignedDocument]) -> str:
        policy = self.attestation.policy
        if account.summands > policy.commitments.max_summands:
            raise _Failed(
                f"{account.summands} commitments are added up, the policy allows "
                f"{policy.commitments.max_summands}"
            )
        if not account.vouched:
            if not policy.commitments.unvouched:
                raise _Failed("nobody vouches for the commitment, and the policy wants that")
            self.places.append({})
            return "unvouched, as the policy allows: every slot is range-checked"
        names = [
            self._open_vouch(account, summand, next(envelopes)) for summand in account.commitments
        ]
        # By name and not by key: a voucher that changes its key is still one voucher.
        places = {
            (name, summand.account): summand.commitment
            for name, summand in zip(names, account.commitments, strict=True)
        }
        self.places.append(places)
        if len(places) != account.summands:
            raise _Failed("one account of one voucher is counted twice")
        return "vouched for by " + ", ".join(names)

    def _open_vouch(
        self, account: ClaimedAccount, summand: Summand, signed_vouch: SignedDocument
    ) -> str:
        custodians = self.trust.keys_of("custodian")
        where = f"vouched commitment of {summand.account}"
        vouch, key_id = open_vouch(
            signed_vouch.envelope(where), [key.key for key in custodians.values()], where
        )
        if key_id != summand.voucher:
            raise _Failed(f"{where}: signed by another voucher than the claim names")
        signed = (vouch.account, vouch.registry, vouch.slots, vouch.commitment, vouch.as_of)
        claimed = (
            summand.account,
            self.claim.registry,
            account.slots,
            summand.commitment,
            summand.as_of,
        )
        if signed != claimed:
            raise _Failed(f"{where}: the voucher signed something else than the claim says")
        _require_window(custodians[key_id], vouch.as_of, where)
        return custodians[key_id].name

    def _commitment_age(self) -> str:
        limit = self.attestation.policy.commitments.max_age_seconds
        ages = [
            self._age(summand.as_of, f"the commitment of {summand.account}")
            for summand in self.claim.summands
            if summand.as_of is not None
        ]
        if not ages:
            return "unvouched: no age"
        if max(ages) > limit:
            raise _Failed(f"a commitment is {max(ages)} s old, the policy allows {limit} s")
        apart, allowed = (
            max(ages) - min(ages),
            self.attestation.policy.commitments.max_apart_seconds,
        )
        if apart > allowed:
            raise _Failed(f"commitments are {apart} s apart, the policy allows {allowed} s")
        return f"{max(ages)} s of {limit} s"

    def _statement(self) -> str:
        # Compiling is the costly step, so it is done for accepted and consistent documents only.
        # Option values cost more than the reports' signatures: unsigned rounds get none.
        costly = self.attestation.policy.margin is not None
        needed: CheckName
        for needed in ("format", "policy", "claim", *(("oracle_quorum",) if costly else ())):
            if not self.checks[needed].passed:
                raise _Failed(f"not rebuilt: the check {needed!r} failed")
        attestation, claim = self.attestation, self.claim
        if any(account.slots != attestation.registry.slots for account in claim.accounts):
            raise _Failed("the commitment has another number of slots than the registry")
        circuit = self._circuit()
        self.statement = build_statement(claim, circuit, self.srs)
        return (
            f"{len(circuit.system.rows)} rows, {circuit.value_count} range-checked values, "
            f"n = {circuit.domain_size}{self._adaptive()}"
        )

    def _adaptive(self) -> str:
        """The maintenance ratio that this verifier derived, where the policy's is adaptive."""
        policy, prices = self.attestation.policy, self.attestation.prices
        if policy.adaptive is None:
            return ""
        pricing = self.memory.once("pricing", (policy, prices), lambda: price(policy, prices.round))
        return f", adaptive ratio {Exact.of(pricing.ratio)}"

    def _circuit(self) -> Circuit:
        """The claim, compiled; `format` has passed, so the digests are those of the documents."""
        claim = self.claim
        key = CircuitKey(
            claim.policy,
            claim.registry,
            claim.round.digest,
            claim.name,
            claim.backings,
        )
        return self.memory.circuit(
            key,
            lambda: compile_claim(
                self.attestation.policy,
                self.attestation.registry,
                self.attestation.prices.round,
                claim.name,
                *claim.backings,
            ),
        )

    def _audience(self) -> str:
        expected = self.expectation.audience
        if expected is None:
            expected = self.trust.audience
        given = self.claim.audience
        if given != expected:
            raise _Failed(f"addressed to {_named(given)}, this verifier is {_named(expected)}")
        return f"addressed to {_named(given)}"

    def _nonce(self) -> str:
        expected, given = self.expectation.nonce, self.claim.nonce
        if expected is None:
            return "none expected" if given is None else "none expected, one is given"
        if given != expected:
            raise _Failed("the attestation does not answer this verifier's nonce")
        return "the expected one"

    def _expiry(self) -> str:
        self._age(self.claim.issued, "the attestation")
        evidence = [self.claim.round.time]
        evidence += [s.as_of for s in self.claim.summands if s.as_of is not None]
        if self.claim.issued < max(evidence):
            raise _Failed("issued before its own prices or commitments")
        margin = self.attestation.policy.margin
        first = margin.first_expiry if margin and self.claim.type == "portfolio_margin" else None
        if first is not None and self.at >= first[0]:
            raise _Failed(f"the instrument {first[1]} expired at {format_time(first[0])}")
        if self.at >= self.claim.expires:
            raise _Failed(f"expired at {format_time(self.claim.expires)}")
        return f"valid until {format_time(self.claim.expires)}"

    def _age(self, time: datetime, what: str) -> int:
        """Seconds from `time` to the time of the check; a time that lies ahead fails."""
        age = seconds_between(time, self.at)
        if age < 0:
            raise _Failed(f"{what} is dated {format_time(time)}, which lies in the future")
        return age


def _require_window(key: TrustedKey, time: datetime, where: str) -> None:
    if not key.covers(time):
        raise _Failed(
            f"{where}: the key of {key.name} counts from {format_time(key.valid_from)} to "
            f"{format_time(key.valid_until)}, and it is dated {format_time(time)}"
        )


def _named(audience: str | None) -> str:
    return "nobody in particular" if audience is None else repr(audience)

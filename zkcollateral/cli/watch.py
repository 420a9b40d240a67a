"""`zkcollateral watch`: continuous attestation, a new proof on every price round."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..errors import ClaimNotSatisfied, InputError, ZkCollateralError
from .computing import load_srs
from .holdings import HoldingFiles
from .options import (
    ApiKeyFile,
    AsJson,
    Audience,
    CommitmentFiles,
    LiabilityCommitments,
    LiabilityOpenings,
    Openings,
    PassphraseFile,
    PlainHttp,
    Service,
    parse_time_option,
)
from .output import emit, notice
from .rounds import check_accepted, check_round
from .service import connect

if TYPE_CHECKING:
    from ..circuits.attestation import Attestation
    from ..circuits.evidence import SignedRound
    from ..client.client import Client
    from ..client.results import Submitted
    from ..crypto.srs import Srs
    from ..risk.policy import Policy
    from ..verifier.trust import Trust

NOT_COVERED = 1
KEPT_ROUNDS = 256
NOT_FOUND = 404
UNAUTHORIZED = (401, 403)

Outcome = Literal["accepted", "known", "unsatisfied", "skipped", "refused", "failed"]


def watch(
    context: typer.Context,
    opening: Openings,
    commitment: CommitmentFiles,
    policy: Annotated[Path, typer.Option(metavar="FILE", help="Policy.")],
    claim: Annotated[str, typer.Option(metavar="NAME", help="A claim of the policy.")],
    trust: Annotated[Path, typer.Option(metavar="FILE", help="Your trust file (see trust).")],
    audience: Audience = None,
    liability_opening: LiabilityOpenings = None,
    liability_commitment: LiabilityCommitments = None,
    once: Annotated[bool, typer.Option("--once", help="End after one round.")] = False,
    max_rounds: Annotated[int | None, typer.Option(metavar="N", help="End after N rounds.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="End at this time.")] = None,
    passphrase_file: PassphraseFile = None,
    service: Service = None,
    api_key_file: ApiKeyFile = None,
    plain_http: PlainHttp = False,
    as_json: AsJson = False,
) -> int:
    """Prove a claim anew on every price round, and submit that.

    The newest round is taken first, then each as it is announced; one that is too old already is
    passed over. Openings and commitments are read anew every time, so that files can be replaced.
    Only rounds whose oracles your own trust file names are proved on.

    One line is printed per round. Exit status: that of the last round, 0 accepted, 1 not.
    """
    from ..risk.policy import Policy
    from ..verifier.trust import Trust
    from .files import read_document

    end = None if until is None else parse_time_option("--until", until)
    if max_rounds is not None and max_rounds < 1:
        raise InputError("--max-rounds", "at least 1", str(max_rounds))
    files = HoldingFiles(
        opening, commitment, liability_opening or [], liability_commitment or [], passphrase_file
    )
    files.check_pairs()
    rule = read_document(Policy, policy)
    roots = read_document(Trust, trust)
    check_accepted(rule, roots, trust, str(policy))
    if claim not in rule.claims:
        expected = f"a claim of the name {claim!r}"
        raise InputError(f"{policy}: claims", expected, ", ".join(sorted(rule.claims)))
    files.check_accounts(rule, claim)
    files.read()
    with connect(service, api_key_file, plain_http=plain_http) as client:
        holder = _Holder(client, files, rule, claim, audience, roots, load_srs(context))
        return holder.follow(1 if once else max_rounds, end, as_json=as_json)


@dataclass(frozen=True)
class _Line:
    """What became of one round."""

    round: str
    time: datetime
    outcome: Outcome
    text: str
    attestation: str | None = None
    expires: datetime | None = None
    seconds: float | None = None

    @property
    def covered(self) -> bool:
        return self.outcome in ("accepted", "known")

    def show(self, *, as_json: bool) -> None:
        from ..risk.clock import format_time

        if not as_json:
            emit(f"round {self.round[:16]} of {format_time(self.time)}: {self.text}")
            return
        value = {
            "round": self.round,
            "time": format_time(self.time),
            "outcome": self.outcome,
            "detail": self.text,
            "attestation": self.attestation,
            "expires": None if self.expires is None else format_time(self.expires),
            "seconds": None if self.seconds is None else round(self.seconds, 6),
        }
        emit(json.dumps(value, ensure_ascii=False))


@dataclass(frozen=True)
class _Holder:
    """Who proves, what, and to whom."""

    client: Client
    files: HoldingFiles
    policy: Policy
    claim: str
    audience: str | None
    roots: Trust
    srs: Srs

    def follow(self, most: int | None, until: datetime | None, *, as_json: bool) -> int:
        """Take rounds until there were enough; the exit status."""
        status = 0
        taken = 0
        for signed in self._rounds(until):
            line = self._take(signed)
            line.show(as_json=as_json)
            if line.outcome == "skipped":
                continue
            status = 0 if line.covered else NOT_COVERED
            taken += 1
            if taken == most:
                break
        return status

    def _rounds(self, until: datetime | None) -> Iterator[SignedRound]:
        """The newest round, and every newer one as the service announces it."""
        from ..circuits.claim import document_digest
        from ..client.errors import ServiceUnavailable
        from ..client.events import Event, Signal

        policy = document_digest(self.policy)
        seen: deque[str] = deque(maxlen=KEPT_ROUNDS)
        newest: datetime | None = None
        # After a break the newest round comes first: those in between are out of date by then.
        missed = False
        for told in self.client.events.listen(until=until):
            if told is Signal.LOST:
                notice("the connection to the service broke; trying again")
                continue
            try:
                if told is Signal.CONNECTED or missed:
                    signed = self._latest(policy)
                    missed = False
                elif isinstance(told, Event) and told.type == "round.new":
                    digest = told.data.get("digest")
                    if told.data.get("policy") != policy or digest in seen:
                        continue
                    signed = self.client.price_rounds.get(str(digest), policy)
                else:
                    continue
            except ServiceUnavailable as error:
                notice(str(error))
                missed = True
                continue
            if signed is None:
                continue
            digest = document_digest(signed.round)
            if digest in seen or (newest is not None and signed.round.time < newest):
                continue
            seen.append(digest)
            newest = signed.round.time
            yield signed

    def _latest(self, policy: str) -> SignedRound | None:
        """The newest round of the policy, if there is one yet."""
        from ..client.errors import ServiceError

        try:
            return self.client.price_rounds.latest(policy)
        except ServiceError as error:
            if error.status != NOT_FOUND:
                raise
            return None

    def _take(self, signed: SignedRound) -> _Line:
        """Prove on a round and submit that, within the time for which the round counts."""
        from ..circuits.claim import document_digest
        from ..client.errors import ServiceError
        from ..risk.clock import format_time, now, seconds_between

        digest, dated = document_digest(signed.round), signed.round.time
        limit = self.policy.oracle.max_age_seconds

        def line(outcome: Outcome, text: str) -> _Line:
            return _Line(digest, dated, outcome, text)

        def late() -> bool:
            return seconds_between(dated, now()) >= limit

        if late():
            return line("skipped", f"passed over, older than the {limit} s that the policy allows")
        started = perf_counter()
        try:
            attestation = self._prove(signed)
            if late():
                return line("skipped", f"proved too late, the {limit} s of the policy were over")
            submitted = self._submit(attestation, late)
        except ClaimNotSatisfied:
            return line("unsatisfied", f"the claim {self.claim!r} is not satisfied")
        except ServiceError as error:
            if error.status in UNAUTHORIZED:
                raise
            return line("refused", f"refused: {error.name}: {error.detail}")
        except ZkCollateralError as error:
            return line("failed", f"not proved: {error}")
        found = submitted.attestation
        until = format_time(found.expires)
        return _Line(
            digest,
            dated,
            "accepted" if submitted.new else "known",
            f"proved and accepted as {found.id[:16]}, valid until {until}",
            found.id,
            found.expires,
            perf_counter() - started,
        )

    def _prove(self, signed: SignedRound) -> Attestation:
        """An attestation on a round, if trusted oracles signed its prices."""
        from ..circuits.claim import document_digest
        from ..prover.attestation import Request, attest
        from ..risk.policy import check_policy

        check_round(signed, self.policy, self.roots, "round")
        held = self.files.read()
        check_policy(self.policy, document_digest(held.registry), held.registry)
        held.check_ages(self.policy, "round: time", signed.round.time)
        request = Request(
            self.claim,
            self.policy,
            held.registry,
            signed,
            held.assets,
            held.liabilities,
            audience=self.audience,
        )
        return attest(request, self.srs)

    def _submit(self, attestation: Attestation, late: Callable[[], bool]) -> Submitted:
        """Submit an attestation, again and again until the round's time is over."""
        from ..client.backoff import backoff
        from ..client.errors import ServiceUnavailable

        attempt = 0
        while True:
            try:
                return self.client.attestations.submit(attestation)
            except ServiceUnavailable as error:
                if late():
                    raise
                notice(str(error))
                time.sleep(backoff(attempt, error.retry_after))
                attempt += 1

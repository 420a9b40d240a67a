"""Deciding about submitted attestations.

Checks come first and outside of any lock; then one transaction looks at everything that may have
changed since, stores what is accepted, and puts it into the log (`filing`).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from ..crypto.srs import Srs
from ..risk.clock import now
from ..verifier.attestation import verify_attestations
from ..verifier.memory import Memory
from ..verifier.trust import Trust
from .cases import Case, Outcome, audit_of, known_among
from .filing import Filing
from .metrics import Metrics
from .store.store import Store
from .trust import trust_of, trust_version


class Acceptance:
    """The decision about submissions. One thread at a time uses it.

    Args:
        store: where they are kept.
        srs: the structured reference string.
        audience: the service's own name.
        metrics: where verification is counted.
    """

    def __init__(self, store: Store, srs: Srs, audience: str | None, metrics: Metrics) -> None:
        self._store = store
        self._srs = srs
        self._audience = audience
        self._metrics = metrics
        self._memory = Memory()
        self._trusted: tuple[tuple[int, frozenset[str]], Trust] | None = None

    def accept(self, cases: Sequence[Case]) -> list[Outcome]:
        """Check submissions in one batch and store the accepted ones in one transaction.

        Returns:
            One outcome each, in their order; a refusal is a Problem.
        """
        with self._store.read() as session:
            known = known_among(session, cases)
            for case in cases:
                case.audit = audit_of(session, case)
            trust, version = self._trust(session, cases)
        unknown = [case for case in cases if not case.is_known(known)]
        self._verify(unknown, trust)
        with self._store.write() as writer:
            if writer.trust_version != version:
                # Rare, and short of a lock there is no end to it: what counts now is read here.
                trust, _ = self._trust(writer.session, cases)
                self._verify(unknown, trust)
            return Filing(writer, trust, known_among(writer.session, cases)).file(cases)

    def _trust(self, session: Session, cases: Sequence[Case]) -> tuple[Trust, int]:
        # The same object while nothing changes: what was checked against it is remembered.
        version = trust_version(session)
        policies = frozenset(case.attestation.claim.policy for case in cases)
        if self._trusted is None or self._trusted[0] != (version, policies):
            trust, _ = trust_of(session, self._audience, policies)
            self._trusted = (version, policies), trust
        return self._trusted[1], version

    def _verify(self, cases: Sequence[Case], trust: Trust) -> None:
        if not cases:
            return
        at = now()
        with self._metrics.verify_seconds.time():
            reports = verify_attestations(
                [case.attestation for case in cases],
                trust,
                self._srs,
                [case.expectation(at) for case in cases],
                self._memory,
            )
        for case, report in zip(cases, reports, strict=True):
            case.checked(report, self._memory)

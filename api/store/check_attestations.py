"""Stored attestations: each against its entry, its checkpoint, its claim, and what hangs on it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from ...circuits.attestation import Attestation
from ...crypto.canonical import canonical_bytes, parse_json
from ...crypto.checkpoint import Checkpoint
from ...crypto.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from ...crypto.srs import Srs
from ...errors import LogError
from ...verifier.attestation import valid_until, verify_attestations
from ...verifier.entries import AttestationEntry
from ...verifier.examination import Expectation
from ...verifier.memory import Memory
from ...verifier.trust import Trust, TrustedKey
from ..reliance import relied_keys
from ..subjects import AccountName, accounts_of, subject_of
from .findings import Findings, columns_of, count
from .tables import AttestedAccount, Audit, Base, ReliedKey


@dataclass(frozen=True)
class Covering:
    """A stored checkpoint."""

    size: int
    time: datetime
    note: str

    @property
    def root(self) -> bytes:
        """The root that it says; the signature is checked elsewhere."""
        return Checkpoint.parse(self.note.partition("\n\n")[0].encode() + b"\n")[0].root


@dataclass(frozen=True)
class Logged:
    """An attestation's entry in the log, with its row and the checkpoint that first covers it."""

    index: int
    entry: AttestationEntry
    data: bytes
    row: Row[Any]
    covering: Covering | None


class AttestationCheck:
    """The checks of attestations.

    Args:
        connection: sees one state of the database.
        srs: verify proofs; None: do not.
    """

    def __init__(self, connection: Connection, srs: Srs | None) -> None:
        self.found = Findings("attestations")
        self._proofs = Findings("proofs")
        self._connection = connection
        self._srs = srs
        self._policies: set[str] = set()
        self._memory = Memory()
        self._accounts = 0
        self._relied = 0

    @property
    def checks(self) -> list[Findings]:
        """What was found, by name."""
        return [self.found] if self._srs is None else [self.found, self._proofs]

    def policies_published(self, digest: str) -> None:
        """Note that a policy is accepted from here on."""
        self._policies.add(digest)

    def batch(self, logged: Sequence[Logged], keys: Mapping[str, TrustedKey]) -> None:
        """Look at attestations.

        Args:
            logged: in the order of the log, at most as many as a tile has.
            keys: what was trusted when they were accepted, by key id.
        """
        if not logged:
            return
        ids = [each.row.id for each in logged]
        accounts = self._of(AttestedAccount, ids)
        relied = self._of(ReliedKey, ids)
        audits = {
            row.id: row
            for row in self._connection.execute(
                columns_of(Audit).where(
                    Audit.id.in_([each.row.audit for each in logged if each.row.audit is not None])
                )
            )
        }
        read: list[tuple[Logged, Attestation]] = []
        for each in logged:
            self.found.examined += 1
            self._accounts += len(accounts[each.row.id])
            self._relied += len(relied[each.row.id])
            with self.found.reading(f"entry {each.index}"):
                attestation = self._document(each)
                read.append((each, attestation))
                self._row(each, attestation)
                self._place(each)
                self._hanging_on(
                    each, attestation, accounts[each.row.id], relied[each.row.id], keys
                )
                self._audit(each, attestation, audits.get(each.row.audit))
        if self._srs is not None:
            self._verify(read, keys, self._srs)

    def finish(self) -> None:
        """Look for what hangs on no attestation."""
        for table, counted in ((AttestedAccount, self._accounts), (ReliedKey, self._relied)):
            rows = count(self._connection, table)
            self.found.expect(
                rows == counted,
                f"{table.__tablename__}: {rows} rows, {counted} of attestations in the log",
            )

    def _of(self, table: type[Base], ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
        columns = table.__table__.columns
        rows: dict[str, list[Row[Any]]] = defaultdict(list)
        query = columns_of(table).where(columns["attestation"].in_(ids))
        for row in self._connection.execute(query.order_by(*table.__table__.primary_key)):
            rows[row.attestation].append(row)
        return rows

    def _document(self, each: Logged) -> Attestation:
        where = f"entry {each.index}"
        value = parse_json(each.row.document, where)
        attestation = Attestation.from_json_value(value, where)
        self.found.equal(where, each.row, document=canonical_bytes(value))
        same = (attestation.identity, hashlib.sha256(each.row.document).hexdigest())
        self.found.expect(
            same == (each.entry.id, each.entry.digest), f"{where}: is about another attestation"
        )
        return attestation

    def _row(self, each: Logged, attestation: Attestation) -> None:
        claim = attestation.claim
        self.found.equal(
            f"entry {each.index}",
            each.row,
            id=each.entry.id,
            digest=each.entry.digest,
            accepted=each.entry.time,
            entry=each.data,
            policy=claim.policy,
            claim=claim.name,
            claim_type=claim.type,
            registry_digest=claim.registry,
            round=claim.round.digest,
            audience=claim.audience,
            nonce=claim.nonce,
            issued=claim.issued,
            expires=valid_until(attestation),
        )
        if each.row.revoked is None:
            self.found.equal(f"entry {each.index}", each.row, revoked_reason=None)

    def _place(self, each: Logged) -> None:
        where, covering = f"entry {each.index}", each.covering
        if covering is None:
            self.found.expect(False, f"{where}: no checkpoint covers it")
            return
        self.found.equal(where, each.row, checkpoint=covering.size)
        proof = each.row.inclusion
        nodes = [proof[at : at + HASH_BYTES] for at in range(0, len(proof), HASH_BYTES)]
        try:
            verify_inclusion(leaf_hash(each.data), each.index, covering.size, nodes, covering.root)
        except LogError as error:
            self.found.expect(False, f"{where}: {error}")

    def _hanging_on(
        self,
        each: Logged,
        attestation: Attestation,
        accounts: Sequence[Row[Any]],
        relied: Sequence[Row[Any]],
        keys: Mapping[str, TrustedKey],
    ) -> None:
        where, claim = f"entry {each.index}", attestation.claim
        custodians = {id_: key for id_, key in keys.items() if key.role == "custodian"}
        named = accounts_of(claim, custodians)
        self.found.expect(
            [row.position for row in accounts] == [*range(len(named))]
            and [AccountName(row.side, row.custodian, row.account) for row in accounts] == named,
            f"{where}: is about other accounts",
        )
        self.found.expect(
            {(row.key_id, row.dated) for row in relied} == relied_keys(attestation, self._memory),
            f"{where}: rests on other keys",
        )
        self.found.equal(where, each.row, subject=subject_of(claim, named, each.row.tenant))

    def _audit(self, each: Logged, attestation: Attestation, audit: Row[Any] | None) -> None:
        where, claim = f"entry {each.index}", attestation.claim
        answers = each.row.audit is not None
        self.found.expect(
            answers == (claim.nonce is not None), f"{where}: a nonce without audit, or the reverse"
        )
        if not answers:
            return
        self.found.expect(audit is not None, f"{where}: the audit is missing")
        if audit is not None:
            self.found.equal(
                where,
                audit,
                state="answered",
                attestation=each.row.id,
                closed=each.row.accepted,
                prover=each.row.tenant,
                policy=claim.policy,
                claim=claim.name,
                audience=claim.audience,
                nonce=claim.nonce,
            )

    def _verify(
        self, read: Sequence[tuple[Logged, Attestation]], keys: Mapping[str, TrustedKey], srs: Srs
    ) -> None:
        """Every proof again, with the trust of the time, at the time of acceptance."""
        if not read:
            return
        policies = {attestation.claim.policy for _, attestation in read}
        trust = Trust(
            audience=None,
            policies=tuple(sorted(policies & self._policies)),
            keys=tuple(keys.values()),
        )
        # To whom it is addressed was decided by the setting or the audit of that time.
        expectations = [
            Expectation(each.entry.time, attestation.claim.audience, attestation.claim.nonce)
            for each, attestation in read
        ]
        attestations = [attestation for _, attestation in read]
        reports = verify_attestations(attestations, trust, srs, expectations, self._memory)
        for (each, _), report in zip(read, reports, strict=True):
            self._proofs.examined += 1
            failed = ", ".join(check.name for check in report.failed)
            self._proofs.expect(report.valid, f"entry {each.index}: fails {failed}")

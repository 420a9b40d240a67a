"""What answers look like: parts of JSON documents, in which every number is a string."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_serializer

from ..risk.document import Part
from ..risk.values import HexDigest, Integer, Name, Several, Text, Time
from ..verifier.entries import LogEntry

Count = Annotated[int, Integer(0, 2**63 - 1)]
Cursor = Annotated[str, Field(max_length=64)]


class PublishedView(Part):
    """A policy or registry that is published here."""

    digest: HexDigest
    name: Name
    published: Time
    log_index: Count


class PublishedPage(Part):
    """A page of them; `next` is the cursor of the next one."""

    items: Several[PublishedView]
    next: Cursor | None = None


Status = Literal["valid", "expired", "superseded", "revoked"]


class AccountView(Part):
    """An account that an attestation is about; without custodian nobody vouches for it."""

    custodian: Name | None = None
    account: Name
    side: Literal["assets", "liabilities"]


class AttestationView(Part):
    """An accepted attestation, without its proof."""

    id: HexDigest
    digest: HexDigest
    status: Status
    policy: HexDigest
    claim: Name
    claim_type: str
    registry: HexDigest
    round: HexDigest
    accounts: Several[AccountView]
    audience: Text | None = None
    issued: Time
    expires: Time
    accepted: Time
    audit: str | None = None
    log_index: Count
    superseded_by: HexDigest | None = None
    superseded: Time | None = None
    revoked: Time | None = None
    revoked_reason: Text | None = None


class AttestationPage(Part):
    """A page of attestations, the newest first; `next` is the cursor of the next one."""

    items: Several[AttestationView]
    next: Cursor | None = None


class CheckView(Part):
    """One check of a verification."""

    name: str
    passed: bool
    reason: str


class SubmittedView(Part):
    """An accepted attestation; one that is new with every check that it passed."""

    attestation: AttestationView
    new: bool
    checks: Several[CheckView]


Hash = Annotated[str, Field(pattern="^[A-Za-z0-9+/]{43}=$")]
"""32 bytes in base64."""


class LoggedView(Part):
    """An entry of the log, with the newest checkpoint and the proof that leads to its root."""

    index: Count
    entry: Annotated[LogEntry, Field(discriminator="format")]
    checkpoint: str
    proof: Several[Hash]


class InclusionView(Part):
    """The proof that an entry is in the log of a size."""

    index: Count
    size: Count
    proof: Several[Hash]


class ConsistencyView(Part):
    """The proof that the log of a size begins with that of a smaller one."""

    old: Count
    new: Count
    proof: Several[Hash]


class EventView(Part):
    """Something that happened; what `data` holds depends on the type."""

    id: Count
    time: Time
    type: str
    data: dict[str, Any]


class EventPage(Part):
    """A page of events, the oldest first; `next` is the `after` of the next one."""

    items: Several[EventView]
    next: str | None = None


AuditState = Literal["open", "answered", "failed", "expired", "withdrawn"]


class AuditView(Part):
    """A question of an auditor to a prover; `nonce` has to be in the answer."""

    id: str
    state: AuditState
    auditor: Name
    prover: Name
    policy: HexDigest
    claim: Name
    audience: Text
    nonce: Text
    opened: Time
    deadline: Time
    attempts: Count
    max_attempts: Count
    closed: Time | None = None
    attestation: HexDigest | None = None
    reason: Text | None = None


class AuditPage(Part):
    """A page of audits, the newest first; `next` is the cursor of the next one."""

    items: Several[AuditView]
    next: Cursor | None = None


class IntervalView(Part):
    """A time in which an attestation counted, from its acceptance on.

    It ended at `until` for the reason given; without a reason it counts until then.
    """

    attestation: HexDigest
    start: Annotated[Time, Field(alias="from")]
    until: Time
    ended: Literal["expired", "superseded", "revoked", ""]

    @model_serializer(mode="plain")
    def _serialise(self) -> dict[str, Any]:
        value = super()._serialise()
        return {"from" if name == "start" else name: value[name] for name in value}


class CoveredClaimView(Part):
    """Whether a claim about an account counts now, and when it did.

    `subject` stands for the claim with its policy, audience and accounts. `history` has the newest
    intervals, the newest first.
    """

    subject: HexDigest
    policy: HexDigest
    claim: Name
    audience: Text | None = None
    accounts: Several[AccountView]
    covered: bool
    attestation: HexDigest | None = None
    issued: Time | None = None
    age_seconds: Count | None = None
    due: Time | None = None
    history: Several[IntervalView]


class CoverageView(Part):
    """Whether an account is covered now, by which claims, those that count first."""

    account: Name
    covered: bool
    claims: Several[CoveredClaimView]


class LoggedCheck(Part):
    """Whether an attestation is in the log, under a checkpoint that a trusted log signed."""

    passed: bool
    reason: str


class ItemProblem(Part):
    """Why an item was not checked: type and detail of a problem."""

    type: str
    detail: str


class ReportView(Part):
    """What a verification says; `log` of a bundle only.

    An item of a batch that was not checked has no checks, and `problem` says why.
    """

    valid: bool
    checks: Several[CheckView]
    log: LoggedCheck | None = None
    problem: ItemProblem | None = None


class ReportsView(Part):
    """One report per item, in the order of the items."""

    reports: Several[ReportView]


class WebhookView(Part):
    """An address that events are sent to; no types: all that the tenant may see.

    `secret` is shown once, when it is made. What is `disabled` gets nothing more: its receiver
    answered 410, or all API keys of the tenant were revoked.
    """

    id: str
    url: str
    types: Several[str]
    created: Time
    disabled: Time | None = None
    secret: str | None = None


class WebhookPage(Part):
    """All webhooks of a tenant: there are few, so there is no next page."""

    items: Several[WebhookView]


DeliveryState = Literal["waiting", "delivered", "given-up"]


class DeliveryView(Part):
    """An event on its way to a webhook.

    `due` is when a waiting one is tried next; `outcome` is how the last attempt ended.
    """

    event: Count
    type: str
    state: DeliveryState
    attempts: Count
    due: Time | None = None
    delivered: Time | None = None
    outcome: Text | None = None


class DeliveryPage(Part):
    """A page of deliveries, the newest events first; `next` is the cursor of the next one."""

    items: Several[DeliveryView]
    next: Cursor | None = None

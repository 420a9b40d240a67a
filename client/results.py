"""What the service answers, as typed objects. Members that are not known here are passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError

from ..crypto.canonical import JsonValue
from ..crypto.keyfile import Role
from ..risk.document import Part
from ..risk.values import HexDigest, Integer, Name, Several, Text, Time, refusal
from ..verifier.entries import LogEntry

if TYPE_CHECKING:
    from .transport import Answer

A = TypeVar("A", bound="Result")

Count = Annotated[int, Integer(0, 2**63 - 1)]


def _printable(text: str) -> str:
    if not text.isprintable():
        raise refusal("printable characters")
    return text


Id = Annotated[str, Field(pattern="^[A-Za-z0-9._:-]{1,128}$")]
Line = Annotated[str, Field(max_length=4096), AfterValidator(_printable)]
"""A text that moves no cursor where it is printed."""
Hash = Annotated[str, Field(pattern="^[A-Za-z0-9+/]{43}=$")]
"""32 bytes in base64."""


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


T = TypeVar("T")
Many = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
"""A list of any length: that of the answer is bounded."""


class Result(Part):
    """An answer, or an object in one. A newer service may say more than is known here."""

    model_config = ConfigDict(extra="ignore")

    def to_json_value(self) -> dict[str, Any]:
        """The object as JSON, in which numbers are strings."""
        return self._serialise()


def read_result(kind: type[A], answer: Answer) -> A:
    """The object that an answer is; UnusableAnswer if it is another."""
    return read_part(kind, answer.json(), answer)


def read_part(kind: type[A], value: JsonValue, answer: Answer) -> A:
    """An object of an answer; UnusableAnswer if it is another."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(step) for step in ("answer", *first["loc"]))
    raise answer.unusable(f"{place}: expected {first['msg']}"[:500])


class Published(Result):
    """A policy or registry that is published."""

    digest: HexDigest
    name: Name
    published: Time
    log_index: Count


class KnownKey(Result):
    """A key that the service trusts, or trusted until it was retired."""

    key_id: HexDigest
    role: Role
    name: Name
    public_key: HexDigest
    valid_from: Time
    valid_until: Time
    added: Time
    retired: Time | None = None
    reason: Text | None = None
    log_index: Count


class RoundOfPolicy(Result):
    """What a report made of a policy's price round: a digest, or why there is none."""

    policy: HexDigest
    digest: HexDigest | None = None
    refused: Line | None = None


class PostedReport(Result):
    """A price report that the service has, and the rounds that came of it."""

    digest: HexDigest
    oracle: Name
    time: Time
    quote: Name
    rounds: Many[RoundOfPolicy]


class RoundOf(Result):
    """A price round of a policy."""

    policy: HexDigest
    digest: HexDigest
    time: Time


class VouchedCommitment(Result):
    """A commitment that a custodian vouched for."""

    digest: HexDigest
    custodian: Name
    key_id: HexDigest
    account: Name
    registry: HexDigest
    commitment: Line
    as_of: Time
    received: Time
    superseded_by: HexDigest | None = None
    key_retired: Time | None = None


AuditState = Literal["open", "answered", "failed", "expired", "withdrawn"]


class Audit(Result):
    """An auditor's request for a proof."""

    id: Id
    state: AuditState
    prover: Line
    auditor: Line
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
    reason: Line | None = None


Status = Literal["valid", "expired", "superseded", "revoked"]


class AttestedAccount(Result):
    """An account that an attestation is about; without custodian nobody vouches for it."""

    custodian: Name | None = None
    account: Name
    side: Literal["assets", "liabilities"]


class Accepted(Result):
    """An accepted attestation, without its proof."""

    id: HexDigest
    digest: HexDigest
    status: Status
    policy: HexDigest
    claim: Name
    claim_type: Line
    registry: HexDigest
    round: HexDigest
    accounts: Several[AttestedAccount]
    audience: Text | None = None
    issued: Time
    expires: Time
    accepted: Time
    audit: Id | None = None
    log_index: Count
    superseded_by: HexDigest | None = None
    superseded: Time | None = None
    revoked: Time | None = None
    revoked_reason: Text | None = None


class CheckResult(Result):
    """One check of a verification."""

    name: Line
    passed: bool
    reason: Line


class Submitted(Result):
    """An attestation that was accepted, now or before; a new one with every check it passed."""

    attestation: Accepted
    new: bool
    checks: Several[CheckResult] = ()


class LogCheck(Result):
    """Whether a bundle's entry is in the log."""

    passed: bool
    reason: Line


class ItemProblem(Result):
    """Why an item was not checked."""

    type: Line
    detail: Line


class Verification(Result):
    """What the service says of an attestation or a bundle. It has no truth value: use `valid`.

    An item of a batch that was not checked has a `problem` in place of checks.
    """

    valid: bool
    checks: Several[CheckResult] = ()
    log: LogCheck | None = None
    problem: ItemProblem | None = None

    def __bool__(self) -> NoReturn:
        raise TypeError("a verification has no truth value: use verification.valid")


class Logged(Result):
    """An entry of the log, a signed checkpoint, and the proof that leads to its root."""

    index: Count
    entry: Annotated[LogEntry, Field(discriminator="format")]
    checkpoint: str
    proof: Several[Hash]


class Proof(Result):
    """The hashes of an inclusion or a consistency proof."""

    proof: Several[Hash]


class Webhook(Result):
    """A place that events are sent to. The secret is shown once, and never printed here."""

    id: Id
    url: Line
    types: Several[Line]
    created: Time
    disabled: Time | None = None
    secret: Annotated[str | None, Field(max_length=256, repr=False)] = None


class ApiKey(Result):
    """An API key. The key itself is shown once, and never printed here."""

    id: Id
    tenant: Line
    scopes: Several[Line]
    name: Name | None = None
    created: Time
    revoked: Time | None = None
    key: Annotated[str | None, Field(max_length=256, repr=False)] = None


class Delivery(Result):
    """An event on its way to a webhook; `outcome` is how the last attempt ended."""

    event: Count
    type: Line
    state: Line
    attempts: Count
    due: Time | None = None
    delivered: Time | None = None
    outcome: Line | None = None


class AttestedTime(Result):
    """A stretch of time in which an account was covered by one attestation."""

    attestation: HexDigest
    since: Time = Field(alias="from")
    until: Time
    ended: Line = ""


class ClaimCoverage(Result):
    """Whether what an account has to prove is proved now."""

    subject: HexDigest
    policy: HexDigest
    claim: Name
    audience: Text | None = None
    accounts: Several[AttestedAccount]
    covered: bool
    attestation: HexDigest | None = None
    issued: Time | None = None
    age_seconds: Count | None = None
    due: Time | None = None
    history: Several[AttestedTime] = ()


class Coverage(Result):
    """Whether an account is covered now, claim by claim."""

    account: Name
    covered: bool
    claims: Several[ClaimCoverage]


class Verifications(Result):
    """What the service says of many attestations and bundles, in their order."""

    reports: Several[Verification]

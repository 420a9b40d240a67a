"""The client: one object with the resources of the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self

from ..circuits.attestation import Attestation
from ..crypto.canonical import JsonValue, canonical_bytes
from ..errors import InputError
from ..risk.clock import format_time
from ..verifier.bundle import Bundle
from .address import Address, segment
from .administration import ApiKeys, TrustKeys, Webhooks
from .attestations import Attestations
from .audits import Audits
from .documents import Policies, Registries
from .events import Events
from .evidence import Commitments, PriceRounds
from .log import Log
from .results import Coverage, Verification, Verifications, read_result

if TYPE_CHECKING:
    from .transport import Transport

MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
MAX_BATCH: Final = 1000
NEEDS_HTTPX: Final = "the package httpx (pip install 'zkcollateral[client]')"

RiskQuestion = Literal["evaluate", "stress", "liquidation", "breach"]


class Client:
    """A client of the attestation service.

    What comes back is read strictly, and held against what was asked for: a document has the digest
    that it was asked for by, a bundle is about the attestation that was named. Whether an
    attestation is *valid* no answer decides: `verify_bundle` does, with one's own trust file.

    Requests that may be repeated are, with growing pauses, if the connection breaks or the service
    says that it is busy. Redirects are not followed.

    Args:
        base_url: address of the service, such as `https://collateral.example.com`.
        api_key: sent with every request, and never shown; None reads what is public.
        timeout: seconds for an answer to begin, and then to end.
        retries: how often a request is repeated at most.
        max_bytes: most bytes of an answer.
        plain_http: whether the key may be sent unencrypted to another machine.

    Raises:
        InputError: httpx is not installed, or an argument cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 4,
        max_bytes: int = MAX_ANSWER_BYTES,
        plain_http: bool = False,
    ) -> None:
        address = Address(base_url)
        if api_key is not None:
            _check_key(api_key)
            if not (address.private or plain_http):
                raise InputError(
                    str(address), "https, since an API key is sent there", "plain http"
                )
        try:
            from .transport import Transport
        except ModuleNotFoundError as error:
            if error.name != "httpx":
                raise
            raise InputError("client of the service", NEEDS_HTTPX, "none") from None
        self._transport: Transport = Transport(
            address, api_key, timeout=timeout, retries=retries, max_bytes=max_bytes
        )

    @property
    def address(self) -> str:
        """The address of the service."""
        return str(self._transport.address)

    @cached_property
    def policies(self) -> Policies:
        """Policies that are published."""
        return Policies(self._transport)

    @cached_property
    def registries(self) -> Registries:
        """Registries that are published."""
        return Registries(self._transport)

    @cached_property
    def trust(self) -> TrustKeys:
        """The keys that the service trusts."""
        return TrustKeys(self._transport)

    @cached_property
    def price_rounds(self) -> PriceRounds:
        """Price reports and rounds."""
        return PriceRounds(self._transport)

    @cached_property
    def commitments(self) -> Commitments:
        """Vouched commitments."""
        return Commitments(self._transport)

    @cached_property
    def audits(self) -> Audits:
        """Requests for a proof."""
        return Audits(self._transport)

    @cached_property
    def attestations(self) -> Attestations:
        """Accepted attestations."""
        return Attestations(self._transport)

    @cached_property
    def events(self) -> Events:
        """What happens."""
        return Events(self._transport)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Where events are sent."""
        return Webhooks(self._transport)

    @cached_property
    def log(self) -> Log:
        """The transparency log."""
        return Log(self._transport)

    @cached_property
    def api_keys(self) -> ApiKeys:
        """API keys."""
        return ApiKeys(self._transport)

    def coverage(
        self,
        account: str,
        *,
        custodian: str | None = None,
        policy: str | None = None,
        claim: str | None = None,
        audience: str | None = None,
    ) -> Coverage:
        """Whether an account is covered now, and was before.

        Args:
            account: its name.
            custodian: whose account it is; each further argument leaves only claims that have it.
        """
        query = {
            "custodian": custodian,
            "policy": policy,
            "claim": claim,
            "audience": audience,
        }
        answer = self._transport.get(f"/v1/accounts/{segment(account)}/coverage", query)
        coverage = read_result(Coverage, answer)
        if coverage.account != account:
            raise answer.unusable("it is about another account")
        return coverage

    def verify(
        self,
        document: Attestation | Bundle,
        *,
        at: datetime | None = None,
        audience: str | None = None,
        nonce: str | None = None,
        claim: str | None = None,
    ) -> Verification:
        """What the service says of an attestation or a bundle, by its own trust.

        Args:
            document: what is checked; nothing is stored.
            at: the time of the check, UTC; by default now.
            audience: whom it has to be addressed to.
            nonce: the challenge that it has to answer.
            claim: the claim that was asked for.
        """
        body = question(document, at=at, audience=audience, nonce=nonce, claim=claim)
        answer = self._transport.call("POST", "/v1/verify", body=body, repeatable=True)
        return read_result(Verification, answer)

    def verify_batch(self, questions: Sequence[Mapping[str, JsonValue]]) -> list[Verification]:
        """What the service says of up to 1,000 attestations and bundles, in their order.

        Args:
            questions: each made by `question`.
        """
        if not 1 <= len(questions) <= MAX_BATCH:
            raise InputError("questions", f"1 to {MAX_BATCH}", str(len(questions)))
        # Together they may be larger than any one document.
        items = b",".join(canonical_bytes(dict(each)) for each in questions)
        body = b'{"items":[' + items + b"]}"
        answer = self._transport.call("POST", "/v1/verify/batch", body=body, repeatable=True)
        reports = read_result(Verifications, answer).reports
        if len(reports) != len(questions):
            raise answer.unusable(f"expected {len(questions)} reports, got {len(reports)}")
        return [*reports]

    def risk(self, what: RiskQuestion, body: JsonValue) -> JsonValue:
        """What the service's plaintext risk engine says, where that is enabled.

        What is sent are amounts in the clear: only for a service that may see them.

        Args:
            what: the question.
            body: as the service's documentation has it.
        """
        return self._transport.call("POST", f"/v1/risk/{what}", body=body, repeatable=True).json()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.address!r})"


def question(
    document: Attestation | Bundle,
    *,
    at: datetime | None = None,
    audience: str | None = None,
    nonce: str | None = None,
    claim: str | None = None,
) -> dict[str, JsonValue]:
    """What `verify` asks, as one item of a batch; arguments as there."""
    name = "bundle" if isinstance(document, Bundle) else "attestation"
    expected = {
        "at": None if at is None else format_time(at),
        "audience": audience,
        "nonce": nonce,
        "claim": claim,
    }
    given = {key: value for key, value in expected.items() if value is not None}
    return {name: document.to_json_value(), **given}


def _check_key(key: str) -> None:
    """InputError, without the key in it, unless it fits into a header."""
    if not (0 < len(key) <= 4096 and key.isascii() and key.isprintable() and " " not in key):
        raise InputError("API key", "1 to 4096 printable characters without spaces", "another text")

"""Trusted keys, API keys and webhooks at the service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ..crypto.keyfile import Role
from ..risk.clock import format_time
from ..verifier.trust import Trust, TrustedKey
from .address import segment
from .documents import read_document
from .paging import every
from .results import ApiKey, Delivery, KnownKey, Webhook, read_result

if TYPE_CHECKING:
    from ..crypto.canonical import JsonValue
    from .transport import Transport

KEYS = "/v1/trust/keys"
API_KEYS = "/v1/api-keys"
WEBHOOKS = "/v1/webhooks"


class TrustKeys:
    """The keys of custodians, oracles and the log that the service trusts."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def document(self) -> Trust:
        """The service's own trust as a trust file, to be held against one's own."""
        return read_document(Trust, self._transport.get("/v1/trust"))

    def add(self, key: TrustedKey) -> KnownKey:
        """Trust a key (scope admin)."""
        body: dict[str, JsonValue] = {
            "role": key.role,
            "name": key.name,
            "public_key": key.public_key,
            "valid_from": format_time(key.valid_from),
            "valid_until": format_time(key.valid_until),
        }
        answer = self._transport.create(KEYS, body)
        known = read_result(KnownKey, answer)
        if known.key_id != key.key.key_id:
            raise answer.unusable("it is about another key")
        return known

    def retire(self, key_id: str, reason: str, *, until: datetime | None = None) -> KnownKey:
        """Let a key's signatures count no more (scope admin).

        Args:
            key_id: of the key.
            reason: why.
            until: the last time of which its signatures count; by default now. For a key that
                leaked, when it did.
        """
        body: dict[str, JsonValue] = {"reason": reason}
        if until is not None:
            body["until"] = format_time(until)
        path = f"{KEYS}/{segment(key_id)}/retire"
        return read_result(KnownKey, self._transport.call("POST", path, body=body))

    def get(self, key_id: str) -> KnownKey:
        """A key, by its id."""
        answer = self._transport.get(f"{KEYS}/{segment(key_id)}")
        known = read_result(KnownKey, answer)
        if known.key_id != key_id:
            raise answer.unusable(f"expected the key {key_id}, got {known.key_id}")
        return known

    def list(self, *, role: Role | None = None, name: str | None = None) -> Iterator[KnownKey]:
        """All keys, retired ones among them; each argument leaves only those that have it."""
        return every(self._transport, KEYS, KnownKey, {"role": role, "name": name})


class ApiKeys:
    """API keys of the service (scope admin)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, tenant: str, scopes: Sequence[str], *, name: str | None = None) -> ApiKey:
        """A new key.

        Args:
            tenant: whose it is.
            scopes: prover, custodian, oracle, auditor, admin.
            name: the custodian or oracle that it speaks for.

        Returns:
            The key, with `key` in it: nobody can look it up again.
        """
        body: dict[str, JsonValue] = {"tenant": tenant, "scopes": [*scopes]}
        if name is not None:
            body["name"] = name
        answer = self._transport.create(API_KEYS, body)
        created = read_result(ApiKey, answer)
        if created.key is None:
            raise answer.unusable(_lost("API key", created.id))
        return created

    def list(self) -> Iterator[ApiKey]:
        """All keys, revoked ones among them, without the keys themselves."""
        return every(self._transport, API_KEYS, ApiKey)

    def revoke(self, id_: str) -> ApiKey:
        """Let a key count no more, at once."""
        path = f"{API_KEYS}/{segment(id_)}/revoke"
        return read_result(ApiKey, self._transport.call("POST", path))


class Webhooks:
    """Places of one's own that the service sends events to."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, url: str, types: Sequence[str]) -> Webhook:
        """Let events be sent to an address.

        Args:
            url: an https address.
            types: of events.

        Returns:
            The webhook, with `secret` in it: nobody can look it up again.
        """
        answer = self._transport.create(WEBHOOKS, {"url": url, "types": [*types]})
        created = read_result(Webhook, answer)
        if created.secret is None:
            raise answer.unusable(_lost("webhook", created.id))
        return created

    def list(self) -> Iterator[Webhook]:
        """One's own webhooks, without their secrets."""
        return every(self._transport, WEBHOOKS, Webhook)

    def delete(self, id_: str) -> None:
        """Let nothing more be sent."""
        self._transport.call("DELETE", f"{WEBHOOKS}/{segment(id_)}")

    def deliveries(self, id_: str) -> Iterator[Delivery]:
        """What was sent or is still to be sent."""
        return every(self._transport, f"{WEBHOOKS}/{segment(id_)}/deliveries", Delivery)


def _lost(what: str, id_: str) -> str:
    """Secrets are told once: where the connection broke then, the second answer has none."""
    return f"{what} {id_} was created, but its secret was lost on the way: make another, end this"

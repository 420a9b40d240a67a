"""What answers about trusted keys, and about what they signed, look like."""

from __future__ import annotations

from ..circuits.claim import HexPoint
from ..crypto.keyfile import Role
from ..risk.document import Part
from ..risk.values import HexDigest, Name, Several, Text, Time
from .views import Count, Cursor


class KeyView(Part):
    """A key that is trusted, or was until it was retired."""

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


class KeyPage(Part):
    """A page of keys, those added last first; `next` is the cursor of the next one."""

    items: Several[KeyView]
    next: Cursor | None = None


class RoundOutcome(Part):
    """What a report made of the round of one policy: its digest, or why there is none."""

    policy: HexDigest
    digest: HexDigest | None = None
    refused: str | None = None


class PostedReportView(Part):
    """A price report that is stored, and the rounds that came of it.

    For a report that was stored before these are the newest rounds that rest on it.
    """

    digest: HexDigest
    oracle: Name
    time: Time
    quote: Name
    rounds: Several[RoundOutcome]


class RoundView(Part):
    """A price round under a policy, and the time of its oldest report."""

    policy: HexDigest
    digest: HexDigest
    time: Time


class RoundPage(Part):
    """A page of rounds, the newest first; `next` is the cursor of the next one."""

    items: Several[RoundView]
    next: Cursor | None = None


class CommitmentView(Part):
    """A commitment that a custodian vouches for.

    `superseded_by` is a later one of the same account. `key_retired` says since when the signature
    does not count, because it is dated after the end of a key that was retired.
    """

    digest: HexDigest
    custodian: Name
    key_id: HexDigest
    account: Name
    registry: HexDigest
    commitment: HexPoint
    as_of: Time
    received: Time
    superseded_by: HexDigest | None = None
    key_retired: Time | None = None


class CommitmentPage(Part):
    """A page of commitments, those received last first; `next` is the cursor of the next one."""

    items: Several[CommitmentView]
    next: Cursor | None = None

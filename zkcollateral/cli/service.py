"""The service that commands call: its address, the key for it, and how its refusals are shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import InputError
from .output import emit, emit_table
from .passphrase import secret_line

if TYPE_CHECKING:
    from ..client.client import Client
    from ..client.errors import ServiceError

ADDRESS_VARIABLE: Final = "ZKCOLLATERAL_SERVICE"
KEY_VARIABLE: Final = "ZKCOLLATERAL_API_KEY"


def connect(
    service: str | None, api_key_file: Path | None, *, plain_http: bool, key_needed: bool = True
) -> Client:
    """A client of the service that was named.

    Args:
        service: what --service said; None asks the environment.
        api_key_file: what --api-key-file said; None asks the environment.
        plain_http: whether the key may go unencrypted to another machine.
        key_needed: whether the service does nothing of this without a key.

    Raises:
        InputError: no address or no key, or one that cannot be used; httpx is not installed.
    """
    from ..client.client import Client

    address = service if service is not None else os.environ.get(ADDRESS_VARIABLE)
    if not address:
        expected = f"the address of the service (or {ADDRESS_VARIABLE})"
        raise InputError("--service", expected, "none")
    if api_key_file is not None:
        key: str | None = secret_line(api_key_file, "an API key").strip()
    else:
        key = os.environ.get(KEY_VARIABLE) or None
    if key is None and key_needed:
        raise InputError("--api-key-file", f"a file with an API key (or {KEY_VARIABLE})", "none")
    return Client(address, key, plain_http=plain_http)


def show_refusal(error: ServiceError, what: str) -> None:
    """Show every check of a refused attestation, and why it was refused."""
    emit_table(
        ("check", "result", "reason"),
        [
            (check.name, "passed" if check.passed else "failed", check.reason)
            for check in error.checks
        ],
    )
    emit(f"{what}: refused: {error.name}: {error.detail}")


def refusal_value(error: ServiceError) -> dict[str, object]:
    """The same for programs."""
    return {
        "accepted": False,
        "type": error.type,
        "detail": error.detail,
        "checks": [
            {"name": check.name, "passed": check.passed, "reason": check.reason}
            for check in error.checks
        ],
    }

"""Where a service is: an address without secrets, and paths below it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from ..errors import InputError


@dataclass(frozen=True)
class Address:
    """The address of a service, without a slash at its end.

    Raises:
        InputError: no http or https address, or one with a user, a query or a fragment.
    """

    text: str

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.text)
            usable = (
                parts.scheme in ("http", "https")
                and bool(parts.hostname)
                and parts.port != 0
                and self.text.isascii()
                and self.text.isprintable()
                and not set(self.text) & set(" @?#\\")
            )
        except ValueError:
            usable = False
        if not usable:
            # Not quoted: a password may stand in it.
            raise InputError(
                "address of the service",
                "such as https://collateral.example.com, without user, query and fragment",
                "another text",
            )
        object.__setattr__(self, "text", self.text.rstrip("/"))

    @property
    def private(self) -> bool:
        """Whether nobody on the way can read what is sent: TLS, or this machine itself."""
        parts = urlsplit(self.text)
        host = parts.hostname or ""
        if parts.scheme == "https" or host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return self.text


def segment(text: str) -> str:
    """A text as one step of a path; InputError where it would be another step."""
    if text in ("", ".", ".."):
        raise InputError("part of an address", "a name", repr(text))
    return quote(text, safe="")

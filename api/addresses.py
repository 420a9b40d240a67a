"""Which addresses a webhook may lead to: public ones, over TLS, unless a setting allows all.

A tenant chooses the address and this service calls it from inside somebody's network, so what is
not plainly public is refused. Names are resolved here and the connection goes to an address that
was checked: a second, different answer of the name server changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from typing import Final, TypeAlias

import httpx

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_LENGTH: Final = 2048

# The special-purpose registries of the IANA (RFC 6890 and what was registered since), kept here
# because the standard library's copy changes with its version.
_NOT_PUBLIC_4: Final = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's metadata, behind an address that looks public
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast, reserved and broadcast
        ),
    )
)
# Everything else in IPv6 is not global unicast: among it are loopback, link-local, unique local,
# IPv4-mapped and NAT64 addresses.
_GLOBAL_6: Final = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    map(
        ipaddress.IPv6Network,
        ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)


class AddressError(Exception):
    """An address to which nothing is sent; says why, in words for the webhook's owner."""


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, and cannot stand for another one."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _GLOBAL_6 and not any(address in network for network in _NOT_PUBLIC_6)


def read_url(text: str, *, private: bool) -> httpx.URL:
    """The address in a text, as far as it can be judged without asking a name server.

    Args:
        text: at most 2048 characters.
        private: whether private addresses, and such without TLS, are allowed.

    Raises:
        AddressError: what it is not allowed to be.
    """
    if len(text) > MAX_LENGTH or not text.isascii() or not text.isprintable() or " " in text:
        raise AddressError(f"expected at most {MAX_LENGTH} printable ASCII characters, no blanks")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise AddressError("expected a URL such as https://hooks.example.org/in") from None
    if url.scheme != "https" and not (private and url.scheme == "http"):
        raise AddressError("expected https")
    if not url.raw_host or b"%" in url.raw_host:
        raise AddressError("expected the name of a host, or an IP address")
    if url.userinfo or url.fragment:
        raise AddressError("expected neither a user name nor a fragment")
    if url.port is not None and not 1 <= url.port <= 65535:
        raise AddressError("expected a port from 1 to 65535")
    literal = _literal(url)
    if literal is not None and not private:
        _require_public([literal])
    name = url.raw_host.decode().rstrip(".").lower()
    if not private and name.rpartition(".")[2] == "localhost":
        raise AddressError("expected a host that is not this one")
    return url


async def resolve(url: httpx.URL, *, private: bool) -> list[Address]:
    """The addresses to which requests for a URL may be sent; at least one.

    Args:
        url: as `read_url` gives it.
        private: whether private addresses are allowed.

    Raises:
        AddressError: a name that is unknown, or one that leads to an address that is not public.
    """
    literal = _literal(url)
    addresses = [literal] if literal is not None else await _look_up(url.raw_host.decode())
    if not private:
        _require_public(addresses)
    return addresses


def _literal(url: httpx.URL) -> Address | None:
    host = url.raw_host.decode()
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        # "127.1", "0x7f000001" and "2130706433" are addresses to the resolver, too.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _require_public(addresses: list[Address]) -> None:
    # One that is not is enough: an honest name has none.
    if not all(map(is_public, addresses)):
        raise AddressError("the host has an address that is not public")


async def _look_up(name: str) -> list[Address]:
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Address]] = loop.create_future()

    def answer(addresses: list[Address] | None) -> None:
        if found.done():
            return
        if addresses:
            found.set_result(addresses)
        else:
            found.set_exception(AddressError("the host's name is unknown"))

    def ask() -> None:
        addresses: list[Address] | None = None
        try:
            answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
            texts = dict.fromkeys(str(each[4][0]).partition("%")[0] for each in answers)
            addresses = [ipaddress.ip_address(text) for text in texts]
        except (OSError, ValueError):
            pass
        # The loop is closed when nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(answer, addresses)

    # Not in a pool: a name server that does not answer would hold up the end of the process.
    threading.Thread(target=ask, name="names", daemon=True).start()
    return await found

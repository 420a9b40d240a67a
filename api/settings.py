"""Everything that can be set from outside, each with its environment variable and default."""

from __future__ import annotations

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal

from limits import parse_many
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ..errors import InputError
from ..risk.values import Name, Text

DEFAULT_DATABASE = "sqlite:///zkcollateral.db"
_MOST_REQUESTS = 10**12
_DRIVERS = ("sqlite", "postgresql+psycopg")


def _database(text: str) -> str:
    try:
        driver = make_url(text).drivername
    except (ArgumentError, ValueError):  # the latter for a port, or for half of a password
        driver = ""
    if driver not in _DRIVERS:
        raise ValueError("expected sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME")
    return text


def _origin(text: str) -> str:
    if "+" in text:
        raise ValueError("expected a name without '+', as signed notes want it")
    return text


def _rate(text: str) -> str:
    try:
        usable = all(0 < limit.amount <= _MOST_REQUESTS for limit in parse_many(text))
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("expected limits such as 6000/minute or 100/second;6000/minute")
    return text


def _proxies(text: str) -> str:
    try:
        _networks(text)
    except ValueError:
        usable = False
    else:
        usable = True
    if not usable:
        raise ValueError("expected addresses or networks such as 10.0.0.1,192.168.0.0/16")
    return text


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


class Settings(BaseSettings):
    """The settings of one process of the service.

    Every field is read from the environment variable `ZKCOLLATERAL_<FIELD>`; the database also from
    `DATABASE_URL`.
    """

    model_config = SettingsConfigDict(
        env_prefix="ZKCOLLATERAL_",
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    database_url: Annotated[
        str, Field(validation_alias="DATABASE_URL", repr=False), AfterValidator(_database)
    ] = DEFAULT_DATABASE
    log_key: Path = Path("zkcollateral-log.key")
    """Secret key of the role `log`; made at the first start if it does not exist."""
    log_origin: Annotated[Name, AfterValidator(_origin)] = "zkcollateral.local/log"
    """The name of the log: the first line of its checkpoints, and the name of its key."""
    audience: Text | None = None
    """Whom claims that answer no audit must be addressed to; None: to nobody in particular."""
    reads: Literal["public", "keys"] = "public"
    """Who may read what is not an audit: everybody, or whoever has an API key."""
    risk: bool = False
    """Whether the plaintext risk engine can be reached."""
    max_body_bytes: int = Field(default=2 * 1024 * 1024, ge=1024, le=8 * 1024 * 1024)
    max_batch_bytes: int = Field(default=32 * 1024 * 1024, ge=1024, le=256 * 1024 * 1024)
    """The largest body of `/v1/verify/batch`."""
    body_seconds: float = Field(default=10, gt=0, le=600)
    """How long a request may take to arrive, head and body each."""
    answer_seconds: float = Field(default=30, gt=0, le=3600)
    """How long an answer may take."""
    rate_limit: Annotated[str, AfterValidator(_rate)] = "6000/minute"
    """Requests per API key, or per address without one, in the notation of the package limits.

    Every worker counts for itself.
    """
    max_waiting: int = Field(default=1000, ge=1, le=100_000)
    """Submissions that may wait to be checked; more are told to come back."""
    max_streams: int = Field(default=256, ge=1)
    """Event streams that one process keeps open; more are told to come back."""
    trusted_proxies: Annotated[str, AfterValidator(_proxies)] = ""
    """Addresses or networks, comma-separated, whose X-Forwarded-For is believed."""
    jwt_issuer: Text | None = None
    """Whose bearer tokens are accepted, as their claim `iss` says it; None: nobody's."""
    jwt_audience: Text = "zkcollateral"
    """What the claim `aud` of such a token has to name."""
    jwt_keys: Path | None = None
    """A JWK set, as a file, with the issuer's public keys."""
    jwt_tenant_claim: Text = "sub"
    """Which claim names the tenant."""
    webhooks_to_private_addresses: bool = False
    """Whether webhooks may lead to loopback and private addresses, and do without TLS."""
    database_password: SecretStr | None = None
    """Put into `database_url`, so that the password need not stand in it."""

    @classmethod
    def load(cls, **overrides: object) -> Settings:
        """The settings of the environment, with some of them given.

        Raises:
            InputError: a variable that cannot be used; the error names it and quotes no value.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        try:
            return cls(**given)  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        where = name if name == "DATABASE_URL" else f"ZKCOLLATERAL_{name.upper()}"
        message = str(first["msg"]).removeprefix("Value error, ")
        for opening in ("expected ", "Input should be "):
            if message.startswith(opening):
                raise InputError(where, message.removeprefix(opening), "something else")
        raise InputError(where, "a usable setting", f"one that is not: {message}")

    @cached_property
    def database(self) -> URL:
        """The database, with its password."""
        url = make_url(self.database_url)
        if self.database_password is not None:
            url = url.set(password=self.database_password.get_secret_value())
        return url

    @cached_property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of `trusted_proxies`."""
        return _networks(self.trusted_proxies)

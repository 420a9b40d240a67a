"""Bearer tokens (JWT) of a configured issuer.

Its keys stand in a file, a JWK set, which is read again when it changes. A token that is refused is
not told why: what is wrong with it is its issuer's business, and a forger's.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import structlog
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry, decode

from ..crypto.files import read_bytes
from ..errors import FileError, InputError
from ..risk.clock import now
from .access import SCOPES, Caller
from .problems import Problem
from .settings import Settings

ALGORITHMS: Final = ("EdDSA", "ES256", "Ed25519", "RS256")
LEEWAY_SECONDS: Final = 30
MAX_TOKEN: Final = 8192
"""Characters of a token."""
MAX_KEY_FILE: Final = 256 * 1024

_CURVES: Final = {"OKP": "Ed25519", "EC": "P-256"}
_LEAST_RSA_BITS: Final = 2048
_HEADER: Final = frozenset({"alg", "cty", "kid", "typ", "x5t", "x5t#S256"})
"""What a token's header may hold: nothing that brings a key along, or changes what is signed."""
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
# As `risk.values.Name` has it: tenants and names are part of documents.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}")
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="zkcollateral", error="invalid_token"'}

_log = structlog.get_logger("zkcollateral.tokens")


class _Algorithms(JWSRegistry):
    """The algorithms above and no others, whatever the package recommends."""

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError("not allowed")
        return self.algorithms[name]


class Tokens:
    """The issuer whose tokens are accepted.

    Args:
        issuer: its claim `iss`.
        audience: what `aud` must name.
        keys: file with its public keys.
        tenant_claim: the claim that names the tenant.

    Raises:
        InputError: the file cannot be used.
    """

    def __init__(self, issuer: str, audience: str, keys: Path, tenant_claim: str) -> None:
        self._path = keys
        self._tenant_claim = tenant_claim
        self._claims = JWTClaimsRegistry(
            now=lambda: int(now().timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )
        self._registry = _Algorithms(algorithms=ALGORITHMS)
        self._lock = threading.Lock()
        self._seen = self._state()
        self._keys: KeySet | None = _read(keys)

    def caller(self, token: str) -> Caller:
        """Who a token says that it is; Problem `token-invalid`."""
        keys = self._current()
        try:
            claims = self._verified(token, keys)
            return self._caller(claims)
        except Exception:  # noqa: BLE001  # a token is what a stranger sends: nothing in it is a fault
            problem = Problem("token-invalid", "the token is not accepted", headers=_CHALLENGE)
        raise problem

    def _verified(self, token: str, keys: KeySet | None) -> Mapping[str, Any]:
        if keys is None or len(token) > MAX_TOKEN:
            raise ValueError("no keys, or too long")
        decoded = decode(token, keys, registry=self._registry)
        header = decoded.header
        if not header.keys() <= _HEADER or str(header.get("typ", "JWT")).lower() not in _TYPES:
            raise ValueError("an unusual header")
        self._claims.validate(decoded.claims)
        return decoded.claims

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        granted = claims.get("scope", "")
        if not isinstance(granted, str):
            raise TypeError("scope")
        name = claims.get("name")
        return Caller(
            _name(claims[self._tenant_claim]),
            frozenset(granted.split(" ")) & frozenset(SCOPES),
            None if name is None else _name(name),
        )

    def _current(self) -> KeySet | None:
        """The keys in the file as it is now; None while it cannot be used."""
        state = self._state()
        with self._lock:
            if state != self._seen:
                self._seen = state
                try:
                    self._keys = _read(self._path)
                except InputError as error:
                    # Keys that were taken away must not go on counting.
                    self._keys = None
                    _log.error("the keys of the tokens' issuer cannot be read", got=error.got)
            return self._keys

    def _state(self) -> tuple[int, ...] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def load_tokens(settings: Settings) -> Tokens | None:
    """The configured issuer; None if there is none.

    Raises:
        InputError: an issuer without keys, keys without issuer, or keys that cannot be used.
    """
    if settings.jwt_issuer is None and settings.jwt_keys is None:
        return None
    if settings.jwt_issuer is None:
        raise InputError("ZKCOLLATERAL_JWT_ISSUER", "the issuer whose keys are given", "none")
    if settings.jwt_keys is None:
        raise InputError("ZKCOLLATERAL_JWT_KEYS", "a file with the issuer's public keys", "none")
    return Tokens(
        settings.jwt_issuer, settings.jwt_audience, settings.jwt_keys, settings.jwt_tenant_claim
    )


def _name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError("not a name")
    return value


def _read(path: Path) -> KeySet:
    where = str(path)
    data = read_bytes(path, max_bytes=MAX_KEY_FILE)
    try:
        keys = KeySet.import_key_set(json.loads(data))
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        keys = None
    if keys is None:
        raise FileError(where, "a JWK set", "something else")
    for key in keys:
        _require_usable(key, where)
    names = [key.kid for key in keys]
    if len(set(names)) != len(names):
        raise FileError(where, "keys with a kid of their own each", "one kid twice")
    return keys


def _require_usable(key: OctKey | RSAKey | ECKey | OKPKey, where: str) -> None:
    if isinstance(key, OctKey):
        raise FileError(where, "public keys", "a shared secret")
    if key.is_private:
        raise FileError(where, "public keys", "a private key")
    if isinstance(key, RSAKey):
        if key.public_key.key_size < _LEAST_RSA_BITS:
            raise FileError(where, f"RSA keys of {_LEAST_RSA_BITS} bits or more", "a shorter one")
    elif key.curve_name != _CURVES[key.key_type]:
        raise FileError(where, "keys for " + ", ".join(ALGORITHMS), "one on another curve")

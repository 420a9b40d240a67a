"""Bearer tokens: what is accepted, and every way to forge one that is known."""

from __future__ import annotations

import base64
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tests.api.running import running, settings
from zkcollateral.api import tokens as module
from zkcollateral.api.problems import Problem
from zkcollateral.api.tokens import Tokens, load_tokens
from zkcollateral.errors import InputError
from zkcollateral.risk.clock import now

ISSUER, AUDIENCE = "https://issuer.example", "zkcollateral"
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
ALGORITHMS = {"ed": "Ed25519", "ec": "ES256", "rsa": "RS256"}
SHORT_MODULUS = base64.urlsafe_b64encode(b"\xc1" * 128).decode().rstrip("=")
KEYS: dict[str, Any] = {"ed": ED, "ec": EC, "rsa": RSA}


def write(path: Path, *keys: Any, **more: Any) -> Path:
    members = [key if isinstance(key, dict) else key.as_dict(private=False) for key in keys]
    path.write_text(json.dumps({"keys": members, **more}))
    return path


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(ISSUER, AUDIENCE, write(tmp_path / "jwks.json", *KEYS.values()), "sub")


def claims(**changes: Any) -> dict[str, Any]:
    at = int(now().timestamp())
    value = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "north",
        "exp": at + 60,
        "scope": "oracle prover",
        **changes,
    }
    return {name: each for name, each in value.items() if each is not None}


def signed(kid: str = "ed", header: dict[str, Any] | None = None, **changes: Any) -> str:
    head = {"alg": ALGORITHMS[kid], "kid": kid, **(header or {})}
    head = {name: each for name, each in head.items() if each is not None}
    return jwt.encode(head, claims(**changes), KEYS[kid], algorithms=[head["alg"]])


def raw(header: Any, payload: Any, signature: bytes = b"") -> str:
    parts = [json.dumps(each).encode() for each in (header, payload)] + [signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(Problem) as caught:
        tokens.caller(token)
    assert caught.value.name == "token-invalid"
    assert caught.value.detail == "the token is not accepted"
    assert caught.value.__context__ is None
    assert "invalid_token" in caught.value.headers["WWW-Authenticate"]


@pytest.mark.parametrize("kid", ALGORITHMS)
def test_tokens_of_the_issuer_are_accepted(tokens: Tokens, kid: str) -> None:
    caller = tokens.caller(signed(kid, name="oracle-a"))
    assert (caller.tenant, caller.name) == ("north", "oracle-a")
    assert caller.scopes == {"oracle", "prover"}


@pytest.mark.parametrize("typ", [None, "JWT", "at+jwt", "AT+JWT"])
def test_both_kinds_of_tokens_are_accepted(tokens: Tokens, typ: str | None) -> None:
    head = {"alg": "Ed25519", "kid": "ed"} | ({"typ": typ} if typ else {})
    assert tokens.caller(
        jwt.encode(head, claims(), ED, algorithms=["Ed25519"], default_type=None)
    ).tenant


def test_the_older_name_of_the_algorithm_is_accepted(tokens: Tokens) -> None:
    head = raw({"alg": "EdDSA", "kid": "ed"}, claims()).rpartition(".")[0]
    key = ED.get_op_key("sign")
    assert isinstance(key, Ed25519PrivateKey)
    signature = key.sign(head.encode())
    end = base64.urlsafe_b64encode(signature).decode().rstrip("=")
    assert tokens.caller(f"{head}.{end}").tenant == "north"


def test_unknown_scopes_give_nothing(tokens: Tokens) -> None:
    caller = tokens.caller(signed(scope="openid prover root ADMIN email"))
    assert caller.scopes == {"prover"}
    assert tokens.caller(signed(scope=None)).scopes == frozenset()
    assert tokens.caller(signed(scope="")).name is None


def test_one_of_several_audiences_is_enough(tokens: Tokens) -> None:
    assert tokens.caller(signed(aud=["other", AUDIENCE])).tenant == "north"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"iss": [ISSUER]},
        {"aud": "other"},
        {"aud": None},
        {"aud": ["other"]},
        {"aud": {"x": AUDIENCE}},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": 1},
        {"exp": -1},
        {"nbf": 9_999_999_999},
        {"nbf": "soon"},
        {"iat": 9_999_999_999},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a|b"},
        {"sub": "x" * 65},
        {"sub": "a\nb"},
        {"scope": ["admin"]},
        {"scope": {"admin": True}},
        {"name": ""},
        {"name": "a b"},
        {"name": 7},
        {"padding": "x" * 10_000},
    ],
    ids=str,
)
def test_claims_that_are_not_as_they_should_be(tokens: Tokens, changes: dict[str, Any]) -> None:
    refused(tokens, signed(**changes))


def test_the_clock_decides_with_a_little_leeway(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = int(now().timestamp())
    token = signed(exp=at + 100, nbf=at)
    for offset, accepted in ((-31, False), (-29, True), (129, True), (131, False)):
        moved = datetime.fromtimestamp(at + offset, tz=now().tzinfo)
        monkeypatch.setattr(module, "now", lambda moved=moved: moved)
        if accepted:
            assert tokens.caller(token).tenant == "north"
        else:
            refused(tokens, token)


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", "HS256", "HS512", "ES384", "PS256"])
def test_other_algorithms_are_not_for_the_token_to_choose(tokens: Tokens, name: str) -> None:
    for kid in (*KEYS, None):
        for signature in (b"", b"x" * 64):
            refused(tokens, raw({"alg": name, "kid": kid}, claims(), signature))
    refused(tokens, raw({"kid": "ed"}, claims()))


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("kid", KEYS)
def test_the_public_key_is_no_shared_secret(tokens: Tokens, kid: str) -> None:
    key = KEYS[kid]
    secrets = [
        key.as_pem(private=False),
        key.as_der(private=False),
        json.dumps(key.as_dict(private=False)).encode(),
    ]
    for secret in secrets:
        head = {"alg": "HS256", "kid": kid}
        try:
            token = jwt.encode(head, claims(), OctKey.import_key(secret), algorithms=["HS256"])
        except ValueError:
            import hashlib
            import hmac

            text = raw(head, claims()).rpartition(".")[0]
            mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
            token = text + "." + base64.urlsafe_b64encode(mac).decode().rstrip("=")
        refused(tokens, token)


@pytest.mark.parametrize(("kid", "other"), [("ed", "ec"), ("ec", "rsa"), ("rsa", "ed")])
def test_a_key_id_names_one_key_and_its_algorithm(tokens: Tokens, kid: str, other: str) -> None:
    refused(tokens, signed(kid, {"kid": other}))
    refused(tokens, signed(kid, {"kid": "../../etc/passwd"}))
    refused(tokens, signed(kid, {"kid": None}))
    valid = signed(kid)
    header = {"alg": ALGORITHMS[other], "kid": kid}
    changed = raw(header, {}).split(".")[0]
    refused(tokens, ".".join([changed, *valid.split(".")[1:]]))


def test_a_key_that_the_token_brings_along_counts_for_nothing(tokens: Tokens) -> None:
    own = OKPKey.generate_key("Ed25519", {"kid": "ed"})
    public = own.as_dict(private=False)
    for more in (
        {},
        {"jwk": public},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
    ):
        head = {"alg": "Ed25519", "kid": "ed", **more}
        refused(tokens, jwt.encode(head, claims(), own, algorithms=["Ed25519"]))


def test_headers_that_change_what_is_signed_are_refused(tokens: Tokens) -> None:
    refused(tokens, signed("ed", {"jku": "https://issuer.example/jwks"}))
    refused(tokens, signed("ed", {"typ": "logout+jwt"}))
    head = {"alg": "Ed25519", "kid": "ed", "b64": True, "crit": ["b64"]}
    body = json.dumps(claims()).encode()
    refused(tokens, jws.serialize_compact(head, body, ED, algorithms=["Ed25519"]))
    refused(tokens, raw({"alg": "Ed25519", "kid": "ed", "crit": ["exp"]}, claims(), b"x" * 64))


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "zkc_0123456789abcdef_" + "A" * 43 + "x",
        "x" * 10_000_000,
        "ä.ö.ü",
        raw([], {}),
        raw({"alg": ["Ed25519"]}, {}),
        raw({"alg": {"a": 1}, "kid": []}, {}),
        base64.urlsafe_b64encode(b"[" * 4000).decode() + ".e30.",
        base64.urlsafe_b64encode(b'{"a":' * 1000).decode() + ".e30.",
        "\x00.\x00.\x00",
    ],
    ids=lambda text: text[:12].encode().hex() or "empty",
)
def test_what_is_no_token_is_refused_like_any(tokens: Tokens, token: str) -> None:
    refused(tokens, token)


def test_every_change_of_a_token_is_found(tokens: Tokens) -> None:
    token = signed("ec")
    for at in range(0, len(token), 7):
        other = "B" if token[at] != "B" else "C"
        changed = token[:at] + other + token[at + 1 :]
        # The last character of base64 has bits that mean nothing.
        if at + 1 < len(token):
            refused(tokens, changed)


def test_claims_that_are_no_object_are_refused(tokens: Tokens) -> None:
    for body in (b"[]", b"null", b"{", b"[" * 5000):
        head = {"alg": "Ed25519", "kid": "ed"}
        refused(tokens, jws.serialize_compact(head, body, ED, algorithms=["Ed25519"]))


def test_the_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = write(tmp_path / "jwks.json", ED)
    tokens = Tokens(ISSUER, AUDIENCE, path, "sub")
    assert tokens.caller(signed("ed")).tenant == "north"
    refused(tokens, signed("ec"))
    write(path, EC)
    os.utime(path, ns=(1, 1))
    assert tokens.caller(signed("ec")).tenant == "north"
    refused(tokens, signed("ed"))
    path.write_text("{")
    refused(tokens, signed("ec"))
    path.unlink()
    refused(tokens, signed("ec"))
    write(path, ED)
    assert tokens.caller(signed("ed")).tenant == "north"


def test_one_key_needs_no_name(tmp_path: Path) -> None:
    nameless = {k: v for k, v in ED.as_dict(private=False).items() if k != "kid"}
    tokens = Tokens(ISSUER, AUDIENCE, write(tmp_path / "k.json", nameless), "sub")
    assert tokens.caller(signed("ed", {"kid": None})).tenant == "north"


@pytest.mark.parametrize("use", [{"use": "enc"}, {"alg": "ES256K"}])
def test_a_key_for_something_else_is_not_used(tmp_path: Path, use: dict[str, str]) -> None:
    keys = write(tmp_path / "k.json", {**EC.as_dict(private=False), **use})
    refused(Tokens(ISSUER, AUDIENCE, keys, "sub"), signed("ec"))


def test_another_claim_can_name_the_tenant(tmp_path: Path) -> None:
    keys = write(tmp_path / "k.json", ED)
    tokens = Tokens(ISSUER, AUDIENCE, keys, "org")
    assert tokens.caller(signed(org="south")).tenant == "south"
    refused(tokens, signed())


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [ED.as_dict(private=True)],
        [OctKey.generate_key(256).as_dict(private=True)],
        [{"kty": "RSA", "e": "AQAB", "n": SHORT_MODULUS}],
        [ECKey.generate_key("P-384").as_dict(private=False)],
        [OKPKey.generate_key("X25519").as_dict(private=False)],
        [{**ED.as_dict(private=False), "kid": "x"}, {**EC.as_dict(private=False), "kid": "x"}],
        [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}],
        [{"kty": "lattice"}],
        ["text"],
    ],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_files_that_cannot_be_used(tmp_path: Path, keys: list[Any]) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": keys}))
    with pytest.raises(InputError, match=r"jwks\.json: expected"):
        Tokens(ISSUER, AUDIENCE, path, "sub")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"keys":{}}', "[" * 9000, '{"keys":7}'])
def test_files_that_are_no_set(tmp_path: Path, content: str) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(content)
    with pytest.raises(InputError):
        Tokens(ISSUER, AUDIENCE, path, "sub")


def test_issuer_and_keys_go_together(tmp_path: Path) -> None:
    assert load_tokens(settings(tmp_path)) is None
    with pytest.raises(InputError, match="JWT_KEYS"):
        load_tokens(settings(tmp_path, jwt_issuer=ISSUER))
    with pytest.raises(InputError, match="JWT_ISSUER"):
        load_tokens(settings(tmp_path, jwt_keys=tmp_path / "k.json"))
    with pytest.raises(InputError, match=r"k\.json"):
        load_tokens(settings(tmp_path, jwt_issuer=ISSUER, jwt_keys=tmp_path / "k.json"))


def test_at_the_service_a_token_does_what_a_key_does(tmp_path: Path) -> None:
    keys = write(tmp_path / "jwks.json", ED)
    with running(settings(tmp_path, jwt_issuer=ISSUER, jwt_keys=keys)) as service:
        with service.client() as client:

            def post(token: str) -> tuple[int, str]:
                answer = client.post(
                    "/v1/registries", json={}, headers={"Authorization": f"Bearer {token}"}
                )
                return answer.status_code, answer.json()["type"].rpartition(":")[2]

            assert post(signed(scope="admin")) == (422, "document-invalid")
            assert post(signed(scope="prover")) == (403, "scope-missing")
            assert post(signed(scope="admin", exp=1)) == (401, "token-invalid")
            assert post("zkc_x") == (401, "key-unknown")
        with service.client("admin") as with_key:
            assert with_key.post("/v1/registries", json={}).status_code == 422

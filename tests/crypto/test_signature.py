"""Ed25519 keys and the envelopes they sign."""

from __future__ import annotations

import base64
import copy
import hashlib
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib import dsse
from securesystemslib.signer import CryptoSigner, SSlibKey

from zkcollateral.crypto.canonical import canonical_bytes, digest
from zkcollateral.crypto.envelope import (
    MAX_PAYLOAD_BYTES,
    PRICE_REPORT_TYPE,
    VOUCH_TYPE,
    Envelope,
    EnvelopeSignature,
    open_envelope,
    pae,
    sign,
)
from zkcollateral.crypto.signature import PublicKey, SigningKey
from zkcollateral.errors import (
    DocumentError,
    EncodingError,
    SignatureError,
    ZkCollateralError,
)

KEY, OTHER = SigningKey(bytes(range(32))), SigningKey(bytes(range(1, 33)))
DOCUMENT = {"format": "zkcollateral/price-report/1", "prices": {"BTC": "64000.12"}}
PAYLOAD = canonical_bytes(DOCUMENT)


def signed_value() -> dict[str, Any]:
    return sign(PRICE_REPORT_TYPE, PAYLOAD, KEY).to_json_value()


def open_value(value: Any, *keys: PublicKey) -> Any:
    envelope = Envelope.from_json_value(value, "e.json")
    return open_envelope(envelope, PRICE_REPORT_TYPE, keys or (KEY.public,), "e.json")


def resigned(payload: bytes, payload_type: str = PRICE_REPORT_TYPE) -> Envelope:
    """An honest signature over something that `sign` itself would not sign."""
    signature = EnvelopeSignature(KEY.key_id, KEY.sign(pae(payload_type, payload)))
    return Envelope(payload_type, payload, (signature,))


def test_rfc_8032_vector() -> None:
    """RFC 8032 section 7.1, TEST 1."""
    key = SigningKey(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b"
    )
    assert key.public == PublicKey(raw)
    assert key.sign(b"") == signature
    PublicKey(raw).verify(signature, b"")
    assert key.key_id == hashlib.sha256(raw).hexdigest()


def test_a_secret_key_does_not_print_itself() -> None:
    for text in (repr(KEY), str(KEY), f"{KEY}", repr([KEY])):
        assert KEY.key_id in text
        assert KEY.secret_bytes().hex() not in text
        assert repr(KEY.secret_bytes()) not in text
    assert not hasattr(KEY, "__dict__")


def test_new_keys_differ() -> None:
    assert SigningKey.generate().key_id != SigningKey.generate().key_id


def test_keys_have_32_bytes() -> None:
    for length in (0, 31, 33, 64):
        with pytest.raises(EncodingError, match=f"expected 32 bytes, got {length} bytes"):
            SigningKey(bytes(length))
        with pytest.raises(EncodingError, match=f"expected 32 bytes, got {length} bytes"):
            PublicKey(bytes(length))


# The encodings that libsodium lists in `ge25519_has_small_order`, with both signs.
SMALL_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]
NOT_REDUCED = [
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


@pytest.mark.parametrize("sign_bit", [0, 0x80])
@pytest.mark.parametrize(
    ("encoding", "message"),
    [(text, "small order") for text in SMALL_ORDER] + [(text, "larger") for text in NOT_REDUCED],
)
def test_a_key_for_which_anybody_can_sign_is_no_key(
    encoding: str, message: str, sign_bit: int
) -> None:
    raw = bytearray.fromhex(encoding)
    raw[31] |= sign_bit
    with pytest.raises(EncodingError, match=message):
        PublicKey(bytes(raw))


def test_a_signature_is_of_one_key_and_one_message() -> None:
    signature = KEY.sign(b"message")
    KEY.public.verify(signature, b"message")
    for key, sig, message in [
        (OTHER.public, signature, b"message"),
        (KEY.public, signature, b"massage"),
        (KEY.public, OTHER.sign(b"message"), b"message"),
        (KEY.public, bytes(64), b"message"),
        # A coordinate that is on no point: nothing verifies.
        (PublicKey((2).to_bytes(32, "little")), signature, b"message"),
    ]:
        with pytest.raises(SignatureError, match="got one that does not verify"):
            key.verify(sig, message)
    for wrong in (b"", signature[:-1], signature + b"\x00"):
        with pytest.raises(SignatureError, match="expected a signature of 64 bytes"):
            KEY.public.verify(wrong, b"message")


@given(st.integers(0, 511))
@settings(deadline=None)
def test_every_bit_of_a_signature_counts(bit: int) -> None:
    signature = bytearray(KEY.sign(b"message"))
    signature[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SignatureError):
        KEY.public.verify(bytes(signature), b"message")


def test_signature_plus_the_group_order_is_refused() -> None:
    """S + L is the other spelling of a signature; RFC 8032 section 5.1.7 refuses it."""
    order = 2**252 + 27742317777372353535851937790883648493
    signature = KEY.sign(b"message")
    s = int.from_bytes(signature[32:], "little") + order
    with pytest.raises(SignatureError):
        KEY.public.verify(signature[:32] + s.to_bytes(32, "little"), b"message")


def test_pae_of_the_specification() -> None:
    """The example of DSSE's protocol.md."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_an_envelope_is_read_as_it_was_written() -> None:
    value = signed_value()
    envelope = Envelope.from_json_value(value, "e.json")
    assert envelope.to_json_value() == value
    opened = open_value(value)
    assert opened.value == DOCUMENT
    assert opened.digest == digest(DOCUMENT)
    assert opened.key_ids == {KEY.key_id}


def sslib_key(key: SigningKey) -> SSlibKey:
    public = {"public": key.public.raw.hex()}
    return SSlibKey(key.key_id, "ed25519", "ed25519", public)


def test_securesystemslib_verifies_what_we_sign() -> None:
    theirs = dsse.Envelope.from_dict(copy.deepcopy(signed_value()))
    assert set(theirs.verify([sslib_key(KEY)], 1)) == {KEY.key_id}
    assert theirs.pae() == pae(PRICE_REPORT_TYPE, PAYLOAD)
    assert theirs.payload == PAYLOAD


def test_we_verify_what_securesystemslib_signs() -> None:
    theirs = dsse.Envelope(PAYLOAD, PRICE_REPORT_TYPE, {})
    theirs.sign(CryptoSigner(KEY._key, sslib_key(KEY)))
    opened = open_value(theirs.to_dict())
    assert opened.value == DOCUMENT
    assert opened.key_ids == {KEY.key_id}


def test_several_signatures_must_all_verify() -> None:
    value = signed_value()
    second = sign(PRICE_REPORT_TYPE, PAYLOAD, OTHER).to_json_value()["signatures"]
    both = {**value, "signatures": value["signatures"] + second}
    assert open_value(both, KEY.public, OTHER.public).key_ids == {KEY.key_id, OTHER.key_id}
    with pytest.raises(SignatureError, match=f"known keys only, got one of {OTHER.key_id}"):
        open_value(both, KEY.public)
    both["signatures"][1] = {"keyid": OTHER.key_id, "sig": value["signatures"][0]["sig"]}
    with pytest.raises(SignatureError, match=f"of key {OTHER.key_id}, got one that does not"):
        open_value(both, KEY.public, OTHER.public)


def test_an_unknown_key_has_no_word() -> None:
    with pytest.raises(SignatureError, match="known keys only"):
        open_value(signed_value(), OTHER.public)
    envelope = Envelope.from_json_value(signed_value(), "e.json")
    with pytest.raises(SignatureError, match="known keys only"):
        open_envelope(envelope, PRICE_REPORT_TYPE, [])


def test_a_signature_under_another_keys_name_does_not_verify() -> None:
    value = signed_value()
    value["signatures"][0]["keyid"] = OTHER.key_id
    with pytest.raises(SignatureError, match="does not verify"):
        open_value(value, KEY.public, OTHER.public)


def test_an_envelope_without_signature_is_not_signed() -> None:
    with pytest.raises(SignatureError, match="at least one signature, got none"):
        open_envelope(Envelope(PRICE_REPORT_TYPE, PAYLOAD, ()), PRICE_REPORT_TYPE, [KEY.public])


def test_the_type_is_signed_too() -> None:
    vouch = sign(VOUCH_TYPE, PAYLOAD, KEY)
    with pytest.raises(
        DocumentError, match=f"payloadType: expected '{re.escape(PRICE_REPORT_TYPE)}'"
    ):
        open_envelope(vouch, PRICE_REPORT_TYPE, [KEY.public])
    relabelled = Envelope(PRICE_REPORT_TYPE, vouch.payload, vouch.signatures)
    with pytest.raises(SignatureError, match="does not verify"):
        open_envelope(relabelled, PRICE_REPORT_TYPE, [KEY.public])


def test_the_payload_is_not_looked_at_before_it_is_verified() -> None:
    envelope = Envelope(PRICE_REPORT_TYPE, b"not JSON", (EnvelopeSignature(KEY.key_id, bytes(64)),))
    with pytest.raises(SignatureError):
        open_envelope(envelope, PRICE_REPORT_TYPE, [KEY.public])


@pytest.mark.parametrize(
    "payload",
    [
        b'{"a": "1"}',
        b'{"b":"1","a":"2"}',
        b'{"a":"1"}\n',
        b'{"a":"\\u0061"}',
        b'{"a":1}',
        b'{"a":"1","a":"1"}',
        b"\xef\xbb\xbf{}",
        b"",
        b"\xff",
    ],
)
def test_only_canonical_documents_are_signed_and_opened(payload: bytes) -> None:
    with pytest.raises(DocumentError, match="payload to sign"):
        sign(PRICE_REPORT_TYPE, payload, KEY)
    with pytest.raises(DocumentError, match="envelope: payload"):
        open_envelope(resigned(payload), PRICE_REPORT_TYPE, [KEY.public])


SIG = signed_value()["signatures"][0]
BAD_BASE64 = ["e30", "e30=\n", " e30=", "e3-_", "e31=", "e30==", "=", "e30=e30=", "é", "e", 5, None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": "1"}, "e.json: expected the fields"),
        ({"payloadType": 5}, "payloadType: expected a string"),
        ({"payloadType": "a" * 129}, "payloadType: expected a media type"),
        ({"payloadType": "é"}, "payloadType: expected a media type"),
        ({"payloadType": "a\nb"}, "payloadType: expected a media type"),
        *[
            ({"payload": bad}, "payload: expected (canonical base64|a string)")
            for bad in BAD_BASE64
        ],
        ({"signatures": []}, "signatures: expected a list of 1 to 16"),
        ({"signatures": [SIG] * 17}, "signatures: expected a list of 1 to 16"),
        ({"signatures": {}}, "signatures: expected a list of 1 to 16"),
        ({"signatures": [SIG, SIG]}, "expected every keyid once"),
        ({"signatures": ["x"]}, r"signatures\[0\]: expected an object"),
        ({"signatures": [{**SIG, "cert": ""}]}, r"signatures\[0\]: expected the fields"),
        ({"signatures": [{"sig": SIG["sig"]}]}, r"signatures\[0\]: keyid: expected this field"),
        ({"signatures": [{**SIG, "keyid": ""}]}, "keyid: expected 32 bytes in hex"),
        ({"signatures": [{**SIG, "keyid": KEY.key_id.upper()}]}, "keyid: expected lowercase hex"),
        (
            {"signatures": [{**SIG, "sig": SIG["sig"].rstrip("=")}]},
            "sig: expected canonical base64",
        ),
        ({"signatures": [{**SIG, "sig": "A" * 92}]}, "sig: expected at most 64 bytes"),
        ({"signatures": [{**SIG, "sig": "A" * 88}]}, "sig: expected at most 64 bytes"),
    ],
)
def test_each_rule_of_an_envelope(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        Envelope.from_json_value({**signed_value(), **change}, "e.json")


@pytest.mark.parametrize("field", ["payload", "payloadType", "signatures"])
def test_every_field_is_needed(field: str) -> None:
    value = signed_value()
    del value[field]
    with pytest.raises(DocumentError, match=f"{field}: expected this field, got nothing"):
        Envelope.from_json_value(value, "e.json")


def test_a_payload_has_a_limit() -> None:
    for length, message in [(MAX_PAYLOAD_BYTES, None), (MAX_PAYLOAD_BYTES + 1, "at most")]:
        value = {**signed_value(), "payload": base64.b64encode(bytes(length)).decode()}
        if message is None:
            Envelope.from_json_value(value, "e.json")
        else:
            with pytest.raises(DocumentError, match=message):
                Envelope.from_json_value(value, "e.json")
    with pytest.raises(DocumentError, match="at most 1048576 bytes"):
        sign(PRICE_REPORT_TYPE, canonical_bytes(["a" * MAX_PAYLOAD_BYTES]), KEY)


JSON = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {
            "payloadType": st.just(PRICE_REPORT_TYPE) | JSON,
            "payload": st.binary().map(lambda data: base64.b64encode(data).decode()) | JSON,
            "signatures": st.lists(
                st.fixed_dictionaries(
                    {
                        "keyid": st.just(KEY.key_id) | JSON,
                        "sig": st.binary(min_size=64, max_size=64).map(
                            lambda data: base64.b64encode(data).decode()
                        )
                        | JSON,
                    }
                )
            )
            | JSON,
        }
    )
    | JSON
)
def test_any_envelope_gives_our_error(value: Any) -> None:
    with pytest.raises(ZkCollateralError):
        open_value(value)

"""expand_message_xmd and hash_to_field against RFC 9380 and py-ecc."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_ecc.bls.hash import expand_message_xmd as py_ecc_expand

from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.hashing import expand_message_xmd, hash_to_field

# py-ecc's annotation asks for the hash object where it takes the constructor.
SHA256: Any = sha256

RFC_DST = b"QUUX-V01-CS02-with-expander-SHA256-128"

# RFC 9380, appendix K.1, "expand_message_xmd(SHA-256)": messages with len_in_bytes = 0x20, and the
# empty message with 0x80.
RFC_VECTORS = [
    (b"", "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235"),
    (b"abc", "d8ccab23b5985ccea865c6c97b6e5b8350e794e603b4b97902f53a8a0d605615"),
    (b"abcdef0123456789", "eff31487c770a893cfb36f912fbfcbff40d5661771ca4b2cb4eafe524333f5c1"),
    (
        b"q128_" + b"q" * 128,
        "b23a1d2b4d97b2ef7785562a7e8bac7eed54ed6e97e29aa51bfe3f12ddad1ff9",
    ),
    (
        b"a512_" + b"a" * 512,
        "4623227bcc01293b8c130bf771da8c298dede7383243dc0993d2d94823958c4c",
    ),
    (
        b"",
        "af84c27ccfd45d41914fdff5df25293e221afc53d8ad2ac06d5e3e29485dadbe"
        "e0d121587713a3e0dd4d5e69e93eb7cd4f5df4cd103e188cf60cb02edc3edf18"
        "eda8576c412b18ffb658e3dd6ec849469b979d444cf7b26911a08e63cf31f9dc"
        "c541708d3491184472c2c29bb749d4286b004ceb5ee6b9a7fa5b646c993f0ced",
    ),
]


@pytest.mark.parametrize(("message", "expected"), RFC_VECTORS)
def test_expand_message_matches_the_rfc(message: bytes, expected: str) -> None:
    output = bytes.fromhex(expected)
    assert expand_message_xmd(message, RFC_DST, len(output)) == output


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=255), st.integers(1, 300))
def test_expand_message_matches_py_ecc(message: bytes, dst: bytes, length: int) -> None:
    assert expand_message_xmd(message, dst, length) == py_ecc_expand(message, dst, length, SHA256)


def test_expand_message_at_its_limits() -> None:
    longest = 255 * 32
    expected = py_ecc_expand(b"m", b"d", longest, SHA256)
    assert expand_message_xmd(b"m", b"d", longest) == expected
    assert expand_message_xmd(b"m", b"d", 0) == b""
    for length in (-1, longest + 1):
        with pytest.raises(ValueError, match="length"):
            expand_message_xmd(b"m", b"d", length)
    for dst in (b"", b"d" * 256):
        with pytest.raises(ValueError, match="1 to 255"):
            expand_message_xmd(b"m", dst, 32)


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=64))
def test_hash_to_field_is_48_expanded_bytes_mod_r(message: bytes, dst: bytes) -> None:
    expected = int.from_bytes(py_ecc_expand(message, dst, 48, SHA256), "big") % MODULUS
    assert hash_to_field(message, dst) == expected


@pytest.mark.parametrize("size", [0, 1, 31, 32, 55, 56, 63, 64, 65, 127, 128, 1000])
@pytest.mark.parametrize("dst", [b"d", b"ZKCOLLATERAL-V1:rho", b"d" * 255])
def test_both_arithmetics_hash_alike(arithmetic: Arithmetic, size: int, dst: bytes) -> None:
    message = bytes(index % 256 for index in range(size))
    assert arithmetic.hash_to_field(message, dst) == hash_to_field(message, dst)


def test_both_arithmetics_refuse_no_tag_and_a_long_one(arithmetic: Arithmetic) -> None:
    for dst in (b"", b"d" * 256):
        with pytest.raises(ValueError, match="1 to 255"):
            arithmetic.hash_to_field(b"", dst)

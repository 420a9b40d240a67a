"""The door for JSON, and the one canonical form."""

from __future__ import annotations

import hashlib
import json
import time
import tracemalloc
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.crypto.canonical import (
    MAX_BYTES,
    MAX_VALUES,
    canonical_bytes,
    digest,
    parse_json,
)
from zkcollateral.errors import DocumentError

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


def refused(data: bytes, message: str, **limits: int) -> DocumentError:
    with pytest.raises(DocumentError, match=message) as caught:
        parse_json(data, "file", **limits)
    error = caught.value
    assert error.where.startswith("file")
    # The parser's own errors hold the document, which may be secret.
    assert error.__context__ is None
    return error


@given(VALUES)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert parse_json(canonical_bytes(value), "file") == value
    spaced = json.dumps(value, indent=1, ensure_ascii=True).encode()
    assert canonical_bytes(parse_json(spaced, "file")) == canonical_bytes(value)


def test_canonical_form_of_rfc_8785() -> None:
    """The keys of RFC 8785 section 3.2.3, sorted by UTF-16 code units and not by code points."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = canonical_bytes(dict.fromkeys(keys, "x")).decode()
    order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(written)) == order
    assert canonical_bytes({"b": [True, None], "a": 'é"\\\n\x1f/'}) == (
        b'{"a":"\xc3\xa9\\"\\\\\\n\\u001f/","b":[true,null]}'
    )


def test_digest_is_of_the_canonical_bytes() -> None:
    assert digest({"b": "1", "a": "2"}) == hashlib.sha256(b'{"a":"2","b":"1"}').hexdigest()


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"1", "file"),
        (b"-1", "file"),
        (b'{"a": 1.5}', "file: a"),
        (b'{"a": [true, 1e400]}', r"file: a\[1\]"),
        (b'[{"b": {"c": 7}}]', r"file: \[0\].b.c"),
        (b"[NaN]", r"file: \[0\]"),
        (b"[-Infinity]", r"file: \[0\]"),
        (b'{"a":' + b"9" * 5000 + b"}", "file: a"),
    ],
)
def test_there_are_no_numbers_and_the_error_does_not_say_which(data: bytes, place: str) -> None:
    error = refused(data, f"^{place}: expected a string .* got a JSON number$")
    assert "7" not in str(error)


@pytest.mark.parametrize(
    "data", [b'{"a":"1","a":"1"}', b'[{"x":{"a":"1","b":"2","a":"3"}}]', b'{"a":"1","\\u0061":"2"}']
)
def test_a_key_stands_once(data: bytes) -> None:
    refused(data, "expected every key once, got the key 'a' twice")


@pytest.mark.parametrize(
    "data",
    [
        b"", b" ", b"{", b"}", b'{"a"}', b'{"a":"1",}', b'["1",]', b"['1']", b"{a:'1'}", b'"a',
        b'"\n"', b'"\t"', b'"\\x41"', b'"\\u12"', b"nul", b"True", b"undefined",
        b'"a" "b"', b"{} {}", b"[]]", b'{1:"a"}',
        b'// c\n"a"', b'"a"\x00', b"\x0b[]", b"\xc2\xa0[]", b"[,]", b'{"a":"1" "b":"2"}',
        b"0x10", b"01", b"+1",
    ],
)  # fmt: skip
def test_only_json_is_json(data: bytes) -> None:
    refused(data, "expected well-formed JSON, got a syntax error at line")


@pytest.mark.parametrize(
    "data",
    [
        b'"\xff"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xe2\x82"',
        '["a"]'.encode("utf-16"), '["a"]'.encode("utf-32"),
    ],
)  # fmt: skip
def test_only_utf_8_is_text(data: bytes) -> None:
    refused(data, "expected UTF-8, got another byte at offset")


def test_no_byte_order_mark() -> None:
    refused(b"\xef\xbb\xbf{}", "got a byte order mark")


@pytest.mark.parametrize(
    "data", [rb'"\ud800"', rb'"\udc00\ud800"', rb'["a", "\ud83dx"]', rb'{"\udfff": "a"}']
)
def test_no_half_of_a_surrogate_pair(data: bytes) -> None:
    refused(data, "half of a surrogate pair")
    assert parse_json(rb'"\ud83d\ude00"', "file") == "\U0001f600"


def test_depth_has_a_limit() -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        core = b'"[[[{{{"'
        parse_json(opening * 32 + core + closing * 32, "file")
        refused(opening * 33 + core + closing * 33, "at most 32 levels")
        refused(opening * 3 + core + closing * 3, "at most 2 levels", max_depth=2)
    parse_json(b"[" + b"[]," * 1000 + b"{}]", "file")
    parse_json(b'["\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]', "file")


@pytest.mark.parametrize("data", [b"[" * 1_000_000, b'{"a":' * 1_000_000, b"[{" * 500_000 + b'"'])
def test_a_depth_bomb_is_an_ordinary_error(data: bytes) -> None:
    refused(data, "at most 32 levels")


def test_a_full_stack_is_an_ordinary_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr(json, "loads", overflow)
    refused(b"[]", "expected a document that fits the stack")


@pytest.mark.parametrize(
    "data", [b'"' + b'\\"' * 2_000_000, b'"' * 2_000_001, b'["' + b'\\"' * 2_000_000 + b"\\"]
)
def test_unterminated_strings_take_linear_time(data: bytes) -> None:
    start = time.perf_counter()
    refused(data, "syntax error")
    assert time.perf_counter() - start < 5


def test_size_has_a_limit() -> None:
    parse_json(b'"' + b"a" * 8 + b'"', "file", max_bytes=10)
    refused(b'"' + b"a" * 9 + b'"', "at most 10 bytes, got 11 bytes", max_bytes=10)
    refused(b" " * (MAX_BYTES + 1), f"at most {MAX_BYTES} bytes")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1, "a JSON number"),
        ({"a": 1.5}, "value to encode: a: .* a JSON number"),
        ([float("nan")], "a JSON number"),
        (b"x", "got bytes"),
        ({"a": {1: "b"}}, "keys that are strings, got int"),
        (("a",), "got tuple"),
        ("\ud800", "half of a surrogate pair"),
        ({"\ud800": "a"}, "half of a surrogate pair"),
    ],
)
def test_only_what_can_be_read_is_written(value: Any, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        canonical_bytes(value)


def test_a_deep_value_is_not_written() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(DocumentError, match="at most 32 levels"):
        canonical_bytes(deep)
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(DocumentError, match="at most 32 levels"):
        canonical_bytes(ring)


def test_an_error_quotes_no_value_and_shows_keys_harmlessly() -> None:
    error = refused(b'{"a\\u001b[2J": 31337}', "JSON number")
    assert "\x1b" not in str(error)
    assert "31337" not in str(error)
    assert len(str(refused(b'{"' + b"k" * 10_000 + b'":1}', "JSON number"))) < 300
    assert len(str(refused(b'{"' + b"k" * 999 + b'":"","' + b"k" * 999 + b'":""}', "twice"))) < 300


@given(st.binary())
def test_any_bytes_give_a_value_or_our_error(data: bytes) -> None:
    try:
        value = parse_json(data, "file")
    except DocumentError:
        return
    assert parse_json(canonical_bytes(value), "file") == value


@given(VALUES, st.data())
def test_any_damage_gives_a_value_or_our_error(value: Any, data: st.DataObject) -> None:
    written = bytearray(canonical_bytes(value))
    at = data.draw(st.integers(0, len(written) - 1))
    written[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    try:
        found = parse_json(bytes(written), "file")
    except DocumentError:
        return
    assert parse_json(canonical_bytes(found), "file") == found


def test_memory_is_bounded_by_the_size_of_the_document() -> None:
    """A place is spelled when it is told, not for every value below it."""
    key = "\U000f0000" * 64
    text = '["' + '","'.join([""] * 20_000) + '"]'
    for _ in range(30):
        text = f'{{"{key}":{text}}}'
    data = text.encode()
    assert len(data) < 100_000
    tracemalloc.start()
    try:
        parse_json(data, "document")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * len(data)


def test_documents_have_a_bounded_number_of_values() -> None:
    most = ",".join(["[]"] * (MAX_VALUES - 1))
    assert parse_json(f"[{most}]".encode(), "document")
    with pytest.raises(DocumentError, match="at most 262144 values"):
        parse_json(f"[{most},[],[]]".encode(), "document")


@given(VALUES)
def test_both_encoders_write_the_same(value: Any) -> None:
    """Guards: the fast way for ASCII; rfc8785 is the oracle."""
    assert canonical_bytes(value) == rfc8785.dumps(value)


@given(st.dictionaries(st.text(st.characters(max_codepoint=0x7F)), st.text(max_size=3)))
def test_both_encoders_escape_and_sort_ascii_the_same(value: dict[str, str]) -> None:
    assert canonical_bytes(dict(value)) == rfc8785.dumps(value)


def test_other_keys_are_sorted_by_utf_16() -> None:
    # U+10000 is D800 DC00 in UTF-16, and so comes before U+E000.
    assert canonical_bytes({"\ue000": None, "\U00010000": None}) == (
        '{"\U00010000":null,"\ue000":null}'.encode()
    )

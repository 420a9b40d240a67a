"""The door for request bodies: strict, with one clear error, and without quoting what is secret."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest
from starlette.requests import Request

from zkcollateral.api import examples
from zkcollateral.api.bodies import SMALL_BYTES, body, parse_items, read_value
from zkcollateral.api.problems import Problem
from zkcollateral.api.risk_inputs import LiquidationQuestion, RiskQuestion
from zkcollateral.api.routes.attestations import Revocation
from zkcollateral.risk.registry import Registry

JSON = "application/json"


def request(content: bytes, media_type: str | None = JSON) -> Request:
    """A request with this body."""
    headers = [] if media_type is None else [(b"content-type", media_type.encode())]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


def read(model: Any, content: bytes, media_type: str | None = JSON) -> Any:
    return asyncio.run(body(model)(request(content, media_type)))


def refused(model: Any, content: bytes, media_type: str | None = JSON) -> Problem:
    with pytest.raises(Problem) as caught:
        read(model, content, media_type)
    return caught.value


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_a_document_is_read(media_type: str) -> None:
    content = json.dumps(examples.REGISTRY).encode()
    found = read(Registry, content, media_type)
    assert found.to_json_value() == examples.REGISTRY


def test_a_large_document_is_read_too() -> None:
    value = {"reason": "x"}
    content = json.dumps(value).encode() + b" " * (2 * SMALL_BYTES)
    assert read(Revocation, content).reason == "x"


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/jsonp", "\xe9/x"])
def test_other_media_types_are_refused(media_type: str | None) -> None:
    assert refused(Revocation, b"{}", media_type).name == "media-type"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "json-malformed"),
        (b"{", "json-malformed"),
        (b'{"reason": 1}', "json-malformed"),
        (b'{"reason": NaN}', "json-malformed"),
        (b'{"reason": "a", "reason": "b"}', "json-malformed"),
        (b'{"reason": "\\ud800"}', "json-malformed"),
        (b'{"reason": "\xff"}', "json-malformed"),
        (b"[" * 100 + b"]" * 100, "json-too-deep"),
        (b"[" * 100_000, "json-too-deep"),
        (b"[]", "document-invalid"),
        (b'"text"', "document-invalid"),
        (b"null", "document-invalid"),
        (b"{}", "document-invalid"),
        (b'{"reason": ""}', "document-invalid"),
        (b'{"reason": "a", "other": "b"}', "document-invalid"),
    ],
)
@pytest.mark.parametrize("padding", [0, 2 * SMALL_BYTES])
def test_each_wrong_body_has_its_problem(content: bytes, name: str, padding: int) -> None:
    assert refused(Revocation, content + b" " * padding).name == name


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"portfolio": {}}, "body.portfolio: expected an object of format"),
        ({"portfolio": "123456789"}, "body.portfolio: expected an object"),
        ({"policy": "123456789"}, "body.policy: expected a document, or the digest"),
        ({"policy": {**examples.POLICY, "ratio": "0"}}, "body.policy.ratio: expected"),
        ({"prices": {"format": "x"}}, "body.prices.format: expected"),
        ({"registry": None}, "body.registry: expected"),
        ({"shocks": {"BTC": "-2"}}, "body.shocks.BTC: expected a shock of at least -1"),
        ({"max_steps": "0"}, "body.max_steps: expected an integer from 1 to 1000"),
        ({"pair": {"debt": "USDC"}}, "body.pair.collateral: "),
    ],
)
def test_errors_say_where_and_what(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(Problem) as caught:
        read_value(LiquidationQuestion, {**examples.RISK_QUESTION, **change})
    assert caught.value.name == "document-invalid"
    assert caught.value.detail.startswith(expected)


@pytest.mark.parametrize(
    "portfolio",
    [
        {"collateral": {"BTC": "123456789.5x"}},
        {"collateral": {"BTC": "-123456789.5"}},
        {"collateral": ["123456789.5"]},
        {"collateral": "123456789.5"},
        {"debt": {"BTC": ["123456789.5"]}},
        {"account": "123456789.5 x"},
        {"format": "123456789.5"},
    ],
)
def test_errors_about_a_portfolio_quote_nothing(portfolio: dict[str, Any]) -> None:
    value = {**examples.RISK_QUESTION["portfolio"], **portfolio}
    with pytest.raises(Problem) as caught:
        read_value(RiskQuestion, {**examples.RISK_QUESTION, "portfolio": value})
    if "format" not in portfolio:
        assert "123456789" not in caught.value.detail
    assert caught.value.detail.startswith("body.portfolio")


def test_questions_do_not_print_themselves() -> None:
    question = read_value(RiskQuestion, examples.RISK_QUESTION)
    assert "1.5" not in repr(question)
    assert "40000" not in f"{question!r} {question}"


def test_items_are_read_one_by_one() -> None:
    found = parse_items(b'{"items": [{"a": "b"}, 1, [], "x]}", {"c": {"d": "]}"}}]}', 5)
    assert [found[0], found[2], found[3], found[4]] == [{"a": "b"}, [], "x]}", {"c": {"d": "]}"}}]
    assert isinstance(found[1], Problem)
    assert found[1].name == "json-malformed"
    assert parse_items(b' {"items" :[ ] } ', 5) == []
    with pytest.raises(Problem) as caught:
        parse_items(b'{"items": ["", "", ""]}', 2)
    assert caught.value.name == "document-invalid"


def test_items_that_nest_too_deeply_are_refused_without_a_crash() -> None:
    with pytest.raises(Problem) as caught:
        parse_items(b'{"items": [' + b"[" * 200_000, 5)
    assert caught.value.name == "json-too-deep"


def test_deep_items_do_not_crash_where_the_recursion_limit_was_raised() -> None:
    """Guards: py_ecc raises it to 100,000, and then the parser of `json` runs out of stack."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 100_000))
    try:
        with pytest.raises(Problem) as caught:
            parse_items(b'{"items": [' + b"[" * 200_000, 5)
    finally:
        sys.setrecursionlimit(before)
    assert caught.value.name == "json-too-deep"

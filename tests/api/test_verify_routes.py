"""Checking without keeping: one, many, malformed ones among them, and within bounds."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from tests.api.running import Market, Running, running, settings
from zkcollateral.api.routes import verify
from zkcollateral.api.store.tables import AttestationRow, Event, LogEntry
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.verifier.attestation import verify_attestations
from zkcollateral.verifier.report import CHECK_NAMES

PROBLEM = "urn:zkcollateral:problem:"


@dataclass
class Asked:
    """A service, somebody without a key, and documents that it accepts."""

    service: Running
    market: Market
    client: httpx.Client
    attestation: Attestation
    bundle: dict[str, Any]

    @property
    def value(self) -> dict[str, Any]:
        return self.attestation.to_json_value()

    def verify(self, **item: Any) -> httpx.Response:
        return self.client.post("/v1/verify", json=item)

    def batch(self, *items: Any) -> list[dict[str, Any]]:
        answer = self.client.post("/v1/verify/batch", json={"items": items})
        reports: list[dict[str, Any]] = answer.raise_for_status().json()["reports"]
        assert len(reports) == len(items)
        return reports


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with running(settings(tmp_path_factory.mktemp("verify"))) as service:
        market = Market.at_service(service)
        attestation = market.attestation()
        with service.client("prover", tenant="holder") as prover:
            answer = prover.post("/v1/attestations", json=attestation.to_json_value())
            bundle = prover.get(f"{answer.raise_for_status().headers['location']}/bundle").json()
        with service.client() as client:
            yield Asked(service, market, client, attestation, bundle)


def failed(report: dict[str, Any]) -> set[str]:
    return {check["name"] for check in report["checks"] if not check["passed"]}


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].removeprefix(PROBLEM)


def tampered(value: dict[str, Any]) -> dict[str, Any]:
    """The same with another proof of the same length, whose points still decode."""
    return {**value, "proof": value["proof"][-64:] + value["proof"][64:-64] + value["proof"][:64]}


def test_an_attestation_and_its_bundle_are_valid(asked: Asked) -> None:
    alone = asked.verify(attestation=asked.value).raise_for_status().json()
    assert alone["valid"] is True
    assert [check["name"] for check in alone["checks"]] == list(CHECK_NAMES)
    assert alone.keys() == {"valid", "checks"}
    report = asked.verify(bundle=asked.bundle).raise_for_status().json()
    assert report["valid"] is True
    assert report["log"]["passed"] is True


@pytest.mark.parametrize(
    ("expectation", "check"),
    [
        ({"at": "2020-01-01T00:00:00Z"}, "price_age"),
        ({"at": "2099-01-01T00:00:00Z"}, "expiry"),
        ({"audience": "somebody"}, "audience"),
        ({"nonce": "abc"}, "nonce"),
        ({"claim": "crash"}, "claim"),
    ],
)
def test_what_is_expected_is_the_callers(
    asked: Asked, expectation: dict[str, str], check: str
) -> None:
    report = asked.verify(attestation=asked.value, **expectation).raise_for_status().json()
    assert report["valid"] is False
    assert check in failed(report)


def test_the_trust_is_this_services(asked: Asked) -> None:
    stranger = Market()
    stranger.policy_value["ratio"] = "1.2"
    report = asked.verify(attestation=stranger.attestation().to_json_value()).json()
    assert {"policy", "oracle_quorum", "custodian_signature"} <= failed(report)


def test_a_bundle_of_another_log_is_not_logged(asked: Asked) -> None:
    log = {**asked.bundle["log"], "index": "0"}
    report = asked.verify(bundle={**asked.bundle, "log": log}).json()
    assert (report["valid"], report["log"]["passed"], failed(report)) == (False, False, set())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"attestation": "x"},
        {"bundle": {}},
        {"attestation": None, "bundle": None},
        {"unknown": "x"},
        {"items": []},
    ],
)
def test_what_cannot_be_read_is_refused(asked: Asked, body: dict[str, Any]) -> None:
    assert problem(asked.client.post("/v1/verify", json=body)) == (422, "document-invalid")


def test_both_at_once_are_refused_and_other_spellings_too(asked: Asked) -> None:
    both = asked.verify(attestation=asked.value, bundle=asked.bundle)
    assert problem(both) == (422, "document-invalid")
    # A constant that may be left out in Python has to be there in a document.
    value = asked.value
    del value["claim"]["format"]
    assert problem(asked.verify(attestation=value)) == (422, "document-invalid")


def test_one_bad_item_hurts_no_other(asked: Asked) -> None:
    strange: dict[str, Any] = {**asked.value, "registry": {}}
    items: list[Any] = [
        {"attestation": asked.value},
        {"attestation": tampered(asked.value)},
        {},
        {"attestation": strange},
        "text",
        None,
        {"attestation": asked.value, "at": "yesterday"},
        {"bundle": asked.bundle},
        {"attestation": asked.value, "nonce": "n"},
    ]
    reports = asked.batch(*items)
    assert [report["valid"] for report in reports] == [index in {0, 7} for index in range(9)]
    for index in (2, 3, 4, 5, 6):
        assert reports[index]["checks"] == []
        assert reports[index]["problem"]["type"] == f"{PROBLEM}document-invalid"
    assert failed(reports[1]) == {"proof"}
    assert failed(reports[8]) == {"nonce"}
    assert reports[7]["log"]["passed"] is True
    for index in (0, 1, 7, 8):
        assert "problem" not in reports[index]
    # Each says what it says alone.
    assert reports[0] == asked.verify(**items[0]).json()


def test_what_is_no_json_of_ours_is_that_items_error(asked: Asked) -> None:
    good = json.dumps({"attestation": asked.value})
    deep = "[" * 40 + "]" * 40
    texts = [good, "1", '{"a":1,"a":2}', '{"at": NaN}', '"\\ud800"', deep, "9" * 5000, good]
    answer = asked.client.post(
        "/v1/verify/batch",
        content=f' {{ "items" : [ {" , ".join(texts)} ] }} ',
        headers={"Content-Type": "application/json"},
    )
    if answer.status_code != 200:
        # What stands before the resources may refuse the depth of the whole.
        assert problem(answer) == (400, "json-too-deep")
        texts.remove(deep)
        answer = asked.client.post(
            "/v1/verify/batch",
            content=f' {{ "items" : [ {" , ".join(texts)} ] }} ',
            headers={"Content-Type": "application/json"},
        )
    reports = answer.raise_for_status().json()["reports"]
    assert [report["valid"] for report in reports] == [text == good for text in texts]
    assert all(report["problem"]["type"].startswith(f"{PROBLEM}json-") for report in reports[1:-1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b'{"items": [}',
        b'{"items": [{}',
        b'{"items": [{}] ',
        b'{"items": [{}]} x',
        b'{"items": [{},]}',
        b'{"items": [,{}]}',
        b'{"items": {}}',
        b'{"items": [], "more": []}',
        b'{"more": [], "items": []}',
        b'{"items": ["\xff"]}',
        b'\xef\xbb\xbf{"items": []}',
    ],
)
def test_a_batch_that_is_none_is_refused(asked: Asked, content: bytes) -> None:
    answer = asked.client.post(
        "/v1/verify/batch", content=content, headers={"Content-Type": "application/json"}
    )
    assert problem(answer) == (400, "json-malformed")


def test_a_batch_has_at_most_a_thousand_items(asked: Asked) -> None:
    assert asked.batch() == []
    assert len(asked.batch(*[{}] * 1000)) == 1000
    answer = asked.client.post("/v1/verify/batch", json={"items": [{}] * 1001})
    assert problem(answer) == (422, "document-invalid")


def test_nothing_is_kept(asked: Asked) -> None:
    def counts() -> list[int | None]:
        with asked.service.service.store.read() as session:
            return [
                session.scalar(select(func.count()).select_from(table))
                for table in (AttestationRow, LogEntry, Event)
            ]

    before = counts()
    asked.verify(attestation=asked.value, at="2099-01-01T00:00:00Z").raise_for_status()
    asked.batch({"attestation": asked.value}, {"attestation": tampered(asked.value)})
    assert counts() == before


def test_time_is_bounded(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "GROUP", 2)
    monkeypatch.setattr(verify, "SHARE_OF_ANSWER", -1.0)
    reports = asked.batch(*[{"attestation": asked.value}] * 5)
    assert [report["valid"] for report in reports] == [True, True, False, False, False]
    late = reports[4]["problem"]
    assert late["type"] == f"{PROBLEM}answer-too-slow"


def test_only_so_many_batches_at_once(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    room = threading.BoundedSemaphore(1)
    monkeypatch.setattr(verify, "_room", room)
    with room:
        answer = asked.client.post("/v1/verify/batch", json={"items": []})
        assert problem(answer) == (429, "busy")
        assert answer.headers["retry-after"] == "1"
        assert asked.verify(attestation=asked.value).status_code == 200
    assert asked.batch() == []


def test_an_item_that_breaks_the_check_is_alone_with_it(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = verify_attestations
    other = asked.market.attestation()

    def breaking(attestations: Any, *rest: Any) -> Any:
        if other in attestations:
            raise RuntimeError("a fault of our own")
        return real(attestations, *rest)

    monkeypatch.setattr(verify, "verify_attestations", breaking)
    good, bad = {"attestation": asked.value}, {"attestation": other.to_json_value()}
    reports = asked.batch(good, bad, good)
    assert [report["valid"] for report in reports] == [True, False, True]
    assert reports[1]["problem"] == {
        "type": f"{PROBLEM}internal",
        "detail": "the item could not be checked",
    }


def test_where_reads_need_a_key_so_does_this(tmp_path_factory: pytest.TempPathFactory) -> None:
    configured = settings(tmp_path_factory.mktemp("closed"), reads="keys")
    with (
        running(configured) as service,
        service.client() as nobody,
        service.client("auditor") as auditor,
    ):
        bodies: list[tuple[str, dict[str, Any]]] = [("", {}), ("/batch", {"items": []})]
        for path, body in bodies:
            answer = nobody.post(f"/v1/verify{path}", json=body)
            assert problem(answer) == (401, "key-missing")
        assert auditor.post("/v1/verify/batch", json={"items": []}).status_code == 200

"""The OpenAPI document is complete, and its examples are real."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.running import running, settings
from tests.world import srs
from zkcollateral.api import examples
from zkcollateral.api.app import create_app
from zkcollateral.api.bodies import BODIES, read_value
from zkcollateral.api.openapi import TAGS
from zkcollateral.api.operations import KNOWN_BEFORE, OWN, TAGGED
from zkcollateral.api.problems import KINDS, MEDIA_TYPE, PREFIX
from zkcollateral.circuits.evidence import SignedDocument
from zkcollateral.risk.clock import parse_time
from zkcollateral.verifier.bundle import Bundle, verify_bundle
from zkcollateral.verifier.examination import Expectation
from zkcollateral.verifier.trust import Trust

METHODS = {"get", "post", "put", "patch", "delete"}
OPEN = {"/healthz", "/readyz", "/metrics"}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    app = create_app(settings(tmp_path_factory.mktemp("openapi")))
    app.state.service.store.engine.dispose()
    return app.openapi()


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert len(found) > 50
    for reference in found:
        here: Any = document
        for step in reference.removeprefix("#/").split("/"):
            here = here[step]


def test_every_operation_says_what_it_does(operations: dict[str, dict[str, Any]]) -> None:
    assert len(operations) > 50
    summaries = [operation["summary"] for operation in operations.values()]
    assert len(set(summaries)) == len(summaries)
    for name, operation in operations.items():
        assert operation["description"], name
        assert len(operation["tags"]) == 1, name
        assert operation["tags"][0] in TAGS, name
        assert operation["operationId"], name


def test_every_operation_says_who_may(operations: dict[str, dict[str, Any]]) -> None:
    for name, operation in operations.items():
        path = name.partition(" ")[2]
        if path in OPEN:
            assert "security" not in operation, name
            continue
        assert operation["security"][0] == {"bearer": []}, name
        statuses = operation["responses"].keys()
        assert "401" in statuses, name
        assert ("403" in statuses) or ("scope" not in operation["description"]), name
    assert "scope `admin`" in operations["POST /v1/policies"]["description"]
    assert operations["POST /v1/policies"]["security"] == [{"bearer": []}]
    assert operations["GET /v1/policies"]["security"] == [{"bearer": []}, {}]


def test_every_success_has_a_schema(operations: dict[str, dict[str, Any]]) -> None:
    for name, operation in operations.items():
        succeeding = {s: r for s, r in operation["responses"].items() if s.startswith("2")}
        assert succeeding, name
        for status, response in succeeding.items():
            if status == "204":
                assert "content" not in response
                continue
            for media_type, content in response["content"].items():
                assert content.get("schema"), (name, status, media_type)


def test_every_answer_that_is_no_success_is_a_problem(
    operations: dict[str, dict[str, Any]],
) -> None:
    for name, operation in operations.items():
        seen = set()
        for status, response in operation["responses"].items():
            if status[0] in "23":
                continue
            types = response["content"][MEDIA_TYPE]["schema"]["allOf"][1]["properties"]["type"]
            for type_ in types["enum"]:
                kind = KINDS[type_.removeprefix(PREFIX)]
                assert str(kind.status) == status, (name, type_)
                seen.add(type_)
        assert PREFIX + "internal" in seen
        assert "default" not in operation["responses"]


def test_every_problem_is_the_problem_of_something(
    operations: dict[str, dict[str, Any]],
) -> None:
    text = json.dumps(operations)
    missing = {name for name in KINDS if f'"{PREFIX}{name}"' not in text}
    # What no operation answers: there is none of that method.
    assert missing == {"method-not-allowed"}


def test_what_is_said_of_operations_is_of_ones_that_exist(
    operations: dict[str, dict[str, Any]],
) -> None:
    assert {*OWN, *KNOWN_BEFORE, *TAGGED} <= operations.keys()


def test_every_body_has_an_example_that_is_one(operations: dict[str, dict[str, Any]]) -> None:
    seen = 0
    for name, operation in operations.items():
        if "requestBody" not in operation:
            continue
        content = operation["requestBody"]["content"]["application/json"]
        model = BODIES[content["schema"]["$ref"].rpartition("/")[2]]
        assert content["examples"], name
        for example in content["examples"].values():
            read_value(model, example["value"])
            seen += 1
    assert seen > 15


def test_the_example_is_a_valid_bundle() -> None:
    attestation = examples.ATTESTATION
    trust = Trust.from_json_value(
        {
            "format": "zkcollateral/trust/1",
            "audience": None,
            "policies": [attestation["claim"]["policy"]],
            "keys": examples.KEYS,
        },
        "trust",
    )
    bundle = Bundle.from_json_value(examples.BUNDLE, "bundle")
    at = parse_time(attestation["claim"]["issued"])
    report = verify_bundle(bundle, trust, srs(), Expectation(at))
    assert report.valid, report.to_json_value()
    SignedDocument.model_validate(examples.REPORT).envelope("report")
    SignedDocument.model_validate(examples.VOUCH).envelope("vouch")


def test_schemas_show_what_documents_are(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    policy = schemas["Policy"]
    assert policy["additionalProperties"] is False
    assert policy["properties"]["categories"]["default"] == {}
    assert policy["properties"]["name"]["pattern"].startswith("^[A-Za-z0-9]")
    assert not {"HTTPValidationError", "ValidationError"} & schemas.keys()


def test_no_number_is_asked_for_or_answered(document: dict[str, Any]) -> None:
    def numbers(value: Any, path: str) -> Iterator[str]:
        if isinstance(value, dict):
            if value.get("type") in ("integer", "number"):
                yield path
            for key, item in value.items():
                yield from numbers(item, f"{path}.{key}")
        elif isinstance(value, list):
            for item in value:
                yield from numbers(item, path)

    schemas = document["components"]["schemas"]
    assert set(numbers(schemas, "")) == {".Problem.properties.status"}


def test_it_is_served_with_its_pages(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service, service.client() as client:
        assert client.get("/openapi.json").json()["openapi"].startswith("3.1")
        page = client.get("/docs")
        assert page.headers["content-type"].startswith("text/html")
        assert "/openapi.json" in page.text

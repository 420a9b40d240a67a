"""Every operation of the OpenAPI document, asked what nobody would think of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import CHECKS

from tests.api.running import Market, Running, running, settings
from zkcollateral.api import examples
from zkcollateral.api.access import SCOPES, Scope
from zkcollateral.api.settings import Settings
from zkcollateral.api.webhooks import Postman
from zkcollateral.circuits.claim import document_digest
from zkcollateral.crypto.envelope import Envelope
from zkcollateral.risk.clock import format_time, now

# An endless stream, which no client that waits for an ending can read.
ENDLESS = {"GET /v1/events"}
# A document that fits its schema may still be unsigned, unknown here or against its own rules.
EXCLUDED = {"positive_data_acceptance"}
# An item that cannot be read has its problem in its place, and the batch is answered.
LENIENT = {"POST /v1/verify/batch": {"negative_data_rejection"}}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with something of everything in it, and with the risk engine."""
    folder = tmp_path_factory.mktemp("fuzzed")
    with pytest.MonkeyPatch.context() as patch:
        # Whatever address is made up here, nothing is sent to it.
        patch.setattr(Postman, "start", lambda _: None)
        patch.setattr(Postman, "stop", lambda _: None)
        yield from _filled(settings(folder, risk=True))


def _filled(configured: Settings) -> Iterator[Running]:
    with running(configured) as started:
        market = Market.at_service(started)
        holding = market.vouched(as_of=now())
        assert isinstance(holding.commitment, Envelope)
        policy = document_digest(market.policy)
        posts: list[tuple[str, Scope, str | None, dict[str, Any]]] = [
            ("commitments", "custodian", "bank", holding.commitment.to_json_value()),
            *(
                ("price-rounds/reports", "oracle", name, market.report(name, now()).to_json_value())
                for name in market.oracles
            ),
            ("webhooks", "auditor", None, examples.WEBHOOK),
            ("attestations", "prover", None, market.attestation(holding).to_json_value()),
            (
                "audits",
                "auditor",
                None,
                {
                    "prover": "ops",
                    "policy": policy,
                    "claim": "maintenance",
                    "deadline": format_time(now() + timedelta(hours=1)),
                },
            ),
        ]
        for path, scope, name, value in posts:
            with started.client(scope, name=name) as client:
                client.post(f"/v1/{path}", json=value).raise_for_status()
        yield started


@pytest.fixture(scope="module")
def operations(service: Running) -> dict[str, Any]:
    """What schemathesis makes of the document, by method and path."""
    schema = schemathesis.openapi.from_dict(service.app.openapi())
    schema.config.update(base_url=service.url)
    # Parameters that nobody declared are passed over, as is usual; the key is the test's to send.
    schema.config.generation.update(with_security_parameters=False, allow_extra_parameters=False)
    results: list[Any] = list(schema.get_all_operations())
    found = [result.ok() for result in results]
    return {f"{each.method.upper()} {each.path}": each for each in found}


@pytest.fixture(scope="module")
def headers(service: Running) -> dict[str, str]:
    """A key that may do everything."""
    return {"Authorization": f"Bearer {service.key(*SCOPES, tenant='ops', name='bank')}"}


def checks_of(name: str) -> list[Any]:
    """The checks of schemathesis that an operation has to pass."""
    excluded = EXCLUDED | LENIENT.get(name, set())
    return [check for check in CHECKS.get_all() if check.__name__ not in excluded]


def fuzz(
    operations: dict[str, Any], headers: dict[str, str], examples: int, *, positive: bool
) -> None:
    """Ask every operation so many things; a failure names the operation and how to repeat it."""
    modes = schemathesis.GenerationMode
    failures = []
    for name in sorted(operations.keys() - ENDLESS):
        strategy = operations[name].as_strategy(
            generation_mode=modes.POSITIVE if positive else modes.NEGATIVE
        )
        try:
            ask(name, strategy, headers, examples)
        except hypothesis.errors.Unsatisfiable:
            # Without parameters and body there is nothing to get wrong.
            assert not operations[name].definition.raw.get("parameters")
            assert not operations[name].body
        except Exception as error:  # noqa: BLE001  # the other operations are asked too
            failures.append(f"{name}: {error}")
    assert not failures, f"{len(failures)}:\n" + "\n".join(failures)


def ask(name: str, strategy: Any, headers: dict[str, str], examples: int) -> None:
    """Ask one operation so many things."""

    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=strategy)
    def every(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(headers=headers, checks=checks_of(name))

    every()


@pytest.mark.parametrize("positive", [True, False])
def test_every_operation_answers_as_documented(
    operations: dict[str, Any], headers: dict[str, str], positive: bool
) -> None:
    fuzz(operations, headers, 3, positive=positive)


@pytest.mark.slow
@pytest.mark.parametrize("positive", [True, False])
def test_every_operation_answers_as_documented_many_times(
    operations: dict[str, Any], headers: dict[str, str], positive: bool
) -> None:
    fuzz(operations, headers, 40, positive=positive)


# Where an operation gets what its path asks for: from the first item of a list.
LISTS = {"/v1/accounts/{account}/coverage": "/v1/commitments"}
QUERIES = {
    "GET /v1/log/proofs/inclusion": {"index": 0, "size": 1},
    "GET /v1/log/proofs/consistency": {"old": 1, "new": 2},
}
NAMES = {"size": "2", "level": "0", "name": "000.p/2", "index": "0"}


def known(client: httpx.Client, path: str, policy: str) -> dict[str, str]:
    """Values for the parameters of a path, of something that is there."""
    names = re.findall(r"\{(\w+)\}", path)
    if not set(names) - set(NAMES):
        return {name: NAMES[name] for name in names}
    listed = LISTS.get(path, path.partition("/{")[0])
    answer = client.get(listed, params={"policy": policy}).raise_for_status().json()
    return {name: answer["items"][-1][name] for name in names}


def test_what_is_there_is_answered_as_documented(
    service: Running, operations: dict[str, Any], headers: dict[str, str]
) -> None:
    asked = []
    with service.client() as reader, httpx.Client(base_url=service.url, headers=headers) as client:
        policy = reader.get("/v1/policies").json()["items"][0]["digest"]
        for name, operation in operations.items():
            if operation.method.upper() != "GET" or name in ENDLESS:
                continue
            query: dict[str, Any] = dict(QUERIES.get(name, {}))
            if "price-rounds" in name:
                query["policy"] = policy
            case = operation.Case(
                path_parameters=known(client, operation.path, policy), query=query
            )
            response = case.call_and_validate(headers=headers, checks=checks_of(name))
            assert response.status_code == 200, (name, response.text)
            asked.append(name)
    assert len(asked) > 25


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/registries", examples.REGISTRY),
        ("/v1/policies", examples.POLICY),
        ("/v1/verify", examples.TO_VERIFY),
        ("/v1/verify/batch", {"items": [examples.TO_VERIFY, {}]}),
        ("/v1/risk/evaluate", examples.RISK_QUESTION),
        ("/v1/risk/stress", examples.STRESS_QUESTION),
        ("/v1/risk/liquidation", examples.LIQUIDATION_QUESTION),
        ("/v1/risk/breach", examples.BREACH_QUESTION),
    ],
)
def test_examples_are_answered_as_documented(
    operations: dict[str, Any], headers: dict[str, str], path: str, body: dict[str, Any]
) -> None:
    case = operations[f"POST {path}"].Case(body=body, media_type="application/json")
    response = case.call_and_validate(headers=headers)
    assert response.status_code in {200, 201}

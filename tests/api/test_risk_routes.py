"""The plaintext engine over HTTP: what the engine says, in full, and to nobody else."""

from __future__ import annotations

import copy
import json
import logging
import re
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.running import Market, Running, running, settings
from zkcollateral.api import examples, risk_inputs
from zkcollateral.api.routes import risk
from zkcollateral.circuits.claim import document_digest
from zkcollateral.risk.boundary import common_shock, safe_prices
from zkcollateral.risk.claims import Stress
from zkcollateral.risk.clock import now
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.liquidation.report import liquidation_report
from zkcollateral.risk.liquidation.report_json import liquidation_json
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.portfolio import Portfolio
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry
from zkcollateral.risk.report import health_report
from zkcollateral.risk.report_json import report_json
from zkcollateral.risk.threshold import liquidation_threshold, maintenance_threshold
from zkcollateral.risk.valuation import account_of
from zkcollateral.risk.values import Exact

PROBLEM = "urn:zkcollateral:problem:"
PATHS = ("evaluate", "stress", "liquidation", "breach")
BODY = examples.RISK_QUESTION
SECRET = "31337.12345678"
"""An amount that nothing but a portfolio has."""

DOCUMENTS = (
    Portfolio.from_json_value(BODY["portfolio"], "portfolio"),
    Policy.from_json_value(BODY["policy"], "policy"),
    Registry.from_json_value(BODY["registry"], "registry"),
    PriceRound.from_json_value(BODY["prices"], "prices"),
)


@dataclass
class Asked:
    """A service with the engine, and somebody without a key."""

    service: Running
    client: httpx.Client

    def ask(self, path: str, **changes: Any) -> httpx.Response:
        value = {key: item for key, item in {**BODY, **changes}.items() if item is not ...}
        return self.client.post(f"/v1/risk/{path}", json=value)

    def answer(self, path: str, **changes: Any) -> dict[str, Any]:
        answer = self.ask(path, **changes)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        found: dict[str, Any] = answer.json()
        return found

    def refused(self, path: str, **changes: Any) -> tuple[int, str, str]:
        answer = self.ask(path, **changes)
        assert answer.headers["content-type"] == "application/problem+json"
        value = answer.json()
        assert SECRET not in answer.text
        return answer.status_code, value["type"].removeprefix(PROBLEM), value["detail"]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with (
        running(settings(tmp_path_factory.mktemp("risk"), risk=True)) as service,
        service.client() as client,
    ):
        yield Asked(service, client)


def spelled(value: Any) -> Any:
    """A CLI's JSON as the service spells it: integers as strings, and without what is null."""
    if isinstance(value, dict):
        return {key: spelled(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [spelled(item) for item in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_evaluate_says_what_the_engine_says(asked: Asked) -> None:
    assert asked.answer("evaluate") == spelled(report_json(health_report(*DOCUMENTS)))


def test_stress_says_what_the_engine_says(asked: Asked) -> None:
    amounts = DOCUMENTS[0].amounts(DOCUMENTS[2])
    claim = DOCUMENTS[1].claims["crash"]
    expected = evaluate(claim, *DOCUMENTS[1:], amounts)
    found = asked.answer("stress", claim="crash")
    assert found["holds"] is expected.holds
    assert [(each["name"], Fraction(each["margin"])) for each in found["conditions"]] == [
        (margin.name, margin.value) for margin in expected.margins
    ]
    assert isinstance(claim, Stress)
    given = asked.answer(
        "stress", scenarios=[scenario._serialise() for scenario in claim.scenarios]
    )
    assert given["conditions"] == found["conditions"]


def test_liquidation_says_what_the_engine_says(asked: Asked) -> None:
    shocks = {"BTC": Exact("-0.7"), "ETH": Exact("-0.7")}
    expected = liquidation_report(*DOCUMENTS, shocks=shocks)
    assert expected.steps
    found = asked.answer("liquidation", shocks={"BTC": "-0.7", "ETH": "-0.7"})
    assert found == spelled(liquidation_json(expected))
    pair = {"debt": "USDC", "collateral": "ETH", "repay": "100"}
    one = asked.answer("liquidation", shocks={"BTC": "-0.7", "ETH": "-0.7"}, pair=pair)
    assert [step["collateral"] for step in one["steps"]] == ["ETH"]
    assert one["outcome"] in {"step limit", "healthy"}
    few = asked.answer("liquidation", shocks={"BTC": "-0.7", "ETH": "-0.7"}, max_steps="1")
    assert len(few["steps"]) == 1


def test_liquidation_with_auctions_spells_seconds_as_strings(asked: Asked) -> None:
    auction = {"type": "linear", "start": "1.2", "duration_seconds": "21600"}
    terms = {**BODY["policy"]["liquidation"], "auction": auction}
    policy = {**BODY["policy"], "liquidation": terms}
    found = asked.answer("liquidation", policy=policy, shocks={"BTC": "-0.7", "ETH": "-0.7"})
    first = found["auctions"][0]
    assert re.fullmatch("[0-9]+", first["seconds_to_market"])
    assert first["course"][0]["seconds"] == "0"


def test_breach_says_how_far_each_test_is(asked: Asked) -> None:
    account = account_of(*DOCUMENTS, None)
    found = asked.answer("breach", scenarios=[{"name": "half", "shocks": {"BTC": "-0.5"}}])
    liquidation = liquidation_threshold(account)
    assert liquidation is not None
    for view, test in zip(
        found["tests"], (maintenance_threshold(account), liquidation), strict=True
    ):
        assert view["test"] == test.name
        assert Fraction(view["margin"]) == test.margin({})
        assert view["passed"] is (test.margin({}) >= 0)
        lower = common_shock(test).lower
        assert lower is not None
        assert Fraction(view["common_shock"]["lower"]["multiple"]) == lower.price
        (scenario,) = view["scenarios"]
        assert Fraction(scenario["margin"]) == test.margin({"BTC": Fraction(-1, 2)})
        for asset in view["assets"]:
            bounds = safe_prices(test, asset["symbol"])
            for end in ("lower", "upper"):
                bound = getattr(bounds, end)
                shown = asset["passes"][end]
                assert (shown == "none") is (bound is None)
                assert bound is None or Fraction(shown["price"]) == bound.price


@pytest.fixture(scope="module")
def market(asked: Asked) -> Market:
    """A market whose registry, policy and price round the service has."""
    made = Market.at_service(asked.service)
    for name in made.oracles:
        with asked.service.client("oracle", name=name) as oracle:
            report = made.report(name, now()).to_json_value()
            oracle.post("/v1/price-rounds/reports", json=report).raise_for_status()
    return made


def test_documents_can_be_named_by_digest(asked: Asked, market: Market) -> None:
    policy = document_digest(market.policy)
    latest = asked.client.get("/v1/price-rounds/latest", params={"policy": policy})
    round_ = latest.raise_for_status().json()
    listed = asked.client.get("/v1/price-rounds", params={"policy": policy}).json()["items"]
    portfolio = {**BODY["portfolio"], "collateral": {"BTC": "1.5", "ETH": "2"}}
    by_name = {"portfolio": portfolio, "policy": policy}
    full = {
        "portfolio": portfolio,
        "policy": market.policy.to_json_value(),
        "registry": market.registry.to_json_value(),
    }
    expected = asked.answer("evaluate", **full, prices=round_["round"])
    registry = document_digest(market.registry)
    for prices in ("latest", listed[0]["digest"], round_, round_["round"]):
        assert asked.answer("evaluate", **by_name, registry=..., prices=prices) == expected
        assert asked.answer("evaluate", **by_name, registry=registry, prices=prices) == expected


@pytest.mark.parametrize(
    ("path", "changes", "detail"),
    [
        ("evaluate", {"policy": "0" * 64}, "policy: "),
        ("evaluate", {"registry": "0" * 64}, "registry: "),
        ("evaluate", {"prices": "latest"}, "prices: "),
        ("evaluate", {"prices": "0" * 64}, "prices: "),
        ("evaluate", {"claim": "none"}, "claims: "),
        ("evaluate", {"registry": {**BODY["registry"], "name": "other"}}, "policy: registry"),
        ("evaluate", {"prices": {**BODY["prices"], "quote": "EUR"}}, "the policy counts in USD"),
        ("stress", {"scenarios": [{"name": "a", "shocks": {"XYZ": "0"}}]}, "scenario a: "),
        ("breach", {"scenarios": [{"name": "a", "shocks": {"XYZ": "0"}}]}, "scenario a: "),
        ("liquidation", {"shocks": {"XYZ": "-0.5"}}, "shocks: "),
        ("liquidation", {"pair": {"debt": "BTC", "collateral": "BTC"}}, "account: debt"),
    ],
)
def test_what_the_engine_refuses(
    asked: Asked, path: str, changes: dict[str, Any], detail: str
) -> None:
    status, kind, said = asked.refused(path, **changes)
    assert (status, kind) == (422, "risk-unusable")
    assert said.startswith(detail), said


def large(positions: int) -> dict[str, Any]:
    """A question about so many positions."""
    names = [f"A{number}" for number in range(positions)]
    registry = {
        **BODY["registry"],
        "slots": "256",
        "assets": [
            {"slot": str(slot), "symbol": name, "unit": "-8", "side": "collateral"}
            for slot, name in enumerate(names)
        ],
    }
    policy = {
        **BODY["policy"],
        "registry": document_digest(Registry.from_json_value(registry, "registry")),
        "factors": {"collateral": dict.fromkeys(names, "0.5"), "debt": {}, "signed": {}},
        "claims": {"maintenance": {"type": "maintenance"}},
    }
    return {
        "portfolio": {
            **BODY["portfolio"],
            "collateral": dict.fromkeys(names, "1"),
            "debt": {},
        },
        "registry": registry,
        "policy": policy,
        "prices": {**BODY["prices"], "prices": dict.fromkeys(names, "2")},
    }


@pytest.mark.parametrize("path", ["evaluate", "liquidation", "breach"])
def test_work_is_bounded(asked: Asked, path: str) -> None:
    assert risk_inputs.MAX_WORK == 20_000
    asked.answer(path, **large(20))
    status, kind, detail = asked.refused(path, **large(142))
    assert (status, kind) == (422, "risk-unusable")
    assert "142 positions" in detail
    if path == "breach":
        scenarios = [{"name": f"s{number}", "shocks": {"A0": "-0.5"}} for number in range(64)]
        status, kind, _ = asked.refused(path, **large(120), scenarios=scenarios)
        assert (status, kind) == (422, "risk-unusable")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "portfolio",
    [
        {"collateral": {"XYZ": SECRET}},
        {"collateral": {"BTC": SECRET + "9"}},
        {"debt": {"USDC": SECRET}},
        {"debt": {"BTC": SECRET}},
        {"collateral": {"BTC": "9" * 30}},
        {"collateral": {"BTC": f"-{SECRET}"}},
        {"collateral": {"BTC": SECRET + "x"}},
        {"collateral": {"BTC": [SECRET]}},
        {"collateral": [SECRET]},
        {"collateral": {}, "debt": {}},
    ],
)
def test_no_amount_is_quoted(
    asked: Asked, path: str, portfolio: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    changes: dict[str, Any] = {"portfolio": {**BODY["portfolio"], **portfolio}}
    if path == "stress":
        changes["claim"] = "crash"
    _, kind, detail = asked.refused(path, **changes)
    assert kind in {"risk-unusable", "document-invalid"}
    assert "9" * 30 not in detail
    out, err = capfd.readouterr()
    assert SECRET not in out + err


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_stored_or_logged(
    asked: Asked,
    path: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    portfolio = {**BODY["portfolio"], "account": "acct-unseen", "collateral": {"BTC": SECRET}}
    asked.answer(path, portfolio=portfolio, **({"claim": "crash"} if path == "stress" else {}))
    out, err = capfd.readouterr()
    for seen in (out, err, caplog.text):
        assert SECRET not in seen
        assert "acct-unseen" not in seen
    folder = Path(asked.service.service.settings.database.database or "").parent
    for file in folder.iterdir():
        data = file.read_bytes()
        assert SECRET.encode() not in data
        assert b"acct-unseen" not in data


@pytest.mark.parametrize("path", PATHS)
def test_a_fault_of_our_own_tells_nothing(
    asked: Asked,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def failing(*given: Any, **_: Any) -> Any:
        raise ValueError(f"cannot handle {SECRET}")

    for name in ("health_report", "evaluate", "liquidation_report", "breach_view"):
        monkeypatch.setattr(risk, name, failing)
    changes = {"claim": "crash"} if path == "stress" else {}
    status, kind, _ = asked.refused(path, **changes)
    assert (status, kind) == (500, "internal")
    out, err = capfd.readouterr()
    assert SECRET not in out + err


def test_it_is_off_unless_enabled(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service, service.client("admin") as client:
        for path in PATHS:
            # Not even the body is looked at.
            answer = client.post(f"/v1/risk/{path}", content=b"nothing")
            assert answer.status_code == 404
            assert answer.json()["type"] == f"{PROBLEM}risk-disabled"


def test_where_reads_need_a_key_so_does_this(tmp_path: Path) -> None:
    with (
        running(settings(tmp_path, risk=True, reads="keys")) as service,
        service.client() as nobody,
        service.client("auditor") as auditor,
    ):
        assert nobody.post("/v1/risk/evaluate", json=BODY).status_code == 401
        assert auditor.post("/v1/risk/evaluate", json=BODY).status_code == 200


def test_only_so_many_questions_at_once(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    room = threading.BoundedSemaphore(1)
    monkeypatch.setattr(risk, "_room", room)
    monkeypatch.setattr(risk, "WAIT_SECONDS", 0.01)
    with room:
        status, kind, _ = asked.refused("evaluate")
        assert (status, kind) == (429, "busy")
    asked.answer("evaluate")


def test_there_is_no_number_in_an_answer(asked: Asked) -> None:
    def refuse(token: str) -> None:
        raise AssertionError(token)

    for path in PATHS:
        answer = asked.ask(path, **({"claim": "crash"} if path == "stress" else {}))
        json.loads(answer.text, parse_int=refuse, parse_float=refuse, parse_constant=refuse)


def test_a_question_is_not_changed_by_being_asked() -> None:
    before = copy.deepcopy(BODY)
    question = risk_inputs.RiskQuestion.model_validate(BODY)
    assert before == BODY
    assert question._serialise() == BODY


def test_engine_errors_pass_through_once() -> None:
    with (
        pytest.raises(RuntimeError, match=r"risk engine: test_engine_errors") as caught,
        risk_inputs.engine(),
    ):
        raise KeyError(SECRET)
    assert SECRET not in "".join(traceback.format_exception(caught.value))

"""Price histories over HTTP: reports with them make rounds, and rounds make adaptive proofs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.api.asking import problem_of
from tests.api.running import Market, Running, running, settings
from tests.api.test_rounds import made, post, refusal
from tests.world import PRICES
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.evidence import SignedRound, report_envelope
from zkcollateral.crypto.envelope import PRICE_REPORT_TYPE, Envelope, sign
from zkcollateral.risk.clock import format_time, now
from zkcollateral.risk.prices import PriceReport

LENGTH = 1024
ADAPTIVE: dict[str, Any] = {
    "symbols": ["BTC", "ETH"],
    "step_seconds": "60",
    "prices": str(LENGTH),
    "decay": "0.94",
    "horizon": "1440",
    "base": "1",
    "multiple": "2",
    "cap": "2",
    "max_rise": "0.02",
    "max_fall": "0.01",
    "decimals": "4",
}
WAVE = ["64000.25", "64100.75", "63900.5", "64050.125"] * (LENGTH // 4)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    with running(settings(tmp_path)) as started:
        yield started


@pytest.fixture
def market(service: Running) -> Market:
    return Market.at_service(service, adaptive=ADAPTIVE)


def report(market: Market, oracle: str, at: datetime, last: datetime, **changes: Any) -> Envelope:
    history = {"last": format_time(last), "step_seconds": "60", "prices": WAVE}
    value = {
        "format": "zkcollateral/price-report/1",
        "oracle": oracle,
        "time": format_time(at),
        "quote": "USD",
        "prices": PRICES,
        "histories": {"BTC": history, "ETH": history},
        **changes,
    }
    return report_envelope(PriceReport.from_json_value(value, "r"), market.oracles[oracle])


def test_reports_with_histories_make_a_round_that_proves(service: Running, market: Market) -> None:
    at = now()
    last = at - timedelta(seconds=30)
    assert refusal(post(service, report(market, "north", at, last))) == (
        "expected reports of 2 oracles, got 1"
    )
    digest = made(post(service, report(market, "south", at, last), "south"))
    with service.client() as reader:
        answer = reader.get(
            "/v1/price-rounds/latest", params={"policy": document_digest(market.policy)}
        )
    signed = SignedRound.from_json_value(answer.json(), "round")
    assert document_digest(signed.round) == digest
    assert len(signed.round.histories["BTC"].prices) == LENGTH
    attestation = market.attestation(prices=signed, at=at)
    with service.client("prover", tenant="holder") as prover:
        answer = prover.post("/v1/attestations", json=attestation.to_json_value())
        assert answer.status_code == 201, answer.text
        # The round of a calmer past is none that its reports make.
        value = market.attestation(prices=signed, at=at).to_json_value()
        value["prices"]["round"]["histories"]["BTC"]["prices"] = ["64000"] * LENGTH
        answer = prover.post("/v1/attestations", json=value)
        assert answer.status_code == 422
        assert not answer.json()["type"].endswith("proof-invalid")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"missing": True}, "the report has no history of BTC of 1024 prices every 60 s"),
        ({"shorter": True}, "the report has no history of BTC of 1024 prices every 60 s"),
        ({"earlier": 60}, "expected every history to end at"),
        ({"earlier": 900}, "expected a history of BTC that ends at most 660 seconds before its"),
    ],
)
def test_a_report_whose_history_does_not_fit(
    service: Running, market: Market, changes: dict[str, Any], reason: str
) -> None:
    at = now()
    last = at - timedelta(seconds=30)
    post(service, report(market, "north", at, last))
    if "missing" in changes:
        value = {"histories": {"ETH": report_history(last)}}
    elif "shorter" in changes:
        value = {"histories": {"BTC": report_history(last, 1023), "ETH": report_history(last)}}
    else:
        last -= timedelta(seconds=changes["earlier"])
        value = {}
    answer = post(service, report(market, "south", at, last, **value), "south")
    assert refusal(answer).startswith(reason)


def report_history(last: datetime, length: int = LENGTH) -> dict[str, Any]:
    return {"last": format_time(last), "step_seconds": "60", "prices": WAVE[:length]}


def test_a_report_that_lacks_a_history_stands_in_nobodys_way(
    service: Running, market: Market
) -> None:
    """An oracle that does not serve this policy is as if it had said nothing."""
    at = now()
    last = at - timedelta(seconds=30)
    plain = report(
        market,
        "north",
        at - timedelta(seconds=9),
        last,
        histories={"ETH": report_history(last)},
    )
    assert "no history of BTC" in refusal(post(service, plain))
    post(service, report(market, "north", at, last))
    made(post(service, report(market, "south", at, last), "south"))


def test_what_is_no_history(service: Running, market: Market) -> None:
    at = now()
    good = report(market, "north", at, at)
    wrong = good.payload.replace(b'"step_seconds":"60"', b'"step_seconds":"0"')
    envelope = sign(PRICE_REPORT_TYPE, wrong, market.oracles["north"])
    assert problem_of(post(service, envelope)) == "document-invalid"

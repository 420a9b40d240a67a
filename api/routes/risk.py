"""The plaintext risk engine: stateless, off unless enabled.

Portfolios come in here in the open. Nothing of a request or an answer is stored or logged, answers
may not be kept by anybody in between, and errors name assets and fields, never amounts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from ...risk.claims import AccountClaim, Stress
from ...risk.document import Part
from ...risk.health import evaluate
from ...risk.liquidation.report import LiquidationPair, liquidation_report
from ...risk.liquidation.report_json import liquidation_json
from ...risk.report import health_report
from ...risk.report_json import report_json
from ...risk.valuation import account_of
from .. import examples
from ..access import Reader, TheService
from ..bodies import body, takes
from ..caching import NO_STORE
from ..problems import Problem
from ..risk_answers import breach_view, stress_view
from ..risk_inputs import (
    BreachQuestion,
    Given,
    LiquidationQuestion,
    RiskQuestion,
    StressQuestion,
    engine,
    look_up,
    require_priced,
)
from ..risk_views import BreachView, HealthView, LiquidationView, StressView
from ..service import Service


def _enabled(service: TheService) -> None:
    if not service.settings.risk:
        raise Problem("risk-disabled", "set ZKCOLLATERAL_RISK=true to enable it")


router = APIRouter(prefix="/v1/risk", tags=["risk"], dependencies=[Depends(_enabled)])

AT_ONCE: Final = 2
"""Questions that one process answers at once; it has one interpreter to do so."""

WAIT_SECONDS: Final = 1

_room = threading.BoundedSemaphore(AT_ONCE)


@router.post(
    "/evaluate",
    summary="Evaluate an account",
    response_model=HealthView,
    openapi_extra=takes(RiskQuestion, examples.RISK_QUESTION),
)
def evaluate_account(
    caller: Reader,
    question: Annotated[RiskQuestion, Depends(body(RiskQuestion))],
    service: TheService,
) -> Response:
    """An account's health: its ratios, its use of limits, and its distance to each threshold."""
    with _answering(service, question) as given:
        report = health_report(*given.documents)
        return _secret(HealthView.model_validate(report_json(report)))


@router.post(
    "/stress",
    summary="Stress an account",
    response_model=StressView,
    openapi_extra=takes(StressQuestion, examples.STRESS_QUESTION),
)
def stress_account(
    caller: Reader,
    question: Annotated[StressQuestion, Depends(body(StressQuestion))],
    service: TheService,
) -> Response:
    """Whether an account passes maintenance in given scenarios, or the conditions of a claim.

    With `scenarios` these are what is tested, and `claim` only names the category.
    """
    with _answering(service, question) as given:
        account = account_of(*given.documents)
        require_priced(given.policy, question.scenarios)
        if question.scenarios:
            claim: AccountClaim = Stress(category=given.category, scenarios=question.scenarios)
        else:
            claim = given.policy.account_claim(question.claim or "")
        evaluation = evaluate(claim, given.policy, given.registry, given.prices, account.amounts)
        return _secret(stress_view(given, evaluation))


@router.post(
    "/liquidation",
    summary="Liquidate an account",
    response_model=LiquidationView,
    openapi_extra=takes(LiquidationQuestion, examples.LIQUIDATION_QUESTION),
)
def liquidate_account(
    caller: Reader,
    question: Annotated[LiquidationQuestion, Depends(body(LiquidationQuestion))],
    service: TheService,
) -> Response:
    """What a liquidation by the policy's terms would repay, seize and leave, and its auctions.

    Every step repays as much as the policy allows of the first debt for the first collateral left,
    until the account passes the liquidation test.
    """
    pair = question.pair
    with _answering(service, question) as given:
        report = liquidation_report(
            *given.documents,
            shocks=question.shocks,
            pair=None if pair is None else LiquidationPair(pair.debt, pair.collateral, pair.repay),
            max_steps=question.max_steps,
        )
        return _secret(LiquidationView.model_validate(liquidation_json(report)))


@router.post(
    "/breach",
    summary="Find what would breach",
    response_model=BreachView,
    openapi_extra=takes(BreachQuestion, examples.BREACH_QUESTION),
)
def breach_account(
    caller: Reader,
    question: Annotated[BreachQuestion, Depends(body(BreachQuestion))],
    service: TheService,
) -> Response:
    """Which moves of prices make an account fail maintenance or the liquidation test.

    By test: the common shock of all prices, the prices of each asset with the others fixed, and the
    margin under given scenarios. All of it is exact. None of it is a probability: how likely such
    moves are is not estimated here.
    """
    with _answering(service, question) as given:
        require_priced(given.policy, question.scenarios)
        return _secret(breach_view(given, question.scenarios))


@contextmanager
def _answering(service: Service, question: RiskQuestion) -> Iterator[Given]:
    """The documents of a question, while there is room to answer it."""
    if not _room.acquire(timeout=WAIT_SECONDS):
        raise Problem("busy", "other questions are being answered", headers={"Retry-After": "1"})
    try:
        with engine():
            with service.store.read() as session:
                given = look_up(session, question)
            yield given
    finally:
        _room.release()


def _secret(view: Part) -> Response:
    # Not left to the framework, whose errors about answers quote them.
    return Response(
        view.model_dump_json(),
        media_type="application/json",
        headers={"Cache-Control": NO_STORE},
    )

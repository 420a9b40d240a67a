"""What the plaintext engine is asked: an account in the open, under which rules, at which prices.

Everything here is as secret as the portfolio: it is neither stored nor logged, and never printed.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..circuits.claim import document_digest
from ..circuits.evidence import SignedRound
from ..crypto.canonical import parse_json
from ..errors import InputError, ZkCollateralError
from ..risk.claims import Scenario, Stress
from ..risk.document import Document, Part
from ..risk.factors import Factor, Sized, Tiered
from ..risk.policy import Policy, check_policy
from ..risk.portfolio import Portfolio
from ..risk.prices import PriceRound
from ..risk.registry import Registry
from ..risk.values import Exact, FrozenMap, Integer, Name, Positive, Several, refusal
from .bodies import whole
from .problems import Problem
from .store.tables import PublishedDocument, RoundRow

MAX_SCENARIOS: Final = 64
MAX_WORK: Final = 20_000
"""Most of (positions + scenarios) * (positions + tiers): the engine's time grows so, and this much
takes it about two seconds."""
LATEST: Final = "latest"

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

D = TypeVar("D", bound=Document)


def _digest(text: str) -> str:
    if _DIGEST.fullmatch(text) is None:
        raise refusal("a document, or the digest of one that is known here", "another string")
    return text


def _round(text: str) -> str:
    return text if text == LATEST else _digest(text)


def _shock(value: Exact) -> Exact:
    if value < -1:
        raise refusal("a shock of at least -1", "a smaller one")
    return value


Shocks = FrozenMap[Annotated[Exact, AfterValidator(_shock)]]


class RiskQuestion(Part):
    """An account: its portfolio, the policy and registry, and the prices.

    `policy` and `registry` are documents, or digests of published ones; without `registry` it is
    the published one that the policy names. `prices` is a price round, signed or not (no signature
    is checked), the digest of a round of this service, or `latest`: the newest under the policy.
    `claim` names one of the policy's claims, whose category the account is in.
    """

    portfolio: Annotated[Portfolio, whole(Portfolio)]
    policy: Annotated[Policy | str, whole(Policy, text=_digest)]
    registry: Annotated[Registry | str | None, whole(Registry, text=_digest)] = None
    prices: Annotated[PriceRound | SignedRound | str, whole(PriceRound, SignedRound, text=_round)]
    claim: Name | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"


class StressQuestion(RiskQuestion):
    """An account, and the scenarios: those given, or else the conditions of the claim."""

    scenarios: Annotated[Several[Scenario], Field(max_length=MAX_SCENARIOS)] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.scenarios and self.claim is None:
            raise refusal("scenarios, or a claim", "neither")
        _check_scenarios(self.scenarios)
        return self


class PairQuestion(Part):
    """One liquidation: which debt is repaid, which collateral seized, and at most how much."""

    debt: Annotated[str, Field(max_length=80)]
    collateral: Annotated[str, Field(max_length=80)]
    repay: Positive | None = None

    def __repr__(self) -> str:
        return "PairQuestion(hidden)"


class LiquidationQuestion(RiskQuestion):
    """An account that is liquidated, after shocks of prices; of a `pair` only that one step."""

    shocks: Shocks = FrozenMap({})
    pair: PairQuestion | None = None
    max_steps: Annotated[int, Integer(1, 1000)] = 64


class BreachQuestion(RiskQuestion):
    """An account, and shocks of prices under which its margins are wanted too."""

    scenarios: Annotated[Several[Scenario], Field(max_length=MAX_SCENARIOS)] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_scenarios(self.scenarios)
        return self


def _check_scenarios(scenarios: tuple[Scenario, ...]) -> None:
    """The rules between scenarios are those of a claim that has them."""
    if scenarios:
        Stress(scenarios=scenarios)


@dataclass(frozen=True)
class Given:
    """The documents of a question, checked against each other."""

    portfolio: Portfolio
    policy: Policy
    registry: Registry
    prices: PriceRound
    category: str | None

    @property
    def documents(self) -> tuple[Portfolio, Policy, Registry, PriceRound, str | None]:
        """In the order in which the engine takes them."""
        return self.portfolio, self.policy, self.registry, self.prices, self.category

    def __repr__(self) -> str:
        return "Given(hidden)"


def look_up(session: Session, question: RiskQuestion) -> Given:
    """The documents of a question, from it or from this service.

    Raises:
        InputError: a digest that is not known here, a claim that the policy does not have, or more
            than is worked out here at once.
        DocumentError: a policy and a registry that do not fit.
    """
    policy, registry = question.policy, question.registry
    if isinstance(policy, str):
        policy = _published(session, Policy, "policy", policy)
    if not isinstance(registry, Registry):
        registry = _published(session, Registry, "registry", registry or policy.registry)
    check_policy(policy, document_digest(registry), registry)
    category = None if question.claim is None else policy.account_claim(question.claim).category
    prices = question.prices
    if isinstance(prices, str):
        prices = _kept_round(session, policy, prices)
    round_ = prices.round if isinstance(prices, SignedRound) else prices
    given = Given(question.portfolio, policy, registry, round_, category)
    _require_small(given, question)
    return given


def require_priced(policy: Policy, scenarios: tuple[Scenario, ...]) -> None:
    """InputError for a shock of what has no price under the policy: it would move nothing."""
    known = {*policy.symbols, *policy.underlyings}
    for scenario in scenarios:
        for symbol in scenario.shocks:
            if symbol not in known:
                where = f"scenario {scenario.name}"
                raise InputError(where, "a symbol that the policy prices", repr(symbol))


@contextmanager
def engine() -> Iterator[None]:
    """What the engine refuses is a problem; what it fails at tells no amount to anybody."""
    try:
        yield
    except ZkCollateralError as error:
        raise Problem("risk-unusable", str(error)) from None
    except (Problem, SQLAlchemyError):
        raise
    except Exception as error:  # noqa: BLE001  # its words may hold an amount, and would be logged
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{frame.name}, line {frame.lineno}"
    else:
        return
    raise RuntimeError(f"risk engine: {place}") from None


def _require_small(given: Given, question: RiskQuestion) -> None:
    portfolio, factors = given.portfolio, given.policy.factors
    positions = len(portfolio.collateral) + len(portfolio.debt) + len(portfolio.signed)
    used: list[Factor | None] = [factors.collateral.get(symbol) for symbol in portfolio.collateral]
    used += [factors.debt.get(symbol) for symbol in portfolio.debt]
    for symbol in portfolio.signed:
        both = factors.signed.get(symbol)
        used += [] if both is None else [both.long, both.short]
    tiers = sum(len(factor.tiers) for factor in used if isinstance(factor, (Tiered, Sized)))
    claim = None if question.claim is None else given.policy.claims[question.claim]
    scenarios = len(getattr(question, "scenarios", ()) or getattr(claim, "scenarios", ()))
    if (positions + scenarios) * (positions + tiers) > MAX_WORK:
        expected = f"(positions + scenarios) * (positions + tiers) of at most {MAX_WORK}"
        got = f"{positions} positions, {scenarios} scenarios and {tiers} tiers"
        raise InputError("question", expected, got)


def _published(
    session: Session, model: type[D], kind: Literal["policy", "registry"], digest: str
) -> D:
    row = session.get(PublishedDocument, digest)
    if row is None or row.kind != kind:
        raise InputError(kind, "a document, or the digest of a published one", "another digest")
    return model.from_json_value(parse_json(row.document, kind), kind)


def _kept_round(session: Session, policy: Policy, which: str) -> SignedRound:
    query = select(RoundRow.document).order_by(RoundRow.event.desc()).limit(1)
    if which == LATEST:
        query = query.where(RoundRow.policy == document_digest(policy))
    else:
        query = query.where(RoundRow.digest == which)
    document = session.scalar(query)
    if document is None:
        raise InputError("prices", "a round that was made here", "none under this policy or digest")
    return SignedRound.from_json_value(parse_json(document, "prices"), "prices")

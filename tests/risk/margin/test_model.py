"""What a margin model refuses, and where it says so."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.circuits.margin_markets import CLAIM, MARGIN, MarginWorld
from zkcollateral.circuits.claim import document_digest
from zkcollateral.errors import CompileError, DocumentError, InputError
from zkcollateral.risk.fleet import evaluate_fleet
from zkcollateral.risk.margin.model import MAX_VALUES, Grid, Span
from zkcollateral.risk.margin.requirement import evaluate_margin
from zkcollateral.risk.margin.scenarios import scenarios_of
from zkcollateral.risk.policy import Policy, check_policy
from zkcollateral.risk.values import Exact

Change = Callable[[dict[str, Any]], None]


def at(*path: str | int, to: Any) -> Change:
    def change(policy: dict[str, Any]) -> None:
        here: Any = policy
        for step in path[:-1]:
            here = here[step]
        here[path[-1]] = to

    return change


GRID = ("margin", "underlyings", "BTC", "scenarios")
SPAN = {
    "type": "span",
    "price_range": "0.16",
    "volatility_range": "0.2",
    "extreme_multiple": "2",
    "extreme_cover": "0.35",
}
LISTED = {"type": "listed", "underlying": "BTC", "values": ["1"] * 16}
INVERSE = {**MARGIN["underlyings"]["BTC"], "index": "coin", "settlement": "inverse"}

REFUSED: list[tuple[Change, str]] = [
    (at("margin", "instruments", "CALL", "underlying", to="ETH"), "instruments.CALL.underlying"),
    (at("margin", "instruments", "CALL", "strike", to="0"), "instruments.CALL.strike"),
    (at("margin", "instruments", "CALL", "right", to="cal"), "instruments.CALL.right"),
    (at("margin", "instruments", "CALL", to=LISTED), "instruments.CALL.values"),
    (at("margin", "instruments", to={}), "margin.instruments"),
    (at("margin", "underlyings", to={}), "margin.underlyings"),
    (at("margin", "underlyings", "ETH", to=MARGIN["underlyings"]["BTC"]), "underlyings.ETH"),
    (at("margin", "spots", "BTC", to="ETH"), "spots.BTC"),
    (at("margin", "spots", "GOLD", to="BTC"), "spots.GOLD"),
    (at("margin", "decimals", to="19"), "margin.decimals"),
    (at(*GRID, "price_range", to="1"), "price_range"),
    (at(*GRID, "buckets", to="0"), "buckets"),
    (at(*GRID, "buckets", to="101"), "buckets"),
    (at(*GRID, "offset", to="1.1"), "offset"),
    (at(*GRID, "volatility", "up", to="-0.1"), "volatility.up"),
    (at(*GRID, "tails", 0, "move", to="-1"), r"tails\[0\].move"),
    (at(*GRID, "tails", 0, "move", to="0.1"), r"tails\[0\].move"),
    (at(*GRID, "tails", 0, "move", to="1.0"), r"tails\[1\].move"),
    (at(*GRID, "tails", 0, "weight", to="-0.1"), r"tails\[0\].weight"),
    (at(*GRID, to={**SPAN, "price_range": "0.5"}), "scenarios"),
    (at(*GRID, to={**SPAN, "extreme_multiple": "0.5"}), "extreme_multiple"),
    (at("margin", "underlyings", "BTC", "delta", "rate", to="-1"), "delta.rate"),
    (at("margin", "underlyings", "BTC", "roll", "minimum", to="2"), "roll.minimum"),
    (at("margin", "underlyings", "BTC", to=INVERSE), "settled"),
    (at("claims", CLAIM, "factor", to="0"), "factor"),
    (at("factors", "signed", "CALL", to={"long": "1", "short": "1"}), "instruments.CALL"),
    (
        at(
            "factors",
            "collateral",
            "BTC",
            to={"type": "tiered", "by": "amount", "tiers": [{"above": "0", "factor": "1"}]},
        ),
        "spots.BTC",
    ),
    (
        at(
            "limits",
            to=[{"name": "l", "assets": ["BTC"], "share": "0.5", "excess": "uncounted"}],
        ),
        "spots.BTC",
    ),
]


@pytest.mark.parametrize(("change", "place"), REFUSED, ids=[place for _, place in REFUSED])
def test_what_makes_no_sense_is_refused_where_it_stands(change: Change, place: str) -> None:
    world = MarginWorld()
    change(world.policy_value)
    with pytest.raises(DocumentError, match=place):
        _ = world.policy


def test_a_claim_of_portfolio_margin_needs_a_model() -> None:
    world = MarginWorld()
    del world.policy_value["margin"]
    with pytest.raises(DocumentError, match=f"claims.{CLAIM}: expected a policy with a margin"):
        _ = world.policy


def test_an_instrument_is_a_signed_slot_of_the_registry() -> None:
    world = MarginWorld()
    instruments = world.policy_value["margin"]["instruments"]
    instruments["ETH-PERP"] = instruments["PERP"]
    with pytest.raises(DocumentError, match=r"margin\.instruments\.ETH-PERP"):
        check_policy(world.policy, document_digest(world.registry), world.registry)


def test_compiling_cannot_be_made_to_take_minutes() -> None:
    world = MarginWorld()
    model = world.policy_value["margin"]
    model["underlyings"]["BTC"]["scenarios"]["buckets"] = "100"
    assert MAX_VALUES > 4 * (3 * 201 + 2)
    model["instruments"] |= {
        f"C{number}": copy.deepcopy(model["instruments"]["CALL"]) for number in range(30)
    }
    with pytest.raises(DocumentError, match=f"at most {MAX_VALUES} scenario values"):
        _ = world.policy


def test_a_policy_without_a_model_is_written_as_before() -> None:
    world = MarginWorld()
    del world.policy_value["margin"], world.policy_value["claims"][CLAIM]
    assert "margin" not in world.policy.to_json_value()


def test_the_document_is_read_as_it_is_written() -> None:
    policy = MarginWorld().policy
    assert Policy.from_json_value(policy.to_json_value(), "policy") == policy


def test_the_round_gets_what_the_instruments_need() -> None:
    policy = MarginWorld().policy
    assert policy.symbols == ("BTC", "BTC-MARCH", "USDC")
    assert policy.figures == ("iv",)


@pytest.mark.parametrize(("field", "name"), [("prices", "BTC-MARCH"), ("figures", "iv")])
def test_a_round_that_lacks_an_input(field: str, name: str) -> None:
    world = MarginWorld()
    round_ = world.prices().round
    value = {key: item for key, item in getattr(round_, field).items() if key != name}
    lacking = round_.model_copy(update={field: value})
    with pytest.raises(CompileError, match=name):
        evaluate_margin(world.policy, world.registry, lacking, world.opening().amounts)


def test_many_accounts_at_once_are_refused() -> None:
    world = MarginWorld()
    policy, registry, prices = world.policy, world.registry, world.prices().round
    amounts = np.zeros((1, 8), dtype=np.int64)
    with pytest.raises(InputError, match="portfolio margin"):
        evaluate_fleet(policy.claims[CLAIM], policy, registry, prices, amounts)


def test_the_scenarios_of_span_and_of_a_grid() -> None:
    span = scenarios_of(Span.model_validate(SPAN))
    assert len(span) == Span.model_validate(SPAN).count == 16
    assert [each.move for each in span[:4]] == [0, 0, Exact("0.16") / 3, Exact("0.16") / 3]
    assert (span[15].move, span[15].weight, span[15].volatility) == (
        Exact("-0.32"),
        Exact("0.35"),
        "same",
    )
    model = Grid.model_validate(MARGIN["underlyings"]["BTC"]["scenarios"])
    grid = scenarios_of(model)
    assert len(grid) == model.count == 17
    assert len({each.name for each in grid}) == 17
    assert grid[0].name == "price -2/2 of the range, volatility up"
    assert grid[-1].name == "tail: price moved by 1"
    assert (grid[-1].relief, grid[-1].weight) == (Exact("1") / Exact("0.16") - 1, Exact("0.16"))

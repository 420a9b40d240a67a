"""Systems for the tests: terms, settings and accounts."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from random import Random
from typing import Any

import numpy as np

from zkcollateral.risk.system.accounts import Accounts
from zkcollateral.risk.system.market import IMPACTS, Depth, Liquidators, OracleRule, Setting
from zkcollateral.risk.system.terms import SystemTerms

TERMS = SystemTerms(
    quote="USD",
    symbols=("BTC", "ETH", "USDC"),
    prices=np.array([60_000.0, 3_000.0, 1.0]),
    held_weight=np.array([0.85, 0.8, 0.0]),
    owed_weight=np.array([0.0, 1.15, 1.1]),
    holdable=np.array([True, True, False]),
    owable=np.array([False, True, True]),
    leaders={},
    reserve=0.0,
    close_factor=0.5,
    penalty=0.08,
    protocol_share=0.1,
    close_all_below=0.95,
    minimum=100.0,
)
DEEP = {"BTC": Depth(inf), "ETH": Depth(inf)}


def terms(**changes: Any) -> SystemTerms:
    return replace(TERMS, **changes)


def accounts(*rows: tuple[dict[str, float], dict[str, float]]) -> Accounts:
    """Accounts from what each holds and owes."""
    held, owed = (np.zeros((3, len(rows))) for _ in range(2))
    for index, (has, owes) in enumerate(rows):
        for symbol, amount in has.items():
            held[TERMS.symbols.index(symbol), index] = amount
        for symbol, amount in owes.items():
            owed[TERMS.symbols.index(symbol), index] = amount
    return Accounts(TERMS.symbols, held, owed)


def random_system(seed: int, count: int = 8) -> tuple[Accounts, Setting]:
    """Some accounts near their thresholds, and a world around them that reacts."""
    draw = Random(seed)
    rule = terms(
        close_factor=draw.choice([0.3, 0.5, 1.0]),
        penalty=draw.uniform(0.01, 0.15),
        protocol_share=draw.choice([0.0, 0.1, 0.5, 1.0]),
        close_all_below=draw.choice([0.0, 0.9, 0.97]),
        minimum=draw.choice([0.0, 500.0]),
    )
    rows = []
    for _ in range(count):
        value = 10 ** draw.uniform(2.5, 5.5)
        part = draw.choice([0.0, 1.0, draw.random()])
        owes = draw.choice([0.0, 1.0, draw.random()])
        held = {"BTC": part * value / 60_000, "ETH": (1 - part) * value / 3_000}
        debt = value * draw.uniform(0.5, 0.8)
        rows.append((held, {"ETH": owes * debt / 3_000, "USDC": (1 - owes) * debt}))
    depths = {
        symbol: Depth(
            10 ** draw.uniform(4.5, 7.0) / price,
            draw.choice(IMPACTS),
            draw.choice([0.0, 0.003]),
            draw.choice([1.0, inf]),
        )
        for symbol, price in (("BTC", 60_000), ("ETH", 3_000))
    }
    oracle = OracleRule(draw.choice([0, 1, 3]), draw.choice([0.0, 0.01]), draw.choice([None, 4]))
    people = Liquidators(
        draw.choice([None, 1, 3]),
        draw.choice(["profit", "health"]),
        draw.choice([0.0, 0.0, 20.0]),
        draw.choice([0.0, 0.0, 50.0]),
    )
    return accounts(*rows), Setting(rule, depths, oracle, people)


def random_path(seed: int, steps: int) -> np.ndarray:
    """Exogenous prices that fall, for every second seed steeply."""
    generator = np.random.default_rng(seed)
    moves = generator.normal(-0.03 if seed % 2 else -0.25, 0.03, (steps, 2))
    multiples = np.exp(np.cumsum(moves, axis=0))
    return np.column_stack([multiples, np.ones(steps)]) * TERMS.prices

"""Random margin models over given signed slots, small enough that edges are frequent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

DECIMALS = 3
EXPIRIES = ("2026-02-01T08:00:00Z", "2026-03-27T08:00:00Z", "2027-01-29T08:00:00Z")


def span(random: Random, decimal: Callable[[int, int], str]) -> dict[str, Any]:
    return {
        "type": "span",
        "price_range": decimal(1, 30),
        "volatility_range": decimal(0, 100),
        "extreme_multiple": random.choice(["1", "2", "3"]),
        "extreme_cover": decimal(0, 100),
    }


def grid(random: Random, decimal: Callable[[int, int], str]) -> dict[str, Any]:
    made = {
        "type": "grid",
        "price_range": decimal(1, 40),
        "buckets": str(random.randint(1, 3)),
        "volatility": {
            "up": decimal(0, 90),
            "down": decimal(0, 150),
            "floor": decimal(0, 90),
            "days": "30",
            "near_power": "0.3",
            "far_power": "0.13",
        },
        "offset": decimal(0, 100),
    }
    if random.randrange(2):
        moves = random.sample(["-0.9", "-0.5", "0.4", "1", "5"], random.randint(1, 3))
        made["tails"] = [{"move": move, "weight": decimal(0, 100)} for move in moves]
        if random.randrange(2):
            made["dampener"] = decimal(1, 3000)
    return made


def count(scenarios: dict[str, Any]) -> int:
    if scenarios["type"] == "span":
        return 16
    return 3 * (2 * int(scenarios["buckets"]) + 1) + len(scenarios.get("tails", []))


def underlying(random: Random, decimal: Callable[[int, int], str], number: int) -> dict[str, Any]:
    settlement = random.choice(["linear", "linear", "inverse"])
    made = {
        "index": f"IDX{number}" if settlement == "linear" else f"coin{number}",
        "settlement": settlement,
        "scenarios": random.choice([span, grid])(random, decimal),
    }
    if random.randrange(2):
        made["roll"] = {"minimum": decimal(0, 10), "yearly": decimal(0, 50)}
    if random.randrange(2):
        made["delta"] = {"threshold": decimal(0, 20000), "rate": decimal(0, 60)}
    return made


def instrument(
    random: Random, decimal: Callable[[int, int], str], name: str, about: dict[str, Any]
) -> dict[str, Any]:
    kind = random.choice(["option", "option", "future", "perpetual", "listed"])
    made: dict[str, Any] = {"type": kind, "underlying": name}
    linear = about["settlement"] == "linear"
    if kind == "option":
        made |= {
            "right": random.choice(["call", "put"]),
            "strike": decimal(10, 6000),
            "expiry": random.choice(EXPIRIES),
            "forward": random.choice(["FWD", about["index"]]),
            "volatility": "iv",
        }
    elif kind == "listed":
        values = [decimal(-3000, 3000) for _ in range(count(about["scenarios"]))]
        made["values"] = values
        for field, value in (
            ("price", "FWD"),
            ("delta", decimal(-200, 200)),
            ("expiry", EXPIRIES[1]),
        ):
            made |= {field: value} if random.randrange(2) else {}
    else:
        made["settled"] = not linear or bool(random.randrange(2))
        made |= {"expiry": random.choice(EXPIRIES)} if kind == "future" else {}
        made |= {"price": "FWD"} if random.randrange(2) else {}
    return made


def margin_model(
    random: Random,
    decimal: Callable[[int, int], str],
    signed: Sequence[str],
    spots: Sequence[str],
) -> dict[str, Any]:
    """A model in which every symbol of `signed` is an instrument, and some of `spots` net."""
    underlyings = {
        f"U{number}": underlying(random, decimal, number)
        for number in range(random.randint(1, min(2, len(signed))))
    }
    names = list(underlyings)
    about = names + [random.choice(names) for _ in range(len(signed) - len(names))]
    linear = [name for name in names if underlyings[name]["settlement"] == "linear"]
    return {
        "decimals": str(random.randint(0, DECIMALS)),
        "underlyings": underlyings,
        "instruments": {
            symbol: instrument(random, decimal, name, underlyings[name])
            for symbol, name in zip(signed, about, strict=True)
        },
        **(
            {"spots": {symbol: random.choice(linear) for symbol in spots}}
            if linear and spots
            else {}
        ),
    }

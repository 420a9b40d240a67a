"""Made-up candles: labelled, the same for a seed, and read back as they were written."""

from __future__ import annotations

import numpy as np
import pytest

from zkcollateral.errors import InputError
from zkcollateral.risk.replay.candles import align, read_candles, returns
from zkcollateral.risk.replay.synthetic import SyntheticMarket, candles_csv, synthetic_candles

PRICES = {"BTCUSD": "60000", "ETHUSD": "3000.5", "CENTUSD": "0.0123"}


def test_written_and_read_they_are_the_same_and_say_what_they_are() -> None:
    made = synthetic_candles(PRICES, 7)
    for symbol, candles in made.items():
        read = read_candles(candles_csv(candles))
        assert read.symbol == f"synthetic:{symbol}"
        assert read.synthetic
        for field in ("times", "open", "high", "low", "close"):
            assert getattr(read, field) == getattr(candles, field)
        assert candles_csv(candles).count("synthetic:") == len(candles) == 120
    assert made["ETHUSD"].open[0] == synthetic_candles(PRICES, 8)["ETHUSD"].open[0]
    assert made["ETHUSD"].close != synthetic_candles(PRICES, 8)["ETHUSD"].close
    assert made["ETHUSD"].close == synthetic_candles(PRICES, 7)["ETHUSD"].close


def test_they_move_as_they_are_told() -> None:
    calm = SyntheticMarket(days=2000, crash=0.0, common=0.5)
    made = synthetic_candles({"A": "100", "B": "100"}, 1, calm)
    moves = np.array([returns(each, log=True) for each in made.values()])
    assert np.allclose(moves.std(axis=1), 0.035, rtol=0.15)
    assert np.corrcoef(moves)[0, 1] == pytest.approx(0.5, abs=0.08)
    squares = moves[0] ** 2
    # Volatility clusters, as it does not without GARCH.
    assert np.corrcoef(squares[1:], squares[:-1])[0, 1] > 0.03
    crash = SyntheticMarket(days=50, volatility=0.0, crash=0.4, crash_day=20)
    fallen = synthetic_candles({"A": "100"}, 1, crash)["A"]
    assert (fallen.open[20], fallen.low[20], fallen.close[20]) == (100, 60, 80)
    assert align([fallen]).dropped == (0,)


@pytest.mark.parametrize(
    ("prices", "seed", "market", "where"),
    [
        ({}, 0, {}, "prices"),
        ({"A": "0"}, 0, {}, "A"),
        ({"A": "x"}, 0, {}, "A"),
        ({"A B": "1"}, 0, {}, "symbol"),
        ({"A": "1"}, -1, {}, "seed"),
        ({"A": "1"}, 0, {"days": 1}, "days"),
        ({"A": "1"}, 0, {"crash": 1.0}, "crash"),
        ({"A": "1"}, 0, {"crash_day": 120}, "crash_day"),
        ({"A": "1"}, 0, {"volatility": float("nan")}, "volatility"),
        ({"A": "1"}, 0, {"common": -0.1}, "common"),
    ],
)
def test_what_is_refused(prices: dict[str, str], seed: int, market: dict, where: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError, match=f"synthetic: {where}: expected"):
        synthetic_candles(prices, seed, SyntheticMarket(**market))

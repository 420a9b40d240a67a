"""Who bears what is left: funds, pools, lenders, profitable traders."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.liquidation.accounts import F
from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.backstop import Layer, LayerShare, Payer, PayerShare, absorb
from zkcollateral.risk.liquidation.deleveraging import (
    Position,
    auto_deleveraging,
    deleveraging_queue,
)


def layer(name: str, sharing: str = "pro rata", **capacities: str) -> Layer:
    payers = tuple(Payer(payer, F(capacity)) for payer, capacity in capacities.items())
    return Layer(name, payers, sharing)  # type: ignore[arg-type]


def test_stability_pool_of_liquity() -> None:
    # liquity/dev, README, "Stability Pool example": deposits 100, 200 and 300; a trove of 150 with
    # 1.6 ETH, then one of 225 with 2.45 ETH.
    first = absorb(F(150), [layer("pool", A="100", B="200", C="300")], F("1.6"))
    (pool,) = first.layers
    assert [(one.paid, one.capacity_left) for one in pool.payers] == [
        (25, 75),
        (50, 150),
        (75, 225),
    ]
    assert [one.collateral for one in pool.payers] == [F("0.8") / 3, F("1.6") / 3, F("0.8")]
    after = Layer("pool", tuple(Payer(one.name, one.capacity_left) for one in pool.payers))
    (again,) = absorb(F(225), [after], F("2.45")).layers
    assert [one.capacity_left for one in again.payers] == [F("37.5"), 75, F("112.5")]
    gained = [a.collateral + b.collateral for a, b in zip(pool.payers, again.payers, strict=True)]
    assert gained == [F("0.675"), F("1.35"), F("2.025")]


def test_mixed_offset_and_redistribution_of_liquity() -> None:
    # The same file, "Mixed liquidations": a pool smaller than the debt takes the fraction of the
    # collateral that it takes of the debt; the other troves get the rest of both.
    done = absorb(
        F(400), [layer("pool", A="60", B="40"), layer("troves", C="1000", D="3000")], F(4)
    )
    assert [(one.paid, one.collateral) for one in done.layers] == [(100, 1), (300, 3)]
    assert [one.paid for one in done.layers[1].payers] == [75, 225]
    assert (done.uncovered, done.collateral_left) == (0, 0)


def test_the_waterfall_empties_each_layer_before_the_next() -> None:
    done = absorb(
        F(100),
        [
            layer("insurance-fund", fund="30"),
            layer("stability-pool", A="10", B="30"),
            layer("lenders", L="60", M="20"),
        ],
    )
    assert done.layers == (
        LayerShare("insurance-fund", F(30), F(0), (PayerShare("fund", F(30), F(0), F(0)),)),
        LayerShare(
            "stability-pool",
            F(40),
            F(0),
            (PayerShare("A", F(10), F(0), F(0)), PayerShare("B", F(30), F(0), F(0))),
        ),
        LayerShare(
            "lenders",
            F(30),
            F(0),
            (
                PayerShare("L", F("22.5"), F(0), F("37.5")),
                PayerShare("M", F("7.5"), F(0), F("12.5")),
            ),
        ),
    )
    assert done.uncovered == 0


def test_what_nobody_bears_is_left_uncovered() -> None:
    done = absorb(F(100), [layer("insurance-fund", fund="30"), layer("lenders")], F(10))
    assert (done.uncovered, done.collateral_left) == (70, 7)
    assert done.layers[1] == LayerShare("lenders", F(0), F(0), ())
    assert absorb(F(100), []).uncovered == 100


def test_no_debt_costs_nobody_anything() -> None:
    done = absorb(F(0), [layer("insurance-fund", fund="30")], F(3))
    assert done.layers[0].payers == (PayerShare("fund", F(0), F(0), F(30)),)
    assert (done.uncovered, done.collateral_left) == (0, 3)


def test_auto_deleveraging_of_bitmex() -> None:
    # BitMEX, "Auto-Deleveraging", example: ranks 3, 6, 1, 4, 5, 2 of six longs of 10, 10, 20, 30,
    # 20, 10 contracts. A short of 20 closes all of account 2 and 10 of account 5.
    contracts = {"1": 10, "2": 10, "3": 20, "4": 30, "5": 20, "6": 10}
    ranks = {"1": 3, "2": 6, "3": 1, "4": 4, "5": 5, "6": 2}
    # Entry 100, mark 100 + rank, bankrupt 0: leverage 1, so that the rank is in per cent.
    queue = deleveraging_queue(
        Position(name, F(100 + rank), F(100), F(0)) for name, rank in ranks.items()
    )
    assert [position.rank for position in queue] == [F(rank) / 100 for rank in (6, 5, 4, 3, 2, 1)]
    assert [position.name for position in queue] == ["2", "5", "4", "1", "6", "3"]
    payers = tuple(Payer(position.name, F(contracts[position.name])) for position in queue)
    (closed,) = absorb(F(20), [Layer("adl", payers, "in turn")]).layers
    assert [(one.name, one.paid, one.capacity_left) for one in closed.payers[:3]] == [
        ("2", 10, 0),
        ("5", 10, 10),
        ("4", 0, 30),
    ]


def test_rank_is_profit_times_leverage() -> None:
    # A long bought at 100, now 120, bankrupt at 90: 20% · 120 / 30.
    long = Position("long", F(120), F(100), F(90))
    assert (long.gain, long.rank) == (20, F("0.8"))
    # A short sold at 120, now 100, bankrupt at 150: 20/120 · 100 / 50.
    short = Position("short", F(-100), F(-120), F(-150))
    assert (short.gain, short.rank) == (20, F(1) / 3)
    # However small they are: 0.2 bought at 0.1, bankrupt at 0.
    assert Position("small", F("0.2"), F("0.1"), F(0)).rank == 1
    # A loss is divided by leverage: −10% / 3.
    losing = Position("losing", F(90), F(100), F(60))
    assert losing.rank == F("-0.1") / 3


def test_only_gains_are_deleveraged_and_no_more_than_them() -> None:
    traders = auto_deleveraging(
        [
            Position("little", F(105), F(100), F(0)),
            Position("losing", F(90), F(100), F(60)),
            Position("even", F(100), F(100), F(60)),
            Position("much", F(140), F(100), F(0)),
            Position("least", F("100.5"), F(100), F(0)),
        ]
    )
    assert traders == Layer(
        "auto-deleveraging",
        (Payer("much", F(40)), Payer("little", F(5)), Payer("least", F("0.5"))),
        "in turn",
    )
    done = absorb(F(50), [traders])
    assert [one.paid for one in done.layers[0].payers] == [40, 5, F("0.5")]
    assert done.uncovered == F("4.5")


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ((F(0), F(100), F(-1)), "mark_value"),
        ((F(100), F(0), F(0)), "entry_value"),
        ((F(100), F(-100), F(0)), "entry_value"),
        ((F(100), F(90), F(100)), "bankrupt_value"),
        ((100.0, F(90), F(80)), "mark_value"),
    ],
)
def test_positions_that_are_none_are_refused(values: Any, where: str) -> None:
    with pytest.raises(InputError, match=f"position of T.{where}"):
        Position("T", *values)


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (lambda: Payer("A", F(-1)), "payer A.capacity"),
        (lambda: Payer("A", 1.0), "payer A.capacity"),  # type: ignore[arg-type]
        (lambda: Payer("", F(1)), "payer's name"),
        (lambda: layer("l", "by lot"), "layer l.sharing"),
        (lambda: Layer("l", (Payer("A", F(1)), Payer("A", F(2)))), "layer l.payers"),
        (lambda: Layer("l", ("A",)), "layer l.payers"),  # type: ignore[arg-type]
        (lambda: absorb(F(-1), []), "backstop: debt"),
        (lambda: absorb(1.5, []), "backstop: debt"),  # type: ignore[arg-type]
        (lambda: absorb(F(1), [], F(-1)), "backstop: collateral"),
        (lambda: absorb(F(1), [layer("l"), layer("l")]), "backstop: layers"),
        (lambda: absorb(F(1), ["l"]), "backstop: layers"),  # type: ignore[list-item]
        (lambda: deleveraging_queue(["T"]), "positions"),  # type: ignore[list-item]
    ],
)
def test_what_is_refused(call: Any, where: str) -> None:
    with pytest.raises(InputError, match=where):
        call()


capacities = st.integers(0, 500).map(lambda number: Fraction(number, 7))
layers = st.lists(
    st.tuples(st.lists(capacities, max_size=4), st.sampled_from(["pro rata", "in turn"])),
    max_size=4,
).map(
    lambda found: [
        Layer(
            f"layer-{index}",
            tuple(Payer(f"payer-{number}", capacity) for number, capacity in enumerate(payers)),
            sharing,  # type: ignore[arg-type]
        )
        for index, (payers, sharing) in enumerate(found)
    ]
)


@given(capacities.map(lambda number: 5 * number), layers, capacities)
def test_money_is_conserved_in_every_step(
    debt: Fraction, bearing: list[Layer], collateral: Fraction
) -> None:
    done = absorb(debt, bearing, collateral)
    assert sum(one.paid for one in done.layers) + done.uncovered == debt
    assert sum(one.collateral for one in done.layers) + done.collateral_left == collateral
    left = debt
    for share, wanted in zip(done.layers, bearing, strict=True):
        assert share.paid == min(left, wanted.capacity)
        left -= share.paid
        assert sum(one.paid for one in share.payers) == share.paid
        assert sum(one.collateral for one in share.payers) == share.collateral
        assert share.collateral * debt == share.paid * collateral
        for one, payer in zip(share.payers, wanted.payers, strict=True):
            assert (one.name, one.paid + one.capacity_left) == (payer.name, payer.capacity)
            assert one.paid >= 0
            assert one.capacity_left >= 0
        if wanted.sharing == "pro rata":
            assert all(
                one.paid * wanted.capacity == payer.capacity * share.paid
                for one, payer in zip(share.payers, wanted.payers, strict=True)
            )
        else:
            started = [one.capacity_left for one in share.payers if one.paid]
            assert all(rest == 0 for rest in started[:-1])
    assert left == done.uncovered

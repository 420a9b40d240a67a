"""Deribit portfolio margin: the documented response, another one, and the model's rules."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.presets.deribit import portfolio_margin
from zkcollateral.risk.presets.deribit_model import (
    EXTENDED_MOVES,
    Future,
    Parameters,
    Settlement,
    dampen,
    extended_pnl,
    roll_shock,
    simulated_pnl,
)

# Deribit API documentation, private/pme/simulate 2.1.1, example response (case 12).
BTC = Parameters(
    price_range=Fraction("0.16"),
    min_annualised_move=Fraction("0.01"),
    annualised_move_risk=Fraction("0.075"),
    extended_dampener=100_000,
)
BTC_INDEX = Fraction("65666.19")
PERPETUAL = Future("BTC-PERPETUAL", Fraction("0.314538364"))
# From the response's time, 17 June 2024, to 28 June 8:00.
JUNE = Future("BTC-28JUN24", Fraction("-0.001187534"), Fraction(11, 365))
BTC_AGGREGATED = [
    -0.05968587238095239, -0.04272965863636364, -0.02724789826086957, -0.013056284583333334,
    0, 0, 0, 0, 0,
]  # fmt: skip
PERPETUAL_STANDARD = [
    -0.05991206933333334, -0.04289159509090909, -0.027351162086956524, -0.013105765166666668,
    0, 0.012097629384615385, 0.023299138074074074, 0.033700538999999995, 0.043384601931034494,
]  # fmt: skip
PERPETUAL_EXTENDED = [-0.05991206933333334] * 2 + [0.04338460193103449] * 6
JUNE_STANDARD = [
    0.0002261969523809524, 0.00016193645454545456, 0.00010326382608695652, 0.00004948058333333334,
    0, -0.00004567438461538462, -0.00008796548148148148, -0.0001272357857142857,
    -0.00016379779310344832,
]  # fmt: skip
JUNE_EXTENDED = [0.0002261969523809524] * 2 + [-0.0001637977931034483] * 6

# A response of www.deribit.com of 2026-02-15, published on GitHub: ETH-PERPETUAL −0.999487053.
ETH = Parameters(
    price_range=Fraction("0.18"),
    min_annualised_move=Fraction("0.005"),
    annualised_move_risk=Fraction("0.05"),
    extended_dampener=200_000,
    pnl_offset=Fraction("0.6"),
)
ETH_INDEX = Fraction("1949.34")
ETH_SHORT = Future("ETH-PERPETUAL", Fraction("-0.999487053"))
ETH_EXTENDED = [0.21939959699999997] * 2 + [-0.15246412672881357] * 6
ETH_AGGREGATED = [
    0.13163975819999998, 0.09359358530982659, 0.05931022072747252, 0.028257749142408375,
    0, -0.04304011233014354, -0.08252645391743119, -0.11888171996035243, -0.15246412672881357,
]  # fmt: skip


def close(values, published):
    return [float(value) for value in values] == pytest.approx(published, rel=1e-14, abs=1e-18)


@pytest.mark.parametrize(
    ("position", "index", "parameters", "standard", "extended"),
    [
        (PERPETUAL, BTC_INDEX, BTC, PERPETUAL_STANDARD, PERPETUAL_EXTENDED),
        (JUNE, BTC_INDEX, BTC, JUNE_STANDARD, JUNE_EXTENDED),
        (ETH_SHORT, ETH_INDEX, ETH, None, ETH_EXTENDED),
    ],
)
def test_published_vectors_of_positions(position, index, parameters, standard, extended):
    inverse = Settlement.INVERSE
    if standard is not None:
        values = [simulated_pnl(position.delta, m, index, inverse) for m in parameters.moves]
        assert close(values, standard)
    values = [extended_pnl(position.delta, m, index, parameters, inverse) for m in EXTENDED_MOVES]
    assert close(values, extended)


def test_published_margin_of_the_documentation():
    # Case 12, every figure of the response.
    margin = portfolio_margin(
        [PERPETUAL, JUNE],
        BTC_INDEX,
        BTC,
        mmp_margin=Fraction("0.06"),
        open_orders_margin=Fraction("0.000018212"),
    )
    assert close(margin.standard, BTC_AGGREGATED)
    assert margin.extended == (0,) * 8
    assert float(margin.worst_case) == pytest.approx(0.05968587238095239, rel=1e-15)
    assert (margin.bucket, margin.index) == (1, 1)
    assert margin.roll_shock == Fraction("0.00315725898")
    assert margin.delta_shock == 0
    assert margin.risk_matrix_margin == Fraction("0.06284313098")
    assert margin.initial_margin == Fraction("0.122861343")
    assert margin.maintenance_margin == Fraction("0.050274504784")


def test_published_margin_of_a_short():
    margin = portfolio_margin([ETH_SHORT], ETH_INDEX, ETH)
    assert close(margin.standard, ETH_AGGREGATED)
    assert margin.extended == (0,) * 8
    assert float(margin.worst_case) == pytest.approx(0.15246412672881357, rel=1e-15)
    assert (margin.bucket, margin.index) == (9, 25)
    assert margin.roll_shock == Fraction("0.004997435265")
    assert margin.risk_matrix_margin == Fraction("0.157461562265")
    assert margin.initial_margin == Fraction("0.157461562")
    assert margin.maintenance_margin == Fraction("0.125969249812")


def test_the_buckets():
    assert BTC.moves == tuple(Fraction(k, 100) for k in range(-16, 17, 4))


def test_linear_contracts_gain_and_lose_evenly():
    margin = portfolio_margin(
        [Future("BTC_USDC-PERPETUAL", 2)], 50_000, BTC, settlement=Settlement.LINEAR
    )
    assert margin.standard[0] == -16_000
    assert margin.roll_shock == 1_000
    assert margin.risk_matrix_margin == 17_000
    assert margin.maintenance_margin == 13_600


def test_the_dampener_takes_what_it_can():
    parameters = Parameters(Fraction("0.16"), Fraction("0.01"), 0, 1_000)
    # Linear: (0.66/0.16 − 1)·1,000 = 3,125.
    move = Fraction("-0.66")
    linear = Settlement.LINEAR
    assert dampen(Fraction(-5_000), move, 1, parameters, linear) == -1_875
    assert dampen(Fraction(5_000), move, 1, parameters, linear) == 1_875
    assert dampen(Fraction(-3_000), move, 1, parameters, linear) == 0
    # Inverse: in coins at the edge of the range.
    assert dampen(Fraction(-5), move, 1_000, parameters, Settlement.INVERSE) == -5 + Fraction(
        3_125
    ) / (Fraction("0.84") * 1_000)


@given(
    delta=st.fractions(-100, 100, max_denominator=100),
    move=st.sampled_from(EXTENDED_MOVES),
    settlement=st.sampled_from(list(Settlement)),
)
def test_a_future_has_its_edge_value_in_the_extended_table(delta, move, settlement):
    edge = BTC.price_range if move > 0 else -BTC.price_range
    value = extended_pnl(delta, move, BTC_INDEX, BTC, settlement)
    assert value == simulated_pnl(delta, edge, BTC_INDEX, settlement)
    softened = dampen(value, move, BTC_INDEX, BTC, settlement)
    assert min(value, 0) <= softened <= max(value, 0)


@given(
    delta=st.fractions(-100, 100, max_denominator=100),
    factor=st.fractions(0, 1, max_denominator=10),
    settlement=st.sampled_from(list(Settlement)),
)
def test_of_futures_the_extended_table_is_never_the_worst(delta, factor, settlement):
    bare = Parameters(Fraction("0.16"), Fraction("0.01"), 0, 0, extended_table_factor=factor)
    margin = portfolio_margin([Future("P", delta)], BTC_INDEX, bare, settlement=settlement)
    assert min(margin.extended) >= min(margin.standard)
    assert margin.worst_case == -min(margin.standard)


def test_deltas_net_within_an_expiry_only():
    near = {"years_to_expiry": Fraction(1, 365)}
    apart = [Future("A", 3, **near), Future("B", -2, **near)]
    together = [Future("A", 3, expiry="E", **near), Future("B", -2, expiry="E", **near)]
    assert roll_shock(apart, BTC_INDEX, BTC) == Fraction("0.05")
    assert roll_shock(together, BTC_INDEX, BTC) == Fraction("0.01")


def test_a_far_expiry_needs_its_roll_move():
    far = Future("FAR", 1, Fraction(1, 2))
    with pytest.raises(InputError) as error:
        roll_shock([far], BTC_INDEX, BTC)
    assert error.value.where == "Deribit position FAR: roll_move"
    given_move = Future("FAR", 1, Fraction(1, 2), roll_move=Fraction("0.0375"))
    assert roll_shock([given_move], BTC_INDEX, BTC) == Fraction("0.0375")


def test_a_large_delta_needs_its_shock():
    large = [Future("BTC-PERPETUAL", 400)]
    with pytest.raises(InputError) as error:
        portfolio_margin(large, BTC_INDEX, BTC)
    assert error.value.where == "Deribit portfolio: delta_shock"
    margin = portfolio_margin(large, BTC_INDEX, BTC, delta_shock=3)
    assert margin.delta_shock == 3
    assert margin.risk_matrix_margin == round(margin.worst_case, 9) + 4 + 3


def test_no_position_needs_no_margin():
    margin = portfolio_margin([], BTC_INDEX, BTC)
    assert (margin.worst_case, margin.initial_margin, margin.maintenance_margin) == (0, 0, 0)


GOOD = {"min_annualised_move": 0, "annualised_move_risk": 0, "extended_dampener": 0}


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: Parameters(0, **GOOD), "Deribit parameters: price_range"),
        (lambda: Parameters(1, **GOOD), "Deribit parameters: price_range"),
        (lambda: Parameters(0.5, **GOOD), "Deribit parameters: price_range"),
        (
            lambda: Parameters(Fraction(1, 2), **{**GOOD, "min_annualised_move": 2}),
            "Deribit parameters: min_annualised_move",
        ),
        (
            lambda: Parameters(Fraction(1, 2), **{**GOOD, "extended_dampener": -1}),
            "Deribit parameters: extended_dampener",
        ),
        (
            lambda: Parameters(Fraction(1, 2), **GOOD, pnl_offset=2),
            "Deribit parameters: pnl_offset",
        ),
        (
            lambda: Parameters(Fraction(1, 2), **GOOD, buckets_count=0),
            "Deribit parameters: buckets_count",
        ),
        (lambda: Future("", 1), "Deribit position: name"),
        (lambda: Future("X", 0.1), "Deribit position X: delta"),
        (lambda: Future("X", 1, -1), "Deribit position X: years_to_expiry"),
        (lambda: Future("X", 1, roll_move=-1), "Deribit position X: roll_move"),
        (lambda: simulated_pnl(1, -1, 1, Settlement.INVERSE), "Deribit: move"),
        (lambda: simulated_pnl(1, 1, 0, Settlement.INVERSE), "Deribit: index_price"),
        (
            lambda: extended_pnl(1, Fraction("0.1"), 1, BTC, Settlement.INVERSE),
            "Deribit: move",
        ),
        (lambda: portfolio_margin([], 0, BTC), "Deribit portfolio: index_price"),
        (
            lambda: portfolio_margin([PERPETUAL, PERPETUAL], 1, BTC),
            "Deribit portfolio: positions",
        ),
        (
            lambda: portfolio_margin([], 1, BTC, mmp_margin=-1),
            "Deribit portfolio: mmp_margin",
        ),
        (
            lambda: portfolio_margin([], 1, BTC, delta_shock=-1),
            "Deribit portfolio: delta_shock",
        ),
        (
            lambda: roll_shock(
                [Future("A", 1, expiry="E", roll_move=0), Future("B", 1, expiry="E")], 1, BTC
            ),
            "Deribit expiry E",
        ),
    ],
)
def test_refused(make, where):
    with pytest.raises(InputError) as error:
        make()
    assert error.value.where == where

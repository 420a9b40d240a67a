"""Cases of drift-labs/protocol-v2: programs/drift/src/math/margin/tests.rs and others, as named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.presets.drift import (
    BALANCE_PRECISION,
    IMF_PRECISION,
    INTEREST_PRECISION,
    SIZE_PRECISION,
    MarginType,
    SpotMarket,
    discount_start,
    largest_size_with_weight,
    size_discount_asset_weight,
    size_discount_tiers,
    size_premium_liability_weight,
)
from zkcollateral.risk.presets.drift_margin import (
    FillSimulation,
    SpotMargin,
    SpotPosition,
    is_liquidatable,
    spot_balance,
    spot_margin,
)

USD = 10**6
INITIAL, FILL, MAINTENANCE = MarginType.INITIAL, MarginType.FILL, MarginType.MAINTENANCE


# spot_market_scale_initial_asset_weight (worked case 16)
@pytest.mark.parametrize(
    ("tokens", "expected"), [(1, 9000), (20_000, 9000), (40_000, 4500), (60_000, 3000)]
)
def test_weight_scales_with_deposits(tokens: int, expected: int) -> None:
    market = SpotMarket(
        "SOL",
        9,
        9000,
        9000,
        11000,
        11000,
        scale_initial_asset_weight_start=500_000 * USD,
        deposit_balance=tokens * BALANCE_PRECISION,
    )
    assert market.scaled_initial_asset_weight(25 * USD) == expected
    assert market.asset_weight(1, 25 * USD, INITIAL) == expected
    assert market.asset_weight(1, 25 * USD, MAINTENANCE) == 9000
    assert market.asset_weight(1, 25 * USD, FILL) == (expected + 9000) // 2


# spot_market_asset_weight
@pytest.mark.parametrize(
    ("imf", "tokens", "asset", "liability"),
    [
        (0, 1_000, 9000, 11000),
        (10, 1_000, 9000, 11000),
        (10, 1_000_000_000, 8357, 11962),
        (10_000, 1_000, 8357, 11962),
        (100_000, 1_000, 2642, 40422),
    ],
)
def test_weights_by_size(imf: int, tokens: int, asset: int, liability: int) -> None:
    market = SpotMarket("X", 6, 9000, 9000, 11000, 11000, imf)
    amount = tokens * 10**6
    assert market.asset_weight(amount, USD, INITIAL) == asset
    assert market.liability_weight(amount, INITIAL) == liability
    assert size_discount_asset_weight(tokens * SIZE_PRECISION, imf, 9000) == asset


# spot_market_asset_weight: its second market, and its maintenance weight of 0
@pytest.mark.parametrize(
    ("imf", "kind", "expected"),
    [
        (0, INITIAL, 1500),
        (0, FILL, 4500),
        (0, MAINTENANCE, 7500),
        (100_000, INITIAL, 337),
        (100_000, FILL, 337),
        (100_000, MAINTENANCE, 337),
    ],
)
def test_weights_by_kind(imf: int, kind: MarginType, expected: int) -> None:
    market = SpotMarket("X", 6, 1500, 7500, 15000, 12500, imf)
    assert market.asset_weight(100_000 * 10**6, USD // 2, kind) == expected


def test_liability_weight_of_nothing_still_grows() -> None:
    size = 1_000 * SIZE_PRECISION
    assert size_premium_liability_weight(size, IMF_PRECISION // 10, 0) == 31622


def test_liability_weight_at_fill() -> None:
    market = SpotMarket("X", 6, 1500, 7500, 15000, 12500)
    assert market.liability_weight(1, FILL) == 13750


# sdk/tests/spot/test.ts, size premium via imf factor
@pytest.mark.parametrize(
    ("tokens", "imf", "expected"),
    [(200_000, 0, 11000), (200_000, 550, 11259), (10_000, 3_000, 11800), (100_000, 3_000, 18286)],
)
def test_size_premium(tokens: int, imf: int, expected: int) -> None:
    assert size_premium_liability_weight(tokens * SIZE_PRECISION, imf, 11000) == expected


# calculate_user_equity_value_tests: weight of unrealized profit, imf 1,000
@pytest.mark.parametrize(
    ("profit", "expected"),
    [
        (22699050905, 9559),
        (24282786896, 9516),
        (242827868960, 7368),
        (2428278689600, 4299),
        (24282786896000, 1855),
        (242827868960000, 663),
        (19426229516800000, 78),
        (100000000, 10000),
    ],
)
def test_weight_of_profit(profit: int, expected: int) -> None:
    assert size_discount_asset_weight(profit * 1000, 1_000, 10_000) == expected


# state/perp_market/tests.rs, new_hlm_imf_size: margin ratios of a perpetual
@pytest.mark.parametrize(
    ("tokens", "ratio", "expected"),
    [(1_000_000, 1_000, 1_300), (3_000, 50, 67), (300_000, 50, 313)],
)
def test_margin_ratio_of_a_perpetual(tokens: int, ratio: int, expected: int) -> None:
    assert size_premium_liability_weight(tokens * SIZE_PRECISION, 50, ratio) == expected
    unbounded = size_premium_liability_weight(0, 50, 1_000, bounded=False)
    assert unbounded == 800


USDC = SpotMarket("USDC", 6, 10_000, 10_000, 10_000, 10_000, quote=True)
SOL = SpotMarket("SOL", 9, 8_000, 9_000, 12_000, 11_000)


def deposit(market: SpotMarket, tokens: int, dollars: int, **other: int) -> SpotPosition:
    return SpotPosition(market, tokens * BALANCE_PRECISION, dollars * USD, **other)  # type: ignore[arg-type]


def borrow(market: SpotMarket, tokens: int, dollars: int, **other: int) -> SpotPosition:
    return replace(deposit(market, tokens, dollars, **other), is_borrow=True)


# usdc_deposit_and_5x_sol_bid, usdc_deposit_and_5x_sol_ask, sol_deposit_and_5x_sol_ask
@pytest.mark.parametrize(
    ("usdc", "sol", "bids", "asks", "requirement", "collateral"),
    [
        (10_000, 0, 500, 0, 50000010000, 50000000000),
        (10_000, 0, 0, -500, 60000010000, 60000000000),
        (0, 500, 0, -3_000, 300000010000, 300000000000),
    ],
)
def test_open_orders(
    usdc: int, sol: int, bids: int, asks: int, requirement: int, collateral: int
) -> None:
    positions = (
        deposit(USDC, usdc, 1),
        deposit(SOL, sol, 100, open_bids=bids * 10**9, open_asks=asks * 10**9, open_orders=1),
    )
    assert spot_margin(positions, INITIAL) == SpotMargin(collateral, requirement)


# user_custom_margin_ratio, without its perpetual position
@pytest.mark.parametrize(
    ("ratio", "expected"), [(20_000, 30_000), (10_000, 20_000), (5_000, 15_000), (0, 12_000)]
)
def test_custom_ratio_of_a_borrow(ratio: int, expected: int) -> None:
    positions = (deposit(USDC, 100, 1), borrow(SOL, 100, 100))
    assert spot_margin(positions, INITIAL, ratio).margin_requirement == expected * USD
    assert spot_margin(positions, MAINTENANCE).margin_requirement == 11_000 * USD


def test_custom_ratio_of_a_deposit() -> None:
    assert spot_margin((deposit(SOL, 100, 100),), INITIAL, 5_000) == SpotMargin(5_000 * USD, 0)


# margin_ratio_override: it counts at maintenance too; the case's perpetual is the other 100,000
def test_override_at_maintenance() -> None:
    margin = spot_margin((borrow(SOL, 100, 100),), MAINTENANCE, 100_000)
    assert margin.margin_requirement == 210_000 * USD - 100_000 * USD


# user_dust_deposit, user_dust_borrow
def test_dust() -> None:
    lost = replace(SOL, cumulative_deposit_interest=INTEREST_PRECISION // 99)
    dust = SpotPosition(lost, 1040, 100 * USD)
    assert dust.token_amount() == 10
    assert spot_margin((dust,), INITIAL, 20_000) == SpotMargin(0, 0)
    owed = SpotPosition(SOL, 1, 100 * USD, is_borrow=True)
    assert owed.token_amount() == -1
    assert spot_margin((owed,), INITIAL, 20_000) == SpotMargin(0, 3)
    assert spot_margin((replace(owed, price=100),), INITIAL, 20_000) == SpotMargin(0, 3)
    with pytest.raises(InputError, match="SOL: scaled_balance"):
        spot_margin((replace(dust, scaled_balance=98),), INITIAL)
    coarse = replace(USDC, cumulative_deposit_interest=1)
    with pytest.raises(InputError, match="USDC: scaled_balance"):
        spot_margin((SpotPosition(coarse, 1, USD),), INITIAL)


# strict_maintenance
def test_strict_prices() -> None:
    positions = (
        replace(deposit(USDC, 10_000, 1), twap=USD * 9 // 10),
        replace(borrow(SOL, 100, 100), twap=110 * USD),
    )
    assert spot_margin(positions, MAINTENANCE) == SpotMargin(9000000000, 12100000000)
    assert is_liquidatable(positions)
    assert not is_liquidatable((deposit(USDC, 11_000, 1), borrow(SOL, 100, 100)))


# usdc_less_than_1_with_deposit, usdc_more_than_1_with_borrow
@pytest.mark.parametrize(
    ("owed", "price", "twap", "expected"),
    [
        (False, 99, 100, 990_000),
        (False, 99, 95, 950_000),
        (False, 99, 101, 990_000),
        (True, 101, 100, 1_010_000),
        (True, 101, 102, 1_020_000),
        (True, 101, 99, 1_010_000),
    ],
)
def test_quote_off_its_peg(owed: bool, price: int, twap: int, expected: int) -> None:
    position = SpotPosition(USDC, BALANCE_PRECISION, price * 10_000, owed, twap * 10_000)
    margin = spot_margin((position,), INITIAL)
    assert margin == (SpotMargin(0, expected) if owed else SpotMargin(expected, 0))


def orders(tokens: int, owed: bool, bids: int, asks: int) -> SpotPosition:
    position = deposit(SOL, tokens, 100, open_bids=bids * 10**9, open_asks=asks * 10**9)
    return replace(position, is_borrow=owed, open_orders=1)


# state/user/tests.rs, get_worst_case_fill_simulation
@pytest.mark.parametrize(
    ("position", "twap", "expected"),
    [
        (orders(0, False, 1, 0), None, (1, -100, 100, 80, -20)),
        (orders(0, False, 1, 0), 110, (1, -110, 110, 88, -22)),
        (orders(0, False, 1, 0), 90, (1, -100, 100, 80, -20)),
        (orders(0, False, 0, -1), None, (-1, 100, -100, -120, -20)),
        (orders(0, False, 0, -1), 110, (-1, 110, -110, -132, -22)),
        (orders(2, False, 0, -1), None, (2, 0, 200, 160, 160)),
        (orders(2, False, 0, -1), 110, (2, 0, 200, 160, 160)),
        (orders(2, False, 0, -1), 90, (2, 0, 180, 144, 144)),
        (orders(1, False, 0, -2), None, (-1, 200, -100, -120, 80)),
        (orders(1, False, 0, -2), 110, (-1, 220, -120, -144, 76)),
        (orders(1, False, 0, -2), 90, (-1, 200, -110, -132, 68)),
        (orders(2, False, 1, 0), None, (3, -100, 300, 240, 140)),
        (orders(2, False, 1, 0), 110, (3, -110, 310, 248, 138)),
        (orders(2, False, 1, 0), 90, (3, -100, 280, 224, 124)),
        (orders(2, True, 1, 0), None, (-2, 0, -200, -240, -240)),
        (orders(2, True, 1, 0), 110, (-2, 0, -220, -264, -264)),
        (orders(2, True, 5, 0), None, (3, -500, 300, 240, -260)),
        (orders(2, True, 5, 0), 110, (3, -550, 330, 264, -286)),
        (orders(2, True, 0, -1), None, (-3, 100, -300, -360, -260)),
        (orders(2, True, 0, -1), 110, (-3, 110, -330, -396, -286)),
    ],
)
def test_worst_case_fill(
    position: SpotPosition, twap: int | None, expected: tuple[int, int, int, int, int]
) -> None:
    side = replace(position, twap=None if twap is None else twap * USD).worst_case(INITIAL)
    tokens, orders_value, value, weighted, free = expected
    assert side == FillSimulation(tokens * 10**9, orders_value * USD, value * USD, weighted * USD)
    assert side.free_collateral_contribution == free * USD


# math/spot_balance/tests.rs, bonk
def test_spot_balance() -> None:
    bonk = replace(USDC, decimals=5)
    balance = spot_balance(bonk, 10**5, is_borrow=False, round_up=False)
    assert bonk.token_amount(balance) == 10**5
    assert spot_balance(bonk, 10**5, is_borrow=True, round_up=True) == balance + 1
    assert spot_balance(bonk, 0, is_borrow=True, round_up=True) == 0


@given(
    balance=st.integers(0, 2**64 - 1),
    decimals=st.integers(0, 12),
    interest=st.integers(INTEREST_PRECISION, 3 * INTEREST_PRECISION),
)
def test_a_deposit_rounds_down_and_a_borrow_up(balance: int, decimals: int, interest: int) -> None:
    market = replace(
        SOL,
        decimals=decimals,
        cumulative_deposit_interest=interest,
        cumulative_borrow_interest=interest,
    )
    exact = Fraction(balance * interest, 10 ** (19 - decimals))
    assert market.token_amount(balance) <= exact <= market.token_amount(balance, True)
    assert market.token_amount(balance, True) - market.token_amount(balance) <= 1


def value_of(tiers: tuple[tuple[int, Fraction], ...], size: int) -> Fraction:
    ends = [start for start, _ in tiers[1:]] + [size]
    return sum(
        (factor * (min(size, end) - start)
         for (start, factor), end in zip(tiers, ends, strict=True)
         if size > start),
        Fraction(0),
    )  # fmt: skip


def drift_value(weight: int, imf: int, size: int) -> Fraction:
    return Fraction(size * size_discount_asset_weight(size, imf, weight), 10_000)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), weight=st.integers(1, 10_000), imf=st.integers(1, 10**6))
def test_tiers_never_exceed_the_program(data: st.DataObject, weight: int, imf: int) -> None:
    last = largest_size_with_weight(imf, 1)
    inside = st.integers(1, largest_size_with_weight(imf, 3))
    sizes = sorted(data.draw(st.sets(inside, min_size=1, max_size=6)))
    tiers = size_discount_tiers(weight, imf, sizes)
    starts, factors = zip(*tiers, strict=True)
    assert starts[0] == 0
    assert list(starts) == sorted(set(starts))
    assert list(factors) == sorted(set(factors), reverse=True)
    assert factors[0] <= Fraction(weight, 10_000)
    assert factors[-1] == 0
    # Just past a step of the weight the program's value is lowest.
    step = largest_size_with_weight(imf, data.draw(st.integers(1, weight)))
    anywhere = data.draw(st.integers(0, last))
    for size in (*sizes, step, min(step + 1, last), anywhere, last):
        assert value_of(tiers, size) <= drift_value(weight, imf, size)


@given(weight=st.integers(3, 10_000), imf=st.integers(1, 10**6), more=st.integers(1, 10**6))
def test_tiers_are_close(weight: int, imf: int, more: int) -> None:
    start = discount_start(weight, imf)
    end = start + 1 + start * more // 10**8
    tiers = size_discount_tiers(weight, imf, [start, end] if start else [end])
    if start:
        assert tiers[0] == (0, Fraction(weight, 10_000))
    # Two parts per 10,000: the program's rounding and the tiers' own; the root's rounding beside.
    least = Fraction(end * (size_discount_asset_weight(end, imf, weight) - 2), 10_000)
    assert value_of(tiers, end) >= least - end * Fraction(1, 10_000) - 1


def test_tiers_of_a_market() -> None:
    sizes = [discount_start(8_000, 1_000), 10**15, 10**16]
    tiers = size_discount_tiers(8_000, 1_000, sizes)
    assert [start for start, _ in tiers] == [0, *sizes]
    assert tiers[0][1] == Fraction(8, 10)
    # 0.55 of a million and 0.264277 of ten million tokens, each less 1 part per 10,000.
    first, later = float(tiers[1][1]), float(tiers[2][1])
    assert first == pytest.approx((549_900 - 0.8 * sizes[0] / 1e9) / (1e6 - sizes[0] / 1e9))
    assert later == pytest.approx((1.1e7 / (1 + 10**0.5) - 1_000 - 549_900) / 9e6)


def test_tiers_without_discount() -> None:
    assert size_discount_tiers(8_000, 0, []) == ((0, Fraction(4, 5)),)
    assert size_discount_tiers(0, 1_000, [10]) == ((0, Fraction(0)),)


# The program's own value is not concave: it falls by x/10,000 where the weight loses a step.
def test_the_rounded_value_is_not_concave() -> None:
    step = largest_size_with_weight(1_000, 7_000)
    assert size_discount_asset_weight(step, 1_000, 8_000) == 7_000
    assert size_discount_asset_weight(step + 1, 1_000, 8_000) == 6_999
    assert drift_value(8_000, 1_000, step + 1) < drift_value(8_000, 1_000, step)


@given(imf=st.integers(1, 10**6), weight=st.integers(1, 10_000))
def test_largest_size_is_exact(imf: int, weight: int) -> None:
    size = largest_size_with_weight(imf, weight)
    assert size_discount_asset_weight(size, imf, 10_000) >= weight
    assert size_discount_asset_weight(size + 1, imf, 10_000) < weight


@pytest.mark.parametrize(
    ("weight", "imf", "sizes", "names"),
    [
        (10_001, 1_000, [1], "weight"),
        (8_000, -1, [1], "imf_factor"),
        (8_000, 10**6 + 1, [1], "imf_factor"),
        (8_000, 1_000, [], "sizes"),
        (8_000, 1_000, [0], "sizes"),
        (8_000, 1_000, [5, 5], "sizes"),
        (8_000, 1_000, [6, 5], "sizes"),
        (8_000, 1_000, [1.5], "sizes"),
        (8_000, 10**6, [largest_size_with_weight(10**6, 1)], "sizes"),
    ],
)
def test_tiers_refused(weight: int, imf: int, sizes: list[int], names: str) -> None:
    with pytest.raises(InputError, match=names):
        size_discount_tiers(weight, imf, sizes)


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda: replace(SOL, name=""), "name"),
        (lambda: replace(SOL, decimals=20), "SOL: decimals"),
        (lambda: replace(SOL, initial_asset_weight=9_001), "SOL: initial_asset_weight"),
        (lambda: replace(SOL, maintenance_asset_weight=10_001), "maintenance_asset_weight"),
        (lambda: replace(SOL, maintenance_asset_weight=0), "maintenance_asset_weight"),
        (lambda: replace(SOL, maintenance_liability_weight=9_999), "maintenance_liability_weight"),
        (lambda: replace(SOL, initial_liability_weight=10_999), "initial_liability_weight"),
        (lambda: replace(SOL, imf_factor=10**6), "imf_factor"),
        (lambda: replace(SOL, imf_factor=0.1), "imf_factor"),
        (lambda: replace(USDC, initial_liability_weight=10_001), "initial_liability_weight"),
        (lambda: replace(USDC, initial_asset_weight=9_999), "initial_asset_weight"),
        (lambda: replace(SOL, cumulative_deposit_interest=0), "cumulative_deposit_interest"),
        (lambda: SpotPosition("SOL", 1, 1), "SpotMarket"),  # type: ignore[arg-type]
        (lambda: SpotPosition(SOL, -1, 1), "SOL: scaled_balance"),
        (lambda: SpotPosition(SOL, 1, 0), "SOL: price"),
        (lambda: SpotPosition(SOL, 1, 1, twap=0), "SOL: twap"),
        (lambda: SpotPosition(SOL, 1, 1, open_bids=-1), "SOL: open_bids"),
        (lambda: SpotPosition(SOL, 1, 1, open_asks=1), "SOL: open_asks"),
        (lambda: SpotPosition(SOL, 1, 1, open_orders=256), "SOL: open_orders"),
        (lambda: spot_margin((deposit(SOL, 1, 1),) * 2, INITIAL), "SOL"),
        (lambda: spot_margin((deposit(USDC, 1, 1, open_orders=1),), INITIAL), "USDC"),
        (lambda: spot_margin((), INITIAL, -1), "custom_margin_ratio"),
        (lambda: SOL.scaled_initial_asset_weight(0), "SOL: price"),
        (lambda: SOL.asset_weight(-1, 1, INITIAL), "SOL: amount"),
        (lambda: size_discount_asset_weight(-1, 1, 1), "size"),
        (lambda: size_premium_liability_weight(1, 10**6 + 1, 1), "imf_factor"),
        (lambda: size_premium_liability_weight(1, 1, 1, 0), "precision"),
        (lambda: largest_size_with_weight(0, 1), "imf_factor"),
        (lambda: discount_start(0, 1), "weight"),
    ],
)
def test_refusals(build: Callable[[], object], names: str) -> None:
    with pytest.raises(InputError, match=names):
        build()

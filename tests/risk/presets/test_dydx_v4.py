"""Cases of dydxprotocol/v4-chain: protocol/x/perpetuals, x/subaccounts and lib/margin tests."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.presets.dydx_risk import (
    Risk,
    UpdateResult,
    undercollateralized_transition,
    update_result,
)
from zkcollateral.risk.presets.dydx_v4 import (
    LiquidityTier,
    Perpetual,
    Position,
    Subaccount,
    is_liquidatable,
    position_risk,
    subaccount_risk,
)

FREE = LiquidityTier(0, 0)
TIER_20_10 = LiquidityTier(200_000, 500_000)
TIER_50_40 = LiquidityTier(500_000, 800_000)


def btc(tier: LiquidityTier) -> Perpetual:
    return Perpetual("BTC-USD", -8, 5_000_000_000, -5, tier)


def eth(tier: LiquidityTier) -> Perpetual:
    return Perpetual("ETH-USD", -9, 3_000_000_000, -6, tier)


# liquidity_tier_test.go, TestLiquidityTierGetMaintenanceMarginPpm
@pytest.mark.parametrize(
    ("initial", "fraction", "expected"),
    [
        (150_000, 800_000, 120_000),
        (450_000, 770_000, 346_500),
        (637_239, 289_284, 184_343),
        (1_000_000, 1_000_000, 1_000_000),
        (0, 1_000_000, 0),
        (1_000_000, 0, 0),
    ],
)
def test_maintenance_margin_ppm(initial: int, fraction: int, expected: int) -> None:
    assert LiquidityTier(initial, fraction).maintenance_margin_ppm() == expected


# liquidity_tier_test.go, TestLiquidityTierGetMaxAbsFundingClampPpm
@pytest.mark.parametrize(
    ("clamp", "initial", "fraction", "expected"),
    [
        (6_000_000, 150_000, 800_000, 180_000),
        (6_000_000, 450_000, 1_000_000, 0),
        (3_000_000, 1_000_000, 0, 3_000_000),
        (2**32 - 1, 1_000_000, 0, 2**32 - 1),
        (423_978_721, 745_345, 564_947, 137_481_459),
    ],
)
def test_funding_clamp(clamp: int, initial: int, fraction: int, expected: int) -> None:
    assert LiquidityTier(initial, fraction).max_abs_funding_clamp_ppm(clamp) == expected


# liquidity_tier_test.go, TestGetInitialMarginQuoteQuantums (worked case 9 is the fourth)
@pytest.mark.parametrize(
    ("initial", "lower", "upper", "open_notional", "notional", "expected"),
    [
        (200_000, 0, 0, 0, 500_000, 100_000),
        (500_000, 0, 0, 0, 1_000_000, 500_000),
        (100_000, 0, 0, 0, 1, 1),
        (567_243, 0, 0, 0, 123_456, 70_030),
        (200_000, 0, 0, 1_500_000_000_000, 500_000, 100_000),
        (200_000, 10**12, 2 * 10**12, 15 * 10**11, 500_000, 300_000),
        (200_000, 25 * 10**12, 50 * 10**12, 80 * 10**12, 500_000, 500_000),
        (200_000, 25 * 10**12, 50 * 10**12, 25 * 10**12, 500_000, 100_000),
        (200_000, 25 * 10**12, 60 * 10**12, 28_123_456_789_123, 500_000, 135_697),
    ],
)
def test_initial_margin(
    initial: int, lower: int, upper: int, open_notional: int, notional: int, expected: int
) -> None:
    tier = LiquidityTier(initial, 0, lower, upper)
    assert tier.initial_margin(notional, open_notional) == expected


# liquidity_tier_test.go, TestGetAdjustedInitialMarginPpm (worked case 9 is 1,234,567)
@pytest.mark.parametrize(
    ("lower", "upper", "open_notional", "expected"),
    [
        (1_000_000, 2_000_000, 0, 200_000),
        (1_000_000, 2_000_000, 1_500_000, 600_000),
        (1_000_000, 2_000_000, 1_234_567, 387_653),
        (1_000_000, 2_000_000, 1_000_000, 200_000),
        (1_000_000, 2_000_000, 2_000_000, 1_000_000),
        (1_000_000, 2_000_000, 2_500_000, 1_000_000),
        (0, 0, 1_500_000, 200_000),
    ],
)
def test_adjusted_initial_margin(lower: int, upper: int, open_notional: int, expected: int) -> None:
    tier = LiquidityTier(200_000, 0, lower, upper)
    assert tier.adjusted_initial_margin_ppm(open_notional) == expected


# liquidity_tier_test.go, TestLiquidityTierValidate
@pytest.mark.parametrize(
    ("field", "value", "names"),
    [
        ("initial_margin_ppm", 1_000_001, "initial_margin_ppm"),
        ("maintenance_fraction_ppm", 1_000_001, "maintenance_fraction_ppm"),
        ("impact_notional", 0, "impact_notional"),
        ("open_interest_lower_cap", 1_000_000, "open_interest_lower_cap"),
        ("initial_margin_ppm", 0.1, "initial_margin_ppm"),
        ("initial_margin_ppm", -1, "initial_margin_ppm"),
        ("open_interest_upper_cap", 2**64, "open_interest_upper_cap"),
    ],
)
def test_tier_refuses(field: str, value: int, names: str) -> None:
    with pytest.raises(InputError, match=names):
        replace(LiquidityTier(150_000, 800_000, 0, 500_000), **{field: value})


# lib_test.go, TestGetMarginRequirementsInQuoteQuantums_2 (worked case 10 is 25% of 60%)
@pytest.mark.parametrize(
    ("price", "exponent", "resolution", "quantums", "initial", "fraction", "expected"),
    [
        (55_550, -1, -4, 7_000, 10_000, 500_000, (38_885_000, 19_442_500)),
        (42_000_000, -2, -6, -5_000, 10_000, 500_000, (21_000_000, 10_500_000)),
        (55_550, -1, -6, 7_000, 1_000_000, 1_000_000, (38_885_000, 38_885_000)),
        (55_550, -1, -6, 7_000, 10_000, 1_000_000, (388_850, 388_850)),
        (55_550, -1, -6, 7_000, 0, 1_000_000, (0, 0)),
        (2**64 - 1, -1, -6, 2**64 - 1, 100, 1_000_000, (3402823669209384634264811192843492,) * 2),
        (55_550, -1, -6, 7_000, 10_000, 500_000, (388_850, 194_425)),
        (367_500, -1, -6, 12_000, 200_000, 500_000, (88_200_000, 44_100_000)),
        (1_234_560, -1, -6, 74_523, 50_000, 600_000, (460_015_575, 276_009_345)),
        (1_234_560, -1, -6, 74_523, 250_000, 600_000, (2_300_077_872, 1_380_046_724)),
    ],
)
def test_margin_requirements(
    price: int,
    exponent: int,
    resolution: int,
    quantums: int,
    initial: int,
    fraction: int,
    expected: tuple[int, int],
) -> None:
    perpetual = Perpetual("X", resolution, price, exponent, LiquidityTier(initial, fraction))
    assert perpetual.margin_requirements(quantums) == expected


# lib_test.go, TestGetMarginRequirementsInQuoteQuantums_2, the cases of scaled open interest
@pytest.mark.parametrize(
    ("open_interest", "lower", "upper", "expected"),
    [
        (408_163_265, 10 * 10**12, 20 * 10**12, 264_599_559),
        (1_000_000_000, 10 * 10**12, 20 * 10**12, 441_000_000),
        (1_123_456_789, 25 * 10**12, 50 * 10**12, 318_042_585),
    ],
)
def test_margin_with_open_interest(
    open_interest: int, lower: int, upper: int, expected: int
) -> None:
    tier = LiquidityTier(200_000, 500_000, lower, upper)
    perpetual = Perpetual("X", -6, 367_500, -1, tier, open_interest)
    # The maintenance margin stays that of the base fraction.
    assert perpetual.margin_requirements(12_000) == (expected, 44_100_000)


# lib_test.go, TestGetMarginRequirementsInQuoteQuantums
@pytest.mark.parametrize("quantums", [1, -1])
def test_margin_of_a_positive_resolution(quantums: int) -> None:
    plain = Perpetual("X", 4, 123_456_789_123, -5, TIER_20_10, 10**12)
    assert plain.margin_requirements(quantums) == (2469135782460000, 1234567891230000)
    scaled = replace(plain, tier=LiquidityTier(200_000, 500_000, 10**12, 2 * 10**12))
    assert scaled.margin_requirements(quantums) == (12345678912300000, 1234567891230000)
    assert plain.margin_requirements(0) == (0, 0)


# lib_test.go, TestGetNetNotionalInQuoteQuantums
@pytest.mark.parametrize(
    ("quantums", "expected"), [(0, 0), (10**12, 123_456_789), (-(10**12), -123_456_789)]
)
def test_net_notional(quantums: int, expected: int) -> None:
    perpetual = Perpetual("X", -16, 123_456_789_123, -5, TIER_20_10)
    assert perpetual.net_notional(quantums) == expected
    balance = 10**12
    risk = subaccount_risk(Subaccount(0, (Position(perpetual, quantums, 0, balance),)))
    assert risk == replace(position_risk(perpetual, quantums), net_collateral=expected + balance)


# lib_test.go, TestGetSettlementPpmWithPerpetual
@pytest.mark.parametrize(
    ("market_index", "quantums", "index", "expected"),
    [
        (4_000_000_000, 1_000_000, 4_000_000_000, 0),
        (123_456_789_123, 1_000_000, 100_000_000_000, -23_456_789_123_000_000),
        (123_456_789_123, -1_000_000, 100_000_000_000, 23_456_789_123_000_000),
        (-123_456_789_123, 1_000_000, -100_000_000_000, 23_456_789_123_000_000),
        (-123_456_789_123, -1_000_000, -100_000_000_000, -23_456_789_123_000_000),
        (100, 30_000, -100, -6_000_000),
        (0, 10_000_000, 100, 1_000_000_000),
        (-50, -5_000_000, 100, -750_000_000),
    ],
)
def test_settlement(market_index: int, quantums: int, index: int, expected: int) -> None:
    perpetual = Perpetual("X", -8, 1, 0, FREE, 0, market_index)
    assert perpetual.settlement_ppm(quantums, index) == expected


ONE_BTC, ONE_ETH = 100_000_000, 1_000_000_000


# subaccount_test.go, TestGetNetCollateralAndMarginRequirements (with its updates applied)
@pytest.mark.parametrize(
    ("usdc", "positions", "expected"),
    [
        (123_456, (), (123_456, 0, 0)),
        (-123_456, (), (-123_456, 0, 0)),
        (10_000_000_001, (Position(btc(FREE), ONE_BTC),), (60_000_000_001, 0, 0)),
        (10_000_000_001, (Position(btc(FREE), ONE_BTC, 62500),), (60_006_250_001, 0, 0)),
        (-10_000_000_001, (Position(btc(FREE), -ONE_BTC, 62500),), (-60_006_250_001, 0, 0)),
        (
            1_000_000,
            (Position(btc(TIER_50_40), -2 * ONE_BTC), Position(eth(TIER_20_10), ONE_ETH // 4)),
            (-99_249_000_000, 50_150_000_000, 40_075_000_000),
        ),
        (
            1_000_000,
            (Position(btc(TIER_50_40), -ONE_BTC), Position(eth(TIER_20_10), 750_000_000)),
            (-47_749_000_000, 25_450_000_000, 20_225_000_000),
        ),
    ],
)
def test_subaccount_risk(
    usdc: int, positions: tuple[Position, ...], expected: tuple[int, int, int]
) -> None:
    assert subaccount_risk(Subaccount(usdc, positions)) == Risk(*expected)


# liquidations_test.go, TestIsLiquidatable
@pytest.mark.parametrize(
    ("dollars", "quantums", "expected"),
    [
        (1, 0, False),
        (-1, 0, False),
        (-4_000, 10_000_000, False),
        (-4_500, 10_000_000, False),
        (-4_501, 10_000_000, True),
    ],
)
def test_is_liquidatable(dollars: int, quantums: int, expected: bool) -> None:
    positions = (Position(btc(TIER_20_10), quantums),) if quantums else ()
    assert is_liquidatable(Subaccount(dollars * 10**6, positions)) is expected


# risk_test.go, TestRisk_IsInitialCollateralized, _IsMaintenanceCollateralized, _IsLiquidatable
@pytest.mark.parametrize(
    ("collateral", "margin", "covered", "liquidatable"),
    [
        (200, 100, True, False),
        (100, 100, True, False),
        (75, 100, False, True),
        (0, 0, True, False),
        (0, 100, False, True),
        (-100, 0, False, False),
        (-100, 100, False, True),
    ],
)
def test_risk(collateral: int, margin: int, covered: bool, liquidatable: bool) -> None:
    risk = Risk(collateral, margin, margin)
    assert risk.is_initial_collateralized() is covered
    assert risk.is_maintenance_collateralized() is covered
    assert risk.is_liquidatable() is liquidatable


# risk_test.go, TestRisk_Cmp
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((100, 50), (100, 100), -1),
        ((100, 50), (0, 100), -1),
        ((-100, 150), (-100, 100), -1),
        ((0, 150), (100, 100), 1),
        ((-100, 50), (-100, 100), 1),
        ((100, 0), (100, 100), -1),
        ((100, 100), (100, 0), 1),
        ((100, 100), (100, 100), 0),
        ((100, 50), (200, 100), -1),
        ((0, 50), (0, 100), -1),
        ((0, 0), (200, 100), -1),
        ((100, 50), (0, 0), 1),
        ((100, 0), (200, 0), 1),
    ],
)
def test_compare(first: tuple[int, int], second: tuple[int, int], expected: int) -> None:
    a, b = Risk(first[0], 0, first[1]), Risk(second[0], 0, second[1])
    assert (a.compare(b), b.compare(a)) == (expected, -expected)


# updates_test.go, TestIsValidStateTransitionForUndercollateralizedSubaccount_ZeroMarginRequirements
@pytest.mark.parametrize(
    ("current", "new", "allowed"),
    [
        ((-1, 0, 0), (-2, 1), False),
        ((-1, 0, 0), (100, 1), False),
        ((-1, 0, 0), (-1, 0), False),
        ((-1, 0, 0), (-2, 0), False),
        ((-2, 0, 0), (-1, 0), True),
        ((-2, 1, 1), (-1, 0), False),
    ],
)
def test_transition(current: tuple[int, int, int], new: tuple[int, int], allowed: bool) -> None:
    result = undercollateralized_transition(Risk(*current), Risk(new[0], 0, new[1]))
    expected = UpdateResult.SUCCESS if allowed else UpdateResult.STILL_UNDERCOLLATERALIZED
    assert result is expected


def test_update_result_of_a_covered_account() -> None:
    covered = Risk(100, 100, 50)
    assert update_result(covered, Risk(99, 99, 50)) is UpdateResult.SUCCESS
    newly = UpdateResult.NEWLY_UNDERCOLLATERALIZED
    assert update_result(covered, Risk(99, 100, 50)) is newly
    assert update_result(Risk(40, 100, 50), Risk(30, 60, 30)) is UpdateResult.SUCCESS
    assert update_result(Risk(40, 100, 50), Risk(-1, 2, 1)) is (
        UpdateResult.STILL_UNDERCOLLATERALIZED
    )


@given(
    quantums=st.integers(-(10**20), 10**20),
    price=st.integers(1, 2**64 - 1),
    shift=st.integers(-12, 6),
    initial=st.integers(0, 10**6),
    fraction=st.integers(0, 10**6),
)
def test_margins_are_within_two_quantums_of_exact(
    quantums: int, price: int, shift: int, initial: int, fraction: int
) -> None:
    perpetual = Perpetual("X", shift - 6, price, 0, LiquidityTier(initial, fraction))
    notional = abs(perpetual.net_notional(quantums))
    margin, maintenance = perpetual.margin_requirements(quantums)
    assert 0 <= margin * 10**6 - notional * initial < 10**6
    assert 0 <= maintenance * 10**12 - notional * initial * fraction < 2 * 10**12
    assert maintenance <= margin


@given(quantums=st.integers(0, 10**30), price=st.integers(1, 10**12), shift=st.integers(-12, 6))
def test_back_to_base_never_gains(quantums: int, price: int, shift: int) -> None:
    perpetual = Perpetual("X", shift - 6, price, 0, FREE)
    assert perpetual.notional_in_base_quantums(perpetual.net_notional(quantums)) <= quantums


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ticker", ""),
        ("price", 0),
        ("price", -5),
        ("price", float("nan")),
        ("price", 2**64),
        ("open_interest", -1),
        ("atomic_resolution", 2**31),
        ("price_exponent", True),
        ("tier", None),
    ],
)
def test_perpetual_refuses(field: str, value: object) -> None:
    with pytest.raises(InputError, match=field):
        replace(btc(TIER_20_10), **{field: value})  # type: ignore[arg-type]


def test_custom_fraction_counts_where_it_is_larger() -> None:
    position = Position(btc(TIER_20_10), 10_000_000, custom_imf_ppm=300_000)
    assert subaccount_risk(Subaccount(0, (position,))) == Risk(5 * 10**9, 15 * 10**8, 5 * 10**8)
    with pytest.raises(InputError, match="custom_imf_ppm"):
        replace(position, custom_imf_ppm=199_999)
    with pytest.raises(InputError, match="custom_imf_ppm"):
        replace(position, custom_imf_ppm=1_000_001)


def test_refused_inputs_name_their_place_and_no_amount() -> None:
    with pytest.raises(InputError, match="BTC-USD: quantums") as caught:
        Position(btc(FREE), 1.5)  # type: ignore[arg-type]
    assert "1.5" not in str(caught.value)
    with pytest.raises(InputError, match="usdc"):
        Subaccount("1")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="BTC-USD"):
        Subaccount(0, (Position(btc(FREE), 1), Position(btc(FREE), 2)))
    with pytest.raises(InputError, match="Perpetual"):
        Position("BTC-USD", 1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="maintenance_margin"):
        Risk(0, 0, -1)

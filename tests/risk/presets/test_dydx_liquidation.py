"""Cases of v4-chain: protocol/x/clob/keeper/liquidations_test.go and deleveraging_test.go."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.presets.dydx_deleveraging import (
    Deleveraging,
    deleverage,
    deleveraging,
    deleveraging_quote_quantums,
    is_valid_insurance_fund_delta,
)
from zkcollateral.risk.presets.dydx_liquidation import (
    BlockLiquidations,
    ClobPair,
    LiquidationOrder,
    LiquidationsConfig,
    bankruptcy_price,
    fillable_price,
    insurance_fund_delta,
    liquidatable_size_delta,
    liquidate,
    liquidation_order,
    position_notional_limits,
)
from zkcollateral.risk.presets.dydx_v4 import (
    LiquidityTier,
    Perpetual,
    Position,
    Subaccount,
    subaccount_risk,
)

TIER = LiquidityTier(200_000, 500_000)
BTC = Perpetual("BTC", -8, 5_000_000_000, -5, TIER)
ETH = Perpetual("ETH", -9, 3_000_000_000, -6, TIER)
PAIR = ClobPair(5, 5, -8)  # testutil/constants/clob_pair.go, ClobPair_Btc
DEFAULT = LiquidationsConfig()
NO_LIMIT = LiquidationsConfig(
    min_position_notional_liquidated=1,
    max_notional_liquidated=2**64 - 1,
    max_quantums_insurance_lost=2**64 - 1,
)
ONE_BTC = 100_000_000


def account(dollars: int, btc: int = 0, eth: int = 0) -> Subaccount:
    positions = [Position(p, q) for p, q in ((BTC, btc), (ETH, eth)) if q]
    return Subaccount(dollars * 10**6, tuple(positions))


# TestGetBankruptcyPriceInQuoteQuantums
@pytest.mark.parametrize(
    ("subaccount", "ticker", "delta", "expected"),
    [
        (account(-4_501, 10_000_000), "BTC", -10_000_000, 4_501_000_000),
        (account(5_499, -10_000_000), "BTC", 10_000_000, -5_499_000_000),
        (account(-5_000, 10_000_000), "BTC", -10_000_000, 5_000_000_000),
        (account(-5_000, 10_000_000), "BTC", -5_000_000, 2_500_000_000),
        (account(5_000, -10_000_000), "BTC", 5_000_000, -2_500_000_000),
        (account(-5_100, 10_000_000), "BTC", -10_000_000, 5_100_000_000),
        (account(4_900, -10_000_000), "BTC", 10_000_000, -4_900_000_000),
        (account(-490, 400_000, 100_000_000), "ETH", -100_000_000, 294_000_000),
        (account(510, -400_000, -100_000_000), "ETH", 100_000_000, -306_000_000),
        (account(110, 400_000, -100_000_000), "ETH", 100_000_000, -306_000_000),
        (account(-13, ONE_BTC), "BTC", -21_347, 2_776),
        (account(13, -ONE_BTC), "BTC", 21_347, -2_775),
        (account(1, ONE_BTC), "BTC", -ONE_BTC, -1_000_000),
    ],
)
def test_bankruptcy_price(subaccount: Subaccount, ticker: str, delta: int, expected: int) -> None:
    assert bankruptcy_price(subaccount, ticker, delta) == expected


@pytest.mark.parametrize(
    ("subaccount", "delta"),
    [
        (account(-4_501, ONE_BTC), 0),
        (account(-4_501), -10_000_000),
        (account(-4_501, ONE_BTC), 10_000_000),
        (account(-4_501, ONE_BTC), -100_000_001),
        (account(-4_501, ONE_BTC), -1.0),
    ],
)
def test_size_delta_refused(subaccount: Subaccount, delta: int) -> None:
    with pytest.raises(InputError, match="BTC: size delta"):
        bankruptcy_price(subaccount, "BTC", delta)
    with pytest.raises(InputError, match="BTC: size delta"):
        fillable_price(subaccount, "BTC", delta, DEFAULT)


# TestGetFillablePrice
@pytest.mark.parametrize(
    ("subaccount", "ticker", "delta", "changes", "expected"),
    [
        (account(-4_501, 10_000_000), "BTC", -10_000_000, {}, Fraction(49_999, 100)),
        (
            account(-4_501, 10_000_000),
            "BTC",
            -10_000_000,
            {"bankruptcy_adjustment_ppm": 2_000_000},
            Fraction(49_998, 100),
        ),
        (
            account(-4_501, 10_000_000),
            "BTC",
            -10_000_000,
            {"spread_to_maintenance_margin_ratio_ppm": 200_000},
            Fraction(49_998, 100),
        ),
        (account(5_499, -10_000_000), "BTC", 10_000_000, {}, Fraction(50_001, 100)),
        (
            account(5_499, -10_000_000),
            "BTC",
            10_000_000,
            {"bankruptcy_adjustment_ppm": 2_000_000},
            Fraction(50_002, 100),
        ),
        (account(-5_000, 10_000_000), "BTC", -10_000_000, {}, Fraction(495)),
        (account(-5_000, 10_000_000), "BTC", -5_000_000, {}, Fraction(495)),
        (account(5_000, -10_000_000), "BTC", 10_000_000, {}, Fraction(505)),
        (account(-5_500, 10_000_000), "BTC", -10_000_000, {}, Fraction(495)),
        (account(4_500, -10_000_000), "BTC", 10_000_000, {}, Fraction(505)),
        (account(-490, 400_000, 100_000_000), "ETH", -100_000_000, {}, Fraction(372, 125)),
        (
            account(-4_501, 10_000_000),
            "BTC",
            -10_000_000,
            {"bankruptcy_adjustment_ppm": 2**32 - 1},
            Fraction(495),
        ),
        (
            account(-4_501, 10_000_000),
            "BTC",
            -10_000_000,
            {"spread_to_maintenance_margin_ratio_ppm": 1},
            Fraction(4_999_999_999, 10_000_000),
        ),
        (
            account(-4_501, 10_000_000),
            "BTC",
            -10_000_000,
            {"spread_to_maintenance_margin_ratio_ppm": 1_000_000},
            Fraction(49_990, 100),
        ),
    ],
)
def test_fillable_price(
    subaccount: Subaccount, ticker: str, delta: int, changes: dict[str, int], expected: Fraction
) -> None:
    config = replace(NO_LIMIT, **changes)
    assert fillable_price(subaccount, ticker, delta, config) == expected


# TestGetLiquidationInsuranceFundDelta
@pytest.mark.parametrize(
    ("dollars", "is_buy", "subticks", "fee", "expected"),
    [
        (-5_100, False, 56_100_000_000, 5_000, 28_050_000),
        (-5_100, False, 56_100_000_000, 25_000, 140_250_000),
        (-5_100, False, 56_100_000_000, 1_000_000, 510_000_000),
        (4_900, True, 44_100_000_000, 5_000, 22_050_000),
        (4_900, True, 44_100_000_000, 25_000, 110_250_000),
        (4_900, True, 44_100_000_000, 1_000_000, 490_000_000),
        (-5_100, False, 51_051_000_000, 5_000, 5_100_000),
        (4_900, True, 48_951_000_000, 5_000, 4_900_000),
        (-5_100, False, 51_000_000_000, 5_000, 0),
        (4_900, True, 49_000_000_000, 5_000, 0),
        (-5_100, False, 50_490_000_000, 5_000, -51_000_000),
        (4_900, True, 49_490_000_000, 5_000, -49_000_000),
        (4_900, True, 1, 5_000, 0),
    ],
)
def test_insurance_fund_delta(
    dollars: int, is_buy: bool, subticks: int, fee: int, expected: int
) -> None:
    subaccount = account(dollars, -10_000_000 if is_buy else 10_000_000)
    config = replace(DEFAULT, max_liquidation_fee_ppm=fee)
    got = insurance_fund_delta(subaccount, "BTC", 10_000_000, is_buy, subticks, PAIR, config)
    assert got == expected


def test_insurance_fund_delta_refuses_no_fill() -> None:
    with pytest.raises(InputError, match="fill amount"):
        insurance_fund_delta(account(4_900, -1), "BTC", 0, True, 1, PAIR, DEFAULT)


# TestConvertFillablePriceToSubticks
@pytest.mark.parametrize(
    ("price", "is_long", "pair", "expected"),
    [
        (5 * 10**9, True, PAIR, 500_000_000_000_000_000),
        (5 * 10**9, False, PAIR, 500_000_000_000_000_000),
        (7, True, ClobPair(1, 100, 1), 100),
        (197, True, ClobPair(1, 100, 1), 100),
        (0, True, ClobPair(1, 100, 1), 100),
        (10**22, True, ClobPair(1, 100, 1), 18_446_744_073_709_551_600),
    ],
)
def test_subticks(price: int, is_long: bool, pair: ClobPair, expected: int) -> None:
    assert pair.subticks(Fraction(price), is_long) == expected


def test_subticks_round_against_the_liquidated() -> None:
    pair = ClobPair(1, 100, 0)
    assert pair.subticks(Fraction(40_001, 100), True) == 500
    assert pair.subticks(Fraction(49_999, 100), False) == 400
    with pytest.raises(InputError, match="fillable price"):
        pair.subticks(Fraction(-1), True)


def limits(least: int, portion: int, notional: int = 2**64 - 1) -> LiquidationsConfig:
    return replace(
        NO_LIMIT,
        min_position_notional_liquidated=least,
        max_position_portion_liquidated_ppm=portion,
        max_notional_liquidated=notional,
    )


# TestGetPerpetualPositionToLiquidate
@pytest.mark.parametrize(
    ("size", "step", "config", "expected"),
    [
        (10_000_000, 5, NO_LIMIT, -10_000_000),
        (10_000_000, 5, limits(10_000_000_000, 1_000_000), -10_000_000),
        (10_000_000, 5, limits(1_000, 500_000), -5_000_000),
        (5, 10, limits(1, 100_000), -5),
        (140, 5, limits(1, 100_000), -10),
        (20, 5, limits(1, 100_000), -5),
        (10_000_000, 5, limits(1, 1_000_000, 10_000_000_000), -10_000_000),
        (10_000_000, 5, limits(1, 1_000_000, 2_500_000_000), -5_000_000),
        (10_000_000, 5, limits(1_000, 500_000, 2_000_000_000), -4_000_000),
        (10_000_000, 5, limits(1_000, 400_000, 2_500_000_000), -4_000_000),
        (21, 3, limits(1_000, 500_000), -9),
        (-ONE_BTC, 5, NO_LIMIT, ONE_BTC),
        (-10_000_000, 5, limits(1_000, 500_000), 5_000_000),
        (-10_000_000, 5, limits(1, 1_000_000, 2_500_000_000), 5_000_000),
    ],
)
def test_size_delta(size: int, step: int, config: LiquidationsConfig, expected: int) -> None:
    pair = replace(PAIR, step_base_quantums=step)
    assert liquidatable_size_delta(account(0, size), "BTC", pair, config) == expected


# TestGetPerpetualPositionToLiquidate, the largest positions
@pytest.mark.parametrize("sign", [1, -1])
def test_size_delta_of_the_largest_position(sign: int) -> None:
    pair = ClobPair(1000, 1000, -9)
    subaccount = account(0, 0, sign * (2**64 - 1))
    delta = liquidatable_size_delta(subaccount, "ETH", pair, NO_LIMIT)
    assert delta == -sign * 6148914691236517000


# TestGetMaxAndMinPositionNotionalLiquidatable
@pytest.mark.parametrize(
    ("size", "least", "portion", "expected"),
    [
        (ONE_BTC, 100, 1_000_000, (100, 50_000_000_000)),
        (ONE_BTC, 100, 500_000, (100, 25_000_000_000)),
        (10_000, 10_000_000, 1_000_000, (5_000_000, 5_000_000)),
    ],
)
def test_notional_limits(size: int, least: int, portion: int, expected: tuple[int, int]) -> None:
    assert position_notional_limits(Position(BTC, size), limits(least, portion)) == expected


# TestGetMaxLiquidatableNotionalAndInsuranceLost
def test_block_limits() -> None:
    config = replace(DEFAULT, max_notional_liquidated=150, max_quantums_insurance_lost=150)
    block = BlockLiquidations(100, 100, ("ETH",))
    assert block.max_notional_liquidatable(config, "BTC") == 50
    assert block.max_insurance_lost(config, "BTC") == 50
    with pytest.raises(InputError, match="once a block"):
        block.max_notional_liquidatable(config, "ETH")
    with pytest.raises(InputError, match="once a block"):
        block.max_insurance_lost(config, "ETH")
    with pytest.raises(InputError, match="notional left"):
        block.max_notional_liquidatable(replace(config, max_notional_liquidated=50), "BTC")
    with pytest.raises(InputError, match="insurance left"):
        block.max_insurance_lost(replace(config, max_quantums_insurance_lost=50), "BTC")


# TestMaybeGetLiquidationOrder: Dave_Num0_1BTC_Long_46000USD_Short, Carl_Num0_1BTC_Short is not
def test_order_and_fill() -> None:
    dave = account(-46_000, ONE_BTC)
    order = liquidation_order(dave, "BTC", PAIR, DEFAULT)
    # NC 4,000, MMR 5,000: ABR 0.2, spread 500: price 49,900.
    assert order == LiquidationOrder(False, ONE_BTC, 49_900_000_000)
    fill = liquidate(dave, "BTC", 50_000_000, 50_000_000_000, PAIR, DEFAULT, 0)
    assert (fill.insurance_fund_delta, fill.quote_delta) == (125_000_000, 24_875_000_000)
    assert fill.subaccount == Subaccount(-21_125_000_000, (Position(BTC, 50_000_000),))
    with pytest.raises(InputError, match="liquidatable"):
        liquidation_order(account(100_000, -ONE_BTC), "BTC", PAIR, DEFAULT)
    with pytest.raises(InputError, match="once a block"):
        liquidation_order(dave, "BTC", PAIR, DEFAULT, BlockLiquidations(tickers=("BTC",)))
    with pytest.raises(InputError, match="an open position"):
        liquidation_order(dave, "ETH", PAIR, DEFAULT)


def test_fill_that_the_fund_pays() -> None:
    carl = account(49_000, -ONE_BTC)
    order = liquidation_order(carl, "BTC", PAIR, DEFAULT)
    assert order == LiquidationOrder(True, ONE_BTC, 50_500_000_000)
    fill = liquidate(carl, "BTC", ONE_BTC, 50_000_000_000, PAIR, DEFAULT, 10**9)
    assert (fill.quote_delta, fill.insurance_fund_delta) == (-49_000_000_000, -1_000_000_000)
    assert fill.subaccount == Subaccount(0)


@pytest.mark.parametrize(
    ("amount", "subticks", "fund", "config", "names"),
    [
        (3, 50_000_000_000, 10**9, DEFAULT, "fill amount"),
        (ONE_BTC + 5, 50_000_000_000, 10**9, DEFAULT, "fill amount"),
        (ONE_BTC, 50_500_000_005, 10**9, DEFAULT, "subticks"),
        (ONE_BTC, 50_000_000_000, 10**9 - 1, DEFAULT, "paid by the insurance fund"),
        (
            ONE_BTC,
            50_000_000_000,
            10**9,
            replace(DEFAULT, max_quantums_insurance_lost=10**9 - 1),
            "lost by the insurance fund",
        ),
        (ONE_BTC, 50_000_000_000, -1, DEFAULT, "insurance fund"),
    ],
)
def test_fill_refused(
    amount: int, subticks: int, fund: int, config: LiquidationsConfig, names: str
) -> None:
    with pytest.raises(InputError, match=names):
        liquidate(account(49_000, -ONE_BTC), "BTC", amount, subticks, PAIR, config, fund)


def test_a_sale_below_the_order_is_refused_without_telling_its_price() -> None:
    dave = account(-46_000, ONE_BTC)
    with pytest.raises(InputError, match="subticks") as caught:
        liquidate(dave, "BTC", ONE_BTC, 49_899_999_995, PAIR, DEFAULT, 0)
    assert "499" not in str(caught.value)
    assert liquidate(dave, "BTC", ONE_BTC, 49_900_000_000, PAIR, DEFAULT, 0).subaccount.usdc > 0


# deleveraging_test.go, TestCanDeleverageSubaccount: Carl_Num0_1BTC_Short_54999USD
@pytest.mark.parametrize(
    ("price", "final", "expected"),
    [
        (5_000_000_000, False, Deleveraging(False, False)),
        (5_499_900_000, False, Deleveraging(False, False)),
        (5_500_000_000, False, Deleveraging(True, False)),
        (5_500_000_000, True, Deleveraging(True, False)),
        (5_000_000_000, True, Deleveraging(False, True)),
    ],
)
def test_deleveraging(price: int, final: bool, expected: Deleveraging) -> None:
    carl = Subaccount(54_999_000_000, (Position(replace(BTC, price=price), -ONE_BTC),))
    assert deleveraging(carl, replace(PAIR, final_settlement=final)) == expected


# deleveraging_test.go, TestProcessDeleveraging
@pytest.mark.parametrize(
    ("carl", "dave", "delta", "left", "offset"),
    [
        (54_999, 50_000, ONE_BTC, 0, 104_999_000_000),
        (54_999, -45_001, ONE_BTC, 0, 9_998_000_000),
        (54_999, -50_001, ONE_BTC, 0, 4_998_000_000),
        (50_000, 50_000, ONE_BTC, 0, 100_000_000_000),
        (50_000, -50_000, ONE_BTC, 0, 0),
        (49_999, 50_000, ONE_BTC, 0, 99_999_000_000),
        (49_999, -45_001, ONE_BTC, 0, 4_998_000_000),
        (54_999, 50_000, 10_000_000, 49_499_100_000, 55_499_900_000),
    ],
)
def test_deleverage(carl: int, dave: int, delta: int, left: int, offset: int) -> None:
    liquidated, offsetting = deleverage(
        account(carl, -ONE_BTC), account(dave, ONE_BTC), "BTC", delta
    )
    assert (liquidated.usdc, offsetting.usdc) == (left, offset)
    rest = () if delta == ONE_BTC else (Position(BTC, delta - ONE_BTC),)
    assert [p.quantums for p in liquidated.positions] == [p.quantums for p in rest]


# deleveraging_test.go, TestProcessDeleveraging: several positions
def test_deleverage_one_of_two_positions() -> None:
    carl = account(80_800, -ONE_BTC, -10_000_000_000)
    liquidated, offsetting = deleverage(carl, account(50_000, ONE_BTC), "BTC", ONE_BTC)
    assert (liquidated.usdc, offsetting.usdc) == (30_300_000_000, 100_500_000_000)


# deleveraging_test.go, TestProcessDeleveraging: bankruptcy prices that do not overlap, wrong deltas
@pytest.mark.parametrize(
    ("carl", "dave", "delta"),
    [
        (50_000, -50_001, ONE_BTC),
        (49_999, -50_000, ONE_BTC),
        (49_999, -50_001, ONE_BTC),
        (49_999, -50_001, 10_000_000),
        (54_999, 50_000, -ONE_BTC),
        (54_999, 50_000, 5 * ONE_BTC),
    ],
)
def test_deleverage_refused(carl: int, dave: int, delta: int) -> None:
    with pytest.raises(InputError, match="BTC"):
        deleverage(account(carl, -ONE_BTC), account(dave, ONE_BTC), "BTC", delta)


# deleveraging_test.go, TestProcessDeleveraging_Rounding: allowed after rounding
@pytest.mark.parametrize(
    ("liquidated", "offsetting", "delta"),
    [
        ((54_999, -ONE_BTC), (50_000, ONE_BTC), 49_999_991),
        ((-45_001, ONE_BTC), (100_000, -ONE_BTC), -49_999_991),
        ((45_001, -ONE_BTC), (50_000, ONE_BTC), 49_999_991),
        ((-54_999, ONE_BTC), (100_000, -ONE_BTC), -49_999_991),
    ],
)
def test_deleverage_rounds_so_that_it_is_allowed(
    liquidated: tuple[int, int], offsetting: tuple[int, int], delta: int
) -> None:
    perpetual = replace(BTC, price=4_999_999_937)
    first = Subaccount(liquidated[0] * 10**6, (Position(perpetual, liquidated[1]),))
    second = Subaccount(offsetting[0] * 10**6, (Position(perpetual, offsetting[1]),))
    before = subaccount_risk(first)
    after = subaccount_risk(deleverage(first, second, "BTC", delta)[0])
    assert after.compare(before) <= 0


def test_deleverage_at_the_oracle_price() -> None:
    carl = account(100_000, -ONE_BTC)
    assert deleveraging_quote_quantums(carl, "BTC", ONE_BTC, True) == -50_000_000_000
    liquidated, _ = deleverage(carl, account(50_000, ONE_BTC), "BTC", ONE_BTC, True)
    assert liquidated.usdc == 50_000_000_000


# deleveraging_test.go, TestIsValidInsuranceFundDelta
@pytest.mark.parametrize(
    ("balance", "delta", "expected"),
    [
        (9_998_000_000, 0, True),
        (0, 0, True),
        (9_998_000_000, 1_000_000, True),
        (0, 1_000_000, True),
        (9_998_000_000, -1_000_000, True),
        (10_000_000_000, -10_000_000_000, True),
        (10_000_000_000, -10_000_000_001, False),
        (0, -1, False),
    ],
)
def test_insurance_fund_covers(balance: int, delta: int, expected: bool) -> None:
    assert is_valid_insurance_fund_delta(delta, balance) is expected


@given(
    usdc=st.integers(-60_000_000_000, 0),
    size=st.integers(1, ONE_BTC),
    part=st.integers(1, ONE_BTC),
    price=st.integers(1, 2**33),
)
def test_a_close_at_the_bankruptcy_price_is_no_riskier(
    usdc: int, size: int, part: int, price: int
) -> None:
    perpetual = replace(BTC, price=price)
    before = Subaccount(usdc, (Position(perpetual, size),))
    delta = -min(part, size)
    risk = subaccount_risk(before)
    if not risk.is_liquidatable():
        return
    after = before.traded("BTC", delta, bankruptcy_price(before, "BTC", delta))
    left = subaccount_risk(after)
    # NC / MMR does not fall: the price rounds in the subaccount's favour.
    assert left.net_collateral * risk.maintenance_margin >= (
        risk.net_collateral * left.maintenance_margin
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_liquidation_fee_ppm", 0),
        ("max_liquidation_fee_ppm", 1_000_001),
        ("bankruptcy_adjustment_ppm", 999_999),
        ("spread_to_maintenance_margin_ratio_ppm", 0),
        ("max_position_portion_liquidated_ppm", 0),
        ("max_position_portion_liquidated_ppm", 1_000_001),
        ("max_notional_liquidated", 0),
        ("max_quantums_insurance_lost", 0),
        ("min_position_notional_liquidated", -1),
        ("max_liquidation_fee_ppm", 0.5),
    ],
)
def test_config_refuses(field: str, value: int) -> None:
    with pytest.raises(InputError, match=field):
        replace(DEFAULT, **{field: value})


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ((0, 5, -8), "step_base_quantums"),
        ((5, 0, -8), "subticks_per_tick"),
        ((5, 5, 100), "quantum_conversion_exponent"),
    ],
)
def test_clob_pair_refuses(arguments: tuple[int, int, int], names: str) -> None:
    with pytest.raises(InputError, match=names):
        ClobPair(*arguments)


def test_no_maintenance_margin_is_no_liquidation() -> None:
    free = replace(BTC, tier=LiquidityTier(0, 0))
    subaccount = Subaccount(-60_000_000_000, (Position(free, ONE_BTC),))
    with pytest.raises(InputError, match="maintenance margin"):
        bankruptcy_price(subaccount, "BTC", -ONE_BTC)
    with pytest.raises(InputError, match="maintenance margin"):
        fillable_price(subaccount, "BTC", -ONE_BTC, DEFAULT)


def test_a_fillable_price_below_zero_is_refused() -> None:
    tier = LiquidityTier(1_000_000, 1_000_000)
    subaccount = Subaccount(-(10**12), (Position(replace(BTC, tier=tier), ONE_BTC),))
    config = replace(DEFAULT, spread_to_maintenance_margin_ratio_ppm=1_000_001)
    with pytest.raises(InputError, match="fillable price"):
        fillable_price(subaccount, "BTC", -ONE_BTC, config)

"""Liquity v2 against liquity/bold, contracts/test and contracts/test-js (file and test are named).

The published tests open a trove, so that its debt has an upfront fee in it, which their formulas
take as an input; so do these.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import MAX_UINT256, WAD
from zkcollateral.risk.presets import liquity_v2 as liquity

WETH = liquity.WETH_BRANCH
# liquidationsLST.t.sol setUp and shutdown.t.sol setUp
LST = liquity.BranchParameters(
    ccr=160 * WAD // 100,
    mcr=120 * WAD // 100,
    scr=120 * WAD // 100,
    penalty_offset=5 * WAD // 100,
    penalty_redistribution=10 * WAD // 100,
)
# 2000 BOLD at the lowest rate of 0.5 %, with seven days of it up front.
FEE = 2000 * WAD * (WAD // 200) * 7 * 86400 // (365 * 86400) // WAD
OPENED = liquity.Trove(2 * WAD, 2000 * WAD + FEE)


def test_ratio() -> None:
    """test-js GasCompensationTest.js "getCurrentICR(): …", the ratios in its comments."""
    price = 200 * WAD
    cases = [
        (WAD, 110 * WAD, 1818181818181818181),
        (WAD // 2, 50 * WAD, 2 * WAD),
        (5 * WAD // 2, 160 * WAD, 3125 * 10**15),
        (WAD, 180 * WAD, 1111111111111111111),
    ]
    for collateral, debt, ratio in cases:
        assert liquity.collateral_ratio(liquity.Trove(collateral, debt), price) == ratio
    erin = liquity.Trove(440545 * WAD // 100, 3259835 * WAD // 100)
    # There to a tolerance of 100000.
    assert abs(liquity.collateral_ratio(erin, price) - 27028668628933700000) <= 100_000
    assert liquity.collateral_ratio(liquity.Trove(0, 0), price) == MAX_UINT256


@pytest.mark.parametrize(
    ("collateral", "compensation"),
    [
        # test-js GasCompensationTest.js "_getCollGasCompensation(): …", four tests
        (WAD, 5 * 10**15),
        (WAD // 10, 5 * 10**14),
        (5_000_000_000, 25_000_000),
        (9_999_000_000_000_000_000, 49_995_000_000_000_000),
        (55_000_000_000_000_000, 275 * 10**12),
        (6_092_324_088_087_235_800, 30_461_620_440_436_179),
        (10 * WAD, 50_000_000_000_000_000),
        (100 * WAD, 5 * 10**17),
        (10_001_000_000_000_000_000, 50_005_000_000_000_000),
        (37_500_000_000_000_000_000, 187_500_000_000_000_000),
        (94_758_230_582_309_850_000_000, 2 * WAD),
        (300_000_000 * WAD, 2 * WAD),
    ],
)
def test_collateral_gas_compensation(collateral: int, compensation: int) -> None:
    assert liquity.collateral_gas_compensation(collateral) == compensation


def test_offset_with_surplus() -> None:
    """liquidations.t.sol testLiquidationOffsetWithSurplus, to its tolerances of 10 and 1 wei."""
    price = 1100 * WAD - 1
    result = liquity.liquidate(WETH, OPENED, price, pool_deposits=2100 * WAD)
    assert result.debt_offset == OPENED.debt
    assert result.debt_redistributed == result.collateral_redistributed == 0
    seized = OPENED.debt * WAD // price * 105 // 100
    assert abs(result.collateral_to_pool - seized) <= 10
    assert abs(result.surplus - (2 * WAD * 995 // 1000 - seized)) <= 1
    assert result.gas_compensation == WAD // 100
    assert result.eth_gas_compensation == 375 * WAD // 10_000


def test_offset_without_surplus() -> None:
    """liquidations.t.sol testLiquidationOffsetNoSurplus: all of it less 0.5 %."""
    fee = liquity.upfront_fee(10_000 * WAD, WAD // 200)
    trove = liquity.Trove(10 * WAD, 10_000 * WAD + fee)
    result = liquity.liquidate(WETH, trove, 1030 * WAD, pool_deposits=10_100 * WAD)
    assert result.debt_offset == trove.debt
    assert result.collateral_to_pool == 10 * WAD * 995 // 1000
    assert result.surplus == 0


def test_redistribution_without_surplus() -> None:
    """liquidations.t.sol testLiquidationRedistributionNoSurplus: no gas compensation of it."""
    result = liquity.liquidate(WETH, OPENED, 1100 * WAD - 1)
    assert result.debt_offset == result.collateral_to_pool == result.gas_compensation == 0
    assert result.debt_redistributed == OPENED.debt
    assert result.collateral_redistributed == 2 * WAD
    assert result.surplus == 0


def test_redistribution_with_surplus() -> None:
    """liquidationsLST.t.sol testLiquidationRedistributionWithSurplus, to its 10 wei."""
    price = 1200 * WAD - 1
    result = liquity.liquidate(LST, OPENED, price)
    seized = OPENED.debt * WAD // price * 110 // 100
    assert abs(result.collateral_redistributed - seized) <= 10
    assert abs(result.surplus - (2 * WAD - seized)) <= 10
    assert result.gas_compensation == 0


def test_mix() -> None:
    """liquidations.t.sol testLiquidationMix, to its 10 wei: half offset, less 1 BOLD that stays."""
    price = 1100 * WAD - 1
    result = liquity.liquidate(WETH, OPENED, price, pool_deposits=1000 * WAD)
    offset = 999 * WAD
    assert result.debt_offset == offset
    assert result.debt_redistributed == OPENED.debt - offset
    to_pool = offset * WAD // price * 105 // 100
    assert abs(result.collateral_to_pool - to_pool) <= 10
    spread = (OPENED.debt - offset) * WAD // price * 110 // 100
    assert abs(result.collateral_redistributed - spread) <= 10
    surplus = 2 * WAD * offset // OPENED.debt * 995 // 1000 - to_pool
    surplus += 2 * WAD * (OPENED.debt - offset) // OPENED.debt - spread
    assert abs(result.surplus - surplus) <= 10


@pytest.mark.parametrize(
    ("parameters", "price", "pool", "amounts"),
    [
        # The inputs of the five tests above, as the compiled contract's own function answers them:
        # offset, to the pool, gas compensation, redistributed debt and collateral, surplus.
        (
            WETH,
            1100 * WAD - 1,
            2100 * WAD,
            (2000191780821917808219, 1909273972602739726, 10**16, 0, 0, 80726027397260274),
        ),
        (WETH, 1100 * WAD - 1, 0, (0, 0, 0, 2000191780821917808219, 2 * WAD, 0)),
        (
            WETH,
            1100 * WAD - 1,
            1000 * WAD,
            (
                999 * WAD,
                953590909090909090,
                4994521073321736,
                1001191780821917808219,
                1001191780821917808,
                40222789013851366,
            ),
        ),
        (
            LST,
            1200 * WAD - 1,
            0,
            (0, 0, 0, 2000191780821917808219, 1833509132420091324, 166490867579908676),
        ),
        (
            LST,
            1150 * WAD,
            1000 * WAD,
            (
                999 * WAD,
                912130434782608695,
                4994521073321736,
                1001191780821917808219,
                957661703394877903,
                125213340749191666,
            ),
        ),
    ],
)
def test_to_the_last_digit(
    parameters: liquity.BranchParameters, price: int, pool: int, amounts: tuple[int, ...]
) -> None:
    result = liquity.liquidate(parameters, OPENED, price, pool_deposits=pool)
    assert amounts == (
        result.debt_offset,
        result.collateral_to_pool,
        result.gas_compensation,
        result.debt_redistributed,
        result.collateral_redistributed,
        result.surplus,
    )


@given(st.integers(1000 * WAD, 1200 * WAD - 1), st.integers(0, 2000 * WAD))
def test_fuzz(price: int, pool: int) -> None:
    """liquidationsLST.t.sol testLiquidationFuzz, in its ranges and to its tolerances."""
    result = liquity.liquidate(LST, OPENED, price, pool_deposits=pool + WAD)
    assert result.debt_offset == pool
    share = 2 * WAD * pool // OPENED.debt
    for_pool = share * 995 // 1000
    to_pool = min(pool * WAD // price * 105 // 100, for_pool)
    assert abs(result.collateral_to_pool - to_pool) <= 1000
    penalised = (OPENED.debt - pool) * WAD // price * 110 // 100
    rest = 2 * WAD - share
    spread = min(penalised, rest + for_pool - to_pool)
    assert abs(result.collateral_redistributed - spread) <= 1000
    surplus = max(0, for_pool + rest - to_pool - penalised)
    assert abs(result.surplus - surplus) <= 10**9


def test_batch() -> None:
    """events.t.sol test_BatchLiquidateTrovesEmitsLiquidation, exactly.

    Troves of 10, 20 and 30 thousand at MCR, the price 1 % down, 25 thousand in the pool: the first
    is offset, the second in part, the third redistributed.
    """
    start = 200 * WAD
    price = start * 99 // 100
    troves = []
    for debt in (10_000 * WAD, 20_000 * WAD, 30_000 * WAD):
        troves.append(liquity.Trove(-(-debt * WETH.mcr // start), debt))
    result = liquity.liquidate_batch(WETH, troves, price, pool_deposits=25_000 * WAD)
    room = 25_000 * WAD - WAD
    for trove, one in zip(troves, result.liquidations, strict=True):
        assert one is not None
        offset = min(trove.debt, room)
        room -= offset
        to_offset = trove.collateral * offset // trove.debt
        gas = to_offset // 200
        to_pool = min(to_offset - gas, offset * (WAD + WETH.penalty_offset) // price)
        left = trove.collateral - gas - to_pool
        spread = min(left, (trove.debt - offset) * (WAD + WETH.penalty_redistribution) // price)
        if offset == trove.debt:
            spread = 0
        assert one == liquity.Liquidation(
            debt_offset=offset,
            debt_redistributed=trove.debt - offset,
            collateral_to_pool=to_pool,
            collateral_redistributed=spread,
            gas_compensation=gas,
            eth_gas_compensation=375 * WAD // 10_000,
            surplus=left - spread,
        )
    assert result.total.debt_offset == 24_999 * WAD
    assert result.total.debt_redistributed == 35_001 * WAD
    assert result.total.eth_gas_compensation == 3 * 375 * WAD // 10_000
    assert result.pool_deposits == WAD


def test_batch_skips_the_healthy() -> None:
    """criticalThreshold.t.sol testTrovesAreNotLiquidatedBetweenMCRAndCT, and a mixed batch."""
    sound = liquity.Trove(100 * WAD, 110_000 * WAD)
    weak = liquity.Trove(100 * WAD, 140_000 * WAD)
    price = 1499 * WAD
    assert liquity.is_healthy(WETH, sound, price)
    with pytest.raises(InputError, match="a trove below MCR"):
        liquity.liquidate_batch(WETH, [sound], price)
    with pytest.raises(InputError, match="a trove below MCR"):
        liquity.liquidate(WETH, sound, price)
    result = liquity.liquidate_batch(WETH, [sound, weak, liquity.Trove(1, 0)], price)
    assert result.liquidations[0] is result.liquidations[2] is None
    assert result.total == result.liquidations[1]


def test_last_trove() -> None:
    """troveManager.t.sol testLiquidateLastTroveReverts, shutdown.t.sol …LastTroveAfterShutdown."""
    trove = liquity.Trove(100 * WAD, 100_000 * WAD)
    with pytest.raises(InputError, match="another open trove"):
        liquity.liquidate(WETH, trove, 1000 * WAD, open_troves=1)
    with pytest.raises(InputError, match="another open trove"):
        liquity.liquidate_batch(WETH, [trove, trove], 1000 * WAD, open_troves=2)
    with pytest.raises(InputError, match="open_troves"):
        liquity.liquidate_batch(WETH, [trove, trove], 1000 * WAD, open_troves=1)


def test_pool_keeps_one_bold() -> None:
    """TroveManager.sol batchLiquidateTroves; README "Minimum 1 BOLD token in the SP"."""
    assert liquity.offsettable(WAD - 1) == liquity.offsettable(WAD) == 0
    assert liquity.offsettable(WAD + 1) == 1
    result = liquity.liquidate(WETH, OPENED, 1000 * WAD, pool_deposits=WAD)
    assert (result.debt_offset, result.gas_compensation) == (0, 0)


def test_liquidation_boundary() -> None:
    """At MCR a trove stands; a wei of price below, it does not."""
    trove = liquity.Trove(2 * WAD, 2000 * WAD)
    assert not liquity.is_liquidatable(WETH, trove, 1100 * WAD)
    assert liquity.is_liquidatable(WETH, trove, 1100 * WAD - 1)
    assert not liquity.is_liquidatable(WETH, liquity.Trove(0, 0), 0)


def test_shutdown() -> None:
    """shutdown.t.sol testCanShutdownBranchesSeparately, testCanUrgentRedeem… thresholds."""
    branches = [
        (WETH, 11 * WAD, 10_000 * WAD, 2000 * WAD),
        (LST, 110 * WAD, 10_000 * WAD, 200 * WAD),
        (LST, 11 * WAD, 100_000 * WAD, 20_000 * WAD),
        (
            replace(LST, scr=125 * WAD // 100),
            11 * WAD,
            12_500 * WAD,
            2500 * WAD,
        ),
    ]
    for parameters, collateral, borrowed, price in branches:
        debt = borrowed + liquity.upfront_fee(borrowed, 5 * WAD // 100)
        branch = liquity.Trove(collateral, debt)
        assert not liquity.can_be_shut_down(parameters, branch, price)
        assert liquity.can_be_shut_down(parameters, branch, price // 2)
    exact = liquity.Trove(11 * WAD, 10_000 * WAD)
    assert not liquity.can_be_shut_down(WETH, exact, 1000 * WAD)


def test_urgent_redemption() -> None:
    """shutdown.t.sol testUrgentRedeemRevertsIfMinNotReached, …PartiallyBelow100, …FullyBelow100."""
    price = 1000 * WAD
    first = liquity.Trove(11 * WAD, 10_000 * WAD + liquity.upfront_fee(10_000 * WAD, WAD // 20))
    result = liquity.urgent_redemption(first, price, 1000 * WAD)
    assert (result.debt, result.collateral) == (1000 * WAD, 102 * 10**16)
    deep = liquity.Trove(11 * WAD, 11_000 * WAD + liquity.upfront_fee(11_000 * WAD, WAD // 20))
    assert liquity.collateral_ratio(deep, price) < WAD
    part = liquity.urgent_redemption(deep, price, 100 * WAD)
    assert (part.debt, part.collateral) == (100 * WAD, 102 * 10**15)
    assert part.trove == liquity.Trove(11 * WAD - 102 * 10**15, deep.debt - 100 * WAD)
    whole = liquity.urgent_redemption(deep, price, deep.debt)
    assert whole.debt == 11 * WAD * price // WAD * WAD // (102 * WAD // 100)
    assert whole.trove.collateral == 0
    # …FullyAboveMCR
    sound = liquity.Trove(11 * WAD, 9000 * WAD)
    full = liquity.urgent_redemption(sound, price, MAX_UINT256)
    assert (full.debt, full.collateral) == (9000 * WAD, 918 * 10**16)
    for bad in ({"price": 0}, {"amount": 0}):
        with pytest.raises(InputError, match=f"urgent redemption {next(iter(bad))}"):
            liquity.urgent_redemption(sound, **({"price": price, "amount": 1} | bad))
    with pytest.raises(InputError, match="trove debt"):
        liquity.urgent_redemption(liquity.Trove(1, 0), price, 1)


def test_interest() -> None:
    """shutdown.t.sol testIndividualTrovesDontAcrrueInterestAfterShutdown; LiquityBase.sol."""
    assert liquity.accrued_interest(10_000 * WAD, WAD // 20, 365 * 86400) == 500 * WAD
    assert liquity.accrued_interest(1, 1, 1) == 0
    assert liquity.upfront_fee(10_000 * WAD, WAD // 20) == 9_589_041_095_890_410_958
    assert liquity.interest_period(100, 150) == 50
    assert liquity.interest_period(100, 150, shutdown=120) == 20
    assert liquity.interest_period(130, 150, shutdown=120) == 0
    with pytest.raises(InputError, match="last_update"):
        liquity.interest_period(151, 150)
    with pytest.raises(InputError, match="shutdown"):
        liquity.interest_period(1, 150, shutdown=151)
    for name, values in (("debt", (-1, 0, 0)), ("rate", (0, -1, 0)), ("seconds", (0, 0, 0.5))):
        with pytest.raises(InputError, match=f"interest {name}"):
            liquity.accrued_interest(*values)  # type: ignore[arg-type]


# criticalThreshold.t.sol setUpBelowCT: A and B at 10 %, then the price to 1499.
CT_PRICE = 1499 * WAD
A = liquity.Trove(100 * WAD, 90_000 * WAD + liquity.upfront_fee(90_000 * WAD, WAD // 10))
B = liquity.Trove(100 * WAD, 110_000 * WAD + liquity.upfront_fee(110_000 * WAD, WAD // 10))
BRANCH = liquity.Trove(A.collateral + B.collateral, A.debt + B.debt)


def test_critical_threshold() -> None:
    """criticalThreshold.t.sol, below it: seven of its tests."""
    assert not liquity.is_below_critical_threshold(WETH, BRANCH, 2000 * WAD)
    assert liquity.is_below_critical_threshold(WETH, BRANCH, CT_PRICE)

    def adjust(collateral: int, debt: int) -> liquity.Trove:
        return liquity.adjust(
            WETH, BRANCH, A, CT_PRICE, collateral_change=collateral, debt_change=debt
        )

    # testNoIncreaseDebtAlone…, …WithAddColl…, …WithWithdrawColl…
    for collateral, debt in ((0, 1), (11 * WAD // 10, CT_PRICE), (-1, 1)):
        with pytest.raises(InputError, match="a branch of at least CCR"):
            adjust(collateral, debt)
    # testIncreaseDebtWithAddCollWithFinalTCRAboveCT
    assert adjust(10 * WAD, 1).collateral == 110 * WAD
    # testWithdrawCollAlongWithRepaymentBelowCT and testNoCollWithdrawalWith{Low,No}Repayment…
    assert adjust(-WAD, -CT_PRICE) == liquity.Trove(99 * WAD, A.debt - CT_PRICE)
    for collateral, debt in ((-WAD, 1 - CT_PRICE), (-1, 0)):
        with pytest.raises(InputError, match="a repayment worth"):
            adjust(collateral, debt)


@pytest.mark.parametrize(
    ("price", "collateral", "debt"),
    [
        # criticalThreshold.t.sol testNoAdjustmentIfFinalICRLtMCR…, four tests: too little, enough
        (1110, (1, 10), (0, 0)),
        (1110, (0, 0), (-1000, -15000)),
        (1059, (1, 15), (0, 0)),
        (1059, (0, 0), (-1000, -15000)),
    ],
)
def test_adjustment_must_reach_mcr(
    price: int, collateral: tuple[int, int], debt: tuple[int, int]
) -> None:
    outcomes = []
    for index in range(2):
        try:
            liquity.adjust(
                WETH,
                BRANCH,
                B,
                price * WAD,
                collateral_change=collateral[index] * WAD,
                debt_change=debt[index] * WAD,
            )
            outcomes.append("done")
        except InputError as error:
            outcomes.append(error.expected)
    assert outcomes == ["a trove of at least its minimum ratio afterwards", "done"]


def test_adjust_in_normal_mode() -> None:
    """BorrowerOperations.sol _adjustTrove: CCR, MCR + BCR in a batch, the least debt."""
    price = 2000 * WAD
    with pytest.raises(InputError, match="a branch of at least CCR"):
        liquity.adjust(WETH, BRANCH, A, price, debt_change=67_000 * WAD)
    assert liquity.adjust(WETH, BRANCH, A, price, debt_change=60_000 * WAD, fee=7).debt == (
        A.debt + 60_000 * WAD + 7
    )
    edge = 100 * WAD * 2000 * 100 // 115 - A.debt
    rich = liquity.Trove(10_000 * WAD, BRANCH.debt)
    assert liquity.adjust(WETH, rich, A, price, debt_change=edge).debt == A.debt + edge
    with pytest.raises(InputError, match="its minimum ratio"):
        liquity.adjust(WETH, rich, A, price, debt_change=edge, in_batch=True)
    # A repayment stops at 2000 BOLD; one that it stops wholly is no change.
    assert liquity.adjust(WETH, BRANCH, A, price, debt_change=-A.debt).debt == 2000 * WAD
    least = liquity.Trove(10 * WAD, 2000 * WAD)
    with pytest.raises(InputError, match="a change"):
        liquity.adjust(WETH, BRANCH, least, price, debt_change=-1)
    with pytest.raises(InputError, match="at least 2000 BOLD"):
        liquity.adjust(WETH, BRANCH, liquity.Trove(10 * WAD, WAD), price, collateral_change=1)
    with pytest.raises(InputError, match="the trove's collateral"):
        liquity.adjust(WETH, BRANCH, A, price, collateral_change=-101 * WAD)
    with pytest.raises(InputError, match="totals that contain"):
        liquity.adjust(WETH, liquity.Trove(1, 1), A, price, collateral_change=-2)
    with pytest.raises(InputError, match="fee"):
        liquity.adjust(WETH, BRANCH, A, price, collateral_change=1, fee=1)


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        # AddressesRegistry.sol, constructor
        *(({name: value}, name) for name in ("ccr", "mcr", "scr") for value in (WAD, 2 * WAD)),
        ({"penalty_offset": 5 * WAD // 100 - 1}, "penalty_offset"),
        ({"penalty_offset": 10 * WAD // 100 + 1}, "penalty_offset"),
        ({"penalty_redistribution": 20 * WAD // 100 + 1}, "penalty_redistribution"),
        ({"bcr": 5 * WAD // 100 - 1}, "bcr"),
        ({"bcr": 50 * WAD // 100}, "bcr"),
        ({"mcr": 1.1}, "mcr"),
    ],
)
def test_parameters_reject(bad: dict[str, int], where: str) -> None:
    with pytest.raises(InputError, match=f"Liquity v2 {where}"):
        replace(WETH, **bad)


def test_amounts_are_checked() -> None:
    for field in ("collateral", "debt"):
        with pytest.raises(InputError, match=f"Liquity v2 trove {field}"):
            replace(OPENED, **{field: -1})
    with pytest.raises(InputError, match="Liquity v2 price"):
        liquity.collateral_ratio(OPENED, -1)
    with pytest.raises(InputError, match="Liquity v2 price"):
        liquity.liquidate(WETH, OPENED, 0)
    with pytest.raises(InputError, match="pool_deposits"):
        liquity.liquidate(WETH, OPENED, WAD, pool_deposits=-1)
    with pytest.raises(InputError, match="open_troves"):
        liquity.liquidate(WETH, OPENED, WAD, open_troves=0)
    with pytest.raises(InputError, match="Liquity v2 collateral"):
        liquity.collateral_gas_compensation(-1)
    with pytest.raises(InputError, match="below 2\\^256"):
        liquity.collateral_ratio(liquity.Trove(2**200, 1), 2**60)


@given(
    st.integers(0, 10**26),
    st.integers(1, 10**28),
    st.integers(1, 10**24),
    st.integers(0, 10**28),
    st.sampled_from([WETH, LST, liquity.STAKED_ETH_BRANCH]),
)
def test_liquidation_creates_nothing(
    collateral: int, debt: int, price: int, pool: int, parameters: liquity.BranchParameters
) -> None:
    trove = liquity.Trove(collateral, debt)
    if liquity.is_healthy(parameters, trove, price):
        with pytest.raises(InputError, match="a trove below MCR"):
            liquity.liquidate(parameters, trove, price, pool_deposits=pool)
        return
    result = liquity.liquidate(parameters, trove, price, pool_deposits=pool)
    assert result.debt_offset + result.debt_redistributed == debt
    assert result.debt_offset <= max(0, pool - WAD)
    assert collateral == (
        result.collateral_to_pool
        + result.collateral_redistributed
        + result.gas_compensation
        + result.surplus
    )
    # No part seizes more than its debt and its penalty.
    assert result.collateral_to_pool * price <= result.debt_offset * (
        WAD + parameters.penalty_offset
    )
    assert result.collateral_redistributed * price <= result.debt_redistributed * (
        WAD + parameters.penalty_redistribution
    )

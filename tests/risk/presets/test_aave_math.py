"""Published cases of aave-v3-origin's own tests of its arithmetic, and of aave-utilities'."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import MAX_UINT256, RAY, WAD
from zkcollateral.risk.presets import aave_math as m

DAY = 86_400
YEAR = 365 * DAY

# aave-v3-origin tests/protocol/libraries/math/{PercentageMath,WadRayMath,MathUtils}.t.sol
CASES = [
    (m.percent_mul, (10**18, 5_000), 5 * 10**17),
    (m.percent_mul, (142_515 * 10**14, 7_442), 10_605_966_300_000_000_000),
    (m.percent_mul, (9_087_312 * 10**27, 1_333), 1_211_338_689_600_000_000_000_000_000_000_000),
    (m.percent_div, (10**18, 5_000), 2 * 10**18),
    (m.percent_div, (142_515 * 10**14, 7_442), 19_150_094_060_736_361_193),
    (m.percent_div, (9_087_312 * 10**27, 1_333), 68_171_882_970_742_685_671_417_854_463_615_904),
    (m.percent_mul_ceil, (10**20, 10_000), 10**20),
    (m.percent_mul_ceil, (1, 1), 1),
    (m.percent_mul_ceil, (0, 100), 0),
    (m.percent_mul_ceil, (100, 0), 0),
    (m.percent_mul_floor, (10**20, 10_000), 10**20),
    (m.percent_mul_floor, (1, 1), 0),
    (m.percent_mul_floor, (0, 1_234), 0),
    (m.percent_mul_floor, (1_234, 0), 0),
    (m.percent_div_floor, (10**20, 10_000), 10**20),
    (m.percent_div_floor, (5, 3), 16_666),
    (m.percent_div_ceil, (10**20, 10_000), 10**20),
    (m.percent_div_ceil, (5, 3), 16_667),
    (m.wad_mul, (25 * 10**17, 5 * 10**17), 125 * 10**16),
    (m.wad_mul, (4_122 * 10**17, WAD), 4_122 * 10**17),
    (m.wad_mul, (6 * WAD, 2 * WAD), 12 * WAD),
    (m.wad_mul, (0, WAD), 0),
    (m.wad_div, (25 * 10**17, 5 * 10**17), 5 * WAD),
    (m.wad_div, (4_122 * 10**17, WAD), 4_122 * 10**17),
    (m.wad_div, (8_745 * 10**15, 67 * 10**16), 13_052_238_805_970_149_254),
    (m.wad_div, (6 * WAD, 2 * WAD), 3 * WAD),
    (m.ray_mul, (25 * 10**26, 5 * 10**26), 125 * 10**25),
    (m.ray_mul, (4_122 * 10**26, RAY), 4_122 * 10**26),
    (m.ray_mul, (6 * RAY, 2 * RAY), 12 * RAY),
    (m.ray_div, (25 * 10**26, 5 * 10**26), 5 * RAY),
    (m.ray_div, (8_745 * 10**24, 67 * 10**25), 13_052_238_805_970_149_253_731_343_284),
    (m.ray_div, (6 * RAY, 2 * RAY), 3 * RAY),
    (m.ray_mul_floor, (RAY, 5 * RAY), 5 * RAY),
    (m.ray_mul_floor, (3, 5), 0),
    (m.ray_mul_ceil, (RAY, 5 * RAY), 5 * RAY),
    (m.ray_mul_ceil, (3, 5), 1),
    (m.ray_mul_ceil, (123, 0), 0),
    (m.ray_div_ceil, (RAY, RAY), RAY),
    (m.ray_div_ceil, (5, 3), 1_666_666_666_666_666_666_666_666_667),
    (m.ray_div_ceil, (0, 123), 0),
    (m.ray_div_floor, (RAY, RAY), RAY),
    (m.ray_div_floor, (5, 3), 1_666_666_666_666_666_666_666_666_666),
    (m.wad_to_ray, (4_122 * 10**17,), 4_122 * 10**26),
    (m.wad_to_ray, (0,), 0),
    (m.ray_to_wad, (4_122 * 10**26,), 4_122 * 10**17),
    (m.ray_to_wad, (10**9 // 2,), 1),
    (m.ray_to_wad, (10**9 // 2 - 1,), 0),
    (m.mul_div_ceil, (5, 5, 3), 9),
    (m.mul_div_ceil, (12, 6, 4), 18),
    (m.mul_div_ceil, (0, 10, 5), 0),
    (m.mul_div_ceil, (10, 0, 5), 0),
    (m.linear_interest, (8 * 10**25, 7 * YEAR), 156 * 10**25),
    (m.compounded_interest, (8 * 10**25, 0), RAY),
    (
        m.compounded_interest,
        (1_000 * RAY, 10_000 * YEAR),
        166_666_716_666_676_666_667_666_666_666_666_600_000_000_000_000,
    ),
    # aave-utilities packages/math-utils/src/pool-math.test.ts
    (m.linear_interest, (5 * 10**17, 100_000_100), 1_000_000_001_585_491_184_677_828_513),
    (
        m.normalized_income,
        (1_048_540_642_417_873_765_200_833_079, 5 * 10**17, 100_000_100),
        1_048_540_644_080_325_710_530_799_122,
    ),
    (
        m.normalized_income,
        (1_048_540_642_417_873_800_000_000_000, 0, 100_000_100),
        1_048_540_642_417_873_800_000_000_000,
    ),
]


@pytest.mark.parametrize(("function", "arguments", "expected"), CASES)
def test_published_cases(
    function: Callable[..., int], arguments: tuple[int, ...], expected: int
) -> None:
    assert function(*arguments) == expected


def test_compounded_interest_is_close_to_the_exponential() -> None:
    # MathUtils.t.sol test_calculateCompoundInterest_1: within 0.3 % of e^0.56
    exact = 1_750_672_500_296_101_082_549_976_435
    value = m.compounded_interest(8 * 10**25, 7 * YEAR)
    assert abs(value - exact) * 1_000 <= 3 * exact
    assert value < exact


def test_balance_of_a_holder_on_chain() -> None:
    # aave-utilities pool-math.test.ts, "collateral balance from blockchain data": YFI at 11581421
    index = m.normalized_income(
        1_001_723_339_432_542_553_527_150_680,
        22_461_916_953_455_574_582_370_088,
        1_609_675_535 - 1_609_673_617,
    )
    assert m.a_token_balance(161_316_503_206_059_870, index) == 161_594_727_054_623_229


def test_normalized_debt_compounds_the_index() -> None:
    assert m.normalized_debt(2 * RAY, 8 * 10**25, 0) == 2 * RAY
    factor = m.compounded_interest(8 * 10**25, YEAR)
    assert m.normalized_debt(2 * RAY, 8 * 10**25, YEAR) == 2 * factor


# Where the contract reverts: the same files, "revertOnOverflow" and "revertOnDivByZero".
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (m.percent_mul, (MAX_UINT256, 2)),
        (m.percent_mul_ceil, (MAX_UINT256, 2)),
        (m.percent_mul_floor, (MAX_UINT256, 2)),
        (m.percent_div, (10**18, 0)),
        (m.percent_div, (MAX_UINT256, 1)),
        (m.percent_div_floor, (1_234, 0)),
        (m.percent_div_floor, (MAX_UINT256, 1)),
        (m.percent_div_ceil, (1_234, 0)),
        (m.percent_div_ceil, (MAX_UINT256, 1)),
        (m.wad_mul, (MAX_UINT256, 2)),
        (m.wad_div, (10**18, 0)),
        (m.wad_div, (MAX_UINT256, 1)),
        (m.ray_mul, (MAX_UINT256, 2)),
        (m.ray_mul_floor, (MAX_UINT256, 2)),
        (m.ray_mul_ceil, (MAX_UINT256, 2)),
        (m.ray_div, (RAY, 0)),
        (m.ray_div, (MAX_UINT256, 1)),
        (m.ray_div_floor, (100, 0)),
        (m.ray_div_ceil, (MAX_UINT256, 1)),
        (m.wad_to_ray, (MAX_UINT256,)),
        (m.mul_div_ceil, (10, 10, 0)),
        (m.mul_div_ceil, (MAX_UINT256, 2, 1)),
        (m.percent_mul, (-1, 5)),
        (m.ray_to_wad, (-1,)),
        (m.percent_mul, (1.5, 5)),
        (m.linear_interest, (-1, 5)),
        (m.linear_interest, (1, 2**40)),
        (m.compounded_interest, (2**128, 1)),
    ],
)
def test_what_the_contract_reverts_is_refused(
    function: Callable[..., int], arguments: tuple[int, ...]
) -> None:
    with pytest.raises(InputError, match="Aave"):
        function(*arguments)


def test_half_up_needs_room_for_the_half() -> None:
    # percentMul adds 5,000 before it divides; the floor variant does not.
    assert m.percent_mul_floor(MAX_UINT256, 1) == MAX_UINT256 // 10_000
    with pytest.raises(InputError, match="overflow"):
        m.percent_mul(MAX_UINT256, 1)


amounts = st.integers(0, 2**120)
percentages = st.integers(1, 20_000)
rays = st.integers(RAY, 100 * RAY)


@given(amounts, percentages)
def test_percent_variants_bracket_the_exact_value(value: int, percentage: int) -> None:
    product = value * percentage
    assert m.percent_mul_floor(value, percentage) * 10_000 <= product
    assert m.percent_mul_ceil(value, percentage) * 10_000 >= product
    assert abs(2 * (m.percent_mul(value, percentage) * 10_000 - product)) <= 10_000
    assert m.percent_div_floor(value, percentage) * percentage <= value * 10_000
    assert m.percent_div_ceil(value, percentage) * percentage >= value * 10_000
    assert abs(2 * (m.percent_div(value, percentage) * percentage - value * 10_000)) <= percentage


@given(st.integers(1, 2**96), rays)
def test_scaled_balances_never_favour_the_account(amount: int, index: int) -> None:
    # tests/protocol/tokenization/ATokenRounding.t.sol test_fuzzEdge, stated without a pool
    supplied = m.a_token_mint_scaled(amount, index)
    assert m.a_token_balance(supplied, index) <= amount
    assert m.a_token_balance(m.a_token_burn_scaled(amount, index), index) >= amount
    borrowed = m.v_token_mint_scaled(amount, index)
    assert m.v_token_balance(borrowed, index) >= amount
    assert m.v_token_balance(m.v_token_burn_scaled(amount, index), index) <= amount


@given(st.integers(1, 2**100), rays)
def test_a_whole_debt_burns_exactly_its_scaled_balance(scaled: int, index: int) -> None:
    assert m.v_token_burn_scaled(m.v_token_balance(scaled, index), index) == scaled

"""Aave's growth cap: the contract's integers, its checks, and the exact form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.oracles.growth_cap import (
    MAXIMUM_SNAPSHOT_TERM,
    SECONDS_PER_YEAR,
    CapParameters,
    CappedRate,
    GrowthCap,
    GrowthRule,
    capped_rate,
)

DAY = 86_400
NOW = 365 * DAY + 2
"""aave-capo, tests/unit-tests/PriceCapAdapterBase.t.sol, setUp: time 1, then 365 days and 1."""

CAP = GrowthCap.create(8, 0, CapParameters(10**8, NOW, 1000), NOW)


# PriceCapAdapterBase.t.sol, test_setup.
def test_setup() -> None:
    assert CAP.growth_per_second == 0
    assert CAP.growth_per_second_scaled == 317_097
    assert CAP.price(10**8, 10**8, NOW) == 10**8
    assert not CAP.is_capped(10**8, NOW)


# PriceCapAdapterBase.sol, _setCapParameters: the lowest growth that is not 0 is 317.
def test_the_lowest_growth() -> None:
    cap = GrowthCap(8, 0, CapParameters(10**8, NOW, 1))
    assert cap.growth_per_second_scaled == 317
    assert GrowthCap(8, 0, CapParameters(10**8, NOW, 0)).growth_per_second_scaled == 0


# PriceCapAdapterBase.t.sol, test_invalidSetup.
@pytest.mark.parametrize(
    ("decimals", "delay", "ratio", "snapshot", "now", "where"),
    [
        (7, 0, 10**8, NOW, NOW, "ratio_decimals"),
        (25, 0, 10**8, NOW, NOW, "ratio_decimals"),
        (8, 0, 0, NOW, NOW, "snapshot_ratio"),
        (8, 5, 10**8, NOW + 60, NOW + 60, "snapshot_time"),
        (8, 0, 10**8, NOW + 60, NOW + 60 + 366 * DAY, "snapshot_time"),
    ],
)
def test_invalid_setup(
    decimals: int, delay: int, ratio: int, snapshot: int, now: int, where: str
) -> None:
    with pytest.raises(InputError, match=f"growth cap: {where}"):
        GrowthCap.create(decimals, delay, CapParameters(ratio, snapshot, 1000), now)


@pytest.mark.parametrize(
    ("age", "delay", "allowed"),
    [
        (0, 0, True),
        (-1, 0, False),
        (7 * DAY, 7 * DAY, True),
        (7 * DAY - 1, 7 * DAY, False),
        (MAXIMUM_SNAPSHOT_TERM, 0, True),
        (MAXIMUM_SNAPSHOT_TERM + 1, 0, False),
    ],
)
def test_the_age_of_a_snapshot_when_it_is_set(age: int, delay: int, allowed: bool) -> None:
    parameters = CapParameters(10**8, NOW - age, 1000)
    if allowed:
        assert GrowthCap.create(8, delay, parameters, NOW).parameters == parameters
    else:
        with pytest.raises(InputError, match="snapshot_time"):
            GrowthCap.create(8, delay, parameters, NOW)


def test_no_snapshot_is_set_when_its_bounds_lie_before_1970() -> None:
    parameters = CapParameters(10**8, 1, 1000)
    with pytest.raises(InputError, match="growth cap: now"):
        GrowthCap.create(8, 0, parameters, MAXIMUM_SNAPSHOT_TERM - 1)
    made = GrowthCap.create(8, 0, parameters, MAXIMUM_SNAPSHOT_TERM)
    assert made.parameters == parameters
    with pytest.raises(InputError, match="growth cap: now"):
        GrowthCap.create(8, 200 * DAY, parameters, 199 * DAY)


# PriceCapAdapterBase.t.sol, test_manager; tests/PriceCapAdapterBaseTest.sol,
# test_revert_setParams_timestamp_lt_existing_timestamp.
def test_a_later_snapshot_replaces_an_earlier_one_even_with_a_lower_ratio() -> None:
    first = CAP.updated(CapParameters(10**10, NOW + 1, 1000), NOW + 1)
    assert first.parameters.snapshot_ratio == 10**10
    second = first.updated(CapParameters(10**8, NOW + 2, 1000), NOW + 2)
    assert second.parameters.snapshot_ratio == 10**8
    for earlier in (NOW + 2, NOW + 1):
        with pytest.raises(InputError, match="the snapshot in force"):
            second.updated(CapParameters(10**8, earlier, 1000), NOW + 9)


# PriceCapAdapterBase.t.sol, test_latestAnswerAndIsCapped.
@pytest.mark.parametrize(
    ("base", "ratio", "price"), [(-1, 10**8, 0), (10**8, 10**8, 10**8), (10**8, -1, 0), (0, 1, 0)]
)
def test_latest_answer(base: int, ratio: int, price: int) -> None:
    assert CAP.price(base, ratio, NOW) == price
    assert not CAP.is_capped(ratio, NOW)


# PriceCapAdapterBase.t.sol, test_cap: a rate that grows faster than its cap is capped 180 days on.
@pytest.mark.parametrize(("bps", "grown"), [(1, 2), (500, 501), (5000, 10_000)])
def test_a_rate_that_grows_faster_is_capped(bps: int, grown: int) -> None:
    now = NOW + 180 * DAY
    cap = GrowthCap(8, 0, CapParameters(10**8, NOW, bps))
    ratio = 10**8 * 180 * DAY * grown // SECONDS_PER_YEAR // 10_000 + 10**8
    assert cap.is_capped(ratio, now)
    assert cap.price(10**8, ratio, now) == cap.max_ratio(now) < ratio


# PriceCapAdapterBase.t.sol, test_fuzzRates.
@given(st.integers(1, 10_000), st.integers(8, 24))
def test_every_rate_that_is_not_0_grows(rate: int, decimals: int) -> None:
    assert GrowthCap(decimals, 0, CapParameters(10**decimals, 1, rate)).growth_per_second_scaled > 0


def test_the_cap_is_rounded_down_twice() -> None:
    # A year at 10%: 317,097·31,536,000 / 10^6 = 9,999,970.99…, 29 below the exact 10^7.
    assert CAP.max_ratio(NOW + SECONDS_PER_YEAR) == 10**8 + 9_999_970
    assert CAP.is_capped(10**8 + 9_999_971, NOW + SECONDS_PER_YEAR)
    assert not CAP.is_capped(10**8 + 9_999_970, NOW + SECONDS_PER_YEAR)
    assert CAP.max_ratio(NOW + 3) == 10**8
    assert CAP.max_ratio(NOW + 4) == 10**8 + 1
    assert CAP.price(10**10 + 7, 10**8 + 5, NOW + 4) == (10**10 + 7) * (10**8 + 1) // 10**8


RATIOS = st.integers(1, 2**104 - 1)


@given(RATIOS, st.integers(0, 2**16 - 1), st.integers(0, 10**9), RATIOS)
def test_the_contracts_cap_lies_just_below_the_exact_one(
    snapshot: int, bps: int, elapsed: int, ratio: int
) -> None:
    cap = GrowthCap(18, 0, CapParameters(snapshot, 1000, bps))
    rule = GrowthRule(snapshot, 1000, Fraction(bps, 10_000))
    exact = rule.cap(1000 + elapsed)
    assert 0 <= exact - cap.max_ratio(1000 + elapsed) < 1 + Fraction(elapsed, 10**6)
    assert cap.capped_ratio(ratio, 1000 + elapsed) <= capped_rate(ratio, rule, 1000 + elapsed).rate


def test_the_exact_form() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rule = GrowthRule(Fraction(11, 10), start, Fraction(1, 10))
    later = start + timedelta(days=73)
    cap = Fraction(11, 10) * Fraction(102, 100)
    assert capped_rate(Fraction(6, 5), rule, later) == CappedRate(cap, cap, capped=True)
    assert capped_rate(cap, rule, later) == CappedRate(cap, cap, capped=False)
    assert capped_rate(1, rule, later) == CappedRate(Fraction(1), cap, capped=False)


@pytest.mark.parametrize(
    "make",
    [
        lambda: CapParameters(2**104, 1, 0),
        lambda: CapParameters(1, 0, 0),
        lambda: CapParameters(1, 2**48, 0),
        lambda: CapParameters(1, 1, 2**16),
        lambda: CapParameters(1, 1, -1),
        lambda: CapParameters(1.0, 1, 1),  # type: ignore[arg-type]
        lambda: GrowthCap(8, -1, CapParameters(1, 1, 1)),
        lambda: CAP.max_ratio(NOW - 1),
        lambda: CAP.price(10**8, 10**8, NOW - 1),
        lambda: CAP.price(1.0, 10**8, NOW),  # type: ignore[arg-type]
        lambda: CAP.is_capped(1.0, NOW),  # type: ignore[arg-type]
        lambda: GrowthRule(0, 0, 0),
        lambda: GrowthRule(1, 0, Fraction(-1, 2)),
        lambda: GrowthRule(1, 0, 0.1),  # type: ignore[arg-type]
        lambda: GrowthRule(1, 10, 0).cap(9),
        lambda: capped_rate(0, GrowthRule(1, 0, 0), 0),
    ],
)
def test_what_is_out_of_range_is_refused(make: Any) -> None:
    with pytest.raises(InputError, match=r"^growth (cap|rule): "):
        make()

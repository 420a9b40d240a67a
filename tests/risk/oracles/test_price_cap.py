"""Aave's caps on pegged assets and on principal tokens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.oracles.price_cap import PrincipalTokenDiscount, RelativeCap, StableCap

USD = 10**8
DAY = 86_400
CAP = StableCap.create(104 * 10**6, USD)


# aave-capo, tests/unit-tests/PriceCapAdapterStable.t.sol, test_correctSetup and test_capo.
@pytest.mark.parametrize(
    ("feed", "price", "capped"),
    [
        (USD, USD, False),
        (105 * 10**6, 104 * 10**6, True),
        (104 * 10**6, 104 * 10**6, False),
        (0, 0, False),
        (-1, 0, False),
    ],
)
def test_a_stable_cap_restricts_growth_only(feed: int, price: int, capped: bool) -> None:
    assert CAP.price(feed) == price
    assert CAP.is_capped(feed) is capped


# The same file, test_setup and test_manager; PriceCapAdapterStable.sol, _setPriceCap.
def test_which_stable_caps_are_allowed() -> None:
    for allowed in (106 * 10**6, USD, 2 * USD):
        assert StableCap.create(allowed, USD).cap == allowed
    for wrong in (-1, 2**255 - 1, 2 * USD + 1, 1.04e8):
        with pytest.raises(InputError, match="stable cap: cap"):
            StableCap.create(wrong, USD)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not below the current price"):
        StableCap.create(USD - 1, USD)


# aave-capo, src/contracts/misc-adapters/EURPriceCapAdapterStable.sol.
def test_a_relative_cap_follows_its_base() -> None:
    cap = RelativeCap.create(104 * 10**16, 18, price=108_000_000, base_price=108_000_000)
    assert cap.max_price(108_000_000) == 112_320_000
    assert cap.price(112_320_001, 108_000_000) == 112_320_000
    assert cap.is_capped(112_320_001, 108_000_000)
    assert not cap.is_capped(112_320_000, 108_000_000)
    assert cap.price(-5, 108_000_000) == -5
    assert RelativeCap(5, 1).max_price(-3) == -1
    assert RelativeCap.create(10**18, 18, price=108, base_price=108).max_price(108) == 108
    with pytest.raises(InputError, match="not below the current price"):
        RelativeCap.create(10**18, 18, price=108_000_001, base_price=108_000_000)


WAD = 10**18
MATURITY = 1 + 30 * DAY
TOKEN = PrincipalTokenDiscount.create(MATURITY, WAD // 4, 3 * WAD // 10, 1)


# aave-capo, tests/unit-tests/PendlePriceCapAdapter.t.sol, test_invalidSetup.
@pytest.mark.parametrize(
    ("maturity", "rate", "most", "now"),
    [
        (MATURITY, 0, 0, 1),
        (MATURITY, 0, 3 * WAD // 10, 1),
        (MATURITY, 3 * WAD // 10 + 1, 3 * WAD // 10, 1),
        (MATURITY, 13 * WAD, 13 * WAD, 1),
        (1, 3 * WAD // 10, 3 * WAD // 10, 2),
        (2, 3 * WAD // 10, 3 * WAD // 10, 2),
        (365 * DAY + 1, WAD, WAD, 1),
    ],
)
def test_invalid_setup(maturity: int, rate: int, most: int, now: int) -> None:
    with pytest.raises(InputError, match=r"^principal token: "):
        PrincipalTokenDiscount.create(maturity, rate, most, now)


# The same file, test_latestAnswer and test_latestAnswerBelow0, test_latestAnswerAfterMaturity,
# test_getCurrentDiscount and test_getCurrentDiscountAfterMaturity.
def test_the_discount_falls_to_0_at_maturity() -> None:
    assert TOKEN.discount(1) == 30 * DAY * (WAD // 4) // (365 * DAY) == 20_547_945_205_479_452
    assert TOKEN.price(USD, 1) == 97_945_205
    assert TOKEN.price(-1, 1) == TOKEN.price(0, 1) == 0
    for after in (MATURITY, MATURITY + 1, 2**48 - 1):
        assert TOKEN.discount(after) == 0
        assert TOKEN.price(USD, after) == USD


@given(st.integers(1, MATURITY), st.integers(1, MATURITY), st.integers(1, 10**12))
def test_the_price_rises_with_time_and_never_above_the_asset(
    one: int, other: int, asset: int
) -> None:
    early, late = sorted((one, other))
    assert TOKEN.price(asset, early) <= TOKEN.price(asset, late) <= asset


# The same file, test_setDiscountRatePerYear and its reverts.
def test_another_rate() -> None:
    assert TOKEN.with_rate(1, 1).discount_rate == 1
    assert TOKEN.with_rate(3 * WAD // 10, MATURITY).discount_rate == 3 * WAD // 10
    for rate, now in ((0, 1), (3 * WAD // 10 + 1, 1), (1, MATURITY + 1)):
        with pytest.raises(InputError):
            TOKEN.with_rate(rate, now)


def test_a_discount_above_1_is_refused() -> None:
    long = PrincipalTokenDiscount(20 * 365 * DAY, WAD // 10, WAD)
    with pytest.raises(InputError, match="at most 1"):
        long.price(USD, 0)
    assert long.price(USD, 10 * 365 * DAY) == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: RelativeCap(1, 77),
        lambda: RelativeCap(1.0, 8),  # type: ignore[arg-type]
        lambda: CAP.price(1.0),  # type: ignore[arg-type]
        lambda: TOKEN.price(1.0, 1),  # type: ignore[arg-type]
        lambda: TOKEN.price(1, -1),
        lambda: PrincipalTokenDiscount(-1, 1, 1),
    ],
)
def test_what_is_out_of_range_is_refused(make: Any) -> None:
    with pytest.raises(InputError):
        make()

"""Confidence intervals: collateral at μ − kσ, debt at μ + kσ, and every refusal."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.oracles.confidence import ConfidenceRule, Estimate, bounds, interval
from zkcollateral.risk.oracles.outcome import PriceBounds, ReasonKind, Refusal
from zkcollateral.risk.oracles.pyth import PythPrice

RULE = ConfidenceRule(max_ratio=Fraction(1, 50), max_age=60)


def kinds(found: PriceBounds | Refusal) -> tuple[ReasonKind, ...]:
    assert isinstance(found, Refusal)
    return found.kinds()


# Pyth, best practices, Confidence Intervals: bitcoin at $50000 ± $1000.
def test_collateral_counts_at_49000_and_debt_at_51000() -> None:
    assert bounds("pyth", Estimate(50_000, 1000, 100), RULE, 100) == PriceBounds(
        49_000, 50_000, 51_000
    )


# Pyth, best practices, Fixed-Point Numeric Representation: AAPL/USD.
def test_fixed_point_prices_are_exact() -> None:
    estimate = PythPrice(12_276_250, 1500, -5, 0).estimate()
    assert (estimate.price, estimate.confidence) == (Fraction("122.7625"), Fraction("0.015"))


# pyth-sdk-rs, pyth-sdk/src/price.rs, doc of Price: 123·10^2 ± 1·10^2.
def test_exponents_may_be_positive() -> None:
    estimate = PythPrice(123, 1, 2, 100).estimate()
    assert (estimate.price, estimate.confidence) == (12_300, 100)


# Pyth, AbstractPyth.sol getPriceNoOlderThan and pyth-sdk get_price_no_older_than: the distance
# either way is at most the age.
@pytest.mark.parametrize(
    ("now", "refused"),
    [
        (160, ()),
        (161, (ReasonKind.STALE,)),
        (40, ()),
        (39, (ReasonKind.AHEAD,)),
    ],
)
def test_the_age_counts_either_way(now: int, refused: tuple[ReasonKind, ...]) -> None:
    found = bounds("pyth", Estimate(100, 1, 100), RULE, now)
    assert refused == (found.kinds() if isinstance(found, Refusal) else ())


# euler-xyz/euler-price-oracle, src/adapter/pyth/PythOracle.sol: at most a minute ahead, price above
# 0, conf ≤ price·maxConfWidth / 10,000.
@pytest.mark.parametrize(
    ("price", "confidence", "ahead", "refused"),
    [
        (10_000, 500, 60, ()),
        (10_000, 501, 0, (ReasonKind.TOO_WIDE,)),
        (10_001, 501, 0, (ReasonKind.TOO_WIDE,)),
        (10_000, 500, 61, (ReasonKind.AHEAD,)),
        (10_000, 500, -900, ()),
        (10_000, 500, -901, (ReasonKind.STALE,)),
        (0, 0, 0, (ReasonKind.NOT_POSITIVE,)),
        (-5, 0, 0, (ReasonKind.NOT_POSITIVE,)),
    ],
)
def test_the_checks_of_an_integration(
    price: int, confidence: int, ahead: int, refused: tuple[ReasonKind, ...]
) -> None:
    rule = ConfidenceRule(Fraction(500, 10_000), max_age=900, max_ahead=60)
    found = bounds("pyth", Estimate(price, confidence, 10_000 + ahead), rule, 10_000)
    assert refused == (found.kinds() if isinstance(found, Refusal) else ())


def test_every_reason_is_named() -> None:
    found = bounds("pyth-btc", Estimate(0, 1, 0), RULE, 100)
    assert kinds(found) == (ReasonKind.STALE, ReasonKind.NOT_POSITIVE)
    assert {reason.source for reason in getattr(found, "reasons", ())} == {"pyth-btc"}


@pytest.mark.parametrize(("sigma", "multiple"), [(100, 1), (50, 2), (101, 1)])
def test_a_lower_bound_that_is_not_positive_is_refused(sigma: int, multiple: int) -> None:
    rule = ConfidenceRule(max_ratio=2, max_age=0, multiple=multiple)
    assert kinds(interval("x", 100, sigma, rule)) == (ReasonKind.LOWER_BOUND,)


@given(
    st.fractions(min_value=0, max_value=10**6),
    st.fractions(min_value=0, max_value=10**6),
    st.fractions(min_value=0, max_value=3),
    st.fractions(min_value=0, max_value=2),
)
def test_the_interval_is_symmetric_and_positive_or_refused(
    price: Fraction, sigma: Fraction, multiple: Fraction, ratio: Fraction
) -> None:
    found = interval("x", price, sigma, ConfidenceRule(ratio, 0, multiple=multiple))
    if isinstance(found, Refusal):
        assert price == 0 or sigma / price > ratio or price <= multiple * sigma
    else:
        assert 0 < found.low <= price <= found.high
        assert found.high - price == price - found.low == multiple * sigma
        assert sigma / price <= ratio


@pytest.mark.parametrize(
    "make",
    [
        lambda: Estimate(1.0, 0, 0),  # type: ignore[arg-type]
        lambda: Estimate(1, -1, 0),
        lambda: Estimate(1, 0, -1),
        lambda: ConfidenceRule(-1, 60),
        lambda: ConfidenceRule(0.02, 60),  # type: ignore[arg-type]
        lambda: ConfidenceRule(1, -1),
        lambda: ConfidenceRule(1, 60, -1),
        lambda: ConfidenceRule(1, 60, multiple=-1),
        lambda: interval("x", 1, -1, RULE),
        lambda: interval("x", 1.5, 0, RULE),  # type: ignore[arg-type]
    ],
)
def test_what_is_out_of_range_is_refused(make: Any) -> None:
    with pytest.raises(InputError):
        make()

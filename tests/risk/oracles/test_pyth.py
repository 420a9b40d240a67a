"""Pyth's aggregate of publishers' quotes, against its own test data."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.oracles.outcome import ReasonKind, Refusal
from zkcollateral.risk.oracles.pyth import (
    PublisherQuote,
    PythAggregate,
    PythPrice,
    publisher_aggregate,
)

BTC = [
    (4329605500000, 1486500000),
    (4325720000000, 1290000000),
    (43254, 1),
    (4329150000000, 1500000000),
    (4329999999999, 3999999999),
    (4331609000000, 2422000000),
    (4329198852938, 3044669090),
    (4327900000000, 2000000000),
    (4332090000000, 1000000),
]
TEN = [(100000, 10)] * 5 + [(101000, 10)] * 5


# pyth-network/pyth-client, program/rust/test_data/aggregation/<number>.json and .result, run by
# program/rust/src/tests/test_aggregation.rs.
@pytest.mark.parametrize(
    ("quotes", "price", "confidence"),
    [
        pytest.param([(10000, 1000)] * 3, 10000, 1000, id="1"),
        pytest.param([(-10000, 1000)] * 3, -10000, 1000, id="2"),
        pytest.param([(0, 1000)] * 3, 0, 1000, id="3"),
        pytest.param([(10000, 10), (10020, 10), (11000, 10)], 10020, 970, id="8"),
        pytest.param(
            [(500000, 10), (501000, 20), (500000000000, 10000000)], 501000, 499989499000, id="10"
        ),
        pytest.param([(10000, 1000), (11000, 200), (11100, 350)], 11000, 250, id="18"),
        pytest.param(
            [(10000000, 5000), (10010000, 5000), (10000000, 1000)], 10001000, 4000, id="22"
        ),
        pytest.param([*TEN, (100500, 1)], 100500, 500, id="27"),
        pytest.param([*TEN, (1110000, 1)], 100990, 990, id="30"),
        pytest.param([*BTC, (0, 200000000)], 4328634500000, 2914500000, id="31"),
        pytest.param(BTC, 4329187000000, 3187000000, id="33"),
        pytest.param(
            [(4000000000000 + 100000000 * index, 1000000000) for index in range(5)]
            + [(40000000000, 10000000)] * 2,
            3999400000000,
            3959390000000,
            id="35",
        ),
        pytest.param([(21000000, 100000), (209900000, 1000000)], 115000000, 94900000, id="39"),
    ],
)
def test_published_quote_sets(quotes: list[tuple[int, int]], price: int, confidence: int) -> None:
    given_quotes = [PublisherQuote(*quote) for quote in quotes]
    expected = PythAggregate(price, confidence, len(quotes))
    assert publisher_aggregate(given_quotes) == expected
    assert publisher_aggregate(reversed(given_quotes)) == expected


# The same directory, 38: quotes with no confidence do not count, and none is left.
def test_quotes_without_confidence_do_not_count() -> None:
    found = publisher_aggregate([PublisherQuote(10000, 0)] * 3)
    assert isinstance(found, Refusal)
    assert found.kinds() == (ReasonKind.QUORUM,)


# pyth-client, program/rust/src/tests/test_upd_aggregate.rs: one to four publishers.
@pytest.mark.parametrize(
    ("publishers", "price", "confidence"), [(1, 100, 10), (2, 145, 55), (3, 200, 90), (4, 245, 85)]
)
def test_published_publishers(publishers: int, price: int, confidence: int) -> None:
    quotes = [PublisherQuote(100 * n, 10 * n, slots_behind=1) for n in range(1, publishers + 1)]
    assert publisher_aggregate(quotes) == PythAggregate(price, confidence, publishers)


# The same test: a quote 25 slots old counts (445 ± 55), one of 26 slots does not (500 ± 50).
def test_a_quote_counts_for_25_slots() -> None:
    late = publisher_aggregate([PublisherQuote(400, 40, 25), PublisherQuote(500, 50, 1)])
    assert late == PythAggregate(445, 55, 2)
    too_late = publisher_aggregate([PublisherQuote(400, 40, 26), PublisherQuote(500, 50, 2)])
    assert too_late == PythAggregate(500, 50, 1)
    found = publisher_aggregate(
        [PublisherQuote(400, 40, 10), PublisherQuote(500, 50, 6)], max_slots_behind=5
    )
    assert isinstance(found, Refusal)


def test_the_mean_of_two_middles_is_rounded_down_for_either_sign() -> None:
    assert publisher_aggregate([PublisherQuote(-3, 1), PublisherQuote(4, 2)]) == PythAggregate(
        0, 4, 2
    )
    odd = publisher_aggregate([PublisherQuote(-4, 1), PublisherQuote(3, 4)])
    # Votes −5, −4, −3, −1, 3, 7: the middles −3 and −1; the second from below −4, from above 3.
    assert odd == PythAggregate(-2, 5, 2)
    floor = publisher_aggregate([PublisherQuote(-4, 1), PublisherQuote(3, 5)])
    # Votes −5, −4, −3, −2, 3, 8: −5/2 is rounded to −3.
    assert floor == PythAggregate(-3, 6, 2)


def test_quotes_that_do_not_trade_or_overflow_do_not_count() -> None:
    good = PublisherQuote(100, 10)
    for bad in (
        PublisherQuote(100, 10, trading=False),
        PublisherQuote(2**63 - 1, 1),
        PublisherQuote(-(2**63), 1),
        PublisherQuote(0, 2**63),
    ):
        assert publisher_aggregate([good, bad]) == PythAggregate(100, 10, 1)


def test_the_minimum_of_publishers_is_a_quorum() -> None:
    quotes = [PublisherQuote(100, 10)] * 2
    assert publisher_aggregate(quotes, minimum_publishers=2) == PythAggregate(100, 10, 2)
    found = publisher_aggregate(quotes, minimum_publishers=3)
    assert isinstance(found, Refusal)
    assert str(found) == "pyth: quorum: expected at least 3 quotes that count, got 2"
    assert isinstance(publisher_aggregate([], minimum_publishers=0), Refusal)


@given(
    st.lists(
        st.builds(
            PublisherQuote,
            st.integers(-(10**9), 10**9),
            st.integers(1, 10**6),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_the_price_lies_among_the_votes_and_the_confidence_is_positive(
    quotes: list[PublisherQuote],
) -> None:
    found = publisher_aggregate(quotes)
    assert isinstance(found, PythAggregate)
    assert min(quote.price - quote.confidence for quote in quotes) <= found.price
    assert found.price <= max(quote.price + quote.confidence for quote in quotes)
    assert found.confidence > 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: PythPrice(2**63, 0, 0, 0),
        lambda: PythPrice(1, -1, 0, 0),
        lambda: PythPrice(1, 2**64, 0, 0),
        lambda: PythPrice(1, 1, 65, 0),
        lambda: PythPrice(1, 1, 0, 0.5),  # type: ignore[arg-type]
        lambda: PythPrice(1.0, 1, 0, 0),  # type: ignore[arg-type]
        lambda: PublisherQuote(1, 1, -1),
        lambda: PublisherQuote(1, -1),
        lambda: publisher_aggregate([PublisherQuote(1, 1)] * 129),
    ],
)
def test_what_is_out_of_range_is_refused(make: Any) -> None:
    with pytest.raises(InputError):
        make()

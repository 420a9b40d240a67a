"""Greeks of positions and accounts: against QuantLib, the exact model, and each other."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from math import sqrt

import pytest
import QuantLib as ql

from tests.risk.margin import margin_books as books
from zkcollateral.errors import InputError
from zkcollateral.risk.margin.greeks import margin_greeks, underlying_of
from zkcollateral.risk.margin.report import margin_report
from zkcollateral.risk.margin.requirement import evaluate_margin
from zkcollateral.risk.options.black76 import price

POLICY, REGISTRY, PRICES = books.policy(), books.registry(), books.prices()
BOOK = books.portfolio(books.BOOK)
AMOUNTS = BOOK.amounts(REGISTRY)
# Right, forward, strike, volatility, expiry, amount.
OPTIONS = {
    "BTC-C70": (ql.Option.Call, 64_300, 70_000, 0.62, datetime(2026, 3, 27, 8, tzinfo=UTC), -10),
    "BTC-P56": (ql.Option.Put, 65_100, 56_000, 0.7, datetime(2026, 6, 26, 8, tzinfo=UTC), 4),
    "ETH-P3000": (ql.Option.Put, 3_200, 3_000, 0.81, datetime(2026, 3, 27, 8, tzinfo=UTC), -20),
}


def test_of_options_agree_with_quantlib() -> None:
    found = {
        each.symbol: each
        for greeks in margin_greeks(POLICY, REGISTRY, PRICES, AMOUNTS)
        for each in greeks.positions
    }
    for symbol, (right, forward, strike, volatility, expiry, amount) in OPTIONS.items():
        years = (expiry - books.TIME).total_seconds() / (365 * 86_400)
        payoff = ql.PlainVanillaPayoff(right, strike)
        expected = ql.BlackCalculator(payoff, forward, volatility * sqrt(years), 1.0)
        each = found[symbol]
        assert each.kind == ("call" if right == ql.Option.Call else "put")
        assert each.volatility == volatility
        assert each.delta == pytest.approx(amount * expected.deltaForward(), rel=1e-10)
        assert each.gamma == pytest.approx(amount * expected.gammaForward(), rel=1e-10)
        assert each.vega == pytest.approx(amount * expected.vega(years) / 100, rel=1e-10)
        decay = -(volatility**2) * forward**2 * expected.gammaForward() / 2
        assert each.theta == pytest.approx(amount * decay / 365, rel=1e-10)
        assert each.rho == pytest.approx(-amount * years * expected.value(), rel=1e-10)


def test_the_account_is_the_sum_of_its_positions() -> None:
    btc, eth = margin_greeks(POLICY, REGISTRY, PRICES, AMOUNTS)
    assert [each.symbol for each in btc.positions] == [
        "BTC",
        "BTC-C70",
        "BTC-P56",
        "BTC-JUN",
        "BTC-PERP",
    ]
    assert [each.symbol for each in eth.positions] == ["ETH-P3000", "ETH-PERP"]
    for greeks in (btc, eth):
        for name in ("delta", "gamma", "vega", "theta", "rho"):
            total = sum(getattr(each, name) for each in greeks.positions)
            assert getattr(greeks, name) == pytest.approx(total)
    plain = {each.symbol: each.delta for each in (*btc.positions, *eth.positions)}
    assert (plain["BTC"], plain["BTC-JUN"], plain["BTC-PERP"]) == (1.25, 5.0, -0.5)
    assert plain["ETH-PERP"] == -12.5
    assert btc.delta_value == btc.delta * 64_000
    assert (btc.unknown, eth.unknown) == ((), ())


def test_debts_and_listed_instruments() -> None:
    amounts = books.portfolio(books.OTHER).amounts(REGISTRY)
    btc, eth = margin_greeks(POLICY, REGISTRY, PRICES, amounts)
    assert (btc.positions[0].side, btc.positions[0].delta) == ("debt", -0.1)
    (basket,) = eth.positions
    assert (basket.kind, basket.delta, basket.known) == ("listed", 1.0, False)
    assert eth.unknown == ("ETH-BASKET",)


@pytest.mark.parametrize("symbol", OPTIONS)
def test_delta_and_vega_tell_how_the_exact_marks_move(symbol: str) -> None:
    """The exact engine's marks at prices a little off move as the floats say."""
    asset = REGISTRY.by_key[symbol, "signed"]
    amounts = [0] * REGISTRY.slots
    amounts[asset.slot] = AMOUNTS[asset.slot]
    (greeks,) = margin_greeks(POLICY, REGISTRY, PRICES, amounts)
    option = POLICY.margin.instruments[symbol]  # type: ignore[union-attr]

    def equity(forward: int, volatility: int) -> float:
        prices = dict(books.ROUND["prices"])
        prices[option.forward] = str(int(prices[option.forward]) + forward)
        figures = dict(books.ROUND["figures"])
        thousandths = round(float(figures[option.volatility]) * 1000) + volatility
        figures[option.volatility] = f"0.{thousandths:03}"
        round_ = books.prices(prices=prices, figures=figures)
        return float(evaluate_margin(POLICY, REGISTRY, round_, amounts).equity)

    assert (equity(1, 0) - equity(-1, 0)) / 2 == pytest.approx(greeks.delta, rel=1e-5)
    step = 20 if symbol.startswith("ETH") else 200
    bend = equity(step, 0) - 2 * equity(0, 0) + equity(-step, 0)
    assert bend / step**2 == pytest.approx(greeks.gamma, rel=1e-3)
    points = 0.2
    assert (equity(0, 1) - equity(0, -1)) / points == pytest.approx(greeks.vega, rel=1e-4)


def test_what_is_about_no_underlying() -> None:
    about = {(a.symbol, a.side): underlying_of(POLICY, a) for a in REGISTRY.assets}
    assert about["USDC", "signed"] is None
    assert about["STRAY", "collateral"] is None
    assert about["BTC", "debt"] == "BTC"
    assert about["ETH-BASKET", "signed"] == "ETH"


def test_a_spot_without_a_factor_on_its_side_is_about_nothing() -> None:
    policy = books.policy(
        factors={
            "collateral": {"BTC": "0.9"},
            "debt": {},
            "signed": {"USDC": {"long": "1", "short": "1"}},
        }
    )
    assert underlying_of(policy, REGISTRY.by_key["BTC", "debt"]) is None
    found = margin_report(books.portfolio(books.OTHER), policy, REGISTRY, PRICES)
    assert "BTC" not in {each.symbol for each in found.positions}
    assert found.claims[0].misplaced == ("BTC (debt)",)
    assert not found.claims[0].holds


def test_inverse_contracts_have_greeks_in_the_currency_of_the_index() -> None:
    """Under coins as quote: index, forward and Greeks in dollars, margin in coins."""
    margin = deepcopy(books.MARGIN)
    del margin["underlyings"]["ETH"]
    margin["underlyings"]["BTC"] |= {"index": "BTC-USD", "settlement": "inverse"}
    del margin["spots"]
    margin["instruments"] = {
        "BTC-C70": margin["instruments"]["BTC-C70"],
        "BTC-PERP": {"type": "perpetual", "underlying": "BTC", "settled": True},
    }
    policy = books.policy(quote="BTC", margin=margin)
    round_ = books.prices(
        quote="BTC",
        prices={"BTC": "1", "USDC": "0.000015625"},
        figures={"BTC-USD": "64000", "BTC-MAR": "64300", "BTC-C70-IV": "0.62"},
    )
    book = books.BOOK | {"signed": {"BTC-C70": "-10", "BTC-PERP": "3"}}
    found = margin_report(books.portfolio(book), policy, REGISTRY, round_)
    (greeks,) = found.greeks
    linear = margin_greeks(POLICY, REGISTRY, PRICES, AMOUNTS)[0].positions[1]
    assert greeks.price == 64_000
    assert greeks.positions[0] == linear
    assert (greeks.positions[1].kind, greeks.positions[1].delta) == ("perpetual", 3.0)
    # 1.25 · 0.9 coins, less ten calls that are worth value/forward coins each.
    value = float(price("call", 64_300, 70_000, 26 / 365, 0.62))
    assert float(found.equity) == pytest.approx(1.125 - 10 * value / 64_300, abs=1e-4)


def test_an_expired_option_and_a_missing_model() -> None:
    late = books.prices(time="2026-03-27T08:00:00Z")
    with pytest.raises(InputError) as refused:
        margin_greeks(POLICY, REGISTRY, late, AMOUNTS)
    assert (refused.value.where, refused.value.got) == ("option BTC-C70", "an expired option")
    value = books.policy_json(claims={"plain": {"type": "maintenance"}})
    del value["margin"]
    without = type(POLICY).from_json_value(value, "policy")
    with pytest.raises(InputError, match="policy: margin"):
        margin_greeks(without, REGISTRY, PRICES, AMOUNTS)

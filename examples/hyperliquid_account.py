"""A Hyperliquid cross account: its margin by the venue's own rule, and a proof that shows nothing.

All numbers are synthetic: margin tables, prices and positions were made up for this example.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from common import Cast, asset_registry, number, policy_of, show

from zkcollateral.risk.presets.hyperliquid import Account, MarginTable, MarginTier, Position
from zkcollateral.risk.presets.hyperliquid_liquidation import book_orders, stage
from zkcollateral.risk.presets.hyperliquid_policy import hyperliquid_portfolio, hyperliquid_rule
from zkcollateral.risk.presets.units import require_price

TABLES = {
    "BTC": MarginTable("BTC", (MarginTier(0, 40), MarginTier(1_000_000, 20))),
    "ETH": MarginTable("ETH", (MarginTier(0, 25), MarginTier(500_000, 15))),
    "HYPE": MarginTable.single("HYPE", 10),
}
WALLET = Fraction(97_500)
# Coin: size, above 0 long and below 0 short, and entry price.
OPENED = {
    "BTC": (Fraction(20), Fraction(64_410)),
    "ETH": (Fraction(-250), Fraction("3034.5")),
    "HYPE": (Fraction("-4200.5"), Fraction("24.812")),
}
# What each of the three oracles says of the mark prices; the median counts.
TODAY = {
    "USDC": ("1", "1", "1"),
    "BTC": ("63962", "63950", "63941.5"),
    "ETH": ("3001.2", "3000.4", "2999.9"),
    "HYPE": ("25.31", "25.306", "25.3"),
}
AFTER_A_SQUEEZE = {
    **TODAY,
    "ETH": ("3181", "3180.2", "3179.4"),
    "HYPE": ("27.9", "27.88", "27.87"),
}


def account_at(prices: Mapping[str, Fraction]) -> Account:
    """The account at the mark prices of a round."""
    require_price("Hyperliquid", prices, "USDC", 1)
    positions = (
        Position(coin, size, entry, prices[coin], TABLES[coin])
        for coin, (size, entry) in OPENED.items()
    )
    return Account(WALLET, tuple(positions))


def show_margin(title: str, account: Account) -> None:
    """What the venue says of the account and of each position."""
    value, needed = account.account_value, account.maintenance_margin
    show(
        title,
        [
            ("account value", f"{number(value)} USDC"),
            ("maintenance margin", f"{number(needed)} USDC"),
            ("notional", f"{number(account.total_notional)} USDC"),
            ("stage", stage(account).value),
        ],
    )
    rows = [("coin", "size", "entry", "mark", "profit", "maintenance margin", "liquidation at")]
    for each in account.positions:
        price = account.liquidation_price(each.coin)
        rows.append(
            (
                each.coin,
                number(each.size, 4),
                number(each.entry_price, 3),
                number(each.mark_price, 3),
                number(each.unrealized_pnl),
                number(each.maintenance_margin),
                "no price" if price is None else number(price, 3),
            )
        )
    show("Its positions; the price of liquidation is with the other prices fixed", rows)


def show_liquidation(account: Account) -> None:
    """The market orders that the venue would send."""
    rows = [
        (order.coin, f"{number(order.size, 4)} coins", "a first fifth" if order.partial else "all")
        for order in book_orders(account)
    ]
    show("What the venue would send to the book", rows)


def main() -> None:
    """The whole way, at today's prices and at prices at which there is nothing to prove."""
    print("Synthetic numbers throughout; keys, commitments and proofs are real.")
    assets = [("USDC", -6, "signed"), ("BTC", -5, "signed"), ("ETH", -4, "signed")]
    registry = asset_registry("hyperliquid-perpetuals", [*assets, ("HYPE", -2, "signed")])
    fall = {"BTC": "-0.02", "ETH": "-0.03", "HYPE": "-0.05"}
    policy = policy_of(hyperliquid_rule(TABLES), registry, {"market-falls": fall})
    cast = Cast()

    prices = cast.sign_prices(policy, TODAY)
    account = account_at(prices.round.prices)
    show_margin("What the holder sees today, by Hyperliquid's own rule", account)
    portfolio = hyperliquid_portfolio("trader-3", account, registry)
    secret = [(symbol, str(amount)) for symbol, amount in portfolio.signed.items()]
    show("What stays secret: sizes, and the balance less what they were opened for", secret)
    claims = ("healthy", "not-liquidatable")
    cast.prove_and_verify(policy, registry, portfolio, prices, claims)

    prices = cast.sign_prices(policy, AFTER_A_SQUEEZE)
    account = account_at(prices.round.prices)
    show_margin("The same account after ETH rose by 6 % and HYPE by 10 %", account)
    show_liquidation(account)
    cast.prove_and_verify(policy, registry, portfolio, prices, claims)


if __name__ == "__main__":
    main()

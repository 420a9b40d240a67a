"""An Aave v3.7 account in an eMode: its own health, and a proof of it that shows no position.

All numbers are synthetic: reserves, indices, prices and positions were made up for this example.
"""

from __future__ import annotations

from fractions import Fraction

from common import Cast, asset_registry, number, policy_of, show

from zkcollateral.risk.fixed_point import RAY, WAD
from zkcollateral.risk.presets.aave_liquidation import liquidate
from zkcollateral.risk.presets.aave_policy import aave_portfolio, aave_prices, aave_rule
from zkcollateral.risk.presets.aave_v3 import (
    AaveAccount,
    AaveMarket,
    AavePosition,
    AaveReserve,
    EModeCategory,
    is_liquidatable,
    user_account_data,
)

BASE = 10**8
STAKED_ETHER = EModeCategory(1, 9300, 9500, 10_100, frozenset({"wstETH", "WETH"}))
MARKET = AaveMarket(
    reserves=(
        AaveReserve("WETH", 18, 8050, 8300, 10_500, variable_borrow_index=RAY * 106 // 100),
        AaveReserve("wstETH", 18, 7850, 8100, 10_600, 1000, liquidity_index=RAY * 1004 // 1000),
        AaveReserve("USDC", 6, 7500, 7800, 10_450, variable_borrow_index=RAY * 113 // 100),
    ),
    e_modes=(STAKED_ETHER,),
)
ACCOUNT = AaveAccount(
    positions=(
        AavePosition("wstETH", scaled_supply=120 * WAD),
        AavePosition("WETH", scaled_debt=121 * WAD),
        AavePosition("USDC", scaled_debt=15_000 * 10**6),
    ),
    e_mode=STAKED_ETHER.category_id,
)
# What each of the three oracles says; the median counts.
TODAY = {
    "wstETH": ("3641.7", "3641.25", "3639.9"),
    "WETH": ("3004.2", "3002.85", "3001.5"),
    "USDC": ("1", "0.9999", "0.9998"),
}
AFTER_A_DEPEG = {**TODAY, "wstETH": ("3441.7", "3441.25", "3439.9")}


def show_health(title: str, feed: dict[str, int]) -> None:
    """What `getUserAccountData` gives, for people."""
    data = user_account_data(MARKET, ACCOUNT, feed)
    threshold = Fraction(data.average_liquidation_threshold, 100)
    show(
        title,
        [
            ("collateral", f"{number(Fraction(data.total_collateral_base, BASE))} USD"),
            ("debt", f"{number(Fraction(data.total_debt_base, BASE))} USD"),
            ("liquidation threshold", f"{number(threshold)} %"),
            ("health factor", number(Fraction(data.health_factor, WAD), 6)),
            ("liquidatable", "yes" if is_liquidatable(MARKET, ACCOUNT, feed) else "no"),
        ],
    )


def show_liquidation(feed: dict[str, int]) -> None:
    """The largest liquidation of wstETH against WETH, as Aave would do it."""
    done = liquidate(MARKET, ACCOUNT, feed, "wstETH", "WETH")
    after = user_account_data(MARKET, done.account, feed)
    show(
        "What a liquidator could do",
        [
            ("repay", f"{number(Fraction(done.amounts.repaid, WAD), 6)} WETH"),
            ("receive", f"{number(Fraction(done.amounts.seized, WAD), 6)} wstETH"),
            ("protocol fee", f"{number(Fraction(done.amounts.protocol_fee, WAD), 6)} wstETH"),
            ("health factor afterwards", number(Fraction(after.health_factor, WAD), 6)),
        ],
    )


def main() -> None:
    """The whole way, at today's prices and at prices at which there is nothing to prove."""
    print("Synthetic numbers throughout; keys, commitments and proofs are real.")
    assets = [("wstETH", -9, "collateral"), ("WETH", -9, "debt"), ("USDC", -6, "debt")]
    registry = asset_registry("aave-staked-ether", assets)
    rule = aave_rule(MARKET, ACCOUNT.e_mode)
    policy = policy_of(rule, registry, {"depeg-3": {"wstETH": "-0.03"}})
    portfolio = aave_portfolio("position-58", MARKET, ACCOUNT, registry)
    cast = Cast()

    prices = cast.sign_prices(policy, TODAY)
    feed = aave_prices(MARKET, prices.round.prices)
    show_health("What the holder sees today, by Aave's own rule", feed)
    held = {f"{symbol} supplied": str(amount) for symbol, amount in portfolio.collateral.items()}
    owed = {f"{symbol} borrowed": str(amount) for symbol, amount in portfolio.debt.items()}
    show("What stays secret", list({**held, **owed}.items()))
    claims = ("healthy", "not-liquidatable")
    cast.prove_and_verify(policy, registry, portfolio, prices, claims)

    prices = cast.sign_prices(policy, AFTER_A_DEPEG)
    feed = aave_prices(MARKET, prices.round.prices)
    show_health("The same account after wstETH fell by 5.5 %", feed)
    show_liquidation(feed)
    cast.prove_and_verify(policy, registry, portfolio, prices, claims)


if __name__ == "__main__":
    main()

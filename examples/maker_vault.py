"""A Maker vault: its own safety, and a proof of it that shows neither collateral nor debt.

All numbers are synthetic: rates, prices and the vault were made up for this example.
"""

from __future__ import annotations

from fractions import Fraction

from common import Cast, asset_registry, number, policy_of, show

from zkcollateral.risk.fixed_point import RAY, WAD
from zkcollateral.risk.presets.maker import (
    Ilk,
    LiquidationLimits,
    Urn,
    bark,
    collateralization,
    debt,
    is_liquidatable,
)
from zkcollateral.risk.presets.maker_auction import (
    AuctionParameters,
    StairstepExponentialDecrease,
    chost,
    kick,
    status,
)
from zkcollateral.risk.presets.maker_policy import maker_portfolio, maker_rule, maker_spot

RAD = RAY * WAD
MAT = RAY * 145 // 100
CHOP = WAD * 113 // 100
DUST = 7_500 * RAD
RATE = 1_087_654_321_987_654_321_098_765_432
VAULT = Urn(ink=25 * WAD, art=41_000 * WAD)
LIMITS = LiquidationLimits(CHOP, hole=40_000_000 * RAD, total_hole=100_000_000 * RAD)
AUCTION = AuctionParameters(
    StairstepExponentialDecrease(step=90, cut=RAY * 99 // 100),
    buf=RAY * 120 // 100,
    tail=7_200,
    cusp=RAY * 40 // 100,
    chost=chost(DUST, CHOP),
)
# What each of the three oracles says; the median counts. A Dai is worth its par to Maker.
TODAY = {"ETH": ("3004.2", "3002.85", "3001.5"), "DAI": ("1", "1", "1")}
AFTER_A_FALL = {**TODAY, "ETH": ("2553.6", "2552.4225", "2551.3")}


def show_safety(title: str, ilk: Ilk) -> None:
    """What the vat and the dog say of the vault, for people."""
    ratio = collateralization(ilk, VAULT, MAT) or 0
    show(
        title,
        [
            ("spot", f"{number(Fraction(ilk.spot, RAY), 4)} Dai an ETH"),
            ("debt", f"{number(Fraction(debt(ilk, VAULT), RAD))} Dai"),
            ("collateralization", f"{number(Fraction(ratio * 100, RAY), 4)} %"),
            ("needed", f"{number(Fraction(MAT * 100, RAY), 4)} %"),
            ("liquidatable", "yes" if is_liquidatable(ilk, VAULT) else "no"),
        ],
    )


def show_liquidation(ilk: Ilk, price: Fraction) -> None:
    """What `bark` would take, and how the auction's price would fall."""
    barked = bark(ilk, VAULT, LIMITS)
    sale = kick(AUCTION, barked.tab, barked.dink, int(price * WAD), now=0).sale
    rows = [
        ("collateral to sell", f"{number(Fraction(barked.dink, WAD), 4)} ETH"),
        ("to raise, with the penalty", f"{number(Fraction(barked.tab, RAD))} Dai"),
    ]
    for minutes in (0, 15, 30, 45):
        asked = Fraction(status(AUCTION, sale, 60 * minutes).price, RAY)
        rows.append((f"price after {minutes} minutes", f"{number(asked)} Dai an ETH"))
    show("What a liquidation would do", rows)


def main() -> None:
    """The whole way, at today's price and at one at which there is nothing to prove."""
    print("Synthetic numbers throughout; keys, commitments and proofs are real.")
    registry = asset_registry("maker-eth", [("ETH", -9, "collateral"), ("DAI", -9, "debt")])
    rule = maker_rule("ETH", MAT, CHOP, dust=DUST, auction=AUCTION)
    policy = policy_of(rule, registry, {"eth-10": {"ETH": "-0.1"}})
    cast = Cast()
    claims = ("healthy", "not-liquidatable")

    prices = cast.sign_prices(policy, TODAY)
    ilk = Ilk(RATE, maker_spot("ETH", MAT, prices.round.prices), DUST)
    portfolio = maker_portfolio("vault-31042", "ETH", ilk, VAULT, registry)
    show_safety("What the holder sees today, by Maker's own rule", ilk)
    secret = [
        ("ETH locked", str(portfolio.collateral["ETH"])),
        ("DAI owed", str(portfolio.debt["DAI"])),
    ]
    show("What stays secret", secret)
    cast.prove_and_verify(policy, registry, portfolio, prices, claims)

    prices = cast.sign_prices(policy, AFTER_A_FALL)
    ilk = Ilk(RATE, maker_spot("ETH", MAT, prices.round.prices), DUST)
    show_safety("The same vault after ETH fell by 15 %", ilk)
    show_liquidation(ilk, prices.round.prices["ETH"])
    cast.prove_and_verify(policy, registry, portfolio, prices, claims)


if __name__ == "__main__":
    main()

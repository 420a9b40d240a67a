"""A leveraged staking loop: yield, health under a depeg, the cost of leaving, and a proof of it.

wstETH at a capped exchange rate is supplied, ETH is borrowed and staked again, five times. All
numbers are synthetic: rates, prices, pool and position were made up for this example.
"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from common import COMMITMENT_RULE, ORACLE_RULE, Cast, asset_registry, number, show

import zkcollateral as zk
from zkcollateral.risk.clock import format_time
from zkcollateral.risk.liquidation.depth import ConstantProductPool
from zkcollateral.risk.pricing import price
from zkcollateral.risk.threshold import maintenance_threshold
from zkcollateral.risk.valuation import Account
from zkcollateral.risk.wrapped.look_through import by_root, depeg
from zkcollateral.risk.wrapped.loop import Loop, leverage_limit
from zkcollateral.risk.wrapped.unwind import (
    Pool,
    Queue,
    Unwinding,
    unwind_by_flash_loan,
    unwind_by_steps,
)

LTV, THRESHOLD = Fraction("0.85"), Fraction("0.93")
STAKE, BORROW = Fraction("0.031"), Fraction("0.024")
RATE = Fraction("1.2")
LOOP = Loop.of_loops(100, LTV, 5, THRESHOLD, STAKE, BORROW)
FIGURES = {"wstETH.rate": ("1.2", "1.2", "1.2")}
TODAY = {"ETH": ("3004.2", "3002.85", "3001.5")}


def show_loop() -> None:
    """What the loop is, in ETH, and when it would be liquidated."""
    dear = Loop(LOOP.collateral, LOOP.debt, THRESHOLD, STAKE, Fraction("0.06"))
    show(
        "A loop of 100 ETH, five times, at a loan to value of 85 %",
        [
            ("collateral", f"{number(LOOP.collateral)} ETH, as wstETH"),
            ("debt", f"{number(LOOP.debt)} ETH"),
            ("leverage", f"{number(LOOP.leverage)} (no more than {number(leverage_limit(LTV))})"),
            ("net yield", f"{number(100 * LOOP.net_yield)} % a year, staking alone 3.10 %"),
            ("the same, borrowing at 6 %", f"{number(100 * dear.net_yield)} % a year"),
            ("health factor", number(Fraction(LOOP.health()), 4)),
            ("health after a depeg of 5 %", number(Fraction(LOOP.health(Fraction("0.05"))), 4)),
            ("liquidation at a depeg of", f"{number(100 * (LOOP.liquidation_depeg or 0))} %"),
            ("days until then, borrowing at 6 %", str(dear.whole_days_until(1))),
        ],
    )


def show_exits() -> None:
    """What leaving costs, by several ways."""
    calm = Pool(ConstantProductPool(Fraction(20_000), Fraction(20_000), Fraction("0.0004")))
    below = Pool(ConstantProductPool(Fraction(30_000), Fraction(28_500), Fraction("0.0004")))
    loan = Fraction("0.0005")

    def row(way: str, done: Unwinding) -> tuple[str, ...]:
        steps = f"{len(done.steps)} step{'' if len(done.steps) == 1 else 's'}"
        return (way, f"{number(done.cost, 4)} ETH", steps, f"{number(done.days, 0)} days")

    show(
        "What it costs to leave, of an equity of 100 ETH",
        [
            row("flash loan, pool at peg", unwind_by_flash_loan(LOOP, calm, loan)),
            row("step by step, pool at peg", unwind_by_steps(LOOP, LTV + Fraction("0.04"), calm)),
            row("flash loan, pool 5 % below", unwind_by_flash_loan(LOOP, below, loan)),
            row(
                "exit queue of 9 days a step", unwind_by_steps(LOOP, THRESHOLD, Queue(Fraction(9)))
            ),
        ],
    )


def policy_for(registry: zk.Registry) -> zk.Policy:
    """Maintenance now, and after a depeg of wstETH, of what it wraps, and a fall of ETH."""
    shocks = {"wstETH": "-0.05"}, {"stETH": "-0.06"}, {"ETH": "-0.4"}
    names = "wstETH-depegs", "stETH-depegs", "ETH-falls"
    snapshot = zk.now() - timedelta(days=30)
    return zk.Policy.from_json_value(
        {
            "format": "zkcollateral/policy/1",
            "name": "staking-loop",
            "registry": zk.document_digest(registry),
            "quote": "USD",
            "ratio": "1",
            "factors": {
                "collateral": {"wstETH": "0.93"},
                "debt": {"ETH": "1"},
                "signed": {},
            },
            "value_decimals": None,
            "oracle": ORACLE_RULE.model_dump(),
            "commitments": COMMITMENT_RULE.model_dump(),
            "profile": "balanced",
            "claims": {
                "healthy": {"type": "maintenance"},
                "healthy-after-depeg": {
                    "type": "stress",
                    "scenarios": [
                        {"name": name, "shocks": moved}
                        for name, moved in zip(names, shocks, strict=True)
                    ],
                },
                "healthy-after-deep-depeg": {
                    "type": "stress",
                    "scenarios": [{"name": "deep", "shocks": {"stETH": "-0.3"}}],
                },
            },
            "growth_caps": {
                "wstETH": {
                    "underlying": "stETH",
                    "rate": "wstETH.rate",
                    "snapshot": "1.198",
                    "snapshot_time": format_time(snapshot),
                    "yearly_growth": "0.08",
                }
            },
            "wrapped": {"stETH": {"underlying": "ETH", "haircut": "0"}},
        },
        "policy",
    )


def show_depeg(account: Account) -> None:
    """Through to ETH, and the depeg that the policy's own test stands."""
    test = maintenance_threshold(account)
    (root,) = by_root(account)
    found = depeg(account, "stETH", Fraction("0.05"), [test])
    safe = found.safe["maintenance"]
    edge = safe.lower if safe else None
    show(
        "Seen through wstETH and stETH to ETH",
        [
            ("held, at the capped rate", f"{number(root.held)} USD"),
            ("owed", f"{number(root.owed)} USD"),
            ("net", f"{number(root.net)} USD"),
            ("lost if stETH depegs by 5 %", f"{number(found.lost)} USD"),
            (
                "a depeg fails the test below",
                f"{number(100 * (edge.at if edge else 0))} % of the rate",
            ),
        ],
    )


def main() -> None:
    """The loop, its exits, and what a lender is shown of it."""
    print("Synthetic numbers throughout; keys, commitments and proofs are real.")
    show_loop()
    show_exits()
    registry = asset_registry(
        "staking-loop", [("wstETH", -9, "collateral"), ("ETH", -9, "debt"), ("stETH", -9, "debt")]
    )
    policy = policy_for(registry)
    cast = Cast()
    prices = cast.sign_prices(policy, TODAY, FIGURES)
    wrapped, owed = (
        zk.Exact.of(round(amount, 6)) for amount in (LOOP.collateral / RATE, LOOP.debt)
    )
    portfolio = zk.Portfolio.build(
        account="loop-5", collateral={"wstETH": wrapped}, debt={"ETH": owed}, signed={}
    )
    show("What stays secret", [("wstETH supplied", str(wrapped)), ("ETH borrowed", str(owed))])
    pricing = price(policy, prices.round)
    show_depeg(Account(policy, registry, pricing, portfolio.amounts(registry)))
    cast.prove_and_verify(policy, registry, portfolio, prices, tuple(policy.claims))


if __name__ == "__main__":
    main()

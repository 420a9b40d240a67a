"""Claims on claims in a policy: prices, shocks, refusals."""

from __future__ import annotations

from fractions import Fraction as F
from typing import Any

import pytest

from tests.risk.accounts import LIQUIDATION, World, account_of, world
from zkcollateral.crypto.canonical import digest
from zkcollateral.errors import CompileError, DocumentError
from zkcollateral.risk.boundary import common_shock, safe_prices
from zkcollateral.risk.policy import Policy, check_policy
from zkcollateral.risk.threshold import liquidation_threshold, maintenance_threshold

CAP = {
    "underlying": "stETH",
    "rate": "wstETH.rate",
    "snapshot": "1.2",
    "snapshot_time": "2026-01-31T12:00:00Z",
    "yearly_growth": "0",
}
CHAIN: dict[str, Any] = {
    "growth_caps": {"wstETH": CAP},
    "wrapped": {
        "stETH": {"underlying": "ETH", "haircut": "0"},
        "L2-wstETH": {"underlying": "wstETH", "haircut": "0.05"},
        "vault": {"underlying": "L2-wstETH", "haircut": "0.1", "rate": "vault.rate"},
    },
}
FIGURES = {"wstETH.rate": "1.25", "vault.rate": "2"}
PRICES = {"ETH": "2000", "USD": "1"}
HELD = ("vault", "L2-wstETH", "wstETH", "ETH")
FACTORS = {
    "collateral": {**dict.fromkeys(HELD, "0.8")},
    "debt": {"USD": "1", "ETH": "1", "vault": "1"},
}


def chained(amounts: dict[str, dict[str, str]], **changes: Any) -> World:
    fields = {**CHAIN, "liquidation": LIQUIDATION, **changes}
    return world(FACTORS, PRICES, amounts, figures=FIGURES, **fields)


def test_a_chain_is_priced_link_by_link() -> None:
    """2000 · 1.2 (capped from 1.25) · 0.95 · 2 · 0.9 held; 2000 · 1.25 · 2 owed."""
    setting = chained({"collateral": {"vault": "1"}})
    policy = setting[1]
    assert policy.symbols == ("ETH", "USD")
    assert policy.figures == ("vault.rate", "wstETH.rate")
    quotes = account_of(setting).pricing.quotes
    assert (quotes["stETH"].low, quotes["stETH"].high) == (2000, 2000)
    assert (quotes["wstETH"].low, quotes["wstETH"].high) == (2400, 2500)
    assert (quotes["L2-wstETH"].low, quotes["L2-wstETH"].high) == (2280, 2500)
    assert (quotes["vault"].low, quotes["vault"].high) == (4104, 5000)


def test_the_nearest_named_asset_moves_what_follows_it() -> None:
    pricing = account_of(chained({"collateral": {"vault": "1"}})).pricing
    assert pricing.followers["vault"] == "ETH"
    assert pricing.chains["vault"] == ("L2-wstETH", "wstETH", "stETH", "ETH")
    shocks = {"ETH": F(-3, 10), "stETH": F(-1, 10), "vault": F(-1, 2)}
    assert pricing.shock("vault", shocks) == F(-1, 2)
    assert pricing.shock("L2-wstETH", shocks) == F(-1, 10)
    assert pricing.shock("ETH", shocks) == F(-3, 10)
    assert pricing.shock("USD", shocks) == 0
    assert pricing.shock("vault", {"stETH": F(0), "ETH": F(-1)}) == 0


def test_thresholds_find_the_root_and_a_wrapper_alone() -> None:
    """Held: 10 ETH and 10 L2-wstETH, 0.8·(10·p + 10·1.14·p) = 17.12·p."""
    setting = chained({"collateral": {"ETH": "10", "L2-wstETH": "10"}, "debt": {"USD": "17120"}})
    account = account_of(setting)
    test = maintenance_threshold(account)
    for symbol in ("ETH", "L2-wstETH"):
        lower = safe_prices(test, symbol).lower
        assert lower is not None
        assert lower.change == F(-1, 2)
    lower = common_shock(test).lower
    assert lower is not None
    assert lower.price == F(1, 2)
    # The wrapper alone: 0.8·10·2000 stays, 0.8·10·2280·m + 16,000 = 17,120.
    alone = test.safe_moves({"wstETH"}, {})
    assert alone is not None
    assert alone.lower is not None
    assert alone.lower.at == F(1120, 18240)
    # With the wrapper held fast, only ETH itself falls.
    fast = test.safe_moves({"ETH"}, {"wstETH": F(0)})
    assert fast is None or fast.lower is None
    liquidation = liquidation_threshold(account)
    assert liquidation is not None
    assert liquidation.margin({"wstETH": F(-1)}) == 16000 - 17120


def of(growth_caps: dict[str, Any] | None = None, **wrapped: str) -> Policy:
    claims = {s: {"underlying": u, "haircut": "0"} for s, u in wrapped.items()}
    return world(
        {"collateral": {"A": "1"}},
        {"A": "1"},
        {"collateral": {"A": "1"}},
        **({"wrapped": claims} if claims else {}),
        **({"growth_caps": growth_caps} if growth_caps else {}),
    )[1]


def refused(*args: Any, **wrapped: str) -> str:
    with pytest.raises(DocumentError) as caught:
        of(*args, **wrapped)
    return str(caught.value)


def test_what_makes_no_chain_is_refused_with_its_place() -> None:
    assert "wrapped.A.underlying: expected a chain of claims that ends" in refused(A="A")
    assert "a cycle through 'A'" in refused(A="B", B="C", C="A")
    cap = {**CAP, "underlying": "A"}
    assert "growth_caps.B.underlying: expected a chain" in refused({"B": cap}, A="B")
    assert "wrapped.A: expected an asset that is not among `growth_caps`" in refused(
        {"A": {**CAP, "underlying": "C"}}, A="B"
    )
    # Nearest root first, so that the deepest is the last to be read.
    links = {f"X{n}": f"X{n + 1}" for n in range(1, 8)}
    assert of(A="X1", **links).symbols == ("X8",)
    assert "wrapped.A.underlying: expected at most 8 claims" in refused(A="X1", **links, X8="X9")


@pytest.mark.parametrize("haircut", ["1", "-0.1", "1.5"])
def test_a_haircut_leaves_something(haircut: str) -> None:
    wrapped = {"A": {"underlying": "B", "haircut": haircut}}
    with pytest.raises(DocumentError, match=r"wrapped\.A\.haircut: expected a share"):
        world({"collateral": {"A": "1"}}, {"B": "1"}, {}, wrapped=wrapped)


def test_a_symbol_that_nothing_is_a_claim_on_is_refused() -> None:
    _, policy, registry, _ = chained({"collateral": {"vault": "1"}})
    check_policy(policy, policy.registry, registry)
    for wrapped, shocked, where in (
        ({"typo": {"underlying": "ETH", "haircut": "0"}}, "ETH", r"wrapped\.typo"),
        ({}, "typo", r"claims\.s\.scenarios\[0\]\.shocks"),
    ):
        claims = {"s": {"type": "stress", "scenarios": [{"name": "s", "shocks": {shocked: "0"}}]}}
        _, changed, registry, _ = chained(
            {}, wrapped={**CHAIN["wrapped"], **wrapped}, claims=claims
        )
        with pytest.raises(DocumentError, match=where):
            check_policy(changed, changed.registry, registry)
    # A shock on a link that has no slot of its own is no typo.
    claims = {"s": {"type": "stress", "scenarios": [{"name": "s", "shocks": {"stETH": "0"}}]}}
    _, named, registry, _ = chained({}, claims=claims)
    check_policy(named, named.registry, registry)


def test_a_round_without_the_rate_is_refused() -> None:
    setting = chained({"collateral": {"vault": "1"}})
    prices = setting[3].model_copy(update={"figures": {"wstETH.rate": F(5, 4)}})
    with pytest.raises(CompileError, match=r"no figure vault\.rate"):
        account_of((*setting[:3], prices))


def test_a_policy_without_wrapped_assets_is_the_same_document_as_before() -> None:
    policy = of()
    assert "wrapped" not in policy.to_json_value()
    value = of(A="B").to_json_value()
    assert value["wrapped"] == {"A": {"underlying": "B", "haircut": "0"}}
    assert digest(value) != digest(policy.to_json_value())

"""A treasury on three chains: claims on claims, proved over the sum of what three venues vouch."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.world import NOW, World, altered, failed
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.evidence import SignedRound, make_signed_round, report_envelope
from zkcollateral.crypto.commitment import Opening
from zkcollateral.errors import ClaimNotSatisfied, InputError, ZkCollateralError
from zkcollateral.prover import attestation as proving
from zkcollateral.prover.attestation import Holding
from zkcollateral.risk.clock import format_time
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.prices import PriceReport
from zkcollateral.risk.registry import Registry

REGISTRY: dict[str, Any] = {
    "format": "zkcollateral/registry/1",
    "name": "treasury",
    "slots": "8",
    "assets": [
        {"slot": "0", "symbol": "ETH", "unit": "-4", "side": "collateral"},
        {"slot": "1", "symbol": "L2-wstETH", "unit": "-4", "side": "collateral"},
        {"slot": "2", "symbol": "wstETH", "unit": "-4", "side": "collateral"},
        {"slot": "4", "symbol": "USDC", "unit": "-2", "side": "debt"},
        {"slot": "5", "symbol": "L2-USDC", "unit": "-2", "side": "debt"},
    ],
}
POLICY: dict[str, Any] = {
    "ratio": "1.1",
    "factors": {
        "collateral": {"ETH": "0.85", "wstETH": "0.8", "L2-wstETH": "0.75"},
        "debt": {"USDC": "1", "L2-USDC": "1"},
        "signed": {},
    },
    "commitments": {
        "max_age_seconds": "86400",
        "max_summands": "3",
        "max_apart_seconds": "300",
        "unvouched": False,
    },
    "claims": {
        "maintenance": {"type": "maintenance"},
        "depeg": {
            "type": "stress",
            "scenarios": [
                {"name": "bridge", "shocks": {"L2-wstETH": "-0.5"}},
                {"name": "stETH", "shocks": {"stETH": "-0.1"}},
                {"name": "both", "shocks": {"ETH": "-0.2", "stETH": "-0.3"}},
            ],
        },
    },
    "growth_caps": {
        "wstETH": {
            "underlying": "stETH",
            "rate": "wstETH.rate",
            "snapshot": "1.2",
            "snapshot_time": format_time(NOW - timedelta(days=73)),
            "yearly_growth": "0.05",
        }
    },
    "wrapped": {
        "stETH": {"underlying": "ETH", "haircut": "0.01"},
        "L2-wstETH": {"underlying": "wstETH", "haircut": "0.05", "rate": "bridge.rate"},
        "L2-USDC": {"underlying": "USDC", "haircut": "0.5"},
    },
}
CAPPED = Fraction("1.2") * (1 + Fraction("0.01"))


class Chains(World):
    """Oracles that sign the rates too; the venues are the bank, the desk and the vault."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(registry=Registry.from_json_value(REGISTRY, "registry"))
        self.policy_value |= copy.deepcopy(POLICY) | changes

    def prices(self, time: datetime = NOW) -> SignedRound:
        reports = []
        for name, key in self.oracles.items():
            value = {
                "format": "zkcollateral/price-report/1",
                "oracle": name,
                "time": format_time(time),
                "quote": "USD",
                "prices": {"ETH": "2000", "USDC": "1"},
                "figures": {"wstETH.rate": "1.25", "bridge.rate": "0.998"},
            }
            report = PriceReport.from_json_value(value, "report")
            reports.append(report_envelope(report, key))
        return make_signed_round(reports, self.policy)

    def venue(self, venue: str, amounts: list[int], seconds: int = 0) -> Holding:
        as_of = NOW - timedelta(seconds=seconds)
        return self.vouched(venue, Opening.fresh(amounts), as_of=as_of)

    def holds(self, claim: str, *parts: list[int]) -> bool:
        total = [sum(column) for column in zip(*parts, strict=True)]
        rule = self.policy.claims[claim]
        return evaluate(rule, self.policy, self.registry, self.prices().round, total).holds


BANK = [10_0000, 0, 5_0000, 0, 10_000_00, 0, 0, 0]
DESK = [0, 8_0000, 0, 0, 0, 4_000_00, 0, 0]
VAULT = [0, 0, 3_0000, 0, 0, 0, 0, 0]
PARTS = (BANK, DESK, VAULT)


def proved(world: Chains, claim: str, *parts: list[int]) -> Attestation | None:
    holdings = [world.venue(venue, part) for venue, part in zip(world.venues, parts, strict=True)]
    try:
        return world.attest(*holdings, claim=claim)
    except ClaimNotSatisfied:
        return None


def weighted() -> Fraction:
    """What the three hold, by hand: in dollars, after caps, haircuts and factors."""
    staked = 2000 * Fraction("0.99") * CAPPED
    bridged = staked * Fraction("0.998") * Fraction("0.95")
    return (
        10 * 2000 * Fraction("0.85") + 8 * staked * Fraction("0.8") + 8 * bridged * Fraction("0.75")
    )


def test_three_chains_are_added_up_and_proved() -> None:
    world = Chains()
    claim = world.policy.claims["maintenance"]
    total = [sum(column) for column in zip(*PARTS, strict=True)]
    found = evaluate(claim, world.policy, world.registry, world.prices().round, total)
    assert (found.collateral, found.debt) == (weighted(), 14_000)
    for name in ("maintenance", "depeg"):
        attestation = proved(world, name, *PARTS)
        assert attestation is not None
        assert len(attestation.claim.summands) == 3
        assert world.verify(attestation).valid


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(["maintenance", "depeg"]), st.randoms(use_true_random=False))
def test_provable_on_one_side_of_the_boundary_and_not_on_the_other(
    claim: str, random: Random
) -> None:
    """The debt is raised cent by cent to where the engine's verdict turns, on a venue's own."""
    world = Chains()
    parts = [[random.randint(0, 10_0000) if n < 3 else 0 for n in range(8)] for _ in range(3)]
    venue, slot = random.randrange(3), random.choice([4, 5])
    low, high = -1, 10**9
    while high - low > 1:
        middle = (low + high) // 2
        parts[venue][slot] = middle
        low, high = (middle, high) if world.holds(claim, *parts) else (low, middle)
    parts[venue][slot] = low
    attestation = proved(world, claim, *parts)
    assert attestation is not None
    assert world.verify(attestation).valid
    parts[venue][slot] = high
    assert proved(world, claim, *parts) is None


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("wrapped", "L2-wstETH", "haircut"), "0.04"),
        (("wrapped", "L2-wstETH", "haircut"), "0.05000"),
        (("wrapped", "L2-wstETH", "underlying"), "ETH"),
        (("wrapped", "L2-wstETH", "rate"), "wstETH.rate"),
        (("wrapped", "stETH", "haircut"), "0"),
        (("growth_caps", "wstETH", "snapshot"), "1.3"),
        (("growth_caps", "wstETH", "yearly_growth"), "0.5"),
        (("growth_caps", "wstETH", "underlying"), "ETH"),
        (("growth_caps", "wstETH", "snapshot_time"), format_time(NOW - timedelta(days=365))),
    ],
)
def test_what_is_changed_after_proving_is_invalid(path: tuple[str, ...], to: str) -> None:
    world = Chains()
    attestation = proved(world, "depeg", *PARTS)
    assert attestation is not None
    changed = altered(attestation, "policy", *path, to=to)
    assert not world.verify(changed).valid
    # Also for one who trusts the changed policy, and where the claim names it.
    world.policy_value = changed.policy.to_json_value()
    assert not world.verify(changed).valid
    renamed = altered(changed, "claim", "policy", to=world.trust_value()["policies"][0])
    assert "proof" in failed(world.verify(renamed))


def test_another_rate_in_the_round_is_invalid() -> None:
    world = Chains()
    attestation = proved(world, "maintenance", *PARTS)
    assert attestation is not None
    changed = altered(attestation, "prices", "round", "figures", "bridge.rate", to="1")
    assert not world.verify(changed).valid


def test_a_chain_counted_twice_is_refused() -> None:
    world = Chains()
    bank, desk = world.venue("bank", BANK), world.venue("desk", DESK)
    with pytest.raises(ZkCollateralError, match=r"twice|once"):
        world.attest(bank, desk, bank)
    # Vouched anew with another blinder, it is still one account of one voucher.
    with pytest.raises(ZkCollateralError, match=r"twice|once"):
        world.attest(bank, desk, world.venue("bank", BANK))


def test_a_chain_that_is_older_than_the_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Chains()
    assert world.verify(
        world.attest(world.venue("bank", BANK), world.venue("desk", DESK, 300))
    ).valid
    late = (world.venue("bank", BANK), world.venue("desk", DESK, 301))
    with pytest.raises((ZkCollateralError, InputError), match="300 s apart"):
        world.attest(*late)
    # The verifier does not rely on the prover's looking.
    with monkeypatch.context() as careless:
        careless.setattr(proving, "_check_times", lambda *_: None)
        report = world.verify(world.attest(*late))
    assert [check.reason for check in report.failed] == [
        "commitments are 301 s apart, the policy allows 300 s"
    ]
    # A prover that asks for more patience proves under another policy, which nobody trusts.
    patient = Chains(commitments=POLICY["commitments"] | {"max_apart_seconds": "301"})
    patient.oracles, patient.venues = world.oracles, world.venues
    attestation = patient.attest(*late)
    assert patient.verify(attestation).valid
    assert "policy" in failed(patient.verify(attestation, trust=world.trust()))

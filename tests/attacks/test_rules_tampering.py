"""Policies with tiers, limits, categories, confidence, growth caps, liquidation: nothing moves.

Known failures 3, 6, 9, 13, 14 and 20, for every rule that goes beyond plain factors: what was
proved under one tier, boundary, figure or snapshot is not proved under another.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.attacks.test_tampered_attestation import leaves, resealed, variants
from tests.world import NOW, World, altered, failed
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.compiler import Backing, compile_claim
from zkcollateral.circuits.evidence import SignedRound, make_signed_round, report_envelope
from zkcollateral.crypto.envelope import Envelope
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.errors import ClaimNotSatisfied, CompileError, DocumentError, PriceRoundError
from zkcollateral.risk.clock import format_time
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.prices import PriceReport

RULES: dict[str, Any] = {
    "ratio": "1.1",
    "factors": {
        "collateral": {
            "BTC": {
                "type": "tiered",
                "by": "value",
                "tiers": [
                    {"above": "0", "factor": "0.9"},
                    {"above": "50000", "factor": "0.7"},
                    {"above": "90000", "factor": "0"},
                ],
            },
            "ETH": "0.8",
        },
        "debt": {
            "USDC": {
                "type": "tiered",
                "by": "amount",
                "tiers": [{"above": "0", "factor": "1"}, {"above": "15000", "factor": "1.1"}],
            },
            "BTC": "1.05",
        },
        "signed": {
            "ETH-PERP": {
                "long": {
                    "type": "scaled",
                    "factor": "0.95",
                    "figure": "ETH-PERP.open-interest",
                    "start": "1000000",
                },
                "short": "1.1",
            }
        },
    },
    "reserve": "100",
    "limits": [
        {"name": "not-only-btc", "assets": ["BTC"], "share": "0.7", "excess": "uncounted"},
        {"name": "little-eth", "assets": ["ETH"], "share": "0.6", "excess": "refused"},
    ],
    "categories": {
        "dollars": {
            "collateral": {"ETH": "0.85"},
            "debts": ["USDC", "ETH-PERP"],
            "liquidation": {"ETH": "0.9"},
        }
    },
    "confidence": {"multiple": "2", "max_share": "0.01"},
    "growth_caps": {
        "ETH": {
            "underlying": "ETH-SPOT",
            "rate": "ETH.rate",
            "snapshot": "1.02",
            "snapshot_time": "2026-01-01T00:00:00Z",
            "yearly_growth": "0.01",
        }
    },
    "liquidation": {
        "ratio": "1.05",
        "factors": {
            "collateral": {"BTC": "0.9", "ETH": "0.85"},
            "debt": {"USDC": "1", "BTC": "1"},
            "signed": {"ETH-PERP": {"long": "0.97", "short": "1"}},
        },
        "penalty": "0.08",
        "protocol_share": "0.1",
        "close_factor": "0.5",
        "close_all_below": "0.95",
        "minimum": "1000",
        "auction": {"type": "stairstep", "start": "1.2", "step_seconds": "90", "factor": "0.99"},
    },
    "claims": {
        "maintenance": {"type": "maintenance"},
        "dollar-loan": {"category": "dollars", "type": "maintenance"},
        "safe": {
            "category": "dollars",
            "type": "not_liquidatable",
            "scenarios": [{"name": "fall", "shocks": {"BTC": "-0.3", "ETH": "-0.2"}}],
        },
    },
}
PRICES = {"BTC": "64000.5", "ETH-SPOT": "3000", "USDC": "1", "ETH-PERP": "3001.25"}
CONFIDENCE = {"BTC": "18.5", "ETH-SPOT": "2", "USDC": "0.0004", "ETH-PERP": "1.25"}
FIGURES = {"ETH.rate": "1.0213", "ETH-PERP.open-interest": "61200.5"}


@dataclass
class Venue(World):
    """A world whose policy has every rule, and whose oracles sign all that these need."""

    def __post_init__(self) -> None:
        self.policy_value |= copy.deepcopy(RULES)

    def report(
        self,
        oracle: str,
        time: datetime = NOW,
        prices: dict[str, str] | None = None,
        key: SigningKey | None = None,
        **changes: Any,
    ) -> Envelope:
        value = {
            "format": "zkcollateral/price-report/1",
            "oracle": oracle,
            "time": format_time(time),
            "quote": "USD",
            "prices": prices or PRICES,
            "confidence": CONFIDENCE,
            "figures": FIGURES,
            **changes,
        }
        report = PriceReport.from_json_value(value, "report")
        return report_envelope(report, key or self.oracles[oracle])

    def round_with(self, **changes: Any) -> SignedRound:
        """Both oracles say the same."""
        return make_signed_round(
            [self.report(name, **changes) for name in self.oracles], self.policy
        )


@pytest.fixture(scope="module")
def world() -> Venue:
    return Venue()


@pytest.fixture(scope="module")
def attestation(world: Venue) -> Attestation:
    return world.attest(world.vouched("bank"), world.vouched("desk"), claim="safe")


def accepting(world: Venue, policy: Policy) -> Any:
    return world.trust(lambda trust: trust["policies"].append(document_digest(policy)))


@pytest.mark.parametrize("claim", ["maintenance", "dollar-loan", "safe"])
def test_honest_attestations_pass(world: Venue, claim: str) -> None:
    for holding in (world.vouched(), world.unvouched()):
        report = world.verify(world.attest(holding, claim=claim))
        assert report.valid, report.failed


def test_no_leaf_of_the_document_can_be_changed(world: Venue, attestation: Attestation) -> None:
    value, trust = attestation.to_json_value(), world.trust()
    read = 0
    for path in leaves(value):
        changed = copy.deepcopy(value)
        here: Any = changed
        for step in path[:-1]:
            here = here[step]
        old = here[path[-1]]
        for new in variants(old):
            here[path[-1]] = new
            if new == old:
                continue
            try:
                forged = Attestation.from_json_value(changed, "attestation")
            except DocumentError:
                continue
            read += 1
            assert not world.verify(forged, trust=trust).valid, (path, old, new)
    assert read > 250


TIERS = ("factors", "collateral", "BTC", "tiers")
LIQUIDATION = ("liquidation", "factors")
CAP = ("growth_caps", "ETH")
CHANGES: list[tuple[tuple[str | int, ...], Any]] = [
    ((*TIERS, 0, "factor"), "0.91"),
    ((*TIERS, 1, "factor"), "0.71"),
    ((*TIERS, 2, "factor"), "0.1"),
    ((*TIERS, 1, "above"), "50001"),
    ((*TIERS, 2, "above"), "90001"),
    ((*TIERS, 1), {"above": "50000", "factor": "0.8"}),
    (("factors", "collateral", "BTC", "by"), "amount"),
    (("factors", "collateral", "ETH"), "0.81"),
    (("factors", "debt", "USDC", "tiers", 1, "above"), "15000.000001"),
    (("factors", "debt", "USDC", "tiers", 1, "factor"), "1.05"),
    (("factors", "debt", "BTC"), "1"),
    (("factors", "signed", "ETH-PERP", "long", "factor"), "0.96"),
    (("factors", "signed", "ETH-PERP", "long", "start"), "1000001"),
    (("factors", "signed", "ETH-PERP", "short"), "1.09"),
    (("reserve",), "99"),
    (("limits", 0, "share"), "0.71"),
    (("limits", 0, "assets"), ["ETH"]),
    (("limits", 0, "excess"), "refused"),
    (("limits", 1, "share"), "0.61"),
    (("limits", 1, "assets"), ["BTC"]),
    (("categories", "dollars", "collateral", "ETH"), "0.86"),
    (("categories", "dollars", "collateral"), {}),
    (("categories", "dollars", "debts"), ["USDC", "ETH-PERP", "BTC"]),
    (("categories", "dollars", "liquidation", "ETH"), "0.91"),
    (("confidence", "multiple"), "1"),
    ((*CAP, "snapshot"), "1.0199"),
    ((*CAP, "snapshot_time"), "2026-01-01T00:00:01Z"),
    ((*CAP, "yearly_growth"), "0.0101"),
    (("liquidation", "ratio"), "1.04"),
    (("liquidation", "penalty"), "0.07"),
    ((*LIQUIDATION, "collateral", "BTC"), "0.91"),
    ((*LIQUIDATION, "debt", "USDC"), "0.99"),
    ((*LIQUIDATION, "signed", "ETH-PERP", "short"), "0.99"),
    (("claims", "safe", "scenarios", 0, "shocks", "ETH"), "-0.19"),
    (("claims", "safe", "scenarios", 0, "shocks", "USDC"), "-0.01"),
    (("claims", "safe", "scenarios"), []),
    (("claims", "dollar-loan", "category"), "others"),
]
"""Changes of rules that some claim's rows depend on."""

BESIDES: list[tuple[tuple[str | int, ...], Any]] = [
    (("confidence", "max_share"), "0.02"),
    (("limits", 0, "name"), "another"),
    (("liquidation", "protocol_share"), "0.2"),
    (("liquidation", "close_factor"), "1"),
    (("liquidation", "close_all_below"), "1"),
    (("liquidation", "minimum"), "0"),
    (("liquidation", "auction", "start"), "1.3"),
    (("liquidation", "auction"), {"type": "linear", "start": "2", "duration_seconds": "60"}),
    (("reserve",), "100.0"),
    ((*TIERS, 1, "above"), "50000.0"),
    (("claims", "safe", "scenarios", 0, "name"), "rise"),
]
"""Changes that leave every row as it was."""


def with_change(world: Venue, path: tuple[str | int, ...], value: Any) -> Policy:
    document = copy.deepcopy(world.policy.to_json_value())
    document["categories"]["others"] = copy.deepcopy(document["categories"]["dollars"])
    del document["categories"]["others"]["collateral"]["ETH"]
    if path == ():
        return Policy.from_json_value(document, "policy")
    here: Any = document
    for step in path[:-1]:
        here = here[step]
    assert path[-1] == "USDC" or here[path[-1]] != value
    here[path[-1]] = value
    return Policy.from_json_value(document, "policy")


@pytest.mark.parametrize(("path", "value"), CHANGES + BESIDES, ids=str)
def test_under_another_policy_that_is_accepted_too_it_is_no_proof(
    world: Venue, attestation: Attestation, path: tuple[str | int, ...], value: Any
) -> None:
    changed = with_change(world, path, value)

    def swap(document: dict[str, Any]) -> Attestation:
        document["policy"] = changed.to_json_value()
        document["claim"]["policy"] = document_digest(changed)
        return Attestation.from_json_value(document, "attestation")

    forged = swap(attestation.to_json_value())
    assert failed(world.verify(forged, trust=accepting(world, changed))) == {"proof"}
    assert failed(world.verify(forged)) == {"policy", "statement", "proof"}


def systems(world: Venue, policy: Policy) -> list[Any]:
    found = []
    for claim in policy.claims:
        circuit = compile_claim(
            policy, world.registry, world.prices().round, claim, Backing(vouched=True)
        )
        found.append((claim, circuit.system.encoded))
    return sorted(found)


@pytest.mark.parametrize(("path", "value"), CHANGES, ids=str)
def test_every_rule_is_in_the_rows(world: Venue, path: tuple[str | int, ...], value: Any) -> None:
    """A factor or limit that is only in the digest would be a promise that nothing keeps."""
    before = systems(world, with_change(world, (), None))
    assert systems(world, with_change(world, path, value)) != before


@pytest.mark.parametrize(("path", "value"), BESIDES, ids=str)
def test_rows_say_nothing_of_what_comes_after_liquidation(
    world: Venue, path: tuple[str | int, ...], value: Any
) -> None:
    before = systems(world, with_change(world, (), None))
    assert systems(world, with_change(world, path, value)) == before


class TestClaims:
    def test_a_proof_inside_the_category_for_one_outside(self, world: Venue) -> None:
        holding, prices = world.vouched(), world.prices()
        easy = world.attest(holding, claim="dollar-loan", prices=prices)
        hard = world.attest(holding, claim="maintenance", prices=prices)
        assert failed(world.verify(altered(hard, "proof", to=easy.proof))) == {"proof"}
        renamed = altered(easy, "claim", "name", to="maintenance")
        assert failed(world.verify(renamed)) == {"proof"}
        report = world.verify(easy, claim="maintenance")
        assert failed(report) == {"claim", "statement", "proof"}

    def test_a_liquidation_claim_named_as_one_of_another_type(
        self, world: Venue, attestation: Attestation
    ) -> None:
        for field, value in (("name", "dollar-loan"), ("type", "maintenance")):
            forged = altered(attestation, "claim", field, to=value)
            assert failed(world.verify(forged)) == {"claim", "statement", "proof"}
        both = altered(
            altered(attestation, "claim", "name", to="dollar-loan"),
            "claim",
            "type",
            to="maintenance",
        )
        assert failed(world.verify(both)) == {"proof"}

    def test_what_the_category_does_not_lend_is_not_owed(self, world: Venue) -> None:
        portfolio = {
            "format": "zkcollateral/portfolio/1",
            "account": "acct-1",
            "collateral": {"BTC": "1"},
            "debt": {"BTC": "0.00000001"},
            "signed": {},
        }
        holding = world.vouched("bank", world.opening(portfolio))
        assert world.verify(world.attest(holding)).valid
        for claim in ("dollar-loan", "safe"):
            with pytest.raises(ClaimNotSatisfied):
                world.attest(holding, claim=claim)


class TestPrices:
    """Confidences and figures come from signed reports, and count as prices do."""

    @pytest.mark.parametrize(
        ("field", "name", "value"),
        [
            ("confidence", "BTC", "0"),
            ("confidence", "ETH-SPOT", "1.99"),
            ("figures", "ETH.rate", "1.0214"),
            ("figures", "ETH-PERP.open-interest", "61200"),
            ("prices", "ETH-SPOT", "3001"),
        ],
    )
    def test_a_round_that_its_reports_do_not_make(
        self, world: Venue, attestation: Attestation, field: str, name: str, value: str
    ) -> None:
        """Also with a proof made for it: the reports say otherwise."""
        forged = resealed(attestation, "prices", "round", field, name, to=value)
        assert failed(world.verify(forged)) == {"oracle_quorum", "proof"}
        proved = world.attest(claim="safe", prices=forged.prices)
        assert failed(world.verify(proved)) == {"oracle_quorum"}

    @pytest.mark.parametrize("field", ["confidence", "figures"])
    def test_a_round_with_less_or_more_than_the_policy_needs(
        self, world: Venue, attestation: Attestation, field: str
    ) -> None:
        for change in ("less", "more"):
            value = attestation.to_json_value()
            entries = value["prices"]["round"][field]
            if change == "less":
                del entries[next(iter(entries))]
            else:
                entries["SPARE"] = "1"
            forged = Attestation.from_json_value(value, "attestation")
            forged = altered(
                forged, "claim", "round", "digest", to=document_digest(forged.prices.round)
            )
            expected = {"oracle_quorum", "proof"} | ({"statement"} if change == "less" else set())
            assert failed(world.verify(forged)) == expected

    @pytest.mark.parametrize(
        "changes",
        [
            {"confidence": {**CONFIDENCE, "BTC": "1"}},
            {"figures": {**FIGURES, "ETH.rate": "1.0212"}},
        ],
        ids=["confidence", "figure"],
    )
    def test_another_report_of_the_same_oracle(
        self, world: Venue, attestation: Attestation, changes: dict[str, Any]
    ) -> None:
        """Signed, of the same time, and not the one that the round was made of."""
        other = world.round_with(**changes)
        value = attestation.to_json_value()
        value["prices"]["reports"] = other.to_json_value()["reports"]
        forged = Attestation.from_json_value(value, "attestation")
        assert failed(world.verify(forged)) == {"oracle_quorum"}

    def test_the_least_certain_oracle_counts(self, world: Venue) -> None:
        unsure = {**CONFIDENCE, "BTC": "600"}
        reports = [world.report("north"), world.report("south", confidence=unsure)]
        signed = make_signed_round(reports, world.policy)
        assert str(signed.round.confidence["BTC"]) == "600"
        report = world.verify(world.attest(prices=signed))
        assert report.valid, report.failed

    def test_a_price_known_too_badly_has_no_statement(self, world: Venue) -> None:
        wild = world.round_with(confidence={**CONFIDENCE, "BTC": "641"})
        with pytest.raises(CompileError, match="refuses a price: BTC"):
            world.attest(prices=wild)
        good = world.attest(prices=world.prices())
        value = good.to_json_value()
        value["prices"] = wild.to_json_value()
        value["claim"]["round"]["digest"] = document_digest(wild.round)
        forged = Attestation.from_json_value(value, "attestation")
        assert failed(world.verify(forged)) == {"statement", "proof"}

    @pytest.mark.parametrize(
        ("field", "entries", "message"),
        [
            ("figures", {"ETH.rate": "1"}, "figure ETH-PERP.open-interest, got none from"),
            ("confidence", {"BTC": "1"}, "confidence of ETH-PERP, got none from"),
        ],
    )
    def test_a_report_that_lacks_what_the_policy_needs(
        self, world: Venue, field: str, entries: dict[str, str], message: str
    ) -> None:
        with pytest.raises(PriceRoundError, match=message):
            world.round_with(**{field: entries})

    def test_a_figure_of_one_oracle_that_is_far_off(self, world: Venue) -> None:
        for rate, taken in (("1.06", True), ("1.07", False)):
            reports = [
                world.report("north"),
                world.report("south", figures={**FIGURES, "ETH.rate": rate}),
            ]
            if taken:
                signed = make_signed_round(reports, world.policy)
                assert str(signed.round.figures["ETH.rate"]) == "1.04065"
            else:
                with pytest.raises(PriceRoundError, match=r"figure ETH\.rate within 0\.02"):
                    make_signed_round(reports, world.policy)

    @pytest.mark.parametrize("value", ["0", "-1", "1e3", "nan", ""])
    def test_figures_and_confidences_that_are_none(self, world: Venue, value: str) -> None:
        with pytest.raises(DocumentError, match=r"figures\.ETH\.rate"):
            world.round_with(figures={**FIGURES, "ETH.rate": value})
        if value != "0":
            with pytest.raises(DocumentError, match=r"confidence\.BTC"):
                world.round_with(confidence={**CONFIDENCE, "BTC": value})

    def test_the_round_of_another_time(self, world: Venue, attestation: Attestation) -> None:
        """The cap on the rate grows with the time of the round: a later one would be worth more."""
        forged = resealed(
            attestation, "prices", "round", "time", to=format_time(NOW - timedelta(seconds=9))
        )
        assert failed(world.verify(forged)) == {"format", "oracle_quorum", "statement", "proof"}
        early = world.prices(NOW - timedelta(seconds=9))
        assert world.verify(world.attest(prices=early)).valid
        assert failed(world.verify(world.attest(prices=forged.prices))) == {"oracle_quorum"}

    def test_a_snapshot_after_the_round(self, world: Venue, attestation: Attestation) -> None:
        future = format_time(NOW + timedelta(seconds=1))
        other = Venue(registry=world.registry, oracles=world.oracles, venues=world.venues)
        other.policy_value["growth_caps"]["ETH"]["snapshot_time"] = future
        with pytest.raises(CompileError, match="older than the snapshot"):
            other.attest()
        forged = resealed(attestation, "policy", *CAP, "snapshot_time", to=future)
        assert failed(other.verify(forged)) == {"statement", "proof"}


def optional_fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the document could name an optional field and does not."""
    optional = {
        (): ["reserve", "limits", "categories", "confidence", "growth_caps", "liquidation"],
        ("claims", "maintenance"): ["category"],
        ("categories", "dollars"): ["liquidation"],
        ("liquidation",): ["factors", "auction"],
    }
    for place, names in optional.items():
        yield from ((*place, name) for name in names)


@pytest.mark.parametrize("path", list(optional_fields(RULES)), ids=str)
@pytest.mark.parametrize("nothing", [None, [], {}, ""], ids=repr)
def test_a_policy_is_spelled_in_one_way_only(
    world: Venue, path: tuple[str, ...], nothing: Any
) -> None:
    """Two spellings of one policy would be two digests, of which a verifier accepts one."""
    value = copy.deepcopy(world.policy.to_json_value())
    for kind in ("dollar-loan", "safe"):
        value["claims"][kind].pop("category")
    here = value
    for step in path[:-1]:
        here = here[step]
    here.pop(path[-1], None)
    if path == ("liquidation",):
        del value["claims"]["safe"]
    without = Policy.from_json_value(value, "policy")
    assert without.to_json_value() == value
    here[path[-1]] = nothing
    with pytest.raises(DocumentError):
        Policy.from_json_value(value, "policy")


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        (("factors", "collateral", "BTC"), {"by": "value"}),
        (("factors", "collateral", "BTC"), {"type": "plain", "factor": "1"}),
        (("factors", "collateral", "BTC"), "0.9 "),
        ((*TIERS, 0), {"above": "0", "factor": "0.9", "below": "1"}),
        (TIERS, []),
        ((*TIERS, 0, "above"), "1"),
        ((*TIERS, 1, "above"), "0"),
        ((*TIERS, 1, "above"), "90000"),
        ((*TIERS, 1, "above"), "-1"),
        ((*TIERS, 1, "factor"), "0.91"),
        ((*TIERS, 1, "factor"), "-0.1"),
        (("factors", "debt", "USDC", "tiers", 1, "factor"), "0.99"),
        (("factors", "debt", "BTC"), RULES["factors"]["signed"]["ETH-PERP"]["long"]),
        (
            ("factors", "signed", "ETH-PERP", "short"),
            RULES["factors"]["signed"]["ETH-PERP"]["long"],
        ),
        (("factors", "signed", "ETH-PERP", "long"), RULES["factors"]["debt"]["USDC"]),
        (("factors", "signed", "ETH-PERP", "short"), RULES["factors"]["collateral"]["BTC"]),
        (("factors", "signed", "ETH-PERP", "long", "start"), "0"),
        (("limits", 0, "share"), "0"),
        (("limits", 0, "share"), "1"),
        (("limits", 0, "assets"), []),
        (("limits", 0, "assets"), ["BTC", "BTC"]),
        (("limits", 0, "assets"), ["USDC"]),
        (("limits", 0, "assets"), ["ETH-PERP"]),
        (("limits", 1, "name"), "not-only-btc"),
        (("limits", 1), {"name": "x", "assets": ["BTC"], "share": "0.1", "excess": "uncounted"}),
        (("categories", "dollars", "collateral", "ETH"), RULES["factors"]["debt"]["USDC"]),
        (("categories", "dollars", "collateral", "USDC"), "1"),
        (("categories", "dollars", "liquidation", "ETH"), RULES["factors"]["debt"]["USDC"]),
        (("categories", "dollars", "liquidation", "ETH-PERP"), "1"),
        (("confidence", "multiple"), "0"),
        (("confidence", "max_share"), "1.01"),
        ((*CAP, "underlying"), "ETH"),
        ((*CAP, "snapshot"), "0"),
        ((*CAP, "snapshot_time"), "2026-01-01"),
        ((*CAP, "yearly_growth"), "-0.01"),
        ((*LIQUIDATION, "collateral"), {"BTC": "0.9"}),
        ((*LIQUIDATION, "debt", "USDC"), {**RULES["factors"]["collateral"]["BTC"]}),
        (("liquidation", "close_factor"), "0"),
        (("liquidation", "penalty"), "1.1"),
        (("claims", "safe", "category"), "euros"),
        (("reserve",), "-1"),
    ],
    ids=str,
)
def test_rules_that_are_none_are_refused_where_they_stand(
    world: Venue, path: tuple[str | int, ...], refused: Any
) -> None:
    value = copy.deepcopy(world.policy.to_json_value())
    here: Any = value
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = refused
    spelled = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path[:2])
    with pytest.raises(DocumentError) as caught:
        Policy.from_json_value(value, "policy")
    assert caught.value.where.startswith(f"policy: {spelled.removeprefix('.')}")


def test_a_liquidation_claim_needs_liquidation_terms(world: Venue) -> None:
    value = copy.deepcopy(world.policy.to_json_value())
    del value["liquidation"]
    with pytest.raises(DocumentError, match=r"claims\.safe: expected a policy with liquidation"):
        Policy.from_json_value(value, "policy")

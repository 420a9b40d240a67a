"""The policy's own rules, and those it must keep towards its registry."""

from __future__ import annotations

from typing import Any

import pytest

from tests.risk.documents import MISSING, changed, policy, policy_value, registry, registry_value
from zkcollateral.crypto.canonical import digest
from zkcollateral.errors import DocumentError
from zkcollateral.risk.claims import Band, Maintenance, Stress, Survives
from zkcollateral.risk.policy import Policy, check_policy

TWO = [{"name": "a", "shocks": {}}, {"name": "a", "shocks": {"BTC": "-0.1"}}]


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        ("registry", "ab", "registry: expected a SHA-256 digest"),
        ("ratio", "0", "ratio: expected a decimal above 0"),
        ("ratio", "-1", "ratio: expected a decimal above 0"),
        (
            "factors/collateral/BTC",
            "1.01",
            "factors.collateral.BTC: expected a factor of at most 1",
        ),
        ("factors/signed/ETH-PERP/long", "1.01", "ETH-PERP.long: expected a factor of at most 1"),
        ("factors/collateral/BTC", "-0.1", "factors.collateral.BTC: expected a decimal of at"),
        ("factors/debt/ETH", "-0.1", "factors.debt.ETH: expected a decimal of at least 0"),
        ("factors/signed/ETH-PERP/long", "-1", "ETH-PERP.long: expected a decimal of at least 0"),
        ("factors/signed/ETH-PERP/short", "-1", "ETH-PERP.short: expected a decimal of at least 0"),
        ("factors/signed/ETH-PERP/short", MISSING, "short: expected this field"),
        ("value_decimals", "-1", "value_decimals: expected an integer from 0 to 80"),
        ("value_decimals", "81", "value_decimals: expected an integer from 0 to 80"),
        ("oracle/quorum", "0", "oracle.quorum: expected an integer from 1 to 64"),
        ("oracle/quorum", "65", "oracle.quorum: expected an integer from 1 to 64"),
        ("oracle/max_age_seconds", "0", "oracle.max_age_seconds: expected an integer from 1"),
        ("oracle/max_age_seconds", "1" + "0" * 12, "max_age_seconds: expected an integer from 1"),
        ("oracle/max_deviation", "-0.1", "oracle.max_deviation: expected a share from 0 to 1"),
        ("oracle/max_deviation", "1.1", "oracle.max_deviation: expected a share from 0 to 1"),
        ("commitments/max_age_seconds", "0", "commitments.max_age_seconds: expected an integer"),
        ("commitments/max_summands", "0", "max_summands: expected an integer from 1 to 64"),
        ("commitments/max_summands", "65", "max_summands: expected an integer from 1 to 64"),
        ("commitments/unvouched", "true", "commitments.unvouched: expected true or false"),
        ("profile", "tiny", "profile: expected one of 'balanced', 'compact' or 'fast'"),
        ("claims", {}, "claims: expected at least one claim"),
        ("claims/crisis/scenarios", [], "scenarios: expected a length of at least 1"),
        ("claims/crisis/scenarios", TWO, r"scenarios\[1\].name: expected every scenario once"),
        ("claims/crisis/scenarios", [TWO[0]] * 1025, "expected a list of at most 1024"),
        ("claims/crisis/scenarios/0/shocks/BTC", "-1.01", "BTC: expected a shock of at least -1"),
        ("claims/rating-A/low", "-0.1", "rating-A.low: expected a decimal of at least 0"),
        ("claims/rating-A/low", "2.00", "rating-A.high: expected a bound above low"),
        ("claims/rating-A/low", "2.01", "rating-A.high: expected a bound above low"),
        ("claims/rating-A/high", MISSING, "rating-A.high: expected this field"),
        ("claims/survives-30/assets", [], "assets: expected a length of at least 1"),
        ("claims/survives-30/assets", ["BTC", "BTC"], r"assets\[1\]: expected every asset once"),
        ("claims/survives-30/fall", "0", "fall: expected a fall above 0 and at most 1"),
        ("claims/survives-30/fall", "1.01", "fall: expected a fall above 0 and at most 1"),
        ("claims/maintenance/ratio", "1", "claims.maintenance.ratio: expected no such field"),
        ("claims/bad name", {"type": "maintenance"}, "claims.bad name: expected a name"),
    ],
)
def test_each_rule(path: str, new: Any, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        Policy.from_json_value(changed(policy_value(), path, new), "p")


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("claims/crisis/scenarios/0/shocks/BTC", "-1"),
        ("claims/crisis/scenarios/0/shocks/BTC", "3.5"),
        ("claims/survives-30/fall", "1"),
        ("claims/rating-A/low", "0"),
        ("factors/collateral/BTC", "0"),
        ("oracle/max_deviation", "0"),
        ("oracle/max_deviation", "1"),
        ("oracle/quorum", "64"),
        ("commitments/max_summands", "64"),
        ("commitments/unvouched", True),
        ("value_decimals", "0"),
        ("value_decimals", "80"),
        ("profile", "compact"),
        ("profile", "fast"),
    ],
)
def test_the_bounds_belong_to_what_is_allowed(path: str, new: Any) -> None:
    value = changed(policy_value(), path, new)
    assert Policy.from_json_value(value, "p").to_json_value() == value


def test_claims_have_types() -> None:
    claims = policy().claims
    kinds = [type(claims[name]) for name in sorted(claims)]
    assert kinds == [Stress, Maintenance, Band, Band, Survives]
    assert policy().symbols == ("BTC", "ETH", "ETH-PERP", "USDC")


def test_a_policy_and_its_registry() -> None:
    check_policy(policy(), digest(registry_value()), registry())


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        ("registry", "0" * 64, "policy: registry: expected the digest"),
        ("factors/collateral/USDC", "1", "factors.collateral.USDC: expected an asset"),
        ("factors/debt/BTC", "1", "factors.debt.BTC: expected an asset of the registry"),
        ("factors/signed/BTC", {"long": "1", "short": "1"}, "factors.signed.BTC: expected an"),
        ("factors/collateral/WBTC", "1", "factors.collateral.WBTC: expected an asset"),
        ("factors", {"collateral": {}, "debt": {}, "signed": {}}, "at least one factor, got none"),
        ("claims/crisis/scenarios/0/shocks/XBT", "-1", r"scenarios\[0\].shocks: .*got 'XBT'"),
        ("claims/survives-30/assets/1", "XBT", r"survives-30.assets\[1\]: .*got 'XBT'"),
    ],
)
def test_a_policy_names_only_what_its_registry_has(path: str, new: Any, message: str) -> None:
    other = Policy.from_json_value(changed(policy_value(), path, new), "p")
    with pytest.raises(DocumentError, match=message):
        check_policy(other, digest(registry_value()), registry())

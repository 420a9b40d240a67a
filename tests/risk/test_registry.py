"""The asset registry's own rules."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.risk.documents import changed, registry, registry_value
from zkcollateral.errors import DocumentError
from zkcollateral.risk.registry import Registry


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        ("slots", "12", "slots: expected a power of two"),
        ("slots", "0", "slots: expected an integer from 1 to 1024"),
        ("slots", "2048", "slots: expected an integer from 1 to 1024"),
        ("slots", "4", r"assets\[3\].slot: expected a slot below 4"),
        ("assets/5/slot", "8", r"assets\[5\].slot: expected a slot below 8"),
        ("assets/5/slot", "5", r"assets\[5\].slot: expected a slot above 5"),
        ("assets/2/slot", "0", r"assets\[2\].slot: expected a slot above 1"),
        ("assets/0/slot", "-1", r"assets\[0\].slot: expected an integer from 0"),
        ("assets/2/side", "collateral", r"assets\[2\]: expected every symbol and side once"),
        ("assets/0/unit", "-31", r"assets\[0\].unit: expected an integer from -30 to 30"),
        ("assets/0/unit", "31", r"assets\[0\].unit: expected an integer from -30 to 30"),
        ("assets/0/side", "equity", r"assets\[0\].side: expected one of"),
        ("assets/0/symbol", "a b", r"assets\[0\].symbol: expected a name"),
        ("assets", [], "assets: expected a length of at least 1"),
    ],
)
def test_each_rule(path: str, new: Any, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        Registry.from_json_value(changed(registry_value(), path, new), "r")


@pytest.mark.parametrize("slots", ["1", "1024"])
def test_smallest_and_largest(slots: str) -> None:
    assets = [
        {"slot": str(slot), "symbol": f"A{slot}", "unit": "0", "side": "debt"}
        for slot in range(int(slots))
    ]
    value = {**registry_value(), "slots": slots, "assets": assets}
    assert len(Registry.from_json_value(value, "r").assets) == int(slots)


def test_a_registry_of_too_many_assets_is_refused_by_number() -> None:
    asset = registry_value()["assets"][0]
    with pytest.raises(DocumentError, match="list of at most 1024, got a list of 1025"):
        Registry.from_json_value(changed(registry_value(), "assets", [asset] * 1025), "r")


def test_lookups() -> None:
    found = registry()
    assert found.by_key["ETH", "debt"].slot == 2
    assert ("USDC", "collateral") not in found.by_key
    assert [asset and asset.symbol for asset in found.by_slot] == [
        "BTC", "ETH", "ETH", None, "USDC", "ETH-PERP", None, "DUST",
    ]  # fmt: skip
    assert found.symbols == {"BTC", "ETH", "USDC", "ETH-PERP", "DUST"}
    assert found.by_key["BTC", "collateral"].smallest_unit == Fraction(1, 10**8)
    assert found.by_key["DUST", "collateral"].smallest_unit == 1000

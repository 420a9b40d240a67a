"""What holds for every document: strict reading, one clear error, a digest that stays."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.risk import documents
from tests.risk.documents import MISSING, changed
from zkcollateral.crypto.canonical import canonical_bytes, digest, parse_json
from zkcollateral.errors import DocumentError
from zkcollateral.risk.document import Document
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.portfolio import Portfolio
from zkcollateral.risk.prices import PriceReport, PriceRound
from zkcollateral.risk.registry import Registry
from zkcollateral.risk.values import Exact

ALL: list[tuple[type[Document], dict[str, Any]]] = [
    (Registry, documents.registry_value()),
    (Policy, documents.policy_value()),
    (Portfolio, documents.portfolio_value()),
    (PriceReport, documents.report_value()),
    (PriceRound, documents.round_value()),
]
EACH = pytest.mark.parametrize(("model", "value"), ALL, ids=[model.__name__ for model, _ in ALL])


def places(value: Any, path: str = "") -> list[str]:
    """The path of every value in a document."""
    children: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = [(str(index), child) for index, child in enumerate(value)]
    found = [path] if path else []
    for step, child in children:
        found += places(child, f"{path}/{step}" if path else step)
    return found


@EACH
def test_a_document_is_written_as_it_was_read(model: type[Document], value: dict[str, Any]) -> None:
    document = model.from_json_value(value, "file")
    again = parse_json(canonical_bytes(document.to_json_value()), "file")
    assert document.to_json_value() == value
    assert digest(again) == digest(value)
    assert document.model_dump() == value
    assert model.from_json_value(again, "file") == document
    assert pickle.loads(pickle.dumps(document)) == copy.deepcopy(document) == document
    assert hash(document) == hash(copy.deepcopy(document))


@EACH
def test_no_field_may_be_missing_unknown_or_of_another_type(
    model: type[Document], value: dict[str, Any]
) -> None:
    for path in places(value):
        parent = path.rpartition("/")[0]
        wrong: list[Any] = [5, 1.5, {"surprise": {}}, [["surprise"]]]
        wrong += [] if "claims/" in path and path.endswith("/high") else [None]
        for new in wrong:
            if path == "value_decimals" and new is None:
                continue
            with pytest.raises(DocumentError, match="file: "):
                model.from_json_value(changed(value, path, new), "file")
        for base in {parent, path}:
            here = value
            for step in base.split("/") if base else []:
                here = here[int(step)] if isinstance(here, list) else here[step]
            if isinstance(here, dict):
                unknown = f"{base}/not a field" if base else "not a field"
                with pytest.raises(DocumentError, match="not a field: expected"):
                    model.from_json_value(changed(value, unknown, "1"), "file")


@EACH
def test_every_field_of_the_top_level_is_needed(
    model: type[Document], value: dict[str, Any]
) -> None:
    for field in value:
        with pytest.raises(DocumentError, match=f"{field}|format"):
            model.from_json_value(changed(value, field, MISSING), "file")


@EACH
@pytest.mark.parametrize("other", ["zkcollateral/registry/2", "", None, 1, {}])
def test_another_format_is_refused_first(
    model: type[Document], value: dict[str, Any], other: Any
) -> None:
    with pytest.raises(DocumentError) as caught:
        model.from_json_value({"format": other, "junk": 1}, "file")
    assert caught.value.where == "file: format"


@EACH
@pytest.mark.parametrize("other", [None, "x", [], True, 5])
def test_a_document_is_an_object(model: type[Document], value: dict[str, Any], other: Any) -> None:
    with pytest.raises(DocumentError, match="expected an object of format zkcollateral/"):
        model.from_json_value(other, "file")
    with pytest.raises(DocumentError, match="without format"):
        model.from_json_value({}, "file")


@EACH
def test_documents_do_not_change(model: type[Document], value: dict[str, Any]) -> None:
    document = model.from_json_value(value, "file")
    for field in value:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(document, field, "x")


def test_the_error_names_the_place_and_what_was_expected() -> None:
    def message(model: type[Document], value: Any, path: str, new: Any) -> str:
        with pytest.raises(DocumentError) as caught:
            model.from_json_value(changed(value, path, new), "p.json")
        assert caught.value.__context__ is None
        return str(caught.value)

    policy, registry = documents.policy_value(), documents.registry_value()
    assert message(Registry, registry, "assets/1/side", "both") == (
        "p.json: assets[1].side: expected one of 'collateral', 'debt' or 'signed', got 'both'"
    )
    assert message(Registry, registry, "assets/1/symbol", MISSING) == (
        "p.json: assets[1].symbol: expected this field, got nothing"
    )
    assert message(Registry, registry, "assets", []) == (
        "p.json: assets: expected a length of at least 1, got a list of 0"
    )
    assert message(Policy, policy, "claims/crisis/type", "storm") == (
        "p.json: claims.crisis.type: expected one of 'maintenance', 'stress', 'band', 'survives',"
        " 'not_liquidatable', 'liquid', 'portfolio_margin', 'covers', got 'storm'"
    )
    assert message(Policy, policy, "claims/crisis/type", MISSING) == (
        "p.json: claims.crisis.type: expected this field, got nothing"
    )
    assert message(Policy, policy, "claims/crisis/scenarios/0/shocks/ETH", "-2") == (
        "p.json: claims.crisis.scenarios[0].shocks.ETH: expected a shock of at least -1, got '-2'"
    )
    assert message(Policy, policy, "claims/rating-A/high", "1.5") == (
        "p.json: claims.rating-A.high: expected a bound above low, got '1.5'"
    )
    assert message(Policy, policy, "ratio", 1.25) == (
        "p.json: ratio: expected a string, a list or an object, got a number"
    )
    assert message(Policy, policy, "name", "x" * 1000).endswith("x...'")


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("collateral/BTC", "-31337.25"),
        ("collateral/BTC", "31337e25"),
        ("collateral/BTC", 31337.25),
        ("collateral/BTC", ["31337"]),
        ("collateral", "31337"),
        ("collateral", ["31337"]),
        ("signed/ETH-PERP", "+31337"),
        ("debt/USDC", "-31337"),
        ("debt/USDC", {"31337": "31337"}),
        ("account", "31337 31337"),
        ("format", "zkcollateral/portfolio/2"),
        ("extra", "31337"),
    ],
)
def test_errors_about_a_portfolio_never_say_an_amount(path: str, new: Any) -> None:
    value = changed(documents.portfolio_value(), path, new)
    with pytest.raises(DocumentError) as caught:
        Portfolio.from_json_value(value, "file")
    error: BaseException | None = caught.value
    assert "31337" not in str(error)
    assert "31337" not in repr(error)
    assert caught.value.__context__ is None
    assert path.rsplit("/", maxsplit=1)[-1] in caught.value.where or path == "debt/USDC"


JSON = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers() | st.floats() | st.sampled_from(["1"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(st.sampled_from(ALL), st.data())
def test_any_json_in_any_place_gives_a_document_or_our_error(
    case: tuple[type[Document], dict[str, Any]], data: st.DataObject
) -> None:
    model, value = case
    path = data.draw(st.sampled_from(places(value)))
    new = data.draw(JSON | st.just(MISSING) | st.from_regex(r"-?[0-9]{1,90}(\.[0-9]{1,90})?"))
    try:
        document = model.from_json_value(changed(value, path, new), "file")
    except DocumentError:
        return
    assert document.to_json_value() == changed(value, path, new)


@given(JSON, st.sampled_from([model for model, _ in ALL]))
def test_any_json_at_all_gives_our_error(value: Any, model: type[Document]) -> None:
    with pytest.raises(DocumentError):
        model.from_json_value(value, "file")


def test_a_deep_value_is_refused_without_recursion() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(DocumentError):
        Registry.from_json_value(changed(documents.registry_value(), "name", deep), "file")


def test_documents_can_be_made_in_python() -> None:
    report = documents.report()
    made = PriceReport(oracle="oracle-a", time=report.time, quote="USD", prices=report.prices)
    assert made == report
    assert made.prices["BTC"] == Exact("64000.1")

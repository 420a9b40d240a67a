"""The terms of a deleveraging that no policy's claim names, checked like one that does."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ...errors import InputError
from ..checks import Rational, exact
from ..claims import Liquid
from ..policy import Policy
from ..values import Exact

_NAME = "deleveraging"


def deleveraging_terms(
    policy: Policy,
    ratio: Rational,
    sales: Mapping[str, tuple[Rational, Rational]],
    repayments: Mapping[str, tuple[Rational, Rational]],
    category: str | None = None,
) -> Liquid:
    """A claim of type `liquid` under a policy, of which it is not one.

    Args:
        policy: whose factors count.
        ratio: that is to be restored, above 0.
        sales, repayments: by symbol the limit in whole assets and the cost as a share of the price;
            decimals of at most 40 digits on each side.
        category: of the policy, or none.

    Raises:
        DocumentError: what the policy would refuse as a claim of its own.
        InputError: a number that is no decimal.
    """
    claim: dict[str, object] = {
        "type": "liquid",
        "ratio": _decimal("ratio", ratio),
        "sales": _terms("sales", sales),
        "repayments": _terms("repayments", repayments),
    }
    if category is not None:
        claim["category"] = category
    value = policy.to_json_value()
    value["claims"] = {**value["claims"], _NAME: claim}
    checked = Policy.from_json_value(value, "policy").claims[_NAME]
    if not isinstance(checked, Liquid):
        raise InputError("claim", "a deleveraging", checked.type)
    return checked


def _terms(where: str, terms: Mapping[str, tuple[Rational, Rational]]) -> dict[str, dict[str, str]]:
    return {
        symbol: {
            "limit": _decimal(f"{where}.{symbol}.limit", limit),
            "cost": _decimal(f"{where}.{symbol}.cost", cost),
        }
        for symbol, (limit, cost) in terms.items()
    }


def _decimal(where: str, value: Rational) -> str:
    number = exact(where, value)
    try:
        return str(Exact.of(number))
    except ValueError:
        raise InputError(where, "a decimal of at most 40 digits", "another") from None


def with_ratio(claim: Liquid, ratio: Fraction) -> Liquid:
    """The same terms for another ratio, a decimal above 0."""
    return claim.model_copy(update={"ratio": Exact.of(ratio)})

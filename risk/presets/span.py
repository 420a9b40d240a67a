"""SPAN: the worst of sixteen scenarios over netted scenario values.

Followed: CME Group, "Components of SPAN" (risk arrays and risk scenarios) and L. G. McMillan,
Options as a Strategic Investment, 4th edition, pp. 667-671. An array holds what one long unit gains
(above 0) or loses (below 0) in each scenario; CME's own files have the other sign.

Everything is exact. McMillan rounds thirds of the range to tens; nothing is rounded here.

Left out: charges and credits between months and commodities, delivery charges, the short option
minimum, option prices themselves: scenario values of options are inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..checks import Rational, exact

EXTREME_MULTIPLE = 2
EXTREME_COVER = Fraction(35, 100)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    Attributes:
        number: 1..16, in SPAN's order.
        name: in words.
        price_move: of the underlying, in scan ranges.
        volatility_move: 1 up, −1 down, 0 unchanged, in volatility scan ranges.
        weight: what counts of the value found.
    """

    number: int
    name: str
    price_move: Fraction
    volatility_move: int
    weight: Fraction


def scenarios(
    extreme_multiple: Rational = EXTREME_MULTIPLE, extreme_cover: Rational = EXTREME_COVER
) -> tuple[Scenario, ...]:
    """The sixteen scenarios in SPAN's order.

    Args:
        extreme_multiple: extreme move in scan ranges, at least 1; usually 2, at some houses 3.
        extreme_cover: what counts of it, 0..1; usually 35%, at some houses 33%.

    Raises:
        InputError: a number out of its range.
    """
    multiple = exact("SPAN: extreme_multiple", extreme_multiple, low=1)
    cover = exact("SPAN: extreme_cover", extreme_cover, low=0, high=1)
    found: list[Scenario] = []
    for thirds in range(4):
        for sign in (1, -1) if thirds else (0,):
            move = Fraction(sign * thirds, 3)
            where = f"price {'up' if sign > 0 else 'down'} {thirds}/3 of the range"
            for volatility in (1, -1):
                name = f"{where if thirds else 'price unchanged'}, volatility "
                name += "up" if volatility > 0 else "down"
                found.append(Scenario(len(found) + 1, name, move, volatility, Fraction(1)))
    found.append(Scenario(15, "price up by the extreme move", multiple, 0, cover))
    found.append(Scenario(16, "price down by the extreme move", -multiple, 0, cover))
    return tuple(found)


SCENARIOS = scenarios()


def future_array(
    scan_range: Rational, scenario_set: Sequence[Scenario] = SCENARIOS
) -> tuple[Fraction, ...]:
    """Scenario values of one long future.

    Args:
        scan_range: price scan range in money per contract, above 0.
        scenario_set: from `scenarios`.

    Raises:
        InputError: a scan range of 0 or less.
    """
    span = exact("SPAN: scan_range", scan_range, above=0)
    return tuple(span * each.price_move * each.weight for each in scenario_set)


def option_array(
    value: Rational,
    scenario_prices: Sequence[Rational],
    scenario_set: Sequence[Scenario] = SCENARIOS,
) -> tuple[Fraction, ...]:
    """Scenario values of one long option from its price now and in each scenario.

    Args:
        value: what the option is worth now, in money per contract, at least 0.
        scenario_prices: what it is worth in each scenario, at least 0; not weighted.
        scenario_set: from `scenarios`.

    Raises:
        InputError: another number of prices than scenarios, a price below 0.
    """
    now = exact("SPAN: value", value, low=0)
    prices = _array("SPAN: scenario_prices", scenario_prices, len(scenario_set), low=0)
    return tuple(
        (price - now) * each.weight for price, each in zip(prices, scenario_set, strict=True)
    )


def _array(
    where: str, values: Sequence[Rational], count: int, low: int | None = None
) -> tuple[Fraction, ...]:
    if len(values) != count:
        raise InputError(where, f"{count} values", str(len(values)))
    return tuple(
        exact(f"{where}: scenario {number}", value, low=low)
        for number, value in enumerate(values, 1)
    )


@dataclass(frozen=True, slots=True)
class ScanningRisk:
    """What a portfolio of one underlying may lose.

    Attributes:
        values: gain or loss of the portfolio in each scenario.
        worst: the scenario of the smallest value; the first of them, if several.
        requirement: the loss in it, at least 0.
    """

    values: tuple[Fraction, ...]
    worst: Scenario
    requirement: Fraction


def scanning_risk(
    arrays: Mapping[str, Sequence[Rational]],
    amounts: Mapping[str, Rational],
    scenario_set: Sequence[Scenario] = SCENARIOS,
) -> ScanningRisk:
    """Net the positions scenario by scenario and take the worst.

    Args:
        arrays: scenario values of one long unit of each instrument, by name; public.
        amounts: signed amounts by name, negative if short; each has an array.
        scenario_set: from `scenarios`.

    Raises:
        InputError: an amount without an array, an array of another length, no exact number.
    """
    checked = {
        name: _array(f"SPAN: array of {name}", values, len(scenario_set))
        for name, values in arrays.items()
    }
    totals = [Fraction(0)] * len(scenario_set)
    for name, amount in amounts.items():
        if name not in checked:
            raise InputError(f"SPAN: amount of {name}", "an instrument with an array", "none")
        size = exact(f"SPAN: amount of {name}", amount)
        totals = [total + size * each for total, each in zip(totals, checked[name], strict=True)]
    worst = min(range(len(totals)), key=totals.__getitem__)
    return ScanningRisk(tuple(totals), scenario_set[worst], max(-totals[worst], Fraction(0)))

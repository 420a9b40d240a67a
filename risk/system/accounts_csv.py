"""Accounts from a CSV file: one line each, one column for each asset and side.

The first line names the columns: `account`, then `collateral.SYMBOL`, `debt.SYMBOL` and
`signed.SYMBOL` in any order, as in the paths of a portfolio. Amounts are decimals in whole assets,
such as `1.5`; a debt is what is owed, a positive number; of a signed position what is above 0 is
held and what is below is owed. Every cell is filled, and every account stands there once.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...errors import InputError
from ..checks import name
from .accounts import MAX_ACCOUNTS, Accounts
from .terms import SystemTerms

SIDES: Final = ("collateral", "debt", "signed")
LONGEST: Final = 80

# No sign but a minus, no exponent, no space: what a portfolio's decimals look like.
_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    side: str
    asset: int


def accounts_from_csv(
    lines: Iterable[str],
    terms: SystemTerms,
    where: str,
    progress: Callable[[int], None] | None = None,
) -> Accounts:
    """The accounts in the lines of a CSV file.

    Args:
        lines: of the file, with or without their ends.
        terms: of the policy, which say what may be held and owed.
        where: the file, for errors.
        progress: is told now and then how many accounts are read.

    Raises:
        InputError: a column that is missing, unknown, repeated or not priced; a line with another
            number of cells; an amount that is missing, negative or none; an account twice. It
            names line and column, and never an amount.
    """
    rows = csv.reader(lines, strict=True)
    try:
        titles = next(rows, None)
        if titles is None:
            raise InputError(where, "a first line with the names of columns", "an empty file")
        columns = _columns(titles, terms, f"{where}: line 1")
        return _read(rows, titles, columns, terms, where, progress)
    except csv.Error:
        raise InputError(f"{where}: line {rows.line_num}", "a line of CSV", "another") from None


def _read(
    rows: Iterable[list[str]],
    titles: list[str],
    columns: list[_Column],
    terms: SystemTerms,
    where: str,
    progress: Callable[[int], None] | None,
) -> Accounts:
    own = titles.index("account")
    places = [place for place in range(len(titles)) if place != own]
    seen: dict[str, int] = {}
    amounts = array("d")
    for line, cells in enumerate(rows, 2):
        at = f"{where}: line {line}"
        if len(cells) != len(titles):
            raise InputError(at, f"{len(titles)} cells", str(len(cells)))
        account = name(f"{at}, column account", cells[own])
        if account in seen:
            got = f"{account!r} again, as in line {seen[account]}"
            raise InputError(f"{at}, column account", "every account once", got)
        if len(seen) == MAX_ACCOUNTS:
            raise InputError(at, f"at most {MAX_ACCOUNTS:,} accounts", "more")
        seen[account] = line
        for place, column in zip(places, columns, strict=True):
            amounts.append(_amount(cells[place], column, at))
        if progress is not None and not len(seen) % 1000:
            progress(len(seen))
    if not seen:
        raise InputError(where, "at least one account", "none")
    table = np.frombuffer(amounts, np.float64).reshape(len(seen), len(columns))
    held, owed = (np.zeros((len(terms.symbols), len(seen))) for _ in range(2))
    for values, column in zip(table.T, columns, strict=True):
        if column.side != "debt":
            held[column.asset] += np.maximum(values, 0.0)
        if column.side != "collateral":
            owed[column.asset] += values if column.side == "debt" else np.maximum(-values, 0.0)
    return Accounts(terms.symbols, held, owed, tuple(seen))


def _columns(titles: list[str], terms: SystemTerms, at: str) -> list[_Column]:
    """The columns of amounts, in their order."""
    found: list[_Column] = []
    for index, title in enumerate(titles):
        if title in titles[:index]:
            raise InputError(at, "every column once", f"{title[:LONGEST]!r} twice")
        if title == "account":
            continue
        side, dot, symbol = title.partition(".")
        if side not in SIDES or not dot:
            expected = "the columns account, collateral.SYMBOL, debt.SYMBOL, signed.SYMBOL"
            raise InputError(at, expected, repr(title[:LONGEST]))
        asset = terms.index(symbol, f"{at}, column {title[:LONGEST]}")
        holds, owes = bool(terms.holdable[asset]), bool(terms.owable[asset])
        if not {"collateral": holds, "debt": owes, "signed": holds and owes}[side]:
            expected = "an asset that the policy prices on that side"
            raise InputError(f"{at}, column {title}", expected, repr(symbol))
        found.append(_Column(title, side, asset))
    if "account" not in titles:
        raise InputError(at, "a column account", "none")
    if not found:
        raise InputError(at, "at least one column of amounts", "none")
    return found


def _amount(text: str, column: _Column, at: str) -> float:
    where = f"{at}, column {column.title}"
    if not text:
        raise InputError(where, "an amount, 0 if there is none", "an empty cell")
    if _DECIMAL.fullmatch(text) is None:
        raise InputError(where, "a decimal such as 1.5", "another text")
    value = float(text)
    if value < 0 and column.side != "signed":
        raise InputError(where, "an amount of at least 0", "a negative one")
    return value

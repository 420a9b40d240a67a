"""`zkcollateral risk cascade`: what a shock does to many accounts that are liquidated together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from io import StringIO
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ..errors import CompileError, InputError
from .options import AsJson, Force
from .output import emit, emit_json, emit_table, progress
from .risk_inputs import read_round

if TYPE_CHECKING:
    from ..risk.policy import Policy
    from ..risk.prices import PriceRound
    from ..risk.registry import Registry
    from ..risk.system.accounts import Accounts
    from ..risk.system.market import Depth
    from ..risk.system.terms import SystemTerms

MAX_CSV_BYTES: Final = 2**28
"""256 MiB: some millions of accounts."""

CAUTION: Final = (
    "A simulation in floats: it describes, and decides nothing. "
    "Signatures of prices were not checked."
)


class ImpactName(StrEnum):
    """How a price gives way; see `risk/system/market.py`."""

    constant_product = "constant-product"
    linear = "linear"
    square_root = "square-root"


class OrderName(StrEnum):
    """Who is liquidated first."""

    profit = "profit"
    health = "health"


def cascade(
    registry: Annotated[Path, typer.Option(metavar="FILE", help="Asset registry.")],
    policy: Annotated[Path, typer.Option(metavar="FILE", help="Policy with liquidation terms.")],
    prices: Annotated[Path, typer.Option(metavar="FILE", help="Price round, signed or not.")],
    shock: Annotated[
        list[str], typer.Option(metavar="SYMBOL=SHARE", help="As BTC=-0.3; repeatable.")
    ],
    depth: Annotated[
        list[str], typer.Option(metavar="SYMBOL=AMOUNT", help="Depth, or inf; repeatable.")
    ],
    accounts: Annotated[
        Path | None, typer.Argument(metavar="ACCOUNTS.csv", help="Accounts; mode 0600.")
    ] = None,
    synthetic: Annotated[
        int | None, typer.Option(metavar="N", help="Instead: so many made-up accounts.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the made-up accounts.")] = 0,
    steps: Annotated[int, typer.Option(metavar="N", help="Steps to simulate.")] = 100,
    impact: Annotated[
        ImpactName,
        typer.Option(
            metavar="NAME",
            help="constant-product (default), linear, square-root.",
            show_default=False,
        ),
    ] = ImpactName.constant_product,
    fee: Annotated[float, typer.Option(metavar="SHARE", help="Of what is sold.")] = 0.0,
    half_life: Annotated[
        float | None, typer.Option(metavar="STEPS", help="Of the impact; left out: it stays.")
    ] = None,
    oracle_delay: Annotated[int, typer.Option(metavar="STEPS", help="How late it is.")] = 0,
    oracle_threshold: Annotated[
        float, typer.Option(metavar="SHARE", help="Change of a price that it reports.")
    ] = 0.0,
    congestion: Annotated[
        int | None, typer.Option(metavar="N", help="Liquidations that fit into a step.")
    ] = None,
    order: Annotated[
        OrderName,
        typer.Option(
            metavar="NAME", help="Who is first: profit (default) or health.", show_default=False
        ),
    ] = OrderName.profit,
    gas_cost: Annotated[float, typer.Option(metavar="COST", help="Of one, in quote.")] = 0.0,
    spiral: Annotated[
        bool, typer.Option("--spiral", help="Look for the shock that feeds itself.")
    ] = False,
    bound: Annotated[
        float, typer.Option(metavar="TIMES", help="Amplification that is a spiral.")
    ] = 2.0,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it: FILE.png or FILE.svg; secret.")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Simulate the liquidations that a shock sets off, and the prices that they move.

    The depth of an asset is what a constant-product pool holds of it, or the amount whose sale
    would take the price to 0 by a linear or square-root impact. Exogenous prices take the shock
    before the first step and stay. Every step is checked to conserve every asset and all money.
    """
    from ..crypto.files import write_bytes
    from ..risk.system.market import Liquidators, OracleRule, Setting
    from ..risk.system.report import cascade_report
    from ..risk.system.report_json import cascade_json
    from ..risk.system.terms import system_terms
    from .cascade_plot import draw
    from .cascade_text import tables
    from .files import blaming, naming

    shocks = _pairs("--shock", shock, "SYMBOL=SHARE such as BTC=-0.3")
    amounts = _pairs("--depth", depth, "SYMBOL=AMOUNT such as BTC=500", infinite=True)
    if (accounts is None) == (synthetic is None):
        got = "neither" if accounts is None else "both"
        raise InputError("ACCOUNTS.csv, --synthetic", "one of the two", got)
    documents = [accounts, registry, policy, prices]
    rule, assets, round_ = _read(registry, policy, prices, plot, documents, force=force)
    with naming(policy=policy, prices=prices), blaming(prices, CompileError):
        terms = system_terms(rule, assets, round_)
    with _naming_options(), progress("simulating") as tell:
        setting = Setting(
            terms=terms,
            depths=_depths(amounts, impact, fee, half_life),
            oracle=OracleRule(oracle_delay, oracle_threshold),
            liquidators=Liquidators(congestion, order.value, gas_cost),
        )
        found = cascade_report(
            _accounts(accounts, synthetic, seed, terms),
            setting,
            shocks,
            steps,
            policy=rule.name,
            spiral=spiral,
            bound=bound,
            progress=tell,
        )
    if plot is not None:
        write_bytes(plot, draw(found, plot.suffix[1:]), secret=True, overwrite=force)
    if as_json:
        chosen = None if synthetic is None else seed
        written = None if plot is None else str(plot)
        emit_json({**cascade_json(found), "seed": chosen, "plot": written})
        return
    for title, columns, rows in tables(found):
        emit_table(columns, rows, title)
        emit("")
    if plot is not None:
        emit(f"{plot}: the picture, secret")
    if accounts is not None:
        emit("This report is as secret as the accounts.")
    emit(CAUTION)


def _read(
    registry: Path,
    policy: Path,
    prices: Path,
    plot: Path | None,
    inputs: Sequence[Path | None],
    *,
    force: bool,
) -> tuple[Policy, Registry, PriceRound]:
    """The documents, checked against each other, and that the picture can be written."""
    from ..circuits.claim import document_digest
    from ..risk.policy import Policy, check_policy
    from ..risk.registry import Registry
    from .files import check_replaceable, check_writable, naming, read_document, refuse_inputs
    from .plots import check_plot

    refuse_inputs([plot], inputs)
    if plot is not None:
        check_plot(plot)
        check_writable([plot], force=force)
        check_replaceable(plot)
    assets = read_document(Registry, registry)
    rule = read_document(Policy, policy)
    with naming(policy=policy):
        check_policy(rule, document_digest(assets), assets)
    return rule, assets, read_round(prices)


def _accounts(path: Path | None, synthetic: int | None, seed: int, terms: SystemTerms) -> Accounts:
    from ..crypto.files import read_bytes
    from ..risk.system.accounts import synthetic_accounts
    from ..risk.system.accounts_csv import accounts_from_csv

    if path is None:
        return synthetic_accounts(synthetic or 0, terms, seed)
    data = read_bytes(path, max_bytes=MAX_CSV_BYTES, secret=True)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(str(path), "a text in UTF-8", "other bytes") from None
    # Not splitlines, which would see the end of a line in other characters too.
    return accounts_from_csv(StringIO(text, newline=""), terms, str(path))


def _depths(
    amounts: Mapping[str, float], impact: ImpactName, fee: float, half_life: float | None
) -> dict[str, Depth]:
    from ..risk.system.market import Depth

    life = inf if half_life is None else half_life
    return {symbol: Depth(amount, impact.value, fee, life) for symbol, amount in amounts.items()}


def _pairs(
    option: str, texts: Sequence[str], expected: str, *, infinite: bool = False
) -> dict[str, float]:
    """SYMBOL=NUMBER, each symbol once; the number a decimal, or `inf` where that is one."""
    from ..risk.values import Exact

    found: dict[str, float] = {}
    for text in texts:
        symbol, separator, value = text.rpartition("=")
        try:
            number = inf if infinite and value == "inf" else float(Exact(value))
        except ValueError:
            raise InputError(option, expected, repr(text)[:80]) from None
        if not separator or not symbol:
            raise InputError(option, expected, repr(text)[:80])
        if symbol in found:
            raise InputError(option, "every symbol once", f"{symbol!r} twice")
        found[symbol] = number
    return found


@contextmanager
def _naming_options() -> Iterator[None]:
    """What is wrong with a number was said by an option."""
    options = {
        "shocks": "--shock",
        "depths": "--depth",
        "depth.amount": "--depth",
        "depth.fee": "--fee",
        "depth.half_life": "--half-life",
        "oracle.delay": "--oracle-delay",
        "oracle.threshold": "--oracle-threshold",
        "liquidators.per_step": "--congestion",
        "liquidators.gas_cost": "--gas-cost",
        "spiral: bound": "--bound",
        "steps": "--steps",
        "seed": "--seed",
        "synthetic accounts": "--synthetic",
    }
    try:
        yield
    except InputError as error:
        for start, option in options.items():
            if error.where == start or error.where.startswith(f"{start}:"):
                rest = error.where[len(start) :]
                raise InputError(option + rest, error.expected, error.got) from None
        raise

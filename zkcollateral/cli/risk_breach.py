"""`zkcollateral risk breach`: how likely an account is to fail, and to be liquidated too late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ..errors import InputError
from .durations import seconds_of
from .options import AsJson, Force
from .output import emit, emit_json, emit_table, progress
from .risk_inputs import CAUTION, read_inputs

if TYPE_CHECKING:
    from ..risk.breach.market import Market
    from ..risk.breach.report import History
    from ..risk.policy import Policy

SENSITIVITY_PATHS: Final = 1 << 13
_STATISTICS: Final = "Probabilities are statistics of an assumed market, not verdicts."


class Method(StrEnum):
    """Where paths of prices come from."""

    gaussian = "gaussian"
    historical = "historical"


def breach(
    portfolio: Annotated[
        Path, typer.Argument(metavar="PORTFOLIO", help="Portfolio; secret, mode 0600.")
    ],
    registry: Annotated[Path, typer.Option(metavar="FILE", help="Asset registry.")],
    policy: Annotated[Path, typer.Option(metavar="FILE", help="Policy.")],
    prices: Annotated[Path, typer.Option(metavar="FILE", help="Price round, signed or not.")],
    claim: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A claim, whose category the account is in."),
    ] = None,
    volatility: Annotated[
        list[str] | None,
        typer.Option(metavar="SYMBOL=SHARE", help="Per year, as BTC=0.6; repeatable."),
    ] = None,
    drift: Annotated[
        list[str] | None,
        typer.Option(metavar="SYMBOL=SHARE", help="Expected growth per year; repeatable."),
    ] = None,
    correlation: Annotated[
        list[str] | None,
        typer.Option(metavar="A,B=SHARE", help="As BTC,ETH=0.8; repeatable."),
    ] = None,
    history: Annotated[
        list[str] | None,
        typer.Option(metavar="SYMBOL=CSV", help="Estimate from candles; repeatable."),
    ] = None,
    method: Annotated[
        Method, typer.Option(metavar="NAME", help="gaussian or historical.")
    ] = Method.gaussian,
    horizon: Annotated[str, typer.Option(metavar="TIME", help="As 7d, 12h.")] = "7d",
    delay: Annotated[
        str, typer.Option(metavar="TIME", help="From failing to being liquidated.")
    ] = "1h",
    steps: Annotated[int, typer.Option(metavar="N", help="Looks within the horizon.")] = 100,
    paths: Annotated[int, typer.Option(metavar="N", help="A multiple of 16.")] = 65_536,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the random numbers.")] = 0,
    correlation_stress: Annotated[
        float, typer.Option(metavar="SHARE", help="Correlations towards 1.")
    ] = 0.0,
    sensitivities: Annotated[
        bool, typer.Option("--sensitivities", help="How much each assumption matters.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it: FILE.png or FILE.svg; secret.")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Estimate how likely an account is to fail its test before it can be liquidated in time.

    Every price that moves the account needs a volatility (0 if it stays) or a history; one that
    follows another moves with it. Looked at is the liquidation test if the policy has one. Bad debt
    is what the account lacks, with the penalty, when the delay after the failure is over.
    """
    from ..crypto.files import write_bytes
    from ..risk.breach.market import Timing
    from ..risk.breach.report import breach_report
    from ..risk.breach.report_json import breach_json
    from ..risk.needs import require
    from .breach_plot import draw_breach
    from .breach_text import tables

    require("scipy", "risk breach")
    with _naming_options():
        timing = Timing(seconds_of("--horizon", horizon), seconds_of("--delay", delay), steps)
    asked = _numbers("--volatility", volatility or ())
    drifts = _numbers("--drift", drift or ())
    pairs = _pairs(correlation or ())
    if method is Method.historical:
        _check_historical(history, asked, pairs, drifts, correlation_stress, sensitivities)
    given = read_inputs(portfolio, registry, policy, prices, claim, plot, force=force)
    past = _read_history(history or (), given.policy, plot)
    for option, symbols in (("--volatility", asked), ("--drift", drifts)):
        _check_symbols(option, symbols, given.policy)
    with given.naming(), _naming_options(), progress("simulating") as told:
        found = breach_report(
            given.portfolio,
            given.policy,
            given.registry,
            given.round,
            _market(asked, drifts, pairs, past, correlation_stress),
            timing,
            given.category,
            history=past if method is Method.historical else None,
            paths=paths,
            seed=seed,
            sensitivity_paths=SENSITIVITY_PATHS if sensitivities else 0,
            progress=told,
        )
    if plot is not None:
        write_bytes(plot, draw_breach(found, plot.suffix[1:]), secret=True, overwrite=force)
    if as_json:
        emit_json({**breach_json(found), "plot": None if plot is None else str(plot)})
        return
    for title, columns, rows in tables(found):
        emit_table(columns, rows, title)
        emit("")
    if plot is not None:
        emit(f"{plot}: the picture, secret")
    emit(_STATISTICS)
    emit(CAUTION)


def _check_historical(
    history: Sequence[str] | None,
    volatilities: Mapping[str, float],
    pairs: Mapping[tuple[str, str], float],
    drifts: Mapping[str, float],
    stress: float,
    sensitivities: bool,
) -> None:
    """Options that mean nothing where the past itself is drawn from."""
    if not history:
        raise InputError("--method historical", "--history SYMBOL=CSV with it", "none")
    for option, given in (
        ("--correlation", bool(pairs)),
        ("--drift", bool(drifts)),
        ("--correlation-stress", stress != 0),
        ("--sensitivities", sensitivities),
    ):
        if given:
            raise InputError(option, "--method gaussian with it", "historical")
    for symbol, value in volatilities.items():
        if value != 0:
            expected = "0 for a price that stays, or --history of it"
            raise InputError(f"--volatility {symbol}", expected, "another volatility")


def _market(
    volatilities: Mapping[str, float],
    drifts: Mapping[str, float],
    pairs: Mapping[tuple[str, str], float],
    past: History | None,
    stress: float,
) -> Market:
    """What was given, over what the history says."""
    from ..risk.breach.historical import estimated
    from ..risk.breach.market import Market

    sizes, common = estimated(past.returns, past.step_seconds) if past else ({}, {})
    given = {frozenset(pair) for pair in pairs}
    kept = {pair: value for pair, value in common.items() if frozenset(pair) not in given}
    return Market.of({**sizes, **volatilities}, {**kept, **pairs}, drifts, stress)


def _read_history(texts: Sequence[str], policy: Policy, plot: Path | None) -> History | None:
    from ..crypto.files import read_bytes
    from ..risk.breach.report import History
    from ..risk.replay.candles import MAX_BYTES, align, read_candles, returns
    from .files import refuse_inputs

    if not texts:
        return None
    named: dict[str, Path] = {}
    for text in texts:
        symbol, separator, path = text.partition("=")
        if not separator or not symbol or not path:
            raise InputError("--history", "SYMBOL=FILE such as BTC=BTCUSDT.csv", repr(text)[:80])
        if symbol in named:
            raise InputError("--history", "every symbol once", f"{symbol!r} twice")
        named[symbol] = Path(path)
    _check_symbols("--history", named, policy)
    refuse_inputs([plot], list(named.values()))
    series = [
        read_candles(read_bytes(path, max_bytes=MAX_BYTES), str(path), symbol=symbol)
        for symbol, path in named.items()
    ]
    together = align(series)
    found = {
        symbol: returns(each, log=True) for symbol, each in zip(named, together.series, strict=True)
    }
    return History(found, round(together.step.total_seconds()))


def _check_symbols(option: str, symbols: Mapping[str, object], policy: Policy) -> None:
    moving = sorted(set(policy.symbols) - set(policy.underlyings))
    for symbol in symbols:
        if symbol not in moving:
            raise InputError(option, f"one of {', '.join(moving)}", repr(symbol)[:80])


def _numbers(option: str, texts: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for text in texts:
        symbol, separator, share = text.rpartition("=")
        value = _number(share)
        if not separator or not symbol or value is None:
            raise InputError(option, "SYMBOL=SHARE such as BTC=0.6", repr(text)[:80])
        if symbol in found:
            raise InputError(option, "every symbol once", f"{symbol!r} twice")
        found[symbol] = value
    return found


def _pairs(texts: Sequence[str]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for text in texts:
        names, separator, share = text.rpartition("=")
        first, comma, second = names.partition(",")
        value = _number(share)
        if not separator or not comma or not first or not second or value is None:
            raise InputError("--correlation", "A,B=SHARE such as BTC,ETH=0.8", repr(text)[:80])
        if (first, second) in found:
            raise InputError("--correlation", "every pair once", f"{first},{second} twice")
        found[first, second] = value
    return found


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


@contextmanager
def _naming_options() -> Iterator[None]:
    """What is wrong with an argument was said by an option."""
    options = {
        "correlation stress": "--correlation-stress",
        "correlation": "--correlation",
        "volatility": "--volatility",
        "drift": "--drift",
        "history": "--history",
        "horizon": "--horizon",
        "delay": "--delay",
        "steps": "--steps",
        "paths": "--paths",
        "seed": "--seed",
        "market": "--volatility",
    }
    try:
        yield
    except InputError as error:
        for start, option in options.items():
            if error.where == start or error.where.startswith((f"{start} ", f"{start}:")):
                where = option + error.where[len(start) :]
                raise InputError(where, error.expected, error.got) from None
        raise

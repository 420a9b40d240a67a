"""`zkcollateral risk replay`: what a history of prices would have done to an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ..errors import InputError
from .options import AsJson, Force
from .output import emit, emit_json, emit_table, progress
from .risk_inputs import CAUTION, read_inputs

if TYPE_CHECKING:
    from ..risk.policy import Policy
    from ..risk.replay.candles import Candles

QUOTES: Final = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "DAI", "EUR")
"""What the name of a market may end in, beside the policy's own quote."""


def replay(
    candles: Annotated[
        list[str],
        typer.Argument(metavar="[SYMBOL=]CSV...", help="Price candles, and of which asset."),
    ],
    portfolio: Annotated[Path, typer.Option(metavar="FILE", help="Portfolio; secret, mode 0600.")],
    registry: Annotated[Path, typer.Option(metavar="FILE", help="Asset registry.")],
    policy: Annotated[Path, typer.Option(metavar="FILE", help="Policy.")],
    prices: Annotated[Path, typer.Option(metavar="FILE", help="Price round, signed or not.")],
    claim: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A claim, whose category the account is in."),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="First day, as 2020-03-01.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day.")] = None,
    historical: Annotated[
        bool, typer.Option("--historical", help="The prices themselves, not their changes.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it: FILE.png or FILE.svg; secret.")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Replay historical prices over an account: when it would have failed, and how deep.

    The history begins now: every price moves from where it is as it moved then, from the open of
    the first candle. Prices without candles stay. In every candle each price is taken at its low or
    its high, whichever is worse. Candles are those of Binance, with a header or as exported.
    """
    from ..crypto.files import write_bytes
    from ..risk.replay.candles import DAY, parse_day
    from ..risk.replay.replay import replay_report
    from ..risk.replay.report_json import replay_json
    from .replay_plots import draw_replay
    from .replay_text import replay_tables

    first = None if start is None else parse_day("--from", start)
    last = None if end is None else parse_day("--to", end)
    if first is not None and last is not None and first > last:
        raise InputError("--to", f"a day from {start} on", str(end))
    given = read_inputs(portfolio, registry, policy, prices, claim, plot, force=force)
    series = _read_series(candles, given.policy, plot)
    whole_days = all(each.step >= DAY for each in series.values())
    with given.naming(), progress("replaying") as told:
        found = replay_report(
            given.portfolio,
            given.policy,
            given.registry,
            given.round,
            series,
            given.category,
            mode="historical" if historical else "scaled",
            start=first,
            end=last if whole_days or last is None else _end_of_day(last, series),
            progress=told,
        )
    if plot is not None:
        write_bytes(plot, draw_replay(found, plot.suffix[1:]), secret=True, overwrite=force)
    if as_json:
        emit_json({**replay_json(found), "plot": None if plot is None else str(plot)})
        return
    for title, columns, rows in replay_tables(found):
        emit_table(columns, rows, title)
        emit("")
    if plot is not None:
        emit(f"{plot}: the picture, secret")
    emit(CAUTION)


def _read_series(arguments: Sequence[str], policy: Policy, plot: Path | None) -> dict[str, Candles]:
    """The candles by the policy's symbols."""
    from ..crypto.files import read_bytes
    from ..risk.replay.candles import MAX_BYTES, read_candles
    from .files import refuse_inputs

    named = [_split(argument) for argument in arguments]
    refuse_inputs([plot], [path for _, path in named])
    found: dict[str, Candles] = {}
    read: dict[Path, Candles] = {}
    with progress("reading candles") as told:
        for done, (symbol, path) in enumerate(named):
            told(done, len(named))
            if path not in read:
                data = read_bytes(path, max_bytes=MAX_BYTES)
                read[path] = read_candles(data, str(path))
            asset = symbol or asset_of(read[path].symbol, policy, path)
            if asset in found:
                raise InputError(str(path), "one file for every asset", f"a second for {asset}")
            if asset not in policy.symbols:
                expected = f"SYMBOL= with one of {', '.join(policy.symbols)}"
                raise InputError(str(path), expected, repr(asset)[:80])
            found[asset] = read[path]
    return found


def _split(argument: str) -> tuple[str | None, Path]:
    """The symbol, if one is named, and the file."""
    symbol, separator, path = argument.partition("=")
    if not separator or Path(argument).exists():
        return None, Path(argument)
    if not symbol or not path:
        raise InputError("CSV", "SYMBOL=FILE such as BTC=BTCUSDT.csv", repr(argument)[:80])
    return symbol, Path(path)


def asset_of(market: str, policy: Policy, path: Path) -> str:
    """The policy's asset that a market is named after: BTC for BTCUSDT or synthetic:BTC/USD.

    Raises:
        InputError: none or several.
    """
    from ..risk.replay.candles import SYNTHETIC

    name = market.removeprefix(SYNTHETIC)
    ends = [
        "",
        *(mark + quote for mark in ("", "/", "-", "_") for quote in (*QUOTES, policy.quote)),
    ]
    fitting = [asset for asset in policy.symbols if name in {asset + end for end in ends}]
    if len(fitting) == 1:
        return fitting[0]
    expected = f"SYMBOL={path} with one of {', '.join(policy.symbols)}"
    if not market:
        got = "a file that does not say which asset it is about"
    elif fitting:
        got = f"{market}, which may be {' or '.join(fitting)}"
    else:
        got = f"{market}, which is none of them"
    raise InputError(str(path), expected, got)


def _end_of_day(day: datetime, series: dict[str, Candles]) -> datetime:
    """The last candle that opens on a day."""
    from ..risk.replay.candles import DAY

    return day + DAY - min(each.step for each in series.values())

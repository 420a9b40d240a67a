"""Named shocks from price candles: writes the scenarios that `zkcollateral risk stress` reads.

    python -m benchmarks.named_shocks BTC=BTCUSDT-daily.csv ETH=ETHUSDT-daily.csv --out shocks.json

Reads candles that the caller has (the project ships none), and writes how far prices moved in each
crisis of `risk/replay/crises.py` that all the files cover, asset by asset: the scenarios, the two
prices behind every shock, and of each file its SHA-256 and its first and last candle.
`--window NAME=FIRST..LAST` adds a window, `--only` leaves the built-in ones out. Symbols with
commas between them (`ETH,ETH-PERP=FILE`) are assets that moved alike.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from zkcollateral.crypto.files import read_bytes, write_public
from zkcollateral.errors import InputError
from zkcollateral.risk.replay.candles import MAX_BYTES, Candles, parse_day, read_candles
from zkcollateral.risk.replay.crises import WINDOWS, Crisis, Window, covers, crises
from zkcollateral.risk.replay.scenario_file import scenario_set


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, compute, write and say what was found; 0, or 2 for input that cannot be used."""
    parser = argparse.ArgumentParser(description="Named shocks from price candles.")
    parser.add_argument("candles", nargs="+", metavar="SYMBOL=CSV")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE")
    parser.add_argument("--window", action="append", default=[], metavar="NAME=FIRST..LAST")
    parser.add_argument("--only", action="store_true", help="only the windows that are given")
    given = parser.parse_args(arguments)
    try:
        sources = _read(given.candles)
        candles = {symbol: source[0] for symbol, source in sources.items()}
        wanted = [*([] if given.only else WINDOWS), *map(_window, given.window)]
        windows = [window for window in wanted if _all_cover(candles, window)]
        found = crises(candles, windows)
        write_public(given.out, scenario_set(found, sources).to_json_value())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for crisis in found:
        print(_line(crisis))
    return 0


def _read(arguments: Sequence[str]) -> dict[str, tuple[Candles, str, str]]:
    """By symbol the candles, the name of the file, and its SHA-256."""
    found: dict[str, tuple[Candles, str, str]] = {}
    for argument in arguments:
        symbols, separator, file = argument.partition("=")
        if not separator:
            raise InputError("SYMBOL=CSV", "a symbol and a file such as BTC=BTCUSDT.csv", argument)
        data = read_bytes(file, max_bytes=MAX_BYTES)
        candles = read_candles(data, file)
        for symbol in symbols.split(","):
            if symbol in found:
                raise InputError(file, "one file for every symbol", f"a second for {symbol}")
            found[symbol] = candles, Path(file).name, hashlib.sha256(data).hexdigest()
    return found


def _window(text: str) -> Window:
    name, _, days = text.partition("=")
    first, _, last = days.partition("..")
    return Window(name, parse_day(f"--window {name}", first), parse_day(f"--window {name}", last))


def _all_cover(candles: dict[str, Candles], window: Window) -> bool:
    missing = [symbol for symbol, each in candles.items() if not covers(each, window)]
    if missing:
        print(f"left out: {window.name}: no candles of {', '.join(missing)}", file=sys.stderr)
    return not missing


def _line(crisis: Crisis) -> str:
    moves = (
        f"{move.symbol} {move.shock} ({move.start:%Y-%m-%d} {move.start_price} to "
        f"{move.end:%Y-%m-%d} {move.end_price})"
        for move in crisis.moves
    )
    return f"{crisis.scenario.name:<46} {', '.join(moves)}"


if __name__ == "__main__":
    sys.exit(main())

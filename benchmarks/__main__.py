"""`python -m benchmarks`, from the root of a checkout: measures, prints a table, writes results."""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.conftest import QUICK_BATCH
from benchmarks.document import performance
from benchmarks.figures import Figures, missed
from benchmarks.hotspots import Profile, profile
from benchmarks.machine import describe
from benchmarks.passes import Run, RunError
from benchmarks.peer import Peer, PeerError, build_all
from benchmarks.results import Results
from benchmarks.shapes import BATCH, Inputs, Shape, large, margin, ranged, tiered
from zkcollateral.crypto.select import arithmetic
from zkcollateral.crypto.srs import Srs, ceremony
from zkcollateral.errors import InputError
from zkcollateral.prover.proof import prove
from zkcollateral.verifier.proof import verify

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results" / "latest.json"
DOCUMENT = FOLDER.parent / "docs" / "performance.md"


def main(arguments: list[str] | None = None) -> int:
    """0; 1 if `--check` is given and a figure is missed; 2 if nothing can be measured."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    try:
        srs = ceremony(arithmetic("native"))
        peers = [] if options.no_peers else _peers(console)
        results = _measure(options, srs, peers, console)
    except (InputError, PeerError, RunError) as error:
        console.print(f"nothing was measured: {error}", markup=False)
        return 2
    results.write_json(options.out)
    # Into a file or a log, the table is as wide as it wants to be.
    results.print(Console(highlight=False, width=None if sys.stdout.isatty() else 140))
    if options.write_docs:
        DOCUMENT.write_text(performance(results), encoding="utf-8")
    short = missed(results.figures.asked())
    for target in short:
        console.print(f"not reached: {target.key}")
    return 1 if options.check and short else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--passes", type=int, default=5, help="how often everything is measured")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a figure is missed")
    parser.add_argument("--write-docs", action="store_true", help="write docs/performance.md")
    parser.add_argument("--no-peers", action="store_true", help="leave out bulletproofs")
    parser.add_argument(
        "--quick", action="store_true", help="a trial run: the figures mean nothing"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results are written")
    return parser


def _peers(console: Console) -> list[Peer]:
    with console.status("building the peer"):
        return build_all()


def _measure(options: argparse.Namespace, srs: Srs, peers: list[Peer], console: Console) -> Results:
    batch = QUICK_BATCH if options.quick else BATCH
    with tempfile.TemporaryDirectory() as folder, console.status("making the inputs") as status:
        inputs = Inputs.make(srs, batch)
        path = Path(folder) / "inputs.json"
        inputs.save(path)
        run = Run(path, inputs.values, peers, options.quick, status.update)
        passes, share = run.measure(1 if options.quick else options.passes)
        status.update("profiling")
        shapes = {
            "k1": inputs.first,
            "balanced": ranged(srs, inputs.values, "balanced"),
            "fast": ranged(srs, inputs.values, "fast"),
            "large": large(srs),
            "tiered": tiered(srs),
            "margin": margin(srs),
        }
        sizes = {
            name: len(prove(shape.statement, shape.witness, srs).encoded)
            for name, shape in shapes.items()
        }
        profiles = _profiles(srs, shapes, 2 if options.quick else 20)
    figures = Figures(passes, sizes, batch)
    return Results(figures, describe(), run.reports, profiles, share, len(run.done))


def _profiles(srs: Srs, shapes: dict[str, Shape], calls: int) -> dict[str, dict[str, Profile]]:
    found: dict[str, dict[str, Profile]] = {"prove": {}, "verify": {}}
    for name, shape in shapes.items():
        statement, witness = shape.statement, shape.witness
        proof = prove(statement, witness, srs).encoded
        found["prove"][name] = profile(functools.partial(prove, statement, witness, srs), calls)
        found["verify"][name] = profile(functools.partial(verify, statement, proof, srs), 5 * calls)
    return found


if __name__ == "__main__":
    sys.exit(main())

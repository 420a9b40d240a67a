"""`python -m benchmarks.service`: how many attestations a second, how fast, for how long."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks.machine import describe
from benchmarks.service.service import Served, serving
from benchmarks.service.soak import Soak, soak
from benchmarks.service.stock import Stock
from tests.api.postgres import fresh_database, running_server
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.crypto.select import arithmetic
from zkcollateral.crypto.srs import ceremony
from zkcollateral.risk.clock import now
from zkcollateral.verifier.attestation import verify_attestation
from zkcollateral.verifier.examination import Expectation

RESULTS = Path(__file__).resolve().parent.parent / "results" / "api.json"

ASKED = {
    "sqlite_submit_over_verify": (">=", 0.4),
    "postgres_submit_over_verify": (">=", 0.6),
    "submit_p99_ms": ("<=", 60.0),
    "bundle_get_per_second": (">=", 800.0),
    "soak_wrong_answers": ("<=", 0.0),
    "soak_growth_mib": ("<=", 20.0),
}


def main(arguments: list[str] | None = None) -> int:
    """0; 1 with `--check` and a figure that is missed."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True, highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        results = _measure(options, Path(folder), console)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    _print(results)
    short = [key for key in ASKED if not _reached(key, results[key])]
    return 1 if options.check and short else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service", description=__doc__)
    parser.add_argument("--submissions", type=int, default=3000, help="per throughput run")
    parser.add_argument("--passes", type=int, default=3, help="throughput runs; the median counts")
    parser.add_argument("--soak", type=int, default=24_000, help="submissions of the soak")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a figure is missed")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results are written")
    return parser


def _measure(options: argparse.Namespace, folder: Path, console: Console) -> dict[str, Any]:
    srs = ceremony(arithmetic("native"))
    stock = Stock(srs)
    verify_rates = _verify_rates(stock)
    throughput: dict[str, list[float]] = {"sqlite": [], "postgres": []}
    files = iter(_files(stock, folder / "stock", options, console))
    with running_server(fsync="on", full_page_writes="on") as postgres:
        for number in range(options.passes):
            for name, workers in (("sqlite", 1), ("postgres", 2)):
                work = folder / f"{name}-{number}"
                with (
                    _database(name, postgres, work) as url,
                    serving(work, stock, url, workers) as up,
                ):
                    bodies = [next(files) for _ in range(options.submissions)]
                    throughput[name].append(_throughput(up, bodies))
                    console.print(f"{name}: {throughput[name][-1]:.0f} accepted per second")
                verify_rates += _verify_rates(stock)
    verify = statistics.median(verify_rates)
    sqlite = statistics.median(throughput["sqlite"])
    with serving(folder / "latency", stock, f"sqlite:///{folder}/latency.db", 1) as up:
        bodies = [next(files) for _ in range(options.submissions)]
        latencies = _latencies(up, bodies, sqlite / 2)
        bundles = _bundles(up, options.submissions)
    soaked: Soak = soak(stock, folder / "soak", options.soak, console)
    return {
        "sqlite_submit_over_verify": sqlite / verify,
        "postgres_submit_over_verify": statistics.median(throughput["postgres"]) / verify,
        "submit_p99_ms": latencies["p99"],
        "bundle_get_per_second": bundles,
        "soak_wrong_answers": soaked.wrong,
        "soak_growth_mib": soaked.growth_mib,
        "verify_per_second": verify,
        "sqlite_submit_per_second": sqlite,
        "postgres_submit_per_second": statistics.median(throughput["postgres"]),
        "submit_p50_ms": latencies["p50"],
        "submit_rate_of_latencies": sqlite / 2,
        "soak_submissions": options.soak,
        "soak_seconds": soaked.seconds,
        "soak_first_half_mib": soaked.half_mib,
        "machine": describe(),
    }


def _verify_rates(stock: Stock) -> list[float]:
    """Attestations that one core reads and checks in a second, one by one, as an auditor does."""
    data = list(stock.attestations(100, lambda _: None))
    trust = stock.trust()
    rates = []
    for _ in range(3):
        started = time.perf_counter()
        for each in data:
            report = verify_attestation(
                Attestation.from_bytes(each), trust, stock.srs, Expectation(now())
            )
            if not report.valid:
                raise RuntimeError(f"not valid: {report.to_json_value()}")
        rates.append(len(data) / (time.perf_counter() - started))
    return rates


def _files(
    stock: Stock, folder: Path, options: argparse.Namespace, console: Console
) -> Iterator[Path]:
    folder.mkdir(parents=True)
    number = options.submissions * (2 * options.passes + 1)
    made = []
    with progress(console) as bar:
        task = bar.add_task("proving", total=number)
        for index, data in enumerate(
            stock.attestations(number, lambda done: bar.advance(task, done))
        ):
            path = folder / f"{index}.json"
            path.write_bytes(data)
            made.append(path)
    return iter(made)


def progress(console: Console) -> Progress:
    """A progress bar."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


@contextmanager
def _database(name: str, postgres: str, folder: Path) -> Iterator[str]:
    if name == "sqlite":
        yield f"sqlite:///{folder}.db"
        return
    with fresh_database(postgres) as url:
        yield url


def _throughput(up: Served, bodies: Sequence[Path]) -> float:
    seconds, answers = up.run([("POST", "/v1/attestations", str(body)) for body in bodies])
    wrong = [answer for answer in answers if answer["status"] != 201]
    if wrong:
        raise RuntimeError(f"{len(wrong)} were not accepted, such as {wrong[0]}")
    return len(bodies) / seconds


def _latencies(up: Served, bodies: Sequence[Path], rate: float) -> dict[str, float]:
    _, answers = up.run(
        [("POST", "/v1/attestations", str(body)) for body in bodies], rate=rate, connections=64
    )
    wrong = [answer for answer in answers if answer["status"] != 201]
    if wrong:
        raise RuntimeError(f"{len(wrong)} were not accepted, such as {wrong[0]}")
    times = sorted(answer["seconds"] * 1000 for answer in answers)
    return {"p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100]}


def _bundles(up: Served, stored: int) -> float:
    """Bundles a second, each stored one in turn, so that no answer is the one before."""
    ids = []
    path = "/v1/attestations?limit=200"
    cursor = ""
    while len(ids) < stored:
        with urllib.request.urlopen(f"http://127.0.0.1:{up.port}{path}{cursor}") as answer:
            page = json.loads(answer.read())
        ids += [item["id"] for item in page["items"]]
        if "next" not in page:
            break
        cursor = f"&cursor={page['next']}"
    rates = []
    for _ in range(3):
        seconds, answers = up.run([("GET", f"/v1/attestations/{id_}/bundle", None) for id_ in ids])
        if any(answer["status"] != 200 for answer in answers):
            raise RuntimeError("a stored bundle was not answered")
        rates.append(len(ids) / seconds)
    return statistics.median(rates)


def _reached(key: str, value: float) -> bool:
    sense, bound = ASKED[key]
    return value >= bound if sense == ">=" else value <= bound


def _print(results: dict[str, Any]) -> None:
    table = Table()
    for heading in ("key", "measured", "asked", "reached"):
        table.add_column(heading)
    for key, (sense, bound) in ASKED.items():
        value = results[key]
        mark = "yes" if _reached(key, value) else "no"
        table.add_row(key, f"{value:.3g}", f"{sense} {bound:g}", mark)
    Console(highlight=False, width=None if sys.stdout.isatty() else 100).print(table)


if __name__ == "__main__":
    raise SystemExit(main())

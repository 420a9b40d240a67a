"""What a run found, and how it is shown: as a table, as JSON, and as docs/performance.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from benchmarks.figures import TARGETS, Figures, Target
from benchmarks.hotspots import Profile
from benchmarks.passes import UNDISTURBED


@dataclass(frozen=True)
class Results:
    """Everything that a run found.

    Args:
        figures: the measured times.
        machine: a description, in words.
        peers: the last report of every build of the peer.
        profiles: by what was done (`prove`, `verify`) and shape.
        share: of a processor, in the worst pass that counts.
        passes_made: how many there were in all.
    """

    figures: Figures
    machine: Mapping[str, str]
    peers: Mapping[str, Mapping[str, Any]]
    profiles: Mapping[str, Mapping[str, Profile]]
    share: float
    passes_made: int

    def write_json(self, path: Path) -> None:
        """The asked figures, then the others: one number per key."""
        document = {**self.figures.asked(), **self.figures.context()}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    def print(self, console: Console) -> None:
        """The asked figures as a table, then how the run went."""
        asked = self.figures.asked()
        table = Table(title="what is asked for")
        for heading in ("what", "key", "measured", "asked", "reached"):
            justify: Literal["left", "right"] = "right" if heading == "measured" else "left"
            table.add_column(heading, justify=justify, overflow="fold")
        for target in TARGETS:
            value = asked[target.key]
            mark = verdict(target, value)
            style = {"yes": "green", "no": "bold red", "not measured": "yellow"}[mark]
            table.add_row(
                target.what,
                target.key,
                shown(value, target.unit),
                bound(target),
                f"[{style}]{mark}[/]",
            )
        console.print(table)
        others = Table(title="beside it (times in milliseconds)")
        others.add_column("key")
        others.add_column("measured", justify="right")
        for key, value in self.figures.context().items():
            others.add_row(key, in_milliseconds(key, value))
        console.print(others)
        for name, report in self.peers.items():
            console.print(f"{report['package']}, {name} toolchain: backend {report['backend']}")
        console.print(self.conditions(), style="yellow" if self.share < UNDISTURBED else None)

    def conditions(self) -> str:
        """How many passes count, how much of a processor they had, and what that means."""
        text = (
            f"{len(self.figures.passes)} of {self.passes_made} passes count; in the worst of them "
            f"the measured processes had {self.share:.0%} of a processor."
        )
        if self.share < UNDISTURBED:
            text += (
                " The machine was busy: long times are inflated more than short ones, and ratios "
                "between them are off. Measure again on a machine that has nothing else to do."
            )
        return text


def verdict(target: Target, value: float | None) -> str:
    """`yes`, `no` or `not measured`."""
    if value is None:
        return "not measured"
    return "yes" if target.reached(value) else "no"


def bound(target: Target) -> str:
    """The figure asked for, with the side."""
    return f"{target.comparison} {target.bound:g} {target.unit}".rstrip()


def shown(value: float | None, unit: str = "") -> str:
    """A number with three significant digits, whole ones in full."""
    if value is None:
        return "–"
    whole = isinstance(value, int) or abs(value) >= 1000
    text = f"{value:.0f}" if whole else f"{value:#.3g}".rstrip(".")
    return f"{text} {unit}".rstrip()


def in_milliseconds(key: str, value: float) -> str:
    """A figure of `Figures.context`: times in milliseconds, ratios and sizes as they are."""
    return f"{shown(value * 1e3)} ms" if "_seconds" in key else shown(value)

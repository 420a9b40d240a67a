"""What goes to standard output: text for people, JSON for programs, both without any secret.

On a terminal tables are drawn with rich (which honours NO_COLOR); elsewhere they are plain columns
that no width cuts.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

from ..errors import FileError

if TYPE_CHECKING:
    from rich.console import Console

LONGEST_RULE: Final = 60

NOBODY_READS: Final = 141
"""128 + SIGPIPE: what a shell reports for a program that wrote to a closed pipe."""


def emit(text: str) -> None:
    """Write a text and a newline to standard output.

    Raises:
        typer.Exit: nobody reads it any more.
        FileError: it takes no more, as on a full disk.
    """
    # File names may hold bytes that are no text, which come as surrogates.
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stdout.flush()
    except OSError as error:
        # Python flushes once more when it ends, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise typer.Exit(NOBODY_READS) from None
        reason = error.strerror or "an error"
        raise FileError("standard output", "an output that can be written", reason) from None


def emit_json(value: Mapping[str, object]) -> None:
    """Write one JSON object, indented."""
    emit(json.dumps(value, indent=2, ensure_ascii=False))


def emit_result(as_json: bool, value: Mapping[str, object], lines: Sequence[str]) -> None:
    """Write the JSON object, or the lines that say the same to a person."""
    if as_json:
        emit_json(value)
    else:
        emit("\n".join(lines))


def emit_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Write a table; cells are plain text, and `passed` and `failed` get their colours."""
    if not sys.stdout.isatty():
        emit("\n".join(_plain_table(columns, rows, title)))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title, "bold") if title else None, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    terminal = console()
    with terminal.capture() as captured:
        terminal.print(table)
    emit(captured.get().rstrip("\n"))


def console() -> Console:
    """A rich console on standard output."""
    from rich.console import Console

    return Console(highlight=False)


def notice(text: str) -> None:
    """Write one line to standard error, about something that is not the end."""
    line = "".join(c if c.isprintable() else " " for c in text)
    typer.echo(line.encode("utf-8", "backslashreplace").decode(), err=True)


@contextmanager
def working(what: str, arithmetic: str) -> Iterator[None]:
    """Show that something slow is going on: a spinner, on a terminal, with the slow arithmetic."""
    if arithmetic == "native" or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    # The file is fixed here: what is redirected later must not get the spinner.
    with Console(file=sys.stderr).status(f"{what} with the {arithmetic} arithmetic"):
        yield


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far something has come: a bar, on a terminal. It is told what is done, and of how
    much.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> list[str]:
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    rule = ["-" * min(width, LONGEST_RULE) for width in widths]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (columns, rule, *rows)
    ]
    return [title, *lines] if title else lines


_STYLES = {"passed": "green", "failed": "bold red"}

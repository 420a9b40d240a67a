"""Running real commands in a folder, and showing them as they would be typed."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..cli.output import emit, emit_table, working
from ..crypto.canonical import JsonValue
from ..crypto.files import write_public, write_secret
from ..errors import ZkCollateralError

Run = Callable[[Sequence[str]], int]

INTERRUPTED: Final = 130
WIDTH: Final = 96
SLOW: Final = ("commit", "vouch", "prove", "verify")


class DemoError(ZkCollateralError):
    """A step that did not end as the demonstration expects."""


@dataclass
class Session:
    """A folder in which commands run, one after the other.

    Args:
        folder: an existing folder; commands run in it, so that what is shown can be typed there.
        run: runs one command line and returns its exit status.
        arithmetic: the name of the arithmetic in use.
        quiet: show nothing.
        commands: every command line so far.
    """

    folder: Path
    run: Run
    arithmetic: str
    quiet: bool
    commands: list[str] = field(default_factory=list)

    def say(self, text: str = "") -> None:
        """Show a line."""
        if not self.quiet:
            emit(text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
        """Show a table."""
        if not self.quiet:
            emit_table(columns, rows, title)

    def command(self, *arguments: str, expect: int = 0) -> dict[str, Any]:
        """Show a command, run it, and return what it prints with `--json`.

        Args:
            arguments: what stands behind the program's name.
            expect: the exit status that is right here.

        Returns:
            The printed JSON object, or the line on standard error as `error`; and `status`.

        Raises:
            DemoError: another exit status.
        """
        line = shlex.join(["zkcollateral", *arguments])
        self.commands.append(line)
        self.say(_as_typed(["zkcollateral", *arguments]))
        printed, complaint = io.StringIO(), io.StringIO()
        slow = working if arguments[0] in SLOW else _at_once
        with (
            slow(f"zkcollateral {arguments[0]}", self.arithmetic),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(complaint),
        ):
            status = self.run([*arguments, "--json"])
        said = complaint.getvalue().strip()
        if status == INTERRUPTED:
            raise KeyboardInterrupt
        if status != expect:
            raise DemoError(f"demo: {line}: expected exit status {expect}, got {status} ({said})")
        text = printed.getvalue()
        result: dict[str, Any] = json.loads(text) if text else {"error": said}
        return {**result, "status": status}

    def write(self, name: str, value: JsonValue, *, secret: bool = False) -> str:
        """Write a document into the folder and return its name; secret ones have mode 0600."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (write_secret if secret else write_public)(path, value)
        return name


@contextlib.contextmanager
def _at_once(_: str, __: str) -> Iterator[None]:
    yield


def _as_typed(words: Sequence[str]) -> str:
    """The command line, broken before options where it is long."""
    lines = ["  $"]
    for index, word in enumerate(words):
        quoted = shlex.quote(word)
        is_option = word.startswith("--")
        value = words[index + 1] if is_option else ""
        is_value = words[index - 1].startswith("--") and not is_option
        too_long = len(lines[-1]) + len(quoted) + len(value) + 4 > WIDTH
        if index > 1 and too_long and not is_value:
            lines[-1] += " \\"
            lines.append("     ")
        lines[-1] += f" {quoted}"
    return "\n".join(lines)

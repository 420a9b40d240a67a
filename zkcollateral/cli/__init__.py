"""The command line: thin commands over the public functions, and one line for every error."""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """Run the command line with the process's arguments; the entry point of `zkcollateral`."""
    import sys

    try:
        from .runner import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # while the modules were loading
        status = 130
    sys.exit(status)

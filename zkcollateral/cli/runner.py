"""From arguments to an exit status: what went wrong becomes one line, never a traceback.

0: done, or valid. 1: checked and not valid, or the portfolio does not satisfy the claim. 2: input
that cannot be read or used.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final, cast

import typer

from ..errors import ClaimNotSatisfied, FileError, ZkCollateralError
from .app import app
from .output import NOBODY_READS

DONE: Final = 0
NOT_VALID: Final = 1
UNUSABLE: Final = 2
INTERRUPTED: Final = 130

DEBUG_VARIABLE: Final = "ZKCOLLATERAL_DEBUG"

# The public way to the base class of usage errors: newer typer has no dependency on click.
UsageError: Final = cast(type[Exception], typer.BadParameter.__bases__[0])


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status.

    Args:
        arguments: what stands behind the program's name.

    Returns:
        0, 1 or 2 as above; 130 after an interrupt, 141 if nobody reads standard output any more.
    """
    if sys.stdout is None:
        expected = "an output that can be written"
        return _fail(UNUSABLE, str(FileError("standard output", expected, "a closed one")))
    try:
        return _status(
            app(list(arguments) or ["--help"], prog_name="zkcollateral", standalone_mode=False)
        )
    except ClaimNotSatisfied as error:
        return _fail(NOT_VALID, str(error))
    except ZkCollateralError as error:
        return _fail(UNUSABLE, str(error))
    except UsageError as error:
        return _fail(UNUSABLE, _usage(error))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except SystemExit:  # help that nobody reads to its end
        return NOBODY_READS
    except Exception as error:  # noqa: BLE001  # its text could quote a secret: only the type is told
        if os.environ.get(DEBUG_VARIABLE) == "1":
            traceback.print_tb(error.__traceback__)
        hint = f"{DEBUG_VARIABLE}=1 shows where"
        return _fail(UNUSABLE, f"internal error: {type(error).__name__} ({hint})")


def _status(result: object) -> int:
    return result if isinstance(result, int) else DONE


def _usage(error: BaseException) -> str:
    message = getattr(error, "format_message", error.__str__)()
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "zkcollateral"
    return f"{message.rstrip('.')} (see {command} --help)"


def _fail(status: int, message: str) -> int:
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)
    # Bytes of a file name that are no text come as surrogates, which cannot be written as such.
    data = f"error: {line}\n".encode("utf-8", "backslashreplace").decode("utf-8")
    try:
        sys.stderr.write(data)
        sys.stderr.flush()
    except (OSError, UnicodeError):
        pass
    return status

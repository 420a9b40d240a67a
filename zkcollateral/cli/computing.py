"""The arithmetic that a command computes with, and the reference string over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import typer

from .options import ArithmeticName

if TYPE_CHECKING:
    from ..crypto.srs import Srs


def load_srs(context: typer.Context, chosen: ArithmeticName | None = None) -> Srs:
    """The ceremony's reference string over the arithmetic that was asked for.

    Args:
        context: of the command; its `obj` is what the global option --arithmetic said.
        chosen: what the command's own option said, which comes first.

    Raises:
        InputError: the native arithmetic was asked for and is not installed.
        FileError: the ceremony's file is missing or not the ceremony's.
    """
    from ..crypto.select import arithmetic
    from ..crypto.srs import ceremony

    name = chosen if chosen is not None else cast(ArithmeticName | None, context.obj)
    return ceremony(arithmetic(name.value if name is not None else None))

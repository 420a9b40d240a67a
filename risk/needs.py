"""Packages that only some of the work needs, and what is said where one of them is missing."""

from __future__ import annotations

import importlib.util
from typing import Final

from ..errors import InputError

EXTRAS: Final = {"scipy": "risk", "arch": "risk", "matplotlib": "plot"}
"""The extra of this package that brings each of them."""


def require(module: str, for_what: str) -> None:
    """Check that an optional package is installed, without importing it.

    Args:
        module: its name, one of `EXTRAS`.
        for_what: what needs it, as a person would look for it, such as `risk breach`.

    Raises:
        InputError: it is not installed; the message says how to install it.
    """
    try:
        found = importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        found = False
    if not found:
        hint = f"pip install 'zkcollateral[{EXTRAS[module]}]'"
        raise InputError(for_what, f"{module} to be installed ({hint})", f"no {module}")

"""Which arithmetic to compute with: the fast one where it is installed, else the reference.

The environment variable ZKCOLLATERAL_ARITHMETIC, set to `native` or `reference`, decides for
callers that name none.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import os
from typing import Final, Literal

from ..errors import InputError
from .arithmetic import Arithmetic

ENVIRONMENT_VARIABLE: Final = "ZKCOLLATERAL_ARITHMETIC"

_log = logging.getLogger("zkcollateral")


def arithmetic(name: Literal["native", "reference"] | None = None) -> Arithmetic:
    """The arithmetic of this name; the same object every time.

    Args:
        name: `native` or `reference`. None takes what ZKCOLLATERAL_ARITHMETIC says, else the native
            one if the package `zkcollateral-native` is installed, else the reference, which is
            slow; the logger `zkcollateral` then says so, once.

    Raises:
        InputError: the native arithmetic was asked for and is not installed, or there is none of
            that name.
    """
    if name is not None:
        return _named(name, "arithmetic")
    forced = os.environ.get(ENVIRONMENT_VARIABLE)
    if forced:
        return _named(forced, ENVIRONMENT_VARIABLE)
    return _native() if _native_is_installed() else _reference_with_notice()


def _named(name: str, where: str) -> Arithmetic:
    if name == "reference":
        return _reference()
    if name != "native":
        raise InputError(where, "native or reference", repr(name))
    if not _native_is_installed():
        raise InputError(where, "the package zkcollateral-native", "no such package installed")
    return _native()


def _native_is_installed() -> bool:
    return importlib.util.find_spec("zkcollateral_native") is not None


# Both are imported when asked for: py-ecc takes a good tenth of a second to load, and the extension
# may not be there.
@functools.cache
def _native() -> Arithmetic:
    from .fast import NativeArithmetic

    return NativeArithmetic()


@functools.cache
def _reference() -> Arithmetic:
    from .reference import ReferenceArithmetic

    return ReferenceArithmetic()


@functools.cache
def _reference_with_notice() -> Arithmetic:
    _log.warning(
        "zkcollateral-native is not installed: using the reference arithmetic, which is slow"
    )
    return _reference()

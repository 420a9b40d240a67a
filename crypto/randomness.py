"""The one place that draws randomness, from the operating system.

Nothing else in the package imports `secrets`, `random` or `os.urandom`.
"""

from __future__ import annotations

import secrets

from .field import MODULUS


def random_bytes(count: int) -> bytes:
    """`count` fresh uniform bytes.

    Args:
        count: 0 or more.

    Raises:
        ValueError: a negative count.
    """
    return secrets.token_bytes(count)


def random_scalar() -> int:
    """A fresh scalar, exactly uniform on [0, r)."""
    return secrets.randbelow(MODULUS)

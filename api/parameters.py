"""Parameters in path and query that several resources take, spelled once."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Path, Query

_DIGEST = "^[0-9a-f]{64}$"
_NAME = "^[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}$"

DigestInPath: TypeAlias = Annotated[
    str, Path(pattern=_DIGEST, description="SHA-256, 64 lowercase hex digits.")
]
DigestInQuery: TypeAlias = Annotated[
    str, Query(pattern=_DIGEST, description="SHA-256, 64 lowercase hex digits.")
]
NameInQuery: TypeAlias = Annotated[str, Query(pattern=_NAME)]

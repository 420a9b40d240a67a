"""The transparency log as C2SP tlog-tiles serves it, and proofs for those who read no tiles.

What is served is what the newest signed checkpoint covers, and nothing beyond it.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from ...crypto.canonical import parse_json
from ...crypto.checkpoint import VerifierKey
from ...crypto.merkle import MAX_SIZE
from ...crypto.tiles import TILE_WIDTH, Tile, encode_bundle, encode_tile, parse_tile_path
from ...errors import EncodingError
from ..access import Reader, TheService
from ..caching import NO_CACHE, immutable, short_lived
from ..problems import Problem
from ..service import Service
from ..store.tables import LogEntry, SignedCheckpoint
from ..store.tree import proof_of_consistency, proof_of_inclusion, tile_hashes
from ..views import ConsistencyView, InclusionView, LoggedView

router = APIRouter(prefix="/v1/log", tags=["log"])

NOTE_TYPE: Final = "text/plain; charset=utf-8"
TILE_TYPE: Final = "application/octet-stream"

_NOTE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "The text"}
}
_TILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {TILE_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "description": "The bytes",
    },
    304: {"description": "The sender of the request has it already"},
}
_NAME: Final = (
    "The number of the tile in groups of three digits, all but the last with an x before them; "
    "a partial one ends in `.p/` and its width. So `000`, `x001/234` and `000.p/17`."
)

Index = Annotated[int, Path(ge=0, le=MAX_SIZE, description="Of the entry, from 0.")]
Size = Annotated[int, Path(ge=1, le=MAX_SIZE, description="The number of entries.")]


@router.get(
    "/checkpoint",
    summary="The newest signed checkpoint",
    response_class=Response,
    responses=_NOTE,
)
def checkpoint(caller: Reader, service: TheService) -> Response:
    """A signed note (C2SP tlog-checkpoint): origin, size and root of the log."""
    with service.store.read() as session:
        note = _newest(session).note
    return Response(note, media_type=NOTE_TYPE, headers={"Cache-Control": NO_CACHE})


@router.get(
    "/checkpoints/{size}",
    summary="The checkpoint of a size",
    response_class=Response,
    responses={**_NOTE, 304: _TILE[304]},
)
def checkpoint_of(request: Request, size: Size, caller: Reader, service: TheService) -> Response:
    """The checkpoint that was signed when the log had so many entries.

    Entries are added several at a time, so that not every size has one.
    """
    with service.store.read() as session:
        row = session.get(SignedCheckpoint, size)
        if row is None:
            raise Problem("not-found", "no checkpoint of this size was signed")
        note = row.note.encode()
    return immutable(request, note, private=_private(service), media_type=NOTE_TYPE)


@router.get(
    "/key",
    summary="The log's public key",
    response_class=Response,
    responses=_NOTE,
)
def key(caller: Reader, service: TheService) -> Response:
    """The verifier key of the log's checkpoints, as C2SP signed-note spells it, on one line.

    Whoever relies on the log takes its key from elsewhere, and compares.
    """
    public = service.store.signer.public
    text = f"{VerifierKey(public.name, public.key)}\n"
    return Response(text, media_type=NOTE_TYPE, headers={"Cache-Control": NO_CACHE})


@router.get(
    "/tile/entries/{name:path}",
    summary="Get a bundle of entries",
    response_class=Response,
    responses=_TILE,
)
def bundle(
    request: Request,
    name: Annotated[str, Path(description=_NAME, max_length=64)],
    caller: Reader,
    service: TheService,
) -> Response:
    """Entries of the log (C2SP tlog-tiles), each after its length in two bytes."""
    return _tile(request, service, f"tile/entries/{name}")


@router.get(
    "/tile/{level}/{name:path}",
    summary="Get a tile of the Merkle tree",
    response_class=Response,
    responses=_TILE,
)
def tile(
    request: Request,
    level: Annotated[str, Path(description="From 0, that of the entries' hashes.", max_length=16)],
    name: Annotated[str, Path(description=_NAME, max_length=64)],
    caller: Reader,
    service: TheService,
) -> Response:
    """Hashes of the log's Merkle tree (C2SP tlog-tiles), of 32 bytes each.

    A full tile never changes. A partial one is replaced by a wider one as the log grows.
    """
    return _tile(request, service, f"tile/{level}/{name}")


@router.get("/entries/{index}", summary="Get an entry with its proof")
def entry(index: Index, caller: Reader, service: TheService, response: Response) -> LoggedView:
    """An entry, the newest checkpoint, and the proof that it covers the entry."""
    with service.store.read() as session:
        newest = _newest(session)
        row = session.get(LogEntry, index) if index < newest.size else None
        if row is None:
            raise Problem("not-found", f"the log has {newest.size} entries")
        response.headers["Cache-Control"] = NO_CACHE
        return LoggedView.model_validate(
            {
                "index": index,
                "entry": parse_json(row.data, "entry"),
                "checkpoint": newest.note,
                "proof": _spell(proof_of_inclusion(session, index, newest.size)),
            }
        )


@router.get("/proofs/inclusion", summary="Prove that an entry is in the log")
def inclusion(
    caller: Reader,
    service: TheService,
    index: Annotated[int, Query(ge=0, le=MAX_SIZE, description="Of the entry, from 0.")],
    size: Annotated[int, Query(ge=1, le=MAX_SIZE, description="Entries of the log.")],
) -> InclusionView:
    """The hashes that lead from an entry to the root of the log of a size (RFC 6962, 2.1.1)."""
    with service.store.read() as session:
        _require_size(session, size, "size")
        if index >= size:
            raise Problem("parameter-invalid", f"index: expected one below the size {size}")
        proof = proof_of_inclusion(session, index, size)
    return InclusionView(index=index, size=size, proof=_spell(proof))


@router.get("/proofs/consistency", summary="Prove that the log only grew")
def consistency(
    caller: Reader,
    service: TheService,
    old: Annotated[int, Query(ge=0, le=MAX_SIZE, description="Entries of the earlier log.")],
    new: Annotated[int, Query(ge=0, le=MAX_SIZE, description="Entries of the later log.")],
) -> ConsistencyView:
    """The hashes that show a log to begin with an earlier one (RFC 6962, 2.1.2).

    From no entries, and from a log to itself, there is nothing to prove: the proof is empty.
    """
    with service.store.read() as session:
        _require_size(session, new, "new")
        if old > new:
            raise Problem("parameter-invalid", f"old: expected at most {new}")
        proof = proof_of_consistency(session, old, new)
    return ConsistencyView(old=old, new=new, proof=_spell(proof))


def _tile(request: Request, service: Service, path: str) -> Response:
    """The tile or bundle of a path; Problem `not-found` if there is none."""
    try:
        named = parse_tile_path(path)
    except EncodingError as error:
        raise Problem("not-found", f"expected {error.expected}") from None
    with service.store.read() as session:
        size = _newest(session).size
        if named.needs > size:
            raise Problem("not-found", f"the log has {size} entries, and no such tile yet")
        content = _content(session, named)
    answer = immutable if named.width == TILE_WIDTH else short_lived
    return answer(request, content, private=_private(service), media_type=TILE_TYPE)


def _content(session: Session, named: Tile) -> bytes:
    first = named.index * TILE_WIDTH
    if named.level is not None:
        return encode_tile(tile_hashes(session, named.level, first, named.width))
    entries = session.scalars(
        select(LogEntry.data)
        .where(LogEntry.index >= first, LogEntry.index < first + named.width)
        .order_by(LogEntry.index)
    )
    return encode_bundle(entries.all())


def _newest(session: Session) -> SignedCheckpoint:
    row = session.scalar(select(SignedCheckpoint).order_by(SignedCheckpoint.size.desc()).limit(1))
    if row is None:
        raise Problem("not-ready", "the log is empty")
    return row


def _require_size(session: Session, size: int, name: str) -> None:
    newest = _newest(session).size
    if size > newest:
        raise Problem("parameter-invalid", f"{name}: expected at most {newest}, the log's size")


def _spell(hashes: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(base64.b64encode(each).decode() for each in hashes)


def _private(service: Service) -> bool:
    return service.settings.reads == "keys"

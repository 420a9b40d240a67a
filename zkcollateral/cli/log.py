"""`zkcollateral log verify`: the whole transparency log, against itself and what was kept of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import DocumentError, InputError, LogError, SignatureError
from .options import ApiKeyFile, AsJson, PlainHttp, Service
from .output import emit, emit_json, emit_result, progress
from .service import connect

if TYPE_CHECKING:
    from ..crypto.checkpoint import Checkpoint, VerifierKey
    from ..verifier.log import LogReport, Reader

CONTRADICTS = 1
OTHER = "others"

_KINDS = {
    "zkcollateral/log-attestation/1": "attestations",
    "zkcollateral/log-revocation/1": "revocations",
    "zkcollateral/log-publication/1": "publications",
    "zkcollateral/log-trust/1": "trust_changes",
}


def verify_the_log(
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The log's public key: a file, or a verifier key."),
    ] = None,
    trust: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your trust file, with the log's key.")
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Earlier checkpoint; replaced by the newest."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="FOLDER", help="A copy of the log's files.")
    ] = None,
    service: Service = None,
    api_key_file: ApiKeyFile = None,
    plain_http: PlainHttp = False,
    as_json: AsJson = False,
) -> int:
    """Replay the service's log, or a copy of it, from its first to its last entry.

    Every entry and every tile is held against what the log signed, and all of it against the
    checkpoint that was kept before. Only if nothing is wrong, the newest one takes its place.

    Exit status: 0 nothing wrong, 1 the log contradicts itself or what was kept, 2 unusable input.
    """
    from ..verifier.log import verify_log
    from .files import check_replaceable, refuse_inputs, write_binary

    if (key is None) == (trust is None):
        raise InputError("--key", "this option or --trust", "none" if key is None else "both")
    if folder is not None and service is not None:
        raise InputError("--dir", "this option or --service", "both")
    refuse_inputs([kept], [trust, api_key_file, None if key is None else Path(key)])
    if trust is not None:
        keys, ever = _keys(trust)
    else:
        keys = ever = _key(str(key))
    # What was kept may be signed by a key that was replaced since.
    earlier = None if kept is None else _kept(kept, ever)
    if kept is not None:
        check_replaceable(kept)
    source = str(folder)
    counts: Counter[str] = Counter()
    report: LogReport | str
    started = perf_counter()
    with ExitStack() as stack:
        if folder is not None:
            read = _from_folder(folder)
        else:
            client = stack.enter_context(
                connect(service, api_key_file, plain_http=plain_http, key_needed=False)
            )
            read, source = client.log.read, client.address
        told = stack.enter_context(progress("replaying the log"))
        try:
            report = verify_log(
                read,
                _signer(read, keys),
                kept=earlier,
                on_entry=lambda _, entry: counts.update([_kind(entry)]),
                progress=told,
            )
        except LogError as error:
            report = str(error)
    if isinstance(report, str):
        if as_json:
            emit_json({"consistent": False, "reason": report})
        else:
            emit(f"{source}: the log is wrong: {report}")
        return CONTRADICTS
    if kept is not None:
        write_binary(kept, report.note)
    return _show(report, counts, source, kept, perf_counter() - started, as_json=as_json)


def _show(
    report: LogReport,
    counts: Counter[str],
    source: str,
    kept: Path | None,
    seconds: float,
    *,
    as_json: bool,
) -> int:
    found = {name: counts[name] for name in (*_KINDS.values(), OTHER) if counts[name]}
    before = report.kept
    lines = [
        f"{source}: nothing wrong in {report.size} entries of {report.checkpoint.origin}, "
        f"read in {seconds:.3f} s",
        f"root {report.root.hex()}",
        ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in found.items()),
    ]
    if before is not None:
        grown = report.size - before.size
        lines.append(f"the {before.size} entries that were known are its first; {grown} are new")
    if kept is not None:
        lines.append(f"{kept}: the newest checkpoint, to be held against the log next time")
    emit_result(
        as_json,
        {
            "consistent": True,
            "origin": report.checkpoint.origin,
            "size": report.size,
            "root": report.root.hex(),
            "entries": found,
            "kept_size": None if before is None else before.size,
            "kept": None if kept is None else str(kept),
            "seconds": round(seconds, 6),
        },
        [line for line in lines if line],
    )
    return 0


def _from_folder(folder: Path) -> Reader:
    """Reads a copy of the log's files."""
    from ..crypto.files import read_bytes
    from ..verifier.log import most_bytes

    return lambda path: read_bytes(folder / path, max_bytes=most_bytes(path))


def _key(text: str) -> list[VerifierKey]:
    """The key in a file, or in a verifier key string."""
    from ..crypto.canonical import parse_json
    from ..crypto.checkpoint import VerifierKey
    from ..crypto.files import read_bytes
    from ..crypto.keyfile import NamedPublicKey

    if text.count("+") >= 2 and not Path(text).exists():
        return [VerifierKey.parse(text, "--key")]
    data = read_bytes(text, max_bytes=1 << 16)
    if not data.lstrip().startswith(b"{"):
        return [VerifierKey.parse(data.decode("utf-8", "replace").strip(), text)]
    named = NamedPublicKey.from_json_value(parse_json(data, text), text)
    if named.role != "log":
        raise DocumentError(f"{text}: role", "'log'", repr(named.role))
    return [VerifierKey(named.name, named.key)]


def _keys(trust: Path) -> tuple[list[VerifierKey], list[VerifierKey]]:
    """The log's keys in a trust file that count now, and all of them."""
    from ..crypto.checkpoint import VerifierKey
    from ..risk.clock import now
    from ..verifier.trust import Trust
    from .files import read_document

    found = read_document(Trust, trust).keys_of("log").values()
    current = now()
    counting = [VerifierKey(key.name, key.key) for key in found if key.covers(current)]
    if not counting:
        raise DocumentError(f"{trust}: keys", "a key of the role log that counts now", "none")
    return counting, [VerifierKey(key.name, key.key) for key in found]


def _kept(path: Path, keys: Sequence[VerifierKey]) -> Checkpoint | None:
    """The checkpoint that was kept, if there is one yet."""
    from ..crypto.checkpoint import MAX_NOTE_BYTES, open_checkpoint
    from ..crypto.files import read_bytes

    if not path.exists():
        return None
    note = read_bytes(path, max_bytes=MAX_NOTE_BYTES)
    return open_checkpoint(note, keys, where=str(path)).checkpoint


def _signer(read: Reader, keys: Sequence[VerifierKey]) -> VerifierKey:
    """The key that signed the log's newest checkpoint; LogError if it is none of these."""
    from ..crypto.checkpoint import open_checkpoint
    from ..crypto.tiles import CHECKPOINT_PATH

    if len(keys) == 1:
        return keys[0]
    try:
        return open_checkpoint(read(CHECKPOINT_PATH), keys, where=CHECKPOINT_PATH).signed_by[0]
    except (InputError, SignatureError) as error:
        raise LogError(str(error)) from None


def _kind(entry: bytes) -> str:
    """What an entry is about."""
    from ..crypto.canonical import parse_json

    try:
        value = parse_json(entry, "entry")
    except DocumentError:
        return OTHER
    return _KINDS.get(str(value.get("format")), OTHER) if isinstance(value, dict) else OTHER

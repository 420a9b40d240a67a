"""The log over HTTP: tiles, proofs and checkpoints as others read them."""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.api.running import Running, running, settings
from tests.foreign_log import check, require_go
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.crypto.checkpoint import OpenedCheckpoint, VerifierKey, open_checkpoint
from zkcollateral.crypto.merkle import (
    EMPTY_ROOT,
    Tree,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from zkcollateral.crypto.tiles import (
    bundles_of,
    decode_bundle,
    decode_tile,
    parse_tile_path,
    tiles_of,
)
from zkcollateral.errors import InputError, LogError
from zkcollateral.verifier.entries import PublicationEntry
from zkcollateral.verifier.log import LogReport, verify_log

ORIGIN = "zkcollateral.local/log"
PROBLEM = "urn:zkcollateral:problem:"


def grow(service: Running, size: int) -> None:
    """Let the log have so many entries, in one transaction."""
    with service.service.store.write() as writer:
        at = writer.at
        for number in range(writer.log_size, size):
            writer.append(entry(number, at))


def entry(number: int, at: datetime) -> PublicationEntry:
    digest = hashlib.sha256(b"%d" % number).hexdigest()
    return PublicationEntry(kind="policy", digest=digest, name=f"policy-{number}", time=at)


def own_key(service: Running) -> VerifierKey:
    public = service.service.store.signer.public
    return VerifierKey(public.name, public.key)


def opened(client: httpx.Client, service: Running, path: str = "checkpoint") -> OpenedCheckpoint:
    answer = client.get(f"/v1/log/{path}").raise_for_status()
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return open_checkpoint(answer.content, [own_key(service)], ORIGIN)


def replay(client: httpx.Client, service: Running, kept: bytes | None = None) -> LogReport:
    """What this package's own verifier says of the log."""

    def read(path: str) -> bytes:
        answer = client.get(f"/v1/log/{path}")
        if answer.status_code != 200:
            raise InputError(path, "a file of the log", str(answer.status_code))
        return answer.content

    return verify_log(read, own_key(service), kept=kept)


def hashes(answer: httpx.Response) -> list[bytes]:
    return [base64.b64decode(each) for each in answer.raise_for_status().json()["proof"]]


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].removeprefix(PROBLEM)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(settings(tmp_path_factory.mktemp("log"))) as started:
        yield started


@pytest.fixture(scope="module")
def client(service: Running) -> Iterator[httpx.Client]:
    with service.client() as found:
        yield found


def test_the_log_grows_and_every_size_is_replayed_and_proved(
    tmp_path: Path, database_url: str
) -> None:
    sizes = [1, 2, 3, 255, 256, 257, 511, 513]
    notes: dict[int, bytes] = {}
    roots = {0: EMPTY_ROOT}
    with running(settings(tmp_path, database_url)) as service, service.client() as client:
        for size in sizes:
            grow(service, size)
            report = replay(client, service, notes.get(min(notes)) if notes else None)
            assert report.size == size
            notes[size], roots[size] = report.note, report.root
        leaves: list[bytes] = []
        for bundle in bundles_of(513):
            data = client.get(f"/v1/log/{bundle.path}").content
            leaves += [leaf_hash(each) for each in decode_bundle(data, bundle.width)]
        for size in sizes:
            tree, _ = Tree().append(leaves[:size])
            assert roots[size] == tree.root()
            found = opened(client, service, f"checkpoints/{size}")
            assert (found.note, found.checkpoint.size) == (notes[size], size)
            for index in {0, size // 2, size - 1}:
                where = {"index": index, "size": size}
                answer = client.get("/v1/log/proofs/inclusion", params=where)
                verify_inclusion(leaves[index], index, size, hashes(answer), roots[size])
        # Also a log of any other size is one that somebody may have seen.
        for old, new in itertools.combinations([0, *sizes], 2):
            answer = client.get("/v1/log/proofs/consistency", params={"old": old, "new": new})
            verify_consistency(old, roots[old], new, roots[new], hashes(answer))


def test_a_log_of_several_levels_is_replayed(tmp_path: Path) -> None:
    size = 65_536 + 300
    with running(settings(tmp_path)) as service, service.client() as client:
        grow(service, 70)
        kept = opened(client, service).note
        grow(service, size)
        report = replay(client, service, kept)
        assert (report.size, report.bundles) == (size, 258)
        assert report.tiles == len(list(tiles_of(size))) == 258 + 2 + 1
        top = client.get("/v1/log/tile/2/000.p/1")
        assert top.status_code == 200
        first = decode_tile(client.get("/v1/log/tile/1/000").content, 256)
        assert decode_tile(top.content, 1) == (Tree().append(first)[0].root(),)
        assert client.get("/v1/log/tile/2/000").status_code == 404
        answer = client.get(f"/v1/log/entries/{size - 2}").raise_for_status().json()
        checkpoint = opened(client, service).checkpoint
        verify_inclusion(
            leaf_hash(canonical_bytes(answer["entry"])),
            size - 2,
            checkpoint.size,
            [base64.b64decode(each) for each in answer["proof"]],
            checkpoint.root,
        )


@pytest.mark.slow
def test_a_reader_that_others_wrote_takes_the_log(tmp_path: Path) -> None:
    require_go()
    with running(settings(tmp_path)) as service, service.client() as client:
        for size in (1, 256, 300, 66_000):
            grow(service, size)
            status, output = check(f"{service.url}/v1/log", own_key(service), ORIGIN)
            assert status == 0, output
            assert f"checking log of size {size}" in output
        key = client.get("/v1/log/key").text.strip()
        assert check(f"{service.url}/v1/log", key, ORIGIN)[0] == 0


def test_changed_entries_are_noticed(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service, service.client() as client:
        grow(service, 260)
        replay(client, service)
        with service.service.store.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE log_entries SET data = x'7b7d' WHERE \"index\" = 258"
            )
        with pytest.raises(LogError, match="258"):
            replay(client, service)


def test_the_key_is_the_one_that_signs(client: httpx.Client, service: Running) -> None:
    answer = client.get("/v1/log/key")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert VerifierKey.parse(answer.text.removesuffix("\n")) == own_key(service)


def test_entries_and_proofs_are_what_is_documented(client: httpx.Client, service: Running) -> None:
    grow(service, 600)
    answer = client.get("/v1/log/entries/300")
    assert answer.headers["cache-control"] == "no-cache"
    value = answer.json()
    assert list(value) == ["index", "entry", "checkpoint", "proof"]
    assert value["index"] == "300"
    assert value["entry"]["name"] == "policy-300"
    assert value["checkpoint"].encode() == opened(client, service).note
    params = {"index": 300, "size": 301}
    assert client.get("/v1/log/proofs/inclusion", params=params).json().keys() == {
        "index",
        "size",
        "proof",
    }
    alone = client.get("/v1/log/proofs/inclusion", params={"index": 0, "size": 1}).json()
    assert alone == {"index": "0", "size": "1", "proof": []}


def test_what_is_full_never_changes_and_says_so(client: httpx.Client, service: Running) -> None:
    grow(service, 600)
    for path in ("tile/0/000", "tile/0/001", "tile/entries/001"):
        answer = client.get(f"/v1/log/{path}")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        tag = {"If-None-Match": answer.headers["etag"]}
        again = client.get(f"/v1/log/{path}", headers=tag)
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(f"/v1/log/{path}", headers={"If-None-Match": '"other"'}).content
    size = opened(client, service).checkpoint.size
    for path in (f"tile/0/002.p/{size - 512}", "tile/entries/002.p/1", "tile/1/000.p/2"):
        answer = client.get(f"/v1/log/{path}")
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "public, max-age=60"
    assert client.get("/v1/log/checkpoint").headers["cache-control"] == "no-cache"
    assert "immutable" in client.get("/v1/log/checkpoints/600").headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/0/1",
        "tile/0/x000/001",
        "tile/00/000",
        "tile/-1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p",
        "tile/0/000/",
        "tile/0/000.p/1/",
        "tile/0//000",
        "tile/entries/0",
        "tile/entries/00a",
        "tile/entries/000%00",
        "tile/entries/\u0660\u0660\u0660",
        "tile/64/000",
        "tile/data/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0",
        "tile/",
        "checkpoint/",
        "tile/63/000",
        "tile/0/003",
        "tile/entries/002.p/255",
        "tile/2/000.p/1",
        "tile/0/" + "x000/" * 40 + "000",
    ],
)
def test_other_spellings_and_what_is_not_there_are_not_found(
    path: str, client: httpx.Client, service: Running
) -> None:
    grow(service, 600)
    status, kind = problem(client.get(f"/v1/log/{path}"))
    assert (status, kind) in {(404, "not-found"), (422, "parameter-invalid")}
    if len(path) < 64:
        assert status == 404


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("entries/600", (404, "not-found")),
        ("entries/9223372036854775807", (404, "not-found")),
        ("entries/9223372036854775808", (422, "parameter-invalid")),
        ("entries/-1", (422, "parameter-invalid")),
        ("entries/x", (422, "parameter-invalid")),
        ("checkpoints/0", (422, "parameter-invalid")),
        ("checkpoints/5", (404, "not-found")),
        ("checkpoints/601", (404, "not-found")),
        ("proofs/inclusion", (422, "parameter-invalid")),
        ("proofs/inclusion?index=0&size=0", (422, "parameter-invalid")),
        ("proofs/inclusion?index=5&size=5", (422, "parameter-invalid")),
        ("proofs/inclusion?index=0&size=601", (422, "parameter-invalid")),
        ("proofs/inclusion?index=-1&size=5", (422, "parameter-invalid")),
        ("proofs/consistency?old=5&new=4", (422, "parameter-invalid")),
        ("proofs/consistency?old=5&new=601", (422, "parameter-invalid")),
        ("proofs/consistency?old=601&new=601", (422, "parameter-invalid")),
        ("proofs/consistency?old=-1&new=5", (422, "parameter-invalid")),
        ("proofs/consistency?old=1", (422, "parameter-invalid")),
    ],
)
def test_bounds(
    path: str, expected: tuple[int, str], client: httpx.Client, service: Running
) -> None:
    grow(service, 600)
    assert problem(client.get(f"/v1/log/{path}")) == expected


def test_an_entry_that_no_checkpoint_covers_is_not_served(
    tmp_path: Path,
) -> None:
    with running(settings(tmp_path)) as service, service.client() as client:
        grow(service, 4)
        with service.service.store.engine.begin() as connection:
            for table in ("log_entries", "log_hashes"):
                columns = ('"index", data', '"index" + 1, data')
                if table == "log_hashes":
                    columns = ('level, "index", hash', 'level, "index" + 1, hash')
                connection.exec_driver_sql(
                    f"INSERT INTO {table} ({columns[0]}) "
                    f'SELECT {columns[1]} FROM {table} WHERE "index" = 3'
                )
        for path in ("tile/0/000.p/4", "tile/entries/000.p/4", "entries/3"):
            assert client.get(f"/v1/log/{path}").status_code == 200
        for path in ("tile/0/000.p/5", "tile/entries/000.p/5", "entries/4"):
            assert problem(client.get(f"/v1/log/{path}")) == (404, "not-found")


def test_where_reads_need_a_key_the_log_needs_one(tmp_path: Path) -> None:
    with (
        running(settings(tmp_path, reads="keys")) as service,
        service.client() as nobody,
        service.client("auditor") as auditor,
    ):
        grow(service, 256)
        for path in (
            "checkpoint",
            "checkpoints/256",
            "key",
            "tile/0/000",
            "tile/entries/000",
            "entries/0",
            "proofs/inclusion?index=0&size=1",
            "proofs/consistency?old=1&new=256",
        ):
            assert problem(nobody.get(f"/v1/log/{path}")) == (401, "key-missing")
            assert auditor.get(f"/v1/log/{path}").status_code == 200, path
        kept = auditor.get("/v1/log/tile/0/000").headers["cache-control"]
        assert kept == "private, max-age=31536000, immutable"


def test_paths_are_those_of_the_standard(client: httpx.Client, service: Running) -> None:
    grow(service, 600)
    size = opened(client, service).checkpoint.size
    for named in itertools.chain(tiles_of(size), bundles_of(size)):
        assert parse_tile_path(named.path) == named
        assert client.get(f"/v1/log/{named.path}").status_code == 200

"""A reader that others wrote takes a log that was written here, and sees what is wrong with one."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foreign_log import check, log_files, require_go, write_files
from zkcollateral.crypto.checkpoint import VerifierKey
from zkcollateral.crypto.signature import SigningKey

pytestmark = pytest.mark.slow

ORIGIN = "example.com/zkcollateral/test-log"
KEY = SigningKey(bytes(range(32)))
VKEY = VerifierKey(ORIGIN, KEY.public)
SIZE = 1000
FILES = log_files([b"entry %d" % number * (number % 7) for number in range(SIZE)], ORIGIN, KEY)


@pytest.fixture(autouse=True)
def _go() -> None:
    require_go()


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where the files of `tmp_path` are served."""
    handler = functools.partial(_Handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_it_reads_the_log_from_a_folder(tmp_path: Path) -> None:
    write_files(FILES, tmp_path)
    status, output = check(tmp_path, VKEY, ORIGIN)
    assert status == 0, output
    assert f"checking log of size {SIZE}" in output


def test_it_reads_the_log_over_http(tmp_path: Path, address: str) -> None:
    write_files(FILES, tmp_path)
    status, output = check(address, str(VKEY), ORIGIN)
    assert status == 0, output


@pytest.mark.parametrize("path", sorted(FILES))
def test_it_refuses_a_log_with_a_changed_file(path: str, tmp_path: Path) -> None:
    data = bytearray(FILES[path])
    data[len(data) // 2] ^= 1
    write_files({**FILES, path: bytes(data)}, tmp_path)
    status, output = check(tmp_path, VKEY, ORIGIN)
    assert status == 1, output


def test_it_refuses_another_key(tmp_path: Path) -> None:
    write_files(FILES, tmp_path)
    other = VerifierKey(ORIGIN, SigningKey(bytes(range(1, 33))).public)
    status, output = check(tmp_path, other, ORIGIN)
    assert status == 1, output

"""`log verify`: a whole log against itself, and against the checkpoint that was kept of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.market import Run, load, policy, write
from tests.cli.service import Served
from tests.cli.test_process import PROGRAM, terminal
from tests.client.hostile import hostile, problem
from tests.foreign_log import log_files, write_files
from zkcollateral.crypto.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from zkcollateral.crypto.keyfile import NamedSigningKey, write_key_pair
from zkcollateral.crypto.merkle import Tree, leaf_hash
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.risk.policy import Policy

ORIGIN = "example.com/log"
VERIFY = "log verify --dir copy --key log.pub"


class Copy:
    """A log of somebody's, as files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = SigningKey.generate()
        write_key_pair(folder / "log", NamedSigningKey("log", ORIGIN, self.key))
        self.write(self.entries(300))

    @staticmethod
    def entries(count: int, first: str = "0") -> list[bytes]:
        text = '{{"format":"zkcollateral/log-attestation/1","n":"{}"}}'
        return [text.format(first if n == 0 else n).encode() for n in range(count)]

    def write(self, entries: list[bytes]) -> None:
        shutil.rmtree(self.folder / "copy", ignore_errors=True)
        write_files(log_files(entries, ORIGIN, self.key), self.folder / "copy")

    @property
    def vkey(self) -> str:
        return str(VerifierKey(ORIGIN, self.key.public))


@pytest.fixture
def copy(folder: Path) -> Copy:
    return Copy(folder)


def test_a_service_that_grows(service: Served, run: Run, folder: Path) -> None:
    service.trust_log()
    first = run("log verify --trust trust.json --kept kept --json")
    assert first.status == 0
    value = first.json
    assert (value["consistent"], value["kept_size"], value["kept"]) == (True, None, "kept")
    assert set(value["entries"]) == {"publications", "trust_changes"}
    assert sum(value["entries"].values()) == value["size"]
    with service.client("admin") as admin:
        admin.policies.publish(Policy.from_json_value(policy(name="later"), "policy"))
    second = run("log verify --key log.pub --kept kept")
    assert second.status == 0
    assert f"the {value['size']} entries that were known are its first; 1 are new" in second.out
    third = run(f"log verify --key {service.log_key} --kept kept --json")
    assert (third.status, third.json["kept_size"]) == (0, value["size"] + 1)


def test_a_copy_in_a_folder(copy: Copy, run: Run, folder: Path) -> None:
    (folder / "vkey").write_text(f"{copy.vkey}\n", encoding="utf-8")
    for key in ("log.pub", copy.vkey, "vkey"):
        done = run(f"log verify --dir copy --key {key}")
        assert done.status == 0
        lines = done.out.splitlines()
        assert lines[0].startswith(f"copy: nothing wrong in 300 entries of {ORIGIN}, read in ")
        assert lines[2] == "300 attestations"


def _flip(path: str) -> Callable[[Copy], None]:
    def change(copy: Copy) -> None:
        file = copy.folder / "copy" / path
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)

    return change


def _remove(path: str) -> Callable[[Copy], None]:
    return lambda copy: (copy.folder / "copy" / path).unlink()


def _sign_with_another_key(copy: Copy) -> None:
    root = Tree().append(map(leaf_hash, copy.entries(300)))[0].root()
    note = sign_checkpoint(Checkpoint(ORIGIN, 300, root), SigningKey.generate())
    (copy.folder / "copy/checkpoint").write_bytes(note)


@pytest.mark.parametrize(
    "change",
    [
        _flip("checkpoint"),
        _flip("tile/entries/000"),
        _flip("tile/entries/001.p/44"),
        _flip("tile/0/000"),
        _flip("tile/0/001.p/44"),
        _flip("tile/1/000.p/1"),
        _remove("tile/entries/000"),
        _remove("tile/0/001.p/44"),
        _remove("checkpoint"),
        _sign_with_another_key,
        lambda copy: copy.write(copy.entries(299)),
        lambda copy: copy.write(copy.entries(300, first="other")),
        lambda copy: copy.write(copy.entries(301, first="other")),
    ],
)
def test_a_change_a_gap_or_a_fork_is_found_and_the_kept_checkpoint_stays(
    copy: Copy, run: Run, folder: Path, change: Callable[[Copy], None]
) -> None:
    assert run(f"{VERIFY} --kept kept").status == 0
    before = (folder / "kept").read_bytes()
    change(copy)
    done = run(f"{VERIFY} --kept kept")
    assert done.status == 1
    assert done.out.startswith("copy: the log is wrong: ")
    assert done.out.count("\n") == 1
    assert done.err == ""
    value = run(f"{VERIFY} --kept kept --json").json
    assert value["consistent"] is False
    assert (folder / "kept").read_bytes() == before


def test_a_log_that_was_rewritten_looks_fine_to_whoever_kept_nothing(copy: Copy, run: Run) -> None:
    assert run(f"{VERIFY} --kept kept").status == 0
    copy.write(copy.entries(400, first="other"))
    assert run(VERIFY).status == 0
    assert run(f"{VERIFY} --kept kept").status == 1


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("log verify --dir copy", "--key: expected this option or --trust, got none"),
        (f"{VERIFY} --trust trust.json", "--key: expected this option or --trust, got both"),
        (f"{VERIFY} --service http://127.0.0.1:1", "--dir: expected this option or --service"),
        ("log verify --dir copy --key north.pub", "north.pub: role: expected 'log'"),
        ("log verify --dir copy --key a+b+c", "--key: hash: expected 8 lowercase hex digits"),
        ("log verify --dir copy --key policy.json", "policy.json: "),
        ("log verify --dir copy --key missing", "missing: expected a file"),
        (
            "log verify --dir copy --trust trust.json",
            "trust.json: keys: expected a key of the role",
        ),
        ("log verify --key log.pub", "--service: expected the address of the service"),
        (f"{VERIFY} --kept policy.json", "policy.json: expected an empty line before the sign"),
        (f"{VERIFY} --kept other", "other: expected a signature of"),
        (f"{VERIFY} --kept copy", "copy: expected"),
        (f"{VERIFY} --kept log.pub", "log.pub: expected another file than those that are read"),
        ("log verify --key log.pub --service http://127.0.0.1:9", "GET http://127.0.0.1:9/v1/log/"),
    ],
)
def test_what_cannot_be_used(
    copy: Copy, run: Run, folder: Path, line: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkcollateral.client.transport.time.sleep", lambda _: None)
    other = sign_checkpoint(Checkpoint(ORIGIN, 1, b"\0" * 32), SigningKey.generate())
    (folder / "other").write_bytes(other)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    outcome = run(line)
    assert outcome.status == 2
    assert outcome.line.startswith(problem)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_service_that_is_away_is_not_a_log_that_is_wrong(copy: Copy, run: Run) -> None:
    with hostile(problem(500, "internal")) as server:
        assert run(f"log verify --key log.pub --service {server.url}").status == 2
    with hostile(problem(404, "not-found")) as server:
        assert run(f"log verify --key log.pub --service {server.url}").status == 1


def test_the_key_of_a_log_can_be_replaced(copy: Copy, run: Run, folder: Path) -> None:
    trust = load(folder / "trust.json")
    window = {field: trust["keys"][0][field] for field in ("valid_from", "valid_until")}
    past = {"valid_from": "2025-01-01T00:00:00Z", "valid_until": "2026-01-01T00:00:00Z"}
    first = {"role": "log", "name": ORIGIN, "public_key": copy.key.public.raw.hex()}
    line = "log verify --dir copy --trust t.json --kept kept"
    write(folder / "t.json", trust | {"keys": [first | window]})
    assert run(line).status == 0
    copy.key = SigningKey.generate()
    second = {"role": "log", "name": ORIGIN, "public_key": copy.key.public.raw.hex()}
    copy.write(copy.entries(310))
    assert run(line).status == 1
    # What the old key signed before is still known; that it signs today counts for nothing.
    write(folder / "t.json", trust | {"keys": [first | past, second | window]})
    assert run(line).status == 0
    write(folder / "t.json", trust | {"keys": [first | window, second | window]})
    assert run(line).status == 0
    write(folder / "t.json", trust | {"keys": [first | window, second | past]})
    assert run(line).status == 1


def test_progress_is_shown_on_a_terminal_only(copy: Copy, run: Run, folder: Path) -> None:
    status, text = terminal([*PROGRAM, *VERIFY.split()], folder)
    assert status == 0
    assert "replaying the log" in text
    assert run(VERIFY).err == ""

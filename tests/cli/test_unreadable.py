"""Files that cannot be read: exit status 2, and one line that names the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.market import (
    COMBINE,
    COMMIT,
    INSPECT,
    PROVE,
    REGISTRY,
    SIGN,
    TRUST,
    VERIFY,
    VOUCH,
    Run,
    check_refused,
    load,
)

READS = [
    (COMMIT, "one.portfolio.json"),
    (COMMIT, "registry.json"),
    (VOUCH, "one.commitment.json"),
    (VOUCH, "one.opening.json"),
    (VOUCH, "north.key"),
    (f"{VOUCH} --books one.portfolio.json", "one.portfolio.json"),
    (SIGN, "oracle-a.report.json"),
    (SIGN, "oracle-a.key"),
    (COMBINE, "oracle-a.signed.json"),
    (COMBINE, "policy.json"),
    (f"{COMBINE} --trust trust.json", "trust.json"),
    (f"{PROVE} --out a.json", "one.opening.json"),
    (f"{PROVE} --out a.json", "one.vouched.json"),
    (f"{PROVE} --out a.json", "policy.json"),
    (f"{PROVE} --out a.json", "round.json"),
    (VERIFY, "attestation.json"),
    (VERIFY, "trust.json"),
    (INSPECT, "attestation.json"),
    (TRUST, "north.pub"),
    (TRUST, "policy.json"),
    ("digest policy.json", "policy.json"),
]
BROKEN: list[tuple[str, bytes, str]] = [
    ("garbage", b"\x00\xff\x00", "expected UTF-8"),
    ("no JSON", b"{not json", "expected well-formed JSON"),
    ("empty", b"", "expected well-formed JSON"),
    ("a number", b'{"format": 1}', "got a JSON number"),
    ("a list", b"[]", "expected an object"),
    ("a key twice", b'{"a": "", "a": ""}', "expected every key once"),
    ("deep", b"[" * 40 + b"]" * 40, "expected at most 32 levels"),
    ("a surrogate", b'{"format": "\\ud800"}', "expected Unicode text"),
    ("another kind", json.dumps(REGISTRY | {"format": "x"}).encode(), "expected"),
    ("no format", b"{}", "expected"),
]


@pytest.mark.parametrize(("line", "file"), READS)
def test_a_missing_file(run: Run, folder: Path, line: str, file: str) -> None:
    (folder / file).unlink()
    assert "No such file" in check_refused(run, folder, line, file)


@pytest.mark.parametrize(("line", "file"), READS)
def test_a_folder_in_place_of_a_file(run: Run, folder: Path, line: str, file: str) -> None:
    (folder / file).unlink()
    (folder / file).mkdir()
    check_refused(run, folder, line, file)


@pytest.mark.parametrize(("line", "file"), READS)
@pytest.mark.parametrize(("data", "problem"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_broken_document(
    run: Run, folder: Path, line: str, file: str, data: bytes, problem: str
) -> None:
    (folder / file).write_bytes(data)
    assert problem in check_refused(run, folder, line, file)


@pytest.mark.parametrize(("line", "file"), [r for r in READS if not r[0].startswith("digest")])
def test_a_document_of_another_kind(run: Run, folder: Path, line: str, file: str) -> None:
    other = "trust.json" if file != "trust.json" else "policy.json"
    (folder / file).write_bytes((folder / other).read_bytes())
    problem = check_refused(run, folder, line, file)
    assert "expected" in problem


@pytest.mark.parametrize(("line", "file"), READS)
def test_an_unknown_field(run: Run, folder: Path, line: str, file: str) -> None:
    value = load(folder / file)
    value["surplus"] = "0"
    (folder / file).write_text(json.dumps(value))
    assert "field" in check_refused(run, folder, line, file)


@pytest.mark.parametrize("file", ["one.opening.json", "north.key", "one.portfolio.json"])
def test_a_secret_file_that_others_can_read(run: Run, folder: Path, file: str) -> None:
    (folder / file).chmod(0o640)
    problem = check_refused(run, folder, f"{VOUCH} --books one.portfolio.json", file)
    assert f"chmod 600 {file}" in problem

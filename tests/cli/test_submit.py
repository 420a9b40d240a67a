"""`submit`, and the bundle that comes back, which `verify` and `inspect` read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import LENDER, PROVE, VERIFY, Run, load, write
from tests.cli.service import Served
from tests.client.hostile import hostile, problem

SUBMIT = "submit a.json --api-key-file holder-prover.api-key"
VERIFY_BUNDLE = "verify bundle.json --trust trust.json"


@pytest.fixture
def proved(run: Run, service: Served) -> Served:
    """The service, a key for the holder, and an attestation that the service takes."""
    service.key_file("prover")
    service.trust_log()
    assert run(f"{PROVE} --out a.json").status == 0
    return service


def test_an_attestation_is_accepted_and_comes_back_as_a_bundle(
    proved: Served, run: Run, folder: Path
) -> None:
    done = run(f"{SUBMIT} --bundle-out bundle.json")
    assert done.status == 0
    first, second, third, last = done.out.splitlines()
    assert first.startswith("a.json: accepted, entry ")
    assert second.startswith("id ")
    assert third.startswith(f"maintenance (maintenance), for {LENDER}, valid until ")
    assert last == "bundle.json: the bundle"
    again = run(f"{SUBMIT} --json")
    assert again.status == 0
    value = again.json
    assert (value["accepted"], value["new"], value["bundle"]) == (True, False, None)
    assert value["id"] == second.removeprefix("id ")
    assert load(folder / "bundle.json")["attestation"] == load(folder / "a.json")


def test_a_bundle_is_verified_with_its_place_in_the_log(proved: Served, run: Run) -> None:
    assert run(f"{SUBMIT} --bundle-out bundle.json").status == 0
    checked = run(VERIFY_BUNDLE)
    assert checked.status == 0
    *_, row, verdict = checked.out.splitlines()
    assert row.split()[:2] == ["log", "passed"]
    assert verdict == "bundle.json: valid"
    value = run(f"{VERIFY_BUNDLE} --json").json
    assert value["valid"] is True
    assert value["log"]["passed"] is True
    assert len(value["checks"]) == 12
    late = run(f"{VERIFY_BUNDLE} --audience somebody-else --json")
    assert late.status == 1
    assert late.json["log"]["passed"] is True


def test_without_the_logs_key_a_bundle_is_not_valid(proved: Served, run: Run, folder: Path) -> None:
    assert run(f"{SUBMIT} --bundle-out bundle.json").status == 0
    trust = load(folder / "trust.json")
    keys = [key for key in trust["keys"] if key["role"] != "log"]
    write(folder / "trust.json", trust | {"keys": keys})
    checked = run(VERIFY_BUNDLE)
    assert checked.status == 1
    assert checked.out.splitlines()[-1] == "bundle.json: not valid: log"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"index": "0"}, "proof"),
        ({"proof": []}, "proof"),
        ({"checkpoint": "x"}, "checkpoint"),
    ],
)
def test_a_bundle_with_another_place_is_not_valid(
    proved: Served, run: Run, folder: Path, change: dict[str, Any], reason: str
) -> None:
    assert run(f"{SUBMIT} --bundle-out bundle.json").status == 0
    bundle = load(folder / "bundle.json")
    write(folder / "bundle.json", bundle | {"log": bundle["log"] | change})
    value = run(f"{VERIFY_BUNDLE} --json").json
    assert value["valid"] is False
    assert value["log"]["passed"] is False
    assert reason in value["log"]["reason"]
    assert all(check["passed"] for check in value["checks"])


def test_inspect_and_digest_read_bundles(proved: Served, run: Run, folder: Path) -> None:
    assert run(f"{SUBMIT} --bundle-out bundle.json").status == 0
    shown = run("inspect bundle.json").out
    assert "log entry " in shown
    assert "zkcollateral.local/log" in shown
    value = run("inspect bundle.json --json --proof-bytes p.bin").json
    assert value["log"] == load(folder / "bundle.json")["log"]
    assert (folder / "p.bin").stat().st_size == value["proof_bytes"]
    assert run("digest bundle.json --json").json["format"] == "zkcollateral/bundle/1"
    bundle = load(folder / "bundle.json")
    write(folder / "b.json", bundle | {"log": bundle["log"] | {"checkpoint": "\x1b[31m\n\x07"}})
    assert not {"\x1b", "\x07"} & {*run("inspect b.json").out}


def test_a_refused_attestation_lists_every_check(proved: Served, run: Run) -> None:
    assert run(f"{PROVE} --nonce n-2 --out a.json").status == 0
    refused = run(SUBMIT)
    assert refused.status == 1
    rows = [line.split()[:2] for line in refused.out.splitlines()]
    assert ["nonce", "failed"] in rows
    assert ["proof", "passed"] in rows
    assert rows[-1][0] == "a.json:"
    assert "refused: nonce-wrong" in refused.out
    value = run(f"{SUBMIT} --json").json
    assert value["accepted"] is False
    assert value["type"] == "urn:zkcollateral:problem:nonce-wrong"
    assert len(value["checks"]) == 12


def test_a_bundle_never_replaces_a_secret(proved: Served, run: Run, folder: Path) -> None:
    before = (folder / "one.opening.json").read_bytes()
    for file in ("one.opening.json", "a.json", "holder-prover.api-key"):
        assert run(f"{SUBMIT} --bundle-out {file}").status == 2
    assert (folder / "one.opening.json").read_bytes() == before


def test_the_key_comes_from_a_file_or_the_environment(
    proved: Served, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = run("submit a.json")
    assert missing.status == 2
    assert missing.line.startswith("--api-key-file: expected a file with an API key")
    key = (folder / "holder-prover.api-key").read_text().strip()
    monkeypatch.setenv("ZKCOLLATERAL_API_KEY", key)
    assert run("submit a.json").status == 0
    (folder / "holder-prover.api-key").chmod(0o644)
    opened = run(SUBMIT)
    assert opened.status == 2
    assert "chmod 600" in opened.line
    monkeypatch.setenv("ZKCOLLATERAL_API_KEY", key[:-1] + "\N{SNOWMAN}")
    unusable = run("submit a.json")
    assert unusable.status == 2
    assert unusable.line == (
        "API key: expected 1 to 4096 printable characters without spaces, got another text"
    )
    monkeypatch.setenv("ZKCOLLATERAL_API_KEY", key[:-3] + "AAA")
    unknown = run("submit a.json")
    assert unknown.status == 2
    assert "401 key-unknown" in unknown.line
    assert key[-20:-3] not in unknown.line


def test_a_service_has_to_be_named(
    proved: Served, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = proved.running.url
    assert run(f"{SUBMIT} --service {url}/").status == 0
    monkeypatch.delenv("ZKCOLLATERAL_SERVICE")
    missing = run(SUBMIT)
    assert missing.status == 2
    assert missing.line == (
        "--service: expected the address of the service (or ZKCOLLATERAL_SERVICE), got none"
    )
    for bad in ("ftp://x", "http://user:word@127.0.0.1"):
        outcome = run(f"{SUBMIT} --service {bad}")
        assert outcome.status == 2
        assert outcome.line.startswith("address of the service: expected such as https://")
    clear = run(f"{SUBMIT} --service http://collateral.example.com")
    assert clear.status == 2
    assert "expected https, since an API key is sent there" in clear.line


def test_without_httpx_it_says_what_to_install(
    proved: Served, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "zkcollateral.client.transport")
    monkeypatch.setitem(sys.modules, "httpx", None)
    outcome = run(SUBMIT)
    assert outcome.status == 2
    assert "pip install 'zkcollateral[client]'" in outcome.line


def test_what_a_service_says_cannot_write_to_the_terminal(proved: Served, run: Run) -> None:
    checks = [{"name": "proof", "passed": False, "reason": "\x1b[31m"}]
    answer = problem(422, "proof-invalid\x1b", "a\x1b[2Jb\r", checks=checks)
    with hostile(answer) as server:
        outcome = run(f"{SUBMIT} --service {server.url}")
    assert outcome.status == 1
    assert "\x1b" not in outcome.out
    assert "\r" not in outcome.out


def test_an_unbundled_attestation_is_verified_as_before(proved: Served, run: Run) -> None:
    assert "log" not in run(f"{VERIFY} --json").json

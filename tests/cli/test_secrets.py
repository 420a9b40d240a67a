"""Secret files: sealed, never replaced unasked, never half-written, never shown."""

from __future__ import annotations

import getpass
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.market import COMMIT, PASSPHRASE, PROVE, Run, leaks, load, secrets
from zkcollateral.cli import passphrase

VOUCH = "vouch c.json --opening o.json --key north.key --out v.json"
SEALED = "zkcollateral/sealed/1"


@pytest.fixture
def secret_file(folder: Path) -> Path:
    """A file with the passphrase in its first line."""
    path = folder / "passphrase"
    path.write_text(f"{PASSPHRASE}\nsecond line\n", encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is typed when a passphrase is asked for; the questions are put in its place."""
    typed: list[str] = []

    def answer(question: str) -> str:
        typed.append(question)
        return typed.pop(0)

    monkeypatch.setattr(getpass, "getpass", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    return typed


def test_a_sealed_opening_goes_the_whole_way(run: Run, folder: Path, secret_file: Path) -> None:
    option = f"--passphrase-file {secret_file}"
    made = run(f"{COMMIT} --encrypt {option} --json")
    assert made.json["encrypted"] is True
    assert load(folder / "o.json")["format"] == SEALED
    assert stat.S_IMODE((folder / "o.json").stat().st_mode) == 0o600
    assert leaks((folder / "o.json").read_text(), secrets(folder)) == []
    assert run(f"{VOUCH} {option}").status == 0
    line = PROVE.replace("one.opening", "o").replace("one.vouched", "v")
    assert run(f"{line} --out a.json {option}").status == 0
    assert run("verify a.json --trust trust.json").status == 0


def test_a_sealed_key_signs(run: Run, folder: Path, secret_file: Path) -> None:
    option = f"--passphrase-file {secret_file}"
    assert run(f"keygen oracle --out sealed --name oracle-a --encrypt {option}").status == 0
    assert load(folder / "sealed.key")["format"] == SEALED
    line = "prices sign oracle-a.report.json --key sealed.key --out s.json"
    assert run(f"{line} {option}").status == 0
    refused = run(line)
    assert refused.status == 2
    assert refused.line.startswith("sealed.key: expected a passphrase (--passphrase-file, ")


def test_a_passphrase_file_alone_asks_for_encryption(
    run: Run, folder: Path, secret_file: Path
) -> None:
    assert run(f"keygen oracle --out k --passphrase-file {secret_file}").status == 0
    assert load(folder / "k.key")["format"] == SEALED


def test_the_environment_alone_does_not(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(passphrase.ENVIRONMENT_VARIABLE, PASSPHRASE)
    assert run("keygen oracle --out open").status == 0
    assert load(folder / "open.key")["format"] != SEALED
    assert run("keygen oracle --out sealed --encrypt").status == 0
    assert load(folder / "sealed.key")["format"] == SEALED


def test_a_wrong_passphrase(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(passphrase.ENVIRONMENT_VARIABLE, PASSPHRASE)
    assert run(f"{COMMIT} --encrypt").status == 0
    monkeypatch.setenv(passphrase.ENVIRONMENT_VARIABLE, "another one")
    refused = run(VOUCH)
    assert refused.status == 2
    assert refused.line == (
        "o.json: expected the passphrase of this file, got another passphrase, or a damaged file"
    )
    assert not (folder / "v.json").exists()


def test_a_damaged_sealed_file(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(passphrase.ENVIRONMENT_VARIABLE, PASSPHRASE)
    assert run(f"{COMMIT} --encrypt").status == 0
    text = (folder / "o.json").read_text()
    (folder / "o.json").write_text(text.replace('"n": "131072"', '"n": "1073741824"'))
    assert run(VOUCH).line.startswith("o.json: n: expected '16384' or")


def test_passphrases_are_asked_for_by_file(run: Run, answers: list[str]) -> None:
    answers += [PASSPHRASE, PASSPHRASE]
    assert run(f"{COMMIT} --encrypt").status == 0
    assert answers == ["New passphrase for o.json: ", "Once more: "]
    answers[:] = [PASSPHRASE]
    assert run(VOUCH).status == 0
    assert answers == ["Passphrase of o.json: "]


def test_two_different_passphrases(run: Run, folder: Path, answers: list[str]) -> None:
    answers += [PASSPHRASE, PASSPHRASE + "x"]
    refused = run(f"{COMMIT} --encrypt")
    assert refused.line == "o.json: expected the same passphrase twice, got two different ones"
    assert not (folder / "o.json").exists()


@pytest.mark.parametrize("content", [b"", b"\nsecond\n", b"\xff\xfe\n"])
def test_passphrase_files_that_hold_none(
    run: Run, folder: Path, secret_file: Path, content: bytes
) -> None:
    secret_file.write_bytes(content)
    assert run(f"keygen oracle --out k --passphrase-file {secret_file}").status == 2
    assert not (folder / "k.key").exists()


def test_passphrase_files_are_for_their_owner_only(run: Run, secret_file: Path) -> None:
    secret_file.chmod(0o644)
    refused = run(f"keygen oracle --out k --passphrase-file {secret_file}")
    assert refused.status == 2
    assert "chmod 600" in refused.line


def test_no_command_takes_a_passphrase_as_an_argument(run: Run) -> None:
    for command in ("keygen oracle --out k", COMMIT, VOUCH):
        assert "No such option" in run(f"{command} --passphrase secret").line


@pytest.fixture
def before(folder: Path) -> Iterator[dict[str, bytes]]:
    """All files, which must be the same after the test."""
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    yield contents
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("keygen custodian --out north", "north.key"),
        (f"{COMMIT.replace(' o.json', ' one.opening.json')}", "one.opening.json"),
        (f"{COMMIT.replace(' c.json', ' one.commitment.json')}", "one.commitment.json"),
        (f"{COMMIT.replace(' c.json', ' one.opening.json')}", "one.opening.json"),
        (f"{COMMIT.replace(' c.json', ' no/c.json')}", "no/c.json"),
        (f"{PROVE} --out one.opening.json", "one.opening.json"),
        (f"{PROVE} --out north.key", "north.key"),
        (f"{PROVE} --out two.portfolio.json", "two.portfolio.json"),
        ("inspect attestation.json --proof-bytes north.key", "north.key"),
        ("trust --key north.pub --policy policy.json --out south.key", "south.key"),
    ],
)
def test_secret_files_are_not_replaced_unasked(run: Run, line: str, file: str) -> None:
    refused = run(line)
    assert refused.status == 2
    assert refused.line.startswith(f"{file}: expected")


def test_a_public_key_is_not_left_beside_another_secret_key(run: Run, folder: Path) -> None:
    (folder / "north.key").unlink()
    assert run("keygen custodian --out north").line.startswith("north.pub: expected a new file")
    assert not (folder / "north.key").exists()


def test_force_replaces(run: Run, folder: Path) -> None:
    key, opening = load(folder / "north.key"), load(folder / "one.opening.json")
    assert run("keygen custodian --out north --force").status == 0
    assert load(folder / "north.key")["secret"] != key["secret"]
    line = COMMIT.replace(" o.json", " one.opening.json")
    line = line.replace(" c.json", " one.commitment.json")
    assert run(f"{line} --force").status == 0
    assert load(folder / "one.opening.json")["blinder"] != opening["blinder"]


def test_force_does_not_replace_a_secret_by_a_public_file(run: Run, folder: Path) -> None:
    before = (folder / "two.opening.json").read_bytes()
    refused = run(f"{COMMIT.replace(' c.json', ' two.opening.json')} --force")
    assert refused.status == 2
    assert (folder / "two.opening.json").read_bytes() == before
    assert not (folder / "o.json").exists()


def test_nothing_is_half_written(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    names = sorted(path.name for path in folder.iterdir())
    monkeypatch.setattr("os.replace", fail)
    for line in (COMMIT, "keygen oracle --out k", f"{PROVE} --out a.json"):
        refused = run(line)
        assert refused.status == 2
        assert "No space left on device" in refused.line
        assert sorted(path.name for path in folder.iterdir()) == names


def test_an_opening_does_not_stay_without_its_commitment(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zkcollateral.cli.files.write_document", fail)
    assert run(COMMIT).status == 130
    assert not (folder / "o.json").exists()
    assert not (folder / "c.json").exists()


def test_the_search_for_secrets_finds_them(folder: Path) -> None:
    secret = secrets(folder)
    opening = load(folder / "one.opening.json")
    for text in (
        "BTC 731415926",
        'amount "7.31415926"',
        f"blinder={opening['blinder']}",
        f"{int(opening['blinder']):x}",
        load(folder / "north.key")["secret"],
        "98765432198",
    ):
        assert leaks(text, secret), text
    assert leaks(load(folder / "one.commitment.json")["commitment"], secret) == []

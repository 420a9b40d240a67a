"""The installed program as its own process: statuses, pipes, terminals, interrupts, start-up."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.market import PROVE, VERIFY, leaks, secrets
from tests.conftest import NATIVE_INSTALLED
from zkcollateral import __version__

SCRIPT = shutil.which("zkcollateral", path=str(Path(sys.executable).parent))
PROGRAM = [SCRIPT] if SCRIPT else [sys.executable, "-m", "zkcollateral"]
ROOT = Path(__file__).parents[2]
SECONDS = 0.5
TRIES = 20


def environment(**changes: str) -> dict[str, str]:
    """The environment of a process, in which a checkout is found without an installation.

    Without the native wheel the reference is named, so that nothing is said of falling back.
    """
    fallback = {} if NATIVE_INSTALLED else {"ZKCOLLATERAL_ARITHMETIC": "reference"}
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **fallback, **changes}


def process(
    line: str, folder: Path, data: bytes | None = None, **changes: str
) -> subprocess.CompletedProcess[bytes]:
    """The finished program."""
    return subprocess.run(
        [*PROGRAM, *line.split()],
        cwd=folder,
        env=environment(**changes),
        input=data,
        capture_output=True,
        check=False,
        timeout=120,
    )


def terminal(command: Sequence[str], folder: Path, **changes: str) -> tuple[int, str]:
    """Exit status and output of a command whose three streams are a terminal."""
    parent, child = pty.openpty()
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment(TERM="xterm-256color", **changes),
        stdin=child,
        stdout=child,
        stderr=child,
        close_fds=True,
    ) as running:
        os.close(child)
        output = b""
        while True:
            try:
                data = os.read(parent, 65536)
            except OSError:
                data = b""
            if not data:
                break
            output += data
    os.close(parent)
    return running.returncode, output.decode()


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (VERIFY, 0),
        (f"{VERIFY} --audience somebody-else", 1),
        (f"{PROVE} --out a.json", 0),
        (f"{PROVE.replace('one.', 'poor.')} --out a.json", 1),
        ("verify missing.json --trust trust.json", 2),
        ("verify attestation.json --trust one.opening.json", 2),
        ("verify", 2),
        ("--version", 0),
        ("", 0),
    ],
)
def test_exit_statuses(folder: Path, line: str, status: int) -> None:
    done = process(line, folder)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr
    failed = status == 2 or "poor" in line
    assert done.stderr.count(b"\n") == (1 if failed else 0)
    assert bool(done.stdout) is not failed
    assert leaks((done.stdout + done.stderr).decode(), secrets(folder)) == []


@pytest.mark.skipif(NATIVE_INSTALLED, reason="nothing to fall back from")
def test_falling_back_is_said_in_one_line(folder: Path) -> None:
    done = process(VERIFY, folder, ZKCOLLATERAL_ARITHMETIC="")
    assert done.returncode == 0
    notice = "zkcollateral-native is not installed: using the reference arithmetic, which is slow"
    assert done.stderr.decode() == f"{notice}\n"


def test_the_version(folder: Path) -> None:
    assert process("--version", folder).stdout.decode() == f"zkcollateral {__version__}\n"


def test_the_module_is_the_program(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zkcollateral", "--version"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == f"zkcollateral {__version__}\n"


def test_json_on_a_pipe(folder: Path) -> None:
    done = process(f"{VERIFY} --json", folder)
    assert json.loads(done.stdout)["valid"] is True


@pytest.mark.parametrize("line", [VERIFY, "inspect attestation.json", "--help"])
def test_nobody_reads(folder: Path, line: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*PROGRAM, *line.split()],
        cwd=folder,
        env=environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_the_disk_is_full(folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, *VERIFY.split()],
            cwd=folder,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: standard output: expected")
    assert done.stderr.count(b"\n") == 1


def test_standard_output_is_closed(folder: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM, *VERIFY.split()],
        cwd=folder,
        env=environment(),
        stderr=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        b"error: standard output: expected an output that can be written, got a closed one\n"
    )


def test_an_interrupt_ends_quietly(folder: Path) -> None:
    # Started in the background of a shell, these tests and their children ignore interrupts.
    program = (
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from zkcollateral.cli import main\n"
        "main()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, "demo", "--dir", "d"],
        cwd=folder,
        env=environment(ZKCOLLATERAL_ARITHMETIC="reference"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline()
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        _, complaint = running.communicate(timeout=60)
    assert running.returncode == 130
    assert complaint == b""


def test_a_terminal_gets_a_table_with_colours(folder: Path) -> None:
    status, text = terminal([*PROGRAM, *VERIFY.split()], folder)
    assert status == 0
    assert "\x1b[32mpassed" in text
    assert "┃" in text
    assert "verifying with the native" not in text


def test_no_color_is_honoured(folder: Path) -> None:
    status, text = terminal([*PROGRAM, *VERIFY.split()], folder, NO_COLOR="1")
    assert status == 0
    assert "\x1b[32m" not in text
    assert "passed" in text


def test_slow_work_shows_a_spinner_on_a_terminal_only(folder: Path) -> None:
    slow = [*PROGRAM, "--arithmetic", "reference", *VERIFY.split()]
    assert "verifying with the reference arithmetic" in terminal(slow, folder)[1]
    piped = process(f"--arithmetic reference {VERIFY}", folder)
    assert piped.stderr == b""
    assert b"\x1b" not in piped.stdout


def test_a_passphrase_is_asked_for_on_a_terminal_without_echo(folder: Path) -> None:
    parent, child = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, "keygen", "oracle", "--out", "k", "--encrypt"],
        cwd=folder,
        env=environment(),
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
    ) as running:
        os.close(child)
        output = b""
        for question in (b"New passphrase for k.key: ", b"Once more: "):
            while question not in output:
                output += os.read(parent, 1024)
            os.write(parent, b"correct horse\n")
        while b"encrypted" not in output:
            output += os.read(parent, 1024)
    os.close(parent)
    assert running.returncode == 0
    assert b"correct horse" not in output


@pytest.mark.parametrize("line", ["--help", "--version", "prove --help"])
def test_start_up_is_quick(folder: Path, line: str) -> None:
    # One of several is enough: a busy machine slows a process down, and nothing makes one too fast.
    def seconds() -> float:
        started = time.perf_counter()
        process(line, folder)
        return time.perf_counter() - started

    assert any(seconds() < SECONDS for _ in range(TRIES))


def test_help_loads_no_room(folder: Path) -> None:
    program = (
        "import sys\n"
        "from zkcollateral.cli.runner import run\n"
        "run(['--help'])\n"
        "heavy = ('pydantic', 'py_ecc', 'cryptography', 'zkcollateral_native', 'rfc8785')\n"
        "rooms = ('circuits', 'crypto', 'prover', 'risk', 'verifier')\n"
        "heavy += tuple(f'zkcollateral.{room}' for room in rooms)\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment(),
        capture_output=True,
        check=True,
    )
    assert done.stderr == b"[]\n"

"""A writer that is killed: a process of its own, forked from one that has everything loaded.

    python -m tests.api.killing KEY DOCUMENTS

reads one order a line and forks a child for each. The child submits, revokes and adds keys on the
database that the order names, and says what was acknowledged, each time after it was. The order
says where it kills itself; the package knows nothing of that. Whoever gave the order can also kill
it by its number.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from sqlalchemy import Engine, event, make_url

from tests.world import srs
from zkcollateral.api.acceptance import Acceptance
from zkcollateral.api.cases import Accepted
from zkcollateral.api.coverage import revoke
from zkcollateral.api.intake import Intake, Submission
from zkcollateral.api.metrics import Metrics
from zkcollateral.api.store.engine import connect
from zkcollateral.api.store.signer import load_signer
from zkcollateral.api.store.store import Store
from zkcollateral.api.store.tables import AttestationRow
from zkcollateral.api.trust import add_key
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.verifier.trust import TrustedKey

ROOT: Final = Path(__file__).resolve().parents[2]
ORIGIN: Final = "zkcollateral.local/log"
TOGETHER: Final = (1, 3, 2)
"""Attestations that are submitted at once, in turn."""
_STATEMENT: Final = re.compile(r"(\w+)\s+(?:INTO |FROM |.*?FROM )?\"?(\w+)", re.DOTALL)


@dataclass(frozen=True)
class Order:
    """What a child does.

    Args:
        url: of the database.
        first: which of the attestations it begins with.
        steps: how many steps it takes unless it is killed.
        point: the statement at which it kills itself, or `commit`; empty: it does not.
        time: at which of those, counted from 1.
        after: whether it does so after it, and not before.
    """

    url: str
    first: int = 0
    steps: int = 6
    point: str = ""
    time: int = 1
    after: bool = False


@dataclass
class Life:
    """What is known of a child.

    Attributes:
        pid: of its process.
        acknowledged: kind and id of what was acknowledged.
        points: the points that it came by, as `UPDATE state`.
        dead: whether it is.
        status: how it ended: what `waitpid` said.
    """

    pid: int = 0
    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    dead: bool = False
    status: int = 0

    @property
    def killed(self) -> bool:
        """Whether it was killed, and did not end by itself or with an error."""
        return os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL


class Nursery:
    """The process that children are forked from."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._orders, self._said = _pipes(process)

    def begin(self, order: Order) -> Life:
        """Fork a child; it is running when this returns."""
        self._orders.write(json.dumps(order.__dict__) + "\n")
        self._orders.flush()
        life = Life()
        while not life.pid:
            self._hear(life)
        return life

    def follow(self, life: Life, lines: int) -> None:
        """Wait until a child has said so many lines more, or is dead."""
        for _ in range(lines):
            if not self._hear(life):
                return

    def end(self, life: Life) -> Life:
        """Wait until a child is dead."""
        while not life.dead and self._hear(life):
            pass
        return life

    def _hear(self, life: Life) -> bool:
        line = self._said.readline()
        if not line:
            raise RuntimeError(f"the nursery ended: {self._process.wait(10)}")
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "pid":
            life.pid = int(rest)
        elif word == "point":
            life.points.append(rest)
        elif word == "dead":
            life.status, life.dead = int(rest), True
            return False
        else:
            life.acknowledged.append((word, rest))
        return True


@contextmanager
def nursery(key: Path, documents: Path) -> Iterator[Nursery]:
    """Start it, and end it.

    Args:
        key: the log's secret key.
        documents: an attestation in each line.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.killing", str(key), str(documents)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield Nursery(process)
    finally:
        orders, said = _pipes(process)
        orders.close()
        process.wait(30)
        said.close()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a process without pipes")
    return process.stdin, process.stdout


def main(key: Path, documents: Path) -> None:
    """The nursery: everything is loaded once, and nothing is opened that a child would share."""
    attestations = [
        Attestation.from_bytes(line, "attestation") for line in documents.read_bytes().splitlines()
    ]
    srs().setup  # noqa: B018  # decodes it
    for line in sys.stdin:
        order = Order(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            _child(key, order, attestations)
        _, status = os.waitpid(pid, 0)
        _say(f"dead {status}")


def _say(line: str) -> None:
    # One write, so that a line is there as a whole or not at all.
    os.write(1, f"{line}\n".encode())


def _child(key: Path, order: Order, attestations: list[Attestation]) -> NoReturn:
    status = 1
    try:
        _live(key, order, attestations)
        status = 0
    except BaseException:  # noqa: BLE001  # nothing of the parent may go on in a child
        traceback.print_exc()
    finally:
        os._exit(status)


def _live(key: Path, order: Order, attestations: list[Attestation]) -> None:
    engine = connect(make_url(order.url))
    store = Store(engine, load_signer(key, ORIGIN))
    intake = Intake(Acceptance(store, srs(), None, Metrics()), Metrics(), 100)
    intake.start()
    _watch(engine, order)
    _say(f"pid {os.getpid()}")
    position = order.first
    for step in range(order.steps):
        some = attestations[position : position + TOGETHER[step % len(TOGETHER)]]
        position += len(some)
        waiting = [intake.submit(_submission(each)) for each in some]
        for each in waiting:
            outcome = each.result()
            if not isinstance(outcome, Accepted):
                raise outcome
            _say(f"accepted {outcome.id}")
        if step % 3 == 1 and some:
            _revoke(store, some[0].identity)
        if step % 3 == 2:
            _add_key(store)


def _submission(attestation: Attestation) -> Submission:
    document = canonical_bytes(attestation.to_json_value())
    return Submission(attestation, document, tenant="holder")


def _revoke(store: Store, id_: str) -> None:
    with store.write() as writer:
        row = writer.session.get_one(AttestationRow, id_)
        if row.revoked is None:
            revoke(writer, row, "tried out")
    _say(f"revoked {id_}")


def _add_key(store: Store) -> None:
    public = SigningKey.generate().public
    with store.write() as writer:
        key = TrustedKey(
            role="oracle",
            name="another",
            public_key=public.raw.hex(),
            valid_from=writer.at,
            valid_until=writer.at + timedelta(days=1),
        )
        add_key(writer, key)
    _say(f"added {public.key_id}")


def _watch(engine: Engine, order: Order) -> None:
    """Count statements and commits as they come by, and die at the one that was ordered."""
    passed: Counter[str] = Counter()

    def come_by(what: str, after: bool) -> None:
        if after == order.after:
            passed[what] += 1
            _say(f"point {what}")
            if what == order.point and passed[what] == order.time:
                os.kill(os.getpid(), signal.SIGKILL)

    def named(statement: str) -> str:
        found = _STATEMENT.match(statement)
        return " ".join(found.groups()) if found else statement[:40]

    # mypy knows nothing of what these functions are given.
    def before_execute(*given: Any) -> None:
        come_by(named(given[2]), after=False)

    def after_execute(*given: Any) -> None:
        come_by(named(given[2]), after=True)

    def before_commit(*_: Any) -> None:
        come_by("commit", after=False)

    def checked_in(*_: Any) -> None:
        come_by("commit", after=True)

    event.listen(engine, "before_cursor_execute", before_execute)
    event.listen(engine, "after_cursor_execute", after_execute)
    event.listen(engine, "commit", before_commit)
    # The connection goes back to the pool when the commit is done and nobody knows yet.
    event.listen(engine, "checkin", checked_in)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

"""Several processes on one socket: started, replaced when they die, ended together."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final

import structlog
from uvicorn.config import STARTUP_FAILURE

from ..errors import InputError

END_SECONDS: Final = 30
"""How long workers may take to end before they are killed."""
PAUSE_SECONDS: Final = 1
"""Between the death of a worker and its replacement."""

_log = structlog.get_logger("zkcollateral.workers")

# A fresh interpreter each: threads and connections of this process do not outlive a fork.
_processes = multiprocessing.get_context("spawn")


def supervise(count: int, work: Callable[..., int], arguments: tuple[Any, ...]) -> None:
    """Keep workers at work until an exception, such as that of a signal, ends it.

    Args:
        count: of workers.
        work: what each does; importable, and gives an exit status.
        arguments: of `work`; they are pickled.

    Raises:
        InputError: a worker could not start.
    """
    workers: list[SpawnProcess] = []
    try:
        while True:
            while len(workers) < count:
                workers.append(_start(work, arguments))
            wait([worker.sentinel for worker in workers])
            dead = [worker for worker in workers if worker.exitcode is not None]
            for worker in dead:
                workers.remove(worker)
                _log.error("a worker ended", pid=worker.pid, status=worker.exitcode)
                if worker.exitcode == STARTUP_FAILURE:
                    raise InputError("workers", "workers that start", "one that did not")
                worker.close()
            time.sleep(PAUSE_SECONDS if dead else 0)
    finally:
        _end(workers)


def _start(work: Callable[..., int], arguments: tuple[Any, ...]) -> SpawnProcess:
    worker = _processes.Process(target=_run, args=(work, arguments))
    # An interrupt from a terminal goes to all of its processes, also to one that still loads.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        worker.start()
    finally:
        signal.signal(signal.SIGINT, before)
    return worker


def _end(workers: list[SpawnProcess]) -> None:
    # From here on nothing may come in between: it would leave workers behind.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + END_SECONDS
    for worker in workers:
        worker.join(max(deadline - time.monotonic(), 0))
        if worker.exitcode is None:
            worker.kill()
            worker.join()


def _run(work: Callable[..., int], arguments: tuple[Any, ...]) -> None:
    """In the worker: do the work, and end when the supervisor does, however that ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()
    sys.exit(work(*arguments))


def _follow(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)

"""What is counted, for Prometheus. Labels are few and fixed: no id, account or tenant is one.

With several workers every one counts in a file of its own, in the folder that the environment
variable PROMETHEUS_MULTIPROC_DIR names, and whichever is asked adds them up.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "zkcollateral_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "zkcollateral_request_seconds",
            "From the head of a request to the end of its answer; without streams.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.submissions = Counter(
            "zkcollateral_submissions",
            "Submitted attestations, by outcome: accepted, known, or the problem's name.",
            ("outcome",),
            registry=self.registry,
        )
        self.batch_size = Histogram(
            "zkcollateral_submission_batch",
            "Submissions that were checked and stored together.",
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=self.registry,
        )
        self.streams = Gauge(
            "zkcollateral_event_streams",
            "Event streams that are open.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.deliveries = Counter(
            "zkcollateral_webhook_attempts",
            "Attempts to deliver an event to a webhook, by outcome: delivered or failed.",
            ("outcome",),
            registry=self.registry,
        )
        self.verify_seconds = Histogram(
            "zkcollateral_verify_seconds",
            "Checking one batch of submissions.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.waiting = Gauge(
            "zkcollateral_submissions_waiting",
            "Submissions that wait to be checked.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.log_size = Gauge(
            "zkcollateral_log_size",
            "Entries of the transparency log, when this process last wrote to it.",
            registry=self.registry,
            multiprocess_mode="max",
        )

    def render(self) -> bytes:
        """All metrics, of all workers together, in the text format of Prometheus."""
        folder = os.environ.get(FOLDER_VARIABLE)
        if not folder:
            return generate_latest(self.registry)
        _forget_the_dead(Path(folder))
        together = CollectorRegistry()
        MultiProcessCollector(together, path=folder)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def _forget_the_dead(folder: Path) -> None:
    """Leave out the gauges of workers that ended, and were replaced."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not _lives(int(pid)):
            mark_process_dead(int(pid), path=str(folder))  # type: ignore[no-untyped-call]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True

"""Which commitments a prover makes, and how long they take where they are made."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from zkcollateral.crypto.srs import Srs


class RecordingSetup:
    """A setup that remembers every call that commits (`commit`, `commit_digits`, …).

    Args:
        inner: the setup that does the work.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.calls: list[Callable[[], object]] = []
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if not name.startswith("commit"):
            return attribute

        def commit(*arguments: Any, **named: Any) -> Any:
            call = functools.partial(attribute, *arguments, **named)
            self.calls.append(call)
            start = time.perf_counter()
            result = call()
            self.seconds += time.perf_counter() - start
            return result

        return commit


def record_commitments(srs: Srs, work: Callable[[Srs], object]) -> RecordingSetup:
    """The commitments that `work` makes with the setup it is given.

    Args:
        srs: the reference string.
        work: is called once, with a reference string that records.

    Returns:
        The setup that recorded them: `calls` makes them again, `seconds` is what they took.
    """
    recorder = RecordingSetup(srs.setup)
    work(replace(srs, setup=recorder))
    if not recorder.calls:
        raise AssertionError("no commitment was recorded: the prover commits in a way unknown here")
    return recorder

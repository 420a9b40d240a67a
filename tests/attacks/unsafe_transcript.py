"""Transcripts with a challenge that comes too early, and how to put them in place of the
real one.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from typing_extensions import override

from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.transcript import DOMAIN, Transcript


def guess(transcript: Transcript, label: str) -> int:
    """The challenge of this label as the state of now gives it, before the round's items."""
    return transcript._arithmetic.hash_to_field(transcript.state, DOMAIN + label.encode())


class UnsafeTranscript(Transcript):
    """Draws some challenges from an earlier state than it should. The state itself is as it should
    be.
    """

    drawn_after: Mapping[str, int] = {}
    """By label: the number of rounds after which the challenge is fixed already."""

    def __init__(self, arithmetic: Arithmetic, srs_id: bytes, statement_bytes: bytes) -> None:
        super().__init__(arithmetic, srs_id, statement_bytes)
        self._early = self._fixed_now()

    @override
    def round(self, label: str, *items: object) -> int:
        challenge = super().round(label, *items)  # type: ignore[arg-type]
        self._early |= self._fixed_now()
        return self._early.get(label, challenge)

    def _fixed_now(self) -> dict[str, int]:
        return {
            label: guess(self, label)
            for label, rounds in self.drawn_after.items()
            if rounds == self._done
        }


class FixedTranscript(UnsafeTranscript):
    """The same challenges whatever is absorbed."""

    challenges: Mapping[str, int] = {}

    @override
    def round(self, label: str, *items: object) -> int:
        super().round(label, *items)
        return self.challenges[label]


def install(monkeypatch: pytest.MonkeyPatch, transcript: type[Transcript]) -> None:
    """Let prover and verifier use another transcript."""
    monkeypatch.setattr("zkcollateral.circuits.argument.Transcript", transcript)
    monkeypatch.setattr("zkcollateral.prover.proof.Transcript", transcript)


def draw_early(monkeypatch: pytest.MonkeyPatch, label: str, rounds: int) -> None:
    """Let both draw the challenge `label` after so many rounds."""

    class Early(UnsafeTranscript):
        drawn_after = {label: rounds}  # noqa: RUF012

    install(monkeypatch, Early)

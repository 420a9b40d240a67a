"""From measured times to the figures that are asked for.

A run consists of several passes; in each of them this project and the peer are measured one after
the other. A ratio is formed within every pass, from the medians of its rounds, and its figure is
the median over the passes: what disturbs the machine for a while disturbs both sides of a ratio.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

HEADLINE_PEER = "stable"
"""The toolchain whose peer the asked figures compare with: the one that builds our own wheel."""

SHAPES = ("k1", "balanced", "fast", "large", "tiered", "margin")

PORTABLE_SHAPES = ("k1", "balanced", "fast")
"""What is also measured without AVX-512 on our side."""

PORTABLE = "portable:"
"""Prefix of the measurements of the native arithmetic without AVX-512."""

Document = Mapping[str, Iterable[Mapping[str, Any]]]
"""The JSON of pytest-benchmark."""


@dataclass(frozen=True)
class Target:
    """A figure that is asked for.

    Args:
        key: its name in the results.
        what: in words.
        comparison: which side of `bound` is asked for.
        bound: the figure asked for.
        unit: what it counts; empty for a ratio.
    """

    key: str
    what: str
    comparison: Literal["≤", "≥"]
    bound: float
    unit: str = ""

    def reached(self, value: float | None) -> bool:
        """Whether a measured value is on the side that is asked for; a missing one is not."""
        if value is None:
            return False
        return value <= self.bound if self.comparison == "≤" else value >= self.bound


TARGETS = (
    Target("proof_bytes_k1", "64 slots, one maintenance row: proof size", "≤", 308, "bytes"),
    Target(
        "prove_k1_over_bulletproofs_64", "… prove, over bulletproofs proving one value", "≤", 1.0
    ),
    Target(
        "bulletproofs_32x64_over_prove_balanced",
        "32 values, balanced: bulletproofs over ours, prove",
        "≥",
        15,
    ),
    Target("bulletproofs_32x64_over_prove_fast", "… fast: prove", "≥", 25),
    Target("bulletproofs_32x64_over_verify", "… balanced: verify", "≥", 8),
    Target("batch_over_single_verify", "a batch of 1,000, per proof, over verifying one", "≤", 0.4),
    Target("prove_over_msm", "32 values, balanced: prove over its own commitments", "≤", 1.3),
    Target(
        "reference_verify_seconds", "reference arithmetic, 64 slots, k = 1: verify", "≤", 5, "s"
    ),
    Target("reference_prove_seconds", "… prove", "≤", 60, "s"),
    Target(
        "health_1m_accounts_seconds",
        "health of 1,000,000 accounts of 16 assets, on one core",
        "≤",
        1.0,
        "s",
    ),
    Target(
        "tiered_over_one_row_prove",
        "16 assets × 4 tiers, over the 64 slots' one row: prove",
        "≤",
        20,
    ),
    Target("tiered_over_one_row_verify", "… verify", "≤", 2.5),
    Target(
        "margin_over_one_row_prove",
        "portfolio margin, 64 instruments, 27 scenarios + 8 tails, over the one row: prove",
        "≤",
        12,
    ),
    Target("margin_over_one_row_verify", "… verify", "≤", 2),
    Target(
        "breach_16x131072x100_seconds",
        "breach probability: 16 assets, 2^17 paths × 100 steps, two cores",
        "≤",
        8,
        "s",
    ),
    Target("breach_peak_gib", "… the most memory", "≤", 2, "GiB"),
    Target("cascade_100k_x_1000_seconds", "cascade: 100,000 accounts × 1,000 steps", "≤", 30, "s"),
    Target("cascade_peak_gib", "… the most memory", "≤", 2, "GiB"),
)


@dataclass(frozen=True)
class PeerTimes:
    """Medians of the peer in one pass, in seconds."""

    single_prove: float
    single_verify: float
    aggregated_prove: float
    aggregated_verify: float

    def seconds(self, name: str) -> float:
        """One of the four, by the name of its field."""
        return float(getattr(self, name))

    @classmethod
    def from_report(cls, report: Mapping[str, Mapping[str, float]]) -> PeerTimes:
        """The times in the JSON that the peer's program prints."""
        single, aggregated = report["single"], report["aggregated"]
        return cls(
            single["prove_seconds"],
            single["verify_seconds"],
            aggregated["prove_seconds"],
            aggregated["verify_seconds"],
        )


@dataclass(frozen=True)
class Pass:
    """What one pass measured.

    Args:
        ours: median seconds by name of the measurement (`prove[k1]`).
        peers: the peer's times by toolchain; none if it was not run.
        commitment_shares: by shape, the commitments' part of the time of `prove`, in place.
        peaks: by simulation of `engine`, the most memory that its process held, in GiB.
    """

    ours: Mapping[str, float]
    peers: Mapping[str, PeerTimes] = field(default_factory=dict)
    commitment_shares: Mapping[str, float] = field(default_factory=dict)
    peaks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Figures:
    """All figures of a run.

    Args:
        passes: at least one.
        proof_bytes: proof sizes by shape.
        batch: how many proofs the batch held.
    """

    passes: Sequence[Pass]
    proof_bytes: Mapping[str, int]
    batch: int

    def asked(self) -> dict[str, float | None]:
        """The figures of `TARGETS`, in their order; None where the peer was not run."""
        return {
            "proof_bytes_k1": self.proof_bytes["k1"],
            **self.against_peer(HEADLINE_PEER),
            "batch_over_single_verify": self.ratio("verify_batch", "verify_one") / self.batch,
            "prove_over_msm": self.prove_over_msm("balanced"),
            "reference_verify_seconds": self.seconds("reference_verify"),
            "reference_prove_seconds": self.seconds("reference_prove"),
            "health_1m_accounts_seconds": self.seconds("health_1m_accounts[mixed]"),
            "tiered_over_one_row_prove": self.ratio("prove[tiered]", "prove[k1]"),
            "tiered_over_one_row_verify": self.ratio("verify[tiered]", "verify[k1]"),
            "margin_over_one_row_prove": self.ratio("prove[margin]", "prove[k1]"),
            "margin_over_one_row_verify": self.ratio("verify[margin]", "verify[k1]"),
            "breach_16x131072x100_seconds": self.seconds("engine[breach]"),
            "breach_peak_gib": self.peak("breach"),
            "cascade_100k_x_1000_seconds": self.seconds("engine[cascade]"),
            "cascade_peak_gib": self.peak("cascade"),
        }

    def against_peer(self, toolchain: str, prefix: str = "") -> dict[str, float | None]:
        """The asked ratios to one build of the peer.

        Args:
            toolchain: what built it.
            prefix: `PORTABLE` for our side without AVX-512.
        """

        def over(peer: str, ours: str) -> float | None:
            return self.peer_over(toolchain, peer, prefix + ours)

        single = over("single_prove", "prove[k1]")
        return {
            "prove_k1_over_bulletproofs_64": None if single is None else 1 / single,
            "bulletproofs_32x64_over_prove_balanced": over("aggregated_prove", "prove[balanced]"),
            "bulletproofs_32x64_over_prove_fast": over("aggregated_prove", "prove[fast]"),
            "bulletproofs_32x64_over_verify": over("aggregated_verify", "verify[balanced]"),
        }

    def context(self) -> dict[str, float]:
        """Other shapes, cold verification, absolute times in seconds, the peer's other build."""
        found: dict[str, float | None] = {}
        for name in ("fast", "balanced"):
            for kind in ("verify", "verify_cold"):
                if (name, kind) != ("balanced", "verify"):
                    found[f"bulletproofs_32x64_over_{kind}_{name}"] = self.peer_over(
                        HEADLINE_PEER, "aggregated_verify", f"{kind}[{name}]"
                    )
        for shape in SHAPES:
            if shape != "balanced":
                found[f"prove_over_msm_{shape}"] = self.prove_over_msm(shape)
            found[f"prove_over_msm_in_place_{shape}"] = self.prove_over_msm_in_place(shape)
        for shape in SHAPES:
            found[f"proof_bytes_{shape}"] = self.proof_bytes[shape]
            for kind in ("prove", "commit", "verify", "verify_cold"):
                found[f"{kind}_{shape}_seconds"] = self.seconds(f"{kind}[{shape}]")
        del found["proof_bytes_k1"]
        for shape in PORTABLE_SHAPES:
            for kind in ("prove", "commit", "verify"):
                found[f"{kind}_{shape}_seconds_portable"] = self.seconds(
                    f"{PORTABLE}{kind}[{shape}]"
                )
            found[f"prove_over_msm_{shape}_portable"] = self.prove_over_msm(shape, PORTABLE)
        ratios = self.against_peer(HEADLINE_PEER, PORTABLE)
        found |= {f"{key}_portable": value for key, value in ratios.items()}
        found["health_1m_accounts_plain_seconds"] = self.seconds("health_1m_accounts[plain]")
        found["first_prove_k1_seconds"] = self.seconds("first_proof")
        found["verify_one_seconds"] = self.seconds("verify_one")
        found["verify_batch_per_proof_seconds"] = self.seconds("verify_batch") / self.batch
        for toolchain in self.toolchains():
            suffix = "" if toolchain == HEADLINE_PEER else f"_{toolchain}"
            for name in PeerTimes.__dataclass_fields__:
                kind, _, action = name.partition("_")
                size = "64" if kind == "single" else "32x64"
                found[f"bulletproofs_{size}_{action}_seconds{suffix}"] = self.peer_seconds(
                    toolchain, name
                )
            if suffix:
                ratios = self.against_peer(toolchain)
                found |= {f"{key}{suffix}": value for key, value in ratios.items()}
        return {key: value for key, value in found.items() if value is not None}

    def toolchains(self) -> list[str]:
        """The toolchains that built a peer that was run in every pass."""
        common = set.intersection(*(set(run.peers) for run in self.passes))
        return sorted(common, key=lambda name: (name != HEADLINE_PEER, name))

    def seconds(self, name: str) -> float:
        """Median over the passes of one of our times."""
        return median(run.ours[name] for run in self.passes)

    def peak(self, name: str) -> float:
        """The most memory that a simulation held in any of the passes, in GiB."""
        return max(run.peaks[name] for run in self.passes)

    def peer_seconds(self, toolchain: str, name: str) -> float:
        """Median over the passes of one of the peer's times."""
        return median(run.peers[toolchain].seconds(name) for run in self.passes)

    def ratio(self, over: str, under: str) -> float:
        """Median over the passes of the ratio of two of our times."""
        return median(run.ours[over] / run.ours[under] for run in self.passes)

    def prove_over_msm(self, shape: str, prefix: str = "") -> float:
        """A prover's whole time over that of its own commitments."""
        return self.ratio(f"{prefix}prove[{shape}]", f"{prefix}commit[{shape}]")

    def prove_over_msm_in_place(self, shape: str) -> float:
        """The same from the commitments' time within the proof, not from making them again."""
        return median(1 / run.commitment_shares[shape] for run in self.passes)

    def peer_over(self, toolchain: str, name: str, ours: str) -> float | None:
        """Median over the passes of the peer's time over ours; None if the peer was not run."""
        if toolchain not in self.toolchains():
            return None
        return median(run.peers[toolchain].seconds(name) / run.ours[ours] for run in self.passes)


def missed(asked: Mapping[str, float | None]) -> list[Target]:
    """The targets that the figures do not reach, or that have no figure."""
    return [target for target in TARGETS if not target.reached(asked[target.key])]


def read_medians(document: Document) -> dict[str, float]:
    """Median seconds by name, from the JSON of pytest-benchmark."""
    medians = {}
    for entry in document["benchmarks"]:
        medians[entry["name"].removeprefix("test_")] = float(entry["stats"]["median"])
    return medians


def read_commitment_shares(document: Document) -> dict[str, float]:
    """By shape, the commitments' part of the time of `prove`, where they are made."""
    return {
        entry["name"].removeprefix("test_in_place[").removesuffix("]"): float(
            entry["extra_info"]["commitment_share"]
        )
        for entry in document["benchmarks"]
        if "commitment_share" in entry["extra_info"]
    }


def read_processor_shares(document: Document) -> dict[str, float]:
    """By name, which share of one processor the process had while it was measured."""
    shares = {}
    for entry in document["benchmarks"]:
        share = entry["extra_info"]["processor_share"]
        shares[entry["name"].removeprefix("test_")] = float(share)
    return shares

"""Invented measurements, with round numbers."""

from __future__ import annotations

from benchmarks.figures import PORTABLE, PORTABLE_SHAPES, SHAPES, Figures, Pass, PeerTimes

OURS = {
    **{f"prove[{shape}]": 0.004 for shape in SHAPES},
    **{f"commit[{shape}]": 0.002 for shape in SHAPES},
    **{f"verify[{shape}]": 0.001 for shape in SHAPES},
    **{f"verify_cold[{shape}]": 0.002 for shape in SHAPES},
    **{f"{PORTABLE}prove[{shape}]": 0.008 for shape in PORTABLE_SHAPES},
    **{f"{PORTABLE}commit[{shape}]": 0.005 for shape in PORTABLE_SHAPES},
    **{f"{PORTABLE}verify[{shape}]": 0.002 for shape in PORTABLE_SHAPES},
    "prove[tiered]": 0.040,
    "verify[tiered]": 0.002,
    "prove[margin]": 0.020,
    "verify[margin]": 0.0015,
    "health_1m_accounts[mixed]": 0.5,
    "health_1m_accounts[plain]": 0.25,
    "first_proof": 0.5,
    "verify_one": 0.001,
    "verify_batch": 0.300,
    "reference_prove": 2.0,
    "reference_verify": 0.5,
    "engine[breach]": 4.0,
    "engine[cascade]": 16.0,
}
STABLE = PeerTimes(0.005, 0.0005, 0.100, 0.010)
NIGHTLY = PeerTimes(0.0025, 0.0005, 0.050, 0.005)
PEAKS = {"breach": 1.5, "cascade": 0.25}
COMMITMENT_SHARES = dict.fromkeys(SHAPES, 0.5)
SIZES = {"k1": 308, "balanced": 868, "fast": 1508, "large": 308, "tiered": 868, "margin": 788}


def figures(*passes: Pass, batch: int = 1000) -> Figures:
    return Figures(passes or (one_pass(),), SIZES, batch)


def one_pass(factor: float = 1.0, peer: PeerTimes = STABLE, **changes: float) -> Pass:
    """A pass in which all of our times are `factor` times as long, or as `changes` says."""
    ours = {name: factor * seconds for name, seconds in OURS.items()}
    peers = {"stable": peer, "nightly": NIGHTLY}
    return Pass({**ours, **changes}, peers, COMMITMENT_SHARES, PEAKS)

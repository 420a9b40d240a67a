"""From medians to ratios: which way round, over which passes, and when one counts as reached."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from benchmarks.figures import (
    TARGETS,
    Pass,
    PeerTimes,
    Target,
    missed,
    read_commitment_shares,
    read_medians,
    read_processor_shares,
)
from tests.benchmarks.measured import COMMITMENT_SHARES, OURS, PEAKS, STABLE, figures, one_pass

# The table of the requirements, typed again.
ASKED = {
    "proof_bytes_k1": ("≤", 308),
    "prove_k1_over_bulletproofs_64": ("≤", 1.0),
    "bulletproofs_32x64_over_prove_balanced": ("≥", 15),
    "bulletproofs_32x64_over_prove_fast": ("≥", 25),
    "bulletproofs_32x64_over_verify": ("≥", 8),
    "batch_over_single_verify": ("≤", 0.4),
    "prove_over_msm": ("≤", 1.3),
    "reference_verify_seconds": ("≤", 5),
    "reference_prove_seconds": ("≤", 60),
    "health_1m_accounts_seconds": ("≤", 1.0),
    "tiered_over_one_row_prove": ("≤", 20),
    "tiered_over_one_row_verify": ("≤", 2.5),
    "margin_over_one_row_prove": ("≤", 12),
    "margin_over_one_row_verify": ("≤", 2),
    "breach_16x131072x100_seconds": ("≤", 8),
    "breach_peak_gib": ("≤", 2),
    "cascade_100k_x_1000_seconds": ("≤", 30),
    "cascade_peak_gib": ("≤", 2),
}


def test_the_asked_figures_are_all_there_and_no_milder() -> None:
    assert {target.key: (target.comparison, target.bound) for target in TARGETS} == ASKED
    assert list(figures().asked()) == [target.key for target in TARGETS]


def test_every_ratio_is_formed_the_right_way_round() -> None:
    assert figures().asked() == pytest.approx(
        {
            "proof_bytes_k1": 308,
            "prove_k1_over_bulletproofs_64": 0.8,
            "bulletproofs_32x64_over_prove_balanced": 25,
            "bulletproofs_32x64_over_prove_fast": 25,
            "bulletproofs_32x64_over_verify": 10,
            "batch_over_single_verify": 0.3,
            "prove_over_msm": 2,
            "reference_verify_seconds": 0.5,
            "reference_prove_seconds": 2,
            "health_1m_accounts_seconds": 0.5,
            "tiered_over_one_row_prove": 10,
            "tiered_over_one_row_verify": 2,
            "margin_over_one_row_prove": 5,
            "margin_over_one_row_verify": 1.5,
            "breach_16x131072x100_seconds": 4,
            "breach_peak_gib": 1.5,
            "cascade_100k_x_1000_seconds": 16,
            "cascade_peak_gib": 0.25,
        }
    )


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        (
            "prove[k1]",
            {
                "prove_k1_over_bulletproofs_64",
                "tiered_over_one_row_prove",
                "margin_over_one_row_prove",
            },
        ),
        ("prove[balanced]", {"bulletproofs_32x64_over_prove_balanced", "prove_over_msm"}),
        ("commit[balanced]", {"prove_over_msm"}),
        ("prove[fast]", {"bulletproofs_32x64_over_prove_fast"}),
        ("verify[k1]", {"tiered_over_one_row_verify", "margin_over_one_row_verify"}),
        ("verify[balanced]", {"bulletproofs_32x64_over_verify"}),
        ("prove[tiered]", {"tiered_over_one_row_prove"}),
        ("verify[tiered]", {"tiered_over_one_row_verify"}),
        ("prove[margin]", {"margin_over_one_row_prove"}),
        ("verify[margin]", {"margin_over_one_row_verify"}),
        ("verify_one", {"batch_over_single_verify"}),
        ("verify_batch", {"batch_over_single_verify"}),
        ("reference_prove", {"reference_prove_seconds"}),
        ("reference_verify", {"reference_verify_seconds"}),
        ("health_1m_accounts[mixed]", {"health_1m_accounts_seconds"}),
        ("health_1m_accounts[plain]", set()),
        ("engine[breach]", {"breach_16x131072x100_seconds"}),
        ("engine[cascade]", {"cascade_100k_x_1000_seconds"}),
    ],
)
def test_every_figure_comes_from_its_own_measurements(name: str, keys: set[str]) -> None:
    before, after = figures().asked(), figures(one_pass(**{name: 3 * OURS[name]})).asked()
    assert {key for key in before if before[key] != after[key]} == keys


def test_a_ratio_is_formed_within_a_pass() -> None:
    """A pass on a machine that was three times slower for both sides changes no ratio."""
    slow = PeerTimes(*(3 * STABLE.seconds(name) for name in PeerTimes.__dataclass_fields__))
    both = figures(one_pass(), one_pass(3.0, slow), one_pass(3.0, slow)).asked()
    times = {key for key in ASKED if key.endswith("_seconds")}
    for key, value in figures().asked().items():
        assert both[key] == pytest.approx(3 * value if key in times and value else value)


def test_a_figure_is_the_median_over_the_passes() -> None:
    passes = [one_pass(verify_batch=seconds) for seconds in (0.1, 0.9, 0.2, 0.3, 0.25)]
    assert figures(*passes).asked()["batch_over_single_verify"] == pytest.approx(0.25)


def test_a_peak_is_the_highest_of_the_passes() -> None:
    higher = Pass(OURS, {}, COMMITMENT_SHARES, {"breach": 1.0, "cascade": 3.0})
    asked = figures(one_pass(), higher).asked()
    assert (asked["breach_peak_gib"], asked["cascade_peak_gib"]) == (1.5, 3.0)
    assert "cascade_peak_gib" in {target.key for target in missed(asked)}


def test_without_the_peer_its_ratios_are_missing_and_nothing_else() -> None:
    alone = figures(Pass(OURS, {}, COMMITMENT_SHARES, PEAKS))
    missing = {key for key, value in alone.asked().items() if value is None}
    assert missing == {key for key in ASKED if "bulletproofs" in key}
    assert not [key for key in alone.context() if "bulletproofs" in key]
    assert {target.key for target in missed(alone.asked())} == {*missing, "prove_over_msm"}


def test_a_peer_that_was_not_run_in_every_pass_does_not_count() -> None:
    half = figures(one_pass(), Pass(OURS, {"stable": STABLE}, COMMITMENT_SHARES, PEAKS))
    assert half.toolchains() == ["stable"]
    assert half.against_peer("nightly")["bulletproofs_32x64_over_verify"] is None


def test_the_asked_ratios_compare_with_the_default_toolchain() -> None:
    both = figures()
    assert both.toolchains() == ["stable", "nightly"]
    assert both.asked()["bulletproofs_32x64_over_verify"] == pytest.approx(10)
    assert both.context()["bulletproofs_32x64_over_verify_nightly"] == pytest.approx(5)


def test_without_avx512_our_side_is_compared_with_the_default_toolchain_too() -> None:
    found = figures().context()
    assert found["prove_k1_over_bulletproofs_64_portable"] == pytest.approx(1.6)
    assert found["bulletproofs_32x64_over_verify_portable"] == pytest.approx(5)
    assert found["prove_over_msm_balanced_portable"] == pytest.approx(1.6)


def test_context_repeats_no_asked_key() -> None:
    found = figures()
    assert not set(found.context()) & set(found.asked())
    assert found.context()["verify_batch_per_proof_seconds"] == pytest.approx(0.0003)
    assert found.context()["prove_over_msm_k1"] == pytest.approx(2)


def test_in_place_ratio_is_the_whole_over_the_commitments_part() -> None:
    quarter = Pass(OURS, {}, {**COMMITMENT_SHARES, "k1": 0.25})
    found = figures(quarter).context()
    assert found["prove_over_msm_in_place_k1"] == pytest.approx(4)
    assert found["prove_over_msm_in_place_large"] == pytest.approx(2)


@pytest.mark.parametrize(
    ("comparison", "value", "reached"),
    [
        ("≤", 1.0, True),
        ("≤", 1.001, False),
        ("≥", 1.0, True),
        ("≥", 0.999, False),
        ("≤", None, False),
        ("≥", None, False),
    ],
)
def test_reached(comparison: str, value: float | None, reached: bool) -> None:
    assert Target("key", "what", comparison, 1.0).reached(value) is reached  # type: ignore[arg-type]


def test_missed_names_what_is_not_reached() -> None:
    values: Mapping[str, float | None] = {**figures().asked(), "proof_bytes_k1": 309}
    assert [target.key for target in missed(values)] == ["proof_bytes_k1", "prove_over_msm"]


def test_medians_and_shares_are_read_from_the_report_of_pytest_benchmark() -> None:
    report = {
        "benchmarks": [
            {
                "name": "test_prove[k1]",
                "stats": {"median": 0.5, "mean": 9.0},
                "extra_info": {"processor_share": 0.75},
            }
        ]
    }
    in_place = {"name": "test_in_place[k1]", "extra_info": {"commitment_share": 0.8}}
    assert read_commitment_shares({"benchmarks": [*report["benchmarks"], in_place]}) == {"k1": 0.8}
    assert read_medians(report) == {"prove[k1]": 0.5}
    assert read_processor_shares(report) == {"prove[k1]": 0.75}


def test_peer_report_is_read_field_by_field() -> None:
    report = {
        "single": {"prove_seconds": 1.0, "verify_seconds": 2.0},
        "aggregated": {"prove_seconds": 3.0, "verify_seconds": 4.0},
    }
    assert PeerTimes.from_report(report) == PeerTimes(1.0, 2.0, 3.0, 4.0)

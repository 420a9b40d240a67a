"""The public names: which they are, that each of them is there, and what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import zkcollateral

EXPORTS = [
    "AdaptiveRatio",
    "AppliedRatio",
    "Arithmetic",
    "Attestation",
    "Backing",
    "Boundary",
    "Bundle",
    "BundleReport",
    "Candles",
    "Check",
    "Circuit",
    "ClaimNotSatisfied",
    "Client",
    "Commitment",
    "CommitmentDocument",
    "CommitmentRule",
    "CompileError",
    "DeleveragingReport",
    "DocumentError",
    "EncodingError",
    "Envelope",
    "Evaluation",
    "Exact",
    "Expectation",
    "FileError",
    "FleetEvaluation",
    "GarchFit",
    "HealthReport",
    "Holding",
    "InputError",
    "LiftError",
    "LiquidationPair",
    "LiquidationReport",
    "LogError",
    "LogReport",
    "MarginReport",
    "NamedPublicKey",
    "NamedSigningKey",
    "Opening",
    "OpeningDocument",
    "OpeningError",
    "OracleRule",
    "Policy",
    "Portfolio",
    "PriceHistory",
    "PriceReport",
    "PriceRound",
    "PriceRoundError",
    "Proof",
    "ProofReport",
    "ProverError",
    "PublicClaim",
    "PublicKey",
    "Registry",
    "ReplayReport",
    "Report",
    "Request",
    "Scenario",
    "ServiceError",
    "ServiceUnavailable",
    "SignatureError",
    "SignedRound",
    "SigningKey",
    "Srs",
    "Statement",
    "StressReport",
    "Trust",
    "TrustedKey",
    "VerifierKey",
    "Vouch",
    "Witness",
    "ZkCollateralError",
    "__version__",
    "arithmetic",
    "attest",
    "attest_many",
    "build_statement",
    "ceremony",
    "check_policy",
    "combine",
    "compile_claim",
    "deleveraging_report",
    "document_digest",
    "evaluate",
    "evaluate_fleet",
    "fit_garch",
    "health_report",
    "liquidation_boundary",
    "liquidation_report",
    "make_signed_round",
    "margin_report",
    "now",
    "open_report",
    "open_vouch",
    "policy_scenarios",
    "prove",
    "read_candles",
    "read_json",
    "read_opening",
    "read_public_key",
    "read_signing_key",
    "replay_report",
    "report_envelope",
    "stress_report",
    "verify",
    "verify_attestation",
    "verify_attestations",
    "verify_batch",
    "verify_bundle",
    "verify_log",
    "vouch",
    "write_key_pair",
    "write_opening",
]
SECONDS = 0.3
TRIES = 20
ROOT = Path(__file__).parents[2]


def python(program: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.stdout


def test_the_public_names_are_these() -> None:
    assert zkcollateral.__all__ == EXPORTS


@pytest.mark.parametrize("name", EXPORTS)
def test_every_name_is_there(name: str) -> None:
    value = getattr(zkcollateral, name)
    if name != "__version__":
        # A class or function is called by the name under which it is public.
        assert value.__name__ == name
        assert value.__module__.startswith("zkcollateral.")
    assert name in dir(zkcollateral)


def test_type_checkers_see_the_same_names_in_the_same_places() -> None:
    source = Path(str(zkcollateral.__file__)).read_text(encoding="utf-8")
    imported = {
        alias.name: node.module
        for statement in ast.parse(source).body
        if isinstance(statement, ast.If)
        for node in statement.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = {name: home for home, names in zkcollateral._HOMES.items() for name in names}
    assert imported == homes
    assert {*homes, "__version__"} == set(EXPORTS)


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'provee'"):
        zkcollateral.provee  # type: ignore[attr-defined]  # noqa: B018


def test_importing_is_quick_and_loads_nothing() -> None:
    program = (
        "import time\nstart = time.perf_counter()\nimport zkcollateral\n"
        "print(time.perf_counter() - start)"
    )
    # One of several is enough: a busy machine slows a process, and nothing makes one too fast.
    assert any(float(python(program)) < SECONDS for _ in range(TRIES))
    loaded = python("import sys, zkcollateral\nprint(*sys.modules)").split()
    for name in ("pydantic", "py_ecc", "typer", "rich", "cryptography", "zkcollateral_native"):
        assert name not in loaded
    assert [n for n in loaded if n.startswith("zkcollateral.")] == ["zkcollateral.version"]


def test_a_star_import_gives_all_of_them() -> None:
    program = "from zkcollateral import *\nprint(*sorted(set(dir()) - {'__builtins__'}))"
    names = {name for name in python(program).split() if not name.startswith("__")}
    assert names == set(EXPORTS) - {"__version__"}

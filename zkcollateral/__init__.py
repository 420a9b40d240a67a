"""Prove that a private portfolio is sufficiently collateralized, and check such proofs.

Every public name can be imported from here. Each is loaded when it is first used, so that importing
the package costs next to nothing.
"""

from importlib import import_module as _import_module
from pathlib import Path as _Path
from typing import TYPE_CHECKING

from .version import __version__

if TYPE_CHECKING:
    from .circuits.attestation import Attestation
    from .circuits.claim import PublicClaim, build_statement, document_digest
    from .circuits.compiler import Backing, Circuit, compile_claim
    from .circuits.evidence import (
        CommitmentDocument,
        SignedRound,
        Vouch,
        make_signed_round,
        open_report,
        open_vouch,
        report_envelope,
    )
    from .circuits.proof import Proof
    from .circuits.statement import Statement
    from .client.client import Client
    from .client.errors import ServiceError, ServiceUnavailable
    from .crypto.arithmetic import Arithmetic
    from .crypto.checkpoint import VerifierKey
    from .crypto.commitment import Commitment, Opening
    from .crypto.envelope import Envelope
    from .crypto.files import read_json
    from .crypto.keyfile import (
        NamedPublicKey,
        NamedSigningKey,
        read_public_key,
        read_signing_key,
        write_key_pair,
    )
    from .crypto.select import arithmetic
    from .crypto.signature import PublicKey, SigningKey
    from .crypto.srs import Srs, ceremony
    from .errors import (
        ClaimNotSatisfied,
        CompileError,
        DocumentError,
        EncodingError,
        FileError,
        InputError,
        LiftError,
        LogError,
        OpeningError,
        PriceRoundError,
        ProverError,
        SignatureError,
        ZkCollateralError,
    )
    from .prover.attestation import Holding, Request, attest, attest_many
    from .prover.opening import OpeningDocument, read_opening, write_opening
    from .prover.proof import prove
    from .prover.vouching import vouch
    from .prover.witness import Witness
    from .risk.boundary import Boundary
    from .risk.claims import Scenario
    from .risk.clock import now
    from .risk.fleet import FleetEvaluation, evaluate_fleet
    from .risk.health import Evaluation, evaluate
    from .risk.hedging.report import DeleveragingReport, deleveraging_report
    from .risk.histories import PriceHistory
    from .risk.liquidation.report import (
        LiquidationPair,
        LiquidationReport,
        liquidation_report,
    )
    from .risk.margin.report import MarginReport, margin_report
    from .risk.policy import CommitmentRule, OracleRule, Policy, check_policy
    from .risk.portfolio import Portfolio
    from .risk.prices import PriceReport, PriceRound, combine
    from .risk.registry import Registry
    from .risk.replay.candles import Candles, read_candles
    from .risk.replay.replay import ReplayReport, replay_report
    from .risk.replay.stress import StressReport, policy_scenarios, stress_report
    from .risk.report import HealthReport, health_report, liquidation_boundary
    from .risk.values import Exact
    from .risk.volatility.adaptive import AdaptiveRatio, AppliedRatio
    from .risk.volatility.garch import GarchFit, fit_garch
    from .verifier.attestation import verify_attestation, verify_attestations
    from .verifier.bundle import Bundle, BundleReport, verify_bundle
    from .verifier.examination import Expectation
    from .verifier.log import LogReport, verify_log
    from .verifier.proof import ProofReport, verify, verify_batch
    from .verifier.report import Check, Report
    from .verifier.trust import Trust, TrustedKey

__all__ = [
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

_HOMES = {
    "circuits.attestation": ("Attestation",),
    "circuits.claim": ("PublicClaim", "build_statement", "document_digest"),
    "circuits.compiler": ("Backing", "Circuit", "compile_claim"),
    "circuits.evidence": (
        "CommitmentDocument",
        "SignedRound",
        "Vouch",
        "make_signed_round",
        "open_report",
        "open_vouch",
        "report_envelope",
    ),
    "circuits.proof": ("Proof",),
    "circuits.statement": ("Statement",),
    "client.client": ("Client",),
    "client.errors": ("ServiceError", "ServiceUnavailable"),
    "crypto.arithmetic": ("Arithmetic",),
    "crypto.checkpoint": ("VerifierKey",),
    "crypto.commitment": ("Commitment", "Opening"),
    "crypto.envelope": ("Envelope",),
    "crypto.files": ("read_json",),
    "crypto.keyfile": (
        "NamedPublicKey",
        "NamedSigningKey",
        "read_public_key",
        "read_signing_key",
        "write_key_pair",
    ),
    "crypto.select": ("arithmetic",),
    "crypto.signature": ("PublicKey", "SigningKey"),
    "crypto.srs": ("Srs", "ceremony"),
    "errors": (
        "ClaimNotSatisfied",
        "CompileError",
        "DocumentError",
        "EncodingError",
        "FileError",
        "InputError",
        "LiftError",
        "LogError",
        "OpeningError",
        "PriceRoundError",
        "ProverError",
        "SignatureError",
        "ZkCollateralError",
    ),
    "prover.attestation": ("Holding", "Request", "attest", "attest_many"),
    "prover.opening": ("OpeningDocument", "read_opening", "write_opening"),
    "prover.proof": ("prove",),
    "prover.vouching": ("vouch",),
    "prover.witness": ("Witness",),
    "risk.boundary": ("Boundary",),
    "risk.claims": ("Scenario",),
    "risk.clock": ("now",),
    "risk.fleet": ("FleetEvaluation", "evaluate_fleet"),
    "risk.health": ("Evaluation", "evaluate"),
    "risk.histories": ("PriceHistory",),
    "risk.hedging.report": ("DeleveragingReport", "deleveraging_report"),
    "risk.liquidation.report": ("LiquidationPair", "LiquidationReport", "liquidation_report"),
    "risk.policy": ("CommitmentRule", "OracleRule", "Policy", "check_policy"),
    "risk.margin.report": ("MarginReport", "margin_report"),
    "risk.portfolio": ("Portfolio",),
    "risk.prices": ("PriceReport", "PriceRound", "combine"),
    "risk.registry": ("Registry",),
    "risk.report": ("HealthReport", "health_report", "liquidation_boundary"),
    "risk.replay.candles": ("Candles", "read_candles"),
    "risk.replay.replay": ("ReplayReport", "replay_report"),
    "risk.replay.stress": ("StressReport", "policy_scenarios", "stress_report"),
    "risk.values": ("Exact",),
    "risk.volatility.adaptive": ("AdaptiveRatio", "AppliedRatio"),
    "risk.volatility.garch": ("GarchFit", "fit_garch"),
    "verifier.attestation": ("verify_attestation", "verify_attestations"),
    "verifier.bundle": ("Bundle", "BundleReport", "verify_bundle"),
    "verifier.examination": ("Expectation",),
    "verifier.log": ("LogReport", "verify_log"),
    "verifier.proof": ("ProofReport", "verify", "verify_batch"),
    "verifier.report": ("Check", "Report"),
    "verifier.trust": ("Trust", "TrustedKey"),
}

# The rooms are folders beside this one in a checkout, and inside it once installed. Python started
# in the checkout finds this folder before any installation, and would miss them.
_checkout = _Path(__file__).resolve().parent.parent
if (_checkout / "pyproject.toml").is_file():
    __path__.append(str(_checkout))

# Type checkers read the imports above; they would take any name from a module with `__getattr__`.
if not TYPE_CHECKING:
    _home = {name: home for home, names in _HOMES.items() for name in names}

    def __getattr__(name: str) -> object:
        """A public name, from the room where it lives (PEP 562)."""
        home = _home.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(_import_module(f"{__name__}.{home}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        """The public names and what Python puts in a module."""
        return sorted({*globals(), *__all__})

"""What a verification says: every check by name, passed or failed, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NoReturn, get_args

CheckName = Literal[
    "format",
    "policy",
    "claim",
    "oracle_quorum",
    "price_age",
    "custodian_signature",
    "commitment_age",
    "statement",
    "proof",
    "audience",
    "nonce",
    "expiry",
]
CHECK_NAMES: tuple[CheckName, ...] = get_args(CheckName)


@dataclass(frozen=True)
class Check:
    """One check.

    Args:
        name: stable, for machines.
        passed: whether it passed.
        reason: one line for people.
    """

    name: CheckName
    passed: bool
    reason: str


@dataclass(frozen=True)
class Report:
    """The checks of one attestation, always all of them, in the order of `CHECK_NAMES`.

    It has no truth value, so that a condition cannot be true by accident: use `valid`.
    """

    checks: tuple[Check, ...]

    def __post_init__(self) -> None:
        if tuple(check.name for check in self.checks) != CHECK_NAMES:
            raise ValueError("a report has every check once, in order")

    @property
    def valid(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)

    def __bool__(self) -> NoReturn:
        raise TypeError("a report has no truth value: use report.valid")

    def to_json_value(self) -> dict[str, object]:
        """`{"valid": …, "checks": [{"name", "passed", "reason"}]}`."""
        return {
            "valid": self.valid,
            "checks": [
                {"name": check.name, "passed": check.passed, "reason": check.reason}
                for check in self.checks
            ],
        }

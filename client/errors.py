"""What goes wrong between a client and the service."""

from __future__ import annotations

from typing import Final

from ..errors import ZkCollateralError
from ..verifier.report import Check

BLANK: Final = "about:blank"
"""The type of a problem that names none (RFC 9457, 4.2.1)."""


class ServiceError(ZkCollateralError):
    """The service answered with a problem, or not with what was asked for.

    Args:
        where: method and address of the request; never a key.
        detail: one sentence about this case.
        type: the problem's stable type.
        status: of the HTTP answer; None if there was none.
        checks: of a refused attestation: every check, in order.
    """

    def __init__(
        self,
        where: str,
        detail: str,
        *,
        type: str = BLANK,  # noqa: A002  # the name that RFC 9457 gives it
        status: int | None = None,
        checks: tuple[Check, ...] = (),
    ) -> None:
        super().__init__(where, detail)
        self.where = where
        self.detail = detail
        self.type = type
        self.status = status
        self.checks = checks

    @property
    def name(self) -> str:
        """The last part of the type, such as `price-round-stale`."""
        return self.type.rpartition(":")[2]

    def __str__(self) -> str:
        status = "" if self.status is None else f"{self.status} "
        named = "" if self.type == BLANK else f"{self.name}: "
        return f"{self.where}: {status}{named}{self.detail}"


class ServiceUnavailable(ServiceError):
    """The service could not be reached, or could not answer now, however often it was tried.

    Args:
        retry_after: the seconds that it asked to wait, if it did.
    """

    retry_after: float | None = None


class UnusableAnswer(ServiceError):
    """The answer is not what was asked for: damaged, too large, or about something else."""

"""What the commands of `zkcollateral risk` read: documents, prices, and a portfolio."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import CompileError, InputError

if TYPE_CHECKING:
    from ..risk.policy import Policy
    from ..risk.portfolio import Portfolio
    from ..risk.prices import PriceRound
    from ..risk.registry import Registry

CAUTION: Final = "This report is as secret as the portfolio. Signatures of prices were not checked."
SIGNED_ROUND: Final = "zkcollateral/signed-round/1"


@dataclass(frozen=True)
class RiskInputs:
    """The documents of a risk command, checked against each other, and where they stand.

    Attributes:
        portfolio, registry, policy, round: as read.
        category: of the claim that was named; None if it has none.
        paths: the files of `portfolio`, `policy` and `prices`, for errors.
    """

    portfolio: Portfolio
    registry: Registry
    policy: Policy
    round: PriceRound
    category: str | None
    paths: tuple[Path, Path, Path]

    def __repr__(self) -> str:
        return "RiskInputs(hidden)"

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Errors about these documents name their files."""
        from .files import blaming, naming

        portfolio, policy, prices = self.paths
        with naming(portfolio=portfolio, policy=policy), blaming(prices, CompileError):
            yield


def read_inputs(
    portfolio: Path,
    registry: Path,
    policy: Path,
    prices: Path,
    claim: str | None,
    plot: Path | None,
    *,
    force: bool,
) -> RiskInputs:
    """Read and check everything, and that the picture can be written, before anything is computed.

    Raises:
        InputError: a file or a document that cannot be used, a name for the picture that cannot, or
            a claim that is not about one account.
    """
    from ..circuits.claim import document_digest
    from ..risk.policy import Policy, check_policy
    from ..risk.registry import Registry
    from .files import (
        check_replaceable,
        check_writable,
        naming,
        read_document,
        read_portfolio,
        refuse_inputs,
    )
    from .plots import check_plot

    refuse_inputs([plot], [portfolio, registry, policy, prices])
    if plot is not None:
        check_plot(plot)
        check_writable([plot], force=force)
        check_replaceable(plot)
    assets = read_document(Registry, registry)
    rule = read_document(Policy, policy)
    with naming(policy=policy):
        check_policy(rule, document_digest(assets), assets)
    category = _category(rule, claim, policy)
    round_ = read_round(prices)
    account = read_portfolio(portfolio)
    return RiskInputs(account, assets, rule, round_, category, (portfolio, policy, prices))


def read_round(path: Path) -> PriceRound:
    """The price round in a file, alone or with the signed reports that it is the median of.

    No signature is checked here.
    """
    from ..circuits.evidence import SignedRound
    from ..crypto.files import read_json
    from ..risk.prices import PriceRound

    value = read_json(path)
    if isinstance(value, dict) and value.get("format") == SIGNED_ROUND:
        return SignedRound.from_json_value(value, str(path)).round
    return PriceRound.from_json_value(value, str(path))


def _category(policy: Policy, claim: str | None, path: Path) -> str | None:
    """The category of the claim that is named, if one is."""
    if claim is None:
        return None
    try:
        return policy.account_claim(claim).category
    except InputError as error:
        where = f"{path}: claims" if error.where == "claims" else "--claim"
        raise InputError(where, error.expected, error.got) from None

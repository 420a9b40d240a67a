"""An order of sources: the first that has a price is used, and why the earlier ones were not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import InputError
from ..checks import name
from ..fixed_point import MAX_INT256, whole
from .outcome import PriceBounds, Reason, ReasonKind, Refusal


@dataclass(frozen=True, slots=True)
class Fallback:
    """The source that was used.

    Attributes:
        source: its name.
        bounds: its price.
        passed_over: the reasons of the sources before it, in their order.
    """

    source: str
    bounds: PriceBounds
    passed_over: tuple[Reason, ...]


def first_usable(
    sources: Sequence[tuple[str, PriceBounds | Refusal]],
) -> Fallback | Refusal:
    """The first source that has a price.

    Args:
        sources: (name, answer) in the order of trust, at least one, each name once.

    Returns:
        The source used, or a refusal with the reasons of all of them, in their order.

    Raises:
        InputError: no source, a name twice.
    """
    if not sources:
        raise InputError("fallback: sources", "at least one", "none")
    names = [name("fallback: source", source) for source, _ in sources]
    if len(set(names)) < len(names):
        raise InputError("fallback: sources", "every name once", "one twice")
    reasons: list[Reason] = []
    for source, answer in sources:
        if isinstance(answer, PriceBounds):
            return Fallback(source, answer, tuple(reasons))
        reasons += answer.reasons
    return Refusal(tuple(reasons))


def positive_or_fallback(answer: int | None, fallback: int | None) -> int | Refusal:
    """Aave's oracle: the source's answer if it is above 0, else whatever its fallback says.

    Args:
        answer: of the source; None if the asset has none.
        fallback: of the fallback oracle, which may be 0; None if there is no fallback oracle.

    Returns:
        The price, or a refusal where the contract's call fails: no fallback oracle is set.

    Raises:
        InputError: no integer, a negative fallback.

    Source: aave-dao/aave-v3-origin v3.7, `src/contracts/misc/AaveOracle.sol` (getAssetPrice).
    """
    if answer is not None and whole("aave oracle: answer", answer, -MAX_INT256, MAX_INT256) > 0:
        return answer
    if fallback is not None:
        return whole("aave oracle: fallback", fallback, 0)
    kind = ReasonKind.MISSING if answer is None else ReasonKind.NOT_POSITIVE
    got = "none" if answer is None else "another"
    return Refusal(
        (
            Reason(kind, "source", "an answer above 0", got),
            Reason(ReasonKind.MISSING, "fallback", "a fallback oracle", "none"),
        )
    )

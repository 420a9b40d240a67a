"""What a holder proves with: opening files with their commitments, and evidence that is fresh."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ClaimNotSatisfied, DocumentError, InputError
from .passphrase import passphrase_for

if TYPE_CHECKING:
    from ..prover.attestation import Holding
    from ..risk.policy import Policy
    from ..risk.registry import Registry


@dataclass(frozen=True)
class HoldingFiles:
    """The files that say what is held, and for a claim about two accounts what is owed.

    Args:
        openings: secret.
        commitments: one for each of them, in their order.
        liability_openings, liability_commitments: the same of the account that is to be covered.
        passphrase_file: what --passphrase-file named.
    """

    openings: Sequence[Path]
    commitments: Sequence[Path]
    liability_openings: Sequence[Path]
    liability_commitments: Sequence[Path]
    passphrase_file: Path | None
    _passphrases: dict[Path, str] = field(default_factory=dict, repr=False)

    @property
    def inputs(self) -> list[Path | None]:
        """Every file that is read."""
        return [*self._secrets, *self._public, self.passphrase_file]

    @property
    def _secrets(self) -> list[Path]:
        return [*self.openings, *self.liability_openings]

    @property
    def _public(self) -> list[Path]:
        return [*self.commitments, *self.liability_commitments]

    def check_accounts(self, policy: Policy, claim: str) -> None:
        """InputError unless these are as many accounts as the claim is about."""
        from ..circuits.compiler import account_count

        needed = account_count(policy.claims[claim]) == 2
        if needed != bool(self.liability_openings or self.liability_commitments):
            expected = f"the liabilities that {claim!r} covers" if needed else "no liabilities"
            got = "none" if needed else f"some for the claim {claim!r}, which covers none"
            raise InputError("--liability-opening", expected, got)

    def check_pairs(self) -> None:
        """InputError unless every opening has its commitment."""
        _check_pairs(self.openings, self.commitments, "--opening", "--commitment")
        _check_pairs(
            self.liability_openings,
            self.liability_commitments,
            "--liability-opening",
            "--liability-commitment",
        )

    def read(self) -> Holdings:
        """What the files hold; errors name the file and the field."""
        from ..circuits.claim import document_digest
        from ..prover.attestation import Holding
        from ..prover.opening import read_opening
        from .files import read_commitment

        holdings = []
        dated = []
        registries: dict[str, Registry] = {}
        # Commitments first: they cost nobody a passphrase.
        public = [(path, *read_commitment(path)) for path in self._public]
        for opening, (commitment, evidence, said) in zip(self._secrets, public, strict=True):
            secret = read_opening(opening, self._passphrase(opening))
            digest = document_digest(secret.registry)
            for name, mine, theirs in (
                ("account", secret.account, said.account),
                ("commitment", secret.commitment, said.commitment),
                ("registry", digest, said.registry),
            ):
                if mine != theirs:
                    expected = f"that of {commitment}, {theirs}"
                    raise DocumentError(f"{opening}: {name}", expected, mine)
            registries[digest] = secret.registry
            if len(registries) > 1:
                raise DocumentError(
                    f"{opening}: registry", f"that of {self.openings[0]}, to add up", "another one"
                )
            holdings.append(Holding(secret.opening, evidence))
            as_of = getattr(said, "as_of", None)
            if as_of is not None:
                dated.append((f"{commitment}: as_of", as_of))
        count = len(self.openings)
        registry = next(iter(registries.values()))
        return Holdings(registry, tuple(holdings[:count]), tuple(holdings[count:]), tuple(dated))

    def _passphrase(self, path: Path) -> Callable[[], str]:
        """As `passphrase_for`, but nobody is asked twice."""
        find = passphrase_for(path, self.passphrase_file)

        def once() -> str:
            if path not in self._passphrases:
                self._passphrases[path] = find()
            return self._passphrases[path]

        return once


@dataclass(frozen=True)
class Holdings:
    """What was read from the files.

    Args:
        registry: of all openings.
        assets, liabilities: the openings with their commitments.
        dated: where a custodian's time stands, and the time.
    """

    registry: Registry
    assets: tuple[Holding, ...]
    liabilities: tuple[Holding, ...]
    dated: tuple[tuple[str, datetime], ...]

    def check_ages(self, policy: Policy, where: str, round_time: datetime) -> None:
        """DocumentError for evidence of tomorrow, or too old: nobody would accept what it proves.

        Args:
            policy: says how old it may be.
            where: the round's time stands.
            round_time: that time.
        """
        _check_time(where, round_time, policy.oracle.max_age_seconds)
        for place, as_of in self.dated:
            _check_time(place, as_of, policy.commitments.max_age_seconds)


def _check_pairs(
    openings: Sequence[Path], commitments: Sequence[Path], one: str, other: str
) -> None:
    if len(openings) != len(commitments):
        raise InputError(other, f"{len(openings)} files, one per {one}", str(len(commitments)))


def _check_time(where: str, time: datetime, limit: int) -> None:
    from ..risk.clock import format_time, now, seconds_between

    current = now()
    age = seconds_between(time, current)
    if age < 0:
        expected = f"a time up to now, {format_time(current)}"
        raise DocumentError(where, expected, format_time(time))
    if age >= limit:
        raise DocumentError(where, f"less than {limit} seconds old", f"{age} seconds")


@contextmanager
def saying_which(claim: str, so: str = "so no attestation was written") -> Iterator[None]:
    """A claim that is not satisfied is named; nothing more is said about it."""
    try:
        yield
    except ClaimNotSatisfied as error:
        raise ClaimNotSatisfied(f"{error} {claim!r}, {so}") from None

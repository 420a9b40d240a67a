"""Every error this package raises, as one small tree.

    ZkCollateralError
     ├── InputError              something from outside cannot be read or used
     │    ├── EncodingError      bytes of a point, scalar, statement or proof
     │    ├── DocumentError      a JSON document
     │    └── FileError          a file that cannot be read, opened or written
     ├── OpeningError            an opening that is not the commitment's, an amount out of range
     ├── SignatureError          an envelope that the named key did not sign
     ├── LogError                a transparency log that contradicts what it signed or showed
     ├── PriceRoundError         price reports that make no round under the policy's rule
     ├── CompileError            a claim that has no statement
     │    └── LiftError          a statement that could hold mod r and not over the integers
     ├── ClaimNotSatisfied       the portfolio does not satisfy the claim
     └── ProverError             a proof that could not be made from a satisfied claim

This is the one module of the face that every room may import; it imports nothing.
"""

from __future__ import annotations


class ZkCollateralError(Exception):
    """Base of every error raised on purpose by this package."""


class InputError(ZkCollateralError):
    """Something from outside cannot be read or used.

    Args:
        where: file, field path or byte offset, as a person would look for it.
        expected: what was expected there.
        got: what came instead; never a secret.
    """

    def __init__(self, where: str, expected: str, got: str) -> None:
        super().__init__(where, expected, got)
        self.where = where
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, got {self.got}"


class EncodingError(InputError):
    """Bytes that are no canonical point, scalar, statement or proof."""


class DocumentError(InputError):
    """A JSON document that is malformed, not canonical in a field, or of another version."""


class FileError(InputError):
    """A file that cannot be read, decrypted or written."""


class OpeningError(ZkCollateralError):
    """An opening that does not open its commitment, or an amount out of range."""


class SignatureError(ZkCollateralError):
    """An envelope that was not signed by the key it names, or by a key of another role."""


class LogError(ZkCollateralError):
    """A transparency log that contradicts itself, its signature or what was kept of it."""


class PriceRoundError(ZkCollateralError):
    """Price reports that make no round: quorum, age or deviation."""


class CompileError(ZkCollateralError):
    """A claim that cannot be turned into a statement."""


class LiftError(CompileError):
    """A row that could hold modulo r without holding over the integers."""


class ClaimNotSatisfied(ZkCollateralError):
    """The portfolio does not satisfy the claim, so there is nothing to prove."""


class ProverError(ZkCollateralError):
    """A proof could not be made, or did not pass its own check and was withheld."""

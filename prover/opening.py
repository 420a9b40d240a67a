"""The opening file: what a holder keeps of a commitment, and a custodian is shown. Secret.

    {"format": "zkcollateral/opening/1",
     "account", "registry": {…}, "commitment", "amounts", "blinder"}

The registry is in it in full, so that the file alone says what every amount is an amount of.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import model_validator

from ..circuits.claim import HexPoint
from ..crypto.commitment import AMOUNT_BOUND, Commitment, Opening
from ..crypto.field import MODULUS
from ..crypto.files import PathLike
from ..crypto.sealed import Passphrase, read_secret_file, write_secret_file
from ..risk.document import Document
from ..risk.registry import Registry
from ..risk.values import Integer, Name, Several, refusal


class OpeningDocument(Document):
    """An opening with the account, the registry and the commitment it belongs to.

    `amounts` has one integer per slot, in the slot's smallest unit. Whether it opens `commitment`
    is found out by computing the commitment again, not by reading.
    """

    SECRET: ClassVar[bool] = True

    format: Literal["zkcollateral/opening/1"] = "zkcollateral/opening/1"
    account: Name
    registry: Registry
    commitment: HexPoint
    amounts: Several[Annotated[int, Integer(1 - AMOUNT_BOUND, AMOUNT_BOUND - 1)]]
    blinder: Annotated[int, Integer(0, MODULUS - 1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.amounts) != self.registry.slots:
            expected = f"{self.registry.slots} amounts, as many as the registry has slots"
            raise refusal(expected, f"{len(self.amounts)}", "amounts")
        return self

    @classmethod
    def of(
        cls, account: str, registry: Registry, opening: Opening, commitment: Commitment
    ) -> OpeningDocument:
        """The document of an opening and the commitment that it opens."""
        return cls.build(
            account=account,
            registry=registry,
            commitment=bytes(commitment).hex(),
            amounts=opening.amounts,
            blinder=opening.blinder,
        )

    @property
    def opening(self) -> Opening:
        """The opening itself."""
        return Opening(self.amounts, self.blinder)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield "account", self.account
        yield "amounts", "hidden"


def write_opening(
    path: PathLike,
    document: OpeningDocument,
    *,
    passphrase: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write an opening file, mode 0600, sealed if a passphrase is given.

    Raises:
        FileError: it exists and `overwrite` is off, cannot be written, or the passphrase is empty.
    """
    write_secret_file(path, document.to_json_value(), passphrase=passphrase, overwrite=overwrite)


def read_opening(path: PathLike, passphrase: Passphrase = None) -> OpeningDocument:
    """The opening in a file.

    Raises:
        FileError: it cannot be read, is open to group or others, or the passphrase is missing or
            wrong.
        DocumentError: no opening. The error quotes nothing of it.
    """
    return OpeningDocument.from_json_value(read_secret_file(path, passphrase), os.fspath(path))

"""The log's key: signs checkpoints and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from ...crypto.checkpoint import Checkpoint, sign_checkpoint
from ...crypto.keyfile import (
    NamedPublicKey,
    NamedSigningKey,
    read_signing_key,
    write_key_pair,
)
from ...crypto.signature import SigningKey
from ...errors import FileError, InputError


class LogSigner:
    """Signs checkpoints of one log.

    Args:
        key: of the role `log`; its name is the log's origin.
    """

    def __init__(self, key: NamedSigningKey) -> None:
        if key.role != "log":
            raise InputError("log key", "a key of the role log", f"one of the role {key.role}")
        self._key = key

    @property
    def public(self) -> NamedPublicKey:
        """The public half."""
        return self._key.public

    def sign(self, size: int, root: bytes) -> str:
        """The signed checkpoint of the log at a size."""
        return sign_checkpoint(Checkpoint(self._key.name, size, root), self._key.key).decode()


def load_signer(path: Path, origin: str) -> LogSigner:
    """The key in a file, which is made, with its public half beside it, if it does not exist.

    Args:
        path: of the secret key, such as `zkcollateral-log.key`.
        origin: the name of the log.

    Raises:
        FileError: it can be neither read nor made.
        InputError: a key of another log, or of another role.
    """
    if not os.path.lexists(path):
        try:
            write_key_pair(
                path.with_suffix(""), NamedSigningKey("log", origin, SigningKey.generate())
            )
        except FileError:
            # Two processes that start at once: the other one was first, if it exists now.
            if not os.path.lexists(path):
                raise
    key = read_signing_key(path)
    if key.name != origin:
        raise InputError(str(path), f"the key of the log {origin}", f"that of {key.name}")
    return LogSigner(key)

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
from ...crypto.randomness import random_bytes
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
        _make(path, origin)
    key = read_signing_key(path)
    if key.name != origin:
        raise InputError(str(path), f"the key of the log {origin}", f"that of {key.name}")
    return LogSigner(key)


def _make(path: Path, origin: str) -> None:
    """Make a key that has its name once it is complete; of those that start at once, one does."""
    if os.path.lexists(path.with_suffix(".pub")) and not os.path.lexists(path):
        raise FileError(str(path), "the secret key of the public one beside it", "no file")
    stem = path.with_name(f".{random_bytes(12).hex()}")
    made, public = (stem.with_name(f"{stem.name}{suffix}") for suffix in (".key", ".pub"))
    write_key_pair(stem, NamedSigningKey("log", origin, SigningKey.generate()))
    try:
        os.link(made, path)
        os.replace(public, path.with_suffix(".pub"))
    except FileExistsError:
        pass
    except OSError as error:
        reason = error.strerror or "an error"
        raise FileError(str(path), "a file that can be made", reason) from None
    finally:
        made.unlink(missing_ok=True)
        public.unlink(missing_ok=True)

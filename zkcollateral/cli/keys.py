"""`zkcollateral keygen`: a signing key for a custodian, an oracle or a log."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from .options import AsJson, Encrypt, Force, PassphraseFile
from .output import emit_result
from .passphrase import new_passphrase


class RoleName(StrEnum):
    """For what a key's signatures count."""

    custodian = "custodian"
    oracle = "oracle"
    log = "log"


def keygen(
    role: Annotated[
        RoleName, typer.Argument(metavar="ROLE", help="custodian (or venue), oracle or log.")
    ],
    out: Annotated[Path, typer.Option(metavar="PREFIX", help="Write PREFIX.key and PREFIX.pub.")],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the holder (default: end of PREFIX)."),
    ] = None,
    encrypt: Encrypt = False,
    passphrase_file: PassphraseFile = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make a signing key for a custodian, an oracle or a log.

    The key is an Ed25519 key. PREFIX.key is secret and has mode 0600; PREFIX.pub is for others.
    """
    from ..crypto.keyfile import NamedPublicKey, NamedSigningKey, write_key_pair
    from ..crypto.signature import SigningKey
    from ..errors import DocumentError
    from .files import check_writable

    key = NamedSigningKey(role.value, out.name if name is None else name, SigningKey.generate())
    try:
        NamedPublicKey.from_json_value(key.public.to_json_value(), "--name")
    except DocumentError as error:
        raise InputError("--name", error.expected, repr(key.name)) from None
    targets = [Path(f"{out}.key"), Path(f"{out}.pub")]
    check_writable(targets, force=force)
    passphrase = new_passphrase(targets[0], passphrase_file, encrypt=encrypt)
    secret, public = write_key_pair(out, key, passphrase=passphrase, overwrite=force)
    emit_result(
        as_json,
        {
            "role": key.role,
            "name": key.name,
            "key_id": key.key.key_id,
            "secret_key_file": str(secret),
            "public_key_file": str(public),
            "encrypted": passphrase is not None,
        },
        [
            f"{secret}: secret key of {key.name} ({key.role}), for its holder only"
            + (", encrypted" if passphrase is not None else ""),
            f"{public}: public key of {key.name}, key id {key.key.key_id}",
        ],
    )

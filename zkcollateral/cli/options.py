"""Options that several commands share, spelled once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ..errors import InputError


class ArithmeticName(StrEnum):
    """Which of the two arithmetics computes."""

    native = "native"
    reference = "reference"


AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

PassphraseFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--passphrase-file", metavar="FILE", help="Passphrase: the first line of FILE."),
]

Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]

Encrypt: TypeAlias = Annotated[
    bool, typer.Option("--encrypt", help="Encrypt the secret file; asks for a passphrase.")
]

Audience: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--audience", metavar="NAME", help="Whom the attestation is for (default: anybody)."
    ),
]


Openings: TypeAlias = Annotated[
    list[Path],
    typer.Option("--opening", metavar="FILE", help="Opening, secret; may be repeated."),
]

CommitmentFiles: TypeAlias = Annotated[
    list[Path],
    typer.Option("--commitment", metavar="FILE", help="Its commitment; in the same order."),
]

LiabilityOpenings: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--liability-opening", metavar="FILE", help="Opening of what is to be covered."),
]

LiabilityCommitments: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--liability-commitment", metavar="FILE", help="Its commitment; in the same order."
    ),
]

Service: TypeAlias = Annotated[
    str | None,
    typer.Option("--service", metavar="URL", help="The service (or ZKCOLLATERAL_SERVICE)."),
]

ApiKeyFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--api-key-file", metavar="FILE", help="API key (or ZKCOLLATERAL_API_KEY)."),
]

PlainHttp: TypeAlias = Annotated[
    bool, typer.Option("--plain-http", help="Let the key go over the network unencrypted.")
]


def parse_time_option(option: str, text: str) -> datetime:
    """The time in an option's value; InputError names the option."""
    from ..risk.clock import parse_time

    try:
        return parse_time(text)
    except ValueError:
        raise InputError(option, "a UTC time such as 2026-01-31T12:00:00Z", repr(text)) from None

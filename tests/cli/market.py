"""A small market as files in a folder, made by the commands themselves.

Its amounts, blinders and keys are secrets that tests look for wherever commands write.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from zkcollateral.circuits.claim import document_digest
from zkcollateral.risk.clock import format_time, now
from zkcollateral.risk.registry import Registry

LENDER = "lender-7"
HOUR = timedelta(hours=1)
MAX_AGE = 6 * 3600

REGISTRY: dict[str, Any] = {
    "format": "zkcollateral/registry/1",
    "name": "test-assets",
    "slots": "8",
    "assets": [
        {"slot": "0", "symbol": "BTC", "unit": "-8", "side": "collateral"},
        {"slot": "1", "symbol": "ETH", "unit": "-9", "side": "collateral"},
        {"slot": "2", "symbol": "DUST", "unit": "-2", "side": "collateral"},
        {"slot": "4", "symbol": "USDC", "unit": "-6", "side": "debt"},
        {"slot": "6", "symbol": "ETH-PERP", "unit": "-6", "side": "signed"},
    ],
}

PORTFOLIO: dict[str, Any] = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-1",
    "collateral": {"BTC": "7.31415926", "ETH": "61.918273645"},
    "debt": {"USDC": "20271.828182"},
    "signed": {"ETH-PERP": "-2.577215"},
}
OTHER_PORTFOLIO: dict[str, Any] = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-2",
    "collateral": {"BTC": "3.60739821"},
    "debt": {"USDC": "41421.356237"},
    "signed": {},
}
POOR_PORTFOLIO: dict[str, Any] = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-3",
    "collateral": {"BTC": "1.61803398"},
    "debt": {"USDC": "98765.432198"},
    "signed": {},
}
PORTFOLIOS = {"one": PORTFOLIO, "two": OTHER_PORTFOLIO, "poor": POOR_PORTFOLIO}

PRICES = {"BTC": "64000.5", "ETH": "3000", "USDC": "1", "ETH-PERP": "3001.25"}

LIQUIDATION: dict[str, Any] = {
    "ratio": "1.1",
    "penalty": "0.08",
    "protocol_share": "0.1",
    "close_factor": "0.5",
    "close_all_below": "0.95",
    "minimum": "100",
    "auction": {"type": "linear", "start": "1.25", "duration_seconds": "3600"},
}
"""Liquidation terms for a policy."""

PASSPHRASE = "correct horse battery staple"


def policy(**changes: Any) -> dict[str, Any]:
    """The policy, with some of its fields replaced."""
    registry = document_digest(Registry.from_json_value(REGISTRY, "registry"))
    return {
        "format": "zkcollateral/policy/1",
        "name": "prime",
        "registry": registry,
        "quote": "USD",
        "ratio": "1.25",
        "factors": {
            "collateral": {"BTC": "0.85", "ETH": "0.8"},
            "debt": {"USDC": "1"},
            "signed": {"ETH-PERP": {"long": "0.9", "short": "1.1"}},
        },
        "value_decimals": None,
        "oracle": {"quorum": "2", "max_age_seconds": str(MAX_AGE), "max_deviation": "0.02"},
        "commitments": {
            "max_age_seconds": "86400",
            "max_summands": "3",
            "max_apart_seconds": "86400",
            "unvouched": True,
        },
        "profile": "balanced",
        "claims": {
            "maintenance": {"type": "maintenance"},
            "crisis": {
                "type": "stress",
                "scenarios": [
                    {"name": "synthetic:now", "shocks": {}},
                    {"name": "synthetic:crash", "shocks": {"BTC": "-0.4", "ETH": "-0.5"}},
                ],
            },
            "survives-20": {"type": "survives", "assets": ["BTC", "ETH"], "fall": "0.2"},
        },
    } | changes


def report(oracle: str, **changes: Any) -> dict[str, Any]:
    """A price report of this moment, with some of its fields replaced."""
    return {
        "format": "zkcollateral/price-report/1",
        "oracle": oracle,
        "time": format_time(now()),
        "quote": "USD",
        "prices": PRICES,
    } | changes


def write(path: Path, value: Any, mode: int = 0o644) -> Path:
    """Write a JSON file with this mode."""
    path.write_text(json.dumps(value), encoding="utf-8")
    path.chmod(mode)
    return path


def load(path: Path) -> Any:
    """The JSON value of a file."""
    return json.loads(path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Outcome:
    """What a command did: exit status, standard output, standard error."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def line(self) -> str:
        """The one line on standard error; fails unless it is one line and no traceback."""
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("error: ")
        assert "Traceback" not in self.err
        return self.err.removeprefix("error: ").removesuffix("\n")


Run = Callable[..., Outcome]

KEYS = (
    ("custodian", "north"),
    ("custodian", "south"),
    ("oracle", "oracle-a"),
    ("oracle", "oracle-b"),
)


def build(folder: Path, run: Callable[[list[str]], int]) -> None:
    """Fill a folder by real commands: keys, commitments, vouches, a round, an attestation."""

    def command(line: str) -> None:
        status = run(line.split())
        assert status == 0, line

    write(folder / "registry.json", REGISTRY)
    write(folder / "policy.json", policy())
    for name, portfolio in PORTFOLIOS.items():
        write(folder / f"{name}.portfolio.json", portfolio, 0o600)
    for role, name in KEYS:
        command(f"keygen {role} --out {name}")
    keys = " ".join(f"--key {name}.pub" for _, name in KEYS)
    command(f"trust {keys} --policy policy.json --audience {LENDER} --out trust.json")
    for name in PORTFOLIOS:
        command(
            f"commit {name}.portfolio.json --registry registry.json "
            f"--out {name}.commitment.json --opening {name}.opening.json"
        )
        venue = "south" if name == "two" else "north"
        command(
            f"vouch {name}.commitment.json --opening {name}.opening.json --key {venue}.key "
            f"--books {name}.portfolio.json --out {name}.vouched.json"
        )
    for oracle in ("oracle-a", "oracle-b"):
        write(folder / f"{oracle}.report.json", report(oracle))
        command(f"prices sign {oracle}.report.json --key {oracle}.key --out {oracle}.signed.json")
    command(
        "prices combine oracle-a.signed.json oracle-b.signed.json --policy policy.json "
        "--trust trust.json --out round.json"
    )
    command(f"{PROVE} --nonce n-1 --out attestation.json")


PROVE = (
    "prove --opening one.opening.json --commitment one.vouched.json --policy policy.json "
    f"--claim maintenance --prices round.json --audience {LENDER}"
)
VERIFY = "verify attestation.json --trust trust.json --nonce n-1"
COMMIT = "commit one.portfolio.json --registry registry.json --out c.json --opening o.json"
VOUCH = "vouch one.commitment.json --opening one.opening.json --key north.key --out v.json"
SIGN = "prices sign oracle-a.report.json --key oracle-a.key --out s.json"
COMBINE = (
    "prices combine oracle-a.signed.json oracle-b.signed.json --policy policy.json --out r.json"
)
TRUST = "trust --key north.pub --policy policy.json --out t.json"
INSPECT = "inspect attestation.json"


def secrets(folder: Path) -> set[str]:
    """Every secret string of a market: amounts in both units, blinders, secret keys."""
    found = {PASSPHRASE}
    units = {asset["symbol"]: -int(asset["unit"]) for asset in REGISTRY["assets"]}
    for portfolio in PORTFOLIOS.values():
        for side in ("collateral", "debt", "signed"):
            for symbol, amount in portfolio[side].items():
                digits = amount.lstrip("-")
                whole, _, decimals = digits.partition(".")
                found |= {digits, whole + decimals.ljust(units[symbol], "0")}
    for path in folder.rglob("*"):
        if path.suffix == ".key" or path.name.endswith(".opening.json"):
            value = load(path)
            found |= {value[field] for field in ("secret", "blinder") if field in value}
            found |= {hex(int(value["blinder"]))[2:]} if "blinder" in value else set()
    return found


def leaks(text: str, secret: set[str]) -> list[str]:
    """The secrets that occur in a text as numbers or words of their own."""
    return [s for s in secret if re.search(rf"(?<![0-9a-f]){re.escape(s)}(?![0-9a-f])", text)]


def digest_of(value: Mapping[str, Any]) -> str:
    """The digest of a registry."""
    return document_digest(Registry.from_json_value(dict(value), "registry"))


OUTPUTS = ("c.json", "o.json", "v.json", "s.json", "r.json", "a.json", "t.json")


def check_refused(run: Run, folder: Path, line: str, file: str) -> str:
    """The line on standard error of a command that must not come to an end because of a file."""
    outcome = run(line)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.line.startswith(file)
    for name in OUTPUTS:
        assert not (folder / name).exists()
    return outcome.line

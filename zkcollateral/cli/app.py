"""The commands, their order and their examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import typer

from .api_key import create_key, list_keys, revoke_key
from .audit import answer, list_audits, open_audit
from .commit import commit
from .db import backup, check, restore, upgrade
from .demo import demo
from .digest import digest
from .inspect import inspect
from .keys import keygen
from .log import verify_the_log
from .options import ArithmeticName
from .output import emit
from .prices import combine, sign
from .prove import prove
from .risk_breach import breach
from .risk_cascade import cascade
from .risk_hedge import hedge
from .risk_liquidation import liquidation
from .risk_margin import margin
from .risk_replay import replay
from .risk_report import report
from .risk_stress import stress
from .serve import serve
from .submit import submit
from .trust import trust
from .verify import verify
from .vouch import vouch
from .watch import watch

EXAMPLES: Final = {
    "keygen": ("zkcollateral keygen custodian --out keys/northbank --encrypt",),
    "commit": (
        "zkcollateral commit portfolio.json --registry registry.json",
        "    --out commitment.json --opening opening.json",
    ),
    "vouch": (
        "zkcollateral vouch commitment.json --opening opening.json",
        "    --key keys/northbank.key --books books.json --out vouched.json",
    ),
    "prices sign": (
        "zkcollateral prices sign report.json --key keys/oracle-a.key --out signed-a.json",
    ),
    "prices combine": (
        "zkcollateral prices combine signed-a.json signed-b.json",
        "    --policy policy.json --out round.json",
    ),
    "prove": (
        "zkcollateral prove --opening opening.json --commitment vouched.json",
        "    --policy policy.json --claim maintenance --prices round.json",
        "    --audience lender-7 --out attestation.json",
    ),
    "verify": ("zkcollateral verify attestation.json --trust trust.json --claim maintenance",),
    "inspect": ("zkcollateral inspect attestation.json",),
    "trust": (
        "zkcollateral trust --key keys/northbank.pub --key keys/oracle-a.pub",
        "    --key keys/oracle-b.pub --policy policy.json --audience lender-7",
        "    --out trust.json",
    ),
    "risk report": (
        "zkcollateral risk report portfolio.json --registry registry.json",
        "    --policy policy.json --prices round.json",
    ),
    "risk liquidation": (
        "zkcollateral risk liquidation portfolio.json --registry registry.json",
        "    --policy policy.json --prices round.json --shock BTC=-0.3",
    ),
    "risk margin": (
        "zkcollateral risk margin venue-1.json venue-2.json --registry registry.json",
        "    --policy policy.json --prices round.json --plot margin.png",
    ),
    "risk breach": (
        "zkcollateral risk breach portfolio.json --registry registry.json",
        "    --policy policy.json --prices round.json --horizon 7d --delay 1h",
        "    --volatility BTC=0.6 --volatility ETH=0.8 --volatility ETH-PERP=0.8",
        "    --volatility USDC=0 --correlation-stress 0.8",
    ),
    "risk hedge": (
        "zkcollateral risk hedge portfolio.json --registry registry.json",
        "    --policy policy.json --prices round.json --target 1.5 --cost BTC=0.002",
    ),
    "risk replay": (
        "zkcollateral risk replay BTCUSDT.csv --portfolio portfolio.json",
        "    --registry registry.json --policy policy.json --prices round.json",
    ),
    "risk stress": (
        "zkcollateral risk stress portfolio.json --registry registry.json",
        "    --policy policy.json --prices round.json --plot stress.png",
    ),
    "risk cascade": (
        "zkcollateral risk cascade --synthetic 500 --registry registry.json",
        "    --policy policy.json --prices round.json --shock BTC=-0.2 --shock ETH=-0.3",
        "    --depth BTC=200 --depth ETH=4000 --depth ETH-PERP=4000 --congestion 50",
    ),
    "submit": (
        "zkcollateral submit attestation.json --service https://collateral.example.com",
        "    --api-key-file holder.api-key --bundle-out bundle.json",
    ),
    "audit open": (
        "zkcollateral audit open --prover holder --policy policy.json --claim maintenance",
        "    --audience lender-7 --service https://collateral.example.com",
    ),
    "audit answer": (
        "zkcollateral audit answer 7f3a --opening opening.json --commitment vouched.json",
        "    --trust trust.json --service https://collateral.example.com",
    ),
    "audit list": (
        "zkcollateral audit list --state open --service https://collateral.example.com",
    ),
    "log verify": (
        "zkcollateral log verify --trust trust.json --kept checkpoint",
        "    --service https://collateral.example.com",
    ),
    "watch": (
        "zkcollateral watch --opening opening.json --commitment vouched.json",
        "    --policy policy.json --claim maintenance --trust trust.json",
        "    --service https://collateral.example.com",
    ),
    "serve": ("zkcollateral serve --port 8000",),
    "api-key create": (
        "zkcollateral api-key create --tenant north-oracle --scope oracle --name oracle-a",
    ),
    "api-key list": ("zkcollateral api-key list",),
    "api-key revoke": ("zkcollateral api-key revoke 0123456789abcdef",),
    "db check": ("zkcollateral db check --kept checkpoint",),
    "db backup": ("zkcollateral db backup service.backup",),
    "db restore": ("zkcollateral db restore service.backup --kept checkpoint",),
    "db upgrade": ("zkcollateral db upgrade",),
    "digest": ("zkcollateral digest policy.json",),
    "demo": ("zkcollateral demo --dir demo-output",),
}

_SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_SETTINGS,
)
prices_app = typer.Typer(
    rich_markup_mode=None, context_settings=_SETTINGS, help="Sign price reports and combine them."
)
risk_app = typer.Typer(
    rich_markup_mode=None, context_settings=_SETTINGS, help="Health and liquidation of an account."
)
audit_app = typer.Typer(
    rich_markup_mode=None, context_settings=_SETTINGS, help="Ask for attestations, and answer."
)
log_app = typer.Typer(
    rich_markup_mode=None, context_settings=_SETTINGS, help="The service's transparency log."
)

api_key_app = typer.Typer(
    rich_markup_mode=None, context_settings=_SETTINGS, help="API keys of this machine's service."
)
db_app = typer.Typer(
    rich_markup_mode=None, context_settings=_SETTINGS, help="The database of this service."
)


def _version(asked: bool) -> None:
    if asked:
        from .. import __version__

        emit(f"zkcollateral {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    arithmetic: Annotated[
        ArithmeticName | None,
        typer.Option(metavar="NAME", help="native (default, where installed) or reference."),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Prove that a private portfolio is sufficiently collateralized, and check such proofs.

    Exit status: 0 done or valid; 1 not valid, or the claim is not satisfied; 2 unusable input.
    """
    del version
    context.obj = arithmetic


def _register(target: typer.Typer, path: str, command: Callable[..., int | None]) -> None:
    example = "\n".join(f"  {line}" for line in EXAMPLES[path])
    target.command(
        path.rpartition(" ")[2], epilog=f"\b\nExample:\n{example}", context_settings=_SETTINGS
    )(command)


_register(app, "keygen", keygen)
_register(app, "commit", commit)
_register(app, "vouch", vouch)
app.add_typer(prices_app, name="prices")
_register(prices_app, "prices sign", sign)
_register(prices_app, "prices combine", combine)
_register(app, "prove", prove)
_register(app, "verify", verify)
_register(app, "inspect", inspect)
_register(app, "trust", trust)
app.add_typer(risk_app, name="risk")
_register(risk_app, "risk report", report)
_register(risk_app, "risk liquidation", liquidation)
_register(risk_app, "risk margin", margin)
_register(risk_app, "risk breach", breach)
_register(risk_app, "risk cascade", cascade)
_register(risk_app, "risk hedge", hedge)
_register(risk_app, "risk replay", replay)
_register(risk_app, "risk stress", stress)
_register(app, "submit", submit)
app.add_typer(audit_app, name="audit")
_register(audit_app, "audit open", open_audit)
_register(audit_app, "audit answer", answer)
_register(audit_app, "audit list", list_audits)
app.add_typer(log_app, name="log")
_register(log_app, "log verify", verify_the_log)
_register(app, "watch", watch)
_register(app, "serve", serve)
app.add_typer(api_key_app, name="api-key")
_register(api_key_app, "api-key create", create_key)
_register(api_key_app, "api-key list", list_keys)
_register(api_key_app, "api-key revoke", revoke_key)
app.add_typer(db_app, name="db")
_register(db_app, "db check", check)
_register(db_app, "db backup", backup)
_register(db_app, "db restore", restore)
_register(db_app, "db upgrade", upgrade)
_register(app, "digest", digest)
_register(app, "demo", demo)

"""What the examples share: made-up keys, oracles and a custodian, and the way to a checked proof.

    registry = asset_registry("a-name", [("ETH", -9, "collateral"), ("DAI", -9, "debt")])
    policy = policy_of(rule, registry)           # rule: a ProvableRule of a preset
    cast = Cast()                                # keys that were generated just now
    prices = cast.sign_prices(policy, {"ETH": ("3001", "3000", "2999"), "DAI": ("1", "1", "1")})
    cast.prove_and_verify(policy, registry, portfolio, prices)

`show` and `number` print. Nothing here is part of the package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from time import perf_counter

import zkcollateral as zk
from zkcollateral.risk.presets.provable import ProvableRule
from zkcollateral.risk.values import FrozenMap

LENDER = "lender-7"
ORACLES = ("oracle-east", "oracle-north", "oracle-west")
ORACLE_RULE = zk.OracleRule(quorum=3, max_age_seconds=600, max_deviation=zk.Exact("0.02"))
COMMITMENT_RULE = zk.CommitmentRule(
    max_age_seconds=86_400, max_summands=1, max_apart_seconds=0, unvouched=False
)


def asset_registry(name: str, assets: Sequence[tuple[str, int, str]]) -> zk.Registry:
    """A registry of (symbol, unit, side), one slot each: unit −8 is 0.00000001."""
    slots = 1 << (len(assets) - 1).bit_length()
    return zk.Registry.build(
        name=name,
        slots=slots,
        assets=[
            {"slot": slot, "symbol": symbol, "unit": unit, "side": side}
            for slot, (symbol, unit, side) in enumerate(assets)
        ],
    )


def policy_of(
    rule: ProvableRule, registry: zk.Registry, shocks: Mapping[str, Mapping[str, str]] | None = None
) -> zk.Policy:
    """The rule's policy: claims `healthy`, and `not-liquidatable` now and under the named shocks.

    Args:
        rule: of a preset.
        registry: the slots.
        shocks: by scenario and symbol, as a decimal: "-0.1" is ten per cent down.
    """
    scenarios = [
        zk.Scenario(
            name=name, shocks=FrozenMap({symbol: zk.Exact(s) for symbol, s in moved.items()})
        )
        for name, moved in (shocks or {}).items()
    ]
    digest = zk.document_digest(registry)
    return rule.policy(registry, digest, ORACLE_RULE, COMMITMENT_RULE, scenarios=scenarios)


class Cast:
    """Everyone but the holder: three oracles, custodians and a lender, with made-up keys.

    Args:
        custodians: by name; the first vouches where none is named.
    """

    def __init__(self, custodians: Sequence[str] = ("custodian-one",)) -> None:
        self.custodians = {name: zk.SigningKey.generate() for name in custodians}
        self.custodian = self.custodians[custodians[0]]
        self.oracles = {name: zk.SigningKey.generate() for name in ORACLES}
        self.srs = zk.ceremony(zk.arithmetic())

    def sign_prices(
        self,
        policy: zk.Policy,
        prices: Mapping[str, Sequence[str]],
        figures: Mapping[str, Sequence[str]] | None = None,
    ) -> zk.SignedRound:
        """The round of what each of the three oracles says now, signed by each.

        Args:
            policy: whose quote and rule they follow.
            prices, figures: by name, one decimal for each oracle; the median counts.
        """
        reports = []
        for index, (name, key) in enumerate(self.oracles.items()):
            report = zk.PriceReport.build(
                oracle=name,
                time=zk.now(),
                quote=policy.quote,
                prices={symbol: zk.Exact(said[index]) for symbol, said in prices.items()},
                figures={what: zk.Exact(said[index]) for what, said in (figures or {}).items()},
            )
            reports.append(zk.report_envelope(report, key))
        return zk.make_signed_round(reports, policy)

    def vouch(
        self, registry: zk.Registry, portfolio: zk.Portfolio, custodian: str | None = None
    ) -> zk.Holding:
        """The holder commits; the custodian compares with its books and signs."""
        opening = zk.Opening.fresh(portfolio.amounts(registry))
        commitment = zk.CommitmentDocument(
            account=portfolio.account,
            registry=zk.document_digest(registry),
            slots=registry.slots,
            commitment=bytes(opening.commit(self.srs)).hex(),
        )
        key = self.custodian if custodian is None else self.custodians[custodian]
        srs, at = self.srs, zk.now()
        signed = zk.vouch(commitment, opening, registry, key, srs, as_of=at, books=portfolio)
        return zk.Holding(opening, signed)

    def trust(self, policy: zk.Policy) -> zk.Trust:
        """The lender's own file: this policy, these oracles and these custodians."""
        keys = [("oracle", name, key) for name, key in self.oracles.items()]
        keys += [("custodian", name, key) for name, key in self.custodians.items()]
        return zk.Trust.build(
            audience=LENDER,
            policies=[zk.document_digest(policy)],
            keys=[
                zk.TrustedKey(
                    role="custodian" if role == "custodian" else "oracle",
                    name=name,
                    public_key=key.public.raw.hex(),
                    valid_from=zk.now() - timedelta(days=1),
                    valid_until=zk.now() + timedelta(days=1),
                )
                for role, name, key in keys
            ],
        )

    def prove_and_verify(
        self,
        policy: zk.Policy,
        registry: zk.Registry,
        portfolio: zk.Portfolio,
        prices: zk.SignedRound,
        claims: Sequence[str] = ("healthy",),
    ) -> dict[str, zk.Report | None]:
        """Prove the claims to the lender, who checks them; print each verdict.

        Returns:
            By claim the verifier's report; None where the account does not satisfy the claim, so
            that there is no proof.
        """
        holdings = (self.vouch(registry, portfolio),)
        title = f"{portfolio.account} under {policy.name}"
        return self.prove_together(policy, registry, holdings, prices, claims, title)

    def prove_together(
        self,
        policy: zk.Policy,
        registry: zk.Registry,
        holdings: Sequence[zk.Holding],
        prices: zk.SignedRound,
        claims: Sequence[str],
        title: str,
    ) -> dict[str, zk.Report | None]:
        """The same for the sum of what several custodians vouch."""
        reports: dict[str, zk.Report | None] = {}
        rows = []
        for claim in claims:
            request = zk.Request(claim, policy, registry, prices, tuple(holdings), audience=LENDER)
            started = perf_counter()
            try:
                attestation = zk.attest(request, self.srs)
            except zk.ClaimNotSatisfied:
                reports[claim] = None
                rows.append((claim, "no proof: the account does not satisfy it"))
                continue
            proved = perf_counter()
            expected = zk.Expectation(zk.now(), claim=claim)
            report = zk.verify_attestation(attestation, self.trust(policy), self.srs, expected)
            seconds = f"{proved - started:.3f} s, verified in {perf_counter() - proved:.3f} s"
            verdict = "valid" if report.valid else f"NOT valid: {report.failed[0].reason}"
            size = len(attestation.proof) // 2
            reports[claim] = report
            rows.append((claim, f"{verdict}; {size} bytes, proved in {seconds}"))
        show(f"Proofs for {LENDER}: {title}", rows)
        return reports


def number(value: Fraction | int, places: int = 2) -> str:
    """A number for people, rounded to some decimals: 12,345.68."""
    scaled = round(Fraction(value) * 10**places)
    whole, part = divmod(abs(scaled), 10**places)
    decimals = f".{part:0{places}d}" if places else ""
    return f"{'-' if scaled < 0 else ''}{whole:,}{decimals}"


def show(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print a small table: rows of equally many cells, the columns aligned."""
    print(f"\n{title}")
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  " + "   ".join(cells).rstrip())

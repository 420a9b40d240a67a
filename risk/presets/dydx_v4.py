"""dYdX v4: margin of perpetuals and of subaccounts, in quote quantums (10^-6 USDC).

Followed: dydxprotocol/v4-chain after protocol v9.6 (March 2026): protocol/x/perpetuals/types/
liquidity_tier.go, x/perpetuals/lib/lib.go, lib/quantums.go, x/subaccounts/lib/updates.go,
x/assets/lib/lib.go. Its test of the totals is in `dydx_risk`, liquidation in `dydx_liquidation`.

Left out: collateral pools and isolated markets, fees, withdrawals that are blocked for a time.
Assets other than USDC have no margin value on the chain either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import InputError
from ..fixed_point import MAX_UINT256, mul_div, mul_div_up, truncate_div, whole
from .dydx_risk import Risk

ONE_MILLION = 10**6
QUOTE_ATOMIC_RESOLUTION = -6
MAX_UINT64 = 2**64 - 1
_MAX_EXPONENT = 99


@dataclass(frozen=True, slots=True)
class LiquidityTier:
    """Margin parameters that a group of perpetuals shares (liquidity_tier.go, Validate).

    Args:
        initial_margin_ppm: base initial margin fraction, parts per million, 0..1,000,000.
        maintenance_fraction_ppm: maintenance over base initial margin, 0..1,000,000.
        open_interest_lower_cap: open notional, quote quantums, up to which the base applies.
        open_interest_upper_cap: open notional from which it is 1; 0 switches the scaling off.
        impact_notional: quote quantums, at least 1; of funding only, no margin depends on it.

    Raises:
        InputError: a parameter that the chain's own check refuses.
    """

    initial_margin_ppm: int
    maintenance_fraction_ppm: int
    open_interest_lower_cap: int = 0
    open_interest_upper_cap: int = 0
    impact_notional: int = 1

    def __post_init__(self) -> None:
        where = "dYdX liquidity tier"
        whole(f"{where}: initial_margin_ppm", self.initial_margin_ppm, 0, ONE_MILLION)
        whole(f"{where}: maintenance_fraction_ppm", self.maintenance_fraction_ppm, 0, ONE_MILLION)
        whole(f"{where}: impact_notional", self.impact_notional, 1, MAX_UINT64)
        lower = whole(
            f"{where}: open_interest_lower_cap", self.open_interest_lower_cap, 0, MAX_UINT64
        )
        upper = whole(
            f"{where}: open_interest_upper_cap", self.open_interest_upper_cap, 0, MAX_UINT64
        )
        if lower > upper:
            raise InputError(
                f"{where}: open_interest_lower_cap",
                f"at most the upper cap {upper}",
                str(lower),
            )

    def maintenance_margin_ppm(self) -> int:
        """Base initial margin times the maintenance fraction, rounded down to ppm."""
        return mul_div(self.initial_margin_ppm, self.maintenance_fraction_ppm, ONE_MILLION)

    def max_abs_funding_clamp_ppm(self, clamp_factor_ppm: int) -> int:
        """Largest magnitude of a funding rate: factor times (initial minus maintenance), ppm."""
        whole("dYdX liquidity tier: clamp_factor_ppm", clamp_factor_ppm, 0, 2**32 - 1)
        spread = self.initial_margin_ppm - self.maintenance_margin_ppm()
        return mul_div(clamp_factor_ppm, spread, ONE_MILLION)

    def adjusted_initial_margin_ppm(self, open_notional: int) -> int:
        """Initial margin fraction at an open interest, ppm (GetAdjustedInitialMarginPpm).

        Args:
            open_notional: open interest in quote quantums, at least 0.
        """
        whole("dYdX liquidity tier: open notional", open_notional, 0)
        base, lower = self.initial_margin_ppm, self.open_interest_lower_cap
        upper = self.open_interest_upper_cap
        if upper == 0 or open_notional <= lower:
            return base
        if open_notional >= upper:
            return ONE_MILLION
        return base + mul_div(ONE_MILLION - base, open_notional - lower, upper - lower)

    def initial_margin(self, notional: int, open_notional: int = 0, custom_imf_ppm: int = 0) -> int:
        """Initial margin, rounded up, of a notional in quote quantums (at least 0).

        Args:
            open_notional: open interest in quote quantums, which scales the fraction.
            custom_imf_ppm: the holder's own fraction; it counts where it is the larger one.
        """
        whole("dYdX liquidity tier: notional", notional, 0)
        whole("dYdX liquidity tier: custom_imf_ppm", custom_imf_ppm, 0, ONE_MILLION)
        fraction = max(self.adjusted_initial_margin_ppm(open_notional), custom_imf_ppm)
        return mul_div_up(notional, fraction, ONE_MILLION)

    def maintenance_margin(self, notional: int) -> int:
        """Maintenance fraction of the rounded base initial margin, rounded up.

        Neither open interest nor the holder's own fraction moves it.
        """
        return mul_div_up(self.initial_margin(notional), self.maintenance_fraction_ppm, ONE_MILLION)


@dataclass(frozen=True, slots=True)
class Perpetual:
    """One perpetual market with its oracle price.

    Args:
        ticker: name, not empty; unique in a subaccount.
        atomic_resolution: one base quantum is 10^atomic_resolution coins, -99..99.
        price: oracle price, 1..2^64 - 1, in units of 10^price_exponent USDC per coin.
        price_exponent: -99..99.
        tier: margin parameters.
        open_interest: base quantums, at least 0.
        funding_index: cumulative funding, ppm of a quote quantum per base quantum.

    Raises:
        InputError: a value out of its range.
    """

    ticker: str
    atomic_resolution: int
    price: int
    price_exponent: int
    tier: LiquidityTier
    open_interest: int = 0
    funding_index: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.ticker, str) or not self.ticker:
            raise InputError("dYdX perpetual: ticker", "a name", "none")
        where = f"dYdX perpetual {self.ticker}"
        whole(f"{where}: atomic_resolution", self.atomic_resolution, -_MAX_EXPONENT, _MAX_EXPONENT)
        whole(f"{where}: price", self.price, 1, MAX_UINT64)
        whole(f"{where}: price_exponent", self.price_exponent, -_MAX_EXPONENT, _MAX_EXPONENT)
        whole(f"{where}: open_interest", self.open_interest, 0)
        whole(f"{where}: funding_index", self.funding_index, -MAX_UINT256)
        if not isinstance(self.tier, LiquidityTier):
            raise InputError(f"{where}: tier", "a LiquidityTier", f"a {type(self.tier).__name__}")

    def _scale(self) -> tuple[int, int]:
        shift = self.price_exponent + self.atomic_resolution - QUOTE_ATOMIC_RESOLUTION
        return 10 ** max(shift, 0), 10 ** max(-shift, 0)

    def net_notional(self, quantums: int) -> int:
        """Signed value of signed base quantums in quote quantums, rounded towards zero."""
        whole(f"dYdX perpetual {self.ticker}: quantums", quantums, -MAX_UINT256)
        value = self.price * quantums
        up, down = self._scale()
        return truncate_div(value * up, down)

    def notional_in_base_quantums(self, notional: int) -> int:
        """Base quantums worth a number of quote quantums, rounded towards zero."""
        whole(f"dYdX perpetual {self.ticker}: notional", notional, -MAX_UINT256)
        up, down = self._scale()
        return truncate_div(truncate_div(notional * down, up), self.price)

    def margin_requirements(self, quantums: int, custom_imf_ppm: int = 0) -> tuple[int, int]:
        """(initial, maintenance) margin in quote quantums of signed base quantums, rounded up."""
        notional = self.net_notional(abs(quantums))
        initial = self.tier.initial_margin(
            notional, self.net_notional(self.open_interest), custom_imf_ppm
        )
        return initial, self.tier.maintenance_margin(notional)

    def settlement_ppm(self, quantums: int, funding_index: int) -> int:
        """Funding that a position last settled at an index receives, in ppm of quote quantums."""
        return -(self.funding_index - funding_index) * quantums


@dataclass(frozen=True, slots=True)
class Position:
    """A subaccount's position in one perpetual.

    Args:
        perpetual: its market.
        quantums: signed base quantums; positive is long.
        funding_index: of the market when this position was last settled.
        quote_balance: signed quote quantums that belong to the position.
        custom_imf_ppm: initial margin fraction that the holder chose; 0 for none, else at least
            the tier's base fraction and at most 1,000,000.
    """

    perpetual: Perpetual
    quantums: int
    funding_index: int = 0
    quote_balance: int = 0
    custom_imf_ppm: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.perpetual, Perpetual):
            raise InputError("dYdX position", "a Perpetual", f"a {type(self.perpetual).__name__}")
        where = f"dYdX position in {self.perpetual.ticker}"
        whole(f"{where}: quantums", self.quantums, -MAX_UINT256)
        whole(f"{where}: funding_index", self.funding_index, -MAX_UINT256)
        whole(f"{where}: quote_balance", self.quote_balance, -MAX_UINT256)
        whole(f"{where}: custom_imf_ppm", self.custom_imf_ppm, 0, ONE_MILLION)
        floor = self.perpetual.tier.initial_margin_ppm
        if self.custom_imf_ppm and (floor == 0 or self.custom_imf_ppm < floor):
            raise InputError(f"{where}: custom_imf_ppm", f"0, or from {floor}, not 0", "less")


@dataclass(frozen=True, slots=True)
class Subaccount:
    """USDC and perpetual positions, one in each perpetual at most.

    Args:
        usdc: signed quote quantums.
        positions: at most one of each ticker.
    """

    usdc: int
    positions: tuple[Position, ...] = ()

    def __post_init__(self) -> None:
        whole("dYdX subaccount: usdc", self.usdc, -MAX_UINT256)
        tickers = [position.perpetual.ticker for position in self.positions]
        for ticker in tickers:
            if tickers.count(ticker) > 1:
                raise InputError(f"dYdX subaccount: {ticker}", "one position", "more")

    def position(self, ticker: str) -> Position | None:
        """The position in a perpetual, if there is one."""
        return next((p for p in self.positions if p.perpetual.ticker == ticker), None)

    def reduced_position(self, ticker: str, delta_quantums: int) -> Position:
        """The position in a perpetual that a signed change of base quantums reduces or closes.

        Raises:
            InputError: no such position; a change that is 0, enlarges it or goes beyond it.
        """
        position = self.position(ticker)
        where = f"dYdX position in {ticker}: size delta"
        size = 0 if position is None else position.quantums
        delta = whole(where, delta_quantums, -MAX_UINT256)
        if position is None or size * delta >= 0 or abs(delta) > abs(size):
            raise InputError(where, "opposite to an open position and within it, not 0", "another")
        return position

    def traded(self, ticker: str, delta_quantums: int, usdc_delta: int) -> Subaccount:
        """After a change of one position and of the USDC; a position that is nothing is gone."""
        changed = (
            replace(p, quantums=p.quantums + delta_quantums) if p.perpetual.ticker == ticker else p
            for p in self.positions
        )
        left = tuple(p for p in changed if p.quantums or p.quote_balance)
        return Subaccount(self.usdc + usdc_delta, left)

    def settled(self) -> Subaccount:
        """With funding paid: the sum of all settlements, rounded down to a quote quantum."""
        ppm = sum(p.perpetual.settlement_ppm(p.quantums, p.funding_index) for p in self.positions)
        positions = tuple(
            replace(p, funding_index=p.perpetual.funding_index) for p in self.positions
        )
        return Subaccount(self.usdc + ppm // ONE_MILLION, positions)


def position_risk(perpetual: Perpetual, quantums: int, custom_imf_ppm: int = 0) -> Risk:
    """Net notional and margins of signed base quantums, without a quote balance."""
    initial, maintenance = perpetual.margin_requirements(quantums, custom_imf_ppm)
    return Risk(perpetual.net_notional(quantums), initial, maintenance)


def subaccount_risk(subaccount: Subaccount) -> Risk:
    """Total net collateral and margins of a subaccount after its funding is settled."""
    settled = subaccount.settled()
    total = Risk(settled.usdc, 0, 0)
    for p in settled.positions:
        total += position_risk(p.perpetual, p.quantums, p.custom_imf_ppm)
        total += Risk(p.quote_balance, 0, 0)
    return total


def is_liquidatable(subaccount: Subaccount) -> bool:
    """Whether the subaccount may be liquidated (x/clob/keeper/liquidations.go, IsLiquidatable)."""
    return subaccount_risk(subaccount).is_liquidatable()

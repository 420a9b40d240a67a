"""Aave v3.7: the parameters of a pool, in the ranges that its configurator accepts.

Follows aave-dao/aave-v3-origin v3.7.0, `src/contracts/protocol`: `pool/PoolConfigurator.sol`
(configureReserveAsCollateral, setEModeCategory, setLiquidationProtocolFee),
`libraries/logic/ConfiguratorLogic.sol` (decimals) and `libraries/logic/ValidationLogic.sol`
(getUserReserveLtv).

Left out: supply and borrow caps (see aave_operations), reserve factors and interest rates.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError
from ..checks import label
from ..fixed_point import RAY, whole
from .aave_math import PERCENTAGE_FACTOR, percent_mul

MAX_RESERVES = 128
_MAX_INDEX = 2**128 - 1
_MAX_TIMESTAMP = 2**40 - 1


def check_flag(where: str, value: object) -> None:
    """Refuses anything but a bool."""
    if not isinstance(value, bool):
        raise InputError(where, "true or false", f"a {type(value).__name__}")


def _check_threshold(where: str, ltv: int, threshold: int, bonus: int) -> None:
    """The configurator's rules of a usable collateral: every unit's bonus is covered."""
    if ltv > threshold:
        raise InputError(f"{where}.ltv", f"at most the threshold {threshold}", str(ltv))
    if bonus <= PERCENTAGE_FACTOR:
        raise InputError(f"{where}.liquidation_bonus", f"above {PERCENTAGE_FACTOR}", str(bonus))
    if percent_mul(threshold, bonus) > PERCENTAGE_FACTOR:
        expected = f"threshold · bonus of at most {PERCENTAGE_FACTOR}"
        raise InputError(f"{where}.liquidation_bonus", expected, str(bonus))


@dataclass(frozen=True, slots=True)
class AaveReserve:
    """One asset of a pool: its configuration and its indices of the moment.

    Args:
        symbol: the asset.
        decimals: 6 to 77; one whole asset is 10^decimals smallest units.
        ltv: basis points, at most `liquidation_threshold`.
        liquidation_threshold: basis points; 0 makes it no collateral outside an eMode.
        liquidation_bonus: basis points above 10,000 (10,500 is a bonus of 5 %), and threshold ·
            bonus at most 10,000; 0 when the threshold is 0.
        liquidation_protocol_fee: basis points of the bonus, 0 to 10,000.
        liquidity_index, variable_borrow_index: ray.
        borrowing_enabled, active, frozen, paused: the reserve's flags.
        liquidation_grace_period_until: Unix time up to which, inclusive, it is not liquidated.

    Raises:
        InputError: a parameter that the pool's configurator refuses.
    """

    symbol: str
    decimals: int
    ltv: int
    liquidation_threshold: int
    liquidation_bonus: int
    liquidation_protocol_fee: int = 0
    liquidity_index: int = RAY
    variable_borrow_index: int = RAY
    borrowing_enabled: bool = True
    active: bool = True
    frozen: bool = False
    paused: bool = False
    liquidation_grace_period_until: int = 0

    def __post_init__(self) -> None:
        label("Aave reserve's symbol", self.symbol)
        where = f"Aave reserve {self.symbol}"
        whole(f"{where}.decimals", self.decimals, 6, 77)
        whole(f"{where}.ltv", self.ltv, 0, PERCENTAGE_FACTOR)
        whole(f"{where}.liquidation_threshold", self.liquidation_threshold, 0, PERCENTAGE_FACTOR)
        whole(f"{where}.liquidation_bonus", self.liquidation_bonus, 0, 2**16 - 1)
        if self.liquidation_threshold:
            _check_threshold(where, self.ltv, self.liquidation_threshold, self.liquidation_bonus)
        elif self.ltv or self.liquidation_bonus:
            expected = "a threshold above 0, or an LTV and a bonus of 0"
            raise InputError(f"{where}.liquidation_threshold", expected, "0")
        fee = self.liquidation_protocol_fee
        whole(f"{where}.liquidation_protocol_fee", fee, 0, PERCENTAGE_FACTOR)
        whole(f"{where}.liquidity_index", self.liquidity_index, 1, _MAX_INDEX)
        whole(f"{where}.variable_borrow_index", self.variable_borrow_index, 1, _MAX_INDEX)
        for field in ("borrowing_enabled", "active", "frozen", "paused"):
            check_flag(f"{where}.{field}", getattr(self, field))
        until = self.liquidation_grace_period_until
        whole(f"{where}.liquidation_grace_period_until", until, 0, _MAX_TIMESTAMP)

    @property
    def unit(self) -> int:
        """Smallest units of one whole asset."""
        return int(10**self.decimals)


@dataclass(frozen=True, slots=True)
class EModeCategory:
    """An efficiency mode: better terms for some collaterals, and a list of what may be borrowed.

    Args:
        category_id: 1 to 255; 0 is no eMode.
        ltv, liquidation_threshold, liquidation_bonus: as a reserve's, in place of theirs for the
            reserves in `collateral`; none may be 0.
        collateral: symbols that have the category's terms.
        borrowable: symbols that may be borrowed inside it, whatever the reserve's own flag.
        ltv_zero: symbols of `collateral` that keep the threshold but lend nothing.
        isolated: collateral outside the list lends nothing.

    Raises:
        InputError: a parameter that the pool's configurator refuses.
    """

    category_id: int
    ltv: int
    liquidation_threshold: int
    liquidation_bonus: int
    collateral: frozenset[str] = frozenset()
    borrowable: frozenset[str] = frozenset()
    ltv_zero: frozenset[str] = frozenset()
    isolated: bool = False

    def __post_init__(self) -> None:
        whole("Aave eMode category_id", self.category_id, 1, 255)
        where = f"Aave eMode {self.category_id}"
        whole(f"{where}.ltv", self.ltv, 1, PERCENTAGE_FACTOR)
        whole(f"{where}.liquidation_threshold", self.liquidation_threshold, 1, PERCENTAGE_FACTOR)
        whole(f"{where}.liquidation_bonus", self.liquidation_bonus, 0, 2**16 - 1)
        _check_threshold(where, self.ltv, self.liquidation_threshold, self.liquidation_bonus)
        check_flag(f"{where}.isolated", self.isolated)
        for field in ("collateral", "borrowable", "ltv_zero"):
            if not isinstance(getattr(self, field), frozenset):
                raise InputError(f"{where}.{field}", "a frozenset of symbols", "another type")
        if not self.ltv_zero <= self.collateral:
            got = ", ".join(sorted(self.ltv_zero - self.collateral))
            raise InputError(f"{where}.ltv_zero", "symbols of the category's collateral", got)


@dataclass(frozen=True, slots=True)
class AaveMarket:
    """A pool: at most 128 reserves and the eModes over them.

    Raises:
        InputError: a symbol or a category listed twice, or a category over an unknown reserve.
    """

    reserves: tuple[AaveReserve, ...]
    e_modes: tuple[EModeCategory, ...] = ()

    def __post_init__(self) -> None:
        symbols = [reserve.symbol for reserve in self.reserves]
        if not 1 <= len(symbols) <= MAX_RESERVES:
            raise InputError("Aave market's reserves", f"1 to {MAX_RESERVES}", str(len(symbols)))
        if len(set(symbols)) != len(symbols):
            raise InputError("Aave market's reserves", "each symbol once", "one listed twice")
        ids = [category.category_id for category in self.e_modes]
        if len(set(ids)) != len(ids):
            raise InputError("Aave market's e_modes", "each category once", "one listed twice")
        for category in self.e_modes:
            unknown = (category.collateral | category.borrowable) - set(symbols)
            if unknown:
                where = f"Aave eMode {category.category_id}"
                raise InputError(where, "reserves of the market", ", ".join(sorted(unknown)))

    def reserve(self, symbol: str) -> AaveReserve:
        """The reserve of a symbol; InputError if the market has none."""
        for reserve in self.reserves:
            if reserve.symbol == symbol:
                return reserve
        raise InputError("Aave market", "one of its reserves", str(symbol))

    def e_mode(self, category_id: int) -> EModeCategory | None:
        """The category of an id, None for 0; InputError if the market has no such category."""
        if category_id == 0:
            return None
        for category in self.e_modes:
            if category.category_id == category_id:
                return category
        raise InputError("Aave market", "0 or one of its eModes", str(category_id))

    def collateral_e_mode(self, symbol: str, category_id: int) -> EModeCategory | None:
        """The category whose terms a collateral has for an account in `category_id`, if any."""
        category = self.e_mode(category_id)
        return category if category is not None and symbol in category.collateral else None

    def ltv(self, symbol: str, category_id: int) -> int:
        """Basis points that a collateral lends (ValidationLogic.getUserReserveLtv)."""
        listed = self.collateral_e_mode(symbol, category_id)
        if listed is not None:
            return 0 if symbol in listed.ltv_zero else listed.ltv
        category = self.e_mode(category_id)
        if category is not None and category.isolated:
            return 0
        return self.reserve(symbol).ltv

    def liquidation_threshold(self, symbol: str, category_id: int) -> int:
        """Basis points of a collateral that count against liquidation."""
        listed = self.collateral_e_mode(symbol, category_id)
        return (listed or self.reserve(symbol)).liquidation_threshold

    def liquidation_bonus(self, symbol: str, category_id: int) -> int:
        """Basis points of a repaid value that a liquidator receives in this collateral."""
        listed = self.collateral_e_mode(symbol, category_id)
        return (listed or self.reserve(symbol)).liquidation_bonus

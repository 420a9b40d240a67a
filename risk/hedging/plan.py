"""The cheapest deleveraging that restores a ratio, as a linear or quadratic program.

With u the share of every piece that is traded (`book`), W what the piece counts, M its money and C
what trading it costs:

    minimise Σ C·u   subject to   Σ W·u over repayments − Σ W·u over sales ≥ what is missing,
                                  Σ M·u over sales − Σ M·u over repayments ≥ 0,   0 ≤ u ≤ 1

Without impact that is a linear program, solved by HiGHS (Q. Huangfu, J. Hall, "Parallelizing the
dual revised simplex method", 2018); its multipliers are the shadow prices. If a trade of q whole
assets moves the price by the share k·q of itself, it brings less, or takes more, by price·k·q²: a
linear impact with quadratic cost (R. Almgren, N. Chriss, "Optimal execution of portfolio
transactions", 2001, temporary impact). Costs are then convex and the money is concave, and SLSQP
(D. Kraft, 1988) finds the one optimum, which tests check by its Karush-Kuhn-Tucker conditions.

The programs are solved in doubles. Their trades are rounded to whole smallest units for which the
money suffices, and all amounts, costs and margins of the result are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from ...errors import InputError
from ..checks import exact, one_of
from ..claims import Liquid
from ..needs import require
from ..valuation import Account
from .book import Amounts, Book, Piece
from .deleverage import deleverage
from .solvers import convex_program, linear_program
from .trades import Impact, Trade, traded, whole_trades

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .solvers import Constraint

Goal = Literal["cost", "sold"]
GOALS: Final = ("cost", "sold")
_DIGITS: Final = 10**12
_SLACKS: Final = (0.0, 1e-8, 1e-6, 1e-4)
"""How much more than what is missing is aimed at, of the largest piece: what SLSQP may be off."""


@dataclass(frozen=True)
class ShadowLimit:
    """What one more whole asset of a limit would save, in quote; a float."""

    symbol: str
    bought: bool
    saves_float: float


@dataclass(frozen=True)
class Plan:
    """A deleveraging, and what it does. As secret as the account.

    Attributes:
        trades: in whole smallest units; none where nothing is missing.
        before, after: collateral − ratio · debt − reserve, in quote, exact.
        missing: by how much the limits keep the ratio out of reach, in quote; 0 if they do not.
            The trades are then those that come closest. Exact without impact.
        account: the account after the trades.
        left: of the money, once all is repaid; it is not in `account`.
        shadow_margin_float: what one more in quote of margin would cost, in quote; NaN where no
            linear program was solved.
        shadow_limits: of the limits that are used up.
    """

    trades: tuple[Trade, ...]
    before: Fraction
    after: Fraction
    missing: Fraction
    account: Account
    left: Fraction
    shadow_margin_float: float
    shadow_limits: tuple[ShadowLimit, ...]

    @property
    def reached(self) -> bool:
        """Whether the account is at the ratio after the trades; exact."""
        return self.after >= 0

    @property
    def cost(self) -> Fraction:
        """What slippage and fees take, in quote."""
        return sum((each.cost for each in self.trades), Fraction(0))

    @property
    def sold(self) -> Fraction:
        """What is sold, in quote at the round's prices."""
        return sum((each.value for each in self.trades if not each.bought), Fraction(0))

    def __repr__(self) -> str:
        return "Plan(hidden)"


def plan(
    account: Account, claim: Liquid, *, goal: Goal = "cost", impact: Impact | None = None
) -> Plan:
    """The deleveraging that restores the claim's ratio at the least cost, or selling least.

    Args:
        account: in the claim's category.
        claim: ratio, limits and costs; of a policy that was checked with it.
        goal: what is to be least: the cost, or the value of what is sold; both in quote.
        impact: by symbol, at least 0; None is none. With it `goal` is the cost.

    Raises:
        InputError: another goal, an impact that is no exact number of at least 0 or of an asset
            that is not traded, or scipy not installed.
    """
    one_of("plan: goal", goal, GOALS)
    moved = _checked(impact or {}, claim, goal)
    require("scipy", "a plan")
    before = account.above(claim.ratio, {})
    if before >= 0:
        return _result(account, claim, before, Fraction(0), (), moved)
    farthest = deleverage(account, claim)
    program = _Program(account, claim, moved, goal)
    short = max(-farthest.best, Fraction(0))
    if farthest.best < program.dust:
        return _result(account, claim, before, short, farthest.trades, moved)
    needed = program.dust - before
    if moved:
        start = program.most(needed)
        reachable = program.gain(start)
        if reachable < float(needed):
            short = Fraction(needed - Fraction(reachable))
            return _result(account, claim, before, short, program.whole(start), moved)
        trades: tuple[Trade, ...] = ()
        for slack in _SLACKS:
            more = needed + Fraction(slack * program.scale)
            trades = program.whole(program.least(more))
            if traded(account, trades).above(claim.ratio, {}) >= 0:
                break
        return _result(account, claim, before, short, trades, moved)
    return program.linear(before, needed)


def _checked(impact: Impact, claim: Liquid, goal: Goal) -> dict[str, Fraction]:
    found = {}
    for symbol, value in impact.items():
        if symbol not in claim.sales and symbol not in claim.repayments:
            raise InputError("plan: impact", "an asset that is traded", repr(symbol)[:80])
        found[symbol] = exact(f"plan: impact of {symbol}", value, low=0)
    moved = {symbol: value for symbol, value in found.items() if value}
    if moved and goal != "cost":
        raise InputError("plan: goal", "cost, as trades move prices", repr(goal))
    return moved


def _result(
    account: Account,
    claim: Liquid,
    before: Fraction,
    missing: Fraction,
    trades: tuple[Trade, ...],
    impact: Impact,
    shadow: float = float("nan"),
    limits: tuple[ShadowLimit, ...] = (),
) -> Plan:
    if impact and trades:
        amounts: tuple[Amounts, Amounts] = ({}, {})
        for each in trades:
            amounts[each.bought][each.asset] = Fraction(each.units)
        trades = whole_trades(account, claim, *amounts, impact)
    after = traded(account, trades)
    left = sum((-each.money if each.bought else each.money for each in trades), Fraction(0))
    margin = after.above(claim.ratio, {})
    return Plan(trades, before, margin, missing, after, left, shadow, limits)


class _Program:
    """The program over shares of pieces: sales first, then repayments, each scaled to about 1."""

    def __init__(
        self, account: Account, claim: Liquid, impact: dict[str, Fraction], goal: Goal
    ) -> None:
        book = Book(account, claim)
        self.account = account
        self.claim = claim
        self.impact = impact
        self.pieces: list[Piece] = [*book.sales, *book.repayments]
        self.sales = len(book.sales)
        self.sign = np.array([-1.0] * self.sales + [1.0] * len(book.repayments))
        # Rounding may sell a unit too much of every asset, and repay one too little.
        self.dust = sum(
            (
                max(piece.weight for piece in self.pieces if piece.asset == asset)
                for asset in {piece.asset for piece in self.pieces}
            ),
            Fraction(0),
        )
        self.scale = float(max((piece.value for piece in self.pieces), default=1)) or 1.0
        self.counts = self.sign * [float(piece.value) / self.scale for piece in self.pieces]
        self.money = -self.sign * [
            float(piece.units * piece.money) / self.scale for piece in self.pieces
        ]
        values = np.array([self._value(index) / self.scale for index in range(len(self.pieces))])
        lost = -self.sign * (values - np.abs(self.money))
        self.costs = np.maximum(lost, 0.0) if goal == "cost" else values * (self.sign < 0)
        self._set_impact()

    def _value(self, index: int) -> float:
        piece = self.pieces[index]
        quote = self.account.pricing.quotes[piece.asset.symbol]
        price = quote.low if index < self.sales else quote.high
        return float(price * piece.asset.smallest_unit * piece.units)

    def _set_impact(self) -> None:
        """A matrix Q: trading the shares u costs u·Q·u more, in units of `scale`."""
        count = len(self.pieces)
        self.impacts = np.zeros((count, count))
        for i, first in enumerate(self.pieces):
            own = float(self.impact.get(first.asset.symbol, Fraction(0)))
            for j, second in enumerate(self.pieces):
                same = first.asset == second.asset and (i < self.sales) == (j < self.sales)
                if own and same:
                    whole = float(second.units * second.asset.smallest_unit)
                    self.impacts[i, j] = self._value(i) / self.scale * own * whole

    def gain(self, shares: NDArray[np.float64]) -> float:
        """What they add to the margin, in quote."""
        return float(self.counts @ shares) * self.scale

    def whole(self, shares: NDArray[np.float64]) -> tuple[Trade, ...]:
        """The trades in whole units."""
        sold, repaid = Amounts(), Amounts()
        for index, (piece, share) in enumerate(zip(self.pieces, shares, strict=True)):
            side = sold if index < self.sales else repaid
            # A share of 0.9999999999999 is all of it, and not one unit less.
            part = Fraction(round(min(max(float(share), 0.0), 1.0) * _DIGITS), _DIGITS)
            side[piece.asset] = side.get(piece.asset, Fraction(0)) + part * piece.units
        return whole_trades(self.account, self.claim, sold, repaid, self.impact)

    def linear(self, before: Fraction, needed: Fraction) -> Plan:
        """The plan without impact, by HiGHS."""
        found = linear_program(
            self.costs,
            A_ub=np.array([-self.counts, -self.money]),
            b_ub=np.array([-float(needed) / self.scale, 0.0]),
            bounds=[(0.0, 1.0)] * len(self.pieces),
        )
        if found.status != 0:
            raise InputError("plan", "a program that HiGHS solves", str(found.message)[:80])
        margin, _ = found.ineqlin.marginals
        return _result(
            self.account,
            self.claim,
            before,
            Fraction(0),
            self.whole(found.x),
            {},
            -float(margin),
            tuple(self._limits(found.upper.marginals)),
        )

    def _limits(self, marginals: Sequence[float]) -> list[ShadowLimit]:
        """A limit is one of the last piece of an asset that it lets trade."""
        found = []
        for bought, side in ((False, range(self.sales)), (True, range(self.sales, len(marginals)))):
            terms: Any = self.claim.repayments if bought else self.claim.sales
            for asset in sorted({self.pieces[index].asset for index in side}, key=lambda a: a.slot):
                own = [index for index in side if self.pieces[index].asset == asset]
                room = sum(self.pieces[index].units for index in own)
                has = abs(self.account.amounts[asset.slot])
                least = min(-float(marginals[index]) for index in own)
                # The limit is used up where its last piece is, and less than there is.
                if room >= has or least <= 0:
                    continue
                last = min(own, key=lambda index: -float(marginals[index]))
                whole = float(self.pieces[last].units * asset.smallest_unit)
                saves = least * self.scale / whole
                if terms[asset.symbol].limit and saves > 0:
                    found.append(ShadowLimit(asset.symbol, bought, saves))
        return found

    def most(self, enough: Fraction) -> NDArray[np.float64]:
        """The shares that gain most, up to twice what is enough, under impact."""
        return self._solve(-self.counts, np.zeros_like(self.impacts), 2 * float(enough), least=0.0)

    def least(self, needed: Fraction) -> NDArray[np.float64]:
        """The shares that gain what is needed at the least cost, under impact."""
        return self._solve(self.costs, self.impacts, None, least=float(needed))

    def _solve(
        self,
        linear: NDArray[np.float64],
        quadratic: NDArray[np.float64],
        most: float | None,
        *,
        least: float,
    ) -> NDArray[np.float64]:
        """Minimise linear·u + u·quadratic·u with enough money and a gain of at least `least`."""
        impacts, both = self.impacts + self.impacts.T, quadratic + quadratic.T
        wanted = least / self.scale
        constraints: list[Constraint] = [
            (
                lambda u: float(self.money @ u - u @ self.impacts @ u),
                lambda u: self.money - impacts @ u,
            ),
            (lambda u: float(self.counts @ u) - wanted, lambda u: self.counts),
        ]
        if most is not None:
            bound = most / self.scale
            constraints.append((lambda u: bound - float(self.counts @ u), lambda u: -self.counts))
        return convex_program(
            lambda u: float(linear @ u + u @ quadratic @ u),
            lambda u: linear + both @ u,
            len(self.pieces),
            constraints,
        )

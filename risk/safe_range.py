"""Between which multiples of a price a margin stays at 0 or above, in exact arithmetic.

A margin as a function of one price is concave and made of straight pieces, so that it is at least 0
on one interval. Two things break that. A `sized` factor by value makes it drop where a tier begins;
these places are known, and between two of them it is concave again. And rounding (of a boundary in
value to a smallest unit, of a unit's value to `value_decimals`) makes it jump a little.
In all these places the margin has the larger of its two values, so that there is a last safe
multiple.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

Margin = Callable[[Fraction], Fraction]
"""The margin at a multiple of the price, from 0 on."""

TICK = Fraction(1, 10**12)
"""Where rounding leaves no root, the last safe multiple of this is given instead."""

FARTHEST = Fraction(10**12)
"""No bound is looked for above this multiple of the price."""

_START = Fraction(1)
_STATIONS = tuple(Fraction(2) ** exponent for exponent in (0, 1, 2, 4, 8, 16, 32))
"""The way up is gone in parts: the value of a unit, and what its rounding does, grows on it."""

_INFINITESIMAL = Fraction(1, 10**30)
_FINEST = Fraction(1, 10**21)
"""Amounts are below 2^63 units, so that hardly two steps of their rounding are closer."""
_OVERSHOOT = 2**16
_MIDDLES = 8
_SELDOM = 3


@dataclass(frozen=True)
class Edge:
    """Where a margin is at least 0 for the last time.

    Attributes:
        at: the multiple.
        exact: whether the margin is 0 there, or drops below 0 right behind it. Otherwise it falls
            below 0 within the next tick.
    """

    at: Fraction
    exact: bool


@dataclass(frozen=True)
class SafeRange:
    """The multiples from `lower` to `upper`, both safe; None where there is no bound."""

    lower: Edge | None
    upper: Edge | None


def safe_range(
    margin: Margin, drops: Collection[Fraction], *, stepped: bool = False
) -> SafeRange | None:
    """The safe interval around multiple 1, or the nearest one if 1 is not safe.

    Within the interval rounding may take the margin below 0 again, by no more than is rounded off
    the values that move; without rounding it does not.

    Args:
        margin: concave between the drops, up to rounding; at a drop it has the value from the left.
        drops: the multiples above which it continues lower.
        stepped: whether values are rounded, so that it is a staircase without roots.

    Returns:
        None if no multiple up to `FARTHEST` is safe.
    """
    known: dict[Fraction, Fraction] = {}

    def remembered(at: Fraction) -> Fraction:
        if at not in known:
            known[at] = margin(at)
        return known[at]

    inner = {drop for drop in drops if 0 < drop < FARTHEST}
    ends = sorted({Fraction(0), *inner, *_STATIONS, FARTHEST})
    pieces = [
        _Piece(remembered, left, right, follows_drop=left in inner)
        for left, right in pairwise(ends)
    ]
    home = next(piece for piece in pieces if piece.left < _START <= piece.right)
    if home(_START) >= 0:
        return _around(pieces, pieces.index(home), _START, stepped)
    nearest: SafeRange | None = None
    for index in sorted(range(len(pieces)), key=lambda i: _away(pieces[i].left, pieces[i].right)):
        piece = pieces[index]
        if nearest is not None and _away(piece.left, piece.right) >= _distance(nearest):
            break
        point = _safe_point_of(piece)
        if point is not None:
            found = _around(pieces, index, point, stepped)
            if nearest is None or _distance(found) < _distance(nearest):
                nearest = found
    return nearest


class _Piece:
    """A margin from behind `left` to `right`, continued to `left`."""

    def __init__(
        self, margin: Margin, left: Fraction, right: Fraction, *, follows_drop: bool
    ) -> None:
        self.left, self.right = left, right
        self._margin = margin
        self._at_left: Fraction | None = None if follows_drop else margin(left)

    def __call__(self, at: Fraction) -> Fraction:
        if at != self.left:
            return self._margin(at)
        if self._at_left is None:
            little = self.left * _INFINITESIMAL
            near, further = self._margin(at + little), self._margin(at + 2 * little)
            self._at_left = 2 * near - further
        return self._at_left


def _away(low: Fraction, high: Fraction) -> Fraction:
    """How far 1 is from an interval."""
    return max(low - _START, _START - high, Fraction(0))


def _distance(found: SafeRange) -> Fraction:
    low = found.lower.at if found.lower else Fraction(0)
    return _away(low, found.upper.at if found.upper else FARTHEST)


def _around(pieces: list[_Piece], index: int, safe: Fraction, stepped: bool) -> SafeRange:
    """The interval around a safe multiple, which lies in the piece of this index."""
    return SafeRange(_down(pieces, index, safe, stepped), _up(pieces, index, safe, stepped))


def _safe_point_of(piece: _Piece) -> Fraction | None:
    """A safe multiple of a concave piece: an end of it, or found on the way to its maximum."""
    low, high = piece.left, piece.right
    for end in (low, high):
        if piece(end) >= 0:
            return end
    while high - low > TICK:
        third = (high - low) / 3
        # Thirds of thirds would grow in digits.
        one, two = _dyadic(low + third, third), _dyadic(high - third, third)
        top, peak = _top(low, one, two, high, piece)
        if top < 0:
            return None
        for point in (one, two, peak):
            if piece(point) >= 0:
                return point
        if piece(one) <= piece(two):
            low = one
        if piece(two) <= piece(one):
            high = two
    return None


def _top(
    low: Fraction, one: Fraction, two: Fraction, high: Fraction, piece: _Piece
) -> tuple[Fraction, Fraction]:
    """What a concave piece is nowhere above, from its values at four multiples; and where its peak
    is if it is straight on both sides.

    Between two of the multiples it is below the lines through the two pairs next to these.
    """
    a, b, c, d = (piece(at) for at in (low, one, two, high))
    rise, slope, fall = (b - a) / (one - low), (c - b) / (two - one), (d - c) / (high - two)
    left = b - min(slope, Fraction(0)) * (one - low)
    right = c + max(slope, Fraction(0)) * (high - two)
    if rise <= 0 or fall >= 0:
        return max(left, right, b, c), one
    peak = (c - fall * two - b + rise * one) / (rise - fall)
    between = min(max(peak, one), two)
    middle = min(b + rise * (between - one), c + fall * (between - two))
    return max(left, right, middle), min(max(peak, low), high)


def _down(pieces: list[_Piece], index: int, safe: Fraction, stepped: bool) -> Edge | None:
    while True:
        piece = pieces[index]
        if piece(piece.left) < 0:
            return _edge(piece, safe, piece.left, stepped)
        if index == 0:
            return None
        # Left of a drop the margin is larger still.
        index, safe = index - 1, piece.left


def _up(pieces: list[_Piece], index: int, safe: Fraction, stepped: bool) -> Edge | None:
    while True:
        piece = pieces[index]
        if piece(piece.right) < 0:
            return _edge(piece, safe, piece.right, stepped)
        index, safe = index + 1, piece.right
        if index == len(pieces):
            return None
        if pieces[index](safe) < 0:
            return Edge(safe, exact=True)


def _edge(piece: _Piece, safe: Fraction, unsafe: Fraction, stepped: bool) -> Edge:
    """The last safe multiple between a safe and an unsafe one: a root, if there is one."""
    behind = last = unsafe
    for rounded, grain in ((_to_tick, TICK), (_dyadic, None)):
        for count, pair in enumerate(_closing_in(piece, safe, unsafe, rounded, grain)):
            behind = behind if pair[1] == unsafe else unsafe
            safe, unsafe = pair
            root = None if stepped or count % _SELDOM else _root(piece, safe, unsafe, behind)
            if root is not None:
                return Edge(root, exact=True)
            if grain is None and abs(safe - unsafe) <= _FINEST * max(safe, unsafe):
                break
        last = last if grain is None else safe
        if stepped:
            break
    return Edge(last, exact=False)


def _root(piece: _Piece, safe: Fraction, unsafe: Fraction, behind: Fraction) -> Fraction | None:
    """The root between the first two of three multiples, if it lies on one straight piece with two
    of them; `behind` is unsafe and further out.
    """
    for one, other in ((safe, unsafe), (unsafe, behind)):
        rise = piece(one) - piece(other)
        if rise <= 0:
            continue
        root = one + (other - one) * piece(one) / rise
        if not min(safe, unsafe) <= root <= max(safe, unsafe) or piece(root) != 0:
            continue
        if piece(root + (unsafe - root) / 2**64) < 0:
            return root
    return None


def _closing_in(
    piece: _Piece,
    safe: Fraction,
    unsafe: Fraction,
    rounded: Callable[[Fraction, Fraction], Fraction],
    grain: Fraction | None,
) -> Iterator[tuple[Fraction, Fraction]]:
    """Pairs of a safe and an unsafe multiple, each less than about half as far apart as the last.

    The root of the straight line is tried first, then a multiple a little way across from it: on
    what is almost straight these two leave little between them. Elsewhere the middle is better.

    Args:
        piece: the margin.
        safe, unsafe: the first pair.
        rounded: brings a multiple between two, so far apart, into a short form.
        grain: the least distance of rounded multiples, if there is one.
    """
    middles = 0
    while True:
        yield safe, unsafe
        width = after = abs(safe - unsafe)
        if not middles:
            drop = piece(safe) - piece(unsafe)
            point = rounded(safe + (unsafe - safe) * piece(safe) / drop, width)
            safe, unsafe = _with(piece, safe, unsafe, point)
            step = max(width / _OVERSHOOT, grain or Fraction(0))
            point += step if (piece(point) >= 0) == (safe < unsafe) else -step
            safe, unsafe = _with(piece, safe, unsafe, rounded(point, width))
            after = abs(safe - unsafe)
            middles = 0 if after * 4 <= width else _MIDDLES
        if middles:
            middles -= 1
            point = rounded((safe + unsafe) / 2, width)
            if after == width and not min(safe, unsafe) < point < max(safe, unsafe):
                return
            safe, unsafe = _with(piece, safe, unsafe, point)


def _with(
    piece: _Piece, safe: Fraction, unsafe: Fraction, point: Fraction
) -> tuple[Fraction, Fraction]:
    """The pair with `point` in the place of one of the two, if it lies between them."""
    if not min(safe, unsafe) < point < max(safe, unsafe):
        return safe, unsafe
    return (point, unsafe) if piece(point) >= 0 else (safe, point)


def _dyadic(value: Fraction, width: Fraction) -> Fraction:
    """Close to `value` on the scale of `width`, with a short denominator."""
    bits = width.denominator.bit_length() - width.numerator.bit_length() + 24
    scale = Fraction(2) ** bits
    return round(value * scale) / scale


def _to_tick(value: Fraction, width: Fraction) -> Fraction:
    del width
    return round(value / TICK) * TICK

"""The terms of liquidation: when it may happen, how much at once, and what it costs."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from .document import Part
from .factors import Factors
from .values import Exact, Integer, NonNegative, Positive, Share, refusal


def _above_one(value: Exact) -> Exact:
    if value < 1:
        raise refusal("a multiple of at least 1")
    return value


def _decay(value: Exact) -> Exact:
    if not 0 < value < 1:
        raise refusal("a factor above 0 and below 1")
    return value


_Seconds = Annotated[int, Integer(1, 10**9)]
_Start = Annotated[Exact, AfterValidator(_above_one)]
_Decay = Annotated[Exact, AfterValidator(_decay)]


class LinearAuction(Part):
    """The price falls from start · market price to 0 over `duration_seconds`, evenly."""

    type: Literal["linear"] = "linear"
    start: _Start
    duration_seconds: _Seconds


class StairstepAuction(Part):
    """Every `step_seconds` the price becomes `factor` of what it was."""

    type: Literal["stairstep"] = "stairstep"
    start: _Start
    step_seconds: _Seconds
    factor: _Decay


class ExponentialAuction(Part):
    """Every second the price becomes `factor` of what it was."""

    type: Literal["exponential"] = "exponential"
    start: _Start
    factor: _Decay


AuctionTerms: TypeAlias = LinearAuction | StairstepAuction | ExponentialAuction


class LiquidationTerms(Part):
    """When an account may be liquidated, and how.

    Attributes:
        ratio: liquidated once Σ collateral·price·factor < ratio · Σ debt·price·factor.
        factors: of that test; left out, the policy's own.
        penalty: what the account pays on top of the debt that is repaid, as a share of it.
        protocol_share: how much of the penalty goes to the protocol; the rest is the liquidator's.
        close_factor: the largest share of a debt that is repaid at once.
        close_all_below: health (collateral over ratio · debt) below which all of it may be.
        minimum: in quote; no liquidation leaves a debt or a collateral worth less, unless one of
            the two is gone.
        auction: how seized collateral is sold, if it is auctioned.
    """

    ratio: Positive
    factors: Factors | None = None
    penalty: Share
    protocol_share: Share
    close_factor: Share
    close_all_below: NonNegative
    minimum: NonNegative
    auction: Annotated[AuctionTerms, Field(discriminator="type")] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.close_factor == 0:
            raise refusal("a share above 0", repr(str(self.close_factor)), "close_factor")
        return self

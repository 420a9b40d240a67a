"""Maker's vat, spotter and dog against makerdao/dss 1.3.0, src/test (file and test are named)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import MAX_UINT256, RAD, RAY, WAD
from zkcollateral.risk.presets import maker

# clip.t.sol setUp: gold at $4 with a ratio of 200 %, dust 20, chop 1.1, both holes 1000.
MAT = 2 * RAY
GOLD = maker.Ilk(rate=RAY, spot=2 * RAY, dust=20 * RAD)
URN = maker.Urn(ink=40 * WAD, art=100 * WAD)
LIMITS = maker.LiquidationLimits(chop=11 * WAD // 10, hole=1000 * RAD, total_hole=1000 * RAD)
NO_PENALTY = replace(LIMITS, chop=WAD)


def test_spot_price() -> None:
    """clip.t.sol setUp: $5 gives a spot of 2.5, $4 one of 2; at $5 the vault is safe."""
    assert maker.spot_price(5 * WAD, MAT) == 25 * RAY // 10
    assert maker.spot_price(4 * WAD, MAT) == 2 * RAY
    assert maker.spot_price(None, MAT) == 0
    assert maker.spot_price(3 * WAD, 3 * RAY // 2, par=2 * RAY) == RAY
    # Each of the two quotients is floored.
    assert maker.spot_price(1, 3 * RAY, par=3 * RAY) == 10**9 * RAY // (3 * RAY) * RAY // (3 * RAY)
    safe = replace(GOLD, spot=maker.spot_price(5 * WAD, MAT))
    assert maker.is_safe(safe, URN)
    assert not maker.is_safe(GOLD, URN)
    assert maker.is_liquidatable(GOLD, URN)
    assert not maker.is_liquidatable(replace(GOLD, spot=0), URN)
    assert maker.collateralization(GOLD, URN, MAT) == 16 * RAY // 10
    assert maker.collateralization(GOLD, replace(URN, art=0), MAT) is None


def test_safe_at_the_boundary() -> None:
    urn = maker.Urn(50 * WAD, 100 * WAD)
    assert maker.is_safe(GOLD, urn)
    assert not maker.is_safe(GOLD, replace(urn, art=urn.art + 1))
    assert not maker.is_safe(replace(GOLD, rate=RAY + 1), urn)


def test_rpow() -> None:
    """jug.t.sol test_rpow, to its ten decimals; and exact small ones."""
    power = maker.rpow(1000234891009084238901289093, 3724)
    assert power // 10**17 == 2397991232255757 * 10**12 // 10**17
    assert maker.rpow(0, 0) == RAY
    assert maker.rpow(0, 3) == maker.rpow(0, 4) == 0
    assert maker.rpow(7 * RAY, 1) == 7 * RAY
    assert maker.rpow(2 * RAY, 10) == 1024 * RAY
    # Half up at every product: 0.5² of a unit of 10 is 2.5, then 3·5 is 1.5.
    assert maker.rpow(5, 2, 10) == 3
    assert maker.rpow(5, 3, 10) == 2
    with pytest.raises(InputError, match="below 2\\^256"):
        maker.rpow(2**128, 2)
    with pytest.raises(InputError, match="exponent"):
        maker.rpow(RAY, -1)
    with pytest.raises(InputError, match="base"):
        maker.rpow(1.5, 2)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one"):
        maker.rpow(RAY, 2, 0)


def test_bark_whole_vault() -> None:
    """Worked case 8, and clip.t.sol test_kick: ink 40 and art 100 at chop 1.1 seek 110."""
    result = maker.bark(GOLD, URN, LIMITS)
    assert (result.dink, result.dart) == (40 * WAD, 100 * WAD)
    assert result.due == 100 * RAD
    assert result.tab == 110 * RAD
    assert result.urn == maker.Urn(0, 0)
    assert result.limits.dirt == result.limits.total_dirt == 110 * RAD


@pytest.mark.parametrize("field", ["hole", "total_hole"])
def test_bark_partial_at_the_limits(field: str) -> None:
    """Worked case 8, and clip.t.sol test_partial_liquidation_Hole_limit and …_hole_limit."""
    result = maker.bark(GOLD, URN, replace(LIMITS, **{field: 75 * RAD}))
    assert result.tab == 75 * RAD - 2 * 10**26
    dart = result.tab * WAD // RAY // LIMITS.chop
    assert result.dart == dart
    assert result.dink == 40 * WAD * dart // (100 * WAD)
    assert result.urn == maker.Urn(40 * WAD - result.dink, 100 * WAD - dart)
    assert result.limits.dirt == result.limits.total_dirt == result.tab


@pytest.mark.parametrize(
    ("ilk", "hole", "tab", "dink", "left"),
    [
        # clip.t.sol test_bark_not_leaving_dust: exactly dust is left.
        (GOLD, 80 * RAD, 80 * RAD, 32 * WAD, maker.Urn(8 * WAD, 20 * WAD)),
        # test_bark_not_leaving_dust_over_hole: one wei less than dust would be, so all is taken.
        (GOLD, 80 * RAD + RAY, 100 * RAD, 40 * WAD, maker.Urn(0, 0)),
        # test_bark_not_leaving_dust_rate
        (
            replace(GOLD, rate=102 * RAY // 100),
            100 * RAD,
            100 * WAD * (102 * RAY // 100),
            40 * WAD,
            maker.Urn(0, 0),
        ),
        # test_bark_only_leaving_dust_over_hole_rate
        (
            replace(GOLD, rate=102 * RAY // 100, dust=204 * RAD // 10),
            816 * RAD // 10,
            816 * RAD // 10,
            32 * WAD,
            maker.Urn(8 * WAD, 20 * WAD),
        ),
    ],
)
def test_bark_and_dust(ilk: maker.Ilk, hole: int, tab: int, dink: int, left: maker.Urn) -> None:
    result = maker.bark(ilk, URN, replace(NO_PENALTY, hole=hole))
    assert (result.tab, result.dink, result.urn) == (tab, dink, left)


# dog.t.sol setUp: spot 1000, dust 100, chop 1.1, both holes 10000.
DOG = maker.Ilk(rate=RAY, spot=1000 * RAY, dust=100 * RAD)
DOG_LIMITS = maker.LiquidationLimits(11 * WAD // 10, 10_000 * RAD, 10_000 * RAD)


def test_dog_basic() -> None:
    """dog.t.sol test_bark_basic, testFail_bark_not_unsafe, test_bark_dusty_vault."""
    assert maker.bark(DOG, maker.Urn(WAD, 2000 * WAD), DOG_LIMITS).urn == maker.Urn(0, 0)
    with pytest.raises(InputError, match="an unsafe vault"):
        maker.bark(DOG, maker.Urn(WAD, 500 * WAD), DOG_LIMITS)
    dusty = maker.bark(replace(DOG, dust=200 * RAD), maker.Urn(1, 100 * WAD), DOG_LIMITS)
    assert dusty.dink == 1


@pytest.mark.parametrize("field", ["hole", "total_hole"])
def test_dog_partial(field: str) -> None:
    """dog.t.sol test_bark_partial_liquidation_{dirt,Dirt}_… : the four."""
    ilk = replace(DOG, dust=200 * RAD)
    limits = replace(DOG_LIMITS, **{field: 5000 * RAD})
    chop = limits.chop
    art = 5000 * WAD * WAD // chop + 200 * WAD
    # The remnant is not dusty: the limit holds.
    result = maker.bark(ilk, maker.Urn(WAD, art), limits)
    assert result.urn.art == 200 * WAD
    assert result.tab == 5000 * RAD * WAD // RAY // chop * RAY * chop // WAD <= 5000 * RAD
    # It would be: all is taken, past the limit.
    result = maker.bark(ilk, maker.Urn(WAD, art - 1), limits)
    assert result.urn.art == 0
    assert result.tab == (art - 1) * RAY * chop // WAD > 5000 * RAD


def test_dog_dusty_vault_in_dusty_room() -> None:
    """dog.t.sol test_bark_dusty_vault_dusty_room, at a rate of 1.5."""
    ilk = replace(DOG, rate=15 * RAY // 10)
    limits = replace(DOG_LIMITS, hole=33_200 * RAD, total_hole=33_200 * RAD)
    first = maker.bark(ilk, maker.Urn(WAD, 33_000 * RAD // ilk.rate * WAD // limits.chop), limits)
    assert limits.total_hole - first.limits.total_dirt == 200 * RAD
    small = maker.Urn(WAD // 10**4, 30 * RAD // ilk.rate)
    raised = replace(ilk, dust=1500 * RAD)
    assert maker.bark(raised, small, first.limits).urn == maker.Urn(0, 0)


@pytest.mark.parametrize("field", ["hole", "total_hole"])
def test_dog_does_not_create_a_dusty_auction(field: str) -> None:
    """dog.t.sol test_bark_do_not_create_dusty_auction_{hole,Hole}."""
    ilk = replace(DOG, rate=15 * RAY // 10, dust=300 * RAD)
    limits = replace(DOG_LIMITS, **{field: 3000 * RAD})
    art = (3000 - 150) * RAD // ilk.rate * WAD // limits.chop
    first = maker.bark(ilk, maker.Urn(WAD, art), limits)
    with pytest.raises(InputError, match="an auction of at least dust"):
        maker.bark(ilk, maker.Urn(WAD, 3000 * WAD * WAD // limits.chop), first.limits)


def test_dog_limits() -> None:
    """dog.t.sol test_file_chop, testFail_file_chop_lt_WAD, testFail_file_chop_eq_zero; digs."""
    assert replace(LIMITS, chop=WAD).chop == WAD
    for chop in (WAD - 1, 0):
        with pytest.raises(InputError, match="Maker dog chop"):
            replace(LIMITS, chop=chop)
    with pytest.raises(InputError, match="room below the limits"):
        maker.bark(GOLD, URN, replace(LIMITS, dirt=1000 * RAD))
    with pytest.raises(InputError, match="room below the limits"):
        maker.bark(GOLD, URN, replace(LIMITS, total_dirt=1001 * RAD))
    # test_Hole_hole: a second type adds to the common total alone.
    first = maker.bark(GOLD, URN, LIMITS).limits
    second = maker.bark(GOLD, URN, replace(first, dirt=0)).limits
    assert (second.dirt, second.total_dirt) == (110 * RAD, 220 * RAD)
    done = maker.digs(second, 110 * RAD)
    assert (done.dirt, done.total_dirt) == (0, 110 * RAD)
    with pytest.raises(InputError, match="Maker digs"):
        maker.digs(done, 1)


def test_bark_rejects_nothing_to_sell() -> None:
    """A vault without collateral; dog.sol "null-auction"."""
    with pytest.raises(InputError, match="some collateral"):
        maker.bark(GOLD, maker.Urn(0, 100 * WAD), LIMITS)


# vat.t.sol FrobTest setUp: spot 1, both ceilings 1000.
VAT = maker.Ilk(rate=RAY, spot=RAY, line=1000 * RAD)


def test_frob_lock() -> None:
    """vat.t.sol test_lock."""
    locked = maker.frob(VAT, maker.Urn(0, 0), 6 * WAD, 0)
    assert locked == maker.Urn(6 * WAD, 0)
    assert maker.frob(VAT, locked, -6 * WAD, 0) == maker.Urn(0, 0)
    with pytest.raises(InputError, match="at most what the vault has"):
        maker.frob(VAT, locked, -6 * WAD - 1, 0)
    with pytest.raises(InputError, match="at most what the vault has"):
        maker.frob(VAT, locked, 0, -1)


def test_frob_ceilings() -> None:
    """vat.t.sol test_calm and test_cool."""
    ilk = replace(VAT, line=10 * RAD)
    urn = maker.frob(ilk, maker.Urn(0, 0), 10 * WAD, 9 * WAD)
    drawn = replace(ilk, total_art=9 * WAD)
    with pytest.raises(InputError, match="below the ceilings"):
        maker.frob(drawn, urn, 0, 2 * WAD)
    over = replace(drawn, line=5 * RAD)
    assert maker.frob(over, urn, 0, -WAD).art == 8 * WAD
    with pytest.raises(InputError, match="below the ceilings"):
        maker.frob(drawn, urn, 0, WAD, total_debt=9 * RAD, total_line=10 * RAD - 1)
    assert maker.frob(drawn, urn, 0, WAD, total_debt=9 * RAD, total_line=10 * RAD).art == 10 * WAD


def _allowed(ilk: maker.Ilk, urn: maker.Urn, dink: int, dart: int) -> bool:
    try:
        maker.frob(ilk, urn, dink, dart)
    except InputError as error:
        if error.expected != "a safe vault":
            raise
        return False
    return True


def test_frob_safety() -> None:
    """vat.t.sol test_safe and test_nice, step by step."""
    assert not _allowed(VAT, maker.Urn(10 * WAD, 5 * WAD), 0, 6 * WAD)
    unsafe = replace(VAT, spot=RAY // 2)
    urn = maker.Urn(10 * WAD, 10 * WAD)
    assert not _allowed(unsafe, urn, 0, WAD)
    urn = maker.frob(unsafe, urn, 0, -WAD)
    assert not _allowed(unsafe, urn, -WAD, 0)
    urn = maker.frob(unsafe, urn, WAD, 0)
    assert not _allowed(unsafe, urn, -2 * WAD, -4 * WAD)
    assert not _allowed(unsafe, urn, 5 * WAD, WAD)
    urn = maker.frob(unsafe, urn, -WAD, -4 * WAD)
    lower = replace(VAT, spot=4 * RAY // 10)
    assert not maker.is_safe(lower, urn)
    assert _allowed(lower, urn, 5 * WAD, WAD)


def test_frob_dust() -> None:
    """vat.t.sol test_dust."""
    urn = maker.frob(VAT, maker.Urn(0, 0), 9 * WAD, WAD)
    ilk = replace(VAT, dust=5 * RAD)
    with pytest.raises(InputError, match="at least dust"):
        maker.frob(ilk, urn, 5 * WAD, 2 * WAD)
    urn = maker.frob(ilk, urn, 0, 5 * WAD)
    with pytest.raises(InputError, match="at least dust"):
        maker.frob(ilk, urn, 0, -5 * WAD)
    assert maker.frob(ilk, urn, 0, -6 * WAD).art == 0


@pytest.mark.parametrize("rate_ilk", [{"rate": 0}, {"rate": 1.0}, {"spot": -1}, {"dust": -1}])
def test_ilk_rejects(rate_ilk: dict[str, int]) -> None:
    with pytest.raises(InputError, match=f"Maker ilk {next(iter(rate_ilk))}"):
        replace(GOLD, **rate_ilk)


def test_others_reject() -> None:
    for mat in (0, -1, 1.5):
        with pytest.raises(InputError, match="Maker mat"):
            maker.spot_price(WAD, mat)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Maker par"):
        maker.spot_price(WAD, RAY, par=0)
    with pytest.raises(InputError, match="Maker price"):
        maker.spot_price(-1, RAY)
    for field in ("ink", "art"):
        with pytest.raises(InputError, match=f"Maker urn {field}"):
            replace(URN, **{field: -1})
    with pytest.raises(InputError, match="Maker dog dirt"):
        replace(LIMITS, dirt=-1)
    with pytest.raises(InputError, match="dink"):
        maker.frob(VAT, URN, 2**255, 0)
    with pytest.raises(InputError, match="below 2\\^256"):
        maker.is_safe(GOLD, maker.Urn(MAX_UINT256, 1))


wads = st.integers(0, 10**28)


@given(
    st.builds(maker.Urn, wads, wads),
    st.integers(RAY, 3 * RAY),
    st.integers(0, 10**31),
    st.integers(0, 10**49),
    st.integers(RAY, 3 * RAY),
    st.integers(WAD, 2 * WAD),
    st.integers(0, 10**52),
)
def test_bark_moves_and_creates_nothing(
    urn: maker.Urn, rate: int, spot: int, dust: int, mat: int, chop: int, hole: int
) -> None:
    ilk = maker.Ilk(rate, spot, dust)
    ratio = maker.collateralization(ilk, urn, mat)
    assert maker.is_safe(ilk, urn) == (ratio is None or ratio >= mat)
    limits = maker.LiquidationLimits(chop, hole, 10**53)
    if maker.is_safe(ilk, urn) or spot == 0:
        with pytest.raises(InputError, match="an unsafe vault"):
            maker.bark(ilk, urn, limits)
        return
    try:
        result = maker.bark(ilk, urn, limits)
    except InputError:
        return
    assert result.urn.ink + result.dink == urn.ink
    assert result.urn.art + result.dart == urn.art
    assert result.tab >= result.due
    # No more collateral goes than its part of the debt, and nothing dusty is left.
    assert result.dink * urn.art <= urn.ink * result.dart
    assert result.urn.art == 0 or result.urn.art * rate >= dust
    assert result.tab <= hole or result.urn.art == 0

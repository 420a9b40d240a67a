"""Which arithmetic is chosen, and what is said about it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.conftest import NATIVE_INSTALLED, NATIVE_REQUIRED
from zkcollateral.crypto import select
from zkcollateral.errors import InputError


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(select.ENVIRONMENT_VARIABLE, raising=False)
    select._reference_with_notice.cache_clear()
    yield
    select._reference_with_notice.cache_clear()


@pytest.fixture
def _no_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "_native_is_installed", lambda: False)


def test_native_is_there_when_the_build_requires_it() -> None:
    assert NATIVE_INSTALLED or not NATIVE_REQUIRED
    if NATIVE_REQUIRED:
        assert select.arithmetic().name == "native"


@pytest.mark.skipif(not NATIVE_INSTALLED, reason="zkcollateral-native is not installed")
def test_native_is_the_default_where_it_is_installed() -> None:
    assert select.arithmetic().name == "native"
    assert select.arithmetic() is select.arithmetic("native")


def test_names_choose_and_each_is_made_once() -> None:
    assert select.arithmetic("reference").name == "reference"
    assert select.arithmetic("reference") is select.arithmetic("reference")


@pytest.mark.usefixtures("_no_native")
def test_without_the_wheel_the_reference_is_used_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, logger="zkcollateral"):
        first, second = select.arithmetic(), select.arithmetic()
    assert first is second is select.arithmetic("reference")
    assert caplog.messages == [
        "zkcollateral-native is not installed: using the reference arithmetic, which is slow"
    ]


@pytest.mark.usefixtures("_no_native")
def test_asking_for_the_reference_is_no_reason_to_complain(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    select.arithmetic("reference")
    monkeypatch.setenv(select.ENVIRONMENT_VARIABLE, "reference")
    select.arithmetic()
    assert caplog.messages == []


@pytest.mark.usefixtures("_no_native")
def test_asking_for_the_native_one_without_the_wheel_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(InputError, match="zkcollateral-native"):
        select.arithmetic("native")
    monkeypatch.setenv(select.ENVIRONMENT_VARIABLE, "native")
    with pytest.raises(InputError, match=r"ZKCOLLATERAL_ARITHMETIC: .*zkcollateral-native"):
        select.arithmetic()


def test_the_environment_decides_where_no_name_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(select.ENVIRONMENT_VARIABLE, "reference")
    assert select.arithmetic().name == "reference"
    monkeypatch.setenv(select.ENVIRONMENT_VARIABLE, "fast")
    with pytest.raises(InputError, match="expected native or reference, got 'fast'"):
        select.arithmetic()
    assert select.arithmetic("reference").name == "reference", "a name given goes first"


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(InputError, match="expected native or reference, got 'gpu'"):
        select.arithmetic("gpu")  # type: ignore[arg-type]

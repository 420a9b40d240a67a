"""Settings: where they come from, what is refused, and that no error quotes a value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from zkcollateral.api.settings import Settings
from zkcollateral.errors import InputError


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name == "DATABASE_URL" or name.startswith("ZKCOLLATERAL_"):
            monkeypatch.delenv(name)


def test_defaults_need_no_environment() -> None:
    settings = Settings.load()
    assert settings.database_url == "sqlite:///zkcollateral.db"
    assert (settings.reads, settings.risk, settings.jwt_issuer) == ("public", False, None)
    assert settings.proxies == ()


@pytest.mark.parametrize("name", ["DATABASE_URL", "ZKCOLLATERAL_DATABASE_URL"])
def test_the_database_has_two_names(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "postgresql+psycopg://user@host/name")
    assert Settings.load().database.host == "host"


def test_what_is_given_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///a.db")
    monkeypatch.setenv("ZKCOLLATERAL_LOG_KEY", "a.key")
    loaded = Settings.load(database_url="sqlite:///b.db", log_key=None)
    assert (loaded.database_url, loaded.log_key) == ("sqlite:///b.db", Path("a.key"))


def test_the_password_is_put_into_the_address_and_shown_nowhere() -> None:
    loaded = Settings.load(
        database_url="postgresql+psycopg://u:first-secret@h/n", database_password="second-secret"
    )
    assert loaded.database.password == "second-secret"
    for text in (repr(loaded), str(loaded), repr(loaded.database), str(loaded.database)):
        assert "first-secret" not in text
        assert "second-secret" not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "mysql://u:hunter2@h/n"),
        ("database_url", "postgresql+psycopg://u:hun@ter2:hunter2/x@h/n"),
        ("database_url", "postgresql+psycopg://u:p@h:hunter2/n"),
        ("database_url", "hunter2"),
        ("reads", "hunter2"),
        ("risk", "hunter2"),
        ("max_body_bytes", "hunter2"),
        ("max_body_bytes", "0"),
        ("max_body_bytes", "99999999999"),
        ("max_batch_bytes", "1"),
        ("body_seconds", "0"),
        ("body_seconds", "-1"),
        ("body_seconds", "nan"),
        ("body_seconds", "inf"),
        ("answer_seconds", "inf"),
        ("answer_seconds", "hunter2"),
        ("max_waiting", "0"),
        ("rate_limit", "hunter2"),
        ("rate_limit", ""),
        ("rate_limit", "0/minute"),
        ("rate_limit", "10/hunter2"),
        ("trusted_proxies", "hunter2"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "127.0.0.1,hunter2"),
        ("log_origin", "hunter2+x"),
        ("log_origin", ""),
        ("jwt_issuer", ""),
        ("jwt_audience", ""),
        ("jwt_tenant_claim", ""),
    ],
)
def test_what_cannot_be_used_is_named_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    variable = f"ZKCOLLATERAL_{name.upper()}"
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError) as caught:
        Settings.load()
    message = str(caught.value)
    assert message.startswith((f"{variable}: expected ", "DATABASE_URL: expected "))
    assert "\n" not in message
    assert "hunter2" not in message
    assert "hun" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rate_limit", "100/second;6000/minute"),
        ("rate_limit", "10 per 2 hours"),
        ("trusted_proxies", "127.0.0.1, 10.0.0.0/8, ::1"),
        ("body_seconds", "0.5"),
    ],
)
def test_what_can_be_used_is_taken(name: str, value: Any) -> None:
    assert str(getattr(Settings.load(**{name: value}), name)) == value

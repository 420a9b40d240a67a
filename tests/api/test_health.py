"""Whether the service is alive and ready."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.api.running import running, settings
from zkcollateral.api.routes import health


def test_alive_and_ready(tmp_path: Path, database_url: str) -> None:
    with running(settings(tmp_path, database_url)) as service, service.client() as client:
        assert client.get("/healthz").json() == {"status": "alive"}
        assert client.get("/readyz").json() == {"status": "ready"}


def test_other_tables_are_not_ready(tmp_path: Path, database_url: str) -> None:
    with running(settings(tmp_path, database_url)) as service, service.client() as client:
        with service.service.store.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = 'other'"))
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["type"] == "urn:zkcollateral:problem:not-ready"
        assert "tables" in response.json()["detail"]
        assert int(response.headers["retry-after"]) >= 1
        assert client.get("/healthz").status_code == 200


def test_a_database_that_is_away_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(settings(tmp_path)) as service, service.client() as client:
        service.service.store.engine.dispose()
        (tmp_path / "service.db").rename(tmp_path / "away.db")
        (tmp_path / "service.db").mkdir()
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["detail"] == "the database does not answer"
        assert client.get("/healthz").status_code == 200
        (tmp_path / "service.db").rmdir()
        (tmp_path / "away.db").rename(tmp_path / "service.db")
        assert client.get("/readyz").status_code == 200


def test_a_database_that_hangs_is_not_ready_soon_and_takes_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    asked = []

    def hang(engine: Engine) -> bool:
        asked.append(engine)
        return release.wait(30)

    monkeypatch.setattr(health, "is_current", hang)
    monkeypatch.setattr(health, "READY_SECONDS", 0.3)
    with running(settings(tmp_path)) as service, service.client() as client:
        started = time.monotonic()
        assert [client.get("/readyz").status_code for _ in range(4)] == [503] * 4
        assert time.monotonic() - started < 4
        assert len(asked) == 1
        assert client.get("/healthz").status_code == 200
        release.set()
        assert client.get("/readyz").status_code == 200


def test_without_intake_it_is_not_ready(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service, service.client() as client:
        service.service.intake.stop()
        response = client.get("/readyz")
    assert (response.status_code, "submissions" in response.json()["detail"]) == (503, True)

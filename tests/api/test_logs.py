"""What is logged of a request, and that nothing which it carries is."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi import Request

from tests.api.running import Running, running, settings
from zkcollateral.api import logs

SECRETS = [f"SECRET-{number}" for number in range(12)]


class Written:
    """What was written to standard error."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """What goes to standard error, with the service's own configuration of the logs."""
    root = logging.getLogger()
    before, handlers, level = structlog.get_config(), root.handlers[:], root.level
    logs.configure(pretty=False)
    yield Written(capsys)
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**before)


def lines(text: Written) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.getvalue().splitlines()]


def test_one_line_for_a_request(tmp_path: Path, written: Written) -> None:
    with (
        running(settings(tmp_path)) as service,
        service.client("prover", tenant="north") as client,
    ):
        client.get(f"/v1/policies/{'0' * 64}?x=1", headers={"X-Request-ID": "id-1"})
        client.get("/healthz")
    (line,) = lines(written)
    assert isinstance(line.pop("seconds"), float)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "request_id": "id-1",
        "route": "/v1/policies/{digest}",
        "status": 404,
        "tenant": "north",
    }


def test_a_probe_that_fails_has_a_line(tmp_path: Path, written: Written) -> None:
    with running(settings(tmp_path)) as service, service.client() as client:
        service.service.intake.stop()
        assert client.get("/readyz").status_code == 503
    assert [line["route"] for line in lines(written)] == ["/readyz"]


def test_no_secret_reaches_the_log(tmp_path: Path, written: Written) -> None:
    with running(settings(tmp_path, risk=True)) as service:
        _crashing_route(service)
        with service.client() as client:
            for path in ("/crash", "/v1/risk/evaluate", "/v1/attestations", "/v1/policies", "/no"):
                client.post(
                    f"{path}?secret={SECRETS[0]}",
                    json={"amount": SECRETS[1], SECRETS[2]: ["x"]},
                    headers={
                        "Authorization": f"Bearer {SECRETS[3]}",
                        "Cookie": SECRETS[4],
                        "X-Request-ID": f"{SECRETS[5]} x",
                        "User-Agent": SECRETS[6],
                        "Idempotency-Key": SECRETS[7],
                    },
                )
            client.get(f"/v1/policies/{SECRETS[8]}")
            client.get("/v1/policies", params={"cursor": SECRETS[9]})
            client.get(f"/{SECRETS[10]}", headers={"Authorization": f"Basic {SECRETS[11]}"})
    text = written.getvalue()
    assert [secret for secret in SECRETS if secret in text] == []
    crashed = [line for line in lines(written) if line["event"] == "internal"]
    assert len(crashed) == 1
    (line,) = crashed
    assert "builtins.ValueError" in line["exception"]
    assert "builtins.KeyError" in line["exception"]
    assert any("test_logs.py" in place and "crash" in place for place in line["exception"])
    assert line["request_id"]


def _crashing_route(service: Running) -> None:
    async def crash(request: Request) -> None:
        body = await request.body()
        header = request.headers["authorization"]
        try:
            raise KeyError(body.decode())
        except KeyError as error:
            raise ValueError(f"{body!r} {header}") from error

    service.app.add_api_route("/crash", crash, methods=["POST"])


def test_what_others_log_is_written_without_text_of_exceptions(written: Written) -> None:
    try:
        raise ValueError(SECRETS[0])
    except ValueError:
        logging.getLogger("somebody").exception("it failed: %s", "why")
    logging.getLogger("asyncio").error("Task failed\nfuture: <Task exception=%s>", SECRETS[1])
    logging.getLogger("somebody").info("of no interest")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    first, second = lines(written)
    assert (first["event"], first["logger"], first["level"]) == (
        "it failed: why",
        "somebody",
        "error",
    )
    assert first["exception"][0] == "builtins.ValueError"
    assert second["event"] == "Task failed"
    assert "SECRET" not in written.getvalue()


def test_a_chain_of_causes_ends() -> None:
    error: Exception | None = None
    for _ in range(100):
        following = ValueError("secret")
        following.__cause__ = error
        error = following
    loop = ValueError("a")
    loop.__cause__ = KeyError("b")
    loop.__cause__.__cause__ = loop
    assert error is not None
    assert len(logs.describe(error)) == len(logs.describe(loop)) == 5


def test_on_a_terminal_lines_are_for_people(
    written: Written,
) -> None:
    logs.configure(pretty=True)
    try:
        secret = SECRETS[0]
        raise ValueError(secret)
    except ValueError as error:
        structlog.get_logger("x").error("broken", exc_info=error)
    text = written.getvalue()
    assert "broken" in text
    assert "ValueError" in text
    assert SECRETS[0] not in text


def test_an_application_without_configured_logs_leaks_nothing_either(
    tmp_path: Path, written: Written
) -> None:
    structlog.reset_defaults()
    with running(settings(tmp_path)) as service:
        assert structlog.is_configured()
        _crashing_route(service)
        with service.client() as client:
            client.post("/crash", content=SECRETS[0], headers={"Authorization": SECRETS[1]})
    assert "internal" in written.getvalue()
    assert "SECRET" not in written.getvalue()


def test_who_configured_logs_before_keeps_them(tmp_path: Path, written: Written) -> None:
    own = [structlog.processors.JSONRenderer()]
    structlog.configure(processors=own)
    logs.configure_unless_done()
    assert structlog.get_config()["processors"] == own

"""What is counted, and that its labels are few."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.api.running import Running, running, settings
from zkcollateral.api import metrics as module


def samples(service: Running, name: str) -> dict[tuple[str, ...], float]:
    with service.client() as client:
        response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    return {
        tuple(value for key, value in sorted(sample.labels.items()) if key != "le"): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
        if sample.name == name
    }


def test_requests_are_counted_by_route_template(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service:
        with service.client() as client:
            for number in range(3):
                client.get(f"/v1/policies/{number:064x}")
                client.get(f"/nowhere/{number}")
            client.request("PURGE", "/v1/policies")
            client.get("/v1/policies", params={"limit": "x"})
        counted = samples(service, "zkcollateral_requests_total")
        timed = samples(service, "zkcollateral_request_seconds_count")
    assert counted == {
        ("GET", "/v1/policies/{digest}", "404"): 3,
        ("GET", "", "404"): 3,
        ("other", "/v1/policies", "405"): 1,
        ("GET", "/v1/policies", "422"): 1,
    }
    assert timed["GET", "/v1/policies/{digest}"] == 3


def test_no_label_comes_from_a_request(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service, service.client() as client:
        for number in range(50):
            client.get(f"/made-up-{number}", headers={"X-Request-ID": f"made-up-{number}"})
        text = client.get("/metrics").text
    assert "made-up" not in text


PROGRAM = """
import os, sys
from pathlib import Path
from zkcollateral.api.metrics import Metrics
metrics = Metrics()
metrics.requests.labels("GET", "/x", "200").inc(int(sys.argv[1]))
metrics.request_seconds.labels("GET", "/x").observe(0.002)
metrics.waiting.set(int(sys.argv[1]))
metrics.log_size.set(int(sys.argv[1]))
if len(sys.argv) > 2:
    print(metrics.render().decode())
"""


def test_workers_are_added_up_and_dead_ones_wait_for_nothing(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        module.FOLDER_VARIABLE: str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }

    def worker(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    worker("5")
    text = worker("3", "show")
    assert 'zkcollateral_requests_total{method="GET",route="/x",status="200"} 8.0' in text
    assert 'zkcollateral_request_seconds_count{method="GET",route="/x"} 2.0' in text
    assert "zkcollateral_submissions_waiting 3.0" in text
    assert "zkcollateral_log_size 5.0" in text

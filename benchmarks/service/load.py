"""A load from a process of its own: raw HTTP/1.1 on kept connections, so that it costs little.

    python -m benchmarks.service.load JOB.json

The job names host, port, connections, and either a rate (open loop: requests leave when they are
due, whether or not earlier ones were answered) or none (every connection sends as soon as it was
answered). Answers are written as JSON lines: index, status, seconds, and the problem's type.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any


def main(job_path: str) -> None:
    """Run a job."""
    job = json.loads(Path(job_path).read_text())
    requests = _requests(job)
    answers: list[dict[str, Any]] = []
    send = _open_loop if job["rate"] else _closed_loop
    started = time.perf_counter()
    asyncio.run(send(job, requests, answers))
    seconds = time.perf_counter() - started
    with Path(job["out"]).open("w", encoding="utf-8") as file:
        file.write(json.dumps({"seconds": seconds}) + "\n")
        for answer in answers:
            file.write(json.dumps(answer) + "\n")


def _requests(job: dict[str, Any]) -> list[bytes]:
    """Every request as it goes over the wire."""
    made = []
    for method, path, body in job["requests"]:
        content = Path(body).read_bytes() if body else b""
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {job['host']}",
            f"Authorization: Bearer {job['key']}",
        ]
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        made.append("\r\n".join((*lines, "", "")).encode() + content)
    return made


async def _closed_loop(
    job: dict[str, Any], requests: list[bytes], answers: list[dict[str, Any]]
) -> None:
    queue = list(enumerate(requests))
    queue.reverse()

    async def work() -> None:
        reader, writer = await asyncio.open_connection(job["host"], job["port"])
        while queue:
            index, request = queue.pop()
            answers.append(await _ask(reader, writer, index, request, time.perf_counter()))
        writer.close()

    await asyncio.gather(*(work() for _ in range(job["connections"])))


async def _open_loop(
    job: dict[str, Any], requests: list[bytes], answers: list[dict[str, Any]]
) -> None:
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(job["connections"]):
        free.put_nowait(await asyncio.open_connection(job["host"], job["port"]))
    started = time.perf_counter()

    async def ask(index: int, request: bytes, due: float) -> None:
        reader, writer = await free.get()
        # From when it was due, not from when a connection was free: waiting counts.
        answers.append(await _ask(reader, writer, index, request, due))
        free.put_nowait((reader, writer))

    tasks = []
    for index, request in enumerate(requests):
        due = started + index / job["rate"]
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(ask(index, request, due)))
    await asyncio.gather(*tasks)


async def _ask(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    index: int,
    request: bytes,
    since: float,
) -> dict[str, Any]:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1])
    length = next(
        int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")
    )
    body = await reader.readexactly(length)
    seconds = time.perf_counter() - since
    answer: dict[str, Any] = {"index": index, "status": status, "seconds": seconds}
    if status >= 400:
        answer["type"] = json.loads(body)["type"]
    elif lines[0] and b'"attestation"' in body and b'"new"' in body:
        answer["id"] = json.loads(body)["attestation"]["id"]
    return answer


if __name__ == "__main__":
    main(sys.argv[1])

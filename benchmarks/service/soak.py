"""Many submissions, some of them bad: every answer is checked, and the memory is watched."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.service.service import serving
from benchmarks.service.stock import Stock
from zkcollateral.api.problems import PREFIX

EXPIRED = "attestation-expired"
PARTS = 8
"""The load is sent in so many parts; memory is read after each."""


@dataclass(frozen=True)
class Soak:
    """What came of it."""

    wrong: int
    growth_mib: float
    half_mib: float
    seconds: float


@dataclass(frozen=True)
class _Planned:
    """A submission, and how it must be answered."""

    body: str
    status: int
    type: str | None = None


def soak(stock: Stock, folder: Path, number: int, console: Console) -> Soak:
    """Submit so many attestations, 1 % each malformed, replayed and expired."""
    folder.mkdir(parents=True)
    console.print(f"soak: making {number} submissions")
    parts = [_plan(stock, folder, part, number // PARTS) for part in range(PARTS)]
    wrong, memory = 0, []
    started = time.perf_counter()
    with serving(folder / "service", stock, f"sqlite:///{folder}/soak.db", 1) as up:
        for part in parts:
            _, answers = up.run([("POST", "/v1/attestations", each.body) for each in part])
            by_index = {answer["index"]: answer for answer in answers}
            wrong += sum(
                (by_index.get(index, {}).get("status"), by_index.get(index, {}).get("type"))
                != (each.status, each.type)
                for index, each in enumerate(part)
            )
            memory.append(up.resident_mib())
            console.print(f"soak: {len(memory)}/{PARTS}, {wrong} wrong, {memory[-1]:.0f} MiB")
    seconds = time.perf_counter() - started
    half = memory[PARTS // 2 - 1]
    return Soak(wrong, max(memory[PARTS // 2 :]) - half, half, seconds)


def _plan(stock: Stock, folder: Path, part: int, number: int) -> list[_Planned]:
    """One part of the load: mostly good ones, the bad ones among them, the replays at the end."""
    few = number // 100
    good = [
        _Planned(_write(folder / f"{part}-{index}.json", data), 201)
        for index, data in enumerate(stock.attestations(number - 3 * few, _nobody))
    ]
    bad = [
        _Planned(_write(folder / f"{part}-{index}-bad.json", _malformed(data, index)), *answer)
        for index, data in enumerate(stock.attestations(few, _nobody))
        for answer in [_answer_to_malformed(index)]
    ]
    bad += [
        _Planned(_write(folder / f"{part}-{index}-expired.json", data), 422, f"{PREFIX}{EXPIRED}")
        for index, data in enumerate(stock.attestations(few, _nobody, expires_in=1))
    ]
    time.sleep(2)
    replays = [_Planned(each.body, 200) for each in good[:few]]
    for index, each in enumerate(bad):
        good.insert(index * 40 % len(good), each)
    return good + replays


def _write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def _nobody(_: int) -> None:
    """Progress that nobody watches."""


def _malformed(data: bytes, index: int) -> bytes:
    """One of three: cut off, a field too many, a proof that is none."""
    if index % 3 == 0:
        return data[: len(data) // 2]
    value = json.loads(data)
    if index % 3 == 1:
        value["note"] = "an unknown field"
    else:
        proof = value["proof"]
        value["proof"] = proof[:-2] + f"{int(proof[-2:], 16) ^ 1:02x}"
    return json.dumps(value).encode()


def _answer_to_malformed(index: int) -> tuple[int, str]:
    return (
        (400, f"{PREFIX}json-malformed"),
        (422, f"{PREFIX}document-invalid"),
        (422, f"{PREFIX}proof-invalid"),
    )[index % 3]

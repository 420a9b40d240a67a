"""Frozen proofs: what every implementation and every later release must accept and reproduce.

    python -m tests.vectors.make_vectors [--force]

Every number comes from a label, so that a second run writes the same files. It overwrites none
unless told to: a vector that changes is a change of the protocol.

Each file is an object of strings. Bytes are lowercase hex, integers decimal.

    statement, proof   the bytes of docs/protocol.md section 7, over the KZG ceremony
    seed               the 32 bytes from which the blinders are derived (section 8)
    openings           amounts and blinder of every account
    values             the range-checked values
    challenges         rho, alpha, zeta, nu, mu, as an independent verifier derives them
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests import independent_verifier as independent
from tests.helpers import Case, case, opening, row, scalar, seed
from zkcollateral.circuits.statement import Row
from zkcollateral.crypto.commitment import Opening
from zkcollateral.crypto.select import arithmetic
from zkcollateral.crypto.srs import SRS_ID, Srs, ceremony

FOLDER = Path(__file__).parent


def amounts(label: str, count: int, bits: int = 60) -> list[int]:
    """Amounts from a label, below 2^bits."""
    return [scalar(f"{label} {index}") >> (255 - bits) for index in range(count)]


def inequality(
    openings: Sequence[Opening],
    index: int,
    terms: Sequence[tuple[int, int, int]],
    slack: int,
) -> tuple[Row, int]:
    """Σ terms − v_index = threshold, with the threshold that leaves this slack."""
    total = sum(
        coefficient * openings[account].amounts[slot] for account, slot, coefficient in terms
    )
    return row(terms, [(index, -1)], total - slack), slack


def one_row(srs: Srs) -> Case:
    """n = 64, k = 1: one account, one row, one value."""
    openings = [opening((5, 7, 11, 13), "one-row")]
    made, slack = inequality(openings, 0, [(0, 0, 2), (0, 3, 1)], 20)
    return case(srs, openings, [made], [slack], context=seed("one-row"))


def balanced(srs: Srs) -> Case:
    """n = 128, k = 8: sixteen ranged slots, and sixteen scenarios over all of them."""
    openings = [opening([*amounts("balanced", 15), -(2**62)], "balanced")]
    rows = [row([(0, slot, 1)], [(slot, -1)], 0 if slot < 15 else -(2**63)) for slot in range(16)]
    values = [*openings[0].amounts[:15], 2**62]
    for scenario in range(16):
        weights = amounts(f"weights {scenario}", 16, 100)
        terms = [(0, slot, weight + 1) for slot, weight in enumerate(weights)]
        slack = scalar(f"slack {scenario}") >> 191
        made, value = inequality(openings, 16 + scenario, terms, slack)
        rows.append(made)
        values.append(value)
    return case(srs, openings, rows, values, n=128, context=seed("balanced"))


def accounts(srs: Srs) -> Case:
    """n = 64, k = 2: accounts of 1, 4, 16 and 64 slots, one of them twice; rows of every kind."""
    openings = [opening(amounts(f"{a}", a), f"accounts {a}") for a in (1, 4, 16, 64)]
    openings.append(openings[1])
    rows, values = [], []
    for which, opened in enumerate(openings):
        last = len(opened.amounts) - 1
        if which < 3:
            made, slack = inequality(openings, which, [(which, last, 3)], 2**63 + which)
            values.append(slack)
        else:
            made = row([(which, last, -1)], (), -opened.amounts[last])
        rows.append(made)
    shared = [(which, 0, 2**180 - which) for which in range(5)]
    total = sum(factor * openings[which].amounts[0] for which, _, factor in shared)
    rows.append(row(shared, [(0, 5), (2, -1)], total + 5 * values[0] - values[2]))
    rows.append(row([], [(0, 1), (1, -1)], values[0] - values[1]))
    return case(srs, openings, rows, values, context=seed("accounts"))


def smallest_domain(srs: Srs) -> Case:
    """n = 32, k = 3: one value in each column, 0 and 2^64 − 1 among them."""
    openings = [opening((2**63 - 1, 1 - 2**63), "smallest")]
    rows, values = [], []
    for index, slack in enumerate((0, 2**64 - 1, 2**63)):
        made, value = inequality(openings, index, [(0, 0, 1), (0, 1, index + 2)], slack)
        rows.append(made)
        values.append(value)
    return case(srs, openings, rows, values, n=32, context=seed("smallest"))


def largest_domain(srs: Srs) -> Case:
    """n = 1024, k = 10: 1,024 slots in one row, 300 values, the last column not full."""
    openings = [opening(amounts("largest", 1024), "largest")]
    rows, values = [], []
    weights = amounts("largest weights", 1024, 120)
    terms = [(0, slot, weight + 1) for slot, weight in enumerate(weights)]
    for index in range(300):
        slack = scalar(f"largest {index}") >> 191
        made, value = inequality(
            openings, index, terms if index == 0 else [(0, index, 1), (0, 1023 - index, -1)], slack
        )
        rows.append(made)
        values.append(value)
    return case(srs, openings, rows, values, n=1024, context=seed("largest"))


VECTORS: dict[str, Callable[[Srs], Case]] = {
    "one-row": one_row,
    "balanced-32-values": balanced,
    "several-accounts": accounts,
    "smallest-domain": smallest_domain,
    "largest-domain": largest_domain,
}


def build(name: str, srs: Srs) -> dict[str, Any]:
    """The content of a vector's file."""
    made, blinder_seed = VECTORS[name](srs), seed(f"vector {name}")
    statement, proof = made.statement.encoded, made.prove(blinder_seed)
    k = (len(proof) - 4 - 4 * 48 - 32) // 80
    drawn = independent.challenges(srs.id, statement, independent.decode_proof(proof, k))
    return {
        "format": "zkcollateral/test-vector/1",
        "name": name,
        "about": VECTORS[name].__doc__,
        "srs_id": srs.id.hex(),
        "n": str(made.statement.domain_size),
        "m": str(made.statement.value_count),
        "k": str(k),
        "seed": blinder_seed.hex(),
        "openings": [
            {
                "amounts": [str(amount) for amount in opened.amounts],
                "blinder": opened.blinder.to_bytes(32, "big").hex(),
            }
            for opened in made.witness.openings
        ],
        "values": [str(value) for value in made.witness.values],
        "challenges": {
            label: challenge.to_bytes(32, "big").hex()
            for label, challenge in zip(drawn._fields, drawn, strict=True)
        },
        "statement": statement.hex(),
        "proof": proof.hex(),
    }


def text(vector: dict[str, Any]) -> str:
    """A vector as its file has it."""
    return json.dumps(vector, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write what is missing; with --force, everything."""
    parser = argparse.ArgumentParser(description="Write the frozen proofs.")
    parser.add_argument("--force", action="store_true", help="overwrite files that are there")
    force = parser.parse_args().force
    srs = ceremony(arithmetic())
    assert srs.id == SRS_ID
    kept = 0
    for name in VECTORS:
        path = FOLDER / f"{name}.json"
        if path.exists() and not force:
            print(f"kept     {path.name}")
            kept += 1
            continue
        path.write_text(text(build(name, srs)), encoding="utf-8")
        print(f"written  {path.name}")
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())

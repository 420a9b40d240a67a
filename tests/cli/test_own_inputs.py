"""No command writes a file that it reads: what was put in is still there afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.market import COMBINE, COMMIT, PROVE, SIGN, VOUCH, Run

COMMANDS = [
    ("trust --key north.pub --policy policy.json --out {}", "policy.json"),
    ("trust --key north.pub --policy policy.json --out {}", "north.pub"),
    ("inspect attestation.json --proof-bytes {}", "attestation.json"),
    ("inspect attestation.json --statement-bytes {}", "attestation.json"),
    (VOUCH.replace("v.json", "{}"), "one.commitment.json"),
    (SIGN.replace("s.json", "{}"), "oracle-a.report.json"),
    (COMBINE.replace("r.json", "{}"), "policy.json"),
    (COMBINE.replace("r.json", "{}"), "oracle-b.signed.json"),
    (COMMIT.replace(" o.json", " {}") + " --force", "one.portfolio.json"),
    (PROVE + " --out {}", "one.vouched.json"),
]


@pytest.mark.parametrize(("line", "read"), COMMANDS)
@pytest.mark.parametrize("linked", [False, True])
def test_an_input_is_never_an_output(
    folder: Path, run: Run, line: str, read: str, linked: bool
) -> None:
    before = (folder / read).read_bytes()
    output = read
    if linked:
        output = "another-name.json"
        (folder / output).symlink_to(folder / read)
    outcome = run(line.format(output))
    assert outcome.status == 2
    assert "another file than those that are read" in outcome.err
    assert (folder / read).read_bytes() == before


def test_keygen_tells_the_key_id_from_the_key(folder: Path, run: Run) -> None:
    outcome = run("keygen oracle --out fresh")
    assert outcome.status == 0
    assert "key id" in outcome.out
    assert "public key of fresh" in outcome.out

"""The examples in the help of commands that call a service, at a service."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.cli.market import PROVE, Run
from tests.cli.service import Served
from tests.cli.test_help import example


def test_the_examples_work_one_after_the_other(service: Served, run: Run, folder: Path) -> None:
    def line(command: str) -> str:
        text = example(command).removeprefix("zkcollateral ")
        assert "https://collateral.example.com" in text
        return text.replace("https://collateral.example.com", service.running.url)

    service.trust_log()
    service.round()
    assert run(f"{PROVE} --out attestation.json").status == 0
    shutil.copy(folder / "one.opening.json", folder / "opening.json")
    shutil.copy(folder / "one.vouched.json", folder / "vouched.json")
    key = folder / service.key_file("prover", "auditor")
    key.rename(folder / "holder.api-key")
    with_key = "--api-key-file holder.api-key"
    assert run(line("submit")).status == 0
    assert run(f"{line('audit open')} {with_key}").status == 0
    (audit,) = run(f"{line('audit list')} {with_key} --json").json["audits"]
    assert run(f"{line('audit answer').replace('7f3a', audit['id'])} {with_key} --yes").status == 0
    assert run(line("log verify")).status == 0
    # The service of these tests takes nothing that is addressed to nobody.
    assert run(f"{line('watch')} {with_key} --audience lender-7 --once").status == 0

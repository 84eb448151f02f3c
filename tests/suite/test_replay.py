"""A Then reads the ledger alone: recorded scenarios of the reference suite run again without it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.suite.conftest import ROOT, Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

FEATURES = ["inventory", "orders", "payments", "receipts", "webhooks"]

#: They promise that nothing comes of it, and say no more: a system that does nothing keeps that.
SILENT = {
    "News that the warehouse does not know yet are left alone",
    "A message that is delivered again mails nothing again",
}


@pytest.fixture
def records(run_suite: Callable[..., Run], tmp_path: Path) -> list[Path]:
    run = run_suite(*(f"features/{each}" for each in FEATURES))
    assert run.code == 0, run.output
    found = sorted((tmp_path / "run").glob("*/scenario-*.jsonl"))
    assert len(found) >= 40
    return found


def replay(how: str, records: list[Path]) -> dict[str, str]:
    program = Path(__file__).with_name("replaying.py")
    ended = subprocess.run(
        [sys.executable, str(program), how, *map(str, records)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told: dict[str, str] = json.loads(ended.stdout)
    assert len(told) == len(records)
    return told


def test_recorded_scenarios_pass_without_their_system_and_notice_another_one(
    records: list[Path],
) -> None:
    assert {name: said for name, said in replay("as-it-was", records).items() if said} == {}
    unmoved = {name for name, said in replay("changed", records).items() if not said}
    assert {name.partition(" (")[0] for name in unmoved} <= SILENT

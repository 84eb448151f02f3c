from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass
class Run:
    """A run of the reference suite: what its report says of each scenario."""

    code: int
    output: str
    #: Status and message of each scenario, by name; of an outline's rows the worst.
    scenarios: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def red(self) -> dict[str, str]:
        return {
            name: message
            for name, (status, message) in self.scenarios.items()
            if status not in ("passed", "skipped")
        }


_WORST = ("broken", "failed", "unknown", "skipped", "passed")


@pytest.fixture
def run_suite(tmp_path: Path) -> Callable[..., Run]:
    """Return a function that runs `behave` as a person would, with reports of its own."""

    def run(*arguments: str, defects: str = "") -> Run:
        results = tmp_path / "results"
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("AVOW_")
        }
        ended = subprocess.run(
            [
                str(Path(sys.executable).parent / "behave"),
                *arguments,
                f"-Davow.reports.results={results}",
                f"-Davow.reports.runs={tmp_path / 'run'}",
            ],
            cwd=ROOT,
            env={**environment, "SHOP_DEFECTS": defects},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        made = Run(ended.returncode, ended.stdout + ended.stderr)
        for file in results.glob("*-result.json"):
            result = json.loads(file.read_text())
            told = (result["status"], result.get("statusDetails", {}).get("message", ""))
            name = result["name"].partition(" -- @")[0]
            before = made.scenarios.get(name)
            if before is None or _WORST.index(told[0]) < _WORST.index(before[0]):
                made.scenarios[name] = told
        return made

    return run

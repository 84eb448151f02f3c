from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from avow.core.waiting import until
from avow.processes import Journal
from avow.processes.reaper import started_at


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.jsonl")
    yield made
    made.close()


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Say whether a process is gone within a few seconds; a zombie is."""

    def look(pid: int) -> bool:
        return until(lambda: not started_at(pid), 15).holds

    return look


#: A run in small: it starts a reaper and children, tells their pids, and waits to be killed.
RUN = """
import json, os, signal, sys
from pathlib import Path
from avow.processes import Child, Journal, Reaper

place = Path(sys.argv[1])
journal = Journal(place / "journal.jsonl")
reaper = Reaper.start(journal)
reaper.confirm()
directory = journal.directory("test", place)
(directory / "file").write_text("x")
stubborn = "import signal, time\\nfor n in (15, 2, 1): signal.signal(n, signal.SIG_IGN)\\n"
parent = (
    "import subprocess, sys, time\\n"
    "sleeper = [sys.executable, '-c', 'import time; time.sleep(600)']\\n"
    "print(subprocess.Popen(sleeper).pid, flush=True)\\n"
    "print(subprocess.Popen(sleeper, start_new_session=True).pid, flush=True)\\n"
    "time.sleep(600)"
)
children = [
    Child.start([sys.executable, "-c", code], log=place / f"{log}.log", journal=journal)
    for log, code in enumerate([stubborn + "time.sleep(600)", parent])
]
from avow.core.waiting import until
until(lambda: len(children[1].tail()) == 2, 20)
pids = [child.pid for child in children] + [int(line) for line in children[1].tail()]
print(json.dumps({"reaper": reaper.pid, "pids": pids, "directory": str(directory)}), flush=True)
end = sys.argv[2]
if end == "wait":
    signal.pause()
elif end == "close":
    reaper.close()
elif end == "exit":
    os._exit(0)
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(end: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(tmp_path), end],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()

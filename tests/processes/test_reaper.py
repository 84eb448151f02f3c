from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from avow.core.errors import EnvironmentProblem
from avow.core.waiting import until
from avow.processes import Child, Journal, Reaper, reaper
from avow.processes.reaper import started_at

Run = Callable[[str], "subprocess.Popen[str]"]
Gone = Callable[[int], bool]


def told(process: subprocess.Popen[str]) -> tuple[int, list[int], Path]:
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    return said["reaper"], said["pids"], Path(said["directory"])


def test_a_killed_run_leaves_nothing(run: Run, gone: Gone) -> None:
    process = run("wait")
    watching, pids, directory = told(process)
    assert all(started_at(pid) for pid in [watching, *pids])

    process.kill()

    # One ignores SIGTERM, one is a grandchild, one left its session.
    assert [pid for pid in pids if not gone(pid)] == []
    assert gone(watching)
    assert not directory.exists()


@pytest.mark.parametrize("end", ["exit", "close"])
def test_a_run_that_ends_by_itself_leaves_nothing(run: Run, gone: Gone, end: str) -> None:
    process = run(end)
    watching, pids, directory = told(process)
    process.wait(30)
    assert [pid for pid in [watching, *pids] if not gone(pid)] == []
    assert not directory.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals_that_end_a_run_do_not_end_its_reaper(
    run: Run, gone: Gone, number: signal.Signals
) -> None:
    process = run("wait")
    watching, pids, _ = told(process)
    os.kill(watching, number)
    process.send_signal(number)
    process.wait(30)
    assert [pid for pid in pids if not gone(pid)] == []


def test_a_process_begun_but_not_yet_written_goes_too(
    tmp_path: Path, journal: Journal, gone: Gone
) -> None:
    watching = Reaper.start(journal)
    journal.process("half started")
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env=journal.mark(os.environ),
        start_new_session=True,
    )
    watching.close()
    assert process.wait(20) == -signal.SIGTERM


def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    try:
        path = tmp_path / "journal.jsonl"
        records = [
            {"what": "run", "token": "0123456789abcdef"},
            {"what": "process", "number": 1, "name": "db"},
            {"what": "started", "number": 1, "pid": process.pid, "began": "1", "polite": 15},
        ]
        path.write_text("".join(json.dumps(each) + "\n" for each in records))
        reaper.reap(str(path))
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_what_was_released_is_left_alone(tmp_path: Path, journal: Journal) -> None:
    number = journal.process("kept")
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    try:
        journal.started(number, process.pid)
        journal.release(number)
        reaper.reap(str(journal.path))
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_a_torn_last_line_is_left_out(tmp_path: Path, journal: Journal) -> None:
    directory = journal.directory("test", tmp_path)
    with journal.path.open("ab") as file:
        file.write(b'{"what": "process", "num')
    reaper.reap(str(journal.path))
    assert not directory.exists()


def test_a_killed_reaper_is_replaced(tmp_path: Path, journal: Journal, gone: Gone) -> None:
    watching = Reaper.start(journal)
    watching.confirm()
    assert not watching.ensure()
    first = watching.pid
    os.kill(first, signal.SIGKILL)
    assert gone(first)
    assert until(watching.ensure, 10).holds
    watching.confirm()
    child = Child.start(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        log=tmp_path / "log",
        journal=journal,
    )
    watching.close()
    assert gone(child.pid)
    child.terminate()


def test_a_reaper_that_cannot_start_says_how_to_see_why(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaper, "__file__", "/nonexistent/reaper.py")
    watching = Reaper.start(journal)
    with pytest.raises(EnvironmentProblem) as caught:
        watching.confirm()
    watching.close()
    assert "the reaper, which cleans up after a run that was killed, did not start" in str(
        caught.value
    )
    assert f"Try: {sys.executable} -I -S /nonexistent/reaper.py" in str(caught.value)


def test_it_can_be_run_as_a_module_too(journal: Journal, tmp_path: Path) -> None:
    directory = journal.directory("test", tmp_path)
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "avow.processes.reaper", str(reader), str(journal.path)],
        pass_fds=[reader],
        stderr=subprocess.PIPE,
    )
    os.close(reader)
    os.close(writer)
    assert process.wait(20) == 0
    assert process.stderr is not None
    process.stderr.close()
    assert not directory.exists()


def test_it_imports_nothing_of_avow_and_no_heavy_module() -> None:
    code = (
        "import sys, runpy\n"
        f"runpy.run_path({reaper.__file__!r})\n"
        "print([name for name in sys.modules if name.startswith('avow')"
        " or name in ('subprocess', 'shutil', 'asyncio', 'socket', 'logging', 'msgspec')])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_run_inside_a_run_belongs_to_both(tmp_path: Path) -> None:
    outer, inner = Journal(tmp_path / "outer.jsonl"), Journal(tmp_path / "inner.jsonl")
    mark = inner.mark(outer.mark({}))["AVOW_RUN"]
    assert mark == f"{outer.token}.{inner.token}"
    outer.close()
    inner.close()

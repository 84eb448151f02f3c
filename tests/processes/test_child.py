from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from avow.core.errors import EnvironmentProblem
from avow.core.waiting import until
from avow.processes import Child, Ended, Journal
from avow.processes.reaper import read

Gone = Callable[[int], bool]
Start = Callable[..., Child]
SLEEP = "import time; time.sleep(600)"


@pytest.fixture
def python() -> Iterator[Callable[..., Child]]:
    started: list[Child] = []

    def start(code: str, log: Path, **options: Any) -> Child:
        started.append(Child.start([sys.executable, "-c", code], log=log, **options))
        return started[-1]

    yield start
    for child in started:
        child.terminate(0.0)


def test_output_goes_to_its_log_and_an_exit_is_noticed(tmp_path: Path, python: Start) -> None:
    child = python("print('one\\ntwo\\nthree'); raise SystemExit(3)", tmp_path / "log")
    assert child.wait(20) == Ended(3)
    assert str(child.poll()) == "exited with code 3"
    assert child.tail(2) == ["two", "three"]


def test_a_signal_is_told_by_name(tmp_path: Path, python: Start) -> None:
    child = python(SLEEP, tmp_path / "log")
    child.signal(signal.SIGKILL)
    ended = child.wait(20)
    assert ended == Ended(None, "SIGKILL")
    assert str(ended) == "was ended by SIGKILL"
    child.terminate()


def test_it_ends_politely_and_then_by_force(
    tmp_path: Path, journal: Journal, python: Start
) -> None:
    ignoring = f"import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); {SLEEP}"
    child = python(ignoring, tmp_path / "log", journal=journal)
    assert until(lambda: child.tail() == ["up"], 20).holds
    assert list(read(str(journal.path)).processes) == [1]
    assert child.terminate(0.1) == Ended(None, "SIGKILL")
    assert read(str(journal.path)).processes == {}


def test_what_it_started_ends_with_it(tmp_path: Path, gone: Gone, python: Start) -> None:
    code = (
        "import subprocess, sys\n"
        f"print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid, flush=True)\n"
    )
    child = python(code + SLEEP, tmp_path / "log")
    assert until(lambda: bool(child.tail()), 20).holds
    child.terminate()
    assert gone(int(child.tail()[0]))


def test_what_it_left_behind_ends_when_it_has_ended_by_itself(
    tmp_path: Path, gone: Gone, python: Start
) -> None:
    code = (
        "import subprocess, sys\n"
        f"print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid, flush=True)\n"
    )
    child = python(code, tmp_path / "log")
    assert until(lambda: bool(child.tail()) and bool(child.poll()), 20).holds
    child.terminate()
    assert gone(int(child.tail()[0]))


def test_another_signal_can_be_its_polite_one(tmp_path: Path, python: Start) -> None:
    child = python(SLEEP, tmp_path / "log", polite=signal.SIGINT)
    ended = child.terminate()
    assert ended is not None
    assert ended.signal == "SIGINT" or ended.code == 1


def test_only_what_this_start_wrote_counts(tmp_path: Path, python: Start) -> None:
    log = tmp_path / "log"
    log.write_text("old words\n")
    child = python("print('new')", log)
    child.wait(20)
    assert child.tail() == ["new"]
    assert log.read_text() == "old words\nnew\n"


def test_output_that_is_no_text_is_printable(tmp_path: Path, python: Start) -> None:
    child = python(r"import sys; sys.stdout.buffer.write(b'\xff\x00ok')", tmp_path / "log")
    child.wait(20)
    assert child.tail() == [r"\xff\x00ok"]


def test_nothing_is_read_from_the_terminal(tmp_path: Path, python: Start) -> None:
    child = python("print(repr(input()))", tmp_path / "log")
    assert child.wait(20) == Ended(1)
    assert "EOFError" in child.output()


def test_an_unknown_program_gets_the_nearest_one(tmp_path: Path) -> None:
    name = f"{Path(sys.executable).name}x"
    with pytest.raises(EnvironmentProblem) as caught:
        Child.start([name], log=tmp_path / "log", env={"PATH": str(Path(sys.executable).parent)})
    assert f'there is no program "{name}" on PATH' in str(caught.value)
    assert 'Did you mean "python' in str(caught.value)
    assert "Install it, or give its path." in str(caught.value)


def test_a_program_of_the_suite_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "server").touch()
    with pytest.raises(EnvironmentProblem) as caught:
        Child.start(["bin/serve"], log=tmp_path / "log", cwd=tmp_path)
    assert 'there is no program "bin/serve"' in str(caught.value)
    assert 'Did you mean "server"?' in str(caught.value)
    assert f"It was looked for in {tmp_path}." in str(caught.value)


def test_a_program_that_may_not_be_executed(tmp_path: Path) -> None:
    (tmp_path / "serve").write_text("#!/bin/sh\n")
    with pytest.raises(EnvironmentProblem) as caught:
        Child.start(["./serve"], log=tmp_path / "log", cwd=tmp_path)
    assert '"./serve" may not be executed' in str(caught.value)
    assert "Try: chmod +x ./serve" in str(caught.value)


def test_a_working_directory_that_is_not_there(
    tmp_path: Path, journal: Journal, python: Start
) -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        python("", tmp_path / "log", cwd=tmp_path / "nowhere", journal=journal)
    assert f"its working directory {tmp_path / 'nowhere'} is not there" in str(caught.value)
    assert read(str(journal.path)).processes == {}

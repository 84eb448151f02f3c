from __future__ import annotations

import stat
import threading
from pathlib import Path

from avow.processes import Journal
from avow.processes.reaper import read


def test_a_directory_is_written_down_and_is_the_runs_alone(
    journal: Journal, tmp_path: Path
) -> None:
    directory = journal.directory("pg", tmp_path)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert list(read(str(journal.path)).directories.values()) == [str(directory)]
    journal.remove(directory)
    assert not directory.exists()
    assert read(str(journal.path)).directories == {}


def test_the_file_is_readable_by_its_owner_alone(journal: Journal) -> None:
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


def test_threads_may_write_at_once(journal: Journal) -> None:
    def write() -> None:
        for _ in range(200):
            journal.release(journal.process("x"))
            journal.process("kept")

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read(str(journal.path)).processes) == 1600


def test_writing_after_the_end_is_no_error(journal: Journal) -> None:
    number = journal.process("x")
    journal.close()
    journal.release(number)
    assert list(read(str(journal.path)).processes) == [number]

"""Where a run keeps its files, also where the reports cannot be written."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

from avow.core.errors import EnvironmentProblem

#: Runs whose files are kept.
_KEPT = 4


class RunDirectory:
    """`path` is the directory; `problem` says why it is not the one that was asked for.

    A run on a full disk still has verdicts to give: it keeps its files elsewhere then, for as long
    as it lasts, and its evidence is incomplete.
    """

    def __init__(self, wanted: Path) -> None:
        self.path = wanted
        self.problem = ""
        try:
            _try(wanted)
        except OSError as error:
            shown = os.path.relpath(wanted.parent)
            self.problem = f"{shown} cannot be written: {error.strerror}"
            self.path = self._elsewhere(self.problem)

    def _elsewhere(self, why: str) -> Path:
        try:
            path = Path(tempfile.mkdtemp(prefix="avow-run-"))
            _try(path)
        except OSError as error:
            raise EnvironmentProblem(
                f"the run has nowhere to keep its files: {why}; "
                f"nor can a temporary directory: {error.strerror}",
                advice="Make room, or name another directory: [reports] runs, TMPDIR.",
            ) from None
        return path

    def leave(self) -> None:
        """Remove it where it is only for the time being."""
        if self.problem:
            shutil.rmtree(self.path, ignore_errors=True)


def _try(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    probe = directory / "journal.jsonl"
    # Room for what a run has to write down before it starts anything.
    with probe.open("wb", buffering=0) as file:
        written = file.write(b" " * 4096)
    probe.unlink()
    if written != 4096:
        raise OSError(28, os.strerror(28))


def prune(runs: Path) -> None:
    """Remove the files of old runs; `runs` holds a directory for each.

    At the end of a run: ext4 passes over inodes that were deleted a moment ago, one by one, so
    files created after a removal cost ten times as much.
    """
    with contextlib.suppress(OSError):
        found = sorted(each for each in runs.iterdir() if each.is_dir())
        for old in found[:-_KEPT]:
            if not _is_running(old):
                shutil.rmtree(old, ignore_errors=True)


def _is_running(directory: Path) -> bool:
    """Say whether the run of a directory may still be going on (two runs at once is normal)."""
    try:
        age = time.time() - (directory / "journal.jsonl").stat().st_mtime
    except OSError:
        return False
    return age < 24 * 3600 and _journal_pid_alive(directory / "journal.jsonl")


def _journal_pid_alive(journal: Path) -> bool:
    try:
        with journal.open("rb") as lines:
            pid = int(json.loads(lines.readline())["pid"])
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, ValueError, KeyError):
        return False
    return True

"""What a run owns, on disk before it exists: the reaper knows even what was only begun."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from avow.core.errors import EnvironmentProblem
from avow.processes.reaper import MARK, started_at


class Journal:
    """An append-only file, one write per record; safe from several threads.

    Each resource has a number, written before the resource is created and released once it is
    gone.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path.absolute()
        self.token = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._next = 0
        self._directories: dict[Path, int] = {}
        self._file = os.open(
            self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        self._write({"what": "run", "token": self.token, "pid": os.getpid()})

    def mark(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return `environment` with the run's mark; by it the reaper knows a stray process."""
        enclosing = environment.get(MARK, "")
        mark = f"{enclosing}.{self.token}" if enclosing else self.token
        return {**environment, MARK: mark}

    def process(self, name: str) -> int:
        """Write down that a process is about to start; return its number."""
        return self._own({"what": "process", "name": name})

    def started(self, number: int, pid: int, *, polite: int = 15) -> None:
        """Write down its pid, which is also its group's; `polite` is the signal it ends by."""
        self._write(
            {
                "what": "started",
                "number": number,
                "pid": pid,
                "began": started_at(pid),
                "polite": int(polite),
            }
        )

    def directory(self, prefix: str, parent: Path | None = None, *, mode: int = 0o700) -> Path:
        """Create a directory that goes with the run.

        Its name is new, so nothing that was there before can ever be removed for it.
        """
        path = (parent or Path(tempfile.gettempdir())) / f"avow-{prefix}-{secrets.token_hex(5)}"
        path = path.absolute()
        number = self._own({"what": "directory", "path": str(path)})
        path.mkdir(mode=mode)
        path.chmod(mode)
        with self._lock:
            self._directories[path] = number
        return path

    def remove(self, path: Path) -> None:
        """Remove a directory that `directory` made."""
        shutil.rmtree(path, ignore_errors=True)
        number = self._directories.pop(path, None)
        if number is not None and not path.exists():
            self.release(number)

    def release(self, number: int) -> None:
        """Write down that a resource is gone."""
        self._write({"what": "released", "number": number})

    def close(self) -> None:
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _own(self, record: dict[str, object]) -> int:
        with self._lock:
            self._next += 1
            number = self._next
        self._write({**record, "number": number})
        return number

    def _write(self, record: dict[str, object]) -> None:
        line = json.dumps(record).encode() + b"\n"
        with self._lock:
            if self._file < 0:
                return
            try:
                os.write(self._file, line)
            except OSError as error:
                # What is not written down would be left behind by a run that is killed.
                raise EnvironmentProblem(
                    f"the run's journal {self.path} cannot be written: {error.strerror}",
                    advice="Make room: nothing is started that could not be cleaned up.",
                ) from error

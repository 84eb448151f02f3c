"""Files of a results directory: whole or not there, and nobody else's touched.

A result is written under a temporary name and then renamed, so that a reader never sees half of
one. An attachment is written in place: nothing names it before its result does.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from pathlib import Path

from avow.core.text import printable

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
_OWN = re.compile(
    r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
    r"-(?:(?:result|container|globals)\.json|attachment(?:\.\w+)?)(?:\.tmp)?"
)
_RUN_FILES = frozenset({"environment.properties", "executor.json", "categories.json"})


def identifier(*parts: object) -> str:
    """Return a UUID-shaped name that is the same for the same parts."""
    digest = hashlib.md5(
        "\0".join(map(str, parts)).encode("utf-8", "backslashreplace"), usedforsecurity=False
    ).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


class Directory:
    """A results directory. Whatever cannot be written is a problem told, never an exception."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._prefix = f"{path}{os.sep}"
        self._problems: list[str] = []

    def prepare(self) -> None:
        """Make the directory; remove what Allure adapters left there, and nothing else."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with os.scandir(self.path) as found:
                old = [entry.path for entry in found if _is_allures(entry)]
        except OSError as error:
            self._problem(self.path, error)
            return
        for path in old:
            try:
                os.unlink(path)  # noqa: PTH108 - thousands of files
            except OSError as error:
                self._problem(Path(path), error)

    def write(self, name: str, content: bytes) -> bool:
        """Write an attachment; say whether it is there."""
        return self._write(self._prefix + name, content)

    def replace(self, name: str, content: bytes) -> bool:
        """Write a file that readers look for; they see the old one or the new one."""
        path = self._prefix + name
        if not self._write(path + ".tmp", content):
            return False
        try:
            os.replace(path + ".tmp", path)  # noqa: PTH105 - once per scenario, half the cost
        except OSError as error:
            self._problem(Path(path), error)
            return False
        return True

    def remove(self, name: str) -> None:
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            self._problem(self.path / name, error)

    def take_problems(self) -> list[str]:
        """Return what went wrong since the last time it was asked."""
        found, self._problems = self._problems, []
        return found

    def tell(self, problem: str) -> None:
        self._problems.append(problem)

    def _write(self, path: str, content: bytes) -> bool:
        try:
            file = os.open(path, _FLAGS, 0o644)
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(file, view) :]
            finally:
                os.close(file)
        except OSError as error:
            self._problem(Path(path), error)
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108 - half a file would be read as a whole one
            return False
        return True

    def _problem(self, path: Path, error: OSError) -> None:
        reason = error.strerror or type(error).__name__
        self.tell(f"{printable(path)} could not be written: {reason}")


def _is_allures(entry: os.DirEntry[str]) -> bool:
    named = entry.name in _RUN_FILES or _OWN.fullmatch(entry.name) is not None
    return named and entry.is_file(follow_symlinks=False)

"""What stays of a run's directory: logs of services and processes, without the secrets they told.

While the run goes on its logs are as they were written, for their owner only. A token that was
handed out during the run stands in the log of the service that handed it out, so workers tell the
coordinator what they learn (notices.Minted).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from avow.core.secrets import Redactor, Secret

#: Bytes that are redacted at once; a log is cut between lines.
_PIECE = 8 * 1024 * 1024


class Minted:
    """What the workers of a run learned, all of it: a redactor forgets the oldest of very many."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._names: dict[str, str] = {}

    def add(self, name: str, value: str) -> None:
        self._names[value] = name
        self._redactor.mint(name, value)

    def redacted(self, text: bytes) -> bytes:
        """Return `text` without them."""
        if len(self._names) > Redactor.MOST_MINTED:
            for value, name in self._names.items():
                if value.encode("utf-8", "surrogatepass") in text:
                    self._redactor.add(Secret(name, value))
        return self._redactor.raw(text)


def redact(directory: Path, minted: Minted, others: Iterable[Path] = ()) -> list[str]:
    """Redact the logs under a run's directory, whose writers are gone, and other files; return what
    could not be.
    """
    problems = []
    for log in (*_logs(directory), *others):
        try:
            _redact(log, minted)
        except OSError as error:
            problems.append(f"{log.name} could not be redacted and was removed: {error.strerror}")
            log.unlink(missing_ok=True)
    return problems


def _logs(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*.log")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size:
            yield path


def _redact(log: Path, minted: Minted) -> None:
    clean = log.with_name(f"{log.name}.redacted")
    changed = False
    try:
        with (
            log.open("rb") as file,
            open(clean, "wb", opener=_private) as out,
        ):
            while piece := file.read(_PIECE):
                piece += file.readline()
                redacted = minted.redacted(piece)
                changed = changed or redacted is not piece
                out.write(redacted)
        if changed:
            clean.replace(log)
    finally:
        clean.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

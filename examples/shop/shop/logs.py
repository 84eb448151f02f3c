"""Logs for machines: one JSON object a line, on standard output."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime


class Log:
    """Writes lines of one process; `bind` adds fields to every later line."""

    def __init__(self, process: str, **fields: object) -> None:
        self._fields = {"process": process, **fields}

    def bind(self, **fields: object) -> Log:
        bound = Log.__new__(Log)
        bound._fields = {**self._fields, **fields}
        return bound

    def info(self, message: str, **fields: object) -> None:
        self._write("info", message, fields)

    def warning(self, message: str, **fields: object) -> None:
        self._write("warning", message, fields)

    def error(self, message: str, **fields: object) -> None:
        self._write("error", message, fields)

    def _write(self, level: str, message: str, fields: dict[str, object]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": level, "message": message, **self._fields, **fields}
        sys.stdout.write(json.dumps(line, default=str) + "\n")
        sys.stdout.flush()

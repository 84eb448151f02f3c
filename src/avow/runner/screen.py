"""Standard output where steps run in place: what passes is redacted a line at a time.

What a step's subprocess or its C code writes goes past it, to the terminal of whoever debugs.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from avow.core.secrets import Redactor


class Redacting(io.TextIOBase):
    """Stands before a stream. `redactor` is set once there is one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line = ""
        self.redactor: Redactor | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def write(self, text: str) -> int:
        whole, newline, self._line = (self._line + text).rpartition("\n")
        if newline:
            self._pass(whole + newline)
        return len(text)

    def _pass(self, text: str) -> None:
        self._stream.write(text if self.redactor is None else self.redactor.text(text))

    def flush(self) -> None:
        # A debugger's prompt has no end of line.
        line, self._line = self._line, ""
        if line:
            self._pass(line)
        self._stream.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


class Screen:
    """The streams of a run in place, and the files that its formatters write."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._streams: list[Redacting] = []

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Pass on what is printed, by formatters that are made meanwhile too."""
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = self._before(sys.stdout), self._before(sys.stderr)
        outputs = [each for each in self._config.outputs if each.stream in before]
        streams = [each.stream for each in outputs]
        for each in outputs:
            each.stream = sys.stdout if each.stream is before[0] else sys.stderr
        try:
            yield
        finally:
            for stream in self._streams:
                stream.flush()
            sys.stdout, sys.stderr = before
            for each, stream in zip(outputs, streams, strict=True):
                each.stream = stream

    def _before(self, stream: TextIO) -> Redacting:
        self._streams.append(Redacting(stream))
        return self._streams[-1]

    def learn(self, redactor: Redactor) -> None:
        for stream in self._streams:
            stream.redactor = redactor

    def files(self) -> Iterator[Path]:
        """Yield the files that formatters and reporters wrote."""
        for output in self._config.outputs:
            if output.name and Path(output.name).is_file():
                yield Path(output.name)
        if self._config.junit:
            yield from Path(self._config.junit_directory).glob("TESTS-*.xml")

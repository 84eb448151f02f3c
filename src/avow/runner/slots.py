"""A slot: one place in which scenarios run, with the worker that is in it now."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from avow.core import events
from avow.core.text import printable
from avow.runner import notices
from avow.runner.plan import Item
from avow.runner.wire import Wire

#: A worker writes all its stacks to its log on this signal.
DUMP = signal.SIGUSR1 if hasattr(signal, "SIGUSR1") else signal.SIGABRT

#: Seconds between asking a process for its stacks and ending it.
DUMP_TIME = 0.3
#: Seconds for which nobody need tell how a worker ended whose wire is closed or that was killed.
UNHEARD = 2.0

#: Seconds of work that are sent ahead, so that a worker never waits for its next scenario.
AHEAD = 0.05
_MOST_AHEAD = 32


class Slot:
    """What the coordinator knows of one worker, and what it sent it."""

    def __init__(self, number: int, log: Path, *, is_alone: bool = True) -> None:
        self.number = number
        #: What is sent ahead waits for nobody but this worker: with others beside it, only
        #: scenarios that are known to be short.
        self._least_ahead = 1 if is_alone else 0
        self.log = log
        self.wire: Wire | None = None
        self.pid = 0
        self.status: int | None = None
        self.is_ready = False
        self.is_closing = False
        self.has_closed = False
        #: Sent and not done, the running one first.
        self.sent: deque[Item] = deque()
        #: What of the running scenario has been told.
        self.told = Told()
        self.heard = time.monotonic()
        self.deaths = 0
        self.kill_reason = ""
        self.kill_at: float | None = None
        self.hired = time.monotonic()
        #: Since when it should be over with the worker: its wire is closed, or it was killed.
        self.gone: float | None = None
        self._seconds = AHEAD * 2

    @property
    def is_alive(self) -> bool:
        return self.wire is not None

    @property
    def room(self) -> int:
        """How many more scenarios to send now."""
        if not self.is_ready or self.is_closing or self.kill_reason:
            return 0
        ahead = min(_MOST_AHEAD, max(self._least_ahead, int(AHEAD / max(self._seconds, 0.0005))))
        return ahead + 1 - len(self.sent)

    def took(self, seconds: float) -> None:
        """Learn how long scenarios take."""
        self._seconds += (seconds - self._seconds) * 0.2

    def send(self, command: notices.Command) -> None:
        if self.wire is not None:
            self.wire.send(notices.encode(command))

    def end(self) -> None:
        """Kill the worker and what it started; the template tells how it ended, or nobody."""
        self.gone = self.gone or time.monotonic()
        self.signal(signal.SIGKILL, group=True)
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        if self.pid and self.status is None:
            with suppress(ProcessLookupError, PermissionError):
                if group:
                    os.killpg(self.pid, number)
                else:
                    os.kill(self.pid, number)

    def end_group(self) -> None:
        """End what the worker's scenarios started and left; the worker itself is gone."""
        if self.pid:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def words(self) -> str:
        """Return how the worker ended."""
        if self.status is None:
            return "went away"
        if os.WIFSIGNALED(self.status):
            number = os.WTERMSIG(self.status)
            try:
                return f"was ended by {signal.Signals(number).name}"
            except ValueError:
                return f"was ended by signal {number}"
        return f"ended with exit code {os.waitstatus_to_exitcode(self.status)}"

    def last_lines(self, start: int, limit: int = 4000) -> str:
        """Return what the worker wrote to its log since `start`, the end of it."""
        try:
            with self.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(start, size - limit))
                return printable(file.read()).strip()
        except OSError:
            return ""

    def log_size(self) -> int:
        try:
            return self.log.stat().st_size
        except OSError:
            return 0


def spoken(seconds: float) -> str:
    """Return a duration as the settings spell it."""
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds / 60:g}m"
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"


class Told:
    """How far the coordinator has been told of the running scenario."""

    def __init__(self) -> None:
        self.began = False
        self.started = False
        self.matched = -1
        self.finished = -1
        self.verdict: events.ScenarioFinished | None = None
        self.since = time.monotonic()
        self.log_start = 0

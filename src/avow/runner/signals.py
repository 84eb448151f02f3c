"""Signals to the process that types `behave`: they wait until it has time for them."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable
from typing import Any

#: The exit codes of interrupted runs.
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


class Signals:
    """Those that interrupt are kept in `waiting`; `on_child` is called when a child has ended."""

    def __init__(self, on_child: Callable[[], None]) -> None:
        self.waiting: list[signal.Signals] = []
        self._on_child = on_child
        self._previous: dict[int, Any] = {}

    def take(self) -> None:
        """Handle them from now on; in another thread than the main one nothing happens."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in CODES:
            self._previous[number] = signal.signal(number, self._came)
        self._previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, self._child_ended)

    def _came(self, number: int, frame: Any) -> None:
        self.waiting.append(signal.Signals(number))

    def _child_ended(self, number: int, frame: Any) -> None:
        self._on_child()

    def wake(self, descriptor: int) -> None:
        """Have every signal write to a descriptor, so that a wait for it ends; -1 for none."""
        if self._previous:
            with contextlib.suppress(ValueError):
                signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)

    def give_back(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

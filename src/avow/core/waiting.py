"""Deadlines and waiting, on the monotonic clock. The only place that sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Generic, TypeVar

from avow.core.errors import ScenarioFailure

T = TypeVar("T")

#: The first pause between two looks and the longest one, in seconds. Looking often is cheap beside
#: a network call, and a wait that ends 50 ms late is felt in every suite.
FIRST_PAUSE = 0.002
LONGEST_PAUSE = 0.1


class Deadline:
    """A moment on the monotonic clock after which nobody waits any more."""

    __slots__ = ("_end", "within")

    def __init__(self, within: timedelta | float) -> None:
        self.within = within.total_seconds() if isinstance(within, timedelta) else float(within)
        self._end = time.monotonic() + self.within

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._end - time.monotonic())

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._end


class Waited(Generic[T]):
    """What came of a wait: the last value seen, how often it looked, and the seconds it took."""

    __slots__ = ("attempts", "error", "holds", "seconds", "value")

    def __init__(
        self, holds: bool, value: T | None, error: Exception | None, attempts: int, seconds: float
    ) -> None:
        self.holds = holds
        self.value = value
        self.error = error
        self.attempts = attempts
        self.seconds = seconds


def until(
    condition: Callable[[], T],
    within: timedelta | float | Deadline,
    *,
    pause: float = FIRST_PAUSE,
    retry_on: type[Exception] | tuple[type[Exception], ...] = AssertionError,
) -> Waited[T]:
    """Call `condition` until it neither raises `retry_on` nor returns False, or the deadline
    passes.

    It is called at least once, and once more at the deadline. A `ScenarioFailure` that is
    `terminal` ends the wait at once. Other exceptions pass through. Never raises for a deadline
    that passed: the caller words the failure from `Waited`.
    """
    deadline = within if isinstance(within, Deadline) else Deadline(within)
    started = time.monotonic()
    attempts = 0
    while True:
        last_look = deadline.is_over
        attempts += 1
        value: T | None = None
        error: Exception | None = None
        try:
            value = condition()
        except retry_on as caught:
            error = caught
        seconds = time.monotonic() - started
        if error is None and value is not False:
            return Waited(True, value, None, attempts, seconds)
        if last_look or (isinstance(error, ScenarioFailure) and error.terminal):
            return Waited(False, value, error, attempts, seconds)
        pause_for(min(pause, deadline.remaining()))
        pause = min(pause * 1.5, LONGEST_PAUSE)


def pause_for(seconds: float) -> None:
    """Sleep. Anything else that sleeps hides a race; wait with `until`."""
    time.sleep(max(seconds, 0.0))  # noqa: TID251

"""How long a step, a scenario and what is around it may take: read off the files of what runs.

A guard extends the time of its step and of its scenario: `within 60 seconds` is as good as a
setting.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from avow.core import events
from avow.runner import records
from avow.runner.plan import Item
from avow.runner.slots import Slot, spoken


class Deadlines:
    """Says of a slot at work whether it is past its time."""

    def __init__(self, timeouts: Any, record_of: Callable[[Item], Path]) -> None:
        self._step: float = timeouts.step.total_seconds()
        self._scenario: float = timeouts.scenario.total_seconds()
        #: What a guarded step may take beyond the times in its text: one last look.
        self._margin: float = timeouts.call.total_seconds()
        self._record_of = record_of

    def check(self, slot: Slot, now: float) -> tuple[str, float]:
        """Return why to end the worker, or nothing and when to look again."""
        soonest = min(self._step, self._scenario)
        silent = now - slot.heard
        # A scenario that talks all the time also ends.
        if silent < soonest and not (slot.told.began and now - slot.told.since >= self._scenario):
            return "", soonest - silent
        for item in slot.sent:
            found = records.tail(self._record_of(item))
            if not found or not isinstance(found[0], events.ScenarioStarted):
                break
            if isinstance(found[-1], events.ScenarioFinished):
                continue
            return self._overdue(found[0], found[-1], now), 0.2
        if silent > self._scenario:
            return (
                "nothing was heard of it for longer than "
                f"[timeouts] scenario = {spoken(self._scenario)} "
                "(in a hook of a feature, a rule or a tag?); it was stopped"
            ), 0.2
        return "", 0.2

    def _overdue(self, started: events.ScenarioStarted, last: events.AnyEvent, now: float) -> str:
        texts = [step.text for step in started.scenario.steps]
        took = now - started.monotonic
        if took > self._scenario and took > self._scenario + sum(map(_guarded, texts)):
            limit = f"[timeouts] scenario = {spoken(self._scenario)}"
            return f"the scenario took longer than {limit}; it was stopped"
        if isinstance(last, events.StepStarted):
            took = time.time() - last.at
            if took > self._step and took > self._allowed(texts, last.index):
                return f"took longer than [timeouts] step = {spoken(self._step)} and was stopped"
        return ""

    def _allowed(self, texts: list[str], index: int) -> float:
        guarded = _guarded(texts[index]) if index < len(texts) else 0.0
        return max(self._step, guarded + self._margin) if guarded else self._step


def _guarded(text: str) -> float:
    """Return the seconds that the guards of a step give it."""
    from avow.gherkin import guards

    found, _ = guards.split(text)
    return sum(
        each.time.total_seconds()
        for each in found
        if isinstance(each, guards.Within | guards.During)
    )

"""The scenario that a dead worker was at: told as far as its file holds it, and that it broke
there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from avow.core import events
from avow.core.secrets import Redactor
from avow.runner import features, notices, records
from avow.runner.plan import Item
from avow.runner.slots import Slot


class ToldOfScenarios(Protocol):
    """Who is told of scenarios."""

    def told(self, item: Item, record: Any) -> None:
        """A record of a scenario has come."""

    def finished(
        self, slot: Slot, item: Item, path: Path, verdict: events.ScenarioFinished
    ) -> None:
        """A scenario has its verdict and its file is complete."""


class Recovery:
    def __init__(
        self,
        listener: ToldOfScenarios,
        record_of: Callable[[Item], Path],
        redactor: Redactor,
        run: str,
        language: str | None,
    ) -> None:
        self._listener = listener
        self._record_of = record_of
        self._redactor = redactor
        self._run = run
        self._language = language

    def tell(self, slot: Slot, item: Item) -> bool:
        """Tell what was not told of a scenario; return whether the worker's end broke it."""
        told, path = slot.told, self._record_of(item)
        found = records.tail(path)
        if not found:
            found = self._begin(item, path)
        running: int | None = None
        verdict: events.ScenarioFinished | None = None
        listener = self._listener
        for event in found:
            if isinstance(event, events.ScenarioStarted):
                if not told.started:
                    listener.told(item, event)
            elif isinstance(event, events.StepStarted):
                running = event.index
                if event.index > told.matched:
                    listener.told(item, notices.Matched(event.index, location="?:0"))
            elif isinstance(event, events.StepFinished):
                running = None
                if event.index > told.finished:
                    listener.told(item, event)
            elif isinstance(event, events.ScenarioFinished):
                verdict = event
            elif told.verdict is None and told.finished < 0:
                listener.told(item, event)
        blamed = verdict is None
        if verdict is None:
            verdict = self._break(slot, item, found, running)
        if told.verdict is None:
            listener.told(item, verdict)
        listener.finished(slot, item, path, verdict)
        listener.told(item, notices.Done(item.number))
        return blamed

    def _begin(self, item: Item, path: Path) -> list[events.AnyEvent]:
        """Begin the file of a scenario that did not come that far: it has to say which it is."""
        feature = features.parse(item.file, self._language)
        located = None if feature is None else features.by_line(feature).get(item.line)
        if located is None:
            return []
        info = features.describe(located)
        started = events.ScenarioStarted(at=time.time(), scenario=info, run=self._run)
        records.append(path, [self._redactor.raw(events.encode(started))])
        return [started]

    def _break(
        self, slot: Slot, item: Item, found: list[events.AnyEvent], running: int | None
    ) -> events.ScenarioFinished:
        path = self._record_of(item)
        started = next((e for e in found if isinstance(e, events.ScenarioStarted)), None)
        info = started.scenario if started else None
        message = (
            f"{slot.kill_reason or 'the worker ' + slot.words()} {_where(found, info, running)}"
        )
        if not slot.kill_reason and slot.status is not None and os.WIFEXITED(slot.status):
            message += "; something called os._exit() or ended the interpreter"
        last = self._redactor.text(slot.last_lines(slot.told.log_start))
        trouble = events.Trouble("broken", message, trace=last, kind="WorkerLost")
        now = time.time()
        lines = []
        if running is None:
            # No formatter has a place for it.
            self._listener.told(item, notices.Printed(f"ERROR: {message}\n", is_error=True))
        else:
            step_began = next(
                (e.at for e in reversed(found) if isinstance(e, events.StepStarted)), now
            )
            step_end = events.StepFinished(
                at=now, index=running, status="broken", seconds=now - step_began, trouble=trouble
            )
            lines.append(events.encode(step_end))
            self._listener.told(item, step_end)
        verdict = events.ScenarioFinished(
            at=now,
            scenario=info.id if info else "",
            status="broken",
            seconds=now - started.at if started else 0.0,
            trouble=trouble,
            behave_status="error",
            file=str(path),
        )
        lines.append(events.encode(verdict))
        records.append(path, lines)
        return verdict


def _where(
    found: list[events.AnyEvent], info: events.ScenarioInfo | None, running: int | None
) -> str:
    if running is not None and info is not None and running < len(info.steps):
        step = info.steps[running]
        return f'in step "{step.keyword} {step.text}" ({step.place})'
    if not any(isinstance(e, events.StepStarted | events.StepFinished) for e in found):
        return "before its first step"
    if info is not None and _all_done(found, info):
        return "after its last step"
    return "outside of its steps"


def _all_done(found: list[events.AnyEvent], info: events.ScenarioInfo) -> bool:
    done = {event.index for event in found if isinstance(event, events.StepFinished)}
    return len(done) >= len(info.steps)

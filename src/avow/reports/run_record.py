"""The run for machines: `run.jsonl` as it happens, `run.json` when it is over. No bodies in either.

    {"event":"run.started",...}
    {"event":"scenario.started",...}  {"event":"scenario.finished",...}  {"event":"run.trouble",...}
    {"event":"run.finished",...}

What a scenario exchanged is in its own file.
"""

from __future__ import annotations

import heapq
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from avow.core import events
from avow.core.events import (
    Event,
    RunFinished,
    RunStarted,
    RunTrouble,
    ScenarioFinished,
    ScenarioInfo,
    ScenarioStarted,
)
from avow.reports.allure.files import Directory

#: Scenarios named as the slowest, and failures listed in `run.json`.
SLOWEST = 10
MOST_FAILURES = 200
_TOLD = (RunStarted, RunFinished, RunTrouble, ScenarioStarted, events.LateEffect)


class Failure(msgspec.Struct, frozen=True):
    """A scenario that is not green, in one line's worth of facts."""

    id: str
    name: str
    place: str
    status: str
    message: str


class RunRecord:
    """Writes both files into a directory. Problems are collected, not raised."""

    def __init__(self, directory: Path) -> None:
        self._directory = Directory(directory)
        self._lines = -1
        self._path = directory / "run.jsonl"
        self.started: RunStarted | None = None
        self.finished: RunFinished | None = None
        self.counts: dict[str, int] = {}
        self.failures: list[Failure] = []
        self.not_listed = 0
        self.troubles: list[RunTrouble] = []
        self.late = 0
        self._slowest: list[tuple[float, int, str, str]] = []
        self._verdicts: dict[str, str] = {}

    def take(self, event: Event) -> None:
        """Write what belongs into the run's record; remember what its end needs."""
        if not isinstance(event, _TOLD):
            return
        if isinstance(event, RunStarted):
            self._open()
            # The list of a large run's scenarios is for the file.
            self.started = msgspec.structs.replace(event, scenarios=[])
        elif isinstance(event, RunTrouble):
            self.troubles.append(event)
        elif isinstance(event, events.LateEffect):
            self.late += 1
        elif isinstance(event, RunFinished):
            self.finished = event
        self._line(event)

    def verdict(self, event: ScenarioFinished, scenario: ScenarioInfo) -> None:
        """Take the verdict on a scenario; a later one (a retry, a late effect) replaces it."""
        name, place = (scenario.name or scenario.keyword).strip(), str(scenario.place)
        before = self._verdicts.get(scenario.id)
        if before is not None:
            self.counts[before] -= 1
            self.failures = [one for one in self.failures if one.id != scenario.id]
        else:
            heapq.heappush(self._slowest, (event.seconds, len(self._verdicts), name, place))
            if len(self._slowest) > SLOWEST:
                heapq.heappop(self._slowest)
        # Read from a file, each would be a text of its own.
        self._verdicts[scenario.id] = sys.intern(event.status)
        self.counts[event.status] = self.counts.get(event.status, 0) + 1
        if event.status not in {"passed", "skipped"}:
            if len(self.failures) < MOST_FAILURES:
                message = event.trouble.message if event.trouble else ""
                self.failures.append(Failure(scenario.id, name, place, event.status, message))
            else:
                self.not_listed += 1
        self._line(event)

    def close(self) -> list[str]:
        """Write `run.json`; return the problems of both files."""
        if self._lines >= 0:
            os.close(self._lines)
            self._lines = -1
        self._directory.replace("run.json", msgspec.json.format(msgspec.json.encode(self.plain())))
        return self._directory.take_problems()

    def plain(self) -> dict[str, Any]:
        """Return what `run.json` says."""
        started, finished = self.started, self.finished
        return {
            "run": started.run if started else "",
            "suite": started.suite if started else "",
            "profile": started.profile if started else "",
            "seed": started.seed if started else 0,
            "started": started.at if started else None,
            "finished": finished.at if finished else None,
            "seconds": finished.seconds if finished else None,
            "exit_code": finished.exit_code if finished else None,
            "reasons": finished.reasons if finished else ["the run did not end by itself"],
            "counts": (finished.counts if finished else None) or self._counts(),
            "failures": self.failures,
            "failures_not_listed": self.not_listed,
            "trouble": [
                {"where": one.where, "message": one.trouble.message} for one in self.troubles
            ],
            "late_effects": self.late,
            "slowest": [
                {"name": name, "place": place, "seconds": seconds}
                for seconds, _, name, place in self.slowest
            ],
        }

    @property
    def slowest(self) -> list[tuple[float, int, str, str]]:
        return sorted(self._slowest, reverse=True)

    def _counts(self) -> dict[str, int]:
        return {status: count for status, count in self.counts.items() if count}

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lines = os.open(
                self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644
            )
        except OSError as error:
            self._directory.tell(f"{self._path} could not be written: {error.strerror}")

    def _line(self, event: Event) -> None:
        if self._lines < 0:
            return
        if isinstance(event, events.LateEffect):
            entry = {name: value for name, value in event.entry.items() if name != "bodies"}
            event = msgspec.structs.replace(event, entry=entry)
        elif isinstance(event, ScenarioFinished) and event.output:
            event = msgspec.structs.replace(event, output="")
        try:
            os.write(self._lines, events.encode(event) + b"\n")
        except (OSError, UnicodeEncodeError) as error:
            os.close(self._lines)
            self._lines = -1
            self._directory.tell(f"{self._path} is cut off: {error}")

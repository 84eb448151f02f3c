"""Plug-ins told of the run. One that raises is named once, and costs the run its cleanliness, not its verdict."""

from __future__ import annotations

import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

from avow.core import events
from avow.runner.failures import message_of
from avow.runner.outcome import Outcome

#: Ended scenarios that may still be told of a late effect.
_REMEMBERED = 64


class Telling:
    """The coordinator's side of the hooks `avow_event`, `avow_scenario_recorded` and `avow_run_finished`."""

    def __init__(self, settings: Any, outcome: Outcome) -> None:
        from avow.plugins import manager

        self._outcome = outcome
        self._manager = manager()
        self._problems: set[str] = set()
        self._paths: OrderedDict[str, Path] = OrderedDict()
        self._call("avow_run_configured", settings=settings, manager=self._manager)
        self.seconds = 0.0

    def event(self, event: events.Event) -> None:
        self._call("avow_event", event=event)

    def recorded(self, path: Path, verdict: events.ScenarioFinished) -> None:
        self._paths[verdict.scenario] = path
        self._paths.move_to_end(verdict.scenario)
        if len(self._paths) > _REMEMBERED:
            self._paths.popitem(last=False)
        self._call("avow_scenario_recorded", path=path, event=verdict)

    def path_of(self, scenario: str) -> Path | None:
        """Return the file of a scenario that ended not long ago."""
        return self._paths.get(scenario)

    def decide(self) -> None:
        """Let incomplete evidence count."""
        for problem in self._report_problems():
            self._outcome.add(7, f"evidence is incomplete: {problem}")

    def finished(self, finished: events.RunFinished) -> None:
        self._call("avow_event", event=finished)
        self._call("avow_run_finished", summary=finished)

    def summary(self) -> str:
        """Return the report's last words, with the place of the report."""
        report = self._manager.get_plugin("avow.reports")
        if report is None:
            return ""
        try:
            text: str = report.summary()
        except Exception as error:  # noqa: BLE001 - a report must not cost a verdict
            return f"report: {message_of(error)}\n"
        return text

    def _report_problems(self) -> list[str]:
        report = self._manager.get_plugin("avow.reports")
        return list(getattr(report, "problems", ()))

    def _call(self, hook: str, **arguments: Any) -> None:
        began = time.perf_counter()
        try:
            getattr(self._manager.hook, hook)(**arguments)
        except Exception as error:  # noqa: BLE001 - a plug-in must not cost a verdict
            said = f"a plug-in failed in {hook}: {message_of(error)}"
            if said not in self._problems:
                self._problems.add(said)
                self._outcome.add(7, said)
        self.seconds = getattr(self, "seconds", 0.0) + time.perf_counter() - began

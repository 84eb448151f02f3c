"""Plug-ins told of the run. One that raises is named once, and costs the run its cleanliness, not
its verdict.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from avow.core import events
from avow.runner.failures import message_of
from avow.runner.outcome import Outcome


class Telling:
    """The coordinator's side of the hooks `avow_event`, `avow_scenario_recorded` and
    `avow_run_finished`.
    """

    def __init__(self, settings: Any, outcome: Outcome) -> None:
        self._settings = settings
        self._outcome = outcome
        self._manager: Any = None
        self._problems: set[str] = set()

    def open(self) -> None:
        """Load the plug-ins; what was not opened tells nobody."""
        from avow.plugins import manager

        self._manager = manager()
        self._call("avow_run_configured", settings=self._settings, manager=self._manager)

    def event(self, event: events.Event) -> None:
        self._call("avow_event", event=event)

    def recorded(self, path: Path, verdict: events.ScenarioFinished) -> None:
        self._call("avow_scenario_recorded", path=path, event=verdict)

    def decide(self) -> None:
        """Let incomplete evidence count."""
        for problem in self._report_problems():
            self._outcome.add(7, f"evidence is incomplete: {problem}")

    def finished(self, finished: events.RunFinished) -> None:
        self._call("avow_event", event=finished)
        self._call("avow_run_finished", summary=finished)

    def _report_problems(self) -> list[str]:
        report = self._manager and self._manager.get_plugin("avow.reports")
        return list(getattr(report, "problems", ()))

    def _call(self, hook: str, **arguments: Any) -> None:
        if self._manager is None:
            return
        try:
            getattr(self._manager.hook, hook)(**arguments)
        except Exception as error:  # noqa: BLE001 - a plug-in must not cost a verdict
            said = f"a plug-in failed in {hook}: {message_of(error)}"
            if said not in self._problems:
                self._problems.add(said)
                self._outcome.add(7, said)


def tell_report(root: Path, settings: Any) -> None:
    """Print the one line that says where the report is."""
    results = os.path.relpath(root / settings.reports.results)
    print(f"Report: {results} (avow report --open)", flush=True)  # noqa: T201

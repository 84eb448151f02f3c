"""Plug-ins told of the run. One that raises is named once, and costs the run its cleanliness, not
its verdict.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from avow.core import events
from avow.runner.failures import message_of
from avow.runner.outcome import Outcome
from avow.runner.plan import Item


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

    def started(self, run: str, seed: int, command: list[str], items: Iterable[Item]) -> None:
        """Tell that the run begins."""
        import platform

        import behave

        from avow import __version__

        settings = self._settings
        self.event(
            events.RunStarted(
                at=time.time(),
                run=run,
                suite=settings.name,
                root=settings.root,
                profile=settings.profile,
                seed=seed,
                command=command,
                scenarios=[f"{item.file}:{item.line}" for item in items],
                services={name: each.provider for name, each in settings.services.items()},
                environment={
                    "python": platform.python_version(),
                    "behave": behave.__version__,
                    "avow": __version__,
                    "platform": platform.platform(),
                },
            )
        )

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

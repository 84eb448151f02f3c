"""Reports as a plug-in of the coordinator: events and scenario files in, files out.

    avow_run_configured --> Reports is registered
    avow_event          --> run.jsonl, environment, trouble outside of scenarios
    avow_scenario_recorded --> the scenario's Allure files
    avow_run_finished   --> run.json; problems and the summary are ready to be printed

A report never decides a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pluggy

from avow.core.events import (
    Attached,
    Event,
    LateEffect,
    RunFinished,
    RunStarted,
    RunTrouble,
    ScenarioFinished,
)
from avow.reports import record, summary
from avow.reports.allure import AllureResults
from avow.reports.run_record import RunRecord

hookimpl = pluggy.HookimplMarker("avow")
NAME = "avow.reports"


class ReportSettings(Protocol):
    """What this room reads of `[reports]`."""

    @property
    def results(self) -> str: ...
    @property
    def passed_evidence(self) -> bool: ...
    @property
    def links(self) -> Mapping[str, str]: ...
    @property
    def environment(self) -> Mapping[str, str]: ...


class Reports:
    """All reports of one run. A problem is never an exception of the caller's; see `problems`."""

    def __init__(self, settings: ReportSettings, root: Path, *, profile: str = "") -> None:
        self.results = root / settings.results
        self.allure = AllureResults(
            self.results,
            links=settings.links,
            environment=settings.environment,
            profile=profile,
            passed_evidence=settings.passed_evidence,
        )
        self.run = RunRecord(self.results.parent)
        #: What could not be written, in words; each once.
        self.problems: list[str] = []
        self._recorded: dict[str, tuple[Path, ScenarioFinished, list[LateEffect]]] = {}

    @hookimpl
    def avow_event(self, event: Event) -> None:
        self.run.take(event)
        if isinstance(event, RunStarted):
            self._tell(self.allure.start(event))
        elif isinstance(event, RunTrouble):
            if event.where == record.EVIDENCE:
                self._tell([event.trouble.message])
            else:
                self._tell(self.allure.trouble(event))
        elif isinstance(event, Attached):
            if event.step == record.RUN_LEVEL:
                self._tell(self.allure.attachment(event))
        elif isinstance(event, LateEffect):
            recorded = self._recorded.get(event.scenario)
            if recorded is not None:
                recorded[2].append(event)
                self._write(*recorded, is_news=False)

    @hookimpl
    def avow_scenario_recorded(self, path: Path, event: ScenarioFinished) -> None:
        known = self._recorded.pop(event.scenario, None)
        self._recorded[event.scenario] = (path, event, known[2] if known else [])
        # What arrives late belongs to a scenario that ended just now; the last few are enough.
        if len(self._recorded) > 64:
            del self._recorded[next(iter(self._recorded))]
        self._write(*self._recorded[event.scenario])

    @hookimpl
    def avow_run_finished(self, summary: RunFinished) -> None:
        if self.run.finished is None:
            self.run.take(summary)
        self._tell(self.allure.finish(summary))
        self._tell(self.run.close())

    def summary(self) -> str:
        """Return the text for the end of the console's output."""
        return summary.text(self.run, report=self.results, problems=self.problems)

    def _write(
        self, path: Path, event: ScenarioFinished, late: list[LateEffect], *, is_news: bool = True
    ) -> None:
        try:
            found = record.read(path, event, late=late)
            if is_news:
                self.run.verdict(event, found.scenario)
            self._tell(self.allure.scenario(found))
        except Exception as error:  # noqa: BLE001 - a report must not cost a verdict
            self._tell([f"{path.name} is not in the report: {type(error).__name__}: {error}"])

    def _tell(self, problems: list[str]) -> None:
        self.problems += [problem for problem in problems if problem not in self.problems]


@hookimpl
def avow_run_configured(settings: Any, manager: pluggy.PluginManager) -> None:
    """Register the reports of this run, once."""
    if manager.get_plugin(NAME) is None:
        manager.register(
            Reports(settings.reports, Path(settings.root), profile=settings.profile or ""), NAME
        )

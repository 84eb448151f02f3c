"""Allure results, written by a small writer of avow's own with allure-behave's conventions.

    results = AllureResults(Path("reports/allure-results"), links={"issue": "https://bugs/{}"})
    results.start(run_started)
    problems = results.scenario(record)

The stock adapter loses scenarios inside a rule, hides hooks that failed and costs more than the
tests do.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from avow.core.events import Attached, RunFinished, RunStarted, RunTrouble, Trouble
from avow.reports.allure.files import Directory
from avow.reports.allure.results import ResultWriter
from avow.reports.allure.run_files import RunFiles
from avow.reports.record import ScenarioRecord

__all__ = ["AllureResults"]


class AllureResults:
    """A results directory of one run. Every method returns the problems it met, and raises none."""

    def __init__(
        self,
        directory: Path,
        *,
        links: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        profile: str = "",
        passed_evidence: bool = True,
    ) -> None:
        self._directory = Directory(directory)
        self._results = ResultWriter(
            self._directory, links=links or {}, profile=profile, passed_evidence=passed_evidence
        )
        self._run = RunFiles(self._directory, environment or {})
        self._trouble = False

    def start(self, started: RunStarted, environ: Mapping[str, str] | None = None) -> list[str]:
        """Remove the results of earlier runs and write what is known of this one."""
        self._directory.prepare()
        if started.profile:
            self._results.profile = started.profile
        self._run.start(started, environ)
        return self._directory.take_problems()

    def scenario(self, record: ScenarioRecord) -> list[str]:
        """Write a scenario; the same one again replaces it."""
        self._results.write(record)
        return self._directory.take_problems()

    def trouble(self, event: RunTrouble) -> list[str]:
        self._trouble = True
        self._run.trouble(event)
        return self._directory.take_problems()

    def attachment(self, attached: Attached) -> list[str]:
        self._run.attachment(attached.name, attached.file, attached.mime, attached.at)
        return self._directory.take_problems()

    def finish(self, finished: RunFinished) -> list[str]:
        """Leave no green report of a run that did not end well (nothing ran, say)."""
        told = any(finished.counts.get(status) for status in ("failed", "broken", "undefined"))
        if finished.exit_code and not told and not self._trouble:
            reasons = "\n".join(finished.reasons) or "no reason was given"
            message = f"The run ended with exit code {finished.exit_code}: {reasons}"
            self._run.trouble(
                RunTrouble(at=finished.at, where="the run", trouble=Trouble("broken", message))
            )
        return self._directory.take_problems()

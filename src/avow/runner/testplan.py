"""A test plan: the scenarios that a test management system asks for, by ALLURE_TESTPLAN_PATH.

    {"version": "1.0", "tests": [{"id": "77"}, {"selector": "features/pay.feature: A payment"}]}

A scenario is meant by its `@allure.id:77` or by its full name in the report.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avow.core.errors import SuiteError
from avow.core.text import printable
from avow.runner import features

VARIABLE = "ALLURE_TESTPLAN_PATH"


@dataclass(frozen=True, slots=True)
class TestPlan:
    ids: frozenset[str]
    selectors: frozenset[str]

    def mark(self, feature: Any) -> None:
        """Mark as skipped what the plan does not ask for."""
        for located in features.walk(feature):
            if not self._asks_for(located):
                located.scenario.mark_skipped()

    def _asks_for(self, located: features.Located) -> bool:
        scenario = located.scenario
        if f"{scenario.filename}: {printable(scenario.name.strip())}" in self.selectors:
            return True
        tags = (str(tag) for tag in scenario.tags)
        return any(
            tag.replace("=", ":", 1).removeprefix("allure.id:") in self.ids
            for tag in tags
            if tag.startswith("allure.id")
        )


def asked_for() -> TestPlan | None:
    """Return the plan that the environment names; raises SuiteError for one that cannot be read."""
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    try:
        tests = json.loads(Path(path).read_text("utf-8"))["tests"]
        return TestPlan(
            frozenset(str(test["id"]) for test in tests if test.get("id") is not None),
            frozenset(str(test["selector"]) for test in tests if test.get("selector")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SuiteError(
            f"the test plan {path} cannot be read: {type(error).__name__}: {error}",
            where=VARIABLE,
            advice=f'Write {{"tests": [{{"id": "77"}}]}} there, or unset {VARIABLE}.',
        ) from None

"""What is wrong with the selected scenarios and their phrases, all of it, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from avow.core.errors import AvowError, Problems
from avow.runner.features import Located


class Selected:
    """The chosen part of a feature, in the shape in which a feature is walked."""

    def __init__(self, chosen: Iterable[Located]) -> None:
        self._scenarios: list[Any] = []
        self._outlines: list[Any] = []
        for located in chosen:
            self._scenarios.append(located.scenario)
            if located.outline is not None and not any(
                located.outline is known for known in self._outlines
            ):
                self._outlines.append(located.outline)

    def walk_scenarios(self, with_outlines: bool = False) -> list[Any]:
        return [*self._outlines, *self._scenarios] if with_outlines else self._scenarios


class Precheck:
    """Takes one feature after another, so that none has to be kept."""

    def __init__(self) -> None:
        from avow.gherkin import check

        self._check = check
        self._problems: dict[str, AvowError] = {}
        self._take(check.phrases())

    def feature(self, selected: Selected) -> None:
        features = [selected]
        # The same text in several features is one problem; its first place is told.
        for problem in (*self._check.undefined(features), *self._check.ambiguous(features)):
            self._problems.setdefault(problem.message, problem)
        self._take((*self._check.blocks(features), *self._check.examples(features)))

    def problem(self) -> AvowError | None:
        """Return everything that is wrong as one error; None where nothing is."""
        return Problems(self._problems.values()) if self._problems else None

    def _take(self, problems: Iterable[AvowError]) -> None:
        for problem in problems:
            self._problems.setdefault(str(problem), problem)

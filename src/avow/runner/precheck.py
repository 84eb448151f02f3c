"""What is wrong with the selected scenarios and the phrases they use, all of it, before anything
runs.
"""

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


def problem(selected: list[Selected]) -> AvowError | None:
    """Return everything that is wrong as one error; None where nothing is."""
    from avow.gherkin import check

    found = check.everything(selected)
    return Problems(found) if found else None

"""Verdicts that are given and may still change: what a scenario causes after its end is its own.

scenario ends --> verdict --> plug-ins
                     ^
a late effect -------'   told on its scenario; red where that said that nothing else happened
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from avow.core import events
from avow.core.secrets import Redactor
from avow.core.text import plural
from avow.runner import records
from avow.runner.outcome import Outcome
from avow.runner.telling import Telling

#: Ended scenarios that may still be told of a late effect.
REMEMBERED = 64


#: Late effects of a run that are told one by one.
_SHOWN = 5


class Fallen(NamedTuple):
    """A scenario that fell by a late effect, and why."""

    what: Any
    why: str


class _Ended(NamedTuple):
    what: Any
    name: str
    place: str
    path: Path
    verdict: events.ScenarioFinished


class Verdicts:
    """`what` is whatever the caller knows a scenario by."""

    def __init__(self, outcome: Outcome, telling: Telling, redactor: Redactor) -> None:
        self._outcome = outcome
        self._telling = telling
        self._redactor = redactor
        self._ended: OrderedDict[str, _Ended] = OrderedDict()
        self._late = 0
        self._shown: list[str] = []

    def add(
        self, what: Any, name: str, place: str, path: Path, verdict: events.ScenarioFinished
    ) -> None:
        """Count a scenario's verdict and tell it."""
        self._outcome.scenario(verdict)
        self._remember(_Ended(what, name, place, path, verdict))

    def _remember(self, ended: _Ended) -> None:
        scenario = ended.verdict.scenario
        self._ended[scenario] = ended
        self._ended.move_to_end(scenario)
        if len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        self._telling.recorded(ended.path, ended.verdict)

    def late(self, late: events.LateEffect) -> Fallen | None:
        """Take a late effect; return the scenario that falls by it."""
        self._telling.event(late)
        what = str(late.entry.get("summary") or late.entry.get("kind", "an effect"))
        ended = self._ended.get(late.scenario)
        if ended is None:
            self._note(what)
            return None
        lines: list[events.Event] = [late]
        verdict = None
        if late.breaks and ended.verdict.status == "passed":
            verdict = msgspec.structs.replace(
                ended.verdict,
                status="failed",
                trouble=trouble(ended.name, what),
                behave_status="failed",
            )
            lines.append(verdict)
        records.append(ended.path, [self._redactor.raw(events.encode(each)) for each in lines])
        if verdict is None or verdict.trouble is None:
            # What came while the scenario ran and no step looked at is for the report alone.
            if late.entry.get("at", late.at) > ended.verdict.at:
                self._note(f'"{ended.name}" ({ended.place}): {what}')
            return None
        self._outcome.change("passed", verdict.status)
        self._remember(ended._replace(verdict=verdict))
        return Fallen(ended.what, verdict.trouble.message)

    def _note(self, line: str) -> None:
        self._late += 1
        if len(self._shown) < _SHOWN:
            self._shown.append(f"  {line}")

    def explain(self) -> None:
        """Say which effects came late without costing a scenario its verdict."""
        if not self._late:
            return
        head = f"{plural(self._late, 'effect')} came late, after the end of the scenario:"
        more = [f"  and {self._late - _SHOWN} more (the report shows them)"]
        lines = [head, *self._shown, *(more if self._late > _SHOWN else [])]
        print(self._redactor.text("\n".join(lines)), file=sys.stderr)  # noqa: T201


def trouble(name: str, what: str) -> events.Trouble:
    """Return why a scenario falls that said that nothing else happened."""
    said = f'"{name}" said that nothing else happened, and after its end came: {what}'
    return events.Trouble("failed", said, kind="LateEffect")

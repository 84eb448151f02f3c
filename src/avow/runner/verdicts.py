"""Verdicts that are given and may still change: what a scenario causes after its end is its own.

scenario ends --> verdict --> plug-ins
                     ^
a late effect -------'   told on its scenario; red where that said that nothing else happened
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from avow.core import events
from avow.core.secrets import Redactor
from avow.runner import records
from avow.runner.outcome import Outcome
from avow.runner.telling import Telling

#: Ended scenarios that may still be told of a late effect.
REMEMBERED = 64


class Late(NamedTuple):
    """What became of a late effect: the words for people, and the scenario that fell by it."""

    said: str
    fallen: Any = None


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

    def late(self, late: events.LateEffect) -> Late:
        """Take a late effect; return what to say of it."""
        self._telling.event(late)
        what = str(late.entry.get("summary") or late.entry.get("kind", "an effect"))
        ended = self._ended.get(late.scenario)
        if ended is None:
            return Late(f"late: after the last step of a scenario came: {what}")
        lines: list[events.Event] = [late]
        said = f'late: after the end of "{ended.name}" ({ended.place}) came: {what}'
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
            return Late(said)
        self._outcome.change("passed", verdict.status)
        self._remember(ended._replace(verdict=verdict))
        return Late(verdict.trouble.message, ended.what)


def trouble(name: str, what: str) -> events.Trouble:
    """Return why a scenario falls that said that nothing else happened."""
    said = f'"{name}" said that nothing else happened, and after its end came: {what}'
    return events.Trouble("failed", said, kind="LateEffect")

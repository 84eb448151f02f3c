"""Services that ended while they were needed, and the scenarios that this explains."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

from avow.core import events, record
from avow.core.entries import Entry
from avow.core.secrets import Redactor
from avow.runner import records

#: The slot of services that all slots share.
SHARED = 0


class Casualty(msgspec.Struct, frozen=True):
    """One service; `at` is UTC, `monotonic` the same moment."""

    slot: int
    died: Any
    at: float
    monotonic: float

    @property
    def reason(self) -> str:
        return f'service "{self.died.name}" {self.died.ended} during the run'

    def explains(self, verdict: events.ScenarioFinished) -> str:
        """Return the sentences that a scenario which did not pass gets."""
        when = "while the scenario ran"
        if self.at < verdict.at - verdict.seconds:
            when = "before the scenario began"
        text = f'Likely cause: service "{self.died.name}" {self.died.ended} {when}'
        if self.died.last_lines:
            lines = "\n".join(f"    | {line}" for line in self.died.last_lines[-5:])
            text += f"; the last it wrote:\n{lines}"
        return text

    def entry(self, number: int) -> Entry:
        ended = self.died.ended
        return Entry(
            id=number,
            kind="process.ended",
            resource=self.died.name,
            role="effect",
            step=-1,
            started=self.monotonic,
            ended=self.monotonic,
            at=self.at,
            summary=f"{self.died.name} {ended}",
            data={
                "code": ended.code,
                "signal": ended.signal,
                "last_lines": list(self.died.last_lines),
            },
        )


class Casualties:
    """All of a run."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._all: list[Casualty] = []

    def add(self, slot: int, died: Any) -> Casualty:
        casualty = Casualty(slot, died, time.time(), time.monotonic())
        self._all.append(casualty)
        return casualty

    def explain(
        self, slot: int, path: Path, verdict: events.ScenarioFinished
    ) -> events.ScenarioFinished:
        """Add to a scenario that did not pass, in its file too, which services it had to do
        without; return its verdict.
        """
        missed = [
            each for each in self._all if each.slot in (SHARED, slot) and each.at < verdict.at + 1.0
        ]
        if not missed or verdict.status not in ("failed", "broken") or verdict.trouble is None:
            return verdict
        causes = "\n".join(each.explains(verdict) for each in missed)
        trouble = msgspec.structs.replace(
            verdict.trouble, message=f"{verdict.trouble.message}\n{causes}"
        )
        number = max(
            (
                each.entry["id"]
                for each in record.read(path)
                if isinstance(each, events.EntryWritten)
            ),
            default=-1,
        )
        lines: list[events.Event] = [
            events.EntryWritten(at=each.at, entry=each.entry(number + count).to_plain())
            for count, each in enumerate(missed, 1)
            if each.at >= verdict.at - verdict.seconds
        ]
        lines.append(msgspec.structs.replace(verdict, trouble=trouble))
        encoded = [self._redactor.raw(events.encode(each)) for each in lines]
        records.append(path, encoded)
        told = events.decode(encoded[-1])
        assert isinstance(told, events.ScenarioFinished)
        return told

"""The files of scenarios, read and completed by the coordinator when their worker could not."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from avow.core import events, record
from avow.core.secrets import Redactor
from avow.runner import features
from avow.runner.plan import Item


def tail(path: Path) -> list[events.AnyEvent]:
    """Return the events that tell how far a scenario came; entries are left out."""
    try:
        found = list(record.read(path))
    except OSError:
        return []
    return [
        event
        for event in found
        if isinstance(
            event,
            events.ScenarioStarted
            | events.StepStarted
            | events.StepFinished
            | events.HookFailed
            | events.ScenarioFinished,
        )
    ]


def append(path: Path, lines: list[bytes]) -> OSError | None:
    """Add lines to a scenario's file; a torn last line is ended first."""
    try:
        with path.open("ab+") as file:
            size = file.seek(0, os.SEEK_END)
            torn = False
            if size:
                file.seek(size - 1)
                torn = file.read(1) != b"\n"
            os.write(
                file.fileno(), (b"\n" if torn else b"") + b"".join(line + b"\n" for line in lines)
            )
    except OSError as error:
        return error
    return None


def unrun(
    items: Iterable[Item],
    config: Any,
    path_of: Callable[[Item], Path],
    run: str,
    trouble: events.Trouble,
    status: events.Status,
    redactor: Redactor,
) -> Iterator[tuple[Path, events.ScenarioFinished]]:
    """Write files for scenarios that will not run, so that reports show them with the reason."""
    file, found = "", dict[int, features.Located]()
    for item in items:
        if item.file != file:
            file = item.file
            feature = features.parse(file, config.lang)
            found = {} if feature is None else features.by_line(feature)
        located = found.get(item.line)
        if located is None:
            continue
        info, path, now = features.describe(located), path_of(item), time.time()
        recorder = record.Recorder(path, redactor)
        recorder.event(events.ScenarioStarted(at=now, scenario=info, run=run))
        verdict = events.ScenarioFinished(
            at=now,
            scenario=info.id,
            status=status,
            seconds=0.0,
            trouble=trouble,
            behave_status="untested",
            file=str(path),
        )
        recorder.event(verdict)
        recorder.close()
        yield path, verdict


def flip(path: Path, late: events.LateEffect, redactor: Redactor) -> events.ScenarioFinished | None:
    """Add a late effect to a scenario's file; return its new verdict where it claimed there was
    none.
    """
    verdict: events.ScenarioFinished | None = None
    info: events.ScenarioInfo | None = None
    for event in record.read(path):
        if isinstance(event, events.ScenarioStarted):
            info = event.scenario
        elif isinstance(event, events.ScenarioFinished):
            verdict = event
    if verdict is None or info is None:
        return None
    if not any("nothing else happened" in step.text for step in info.steps):
        return None
    what = str(late.entry.get("summary", late.entry.get("kind", "an effect")))
    trouble = events.Trouble(
        "failed",
        f'"{info.name}" said that nothing else happened, and after its end came: {what}',
        kind="LateEffect",
    )
    flipped = msgspec.structs.replace(
        verdict, at=time.time(), status="failed", trouble=trouble, behave_status="failed"
    )
    append(path, [redactor.raw(events.encode(late)), redactor.raw(events.encode(flipped))])
    return flipped

"""The files of scenarios, read and completed by the coordinator when their worker could not."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

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

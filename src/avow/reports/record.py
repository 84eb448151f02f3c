"""One scenario as its file tells it: every event in its place.

    file of the scenario --core.record.read--> events --read--> ScenarioRecord --> Allure, evidence

A worker that was killed leaves a file without its end. The record says so: it is broken, in the
step that was running, unless the coordinator knows better and hands in a `ScenarioFinished`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import msgspec

from avow.core import events
from avow.core import record as scenario_file
from avow.core.entries import Claim, Entry
from avow.core.errors import AvowError
from avow.core.events import (
    Attached,
    HookFailed,
    Labelled,
    LateEffect,
    Place,
    ScenarioFinished,
    ScenarioInfo,
    Status,
    StepInfo,
    Trouble,
)

#: The step of an attachment that belongs to the run and not to a scenario.
RUN_LEVEL = -2
#: The `where` of a RunTrouble about what is missing in the report; it is told, and is no result.
EVIDENCE = "evidence"


class UnreadableScenario(AvowError):
    """A scenario's file does not even say which scenario it is about."""


class SubStep(msgspec.Struct, frozen=True):
    """What user code did within `allure.step(...)`; times are UTC seconds."""

    title: str
    started: float
    ended: float
    parameters: dict[str, str]
    trouble: Trouble | None
    parts: list[Part]


Part = Entry | Attached | SubStep


class StepRecord(msgspec.Struct, frozen=True):
    """A step and what happened in it, in order. `started` is None for a step that never ran."""

    index: int
    info: StepInfo
    text: str
    status: Status
    started: float | None
    seconds: float
    trouble: Trouble | None
    location: str
    output: str
    parts: list[Part]
    claims: list[Claim]

    @property
    def title(self) -> str:
        return f"{self.info.keyword.strip()} {self.text}"

    @property
    def entries(self) -> list[Entry]:
        return list(_entries_in(self.parts))


class ScenarioRecord(msgspec.Struct, frozen=True):
    """All that is known of one scenario's run. `started` (UTC) and `monotonic` are one moment.

    `late` are effects that came after the last step, `unread` those that came while steps ran and
    that none of them looked at.
    """

    scenario: ScenarioInfo
    status: Status
    seconds: float
    started: float
    monotonic: float
    trouble: Trouble | None = None
    run: str = ""
    worker: str = ""
    host: str = ""
    pid: int = 0
    seed: int = 0
    attempt: int = 1
    output: str = ""
    steps: list[StepRecord] = []
    before: list[Part] = []
    after: list[Part] = []
    hooks: list[HookFailed] = []
    labelled: list[Labelled] = []
    late: list[Entry] = []
    unread: list[Entry] = []
    notes: list[str] = []
    is_complete: bool = True
    file: Path | None = None

    @property
    def entries(self) -> list[Entry]:
        """Every entry, in the order in which it was written."""
        found = [entry for step in self.steps for entry in _entries_in(step.parts)]
        found += _entries_in(self.before)
        found += _entries_in(self.after)
        found.sort(key=lambda entry: entry.id)
        return found

    @property
    def failing_step(self) -> StepRecord | None:
        """The step that decided, or None where a hook, a cleanup or the worker's end did."""
        for step in self.steps:
            if step.status in {"failed", "broken", "undefined"}:
                return step
        return None

    def offset(self, entry: Entry) -> float:
        """Seconds from the scenario's start to the entry's, on the worker's one monotonic clock."""
        return _offset(entry, self.started, self.monotonic)


def _offset(entry: Entry, started: float, monotonic: float) -> float:
    return entry.started - monotonic if monotonic else entry.at - started


def read(
    path: Path, finished: ScenarioFinished | None = None, *, late: Iterable[LateEffect] = ()
) -> ScenarioRecord:
    """Return what the file at `path` tells; `late` adds effects that the file may not hold yet.

    `finished` is the coordinator's verdict and goes before the file's own. Raises
    UnreadableScenario where neither says which scenario it was, and OSError where there is no file
    and no `finished`.
    """
    try:
        return from_events(chain(scenario_file.read(path), late), path, finished)
    except OSError:
        if finished is None:
            raise
        return from_events(late, path, finished)


def renamed(record: ScenarioRecord, identifier: str) -> ScenarioRecord:
    """Return the record as that of another scenario, for comparing and measuring."""
    scenario = msgspec.structs.replace(record.scenario, id=identifier)
    return msgspec.structs.replace(record, scenario=scenario)


def from_events(
    source: Iterable[events.AnyEvent],
    path: Path | None = None,
    finished: ScenarioFinished | None = None,
) -> ScenarioRecord:
    builder = _Builder()
    for event in source:
        builder.take(event)
    return builder.record(path, finished)


class _Group:
    """Parts still being gathered: of a step, of a sub-step, of what is outside of steps."""

    __slots__ = ("event", "parts")

    def __init__(self, event: events.SubStepStarted | None = None) -> None:
        self.event = event
        self.parts: list[Part] = []


class _Builder:
    def __init__(self) -> None:
        self._started: events.ScenarioStarted | None = None
        self._finished: ScenarioFinished | None = None
        self._steps: dict[int, _Group] = {}
        self._step_started: dict[int, events.StepStarted] = {}
        self._step_finished: dict[int, events.StepFinished] = {}
        self._claims: dict[int, list[Claim]] = {}
        self._before = _Group()
        self._after = _Group()
        self._open: list[_Group] = []
        self._hooks: list[HookFailed] = []
        self._labelled: list[Labelled] = []
        self._late: list[Entry] = []
        self._notes: list[str] = []
        self._last_at = 0.0

    def take(self, event: events.AnyEvent) -> None:
        if event.at > self._last_at:
            self._last_at = event.at
        match event:
            case events.EntryWritten():
                entry = Entry.from_plain(event.entry)
                self._place(entry, entry.step)
            case events.ClaimMade():
                claim = Claim(event.step, event.entry, event.note)
                self._claims.setdefault(event.step, []).append(claim)
            case events.StepStarted():
                self._step_started[event.index] = event
                self._steps[event.index] = _Group()
            case events.StepFinished():
                self._close_sub_steps(event.at)
                self._step_finished[event.index] = event
            case events.SubStepStarted():
                self._open.append(_Group(event))
            case events.SubStepFinished():
                self._finish_sub_step(event)
            case Attached():
                self._place(event, event.step)
            case Labelled():
                self._labelled.append(event)
            case HookFailed():
                self._hooks.append(event)
            case events.Noted():
                self._notes.append(event.text)
            case LateEffect():
                entry = Entry.from_plain(event.entry)
                if entry not in self._late:
                    self._late.append(entry)
            case events.ScenarioStarted():
                self._started = event
            case ScenarioFinished():
                self._finished = event
            case _:
                pass

    def _place(self, part: Part, step: int) -> None:
        if self._open:
            self._open[-1].parts.append(part)
        elif step in self._steps:
            self._steps[step].parts.append(part)
        else:
            self._outside().parts.append(part)

    def _outside(self) -> _Group:
        return self._after if self._step_started else self._before

    def _here(self) -> _Group:
        if self._open:
            return self._open[-1]
        running = [index for index in self._steps if index not in self._step_finished]
        return self._steps[running[-1]] if running else self._outside()

    def _finish_sub_step(self, event: events.SubStepFinished) -> None:
        # Steps of concurrent threads end out of order; the one that ends is found by its id.
        for position in range(len(self._open) - 1, -1, -1):
            begun = self._open[position].event
            if begun is not None and begun.uuid == event.uuid:
                group = self._open.pop(position)
                self._here().parts.append(_sub_step(begun, group, event.at, event.trouble))
                return

    def _close_sub_steps(self, at: float) -> None:
        while self._open:
            group = self._open.pop()
            if group.event is not None:
                self._here().parts.append(_sub_step(group.event, group, at, None))

    def record(self, path: Path | None, given: ScenarioFinished | None) -> ScenarioRecord:
        self._close_sub_steps(self._last_at)
        # The coordinator has the last word: it knows of kills, time-outs and late effects.
        started, finished = self._started, given or self._finished
        if started is None and finished is None:
            raise UnreadableScenario(
                f"{path or 'a scenario file'} does not say which scenario it is about",
                advice="Its worker ended before the first line was written, or the disk is full.",
            )
        if started is None:
            assert finished is not None
            started = events.ScenarioStarted(
                at=finished.at - finished.seconds,
                scenario=ScenarioInfo(finished.scenario, finished.scenario, Place("", 0), ""),
            )
        steps = [self._step(index, info) for index, info in enumerate(started.scenario.steps)]
        trouble = finished.trouble if finished else _cut_off(steps)
        status: Status = finished.status if finished else "broken"
        seconds = finished.seconds if finished else max(0.0, self._last_at - started.at)
        if self._finished is None and trouble is not None:
            ended = finished.at if finished else self._last_at
            steps = [_ended_by(step, trouble, ended) for step in steps]
        if status == "passed" and self._hooks:
            # A hook or cleanup that failed is never green, whatever the steps say.
            status, trouble = "broken", trouble or self._hooks[0].trouble
        ends = (step.started + step.seconds for step in steps if step.started is not None)
        last = max(ends, default=started.at) - started.at
        is_late = [_offset(each, started.at, started.monotonic) > last for each in self._late]
        return ScenarioRecord(
            scenario=started.scenario,
            status=status,
            seconds=seconds,
            started=started.at,
            monotonic=started.monotonic,
            trouble=trouble or _first_trouble(steps, self._hooks, status),
            run=started.run,
            worker=started.worker,
            host=started.host,
            pid=started.pid,
            seed=started.seed,
            attempt=started.attempt,
            output=finished.output if finished else "",
            steps=steps,
            before=self._before.parts,
            after=self._after.parts,
            hooks=self._hooks,
            labelled=self._labelled,
            late=[each for each, late in zip(self._late, is_late, strict=True) if late],
            unread=[each for each, late in zip(self._late, is_late, strict=True) if not late],
            notes=self._notes,
            is_complete=self._finished is not None,
            file=path,
        )

    def _step(self, index: int, info: StepInfo) -> StepRecord:
        started = self._step_started.get(index)
        finished = self._step_finished.get(index)
        group = self._steps.get(index)
        if finished and finished.document is not None:
            info = msgspec.structs.replace(info, document=finished.document)
        if finished and finished.table is not None:
            info = msgspec.structs.replace(info, table=finished.table)
        return StepRecord(
            index=index,
            info=info,
            text=(finished.text if finished else "")
            or (started.text if started else "")
            or info.text,
            status=finished.status if finished else ("broken" if started else "skipped"),
            started=started.at if started else None,
            seconds=finished.seconds if finished else 0.0,
            trouble=finished.trouble if finished else None,
            location=finished.location if finished else "",
            output=finished.output if finished else "",
            parts=group.parts if group else [],
            claims=self._claims.get(index, []),
        )


def _sub_step(
    begun: events.SubStepStarted, group: _Group, ended: float, trouble: Trouble | None
) -> SubStep:
    return SubStep(begun.title, begun.at, ended, begun.parameters, trouble, group.parts)


def _is_running(step: StepRecord) -> bool:
    return step.started is not None and step.status == "broken" and step.trouble is None


def _cut_off(steps: list[StepRecord]) -> Trouble:
    for step in steps:
        if _is_running(step):
            return Trouble(
                "broken",
                f"The worker ended in step {step.index + 1}, {step.title!r} ({step.info.place}), "
                "before the scenario did.\nIts record stops there: the process was killed, crashed "
                "or ran out of memory.",
            )
    done = [step for step in steps if step.started is not None]
    where = f"after step {len(done)}, {done[-1].title!r}" if done else "before the first step"
    return Trouble("broken", f"The worker ended {where}, before the scenario did.")


def _ended_by(step: StepRecord, trouble: Trouble, at: float) -> StepRecord:
    if not _is_running(step) or step.started is None:
        return step
    return msgspec.structs.replace(step, trouble=trouble, seconds=max(0.0, at - step.started))


def _first_trouble(
    steps: list[StepRecord], hooks: list[HookFailed], status: Status
) -> Trouble | None:
    if status in {"passed", "skipped"}:
        return None
    for step in steps:
        if step.trouble is not None:
            return step.trouble
    return hooks[0].trouble if hooks else None


def _entries_in(parts: Iterable[Part]) -> Iterator[Entry]:
    for part in parts:
        if isinstance(part, Entry):
            yield part
        elif isinstance(part, SubStep):
            yield from _entries_in(part.parts)

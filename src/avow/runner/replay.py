"""behave's own formatters and reporters, fed in the coordinator with what workers tell.

    worker --notices--> Replay --the calls behave makes--> pretty, plain, json, junit, summary

The scenarios are told in the order they are written in, whatever order they run in: what comes
early waits. The generators below follow `ScenarioContainer.run`, `Scenario.run` and `Step.run` of
behave call by call, with the running replaced by waiting for the next record.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any

from behave.capture import Captured
from behave.formatter._registry import make_formatters
from behave.matchers import Match, NoMatch
from behave.model import Rule, ScenarioOutline
from behave.model_type import Argument, FileLocation, Status

from avow.core import events
from avow.runner import features, notices
from avow.runner.failures import message_of
from avow.runner.plan import Item, Plan, PlannedFeature
from avow.runner.verdicts import REMEMBERED

Wait = Generator[None, None, None]
Next = Generator[None, None, notices.Anything]

_STATUS = {
    "passed": Status.passed,
    "failed": Status.failed,
    "broken": Status.error,
    "undefined": Status.undefined,
    "skipped": Status.skipped,
}


class NotRun:
    """Stands in a scenario's records: it will not be run."""


class Replay:
    """Takes the records of scenarios in any order, tells formatters in the plan's order."""

    def __init__(
        self,
        config: Any,
        plan: Plan,
        on_problem: Callable[[str], None] = lambda problem: None,
        *,
        patience: int = REMEMBERED,
    ) -> None:
        self.config = config
        self._on_problem = on_problem
        #: For how many more scenarios reporters wait to hear of a feature.
        self._patience = patience
        self.formatters = make_formatters(config, config.outputs)
        self._plan = plan
        self._records: dict[int, deque[Any]] = {}
        self._waits_for = -1
        self._stopped = False
        self._ended = False
        self._steps: list[Any] = []
        #: Features that were told to formatters and not yet to reporters, the oldest first.
        self._held: deque[tuple[PlannedFeature, Any]] = deque()
        self._open: Any = None
        self._is_telling = False
        #: What belongs to no scenario and came in the middle of one.
        self._between: list[Any] = []
        #: Scenarios that fell after their end, and why.
        self._fallen: dict[int, str] = {}
        self._play = self._all()

    # -- what comes in

    def feed(self, item: int, record: Any) -> None:
        """Take one record of a scenario: an event, a notice, or NotRun."""
        if self._ended or item < self._finished_up_to:
            # What a worker prints after its scenario has been told (an after_feature hook).
            self.show(record)
            return
        self._records.setdefault(item, deque()).append(record)
        if self._waits_for in (-1, item):
            self._go_on()

    def aside(self, record: Any) -> None:
        """Take something that belongs to no scenario, and so does not come in the middle of one."""
        if self._is_telling:
            self._between.append(record)
        else:
            self.show(record)

    def stop(self) -> None:
        """Nothing more will run: features that have not begun are only counted."""
        self._stopped = True

    def finish(self, items: Iterable[Item]) -> None:
        """Tell those that have no end as not run, then close formatters and reporters."""
        self._stopped = True
        for item in items:
            if item.number >= self._finished_up_to:
                self.feed(item.number, NotRun())
        self.each("close")
        while self._held:
            self._release()
        for reporter in self.config.reporters:
            reporter.end()

    _finished_up_to = 0

    def _go_on(self) -> None:
        try:
            next(self._play)
        except StopIteration:
            self._ended = True

    def _next(self, item: Item) -> Next:
        records = self._records.setdefault(item.number, deque())
        while not records:
            self._waits_for = item.number
            yield
        record: notices.Anything = records.popleft()
        return record

    # -- what goes out

    def _all(self) -> Wait:
        for planned in self._plan.features:
            model = planned.load(self.config.lang)
            if self._stopped and not self._is_told_of(planned.items):
                yield from self._quietly(planned)
            else:
                self._open = model
                yield from self._feature(planned, model)
                self._open = None
            self._hold(planned, model)
        self._ended = True

    def _hold(self, planned: PlannedFeature, model: Any) -> None:
        """Keep a feature from the reporters for as long as its scenarios may still fall."""
        self._held.append((planned, model))
        while sum(len(each.items) for each, _ in self._held) > self._patience + len(
            self._held[0][0].items
        ):
            self._release()

    def _release(self) -> None:
        _, model = self._held.popleft()
        for reporter in self.config.reporters:
            reporter.feature(model)

    def feature_failed(self, record: notices.FeatureFailed) -> None:
        """Let a feature or rule that formatters may have been told of already show what became of
        it.
        """
        models = [model for _, model in self._held]
        for model in (*models, *([] if self._open is None else [self._open])):
            if model.filename == record.file:
                for entity in (model, *model.rules):
                    if entity.line == record.line:
                        mark(entity, record)

    def fell(self, item: Item, why: str) -> None:
        """Take back that a scenario has passed, as far as reporters have not been told."""
        self._fallen[item.number] = why
        models = [model for planned, model in self._held if item in planned.items]
        if not models and self._open is not None:
            models = [self._open]
        for model in models:
            located = features.by_line(model).get(item.line)
            if located is not None and located.scenario.status is Status.passed:
                fall(located.scenario, why)

    def _is_told_of(self, items: Iterable[Item]) -> bool:
        """Say whether any of these, not told yet, has run or is running."""
        return any(
            not isinstance(record, NotRun)
            for item in items
            if item.number >= self._finished_up_to
            for record in self._records.get(item.number, ())
        )

    def _quietly(self, planned: PlannedFeature) -> Wait:
        for item in planned.items:
            yield from self._next(item)
            self._done(item)

    def _feature(self, planned: PlannedFeature, feature: Any) -> Wait:
        self.each("uri", feature.filename)
        items = {item.line: item for item in planned.items}
        yield from self._container(feature, "feature", items)

    def _container(self, entity: Any, kind: str, items: dict[int, Item]) -> Wait:
        entity.clear_status()
        entity.hook_failed = False
        shown = entity.should_run(self.config) or self.config.show_skipped
        if shown:
            self.each(kind, entity)
            if entity.background:
                self.each("background", entity.background)
        own = _first_of(entity, items)
        if own is not None:
            yield from self._opened(own, kind, entity)
        for run_item in entity.run_items:
            if self._stopped and not self._is_told_of(items.values()):
                # As behave does, the rest is not even announced.
                break
            yield from self._item(run_item, entity, items)
        if not entity.hook_failed and not entity._cached_status.is_final():  # noqa: SLF001
            entity.clear_status()
            if not entity.run_items and not shown:
                entity.set_status(Status.skipped)
        if shown and (self.config.show_skipped or not entity.should_skip):
            self.each("eof" if kind == "feature" else "rule_finished")

    def _item(self, run_item: Any, parent: Any, items: dict[int, Item]) -> Wait:
        if isinstance(run_item, Rule):
            if parent.hook_failed:
                for located in run_item.walk_scenarios():
                    yield from self._blocked(items.get(located.line))
            else:
                yield from self._container(run_item, "rule", items)
            return
        if parent.hook_failed:
            for scenario in getattr(run_item, "scenarios", [run_item]):
                yield from self._blocked(items.get(scenario.line))
            return
        config = self.config
        if config.name and not run_item.should_run_with_name_select(config):
            run_item.mark_skipped()
            return
        if not isinstance(run_item, ScenarioOutline):
            yield from self._scenario(run_item, parent, items.get(run_item.line))
            return
        run_item.clear_status()
        for scenario in run_item.scenarios:
            yield from self._scenario(scenario, parent, items.get(scenario.line))

    def _opened(self, item: Item, kind: str, entity: Any) -> Wait:
        """Tell what the hooks before a feature or rule printed, and whether they failed."""
        records = self._records.setdefault(item.number, deque())
        while True:
            record = yield from self._next(item)
            if isinstance(record, notices.Opened):
                if record.what == kind:
                    return
            elif isinstance(record, notices.Printed):
                self.show(record)
            elif isinstance(record, notices.FeatureFailed):
                mark(entity, record)
            else:
                # The worker had it open already.
                records.appendleft(record)
                return

    def _blocked(self, item: Item | None) -> Wait:
        """Pass over a scenario whose feature or rule could not be opened: behave does not announce
        it.
        """
        while item is not None:
            record = yield from self._next(item)
            if isinstance(record, notices.Printed):
                self.show(record)
            if isinstance(record, NotRun | notices.Done):
                self._done(item)
                return

    def _scenario(self, scenario: Any, parent: Any, item: Item | None) -> Wait:
        scenario.clear_status()
        if item is None:
            self.skipped(scenario)
            return
        replayed = _Scenario(self, scenario, parent)
        while True:
            record = yield from self._next(item)
            self._is_telling = True
            if replayed.take(record):
                break
        self._is_telling = False
        if item.number in self._fallen and scenario.status is Status.passed:
            fall(scenario, self._fallen[item.number])
        self._done(item)

    def skipped(self, scenario: Any) -> None:
        if self.config.show_skipped:
            self.each("scenario", scenario)
            for step in scenario.all_steps:
                self.each("step", step)
        for step in scenario.all_steps:
            step.status = Status.skipped
        scenario.clear_status()
        if not scenario.steps:
            scenario.set_status(Status.skipped)

    def _done(self, item: Item) -> None:
        self._records.pop(item.number, None)
        self._finished_up_to = item.number + 1
        between, self._between = self._between, []
        for record in between:
            self.show(record)

    def each(self, call: str, *arguments: Any) -> None:
        for formatter in list(self.formatters):
            function = getattr(formatter, call, None)
            if function is not None:
                self._guarded(formatter, function, arguments)

    def _guarded(self, formatter: Any, function: Any, arguments: tuple[Any, ...]) -> None:
        """A formatter that raises is told no more; the others, and the run, go on."""
        try:
            function(*arguments)
        except Exception as error:  # noqa: BLE001 - any class may be a formatter
            self.formatters = [each for each in self.formatters if each is not formatter]
            name = getattr(formatter, "name", None) or type(formatter).__name__
            self._on_problem(f'the formatter "{name}" failed: {message_of(error)}')

    def show(self, record: Any) -> None:
        if isinstance(record, notices.Printed):
            stream = sys.stderr if record.is_error else sys.stdout
            stream.write(record.text)
            stream.flush()


class _Scenario:
    """One scenario told: the model's element is filled as its records come."""

    def __init__(self, replay: Replay, scenario: Any, parent: Any) -> None:
        self._replay = replay
        self._scenario = scenario
        self._parent = parent
        self._steps = list(scenario.all_steps)
        self._announced = False
        self._matched: set[int] = set()
        self._details: dict[int, notices.StepDetails] = {}

    @property
    def _is_skipped(self) -> bool:
        """Say whether a hook skipped the whole feature or rule."""
        feature = self._scenario.feature
        return bool(self._parent.should_skip or (feature and feature.should_skip))

    def take(self, record: Any) -> bool:
        """Take a record; return whether it was the last one."""
        replay = self._replay
        if isinstance(record, NotRun):
            return True
        if isinstance(record, events.StepFinished):
            self._step_finished(record)
        elif isinstance(record, notices.Matched):
            self._match(record)
        elif isinstance(record, notices.StepDetails):
            self._details[record.index] = record
        elif isinstance(record, notices.Printed):
            replay.show(record)
        elif isinstance(record, events.ScenarioStarted):
            if not self._is_skipped:
                replay.each("scenario", self._scenario)
        elif isinstance(record, events.ScenarioFinished):
            self._finished(record)
        elif isinstance(record, notices.ScenarioDetails):
            self._scenario_details(record)
        elif isinstance(record, notices.FeatureFailed):
            self._feature_failed(record)
        elif isinstance(record, notices.Embedded):
            replay.each("embedding", record.mime, record.data)
        return isinstance(record, notices.Done)

    def _announce(self) -> None:
        if not self._announced:
            self._announced = True
            for step in self._steps:
                self._replay.each("step", step)

    def _match(self, record: notices.Matched) -> None:
        self._announce()
        self._matched.add(record.index)
        self._replay.each("match", _match_of(record))

    def _step_finished(self, record: events.StepFinished) -> None:
        self._announce()
        if record.index >= len(self._steps):
            return
        step = self._steps[record.index]
        details = self._details.get(record.index)
        step.duration = record.seconds
        if details is None:
            step.status = _STATUS[record.status]
            if record.trouble is not None:
                step.error_message = f"ERROR: {record.trouble.message}"
                step.exception = _stand_in(record.trouble.kind, record.trouble.message)
        else:
            step.status = Status[details.status]
            step.hook_failed = details.hook_failed
            step.error_message = details.error or None
            if details.kind:
                step.exception = _stand_in(details.kind, details.message)
        if record.index in self._matched:
            self._replay.each("result", step)

    def _scenario_details(self, record: notices.ScenarioDetails) -> None:
        scenario = self._scenario
        scenario.hook_failed = record.hook_failed
        scenario.error_message = record.error or None
        scenario.skip_reason = record.skip_reason or None
        if record.kind:
            scenario.exception = _stand_in(record.kind, record.error)
        for name, failed, stdout, stderr, log in record.captured:
            scenario.captured.add_captured(
                Captured(stdout, stderr, log, name=name, failed=failed), use_merge=False
            )

    def _finished(self, record: events.ScenarioFinished) -> None:
        scenario = self._scenario
        if self._is_skipped:
            self._replay.skipped(scenario)
            return
        status = Status[record.behave_status] if record.behave_status else _STATUS[record.status]
        if status is not Status.skipped or self._replay.config.show_skipped:
            self._announce()
        if status is Status.skipped:
            scenario.should_skip = True
        scenario.set_status(status)

    def _feature_failed(self, record: notices.FeatureFailed) -> None:
        mark(self._parent if record.what == "rule" else self._scenario.feature, record)


def fall(scenario: Any, why: str) -> None:
    """Let a scenario that has passed fail after all, and what it stands in with it."""
    scenario.set_status(Status.failed)
    scenario.error_message = why
    holder = scenario.parent
    while holder is not None:
        if not holder.hook_failed:
            holder.clear_status()
        holder = getattr(holder, "parent", None)


def mark(entity: Any, record: notices.FeatureFailed) -> None:
    """Let a feature or rule show what its hooks or cleanups came to."""
    status = Status[record.status]
    if status is Status.skipped:
        entity.should_skip = True
        return
    entity.hook_failed = status is Status.hook_error
    entity.error_message = record.error or None
    entity.set_status(status)


def _first_of(entity: Any, items: dict[int, Item]) -> Item | None:
    """Return the first scenario that runs of a feature or rule."""
    for scenario in entity.walk_scenarios():
        if scenario.line in items:
            return items[scenario.line]
    return None


def _match_of(record: notices.Matched) -> Any:
    if not record.location:
        return NoMatch()
    file, _, line = record.location.rpartition(":")
    match = Match(None)
    match.location = FileLocation(file, int(line))
    match.arguments = [
        Argument(start, end, original, value, name)
        for start, end, original, name, value in record.arguments
    ]
    return match


def _stand_in(kind: str, message: str) -> Exception:
    """Return an exception that looks like the worker's: reporters print its class and its text."""
    made: Exception = type(kind, (Exception,), {})(message)
    return made

"""Steps in the process that types `behave`: for `--wip`, `-D avow.inline`, `--dry-run`, debuggers,
and IDEs.

behave's own engine runs the features; the same world, evidence and reports go along:

    ModelRunner.run_model --> InPlace: services up, Witness among the formatters,
                                       each scenario's run wrapped
                              --> reports told, services down
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from behave.formatter._registry import make_formatters
from behave.model_type import Status
from behave.runner import Context

from avow.core import events
from avow.core.errors import AvowError
from avow.runner import engine, features, leaving, notices, plan, suite
from avow.runner.casualties import Casualties
from avow.runner.directory import RunDirectory
from avow.runner.outcome import Outcome
from avow.runner.replay import fall
from avow.runner.screen import Screen
from avow.runner.session import exit_code_of
from avow.runner.stage import Stage
from avow.runner.telling import Telling, tell_report
from avow.runner.verdicts import Verdicts
from avow.runner.witness import Scene, Witness


def run_in_place(runner: Any, settings: Any, root: Path) -> int:
    """Load, check and run everything in this process; return the exit code."""
    planned = plan.make(runner.config)
    outcome = Outcome()
    screen = Screen(runner.config)
    with runner.path_manager, screen.shown():
        runner.load()
        runner.features.extend(each.load(runner.config.lang) for each in planned.features)
        seed = seed_of(settings)
        if settings.runner.order == "random":
            from avow.runner import order

            print(order.words(seed))  # noqa: T201
            order.arrange(runner.features, order.shuffled(planned.items, seed))
        runner.formatters = make_formatters(runner.config, runner.config.outputs)
        if runner.config.dry_run:
            failed = runner.run_model()
            if runner.undefined_steps:
                outcome.add(1, "steps without a phrase")
            elif failed:
                outcome.add(1, "the dry run found something wrong")
            return outcome.code
        with InPlace(runner, settings, root, outcome, screen, seed=seed):
            failed = runner.run_model()
        if failed and not outcome.reasons:
            outcome.add(1, "a hook or cleanup failed")
        if not outcome.ran and not outcome.reasons:
            outcome.add(5, "nothing ran")
    outcome.explain()
    tell_report(root, settings)
    return outcome.code


def seed_of(settings: Any) -> int:
    """Return the seed that was asked for, else a new one."""
    seed = settings.runner.seed
    return secrets.randbelow(2**31) if seed is None else int(seed)


class InPlace:
    """A context manager around behave's `run_model`."""

    def __init__(
        self,
        runner: Any,
        settings: Any,
        root: Path,
        outcome: Outcome,
        screen: Screen | None = None,
        *,
        seed: int | None = None,
    ) -> None:
        self._screen = screen
        self._runner = runner
        self._settings = settings
        self._root = root
        self._outcome = outcome
        self._run = time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2)
        self._directory = root / settings.reports.runs / self._run
        self._telling: Telling = Telling(settings, outcome)
        self._telling.open()
        self._stack: Any = None
        self._reaper: Any = None
        #: Services that were told to have died.
        self._dead: set[str] = set()
        self._number = 0
        self._began = time.monotonic()
        self._seed = seed_of(settings) if seed is None else seed

    def __enter__(self) -> InPlace:
        runner = self._runner
        engine.patch()
        suite.guard_hooks(runner.hooks)
        self._kept = RunDirectory(self._directory)
        self._directory = self._kept.path
        if self._kept.problem:
            self._outcome.add(7, f"evidence is incomplete: {self._kept.problem}")
        self._start_services()
        self._stage = Stage(
            self._settings,
            root=self._root,
            run=self._run,
            facts={} if self._stack is None else self._stack.facts,
            secrets={} if self._stack is None else self._stack.secrets,
            directory=self._directory,
        )
        self._casualties = Casualties(self._stage.redactor)
        self._verdicts = Verdicts(self._outcome, self._telling, self._stage.redactor)
        if self._screen is not None:
            self._screen.learn(self._stage.redactor)
        self._stage.hear_allure(self._emit)
        runner.hooks["before_all"] = self._then_open(runner.hooks.get("before_all"))
        self._witness = _Wrapping(runner.config, self._stage.step, self._wrap)
        runner.formatters.insert(0, self._witness)
        self._listen(None)
        command = [self._stage.redactor.text(word) for word in sys.argv]
        self._telling.started(self._run, self._seed, command, ())
        return self

    def _start_services(self) -> None:
        if not self._settings.services:
            return
        from avow.config import Secrets
        from avow.guards import Guards
        from avow.processes import Journal, Reaper
        from avow.services.stack import Stack

        self._journal = Journal(self._directory / "journal.jsonl")
        self._reaper = Reaper.start(self._journal)
        try:
            self._stack = Stack.start(
                self._settings,
                slot=1,
                run_dir=self._directory,
                journal=self._journal,
                guards=Guards(self._settings.guards, self._root),
                secrets=Secrets(self._settings),
            )
        except AvowError:
            self._reaper.close()
            raise

    def __exit__(self, *_: object) -> None:
        suite.listen(None)
        Context.avow_cleanup_failed = None
        try:
            self._stage.close(self._tell)
        finally:
            self._look_for_the_dead()
            if self._stack is not None:
                self._stack.stop()
            if self._reaper is not None:
                self._reaper.close()
        files = () if self._screen is None else self._screen.files()
        minted = leaving.Minted(self._stage.redactor)
        for problem in leaving.redact(self._directory, minted, files):
            self._outcome.add(7, problem)
        self._telling.decide()
        self._telling.finished(
            events.RunFinished(
                at=time.time(),
                run=self._run,
                exit_code=self._outcome.code,
                reasons=[reason for _, reason in self._outcome.reasons],
                counts=dict(self._outcome.counts),
                seconds=round(time.monotonic() - self._began, 3),
            )
        )
        self._verdicts.explain()
        self._kept.leave()

    def _then_open(self, before_all: Callable[[Any], None] | None) -> Callable[[Any], None]:
        """What before_all prepares is part of the clean world, so the stage opens after it."""

        def call(context: Any) -> None:
            if before_all is not None:
                before_all(context)
            for kept in self._stage.open():
                print(kept)  # noqa: T201

        return call

    # -- one scenario

    def _wrap(self, feature: Any) -> None:
        """Stand around each scenario's run, as the features' turn comes."""
        for located in features.walk(feature):
            run = located.scenario.run
            located.scenario.run = self._wrapped(located, run)

    def _wrapped(self, located: features.Located, run: Callable[[Any], bool]) -> Any:
        def call(runner: Any) -> bool:
            # A scenario may run again (behave's retries): each time it is told anew.
            if not located.scenario.should_run(runner.config):
                return run(runner)
            return self._perform(located, runner, run)

        return call

    def _perform(self, located: features.Located, runner: Any, run: Callable[[Any], bool]) -> bool:
        self._number += 1
        path = self._directory / f"scenario-{self._number}.jsonl"
        scenario = located.scenario
        task = notices.Perform(
            item=self._number, file=scenario.filename, line=scenario.line, record=str(path),
            seed=self._seed,
        )  # fmt: skip
        scene = self._stage.scene(features.describe(located), path, self._tell, seed=self._seed)
        scene.event(self._stage.started(scene.info, task))
        self._listen(scene)
        self._witness.scene = scene
        try:
            with self._stage.playing(scene, runner.context, self._tell):
                failed = run(runner)
        finally:
            verdict = self._witness.finish(scenario)
            self._witness.scene = None
            self._listen(None)
            line = scene.recorder.event(verdict)
            scene.tell(line)
            scene.recorder.close()
            if scene.recorder.problem is not None:
                self._outcome.add(7, f"evidence is incomplete: {scene.recorder.problem.strerror}")
            # What reports are told is what has left, redacted.
            (told,) = notices.decode(line)
            assert isinstance(told, events.ScenarioFinished)
            if told.status in ("failed", "broken"):
                self._look_for_the_dead()
                told = self._casualties.explain(1, path, told)
            self._verdicts.add(scenario, scenario.name, str(scenario.location), path, told)
        return failed or (scenario.status is not Status.passed and scenario.status.has_failed())

    def _look_for_the_dead(self) -> None:
        for died in [] if self._stack is None else self._stack.check():
            if died.name in self._dead:
                continue
            self._dead.add(died.name)
            casualty = self._casualties.add(1, died)
            print(died.problem, file=sys.stderr)  # noqa: T201
            self._outcome.add(6, casualty.reason)
            line = self._stage.run_trouble(f'service "{died.name}"', died.problem)
            for told in notices.decode(line):
                assert isinstance(told, events.Event)
                self._telling.event(told)

    def _listen(self, scene: Scene | None) -> None:
        def failed(name: str, error: BaseException) -> None:
            if scene is not None:
                scene.hook_failed(name, error)
            else:
                if name == "before_all":
                    self._outcome.add(exit_code_of(error), "before_all failed")
                self._tell(self._stage.run_trouble(name, error))

        suite.listen(failed)
        Context.avow_cleanup_failed = staticmethod(
            lambda cleanup, error, layer: failed(
                f"cleanup of {getattr(cleanup, '__name__', 'a fixture')} ({layer})", error
            )
        )

    def _tell(self, line: bytes) -> None:
        for record in notices.decode(line):
            if isinstance(record, events.LateEffect):
                fallen = self._verdicts.late(record)
                if fallen is not None:
                    print(fallen.why, file=sys.stderr)  # noqa: T201
                    fall(fallen.what, fallen.why)
            elif isinstance(record, events.Event):
                self._telling.event(record)
            if isinstance(record, events.RunTrouble):
                self._outcome.add(7, f"{record.where}: {record.trouble.message.splitlines()[0]}")

    def _emit(self, event: events.Event) -> None:
        scene = self._witness.scene
        if scene is not None:
            scene.recorder.event(event)
        else:
            self._tell(self._stage.redactor.raw(events.encode(event)))


class _Wrapping(Witness):
    """The witness that also stands around scenarios: behave announces each feature before it runs
    it.
    """

    def __init__(
        self, config: Any, on_step: Callable[[int], None], wrap: Callable[[Any], None]
    ) -> None:
        super().__init__(config, on_step)
        self._wrap = wrap

    def feature(self, feature: Any) -> None:
        self._wrap(feature)

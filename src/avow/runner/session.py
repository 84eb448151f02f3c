# ruff: noqa: SLF001 - behave has no public way
"""One process's run of scenarios: hooks and steps loaded once, features opened and closed as
scenarios come.

    before_all | before_feature | (before_rule) | scenario, ... | after_feature | after_all

A feature stays open while its scenarios follow one another, so in a run with one worker its hooks
run once, as behave runs them. With several workers each of them opens a feature for itself.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from behave.model_type import Status
from behave.runner import Context

from avow.core import events
from avow.core.errors import AvowError, InternalError
from avow.core.text import printable
from avow.runner import features, notices, suite
from avow.runner.stage import Stage
from avow.runner.suite import SuiteRunner
from avow.runner.witness import Scene, Witness

#: Features that were read and may be needed again.
_REMEMBERED = 4


class Session:
    """Runs scenarios one at a time with behave's own model."""

    def __init__(
        self,
        runner: SuiteRunner,
        stage: Stage,
        tell: Callable[[bytes], None],
        flush: Callable[[], None] = lambda: None,
    ) -> None:
        self.runner = runner
        self.stage = stage
        self._tell = tell
        #: Called before hooks that belong to no scenario, so that whoever ends them knows where.
        self._flush = flush
        self.witness = Witness(runner.config, stage.step)
        runner.formatters = [self.witness]
        runner.hook_failures = 0
        #: Files that were read, newest last: scenarios by line.
        self._read: dict[str, dict[int, features.Located]] = {}
        self._feature: Any = None
        self._rule: Any = None
        #: Why the scenarios of the open feature (or rule) cannot run.
        self._blocked: events.Trouble | None = None
        self.problem: BaseException | None = None
        self.is_running = False

    # -- the run

    def open(self) -> None:
        """Run before_all; what it raised is left in `problem`."""
        self._listen(None)
        self.stage.hear_allure(self._emit)
        self.runner.run_hook("before_all")
        if self.problem is not None:
            return
        try:
            for kept in self.stage.open():
                print(kept)  # noqa: T201 - in a worker the coordinator prints it
        except AvowError as error:
            self.problem = error

    def close(self) -> None:
        """Close what is open and run after_all and the cleanups of the test run."""
        self._close_feature()
        self._listen(None)
        self.runner.run_hook_with_capture("after_all")
        # The listener has told of each that failed.
        with contextlib.suppress(Exception):
            self.runner.context._do_remaining_cleanups()
        self.stage.close(self._tell)

    def _listen(self, scene: Scene | None) -> None:
        """Send what hooks and cleanups raise to the scenario, or to the run where there is none."""

        def failed(name: str, error: BaseException) -> None:
            if scene is not None:
                scene.hook_failed(name, error)
            elif name == "before_all":
                self.problem = error
            else:
                self._trouble(name, error)

        def cleanup_failed(cleanup: Any, error: BaseException, layer: str) -> None:
            failed(f"cleanup of {getattr(cleanup, '__name__', 'a fixture')} ({layer})", error)

        suite.listen(failed)
        Context.avow_cleanup_failed = staticmethod(cleanup_failed)

    def _emit(self, event: events.Event) -> None:
        """Take an event of user code: into the running scenario's file, else to the run."""
        scene = self.witness.scene
        if scene is not None:
            scene.recorder.event(event)
        else:
            self._tell(self.stage.redactor.raw(events.encode(event)))

    def _trouble(self, where: str, error: BaseException) -> None:
        if self._feature is not None:
            where = f"{where} of {(self._rule or self._feature).location}"
        self._tell(self.stage.run_trouble(where, error))

    # -- one scenario

    def perform(self, task: notices.Perform) -> None:
        """Run a scenario, write its file and tell what happened; never raises."""
        located = self._find(task)
        if located is None:
            self._tell(
                self.stage.lost(task, "its feature file changed while the run was under way")
            )
            return
        self.is_running = True
        try:
            self._perform(located, task)
        finally:
            self.is_running = False
            if task.is_last:
                self._close_feature()

    def _perform(self, located: features.Located, task: notices.Perform) -> None:
        if located.feature is not self._feature:
            self._close_feature()
            self._open_feature(located.feature)
        if located.rule is not self._rule:
            self._close_rule()
            if located.rule is not None and self._blocked is None:
                self._open_rule(located.rule)
        scene = self.stage.scene(
            features.describe(located), Path(task.record), self._tell, seed=task.seed
        )
        scene.event(self.stage.started(scene.info, task))
        scene.event(self._run(located, scene) if self._blocked is None else self._not_run(scene))
        scene.recorder.close()
        if scene.recorder.problem is not None:
            said = scene.recorder.problem.strerror or "it cannot be written"
            self._tell(notices.encode(notices.Unwritten(said)))

    def _run(self, located: features.Located, scene: Scene) -> events.ScenarioFinished:
        runner, scenario = self.runner, located.scenario
        context = runner.context
        self._listen(scene)
        self.witness.scene = scene
        context._set_root_attribute("active_outline", scenario._row)
        try:
            with self.stage.playing(scene, context, self._tell):
                failed = scenario.run(runner)
            if failed:
                context._set_root_attribute("failed", True)
            return self.witness.finish(scenario)
        except KeyboardInterrupt:
            return self._broken(scene, InternalError("the scenario was interrupted"))
        except Exception as error:  # noqa: BLE001 - one scenario's trouble is not the run's
            return self._broken(scene, error)
        finally:
            self.witness.scene = None
            self._listen(None)
            # A step that was interrupted aborts behave's run; whether ours goes on is decided
            # outside.
            context._set_root_attribute("aborted", False)
            context._set_root_attribute("active_outline", None)

    def _broken(self, scene: Scene, error: BaseException) -> events.ScenarioFinished:
        from avow.runner.failures import trouble_of

        return events.ScenarioFinished(
            at=time.time(),
            scenario=scene.info.id,
            status="broken",
            seconds=time.monotonic() - scene.began,
            trouble=trouble_of(error),
            behave_status="error",
            file=str(scene.recorder.path),
        )

    def _not_run(self, scene: Scene) -> events.ScenarioFinished:
        trouble = self._blocked
        assert trouble is not None
        skipped = trouble.status == "skipped"
        if not skipped:
            scene.event(
                events.HookFailed(
                    at=time.time(), hook=trouble.kind, phase="before", trouble=trouble
                )
            )
        return events.ScenarioFinished(
            at=time.time(),
            scenario=scene.info.id,
            status="skipped" if skipped else "broken",
            seconds=0.0,
            trouble=trouble,
            behave_status="skipped" if skipped else "untested",
            file=str(scene.recorder.path),
        )

    # -- features and rules, as ScenarioContainer.run opens and closes them

    def _find(self, task: notices.Perform) -> features.Located | None:
        found = self._read.pop(task.file, None)
        if found is None:
            feature = features.parse(task.file, self.runner.config.lang)
            found = {} if feature is None else features.by_line(feature)
            while len(self._read) >= _REMEMBERED:
                del self._read[next(iter(self._read))]
        self._read[task.file] = found
        return found.get(task.line)

    def remember(self, file: str, found: dict[int, features.Located]) -> None:
        """Take over a file that the template has read."""
        self._read[file] = found

    def _open_feature(self, feature: Any) -> None:
        self._feature = self.runner.feature = feature
        self._enter(feature, "feature")

    def _open_rule(self, rule: Any) -> None:
        self._rule = rule
        self._enter(rule, "rule")

    def _enter(self, entity: Any, kind: str) -> None:
        self._flush()
        runner = self.runner
        context = runner.context
        entity.clear_status()
        entity.hook_failed = False
        context._push(layer=kind)
        context.tags = set(entity.tags)
        entity._setup_context_for_run(context)
        raised: list[tuple[str, BaseException]] = []
        suite.listen(lambda name, error: raised.append((name, error)))
        runner.run_hook_tags_with_capture(
            "before_tag", entity.tags, capture_sink=entity.capture_sink
        )
        runner.run_hook_with_capture(f"before_{kind}", entity, capture_sink=entity.capture_sink)
        self._listen(None)
        if entity.hook_failed or runner.aborted:
            context._set_root_attribute("aborted", False)
            self._tell_failed(entity, kind, "hook_error")
            self._blocked = _why(raised, kind)
        elif entity.should_skip:
            self._tell_failed(entity, kind, "skipped")
            reason = str(entity.skip_reason or f"the {kind} was skipped")
            self._blocked = events.Trouble("skipped", reason, kind=f"before_{kind}")
        self._tell(notices.encode(notices.Opened(kind)))

    def _close_rule(self) -> None:
        if self._rule is not None:
            self._leave(self._rule, "rule")
            self._rule = None
            if not self._feature.hook_failed:
                self._blocked = None

    def _close_feature(self) -> None:
        if self._feature is None:
            return
        self._close_rule()
        self._leave(self._feature, "feature")
        for located in self._read.get(self._feature.filename, {}).values():
            row = located.scenario._row
            located.scenario.reset()
            located.scenario._row = row  # reset() forgets the outline's row
        self._feature = self.runner.feature = None
        self._blocked = None

    def _leave(self, entity: Any, kind: str) -> None:
        self._flush()
        runner = self.runner
        before = entity.hook_failed
        entity.clear_status()
        self._listen(None)
        runner.run_hook_with_capture(f"after_{kind}", entity, capture_sink=entity.capture_sink)
        runner.run_hook_tags_with_capture(
            "after_tag", entity.tags, capture_sink=entity.capture_sink
        )
        if entity.hook_failed and not before:
            self._tell_failed(entity, kind, "hook_error")
        try:
            runner.context._pop(capture_sink=entity.capture_sink)
        except Exception:  # noqa: BLE001 - the listener has told which
            entity.set_status(Status.cleanup_error)
            self._tell_failed(entity, kind, "cleanup_error")

    def _tell_failed(self, entity: Any, kind: str, status: str) -> None:
        self._tell(
            self.stage.redactor.raw(
                notices.encode(
                    notices.FeatureFailed(
                        kind,
                        status,
                        printable(entity.error_message or ""),
                        entity.filename,
                        entity.line,
                    )
                )
            )
        )


def _why(raised: list[tuple[str, BaseException]], kind: str) -> events.Trouble:
    import msgspec

    from avow.runner.failures import trouble_of

    if not raised:
        return events.Trouble("broken", f"a hook of the {kind} failed", kind=f"before_{kind}")
    name, error = raised[0]
    trouble = trouble_of(error)
    return msgspec.structs.replace(
        trouble, status="broken", message=f"{name} failed: {trouble.message}", kind=name
    )


def exit_code_of(error: BaseException) -> int:
    """Return the exit code that trouble outside of any scenario means."""
    return error.exit_code if isinstance(error, AvowError) else 1

r"""What a scenario did, written down as it does it.

    behave --(formatter's calls)--> Witness --events--> Recorder (file of the scenario)
                                            \-notices--> coordinator (its formatters, its plug-ins)

It stands first among the formatters, so that the others print a step's error without the
machinery's frames.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from behave.model_type import Status

from avow.core import events
from avow.core.ledger import Ledger
from avow.core.record import BODY_LIMIT, Recorder
from avow.core.secrets import Redactor
from avow.core.text import printable
from avow.runner import engine, failures, notices

#: Takes one line of a conversation: an event or a notice, redacted.
Tell = Callable[[bytes], None]

_STATUS: dict[str, events.Status] = {
    "passed": "passed",
    "failed": "failed",
    "skipped": "skipped",
    "untested": "skipped",
    "undefined": "undefined",
    "pending_warn": "passed",
}


def status_of(behave_status: str) -> events.Status:
    """Return the status that behave's own name means."""
    return _STATUS.get(behave_status, "broken")


class Scene:
    """The running scenario: its file, its ledger, and what went wrong so far."""

    def __init__(
        self,
        info: events.ScenarioInfo,
        path: Path,
        redactor: Redactor,
        tell: Tell,
        *,
        seed: int = 0,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self.info = info
        self.seed = seed
        self.recorder = Recorder(path, redactor, body_limit=body_limit)
        self.ledger = Ledger(self.recorder)
        self.redactor = redactor
        self.tell = tell
        self.world: Any = None
        self.hook_troubles: list[events.Trouble] = []
        self.step_trouble: events.Trouble | None = None
        #: What was found after the last step, by `[effects] strict` or because it came late.
        self.late_trouble: events.Trouble | None = None
        self.undefined = False
        self.done = 0
        self.began = time.monotonic()

    def event(self, event: events.Event) -> None:
        """Write an event to the scenario's file and tell it."""
        self.tell(self.recorder.event(event))

    def notice(self, notice: notices.Notice) -> None:
        """Tell what only formatters want to know."""
        self.tell(self.redactor.raw(notices.encode(notice)))

    @property
    def has_passed(self) -> bool:
        """Say whether nothing has gone wrong so far."""
        return not (self.step_trouble or self.hook_troubles or self.undefined)

    def late(self, late: events.LateEffect, what: str) -> None:
        """Take an effect that came after the last step, before the verdict."""
        self.event(late)
        if late.breaks and self.late_trouble is None:
            from avow.runner import verdicts

            self.late_trouble = verdicts.trouble(self.info.name, what)

    def hook_failed(self, hook: str, error: BaseException) -> None:
        """Record that a hook or cleanup went wrong; the scenario is broken by it."""
        trouble = failures.trouble_of(error)
        # An assertion in a hook is no verdict on the system: the scenario's steps are.
        trouble = msgspec.structs.replace(trouble, status="broken")
        self.hook_troubles.append(trouble)
        phase = "before" if hook.startswith("before") and not self.done else "after"
        self.event(
            events.HookFailed(
                at=time.time(),
                hook=hook,
                phase=phase,  # type: ignore[arg-type]
                trouble=trouble,
            )
        )


class Witness:
    """A formatter to behave. One per process; `scene` is the running scenario's."""

    name = "avow"
    description = "Writes down what scenarios do."

    def __init__(self, config: Any, on_step: Callable[[int], None] = lambda index: None) -> None:
        self.config = config
        self.scene: Scene | None = None
        self._verbose = bool(config.verbose)
        self._on_step = on_step

    # -- what behave tells, and we know already

    def uri(self, uri: str) -> None:
        pass

    feature = background = rule = step = scenario = uri

    def eof(self) -> None:
        pass

    close = eof

    # -- steps

    def match(self, match: Any) -> None:
        scene = self.scene
        if scene is None:
            return
        index = scene.done
        scene.ledger.step = index
        self._on_step(index)
        scene.recorder.event(events.StepStarted(at=time.time(), index=index))
        scene.notice(
            notices.Matched(
                index=index,
                arguments=[
                    [each.start, each.end, each.original, each.name, _plain(each)]
                    for each in match.arguments or ()
                ],
                location=_place(match.location),
            )
        )
        self._match = match
        match.run = engine.safely(match.run)

    def result(self, step: Any) -> None:
        scene = self.scene
        if scene is None:
            return
        index = scene.done
        status = step.status.name
        trouble = None
        if status != "passed":
            trouble = self._trouble(step, status)
            if trouble is not None:
                scene.step_trouble = scene.step_trouble or trouble
            if step.exception is not None and not step.hook_failed:
                step.error_message = failures.console_text(
                    step.exception, step.exc_traceback, verbose=self._verbose
                )
                if shown := getattr(self._match, "shown", ""):
                    values = f"With its values: {step.keyword} {shown}"
                    step.error_message = f"{step.error_message.rstrip()}\n{values}"
        if status != "passed":
            scene.undefined = scene.undefined or status == "undefined"
            scene.notice(
                notices.StepDetails(
                    index=index,
                    status=status,
                    error=step.error_message or "",
                    kind="" if step.exception is None else type(step.exception).__name__,
                    message="" if step.exception is None else printable(step.exception),
                    hook_failed=step.hook_failed,
                )
            )
        match = self._match
        scene.event(
            events.StepFinished(
                at=time.time(),
                index=index,
                status=status_of(status),
                seconds=step.duration,
                trouble=trouble,
                location=_place(match.location),
                arguments=[
                    [each.name or "", each.original or ""] for each in match.arguments or ()
                ],
                output=_output(step),
                text=getattr(match, "shown", ""),
                document=getattr(match, "shown_document", None),
                table=getattr(match, "shown_table", None),
            )
        )
        scene.done = index + 1
        scene.ledger.step = -1
        self._on_step(-1)

    def _trouble(self, step: Any, status: str) -> events.Trouble | None:
        scene = self.scene
        assert scene is not None
        if step.hook_failed and scene.hook_troubles:
            return scene.hook_troubles[-1]
        if isinstance(step.exception, KeyboardInterrupt):
            return events.Trouble("broken", "the run was interrupted here", kind="Interrupted")
        if step.exception is not None:
            return failures.trouble_of(step.exception, step.exc_traceback)
        if status == "undefined":
            return events.Trouble(
                "undefined", f"no phrase says: {step.keyword} {step.name}", kind="undefined"
            )
        if step.status.has_failed():
            return events.Trouble("broken", step.error_message or status, kind=status)
        return None

    def embedding(self, mime_type: str, data: bytes) -> None:
        """User code called `context.attach`."""
        if self.scene is not None:
            self.scene.notice(notices.Embedded(mime_type, bytes(data)))

    # -- the end

    def finish(self, scenario: Any) -> events.ScenarioFinished:
        """Write down how the scenario ended; its cleanups have run."""
        scene = self.scene
        assert scene is not None
        for index, step in enumerate(scenario.all_steps):
            if step.exception is not None:
                _forget_frames(step)
            if index >= scene.done and step.status is not Status.untested:
                scene.event(
                    events.StepFinished(
                        at=time.time(),
                        index=index,
                        status=status_of(step.status.name),
                        seconds=0.0,
                    )
                )
                scene.undefined = scene.undefined or step.status.name == "undefined"
        status = status_of(scenario.status.name)
        if scene.hook_troubles:
            status = "broken"
        elif scene.undefined and status == "broken":
            status = "undefined"
        elif scene.late_trouble is not None and status == "passed":
            status = "failed"
            scenario.set_status(Status.failed)
        trouble = scene.step_trouble or scene.late_trouble
        trouble = trouble or next(iter(scene.hook_troubles), None)
        if trouble is None and status == "skipped" and scenario.skip_reason:
            trouble = events.Trouble("skipped", str(scenario.skip_reason))
        captured = [
            [each.name, bool(each.failed), each.stdout, each.stderr, each.log]
            for each in scenario.captured.captures
        ]
        if captured or scenario.hook_failed or scenario.skip_reason:
            scene.notice(
                notices.ScenarioDetails(
                    hook_failed=scenario.hook_failed,
                    error=scenario.error_message or "",
                    kind="" if scenario.exception is None else type(scenario.exception).__name__,
                    skip_reason=str(scenario.skip_reason or ""),
                    captured=captured,
                )
            )
        scenario.exc_traceback = None
        return events.ScenarioFinished(
            at=time.time(),
            scenario=scene.info.id,
            status=status,
            seconds=time.monotonic() - scene.began,
            trouble=trouble if status != "passed" else None,
            behave_status=scenario.status.name,
            output=scenario.captured.make_report() if scenario.captured.captures else "",
            file=os.fspath(scene.recorder.path),
        )

    _match: Any = None


def _place(location: Any) -> str:
    return "" if location is None else f"{location.filename}:{location.line}"


def _plain(argument: Any) -> Any:
    value = argument.value
    # What JSON cannot say is shown as it was written; behave's json formatter does the same.
    return value if isinstance(value, bool | int | float | str) else argument.original


def _output(step: Any) -> str:
    captures = step.captured.captures
    if not captures:
        return ""
    report: str = step.captured.make_report()
    return report


def _forget_frames(step: Any) -> None:
    """Let go of what the failed step's frames hold: bodies of megabytes must not live to the run's
    end.
    """
    step.exc_traceback = None
    error = step.exception
    if error is not None:
        error.__traceback__ = None

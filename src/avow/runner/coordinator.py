"""The process that types `behave`: it plans, starts, dispatches, tells and decides. It runs no user
code.

    settings -> plan -> template and services at once -> precheck -> scenarios -> exit code

It may have threads (services start in them), so it never forks.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from avow.core import events
from avow.core.errors import AvowError, SuiteError
from avow.core.secrets import Redactor
from avow.core.text import plural
from avow.runner import greeting, jobs, leaving, notices, plan, records
from avow.runner.casualties import Casualties
from avow.runner.directory import RunDirectory, prune
from avow.runner.loading import Template
from avow.runner.outcome import Outcome
from avow.runner.plan import Item
from avow.runner.replay import Replay
from avow.runner.signals import CODES, Signals
from avow.runner.slots import Slot, spoken
from avow.runner.stacks import Stacks
from avow.runner.supervisor import Supervisor
from avow.runner.telling import Telling, tell_report
from avow.runner.verdicts import REMEMBERED, Verdicts

#: Seconds that interrupted scenarios get for their cleanups; then the reaper does it.
GRACE = 3.0
#: Seconds between two looks at what the run stands on, where nothing makes it look sooner.
_LOOK = 0.5
_NO_WORKER = events.Trouble("broken", "not run: no worker was left to run it", kind="WorkerLost")


class Stopped(Exception):
    """The run ends here; why is in the outcome."""


class Coordinator:
    """One run."""

    def __init__(self, config: Any, settings: Any, root: Path) -> None:
        self.config = config
        self.settings = settings
        self.root = root
        self.run_id = time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2)
        self.directory = root / settings.reports.runs / self.run_id
        self.outcome = Outcome()
        self.redactor = Redactor()
        self._kept: RunDirectory | None = None
        self._minted = leaving.Minted(self.redactor)
        self.seed = settings.runner.seed
        if self.seed is None:
            self.seed = secrets.randbelow(2**31)
        self.telling = Telling(settings, self.outcome)
        self.verdicts = Verdicts(self.outcome, self.telling, self.redactor)
        self._key = self.redactor.key
        self._began = time.monotonic()
        self._signals = Signals(self._child_ended)
        self._stacks: Stacks | None = None
        self._casualties = Casualties(self.redactor)
        self._look_at = 0.0
        self._interrupted_at: float | None = None
        self._plan = plan.Plan()
        self._replay: Replay | None = None
        self._supervisor: Supervisor | None = None
        self._template: Template | None = None
        self._reaper: Any = None
        self._guards: Any = None
        self._secrets: Any = None
        self._told_lost = False
        self._has_started = False
        self._left_because: tuple[events.Trouble, events.Status] | None = None

    # -- the whole of it

    def run(self) -> int:
        """Run everything; return the exit code."""
        self._signals.take()
        try:
            self._run()
        except Stopped:
            pass
        except AvowError as error:
            self._complain(error)
        finally:
            try:
                self._wind_up()
            finally:
                self._signals.give_back()
        return self.outcome.code

    def _run(self) -> None:
        # Every scenario is looked at before anything is started; the interpreter of the template
        # starts meanwhile, and knows nothing yet.
        self._prepare()
        template = self._template = Template(self.directory, self._journal)
        self._plan = plan.make(self.config)
        items = self._plan.items
        if not items:
            self._nothing(self._plan)
            raise Stopped
        self._greet(template)
        # The template loads the suite meanwhile.
        self.telling.open()
        slots, why = jobs.count(self.config, self.settings, len(items))
        if why:
            self._say(why)
        supervisor = self._supervisor = Supervisor(
            self._ordered(items),
            template=template.wire,
            directory=self.directory,
            listener=self,
            settings=self._setting_for,
            timeouts=self.settings.timeouts,
            seed=self.seed,
            redactor=self.redactor,
            run=self.run_id,
            language=self.config.lang,
            one_by_one=bool(self.config.stop),
        )
        self._signals.wake(supervisor.waker)
        self._stacks = Stacks(
            self.settings,
            directory=self.directory,
            journal=self._journal,
            guards=self._guards,
            secrets=self._secrets,
            wake=supervisor.wake,
        )
        self._stacks.start(slots)
        self._await_template(template, supervisor)
        self._await_services(self._stacks, supervisor)
        self._replay = Replay(
            self.config,
            self._plan,
            lambda problem: self.outcome.add(7, problem),
            # With one worker and nothing that could come late, what is told is told.
            patience=REMEMBERED if slots > 1 or jobs.has_state(self.settings) else 0,
        )
        self._has_started = True
        command = [self.redactor.text(word) for word in sys.argv]
        self.telling.started(self.run_id, self.seed, command, items)
        self._work(supervisor, slots)

    def _prepare(self) -> None:
        from avow.config import Secrets
        from avow.guards import Guards
        from avow.processes import Journal, Reaper

        self._kept = RunDirectory(self.directory)
        self.directory = self._kept.path
        if self._kept.problem:
            self.outcome.add(7, f"evidence is incomplete: {self._kept.problem}")
        self._secrets = Secrets(self.settings)
        for secret in self._secrets.all():
            self.redactor.add(secret)
        self._guards = Guards(self.settings.guards, self.root)
        self._journal = Journal(self.directory / "journal.jsonl")
        self._reaper = Reaper.start(self._journal)

    def _greet(self, template: Template) -> None:
        template.greet(
            greeting.Greeting(
                config=greeting.plain_config(self.config),
                settings=self.settings,
                root=str(self.root),
                run=self.run_id,
                selected={
                    planned.file: [item.line for item in planned.items]
                    for planned in self._plan.features
                    if planned.items
                },
                keep=self._plan.keep,
            )
        )

    def _await_template(self, template: Template, supervisor: Supervisor) -> None:
        """Wait until hooks and steps are loaded and checked; raises Stopped where they are not
        good.
        """
        try:
            loaded = template.loaded(
                supervisor,
                self.settings.timeouts.start.total_seconds(),
                printed=self._print,
                between=self._check_signals,
            )
        except SuiteError as error:
            self._say(str(error))
            self.outcome.add(4, "the suite could not be loaded")
            raise Stopped from None
        if loaded.page:
            self._say(loaded.page)
            self.outcome.add(loaded.exit_code or 4, "the steps cannot be used")
            raise Stopped

    def _ordered(self, items: list[Item]) -> list[Item]:
        if self.settings.runner.order != "random":
            return items
        from avow.runner import order

        print(order.words(self.seed), flush=True)  # noqa: T201
        return order.shuffled(items, self.seed)

    def _await_services(self, stacks: Stacks, supervisor: Supervisor) -> None:
        while stacks.is_starting:
            supervisor.wait(1.0)
            self._check_signals()
        if stacks.problems:
            for problem in stacks.problems:
                self._complain(problem)
            raise Stopped
        self.redactor.add_all(stacks.secrets())

    def _setting_for(self, slot: int) -> notices.Setting:
        stacks = self._stacks
        assert stacks is not None
        return notices.Setting(
            slot=slot,
            directory=str(self.directory),
            facts=stacks.facts(slot),
            secrets=stacks.secrets(slot),
            redaction_key=self._key,
        )

    # -- the work

    def _work(self, supervisor: Supervisor, slots: int) -> None:
        supervisor.open(slots)
        closing_until: float | None = None
        while True:
            self._check_signals()
            self._look_around(supervisor)
            supervisor.dispatch()
            if supervisor.is_idle and closing_until is None:
                supervisor.close_slots()
                # after_all may wait for what it cleans up, but not for ever.
                closing_until = time.monotonic() + self.settings.timeouts.scenario.total_seconds()
            if supervisor.is_over:
                break
            limit = supervisor.check_deadlines()
            now = time.monotonic()
            if self._interrupted_at is not None:
                left = self._interrupted_at + GRACE - now
                if left <= 0:
                    supervisor.kill_all()
                limit = min(limit, max(left, 0.05))
            elif closing_until is not None:
                if now > closing_until:
                    self.outcome.add(7, "after_all did not end in time")
                    supervisor.abandon()
                limit = min(limit, max(closing_until - now, 0.05))
            supervisor.wait(limit)
        if supervisor.pending:
            # What had been sent ahead came back when its worker ended.
            if not supervisor.is_stopping and not self._told_lost:
                self.outcome.add(3, "scenarios were left because no worker would stay")
            self._leave(*(self._left_because or (_NO_WORKER, "broken")))

    def _look_around(self, supervisor: Supervisor) -> None:
        """See whether all that the run stands on is still there."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK
        assert self._template is not None
        if self._template.has_ended and not supervisor.template_is_gone:
            supervisor.lose_template()
        if self._reaper.ensure():
            self.outcome.add(7, "the reaper was ended during the run")
        self._look_for_the_dead()

    def _look_for_the_dead(self) -> None:
        if self._stacks is None:
            return
        for slot, died in self._stacks.died():
            casualty = self._casualties.add(slot, died)
            self._say(str(died.problem))
            self.outcome.add(6, casualty.reason)
            text = self.redactor.text(str(died.problem))
            trouble = events.Trouble("broken", text, kind=type(died.problem).__name__)
            where = f'service "{died.name}"'
            self.telling.event(events.RunTrouble(at=time.time(), where=where, trouble=trouble))

    # -- what the supervisor tells

    def told(self, item: Item, record: Any) -> None:
        assert self._replay is not None
        if isinstance(record, notices.Minted):
            self._minted.add(record.name, record.value)
            return
        if isinstance(record, notices.Unwritten):
            self.outcome.add(7, f"evidence is incomplete: {record.problem}")
            return
        if isinstance(record, notices.FeatureFailed) and record.file != item.file:
            # A worker closes a feature when it comes to another one.
            self._replay.feature_failed(record)
            return
        self._replay.feed(item.number, record)
        if isinstance(record, events.LateEffect):
            self._late(record)
        elif notices.is_event(record):
            self.telling.event(record)
            if isinstance(record, events.RunTrouble):
                self._unclean(record)

    def aside(self, slot: Slot, record: Any) -> None:
        if isinstance(record, notices.Ready):
            if record.problem:
                self._before_all_failed(record)
        elif isinstance(record, events.RunTrouble):
            self.telling.event(record)
            self._unclean(record)
        elif isinstance(record, events.LateEffect):
            self._late(record)
        elif isinstance(record, notices.Minted):
            self._minted.add(record.name, record.value)
        elif self._replay is not None:
            if isinstance(record, notices.Printed):
                self._replay.aside(record)
            elif isinstance(record, notices.FeatureFailed):
                self._replay.feature_failed(record)

    def _unclean(self, trouble: events.RunTrouble) -> None:
        message = trouble.trouble.message
        self.outcome.add(7, f"{trouble.where}: {message.splitlines()[0]}")
        if not trouble.where.startswith("after_"):
            self._say(f"{trouble.where}: {message}")

    def finished(
        self, slot: Slot, item: Item, path: Path, verdict: events.ScenarioFinished
    ) -> None:
        if verdict.status in ("failed", "broken"):
            self._look_for_the_dead()
            verdict = self._casualties.explain(slot.number, path, verdict)
        self.verdicts.add(item, item.name, f"{item.file}:{item.line}", path, verdict)
        if verdict.status not in ("passed", "skipped") and self.config.stop:
            assert self._supervisor is not None
            assert self._replay is not None
            self._supervisor.pending.clear()
            self._replay.stop()

    def lost(self, slot: Slot, why: str) -> None:
        self._told_lost = True
        self._say(f"worker {slot.number}: {why}")
        self.outcome.add(3, "a worker was lost where no scenario can be blamed")

    def _before_all_failed(self, ready: notices.Ready) -> None:
        """Every selected scenario is broken by it: what was not run must not look green."""
        assert self._supervisor is not None
        trouble = events.Trouble("broken", f"before_all failed: {ready.problem}", kind="before_all")
        if self._left_because is None:
            # All workers run it; the first that fails speaks for all.
            at = time.time()
            self.telling.event(events.RunTrouble(at=at, where="before_all", trouble=trouble))
        self.outcome.add(ready.exit_code or 1, "before_all failed")
        self._left_because = (trouble, "broken")
        self._leave(trouble, "broken")

    def _leave(self, trouble: events.Trouble, status: events.Status) -> None:
        """Write down, for every scenario that will not run any more, why."""
        supervisor = self._supervisor
        assert supervisor is not None
        left = list(supervisor.pending)
        supervisor.pending.clear()
        if self._replay is not None:
            self._replay.stop()
        for path, verdict in records.unrun(
            left, self.config, supervisor.record_of, self.run_id, trouble, status, self.redactor
        ):
            self.outcome.counts[verdict.status] += 1
            self.telling.recorded(path, verdict)

    def _late(self, late: events.LateEffect) -> None:
        fallen = self.verdicts.late(late)
        if fallen is not None:
            self._say(fallen.why)
            if self._replay is not None:
                self._replay.fell(fallen.what, fallen.why)

    # -- signals

    def _child_ended(self) -> None:
        """A service that ends is told at once."""
        self._look_at = 0.0

    def _check_signals(self) -> None:
        supervisor = self._supervisor
        while self._signals.waiting:
            number = self._signals.waiting.pop(0)
            first = self._interrupted_at is None
            name = number.name
            if first:
                self._interrupted_at = time.monotonic()
                self.outcome.add(CODES[number], f"interrupted by {name}")
            if supervisor is None or not supervisor.slots:
                if self._stacks is not None:
                    self._stacks.cancel()
                raise Stopped
            if not first:
                supervisor.kill_all()
                return
            self._say(f"{name}: stopping (once more: at once)")
            trouble = events.Trouble(
                "skipped", f"not run: interrupted by {name}", kind="Interrupted"
            )
            self._left_because = (trouble, "skipped")
            supervisor.stop(f"the run was interrupted ({name})")
            self._leave(trouble, "skipped")
        self._check_time()

    def _check_time(self) -> None:
        limit = self.settings.timeouts.run
        if limit is None or self._interrupted_at is not None:
            return
        now = time.monotonic()
        if now - self._began < limit.total_seconds():
            return
        self._interrupted_at = now
        why = f"the run took longer than [timeouts] run = {spoken(limit.total_seconds())}"
        self._say(f"{why}; stopping")
        self.outcome.add(1, why)
        supervisor = self._supervisor
        if supervisor is None or not supervisor.slots:
            if self._stacks is not None:
                self._stacks.cancel()
            raise Stopped
        trouble = events.Trouble("broken", f"not run: {why}", kind="Interrupted")
        self._left_because = (trouble, "broken")
        supervisor.stop(why)
        self._leave(trouble, "broken")

    # -- the end

    def _wind_up(self) -> None:
        with self._blaming("the end of the run"):
            self._end_workers()
        with self._blaming("the end of the services"):
            self._end_services()
        for problem in leaving.redact(self.directory, self._minted):
            self.outcome.add(7, problem)
        self._decide()
        finished = events.RunFinished(
            at=time.time(),
            run=self.run_id,
            exit_code=self.outcome.code,
            reasons=[reason for _, reason in self.outcome.reasons],
            counts=dict(self.outcome.counts),
            seconds=round(time.monotonic() - self._began, 3),
        )
        if self._replay is not None:
            self._replay.finish(self._plan.items)
        if self._has_started:
            self.telling.finished(finished)
            sys.stdout.flush()
            self.verdicts.explain()
            self.outcome.explain()
            tell_report(self.root, self.settings)
        else:
            self._discard()
        if self._kept is not None:
            self._kept.leave()
        prune(self.root / self.settings.reports.runs)

    @contextlib.contextmanager
    def _blaming(self, what: str) -> Any:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the run has to come to its end
            from avow.runner.failures import message_of

            self._say(f"{what}: {message_of(error)}")
            self.outcome.add(7, f"{what} went wrong")

    def _end_workers(self) -> None:
        supervisor = self._supervisor
        if supervisor is not None:
            if not supervisor.is_over:
                supervisor.kill_all()
            for slot in supervisor.slots:
                slot.end_group()
            self._signals.wake(-1)
            supervisor.close()
        if self._template is not None:
            self._template.end()

    def _end_services(self) -> None:
        if self._stacks is not None:
            if self._interrupted_at is None:
                self._look_for_the_dead()
            self._stacks.stop()
        if self._reaper is not None:
            if self._reaper.ensure():
                self.outcome.add(7, "the reaper was ended during the run")
            self._reaper.close()
            self._journal.close()

    def _decide(self) -> None:
        if not self.outcome.ran and not self.outcome.reasons:
            self.outcome.add(5, "nothing ran")
        self.telling.decide()

    def _nothing(self, planned: plan.Plan) -> None:
        for why in planned.empty:
            self._say(why)
        if planned.written:
            self._say(
                f"none of {plural(planned.written, 'scenario')} is selected "
                "(by tags, names, lines, include and exclude)"
            )
        elif not planned.empty:
            self._say("there is no feature file to run")
        self.outcome.add(5, "nothing ran")

    def _discard(self) -> None:
        """Nothing ran: leave no empty directory behind, but keep logs that explain it."""
        if self.outcome.code in (4, 5):
            shutil.rmtree(self.directory, ignore_errors=True)

    # -- words

    def _complain(self, error: AvowError) -> None:
        self._say(self.redactor.text(str(error)))
        self.outcome.add(error.exit_code, str(error).splitlines()[0])

    def _print(self, notice: notices.Printed) -> None:
        stream = sys.stderr if notice.is_error else sys.stdout
        stream.write(self.redactor.text(notice.text))
        stream.flush()

    def _say(self, text: str) -> None:
        sys.stdout.flush()
        print(self.redactor.text(text), file=sys.stderr, flush=True)  # noqa: T201

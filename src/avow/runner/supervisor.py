r"""Workers under supervision: forked on demand, fed, watched, replaced.

             .-- wire --> template --fork--> worker in slot 1
    Supervisor                         \----> worker in slot 2
             '-- one wire each ----------------^

All waiting is in `wait`: for the wires, for signals and for whoever else wakes it. A message is
taken when it is whole, so a worker that dies in the middle of one costs only that scenario.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from avow.core import events
from avow.core.secrets import Redactor
from avow.runner import notices, records
from avow.runner.plan import Item
from avow.runner.slots import DUMP, Slot, Told
from avow.runner.wire import Wire

#: Workers that die before they are ready, or one after another in one slot without a scenario to
#: blame.
_DEATHS = 3
#: Seconds between asking a worker for its stacks and ending it.
_DUMP_TIME = 0.3


class Listener(Protocol):
    """Who is told: the coordinator."""

    def told(self, item: Item, record: Any) -> None:
        """A record of a scenario has come."""

    def aside(self, slot: Slot, record: Any) -> None:
        """A record that belongs to no scenario has come."""

    def finished(self, item: Item, path: Path, verdict: events.ScenarioFinished) -> None:
        """A scenario has its verdict and its file is complete."""

    def lost(self, slot: Slot, why: str) -> None:
        """A worker was lost where no scenario can be blamed."""


class Supervisor:
    """Runs items in slots until none is left or it is told to stop."""

    def __init__(
        self,
        items: Iterable[Item],
        *,
        template: Wire,
        directory: Path,
        listener: Listener,
        settings: Callable[[int], notices.Setting],
        timeouts: Any,
        seed: int,
        redactor: Redactor,
        one_by_one: bool = False,
    ) -> None:
        self.pending: deque[Item] = deque(items)
        self.slots: list[Slot] = []
        self.is_stopping = False
        self.wakers: list[Callable[[], None]] = []
        self._template = template
        self._directory = directory
        self._listener = listener
        self._settings = settings
        self._timeouts = timeouts
        self._seed = seed
        self._redactor = redactor
        self._one_by_one = one_by_one
        self._selector = selectors.DefaultSelector()
        self._selector.register(template, selectors.EVENT_READ, self._on_template)
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._on_wake)
        self.template_notices: deque[Any] = deque()

    # -- waiting

    def wake(self) -> None:
        """End the present wait; from any thread."""
        with suppress(OSError):
            self._waker.send(b"!")

    @property
    def waker(self) -> int:
        """A descriptor for signal.set_wakeup_fd."""
        return self._waker.fileno()

    def wait(self, seconds: float | None = None) -> None:
        """Handle what has come; wait for it if nothing has, at most so long."""
        for key, _ in self._selector.select(seconds):
            key.data()

    def _on_wake(self) -> None:
        with suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass
        for waker in self.wakers:
            waker()

    # -- the template

    def _on_template(self) -> None:
        for message in self._template.receive():
            for notice in notices.decode(message):
                if isinstance(notice, notices.Forked):
                    self._forked(notice)
                elif isinstance(notice, notices.Ended):
                    self._ended(notice)
                else:
                    self.template_notices.append(notice)
        if self._template.is_closed:
            with suppress(KeyError, ValueError):
                self._selector.unregister(self._template)
            self._on_template_gone()

    @property
    def template_is_gone(self) -> bool:
        return self._template.is_closed

    def _forked(self, notice: notices.Forked) -> None:
        slot = self.slots[notice.slot - 1]
        slot.pid = notice.pid

    def _ended(self, notice: notices.Ended) -> None:
        for slot in self.slots:
            if slot.pid == notice.pid and slot.status is None:
                slot.status = notice.status
                self._on_worker(slot)
                self._bury(slot)

    # -- slots

    def open(self, slots: int) -> None:
        """Open slots; their workers are asked for."""
        for number in range(len(self.slots) + 1, slots + 1):
            slot = Slot(number, self._directory / f"worker-{number}.log")
            self.slots.append(slot)
            self._hire(slot)

    def _hire(self, slot: Slot) -> None:
        wire, theirs = Wire.pair()
        log = os.open(slot.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        slot.wire, slot.pid, slot.status = wire, 0, None
        slot.is_ready = slot.is_closing = slot.has_closed = False
        slot.kill_reason, slot.kill_at = "", None
        slot.told = Told()
        slot.told.log_start = slot.log_size()
        self._selector.register(wire, selectors.EVENT_READ, lambda: self._on_worker(slot))
        with theirs:
            sent = self._template.send(
                notices.encode(notices.Fork(slot.number)), [theirs.fileno(), log]
            )
        os.close(log)
        if not sent:
            self._on_template_gone()
            return
        slot.send(self._settings(slot.number))

    def _on_template_gone(self) -> None:
        """Without it nobody tells how workers end and nobody forks: what runs is ended, the rest is
        left.
        """
        alive = [slot for slot in self.slots if slot.is_alive]
        if not alive or all(slot.has_closed for slot in alive):
            return
        self.is_stopping = True
        why = "the process that forks workers is gone"
        self._listener.lost(alive[0], why)
        for slot in alive:
            slot.kill_reason = slot.kill_reason or f"{why}, and the worker with it"
            slot.signal(signal.SIGKILL, group=True)
            self._on_worker(slot)
            self._bury(slot)

    def _let_go(self, slot: Slot) -> None:
        if slot.wire is not None:
            with suppress(KeyError, ValueError):
                self._selector.unregister(slot.wire)
            slot.wire.close()
            slot.wire = None

    # -- work

    def dispatch(self) -> None:
        """Send scenarios to whoever has room."""
        if self.is_stopping:
            return
        for slot in self.slots:
            if not slot.is_alive:
                continue
            room = slot.room
            if self._one_by_one:
                room = min(room, 1 - len(slot.sent))
            while room > 0 and self.pending:
                item = self.pending.popleft()
                following = self.pending[0].file if self.pending else ""
                slot.sent.append(item)
                if len(slot.sent) == 1:
                    slot.heard = time.monotonic()
                slot.send(
                    notices.Perform(
                        item=item.number,
                        file=item.file,
                        line=item.line,
                        record=str(self.record_of(item)),
                        seed=self._seed,
                        is_last=len(self.slots) == 1 and following != item.file,
                    )
                )
                room -= 1

    def record_of(self, item: Item) -> Path:
        return self._directory / f"scenario-{item.number + 1}.jsonl"

    @property
    def is_idle(self) -> bool:
        """Say whether everything that was to run has run, or cannot."""
        if any(slot.sent for slot in self.slots if slot.is_alive):
            return False
        return self.is_stopping or not self.pending or not any(s.is_alive for s in self.slots)

    # -- what workers tell

    def _on_worker(self, slot: Slot) -> None:
        if slot.wire is None:
            return
        for message in slot.wire.receive():
            slot.heard = time.monotonic()
            for record in notices.decode(message):
                self._take(slot, record)
        if slot.wire.is_closed:
            with suppress(KeyError, ValueError):
                self._selector.unregister(slot.wire)

    def _take(self, slot: Slot, record: Any) -> None:
        told = slot.told
        if isinstance(record, notices.Began):
            slot.told = Told()
            slot.told.began = True
            slot.told.log_start = told.log_start
            return
        if not told.began or not slot.sent:
            if isinstance(record, notices.Ready):
                slot.is_ready = True
            elif isinstance(record, notices.Closed):
                slot.has_closed = True
            self._listener.aside(slot, record)
            return
        item = slot.sent[0]
        if isinstance(record, notices.Done):
            slot.sent.popleft()
            slot.deaths = 0
            slot.told = Told()
            slot.told.log_start = told.log_start
            slot.took(time.monotonic() - told.since)
            if told.verdict is not None:
                self._listener.finished(item, self.record_of(item), told.verdict)
            self._listener.told(item, record)
            return
        if isinstance(record, events.ScenarioStarted):
            told.started = True
        elif isinstance(record, notices.Matched):
            told.matched = record.index
        elif isinstance(record, events.StepFinished):
            told.finished = max(told.finished, record.index)
        elif isinstance(record, events.ScenarioFinished):
            told.verdict = record
        self._listener.told(item, record)

    # -- a worker's end

    def _bury(self, slot: Slot) -> None:
        """Tell of a dead worker's scenarios what their files hold; hire another."""
        was_ready = slot.is_ready
        self._let_go(slot)
        slot.end_group()
        expected = slot.has_closed
        left: list[Item] = []
        blamed = False
        while slot.sent:
            item = slot.sent.popleft()
            if slot.told.began or self.record_of(item).exists():
                blamed = self._recover(slot, item) or blamed
            else:
                left.append(item)
            log_start = slot.log_size()
            slot.told = Told()
            slot.told.log_start = log_start
        self.pending.extendleft(reversed(left))
        if expected:
            return
        if not blamed and not self.is_stopping:
            slot.deaths += 1
            why = slot.kill_reason or f"the worker {slot.words()}"
            if not was_ready:
                why += " before it was ready (in before_all?)"
            elif not left:
                why += " outside of any scenario"
            last = self._redactor.text(slot.last_lines(slot.told.log_start))
            self._listener.lost(slot, why + (f"; its last words:\n{last}" if last else ""))
        if self.is_stopping or not self.pending:
            return
        if slot.deaths >= _DEATHS or not was_ready:
            return
        self._hire(slot)

    def _recover(self, slot: Slot, item: Item) -> bool:
        """Tell of a scenario what its file holds, and that it broke where it was not finished."""
        told, path = slot.told, self.record_of(item)
        found = records.tail(path)
        running: int | None = None
        verdict: events.ScenarioFinished | None = None
        listener = self._listener
        for event in found:
            if isinstance(event, events.ScenarioStarted):
                if not told.started:
                    listener.told(item, event)
            elif isinstance(event, events.StepStarted):
                running = event.index
                if event.index > told.matched:
                    listener.told(item, notices.Matched(event.index, location="?:0"))
            elif isinstance(event, events.StepFinished):
                running = None
                if event.index > told.finished:
                    listener.told(item, event)
            elif isinstance(event, events.ScenarioFinished):
                verdict = event
            elif told.verdict is None and told.finished < 0:
                listener.told(item, event)
        blamed = verdict is None
        if verdict is None:
            verdict = self._break(slot, item, found, running)
        if told.verdict is None:
            listener.told(item, verdict)
        listener.finished(item, path, verdict)
        listener.told(item, notices.Done(item.number))
        return blamed

    def _break(
        self, slot: Slot, item: Item, found: list[events.AnyEvent], running: int | None
    ) -> events.ScenarioFinished:
        path = self.record_of(item)
        started = next((e for e in found if isinstance(e, events.ScenarioStarted)), None)
        info = started.scenario if started else None
        where = "outside of its steps"
        if running is not None and info is not None and running < len(info.steps):
            step = info.steps[running]
            where = f'in step "{step.keyword} {step.text}" ({step.place})'
        elif not any(isinstance(e, events.StepStarted | events.StepFinished) for e in found):
            where = "before its first step"
        elif info is not None and _all_done(found, info):
            where = "after its last step"
        message = f"{slot.kill_reason or 'the worker ' + slot.words()} {where}"
        if not slot.kill_reason and slot.status is not None and os.WIFEXITED(slot.status):
            message += "; something called os._exit() or ended the interpreter"
        last = self._redactor.text(slot.last_lines(slot.told.log_start))
        trouble = events.Trouble("broken", message, trace=last, kind="WorkerLost")
        now = time.time()
        seconds = now - started.at if started else 0.0
        lines = []
        if running is not None:
            step_began = next(
                (e.at for e in reversed(found) if isinstance(e, events.StepStarted)), now
            )
            step_end = events.StepFinished(
                at=now, index=running, status="broken", seconds=now - step_began, trouble=trouble
            )
            lines.append(events.encode(step_end))
            self._listener.told(item, step_end)
        verdict = events.ScenarioFinished(
            at=now,
            scenario=info.id if info else "",
            status="broken",
            seconds=seconds,
            trouble=trouble,
            behave_status="error",
            file=str(path),
        )
        lines.append(events.encode(verdict))
        records.append(path, lines)
        return verdict

    # -- deadlines

    def check_deadlines(self) -> float:
        """End workers whose step or scenario is past its time; return when to look again."""
        now = time.monotonic()
        step, scenario = (
            self._timeouts.step.total_seconds(),
            self._timeouts.scenario.total_seconds(),
        )
        soonest = 1.0
        for slot in self.slots:
            if not slot.is_alive:
                continue
            if slot.kill_at is not None:
                if now >= slot.kill_at:
                    slot.kill_at = None
                    slot.signal(signal.SIGKILL, group=True)
                    slot.signal(signal.SIGKILL)
                else:
                    soonest = min(soonest, slot.kill_at - now)
                continue
            if not slot.sent:
                continue
            silent = now - slot.heard
            if silent < min(step, scenario):
                soonest = min(soonest, min(step, scenario) - silent)
                # A scenario that talks all the time also ends.
                if not slot.told.began or now - slot.told.since < scenario:
                    continue
            reason = self._overdue(slot, now, step, scenario)
            if reason:
                self.kill(slot, reason)
                soonest = min(soonest, _DUMP_TIME)
            else:
                soonest = min(soonest, 0.2)
        return max(soonest, 0.01)

    def _overdue(self, slot: Slot, now: float, step: float, scenario: float) -> str:
        """Look into the file of the running scenario: how long has it been at what."""
        for item in slot.sent:
            found = records.tail(self.record_of(item))
            if not found or isinstance(found[-1], events.ScenarioFinished):
                continue
            started = found[0]
            if isinstance(started, events.ScenarioStarted) and now - started.monotonic > scenario:
                limit = f"[timeouts] scenario = {_spoken(scenario)}"
                return f"the scenario took longer than {limit}; it was stopped"
            last = found[-1]
            if isinstance(last, events.StepStarted) and time.time() - last.at > step:
                return f"took longer than [timeouts] step = {_spoken(step)} and was stopped"
            return ""
        return ""

    def kill(self, slot: Slot, reason: str) -> None:
        """Have a worker write down its stacks, then end it."""
        slot.kill_reason = reason
        slot.told.log_start = slot.log_size()
        slot.signal(DUMP)
        slot.kill_at = time.monotonic() + _DUMP_TIME

    # -- stopping

    def close_slots(self) -> None:
        """Ask all workers to run what is left of their hooks and end."""
        for slot in self.slots:
            if slot.is_alive and not slot.is_closing:
                slot.is_closing = True
                slot.send(notices.Stop())

    def stop(self, number: signal.Signals) -> None:
        """Interrupt what runs; nothing more is started."""
        self.is_stopping = True
        for slot in self.slots:
            if slot.is_alive:
                slot.kill_reason = slot.kill_reason or (
                    f"the run was interrupted ({number.name})" if slot.sent else ""
                )
                slot.signal(signal.SIGINT)
        self.close_slots()

    def kill_all(self) -> None:
        for slot in self.slots:
            if slot.is_alive:
                slot.signal(signal.SIGKILL, group=True)
                slot.signal(signal.SIGKILL)

    @property
    def is_over(self) -> bool:
        return not any(slot.is_alive for slot in self.slots)

    def close(self) -> None:
        for slot in self.slots:
            self._let_go(slot)
        self._selector.close()
        self._woken.close()
        self._waker.close()
        self._template.close()


def _all_done(found: list[events.AnyEvent], info: events.ScenarioInfo) -> bool:
    done = {event.index for event in found if isinstance(event, events.StepFinished)}
    return len(done) >= len(info.steps)


def _spoken(seconds: float) -> str:
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds / 60:g}m"
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"

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
from avow.runner import notices
from avow.runner.deadlines import Deadlines
from avow.runner.plan import Item
from avow.runner.recovery import Recovery, ToldOfScenarios
from avow.runner.slots import DUMP, DUMP_TIME, UNHEARD, Slot, Told, spoken
from avow.runner.wire import Wire

#: Workers that die before they are ready, or one after another in one slot without a scenario to
#: blame.
_DEATHS = 3
#: Seconds within which the template forks.
_FORK_TIME = 2.0


class Listener(ToldOfScenarios, Protocol):
    """Who is told: the coordinator."""

    def aside(self, slot: Slot, record: Any) -> None:
        """A record that belongs to no scenario has come."""

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
        run: str = "",
        language: str | None = None,
        one_by_one: bool = False,
    ) -> None:
        self.pending: deque[Item] = deque(items)
        self.slots: list[Slot] = []
        self.is_stopping = False
        self._template = template
        self._directory = directory
        self._listener = listener
        self._settings = settings
        self._timeouts = timeouts
        self._seed = seed
        self._redactor = redactor
        self._one_by_one = one_by_one
        self._deadlines = Deadlines(timeouts, self.record_of)
        self._recovery = Recovery(listener, self.record_of, redactor, run, language)
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
            self.lose_template()

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
            log = self._directory / f"worker-{number}.log"
            slot = Slot(number, log, is_alone=slots == 1)
            self.slots.append(slot)
            if not self.is_stopping:
                self._hire(slot)

    def _hire(self, slot: Slot) -> None:
        wire, theirs = Wire.pair()
        log = os.open(slot.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        slot.wire, slot.pid, slot.status = wire, 0, None
        slot.is_ready = slot.is_closing = slot.has_closed = False
        slot.kill_reason, slot.kill_at = "", None
        slot.hired, slot.gone = time.monotonic(), None
        slot.told = Told()
        slot.told.log_start = slot.log_size()
        self._selector.register(wire, selectors.EVENT_READ, lambda: self._on_worker(slot))
        with theirs:
            sent = self._template.send(
                notices.encode(notices.Fork(slot.number)), [theirs.fileno(), log]
            )
        os.close(log)
        if not sent:
            self.lose_template()
            return
        slot.send(self._settings(slot.number))

    def lose_template(self, why: str = "the process that forks workers is gone") -> None:
        """Without it nobody tells how workers end and nobody forks: what runs is ended, the rest is
        left.
        """
        with suppress(KeyError, ValueError):
            self._selector.unregister(self._template)
        self._template.is_closed = True
        alive = [slot for slot in self.slots if slot.is_alive]
        if not alive:
            return
        self.is_stopping = True
        if not all(slot.has_closed for slot in alive):
            self._listener.lost(alive[0], why)
        for slot in alive:
            slot.kill_reason = slot.kill_reason or f"{why}, and the worker with it"
            slot.end()
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
            slot.gone = slot.gone or time.monotonic()
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
                self._listener.finished(slot, item, self.record_of(item), told.verdict)
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
                blamed = self._recovery.tell(slot, item) or blamed
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
            why = slot.kill_reason
            if not why:
                why = f"the worker {slot.words()}"
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

    # -- deadlines

    def check_deadlines(self) -> float:
        """End workers that are past their time, bury those nobody tells of; return when to look
        again.
        """
        now = time.monotonic()
        return max(0.01, min([1.0, *(self._check(slot, now) for slot in self.slots)]))

    def _check(self, slot: Slot, now: float) -> float:
        if not slot.is_alive:
            return 1.0
        if slot.wire is not None and slot.wire.is_broken:
            slot.gone = slot.gone or now
        if slot.gone is not None:
            left = slot.gone + UNHEARD - now
            if left <= 0:
                slot.end()
                self._on_worker(slot)
                self._bury(slot)
            return max(left, 0.01)
        if slot.kill_at is not None:
            if now >= slot.kill_at:
                slot.kill_at = None
                slot.end()
                return UNHEARD
            return slot.kill_at - now
        if not slot.is_ready:
            return self._check_start(slot, now)
        if not slot.sent:
            return 1.0
        return self._check_work(slot, now)

    def _check_start(self, slot: Slot, now: float) -> float:
        took, limit = now - slot.hired, self._timeouts.start.total_seconds()
        if slot.pid == 0 and took > max(_FORK_TIME, limit):
            self.lose_template("the process that forks workers does not answer")
        elif slot.pid and took > limit:
            self.kill(slot, f"before_all took longer than [timeouts] start = {spoken(limit)}")
        return 0.2

    def _check_work(self, slot: Slot, now: float) -> float:
        reason, again = self._deadlines.check(slot, now)
        if reason:
            self.kill(slot, reason)
            return DUMP_TIME
        return again

    def kill(self, slot: Slot, reason: str) -> None:
        """Have a worker write down its stacks, then end it."""
        slot.kill_reason = reason
        slot.told.log_start = slot.log_size()
        slot.signal(DUMP)
        slot.kill_at = time.monotonic() + DUMP_TIME

    # -- stopping

    def close_slots(self) -> None:
        """Ask all workers to run what is left of their hooks and end."""
        for slot in self.slots:
            if slot.is_alive and not slot.is_closing:
                slot.is_closing = True
                slot.send(notices.Stop())

    def stop(self, why: str) -> None:
        """Interrupt what runs; nothing more is started."""
        self.is_stopping = True
        for slot in self.slots:
            if slot.is_alive:
                slot.kill_reason = slot.kill_reason or (why if slot.sent else "")
                slot.signal(signal.SIGINT)
        self.close_slots()

    def abandon(self) -> None:
        """End workers whose last hooks do not come to an end; nothing is lost with them."""
        for slot in self.slots:
            slot.has_closed = True
        self.kill_all()

    def kill_all(self) -> None:
        for slot in self.slots:
            if slot.is_alive:
                slot.end()

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

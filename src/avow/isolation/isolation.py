"""A clean world for every scenario: prepared once, undone in reverse order, watched when it is
over.

    prepare_run -> [ start_scenario -> steps -> end_scenario -> after ]* -> final_drain
                        |                                         |
                        +-- what arrived since: late ------> late() says whose it is
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from avow.channels.base import Channel
from avow.core.entries import Entry
from avow.core.errors import AvowError, InternalError, Problems
from avow.core.ledger import Ledger
from avow.core.waiting import pause_for
from avow.isolation.late import LateCorrelator
from avow.isolation.parts import Part, StubPart, part_of

#: Between two looks while waiting for late effects, in seconds.
_PAUSE = 0.01


class Off(NamedTuple):
    """A service that is not restored between scenarios, and why."""

    service: str
    reason: str

    def __str__(self) -> str:
        return f'isolation of "{self.service}" is off: {self.reason}'


class Isolation:
    """Keeps the scenarios of one worker apart. Used from the thread that runs steps.

    `channels` are those of the worker, by name, in the order in which services depend on each
    other.
    """

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._channels = dict(channels)
        self._sources = [each for each in self._channels.values() if each.is_source]
        self._parts: list[Part] = []
        self._correlator = LateCorrelator()
        self._late: list[tuple[str, Entry]] = []
        self._warnings: list[str] = []
        self._last = ""
        self._is_first = True
        #: Effects of nobody's time go here; its entries are handed out by `late`.
        self._between = Ledger()

    # -- once for a run

    def prepare_run(self) -> list[Off]:
        """Take the baseline of everything, after the stack is up and before the first scenario.

        Return what cannot be restored and why; raises Problems where taking the baseline fails.
        """
        off: list[Off] = []
        problems: list[AvowError] = []
        for channel in self._channels.values():
            part = part_of(channel)
            if part is None:
                continue
            try:
                reason = part.prepare()
            except AvowError as error:
                problems.append(error)
                continue
            if reason:
                off.append(Off(channel.name, reason))
                part.close()
            else:
                self._parts.append(part)
        if problems:
            raise problems[0] if len(problems) == 1 else Problems(problems)
        return off

    def close(self) -> None:
        for part in self._parts:
            part.close()

    # -- once for a scenario

    def start_scenario(self, ledger: Ledger) -> None:
        """Begin a scenario: what has arrived until now is late, what was written is undone.

        Sources write into `ledger` from now on; effects of ended scenarios are kept out of it.
        Raises where the world cannot be made clean: a scenario in it would prove nothing.
        """
        if self._is_first:
            self._is_first = False
            for source in self._sources:
                source.bind(ledger)
                source.start_scenario()
        else:
            self._gather()
            for part in self._parts:
                part.start()
            for source in self._sources:
                source.bind(ledger)
                if not getattr(source, "resumes", False):
                    source.start_scenario()
        self._correlator.begin(ledger)
        ledger.divert = self._is_late if self._sources else None

    def end_scenario(self, seed: int | None = None) -> list[AvowError]:
        """Undo what the scenario did, the last part first; return what could not be undone.

        One that fails does not stop the others, and is tried again before the next scenario. What
        stubs make up from now on comes from `seed`. `warnings` says what else was noticed.
        """
        problems: list[AvowError] = []
        for part in reversed(self._parts):
            try:
                if isinstance(part, StubPart):
                    self._warnings += part.end(seed)
                else:
                    part.restore()
            except AvowError as error:
                problems.append(error)
            except Exception as error:  # noqa: BLE001 - the other parts must be undone
                problems.append(
                    InternalError(
                        f"undoing failed: {type(error).__name__}: {error}",
                        where=f'isolation of "{part.name}"',
                    )
                )
        return problems

    def warnings(self) -> list[str]:
        """Return what a reader of the ended scenario should know: calls that no route answered, and
        those without an end.
        """
        found, self._warnings = self._warnings, []
        return found

    def after(
        self,
        scenario: str,
        ledger: Ledger,
        values: Iterable[Any] = (),
        *,
        drain: timedelta = timedelta(0),
    ) -> None:
        """Remember a scenario that is over, so that what it still causes is told as its own.

        `values` is what it remembered. `drain` waits until no source had anything for that long.
        """
        ledger.divert = None
        self._last = scenario
        if self._sources:
            self._correlator.end(scenario, ledger, values)
            self._between = Ledger()
            if drain:
                self._wait(drain)

    def late(self) -> list[tuple[str, Entry]]:
        """Return the effects, each with its scenario, that arrived late since the last call."""
        found, self._late = self._late, []
        return found

    # -- at the end of a run

    def final_drain(self, within: timedelta) -> list[tuple[str, Entry]]:
        """Wait until nothing has arrived for `within`; return what did, and what `late` would."""
        if self._sources and self._last:
            self._wait(within)
        return self.late()

    # -- how

    def _wait(self, quiet: timedelta) -> None:
        since = time.monotonic()
        while True:
            now = time.monotonic()
            if self._gather():
                since = now
            elif now - since >= quiet.total_seconds():
                return
            pause_for(min(_PAUSE, quiet.total_seconds()))

    def _gather(self) -> int:
        """Read all sources outside of any scenario; return how many effects came."""
        between, problems = self._between, []
        known = len(between.entries)
        for source in self._sources:
            source.bind(between)
            try:
                source.collect()
            except AvowError as error:
                problems.append(error)
        arrived = [each for each in between.entries[known:] if each.role == "effect"]
        for effect in arrived:
            self._late.append((self._correlator.owner(effect) or self._last, effect))
        if problems:
            raise problems[0] if len(problems) == 1 else Problems(problems)
        return len(arrived)

    def _is_late(self, effect: Entry) -> bool:
        owner = self._correlator.owner(effect)
        if owner is None:
            return False
        self._late.append((owner, effect))
        return True

"""The ledger: what crossed the border between one scenario and the outside world, in order.

    channel --act/look--> Ledger --(redacted, capped)--> Sink --> file of the scenario
    source  --collect---> Ledger
                            |
                            +--> matchers, effects, diagnosis read `entries`

Every channel does its I/O inside `act` or `look`, and every source of effects inside `collect`.
That is the one seam at which a recorded scenario is replayed without the system (replay.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import msgspec

from avow.core.entries import Body, Claim, Entry, Role
from avow.core.errors import ThenCannotAct


class Observed(msgspec.Struct, frozen=True):
    """What a channel brings back from one piece of I/O; the ledger makes an entry of it.

    `ended` is monotonic; None means now.
    """

    summary: str
    data: dict[str, Any] = {}
    bodies: dict[str, Body] = {}
    started: float | None = None
    ended: float | None = None


class Sink(Protocol):
    """Where the redacted view of a ledger goes, a record at a time."""

    def entry(self, entry: Entry) -> None: ...

    def claim(self, claim: Claim) -> None: ...


class Ledger:
    """The entries and claims of one scenario; whole and private to its worker.

    Entries may be written from one thread only, the one that runs the steps.
    """

    def __init__(self, sink: Sink | None = None) -> None:
        self._entries: list[Entry] = []
        self._claims: list[Claim] = []
        self._claimed: set[int] = set()
        self._sink = sink
        #: Position of the running step; -1 outside of steps.
        self.step = -1
        #: Asked about every effect before it is written; True keeps it out: it belongs to another
        #: scenario, which is told about it (avow.isolation).
        self.divert: Callable[[Entry], bool] | None = None
        self._observing = ""

    # -- reading

    @property
    def entries(self) -> list[Entry]:
        """All entries, oldest first. Do not change the list."""
        return self._entries

    @property
    def claims(self) -> list[Claim]:
        return self._claims

    def find(
        self,
        kind: str = "",
        resource: str = "",
        *,
        role: Role | None = None,
        where: Callable[[Entry], bool] | None = None,
    ) -> list[Entry]:
        """Return the entries of a kind (or of a channel: "stub") and resource, oldest first."""
        return [
            entry
            for entry in self._entries
            if (not kind or entry.kind == kind or entry.channel == kind)
            and (not resource or entry.resource == resource)
            and (role is None or entry.role == role)
            and (where is None or where(entry))
        ]

    def last(self, kind: str = "", resource: str = "", *, role: Role | None = None) -> Entry | None:
        """Return the newest such entry, or None."""
        for entry in reversed(self._entries):
            if (
                (not kind or entry.kind == kind or entry.channel == kind)
                and (not resource or entry.resource == resource)
                and (role is None or entry.role == role)
            ):
                return entry
        return None

    def is_claimed(self, entry: Entry) -> bool:
        return entry.id in self._claimed

    # -- writing: channels

    def act(
        self,
        kind: str,
        resource: str,
        question: Mapping[str, Any],
        perform: Callable[[], Observed],
    ) -> Entry:
        """Change the world: run `perform` and write what came of it.

        Raises ThenCannotAct while a Then runs; whatever `perform` raises passes through, and
        nothing is written then (an outcome such as a time-out belongs into `Observed.data`).
        """
        if self._observing:
            raise ThenCannotAct(
                f'"{self._observing}" is a Then and tried to change "{resource}" ({kind})',
                advice="A Then only observes. Move the act into a When step.",
            )
        return self._perform(kind, resource, "act", question, perform)

    def look(
        self,
        kind: str,
        resource: str,
        question: Mapping[str, Any],
        perform: Callable[[], Observed],
    ) -> Entry:
        """Observe without changing anything: run `perform` and write what was seen."""
        return self._perform(kind, resource, "look", question, perform)

    def collect(self, source: str, perform: Callable[[], None]) -> None:
        """Let a source of effects write what has arrived by now (`perform` calls `effect`)."""
        perform()

    def effect(
        self,
        kind: str,
        resource: str,
        summary: str,
        data: dict[str, Any] | None = None,
        bodies: dict[str, Body] | None = None,
        *,
        started: float | None = None,
        ended: float | None = None,
        at: float | None = None,
    ) -> Entry:
        """Write something that the system under test did. Only from within `collect`."""
        now = time.monotonic()
        started = now if started is None else started
        entry = Entry(
            len(self._entries) + 1,
            kind,
            resource,
            "effect",
            self.step,
            started,
            started if ended is None else ended,
            time.time() - (now - started) if at is None else at,
            summary,
            data or {},
            bodies or {},
        )
        if self.divert is not None and self.divert(entry):
            return entry
        return self.write(entry)

    def _perform(
        self,
        kind: str,
        resource: str,
        role: Role,
        question: Mapping[str, Any],
        perform: Callable[[], Observed],
    ) -> Entry:
        started, at = time.monotonic(), time.time()
        seen = perform()
        return self.write(
            Entry(
                len(self._entries) + 1,
                kind,
                resource,
                role,
                self.step,
                started if seen.started is None else seen.started,
                time.monotonic() if seen.ended is None else seen.ended,
                at,
                seen.summary,
                seen.data,
                seen.bodies,
                dict(question),
            )
        )

    def write(self, entry: Entry) -> Entry:
        """Append a finished entry. Channels use `act`, `look` and `effect`."""
        self._entries.append(entry)
        if self._sink is not None:
            self._sink.entry(entry)
        return entry

    # -- writing: steps

    def claim(self, entry: Entry, note: str = "") -> None:
        """Record that the running step asserted on `entry`, or answers for it."""
        claim = Claim(self.step, entry.id, note)
        self._claims.append(claim)
        self._claimed.add(entry.id)
        if self._sink is not None:
            self._sink.claim(claim)

    @property
    def is_observing(self) -> bool:
        return bool(self._observing)

    @contextmanager
    def observing(self, step_text: str) -> Iterator[None]:
        """While this lasts, `act` refuses: a Then is running."""
        before, self._observing = self._observing, step_text
        try:
            yield
        finally:
            self._observing = before

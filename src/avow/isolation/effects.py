"""What the system did that no step asked about: "and nothing else happened".

settle: collect ... collect ... quiet for `[effects] settle` since the last arrival of anything
unclaimed: effects that no step claimed
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import NamedTuple, Protocol

from avow.core.entries import Entry
from avow.core.ledger import Ledger
from avow.core.waiting import pause_for

#: Between two looks at all sources, in seconds.
_PAUSE = 0.01
#: A system that never gets quiet is waited for this many times the quiet asked for, and a second.
_PATIENCE = 20


class Collecting(Protocol):
    """The part of a world that settling needs."""

    ledger: Ledger

    def collect(self) -> None: ...


class Settled(NamedTuple):
    """What came of it: whether it became quiet, and the seconds it took."""

    is_quiet: bool
    seconds: float


def settle(world: Collecting, quiet: timedelta, *, within: timedelta | None = None) -> Settled:
    """Read all sources until nothing has arrived for `quiet`.

    Time counts from the last act and from the last arrival of anything, whatever its own clock
    says. A world in which nothing was done for that long is quiet at once.
    """
    wanted = quiet.total_seconds()
    patience = _PATIENCE * wanted + 1.0 if within is None else within.total_seconds()
    started = time.monotonic()
    since = _last_known(world.ledger, started)
    before = _arrived(world.ledger)
    while True:
        world.collect()
        # After the look: what arrived while it lasted may have come at its end.
        now = time.monotonic()
        arrived = _arrived(world.ledger)
        if arrived != before:
            before, since = arrived, now
        if now - since >= wanted:
            return Settled(True, now - started)
        if now - started >= patience:
            return Settled(False, now - started)
        pause_for(min(_PAUSE, wanted - (now - since)))


def _last_known(ledger: Ledger, now: float) -> float:
    ends = [min(entry.ended, now) for entry in ledger.entries if entry.role != "look"]
    return max(ends, default=now)


def _arrived(ledger: Ledger) -> int:
    return sum(entry.role == "effect" for entry in ledger.entries)


def unclaimed(ledger: Ledger) -> list[Entry]:
    """Return the effects that no step has asserted on or answered for, in their order."""
    return [
        entry for entry in ledger.entries if entry.role == "effect" and not ledger.is_claimed(entry)
    ]


def givens_are_done(world: Collecting, quiet: timedelta | None = None) -> int:
    """Answer for all effects up to now: Givens caused them. Return how many there were.

    For whoever runs the steps, before the first When of a scenario whose Givens acted; `quiet` also
    waits for what their acts still cause.
    """
    if quiet is not None:
        settle(world, quiet)
    else:
        world.collect()
    found = unclaimed(world.ledger)
    for entry in found:
        world.ledger.claim(entry, "caused by a Given")
    return len(found)

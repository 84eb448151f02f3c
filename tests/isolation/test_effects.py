from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta

from avow.core.ledger import Ledger, Observed
from avow.isolation import effects

QUIET = timedelta(milliseconds=80)


@dataclass
class World:
    """A world whose effects arrive at given seconds after its making."""

    arrivals: list[float] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    looks: int = 0
    made: float = field(default_factory=time.monotonic)

    def collect(self) -> None:
        self.looks += 1

        def perform() -> None:
            while self.arrivals and time.monotonic() - self.made >= self.arrivals[0]:
                at = self.arrivals.pop(0)
                # The system's clock is nonsense: arriving is what counts.
                self.ledger.effect("message.seen", "orders", f"at {at}", started=0.0)

        self.ledger.collect("orders", perform)

    def act(self) -> None:
        self.ledger.act("http.exchange", "shop", {}, lambda: Observed("done"))


def seen(world: World) -> list[str]:
    return [entry.summary for entry in world.ledger.find("message.seen")]


def test_it_waits_until_nothing_has_come_for_long_enough() -> None:
    world = World([0.05, 0.1])
    world.act()
    settled = effects.settle(world, QUIET)
    assert settled.is_quiet
    assert seen(world) == ["at 0.05", "at 0.1"]
    assert settled.seconds >= 0.1 + 0.08 - 0.05


def test_time_counts_from_the_last_act() -> None:
    world = World([0.07])
    world.act()
    effects.settle(world, QUIET)
    assert seen(world) == ["at 0.07"]


def test_a_world_in_which_nothing_was_done_for_long_is_quiet_at_once() -> None:
    world = World()
    world.ledger.act("http.exchange", "shop", {}, lambda: Observed("", started=0.0, ended=1.0))
    assert effects.settle(world, QUIET).is_quiet
    assert world.looks == 1


def test_a_world_without_acts_is_watched_as_long() -> None:
    world = World([0.04])
    effects.settle(world, QUIET)
    assert seen(world) == ["at 0.04"]


def test_looks_make_no_noise() -> None:
    world = World()
    world.ledger.act("http.exchange", "shop", {}, lambda: Observed("", started=0.0, ended=1.0))
    world.ledger.look("rows.seen", "db", {}, lambda: Observed(""))
    effects.settle(world, QUIET)
    assert world.looks == 1


def test_a_world_that_never_gets_quiet_is_not_waited_for_forever() -> None:
    world = World([0.01 * n for n in range(1, 10_000)])
    settled = effects.settle(world, QUIET, within=timedelta(milliseconds=200))
    assert not settled.is_quiet


def test_what_no_step_claimed() -> None:
    world = World([0.0, 0.0])
    world.act()
    world.collect()
    first, second = world.ledger.find("message.seen")
    assert effects.unclaimed(world.ledger) == [first, second]
    world.ledger.claim(first)
    assert effects.unclaimed(world.ledger) == [second]


def _given(world: World, quiet: timedelta | None) -> int:
    world.act()
    return effects.givens_are_done(world, quiet)


def test_what_givens_caused_does_not_count() -> None:
    ways: list[tuple[timedelta | None, list[float]]] = [(None, [0.0]), (QUIET, [0.03])]
    for quiet, arrivals in ways:
        world = World(arrivals)
        assert _given(world, quiet) == 1
        assert effects.unclaimed(world.ledger) == []
        assert world.ledger.claims[0].note == "caused by a Given"

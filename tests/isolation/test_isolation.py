"""Scenarios one after the other on one stack: none sees what another did, early or late."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from confluent_kafka import Producer
from tests.isolation.conftest import Database, Definition, context

from avow.channels.base import Channel
from avow.channels.cache import RedisChannel
from avow.channels.messaging import KafkaChannel
from avow.channels.objects import S3Channel
from avow.core.entries import Body
from avow.core.errors import AvowError, EnvironmentProblem, InternalError
from avow.core.ledger import Ledger, Observed
from avow.isolation import Isolation, effects
from avow.stubs.client import StubChannel

Facts = dict[str, dict[str, str]]

ONE = "11111111-7c51-4f5e-9d0f-0d6b8a0a2f11"
TWO = "22222222-7c51-4f5e-9d0f-0d6b8a0a2f11"


class Source:
    """A source whose effects a test puts there; also a stub, as it can be reset."""

    is_source = True
    resumes = True

    def __init__(self, name: str = "events") -> None:
        self.name = name
        self.ledger = Ledger()
        self.waiting: list[str] = []
        self.resets = 0
        self.failure: Exception | None = None

    def open(self) -> None: ...

    def close(self) -> None: ...

    def bind(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def start_scenario(self) -> None:
        self.waiting.clear()

    def collect(self) -> None:
        def perform() -> None:
            while self.waiting:
                text = self.waiting.pop(0)
                data = {"topic": "events", "headers": {}}
                self.ledger.effect("message.seen", self.name, text, data, {"value": Body.of(text)})

        self.ledger.collect(self.name, perform)

    def reset(self) -> None:
        self.resets += 1
        if self.failure is not None:
            raise self.failure


def act(ledger: Ledger, text: str) -> None:
    ledger.act("message.sent", "events", {}, lambda: Observed("", {}, {"value": Body.of(text)}))


def summaries(ledger: Ledger) -> list[str]:
    return [entry.summary for entry in ledger.entries if entry.role == "effect"]


def played(isolation: Isolation, name: str, *acts: str, source: Source | None = None) -> Ledger:
    """Play a scenario whose only doings are these acts."""
    ledger = Ledger()
    isolation.start_scenario(ledger)
    for text in acts:
        act(ledger, text)
    if source is not None:
        source.collect()
    assert isolation.end_scenario() == []
    isolation.after(name, ledger)
    return ledger


@pytest.fixture
def events() -> Source:
    return Source()


@pytest.fixture
def isolation(events: Source) -> Isolation:
    made = Isolation({"events": events})
    assert made.prepare_run() == []
    return made


def test_what_comes_between_two_scenarios_is_the_firsts(
    isolation: Isolation, events: Source
) -> None:
    first = played(isolation, "one", "a")
    events.waiting.append("late")
    second = Ledger()
    isolation.start_scenario(second)
    assert [(name, entry.summary) for name, entry in isolation.late()] == [("one", "late")]
    assert isolation.late() == []
    events.collect()
    assert summaries(first) == []
    assert summaries(second) == []


def test_what_comes_during_the_second_is_told_by_its_identifier(
    isolation: Isolation, events: Source
) -> None:
    played(isolation, "one", f"reference {ONE}")
    second = Ledger()
    isolation.start_scenario(second)
    act(second, f"reference {TWO}")
    events.waiting += [f"about {ONE}", f"about {TWO}", "about nobody"]
    events.collect()
    assert summaries(second) == [f"about {TWO}", "about nobody"]
    assert [(name, e.summary) for name, e in isolation.late()] == [("one", f"about {ONE}")]
    assert [entry.id for entry in second.entries] == [1, 2, 3]


def test_what_comes_between_may_be_older_than_the_last(
    isolation: Isolation, events: Source
) -> None:
    played(isolation, "one", f"reference {ONE}")
    played(isolation, "two", f"reference {TWO}")
    events.waiting += [f"about {ONE}", f"about {TWO}"]
    isolation.start_scenario(Ledger())
    assert [name for name, _ in isolation.late()] == ["one", "two"]


def test_a_drain_waits_for_what_is_late(isolation: Isolation, events: Source) -> None:
    ledger = Ledger()
    isolation.start_scenario(ledger)
    isolation.end_scenario()
    timer = threading.Timer(0.05, lambda: events.waiting.append("late"))
    timer.start()
    isolation.after("one", ledger, drain=timedelta(milliseconds=200))
    timer.join()
    assert [(name, entry.summary) for name, entry in isolation.late()] == [("one", "late")]


def test_the_end_of_the_run_waits_too(isolation: Isolation, events: Source) -> None:
    played(isolation, "one")
    timer = threading.Timer(0.05, lambda: events.waiting.append("late"))
    timer.start()
    found = isolation.final_drain(timedelta(milliseconds=200))
    timer.join()
    assert [(name, entry.summary) for name, entry in found] == [("one", "late")]
    assert isolation.late() == []


def test_a_run_without_scenarios_has_nothing_to_wait_for(isolation: Isolation) -> None:
    assert isolation.final_drain(timedelta(hours=1)) == []


def test_values_that_a_scenario_remembered_count(isolation: Isolation, events: Source) -> None:
    ledger = Ledger()
    isolation.start_scenario(ledger)
    isolation.end_scenario()
    isolation.after("one", ledger, [ONE])
    isolation.start_scenario(Ledger())
    events.waiting.append(f"about {ONE}")
    events.collect()
    assert [name for name, _ in isolation.late()] == ["one"]


# -- undoing


def test_parts_are_undone_in_reverse_and_all_of_them() -> None:
    sources = {name: Source(name) for name in ("first", "second", "third")}
    order: list[str] = []
    for source in sources.values():
        source.reset = lambda name=source.name: order.append(name)  # type: ignore[method-assign]
    sources["second"].reset = _failing(EnvironmentProblem("no", where="second"))  # type: ignore[method-assign]
    sources["third"].reset = _failing(ZeroDivisionError("oops"))  # type: ignore[method-assign]
    isolation = Isolation(sources)
    isolation.prepare_run()
    isolation.start_scenario(Ledger())
    third, second = isolation.end_scenario()
    assert order == ["first"]
    assert str(second) == "second: no"
    assert isinstance(third, InternalError)
    assert str(third) == 'isolation of "third": undoing failed: ZeroDivisionError: oops'


def _failing(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_problems_at_the_start_stop_the_scenario(isolation: Isolation, events: Source) -> None:
    played(isolation, "one")
    events.collect = _failing(EnvironmentProblem("the broker is gone"))  # type: ignore[method-assign]
    with pytest.raises(EnvironmentProblem, match="the broker is gone"):
        isolation.start_scenario(Ledger())


def test_a_world_without_sources_costs_nothing() -> None:
    isolation = Isolation({})
    ledger = Ledger()
    isolation.start_scenario(ledger)
    assert ledger.divert is None
    assert isolation.end_scenario() == []
    isolation.after("one", ledger)
    assert isolation.final_drain(timedelta(hours=1)) == []
    isolation.close()


def test_what_cannot_be_restored_is_told(database: Database) -> None:
    database.channel.definition = Definition("db", "postgres", "attached")
    isolation = Isolation({"db": database.channel})
    (off,) = isolation.prepare_run()
    assert str(off) == (
        'isolation of "db" is off: it is attached, not the suite\'s own: its rows stay as'
        " scenarios leave them"
    )
    assert isolation.end_scenario() == []


def test_a_baseline_that_cannot_be_taken_is_a_problem(facts: Facts) -> None:
    dead = KafkaAndCache(facts).cache({"url": "redis://127.0.0.1:9"})
    isolation = Isolation({"sessions": dead})
    with pytest.raises(AvowError, match="it could not answer"):
        isolation.prepare_run()


# -- real services


class KafkaAndCache:
    """Channels to the running services."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def kafka(self) -> KafkaChannel:
        definition = Definition("orders", "kafka", settings={"topics": ("orders",)})
        return KafkaChannel("orders", self._facts["orders"], definition, Ledger(), context())

    def cache(self, facts: dict[str, str] | None = None) -> RedisChannel:
        definition = Definition("sessions", "redis")
        return RedisChannel(
            "sessions", facts or self._facts["sessions"], definition, Ledger(), context()
        )

    def stub(self) -> StubChannel:
        definition = Definition("bank", "stub")
        return StubChannel("bank", self._facts["bank"], definition, Ledger(), context())

    def objects(self) -> S3Channel:
        definition = Definition("receipts", "s3", settings={"buckets": ("receipts",)})
        return S3Channel("receipts", self._facts["receipts"], definition, Ledger(), context())


@pytest.fixture
def services(facts: Facts) -> Iterator[Callable[[str], Any]]:
    made: list[Channel] = []

    def make(kind: str) -> Any:
        made.append(getattr(KafkaAndCache(facts), kind)())
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_system_that_publishes_300_ms_late_is_never_green_by_timing(
    facts: Facts, services: Callable[[str], Any]
) -> None:
    """Whether the next scenario has begun or not: the late message is told on its own scenario."""
    orders = services("kafka")
    isolation = Isolation({"orders": orders})
    isolation.prepare_run()
    producer = Producer({"bootstrap.servers": facts["orders"]["bootstrap"], "linger.ms": 0})

    def publish_late(reference: str) -> threading.Timer:
        def publish() -> None:
            producer.produce("orders", f'{{"reference": "{reference}"}}'.encode())
            producer.flush(10)

        timer = threading.Timer(0.3, publish)
        timer.start()
        return timer

    class World:
        ledger = Ledger()

        def collect(self) -> None:
            orders.collect()

    # The first scenario settles for less than the system takes, and sees nothing.
    isolation.start_scenario(World.ledger)
    act(World.ledger, ONE)
    timer = publish_late(ONE)
    effects.settle(World(), timedelta(milliseconds=50))
    assert effects.unclaimed(World.ledger) == []
    isolation.end_scenario()
    isolation.after("one", World.ledger)

    # The second runs while the message comes.
    second = Ledger()
    isolation.start_scenario(second)
    act(second, TWO)
    timer.join()
    orders.collect()
    assert effects.unclaimed(second) == []
    assert [(name, e.data["topic"]) for name, e in isolation.late()] == [("one", "orders")]

    # And what the last scenario of a run causes is waited for at its end.
    isolation.end_scenario()
    isolation.after("two", second)
    timer = publish_late(TWO)
    found = isolation.final_drain(timedelta(milliseconds=500))
    timer.join()
    assert [name for name, _ in found] == ["two"]


def test_no_message_is_lost_between_two_scenarios(
    facts: Facts, services: Callable[[str], Any]
) -> None:
    orders = services("kafka")
    isolation = Isolation({"orders": orders})
    isolation.prepare_run()
    producer = Producer({"bootstrap.servers": facts["orders"]["bootstrap"], "linger.ms": 0})
    stop = threading.Event()
    sent = 0

    def publish() -> None:
        nonlocal sent
        while not stop.wait(0.001):
            producer.produce("orders", str(sent).encode())
            producer.flush(10)
            sent += 1

    isolation.start_scenario(Ledger())
    publishing = threading.Thread(target=publish)
    publishing.start()
    seen = 0
    for number in range(20):
        ledger = Ledger()
        isolation.start_scenario(ledger)
        orders.collect()
        seen += len(summaries(ledger))
        isolation.end_scenario()
        isolation.after(str(number), ledger)
    stop.set()
    publishing.join()
    late = isolation.final_drain(timedelta(milliseconds=50))
    assert seen + len(late) == sent


def test_calls_to_a_stub_are_told_on_their_scenario(
    facts: Facts, services: Callable[[str], Any]
) -> None:
    bank = services("stub")
    isolation = Isolation({"bank": bank})
    isolation.prepare_run()

    def call(reference: str) -> int:
        system = http.client.HTTPConnection(facts["bank"]["host"], int(facts["bank"]["port"]))
        system.request("POST", "/charges", json.dumps({"reference": reference}))
        status = system.getresponse().status
        system.close()
        return status

    first = Ledger()
    isolation.start_scenario(first)
    bank.arm({"method": "POST", "path": "/charges", "answer": {"status": 201}})
    act(first, ONE)
    assert call(ONE) == 201
    assert isolation.end_scenario() == []
    isolation.after("one", first)
    assert len(summaries(first)) == 1

    assert call(ONE) != 201  # its routes are gone with it
    second = Ledger()
    isolation.start_scenario(second)
    assert [name for name, _ in isolation.late()] == ["one"]
    act(second, TWO)
    call(ONE)
    call(TWO)
    bank.collect()
    assert len(summaries(second)) == 1
    assert [name for name, _ in isolation.late()] == ["one"]


def test_buckets_go_back_to_their_baseline(services: Callable[[str], Any]) -> None:
    objects = services("objects")
    objects.put("receipts", "seed.txt", b"seed", content_type="text/plain", metadata={"a": "b"})
    objects.put("receipts", "kept.txt", b"kept")
    objects.start_scenario()
    isolation = Isolation({"receipts": objects})
    isolation.prepare_run()
    ledger = Ledger()
    isolation.start_scenario(ledger)
    objects.put("receipts", "new.txt", b"new")
    objects.put("receipts", "seed.txt", b"changed")
    objects.delete("receipts", "kept.txt")
    assert isolation.end_scenario() == []
    keys = [key for _, key in objects.listing()]
    assert sorted(keys) == ["kept.txt", "seed.txt"]
    entry = objects.get("receipts", "seed.txt")
    assert entry.bodies["content"].raw == b"seed"
    assert entry.data["type"] == "text/plain"
    assert entry.data["metadata"] == {"a": "b"}
    for key in keys:
        objects.delete("receipts", key)


def test_caches_go_back_to_their_baseline(services: Callable[[str], Any]) -> None:
    cache = services("cache")
    cache.set("seed", "1")
    isolation = Isolation({"sessions": cache})
    isolation.prepare_run()
    isolation.start_scenario(Ledger())
    cache.set("new", "x")
    cache.delete("seed")
    assert isolation.end_scenario() == []
    assert cache.keys().data["keys"] == ["seed"]
    cache.delete("seed")
    empty = Isolation({"sessions": cache})
    empty.prepare_run()
    cache.set("new", "x")
    empty.end_scenario()
    assert cache.keys().data["keys"] == []

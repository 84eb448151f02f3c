from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from tests.channels.helpers import Definition, context

from avow.channels.cache import RedisChannel
from avow.core.errors import EnvironmentProblem, GuardRefusal, ThenCannotAct
from avow.core.ledger import Ledger


@pytest.fixture
def sessions(channel: Callable[..., Any]) -> Iterator[RedisChannel]:
    made: RedisChannel = channel("sessions", RedisChannel)
    yield made
    made.restore({})


@pytest.fixture
def system(running: Any) -> Iterator[Any]:
    client = redis.Redis.from_url(running.facts["sessions"]["url"])
    yield client
    client.close()


def test_keys_of_every_type_can_be_looked_at(sessions: RedisChannel, system: Any) -> None:
    system.set("text", "Ü")
    system.rpush("list", "a", "b")
    system.sadd("set", "y", "x")
    system.hset("hash", mapping={"f": "1"})
    system.zadd("sorted", {"m": 2.5})
    found = {key: sessions.get(key).data for key in ("text", "list", "set", "hash", "sorted", "no")}
    assert {key: data["value"] for key, data in found.items()} == {
        "text": "Ü",
        "list": ["a", "b"],
        "set": ["x", "y"],
        "hash": {"f": "1"},
        "sorted": {"m": 2.5},
        "no": None,
    }
    assert found["hash"]["type"] == "hash"
    assert sessions.keys("[st]*").data["keys"] == ["set", "sorted", "text"]


def test_acts(sessions: RedisChannel, system: Any) -> None:
    assert sessions.set("k", b"v", life=timedelta(minutes=5)).role == "act"
    entry = sessions.get("k")
    assert entry.bodies["value"].raw == b"v"
    assert 0 < entry.data["seconds"] <= 300
    assert sessions.delete("k", "other").data["count"] == 1
    assert system.get("k") is None
    with sessions.ledger.observing("nobody is signed in"):
        assert sessions.get("k").summary == "k: not there"
        with pytest.raises(ThenCannotAct):
            sessions.set("k", "v")


def test_what_is_restored_is_what_was(sessions: RedisChannel, system: Any) -> None:
    system.set("kept", b"\x00\xff")
    system.set("brief", "x", px=60_000)
    before = sessions.dump()
    system.delete("kept")
    system.set("new", "y")
    sessions.restore(before)
    assert system.get("kept") == b"\x00\xff"
    assert 0 < system.pttl("brief") <= 60_000
    assert system.get("new") is None


def test_no_server() -> None:
    facts = {"url": "redis://127.0.0.1:9"}
    dead = RedisChannel("sessions", facts, Definition(kind="redis"), Ledger(), context())
    with pytest.raises(EnvironmentProblem, match='service "sessions": it could not answer: '):
        dead.get("k")
    dead.close()


def test_a_server_elsewhere_is_refused() -> None:
    facts = {"url": "redis://cache.production.example"}
    channel = RedisChannel("sessions", facts, Definition(kind="redis"), Ledger(), context())
    with pytest.raises(GuardRefusal):
        channel.get("k")

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from tests.channels.helpers import Definition, context

from avow.channels.messaging import KafkaChannel
from avow.core.entries import Entry
from avow.core.errors import EnvironmentProblem, GuardRefusal, SuiteError, ThenCannotAct
from avow.core.ledger import Ledger

Publish = Callable[..., None]


@pytest.fixture
def orders(channel: Callable[..., Any]) -> KafkaChannel:
    made: KafkaChannel = channel("orders", KafkaChannel)
    return made


@pytest.fixture
def system(running: Any) -> Publish:
    """Publish as the system does, with a client of its own."""
    producer = Producer({"bootstrap.servers": running.facts["orders"]["bootstrap"], "linger.ms": 0})

    def publish(topic: str, value: bytes | None, **more: Any) -> None:
        failures: list[Any] = []
        producer.produce(topic, value, on_delivery=lambda e, m: failures.append(e), **more)
        producer.flush(10)
        assert failures == [None]

    return publish


def seen(channel: KafkaChannel) -> list[Entry]:
    channel.collect()
    return channel.ledger.find("message.seen")


def test_what_the_system_published_before_the_look_is_seen(
    orders: KafkaChannel, system: Publish
) -> None:
    system("orders", b'{"type":"order.paid"}', key=b"17", headers=[("trace", b"abc")])
    system("orders.dead-letter", b"poison")
    first, second = seen(orders)
    assert first.role == "effect"
    assert first.resource == "orders"
    assert first.data["topic"] == "orders"
    assert first.data["key"] == "17"
    assert first.data["headers"] == {"trace": "abc"}
    assert first.bodies["value"].text() == '{"type":"order.paid"}'
    assert first.at == first.data["timestamp"]
    assert second.data["topic"] == "orders.dead-letter"
    assert len(seen(orders)) == 2


def test_many_messages_on_all_partitions_are_seen_once_and_in_order(
    orders: KafkaChannel, system: Publish
) -> None:
    for number in range(40):
        system("orders", str(number).encode(), timestamp=1_700_000_000_000 + number)
    texts = [entry.bodies["value"].text() for entry in seen(orders)]
    assert texts == [str(number) for number in range(40)]


def test_what_was_there_before_the_scenario_is_not_its_own(
    orders: KafkaChannel, system: Publish
) -> None:
    system("orders", b"before")
    orders.start_scenario()
    system("orders", b"after")
    assert [entry.bodies["value"].text() for entry in seen(orders)] == ["after"]


def test_a_topic_that_appears_is_noticed_and_read_from_its_start(
    orders: KafkaChannel, system: Publish
) -> None:
    topic = f"made-on-use-{uuid4()}"
    system(topic, b"first")
    assert [entry.data["topic"] for entry in seen(orders)] == [topic]


def test_a_broker_that_is_attached_is_read_where_topics_are_declared(
    channel: Callable[..., Any], system: Publish
) -> None:
    attached = channel("orders", KafkaChannel, provider="attached", topics=("orders",))
    system("orders.dead-letter", b"somebody else's")
    system("orders", b"ours")
    assert [entry.data["topic"] for entry in seen(attached)] == ["orders"]


def test_tombstones_binary_keys_and_repeated_headers(orders: KafkaChannel, system: Publish) -> None:
    headers = [("a", b"1"), ("a", b"2"), ("b", b"\xff"), ("c", None)]
    system("orders", None, key=b"\x00\xff", headers=headers)
    (entry,) = seen(orders)
    assert entry.data["tombstone"] is True
    assert entry.bodies == {}
    assert entry.data["key"] == "base64:AP8="
    assert entry.data["headers"] == {"a": ["1", "2"], "b": "base64:/w==", "c": None}


def test_its_own_messages_are_acts_and_no_effects(orders: KafkaChannel, system: Publish) -> None:
    sent = orders.publish("orders", {"type": "order.placed", "name": "Ünal"}, "k", {"h": "v"})
    assert sent.role == "act"
    assert sent.kind == "message.sent"
    assert sent.bodies["value"].text() == '{"type":"order.placed","name":"Ünal"}'
    assert sent.data["offset"] >= 0
    assert sent.data["headers"] == {"h": "v"}
    system("orders", b"theirs")
    assert [entry.bodies["value"].text() for entry in seen(orders)] == ["theirs"]


def test_a_tombstone_can_be_sent_and_no_topic_means_the_first(orders: KafkaChannel) -> None:
    sent = orders.publish(None, None, key="17")
    assert sent.data["topic"] == "orders"
    assert sent.bodies == {}
    assert sent.summary == "sent to orders: a tombstone"


def test_the_service_name_means_its_first_topic(channel: Callable[..., Any]) -> None:
    broker = channel("orders", KafkaChannel, topics=("placed", "paid"))
    broker.name = "broker"
    assert broker.topic("broker") == "placed"
    assert broker.topic("paid") == "paid"


def test_an_unknown_topic_gets_the_nearest(orders: KafkaChannel) -> None:
    with pytest.raises(SuiteError, match='there is no topic "order" on "orders"') as raised:
        orders.publish("order", b"")
    assert 'Did you mean "orders"?' in str(raised.value)


def test_no_declared_topic_is_said(channel: Callable[..., Any]) -> None:
    broker = channel("orders", KafkaChannel, topics=())
    with pytest.raises(SuiteError, match=r"declares no topic\n  Name one: \[services.orders\]"):
        broker.publish(None, b"")


def test_a_then_cannot_publish(orders: KafkaChannel) -> None:
    with orders.ledger.observing("the order is paid"), pytest.raises(ThenCannotAct):
        orders.publish("orders", b"x")


def test_a_message_that_is_too_large_is_the_suites_mistake(orders: KafkaChannel) -> None:
    with pytest.raises(SuiteError, match=r"the message cannot be sent: .*large"):
        orders.publish("orders", b"x" * 2_000_000)


def test_a_binding_to_the_next_ledger_leaves_the_last_alone(
    orders: KafkaChannel, system: Publish
) -> None:
    first = orders.ledger
    system("orders", b"one")
    orders.collect()
    orders.bind(Ledger())
    system("orders", b"two")
    assert len(seen(orders)) == 1
    assert len(first.entries) == 1


def test_a_broker_that_is_not_there_is_trouble_of_the_environment() -> None:
    facts = {"bootstrap": "127.0.0.1:9"}
    dead = KafkaChannel("orders", facts, Definition(kind="kafka"), Ledger(), context(call=0.5))
    with pytest.raises(EnvironmentProblem, match=r"did not say what topics it has .* in 0.5 s"):
        dead.collect()
    dead.close()


def test_a_broker_elsewhere_is_refused_before_the_first_byte() -> None:
    facts = {"bootstrap": "kafka.production.example:9092"}
    channel = KafkaChannel("orders", facts, Definition(kind="kafka"), Ledger(), context())
    with pytest.raises(GuardRefusal, match=r"is neither this machine nor in \[guards\] hosts"):
        channel.open()


def test_offsets_are_told(orders: KafkaChannel, system: Publish) -> None:
    before = sum(orders.watermark().values())
    system("orders", b"x")
    orders.collect()
    assert sum(orders.watermark().values()) == before + 1

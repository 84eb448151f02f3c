from __future__ import annotations

import json
import signal
import uuid
from collections.abc import Callable
from typing import Any

import confluent_kafka
import psycopg
import pytest
from tests.examples.fake_stripe import FakeStripe
from tests.examples.shop_system import SECRETS, ShopSystem

from avow.core.waiting import until


class Broker:
    """Reads and writes topics as anybody else could."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})

    def publish(self, value: bytes, key: bytes = b"7") -> None:
        self._producer.produce("orders", value, key=key)
        assert self._producer.flush(10) == 0

    def find(self, topic: str, wanted: Callable[[Any], bool]) -> list[Any]:
        """Return the messages of a topic that are wanted, once there are any."""
        consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "test",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 20,
            }
        )
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            newest = [confluent_kafka.TopicPartition(topic, one) for one in partitions]
            for place in newest:
                # The mock broker hands out one batch a fetch: what other tests wrote is skipped.
                place.offset = max(0, consumer.get_watermark_offsets(place, timeout=10)[1] - 8)
            consumer.assign(newest)
            found: list[Any] = []

            def look() -> bool:
                while (message := consumer.poll(0.05)) is not None:
                    if not message.error() and wanted(message):
                        found.append(message)
                return bool(found)

            assert until(look, 10).holds
            return found
        finally:
            consumer.close()


@pytest.fixture(scope="session")
def broker(backing: dict[str, str]) -> Broker:
    return Broker(backing["KAFKA_BOOTSTRAP"])


def paid(system: ShopSystem) -> tuple[Any, Any]:
    customer = system.customer()
    order = system.order(customer)
    assert system.pay(order, customer).status_code == 201
    return order, customer


def is_about(order: Any) -> Callable[[Any], bool]:
    return lambda message: message.key() == str(order["id"]).encode()


def test_a_payment_is_told_once_with_its_amount(
    system: ShopSystem, stripe: FakeStripe, broker: Broker
):
    order, _ = paid(system)
    (message,) = broker.find("orders", is_about(order))
    document = json.loads(message.value())
    assert (document["type"], document["amount"], document["currency"]) == (
        "order.paid",
        4250,
        "EUR",
    )
    assert dict(message.headers()) == {"type": b"order.paid"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff\x00 no text", b"not JSON"),
        (b"[1]", b"not a JSON object"),
        (b'{"type": "order.paid", "order_id": 1}', b"no id"),
        (b'{"id": "%(id)s", "type": "order.paid"}', b"no order_id"),
        (b'{"id": "%(id)s", "type": "order.paid", "order_id": 0}', b"no order 0"),
    ],
)
def test_a_message_that_cannot_be_handled_is_put_aside(
    system: ShopSystem, broker: Broker, value: bytes, reason: bytes
):
    name = uuid.uuid4().hex.encode()
    value = value.replace(b"%(id)s", name)
    broker.publish(value, key=name)
    (dead,) = broker.find("orders.dead-letter", lambda message: message.key() == name)
    headers = dict(dead.headers())
    assert dead.value() == value
    assert (headers["reason"], headers["consumer"]) == (reason, b"inventory")
    assert headers["source"].startswith(b"orders/")


def test_a_message_that_comes_again_is_not_handled_again(
    system: ShopSystem, stripe: FakeStripe, broker: Broker
):
    order, customer = paid(system)
    system.http.post(f"/admin/orders/{order['id']}/refunds", headers=system.admin)
    assert until(lambda: system.show(order, customer)["shipment"] == "cancelled", 10).holds
    told, refunded = broker.find("orders", is_about(order))
    for message in (refunded, told, refunded):
        broker.publish(message.value(), key=message.key())
    # A later message of the same key has its turn only after the repeated ones.
    after = uuid.uuid4().hex.encode()
    broker.publish(b'{"id": "%s", "type": "order.paid"}' % after, key=refunded.key())
    broker.find("orders.dead-letter", lambda message: after in message.value())
    sku = order["lines"][0]["sku"]
    assert system.http.get(f"/products/{sku}").json()["stock"] == 10
    assert system.show(order, customer)["shipment"] == "cancelled"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_consumer_that_was_gone_goes_on_where_it_was(
    system: ShopSystem, stripe: FakeStripe, number: signal.Signals
):
    assert system.stop("inventory", number) == (0 if number == signal.SIGTERM else -number)
    order, customer = paid(system)
    system.start("inventory")
    system.wait_for_health("inventory")
    assert until(lambda: system.show(order, customer)["shipment"] == "packed", 10).holds
    sku = order["lines"][0]["sku"]
    assert system.http.get(f"/products/{sku}").json()["stock"] == 9


def test_what_was_written_while_the_relay_was_gone_is_published_when_it_is_back(
    system: ShopSystem, stripe: FakeStripe, broker: Broker
):
    system.stop("relay", signal.SIGKILL)
    order, _ = paid(system)
    system.start("relay")
    system.wait_for_health("relay")
    assert len(broker.find("orders", is_about(order))) == 1


def test_a_process_that_lost_its_database_ends_and_says_so(
    system: ShopSystem, backing: dict[str, str]
):
    with psycopg.connect(backing["DATABASE_URL"], autocommit=True) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'shop-relay'"
        )
    assert system.processes["relay"].wait(10) == 1
    last = json.loads(system.log("relay").splitlines()[-1])
    assert (last["level"], last["message"]) == ("error", "lost the database")
    system.start("relay")
    system.wait_for_health("relay")


def test_health_names_what_it_looked_at(system: ShopSystem):
    assert system.health("api").json() == {"status": "healthy", "checks": {"database": "ok"}}
    for name in ("relay", "inventory", "receipts"):
        checks = {"database": "ok", "ready": "ok"}
        assert system.health(name).json() == {"status": "healthy", "checks": checks}


def test_logs_are_json_and_hold_no_secret(system: ShopSystem, stripe: FakeStripe):
    order, customer = paid(system)
    lines = [json.loads(line) for line in system.log("api").splitlines()]
    answered = [line for line in lines if line["message"] == "answered"]
    assert answered[-1]["path"] == f"/orders/{order['id']}/payments"
    assert answered[-1]["status"] == 201
    for name in system.processes:
        for secret in (*SECRETS.values(), customer["api_key"]):
            assert secret not in system.log(name)

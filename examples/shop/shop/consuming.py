"""Reading messages: each is acted on once, and the place of reading is stored with what was done.

The partitions are assigned by hand and offsets live in PostgreSQL, in the transaction of the work:
a crash between the two is not possible, and no broker's group has to form first.

    Kafka -> handle(message) -+- done ---------> transaction: work + message id + next offset
                              +- cannot be read -> dead-letter topic, then next offset
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from shop import database
from shop.health import Check
from shop.logs import Log
from shop.settings import Settings

Handle = Callable[[database.Connection, dict[str, Any]], None]


class Poison(Exception):
    """A message that can never be handled; trying again would not help."""


class Consumer:
    """Reads one topic to the end and stays there. `dead_letters`: a producer, or None: log only."""

    def __init__(
        self, name: str, settings: Settings, log: Log, handle: Handle, dead_letters: Any = None
    ) -> None:
        self._name = name
        self._settings = settings
        self._log = log
        self._handle = handle
        self._dead_letters = dead_letters

    def run(self, stop: threading.Event, checks: dict[str, Check]) -> None:
        from confluent_kafka import OFFSET_BEGINNING, TopicPartition
        from confluent_kafka import Consumer as KafkaConsumer

        kafka = KafkaConsumer(
            {
                "bootstrap.servers": self._settings.kafka_bootstrap,
                "group.id": self._name,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                # How long the broker holds a request when there is nothing new.
                "fetch.wait.max.ms": 20,
                "fetch.error.backoff.ms": 50,
                "topic.metadata.refresh.interval.ms": 5000,
                "allow.auto.create.topics": True,
            }
        )
        topic = self._settings.orders_topic
        with database.connect(self._settings.database_url, self._name) as conn:
            partitions = kafka.list_topics(topic, timeout=10).topics[topic].partitions
            known = self._stored_offsets(conn, topic)
            kafka.assign(
                [
                    TopicPartition(topic, number, known.get(number, OFFSET_BEGINNING))
                    for number in partitions
                ]
            )
            checks["database"] = lambda: not conn.closed
            checks["ready"] = lambda: True
            while not stop.is_set():
                message = kafka.poll(0.05)
                if message is None:
                    continue
                if message.error():
                    self._log.warning("not read", error=str(message.error()))
                    continue
                self._take(conn, message, stop)
        kafka.close()

    def _stored_offsets(self, conn: database.Connection, topic: str) -> dict[int, int]:
        rows = conn.execute(
            "SELECT partition, next_offset FROM consumer_offsets "
            "WHERE consumer = %s AND topic = %s",
            (self._name, topic),
        )
        return {row["partition"]: row["next_offset"] for row in rows}

    def _take(self, conn: database.Connection, message: Any, stop: threading.Event) -> None:
        """Handle one message, again and again while the trouble may pass."""
        pause = 0.05
        while not stop.is_set():
            try:
                with conn.transaction():
                    self._act(conn, message)
                    self._store_offset(conn, message)
            except Poison as poison:
                self._bury(message, str(poison))
                self._store_offset(conn, message)
                return
            except Exception as error:
                if conn.closed:
                    raise
                self._log.error("not handled, trying again", error=repr(error), **_place(message))
                stop.wait(pause)
                pause = min(pause * 2, 2.0)
            else:
                return

    def _act(self, conn: database.Connection, message: Any) -> None:
        document = read(message.value())
        if not first_time(conn, self._name, document["id"]):
            self._log.info("message known already", id=document["id"], **_place(message))
            return
        self._handle(conn, document)
        self._log.info("handled", type=document["type"], order=document.get("order_id"))

    def _store_offset(self, conn: database.Connection, message: Any) -> None:
        conn.execute(
            "INSERT INTO consumer_offsets (consumer, topic, partition, next_offset) "
            "VALUES (%s, %s, %s, %s) ON CONFLICT (consumer, topic, partition) "
            "DO UPDATE SET next_offset = excluded.next_offset",
            (self._name, message.topic(), message.partition(), message.offset() + 1),
        )

    def _bury(self, message: Any, reason: str) -> None:
        """Put the message aside as it came, with the reason, for a person to look at."""
        self._log.error("message cannot be handled", reason=reason, **_place(message))
        if self._dead_letters is None:
            return
        self._dead_letters.produce(
            self._settings.dead_letter_topic,
            message.value(),
            key=message.key(),
            headers={
                "reason": reason,
                "consumer": self._name,
                "source": f"{message.topic()}/{message.partition()}/{message.offset()}",
            },
        )
        if self._dead_letters.flush(10):
            raise RuntimeError("the dead-letter topic does not take messages")


def read(value: bytes | None) -> dict[str, Any]:
    """Return the document of a message; raises Poison if it is none of ours."""
    try:
        document = json.loads(value or b"")
    except (ValueError, RecursionError):
        raise Poison("not JSON") from None
    if not isinstance(document, dict):
        raise Poison("not a JSON object")
    for name in ("id", "type"):
        if not isinstance(document.get(name), str):
            raise Poison(f"no {name}")
    return document


def order_id(document: dict[str, Any]) -> int:
    number = document.get("order_id")
    if isinstance(number, bool) or not isinstance(number, int):
        raise Poison("no order_id")
    return number


def first_time(conn: database.Connection, consumer: str, message_id: str) -> bool:
    new = conn.execute(
        "INSERT INTO handled_messages (consumer, message_id) VALUES (%s, %s) "
        "ON CONFLICT DO NOTHING RETURNING message_id",
        (consumer, message_id),
    ).fetchone()
    return new is not None


def _place(message: Any) -> dict[str, Any]:
    return {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}

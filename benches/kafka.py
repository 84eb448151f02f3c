"""Publish to observed on the embedded Kafka, and the first message of a worker.

Beside it: a plain consumer that subscribes with the defaults, on the same broker in the same run.

    python -m benches.kafka [messages]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from confluent_kafka import Consumer, Producer

from avow import config
from avow.channels.base import ChannelContext
from avow.channels.messaging import KafkaChannel
from avow.config import GuardSettings
from avow.core.ledger import Ledger
from avow.core.secrets import Redactor
from avow.core.waiting import until
from avow.guards import Guards
from avow.processes import Journal
from avow.services.stack import Stack
from benches.rows import Row, Times, milliseconds

TOPICS = ["orders", "orders.dead-letter", "stock", "mails"]


def channel(definition: Any, facts: dict[str, str]) -> KafkaChannel:
    timeouts = SimpleNamespace(call=timedelta(seconds=10))
    context = ChannelContext(Guards(GuardSettings(), Path.cwd()), timeouts, Redactor())
    return KafkaChannel("orders", facts, definition, Ledger(), context)


def measure(shown: Times, definition: Any, facts: dict[str, str], messages: int) -> None:
    producer = Producer({"bootstrap.servers": facts["bootstrap"], "linger.ms": 0})
    producer.list_topics(timeout=5)

    def publish() -> None:
        producer.produce("orders", b'{"type":"order.paid"}')
        producer.flush(10)

    publish()
    opening, first = [], []
    for _ in range(10):
        worker = channel(definition, facts)
        opening.append(milliseconds(worker.open))

        def observe(worker: KafkaChannel = worker) -> None:
            known = len(worker.ledger.entries)
            publish()
            until(lambda: worker.collect() or len(worker.ledger.entries) > known, 10)

        first.append(milliseconds(observe))
        if len(first) < 10:
            worker.close()
    shown("a worker connects (behind the start of others)", opening)
    shown("its first message, publish to observed", first, "<= 20", "<= 20")
    shown("publish to observed", [milliseconds(observe) for _ in range(messages)], "<= 3")
    shown("publish alone", [milliseconds(publish) for _ in range(messages)])
    worker.collect()
    shown("a look when nothing has come", [milliseconds(worker.collect) for _ in range(messages)])
    act = [milliseconds(lambda: worker.publish("orders", b"x")) for _ in range(messages)]
    shown("publish by a step, acknowledged", act)
    before = resource.getrusage(resource.RUSAGE_SELF)
    time.sleep(2)
    after = resource.getrusage(resource.RUSAGE_SELF)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    shown.rows.append(Row("idle channel", busy / 2 * 100, "% of a core"))
    worker.close()
    plain = Consumer(
        {
            "bootstrap.servers": facts["bootstrap"],
            "group.id": "plain",
            "auto.offset.reset": "earliest",
        }
    )

    def plainly() -> None:
        producer.produce("stock", b"x")
        producer.flush(10)
        while (message := plain.poll(10)) is None or message.error():
            pass

    plain.subscribe(["stock"])
    shown("plain consumer, subscribe: first message", [milliseconds(plainly)])
    shown("plain consumer, subscribe: later ones", [milliseconds(plainly) for _ in range(20)])
    plain.close()


def main(messages: int = 500) -> list[Row]:
    shown = Times()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "avow.toml").write_text(
            f'[suite]\nname = "bench"\n[services.orders]\nkind = "kafka"\ntopics = {TOPICS!r}\n'
        )
        settings = config.load(root, environ={})
        journal = Journal(root / "journal.jsonl")
        stack = Stack.start(settings, run_dir=root / "run", journal=journal)
        try:
            measure(shown, settings.services["orders"], stack.facts["orders"], messages)
        finally:
            stack.stop()
            journal.close()
    return shown.rows


if __name__ == "__main__":
    for row in main(int(sys.argv[1]) if len(sys.argv) > 1 else 500):
        print(row)

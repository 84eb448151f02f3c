"""The relay: takes messages from the outbox and publishes them, in order, at least once.

transaction of the API -> outbox --NOTIFY--> relay -> Kafka, topic `orders`, key: the order
"""

from __future__ import annotations

import json
import threading
from typing import Any

from shop import database, outbox, process
from shop.health import Check
from shop.logs import Log
from shop.settings import Settings

_BATCH = 100
#: Seconds that a message waits whose notification was lost (a connection was cut).
_POLL = 0.5
_PIECE = 0.05


def producer(settings: Settings) -> Any:
    from confluent_kafka import Producer

    return Producer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 0,
            "message.timeout.ms": 10_000,
        }
    )


def publish_waiting(conn: database.Connection, kafka: Any, settings: Settings, log: Log) -> int:
    """Publish what waits; return how many that was. Raises if the broker does not take them."""
    with conn.transaction():
        rows = conn.execute(
            "SELECT * FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT %s "
            "FOR UPDATE SKIP LOCKED",
            (_BATCH,),
        ).fetchall()
        if not rows:
            return 0
        failed: list[str] = []
        for row in rows:
            if settings.has("message-lost") and row["type"] == "order.paid":
                continue
            kafka.produce(
                settings.orders_topic,
                json.dumps({"id": str(row["message_id"]), **row["payload"]}).encode(),
                key=row["key"].encode(),
                headers={"type": row["type"]},
                on_delivery=lambda error, _: failed.append(str(error)) if error else None,
            )
        kafka.flush(10)
        if failed:
            # Nothing is marked: the batch comes again, and consumers know a message by its id.
            raise RuntimeError(f"{len(failed)} messages were not taken: {failed[0]}")
        conn.execute(
            "UPDATE outbox SET published_at = now() WHERE id = ANY(%s)",
            ([row["id"] for row in rows],),
        )
    log.info("published", messages=len(rows), types=[row["type"] for row in rows])
    return len(rows)


def work(settings: Settings, log: Log, stop: threading.Event, checks: dict[str, Check]) -> None:
    kafka = producer(settings)
    with database.connect(settings.database_url, "relay") as conn:
        conn.execute(f"LISTEN {outbox.CHANNEL}")
        # One that cannot reach its broker says so before anyone relies on it.
        kafka.list_topics(settings.orders_topic, timeout=10)
        checks["database"] = lambda: not conn.closed
        checks["ready"] = lambda: True
        while not stop.is_set():
            try:
                while publish_waiting(conn, kafka, settings, log):
                    pass
            except RuntimeError as error:
                log.error("not published", error=str(error))
                stop.wait(_POLL)
            _wait(conn, stop)


def _wait(conn: database.Connection, stop: threading.Event) -> None:
    """Return when there may be something to publish, or when the process shall stop."""
    # In short pieces: a signal does not end the wait for a notification.
    for _ in range(int(_POLL / _PIECE)):
        for _ in conn.notifies(timeout=_PIECE, stop_after=1):
            return
        if stop.is_set():
            return


if __name__ == "__main__":
    process.run("relay", work)

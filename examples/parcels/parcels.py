"""Parcel tracking: register a parcel over HTTP, follow it by scans on Kafka. One process.

POST /parcels            {"recipient": ..., "weight_g": ...}  -> 201, event "parcel.registered"
GET  /parcels/{id}                                            -> 200 or 404
topic "scans"            {"parcel": id, "place": ..., "delivered": bool}
                                              -> row updated, event "parcel.delivered"

Takes every address from the environment: DATABASE_URL, KAFKA_BOOTSTRAP, PORT.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition
from psycopg.rows import dict_row

SCHEMA = """
CREATE TABLE IF NOT EXISTS parcels (
    id uuid PRIMARY KEY,
    recipient text NOT NULL CHECK (recipient <> ''),
    weight_g integer NOT NULL CHECK (weight_g > 0),
    status text NOT NULL DEFAULT 'registered',
    place text,
    registered_at timestamptz NOT NULL DEFAULT now()
)
"""


class Parcels:
    def __init__(self, database_url: str, bootstrap: str) -> None:
        self.database_url = database_url
        self.bootstrap = bootstrap
        self.producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
        self.scanning = threading.Event()
        self.stopped = threading.Event()
        with self.connect() as connection:
            connection.execute(SCHEMA)

    def connect(self) -> psycopg.Connection[dict[str, object]]:
        return psycopg.connect(self.database_url, row_factory=dict_row)

    def publish(self, kind: str, parcel: dict[str, object]) -> None:
        event = {"type": kind, "parcel": str(parcel["id"]), "recipient": parcel["recipient"]}
        self.producer.produce("parcels", json.dumps(event), key=str(parcel["id"]))
        self.producer.flush(5)

    def register(self, recipient: str, weight_g: int) -> dict[str, object]:
        with self.connect() as connection:
            parcel = connection.execute(
                "INSERT INTO parcels (id, recipient, weight_g) VALUES (%s, %s, %s) RETURNING *",
                (uuid.uuid4(), recipient, weight_g),
            ).fetchone()
        assert parcel is not None
        self.publish("parcel.registered", parcel)
        return parcel

    def find(self, number: str) -> dict[str, object] | None:
        try:
            key = uuid.UUID(number)
        except ValueError:
            return None
        with self.connect() as connection:
            return connection.execute("SELECT * FROM parcels WHERE id = %s", (key,)).fetchone()

    def scan(self, message: bytes) -> None:
        try:
            scan = json.loads(message)
            key, place = uuid.UUID(scan["parcel"]), str(scan["place"])
        except (ValueError, KeyError, TypeError):
            return
        status = "delivered" if scan.get("delivered") else "on its way"
        with self.connect() as connection:
            parcel = connection.execute(
                "UPDATE parcels SET status = %s, place = %s WHERE id = %s RETURNING *",
                (status, place, key),
            ).fetchone()
        if parcel is not None and status == "delivered":
            self.publish("parcel.delivered", parcel)

    def follow_scans(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "parcels",
                "fetch.wait.max.ms": 10,
                "enable.auto.commit": False,
                "allow.auto.create.topics": True,
            }
        )
        partitions = consumer.list_topics("scans", 10).topics["scans"].partitions
        consumer.assign([TopicPartition("scans", number, OFFSET_END) for number in partitions])
        for number in partitions:
            consumer.get_watermark_offsets(TopicPartition("scans", number), timeout=10)
        self.scanning.set()
        while not self.stopped.is_set():
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                self.scan(message.value() or b"")
        consumer.close()


def handler(parcels: Parcels) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status: int, body: dict[str, object]) -> None:
            data = json.dumps(body, default=str).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            if self.path == "/health":
                ready = parcels.scanning.is_set()
                self.answer(200 if ready else 503, {"status": "up" if ready else "starting"})
                return
            parcel = parcels.find(self.path.removeprefix("/parcels/"))
            if parcel is None:
                self.answer(404, {"error": "no such parcel"})
            else:
                self.answer(200, parcel)

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            try:
                wanted = json.loads(raw)
                recipient, weight = wanted["recipient"], wanted["weight_g"]
            except (ValueError, KeyError, TypeError):
                self.answer(400, {"error": "recipient and weight_g are needed"})
                return
            if not recipient or not isinstance(weight, int) or weight <= 0:
                self.answer(422, {"error": "recipient must be named and weight_g positive"})
                return
            self.answer(201, parcels.register(recipient, weight))

        def log_message(self, format: str, *args: object) -> None:
            print(json.dumps({"request": format % args}), flush=True)

    return Handler


def main() -> None:
    parcels = Parcels(os.environ["DATABASE_URL"], os.environ["KAFKA_BOOTSTRAP"])
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), handler(parcels))
    scans = threading.Thread(target=parcels.follow_scans, daemon=True)
    scans.start()

    def stop(*_: object) -> None:
        parcels.stopped.set()
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever()


if __name__ == "__main__":
    main()

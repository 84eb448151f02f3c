"""A shop that answers at once and publishes 300 ms later.

POST /orders {"reference": ...} -> 201 {"id": ...}, and 0.3 s later {"id", "reference"} on "orders"
GET /health
"""

from __future__ import annotations

import json
import os
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from confluent_kafka import Producer

producer = Producer({"bootstrap.servers": os.environ["KAFKA"], "linger.ms": 0})


def publish(order: dict) -> None:
    producer.produce("orders", json.dumps(order).encode())
    producer.flush()


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words: object) -> None:
        pass

    def answer(self, status: int, data: dict) -> None:
        raw = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        self.answer(200, {"status": "up"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        order = {"id": str(uuid.uuid4()), "reference": body["reference"]}
        self.answer(201, order)
        threading.Timer(0.3, publish, [order]).start()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()

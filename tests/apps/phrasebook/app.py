"""A small shop on one page: what the examples of the shared phrases need, and no more."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import itertools
import json
import os
import smtplib
import socket
import sys
import threading
import time
import uuid
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

DATA = Path(__file__).parent / "data"
SKUS = ["cake", "coffee", "jam", "milk", "tea"]
CATALOGUE = [{"id": number, "sku": sku} for number, sku in enumerate(SKUS, 1)]
numbers = itertools.count(100)
orders: dict[int, dict] = {}
sold: set[str] = set()
paid: dict[str, int] = {}
events: set[str] = set()
lock = threading.Lock()
state = {"broken": False}


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words: object) -> None:
        pass

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        first, *rest = url.path.strip("/").split("/")
        name = f"{self.command.lower()}_{first.replace('-', '_')}"
        handler = getattr(self, name, None)
        if handler is None:
            self.answer(404, {"error": "there is nothing here"})
        else:
            handler(*rest)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def answer(self, status: int, data: object = None, **headers: str) -> None:
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        raw = b"" if data is None else raw
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(raw)))
        if raw:
            kind = "text/plain" if isinstance(data, bytes) else "application/json"
            self.send_header("Content-Type", kind)
        for header, value in headers.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(raw)

    # -- small things

    def get_health(self) -> None:
        broken, state["broken"] = state["broken"], False
        self.answer(*((503, {"status": "down"}) if broken else (200, {"status": "up"})))

    def post_break(self) -> None:
        state["broken"] = True
        self.answer(204)

    def get_greeting(self) -> None:
        word = "Bonjour" if self.headers.get("Accept-Language") == "fr" else "Hello"
        self.answer(200, {"greeting": f"{word}, {self.query.get('name', 'you')}!"})

    def get_moved(self) -> None:
        self.answer(302, Location="/greeting?name=Ada")

    def post_login(self) -> None:
        self.answer(204, **{"Set-Cookie": "session=ada-0815; Path=/; HttpOnly"})

    def get_me(self) -> None:
        known = "session=ada-0815" in self.headers.get("Cookie", "")
        self.answer(*((200, {"name": "Ada"}) if known else (401, {"error": "who are you?"})))

    def get_slow(self) -> None:
        threading.Event().wait(0.3)
        self.answer(200, {})

    def get_reset(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def get_file(self) -> None:
        self.answer(200, (DATA / "greeting.txt").read_bytes())

    def post_echo(self) -> None:
        self.answer(200, self.body)

    def get_skus(self) -> None:
        self.answer(200, [each["sku"] for each in CATALOGUE])

    def get_catalogue(self) -> None:
        size, page = int(self.query["size"]), int(self.query.get("page", 0))
        start = page * size - (int(self.query.get("overlap", 0)) if page else 0)
        data: dict = {"items": CATALOGUE[start : start + size]}
        if start + size < len(CATALOGUE):
            more = "&overlap=1" if "overlap" in self.query else ""
            data["next"] = f"/catalogue?size={size}&page={page + 1}{more}"
        self.answer(200, data)

    # -- who may do what

    def admitted(self) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token == os.environ["ADMIN"]:
            return True
        status = 403 if token == os.environ["VISITOR"] else 401
        self.answer(status, {"error": "only for administrators"})
        return False

    def get_admin(self, what: str) -> None:
        if self.admitted():
            self.answer(200, [])

    def post_admin(self, what: str) -> None:
        if self.admitted():
            self.answer(201, json.loads(self.body))

    # -- orders

    def post_orders(self) -> None:
        try:
            order = json.loads(self.body)
        except ValueError:
            self.answer(400, {"error": "this is not JSON"})
            return
        if order.get("quantity", 0) < 1:
            self.answer(422, {"error": "quantity must be at least 1"})
            return
        number = next(numbers)
        orders[number] = {"id": number, "placed": time.monotonic(), **order}
        self.answer(201, {"id": number, **order}, Location=f"/orders/{number}")

    def get_orders(self, number: str) -> None:
        if number == "1":
            order = {"id": 1, "state": "packed"}
            if "full" in self.query:
                order |= {"customer": {"name": "Ada"}, "lines": [{"sku": "tea", "quantity": 2}]}
            self.answer(200, order)
            return
        order = dict(orders[int(number)])
        age = time.monotonic() - order.pop("placed")
        self.answer(200, {**order, "state": "packed" if age > 0.1 else "new"})

    def delete_orders(self, number: str) -> None:
        self.answer(204)

    def post_last_item(self) -> None:
        sku = json.loads(self.body)["sku"]
        with lock:
            is_first = sku not in sold
            sold.add(sku)
        self.answer(201 if is_first else 409, {"sku": sku})

    # -- the bank

    def bank(
        self, method: str, path: str, data: object = None, **headers: str
    ) -> tuple[int, object]:
        connection = http.client.HTTPConnection(urlsplit(os.environ["BANK"]).netloc, timeout=0.5)
        try:
            body = None if data is None else json.dumps(data)
            connection.request(method, path, body, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            raw = answer.read()
            return answer.status, json.loads(raw) if raw[:1] in (b"{", b"[") else None
        finally:
            connection.close()

    def post_pay(self) -> None:
        order = json.loads(self.body)
        if order.get("check"):
            self.bank("GET", "/health")
        key, failure = str(uuid.uuid4()), 502
        for attempt in range(int(order.get("tries", 1))):
            headers = {"Idempotency-Key": key, "X-Attempt": str(attempt)}
            try:
                status, charge = self.bank(
                    "POST", "/charges", {"amount": order["amount"]}, **headers
                )
            except TimeoutError:
                failure = 504
            except (OSError, http.client.HTTPException):
                failure = 502
            else:
                if status == 201:
                    self.answer(201, {"charge": charge["id"]})
                    return
        self.answer(failure, {"error": "the bank took no payment"})

    def get_charges(self, charge: str = "") -> None:
        if charge:
            self.answer(200, {"id": charge, "paid_times": paid.get(charge, 0)})
            return
        _, found = self.bank("GET", self.path)
        self.answer(200, found)

    def post_webhooks(self, sender: str) -> None:
        if not rightly_signed(self.headers.get("Stripe-Signature", ""), self.body):
            self.answer(400, {"error": "the signature is not right"})
            return
        event = json.loads(self.body)
        if event.get("type") == "charge.slow":
            threading.Event().wait(0.05)
        elif event.get("type") != "charge.paid":
            self.answer(422, {"error": "this event is not known"})
            return
        with lock:
            if event["id"] not in events:
                events.add(event["id"])
                charge = event["data"]["object"]["id"]
                paid[charge] = paid.get(charge, 0) + 1
        self.answer(200, {"received": True})

    # -- mails and objects

    def post_invite(self) -> None:
        guest = json.loads(self.body)
        name = guest["email"].partition("@")[0].capitalize()
        mail = EmailMessage()
        mail["From"], mail["To"] = "shop@example.com", guest["email"]
        mail["Subject"] = f"Welcome {name}"
        link = "" if guest.get("plain") else f"Your link: http://{self.headers['Host']}/greeting.\n"
        mail.set_content(f"Hello {name},\nwelcome to the shop.\n{link}")
        mail.add_attachment("Be kind.", filename="terms.txt")
        with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])) as post:
            post.send_message(mail)
        self.answer(202)

    def post_reports(self) -> None:
        name = json.loads(self.body)["name"]
        body = json.dumps({"name": name, "total": 42}).encode()
        store().put_object(
            Bucket="files", Key=f"reports/{name}.json", Body=body, ContentType="application/json"
        )
        self.answer(202)


def rightly_signed(header: str, body: bytes) -> bool:
    pairs = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    if abs(time.time() - int(pairs.get("t", 0))) > 300:
        return False
    signed = f"{pairs['t']}.".encode() + body
    wanted = hmac.new(os.environ["BANK_SECRET"].encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, pairs.get("v1", ""))


def store(known: list = []) -> object:  # noqa: B006 - made once
    with lock:
        if not known:
            import boto3

            known.append(
                boto3.client(
                    "s3",
                    endpoint_url=os.environ["S3"],
                    aws_access_key_id=os.environ["S3_KEY"],
                    aws_secret_access_key=os.environ["S3_SECRET"],
                    region_name="us-east-1",
                )
            )
        return known[0]


def ship() -> None:
    """Read orders, write shipments; what cannot be read goes to the dead letters."""
    from confluent_kafka import OFFSET_END, Consumer, Producer, TopicPartition

    servers = {"bootstrap.servers": os.environ["KAFKA"]}
    producer = Producer({**servers, "linger.ms": 0})
    consumer = Consumer({**servers, "group.id": "shop", "fetch.wait.max.ms": 10})
    partitions = consumer.list_topics("orders", timeout=10).topics["orders"].partitions
    consumer.assign([TopicPartition("orders", each, OFFSET_END) for each in partitions])
    for each in partitions:
        consumer.get_watermark_offsets(TopicPartition("orders", each), timeout=10)
    seen: set[str] = set()
    ready.set()
    while True:
        message = consumer.poll(0.2)
        if message is None or message.error():
            continue
        try:
            order = json.loads(message.value())
            number = order["order_id"]
        except (ValueError, KeyError, TypeError):
            producer.produce("orders.dead-letter", message.value(), message.key())
            producer.flush(5)
            continue
        # Only orders that say which event they are can be told from their copies.
        if order.get("event") in seen:
            continue
        if "event" in order:
            seen.add(order["event"])
        shipped = {"type": "order.shipped", "order_id": number, "at": "2026-01-01T00:00:00Z"}
        producer.produce(
            "shipments", json.dumps(shipped), message.key(), headers=message.headers() or []
        )
        producer.flush(5)


if __name__ == "__main__":
    ready = threading.Event()
    threading.Thread(target=ship, daemon=True).start()
    ready.wait(10)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()

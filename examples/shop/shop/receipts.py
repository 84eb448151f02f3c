"""Receipts: one document in the archive and one mail to the customer for every paid order."""

from __future__ import annotations

import json
import smtplib
import threading
from email.message import EmailMessage
from typing import Any

from shop import money, process
from shop.consuming import Consumer, Poison, order_id
from shop.database import Connection
from shop.health import Check
from shop.logs import Log
from shop.settings import Settings


class Archive:
    """The bucket that receipts are kept in. boto3 takes half a second to get ready: begun early."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.receipts_bucket
        self._lock = threading.Lock()
        self._client: Any = None
        threading.Thread(target=self._s3, name="warm-up", daemon=True).start()

    def _s3(self) -> Any:
        with self._lock:
            if self._client is None:
                import boto3

                # Addresses, region and keys come from AWS's own environment variables.
                self._client = boto3.client("s3")
            return self._client

    def store(self, key: str, document: dict[str, Any]) -> None:
        self._s3().put_object(
            Bucket=self._bucket,
            Key=key,
            Body=json.dumps(document, indent=2).encode(),
            ContentType="application/json",
        )


class Receipts:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._archive = Archive(settings)

    def handle(self, conn: Connection, message: dict[str, Any]) -> None:
        if message["type"] == "order.paid":
            self._send(conn, order_id(message))
        elif message["type"] == "order.refunded":
            self._send_refund(conn, order_id(message))

    def _send(self, conn: Connection, number: int) -> None:
        order = _order(conn, number)
        key = f"orders/{number}.json"
        self._archive.store(key, _document(conn, order))
        recipient = self._recipient(conn, order)
        new = conn.execute(
            "INSERT INTO receipts (order_id, object_key, mailed_to) VALUES (%s, %s, %s) "
            "ON CONFLICT DO NOTHING RETURNING order_id",
            (number, key, recipient),
        ).fetchone()
        if new is None:
            return
        total = money.text(order["amount_minor"], order["currency"])
        self._mail(
            recipient,
            f"Your receipt for order {number}",
            f"Dear {order['name']},\n\nthank you for your order {number}.\n"
            f"We have received {total}.\n\nYour shop\n",
        )

    def _send_refund(self, conn: Connection, number: int) -> None:
        order = _order(conn, number)
        total = money.text(order["refunded_minor"], order["currency"])
        self._mail(
            order["email"],
            f"Your refund for order {number}",
            f"Dear {order['name']},\n\n{total} are on their way back to your card.\n\nYour shop\n",
        )

    def _recipient(self, conn: Connection, order: dict[str, Any]) -> str:
        if not self._settings.has("receipt-to-wrong-customer"):
            return str(order["email"])
        newest = conn.execute("SELECT email FROM customers ORDER BY id DESC LIMIT 1").fetchone()
        assert newest is not None
        return str(newest["email"])

    def _mail(self, recipient: str, subject: str, text: str) -> None:
        mail = EmailMessage()
        mail["From"] = self._settings.mail_from
        mail["To"] = recipient
        mail["Subject"] = subject
        mail.set_content(text)
        host, _, port = self._settings.smtp.rpartition(":")
        with smtplib.SMTP(host, int(port), local_hostname="shop.example", timeout=5) as server:
            server.send_message(mail)


def _order(conn: Connection, number: int) -> dict[str, Any]:
    row = conn.execute(
        "SELECT o.*, c.name, c.email FROM orders o JOIN customers c ON c.id = o.customer_id "
        "WHERE o.id = %s",
        (number,),
    ).fetchone()
    if row is None:
        raise Poison(f"no order {number}")
    return row


def _document(conn: Connection, order: dict[str, Any]) -> dict[str, Any]:
    lines = conn.execute(
        "SELECT l.sku, p.name, l.quantity, l.price_minor AS price "
        "FROM order_lines l JOIN products p ON p.sku = l.sku WHERE l.order_id = %s ORDER BY l.line",
        (order["id"],),
    ).fetchall()
    return {
        "order_id": order["id"],
        "customer": {"name": order["name"], "email": order["email"]},
        "lines": lines,
        "amount": order["amount_minor"],
        "currency": order["currency"],
        "total": money.text(order["amount_minor"], order["currency"]),
    }


def work(settings: Settings, log: Log, stop: threading.Event, checks: dict[str, Check]) -> None:
    Consumer("receipts", settings, log, Receipts(settings).handle).run(stop, checks)


if __name__ == "__main__":
    process.run("receipts", work)

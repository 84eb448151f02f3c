"""The warehouse: packs what is paid, takes back what is refunded."""

from __future__ import annotations

import threading
from typing import Any

from shop import process
from shop.consuming import Consumer, Poison, order_id
from shop.database import Connection
from shop.health import Check
from shop.logs import Log
from shop.relay import producer
from shop.settings import Settings


def handle(conn: Connection, message: dict[str, Any]) -> None:
    if message["type"] == "order.paid":
        _pack(conn, order_id(message))
    elif message["type"] == "order.refunded":
        _take_back(conn, order_id(message))
    # Types of a newer shop are none of the warehouse's business.


def _known(conn: Connection, number: int) -> None:
    if conn.execute("SELECT 1 FROM orders WHERE id = %s", (number,)).fetchone() is None:
        raise Poison(f"no order {number}")


def _pack(conn: Connection, number: int) -> None:
    _known(conn, number)
    conn.execute(
        "INSERT INTO shipments (order_id, status) VALUES (%s, 'packed') ON CONFLICT DO NOTHING",
        (number,),
    )


def _take_back(conn: Connection, number: int) -> None:
    _known(conn, number)
    # A refund can overtake the payment it belongs to: then nothing is ever packed.
    conn.execute(
        "INSERT INTO shipments (order_id, status) VALUES (%s, 'cancelled') "
        "ON CONFLICT (order_id) DO UPDATE SET status = 'cancelled'",
        (number,),
    )
    conn.execute(
        "UPDATE products SET stock = stock + l.quantity FROM order_lines l "
        "WHERE l.order_id = %s AND l.sku = products.sku",
        (number,),
    )


def work(settings: Settings, log: Log, stop: threading.Event, checks: dict[str, Check]) -> None:
    Consumer("inventory", settings, log, handle, producer(settings)).run(stop, checks)


if __name__ == "__main__":
    process.run("inventory", work)

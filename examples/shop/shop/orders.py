"""Orders: what a customer wants, priced and reserved from stock in one transaction."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from psycopg.errors import UniqueViolation

from shop import money
from shop.auth import Customer
from shop.checks import Checks
from shop.database import Connection
from shop.problems import Problem, not_found
from shop.settings import Settings

_MOST_LINES = 50
_MOST_OF_ONE = 1000

_SELECT = """
    SELECT o.*, s.status AS shipment, r.object_key AS receipt
    FROM orders o
    LEFT JOIN shipments s ON s.order_id = o.id
    LEFT JOIN receipts r ON r.order_id = o.id
"""


def place(
    conn: Connection,
    settings: Settings,
    customer: Customer,
    document: dict[str, Any],
    idempotency_key: str | None,
) -> tuple[dict[str, Any], bool]:
    """Place an order; return it and whether it is new: the same key brings the same order again."""
    lines = _read_lines(document)
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    if idempotency_key:
        known = _placed_before(conn, customer, idempotency_key, digest)
        if known:
            return known, False
    try:
        with conn.transaction():
            order_id = _insert(conn, settings, customer, lines, idempotency_key, digest)
    except UniqueViolation:
        # The same request came twice at the same time, and the other one was faster.
        known = _placed_before(conn, customer, idempotency_key or "", digest)
        if known is None:
            raise
        return known, False
    return find(conn, order_id), True


def _read_lines(document: dict[str, Any]) -> dict[str, int]:
    """Return the wanted quantity of each product."""
    checks = Checks(document)
    checks.only("lines")
    lines = document.get("lines")
    wanted: dict[str, int] = {}
    if not isinstance(lines, list) or not 1 <= len(lines) <= _MOST_LINES:
        checks.wrong("/lines", f"must be a list of 1 to {_MOST_LINES} lines")
        lines = []
    for position, line in enumerate(lines):
        pointer = f"/lines/{position}"
        if not isinstance(line, dict):
            checks.wrong(pointer, "must be an object with sku and quantity")
            continue
        sku = line.get("sku")
        if not isinstance(sku, str) or not sku or "\0" in sku:
            checks.wrong(f"{pointer}/sku", "must be the name of a product")
            sku = ""
        elif sku in wanted:
            checks.wrong(f"{pointer}/sku", "is on an earlier line already")
        quantity = checks.whole_value(line.get("quantity"), f"{pointer}/quantity", 1, _MOST_OF_ONE)
        wanted[sku] = quantity
    checks.done()
    return wanted


def _placed_before(
    conn: Connection, customer: Customer, key: str, digest: str
) -> dict[str, Any] | None:
    row = conn.execute(
        "SELECT id, request_digest FROM orders WHERE customer_id = %s AND idempotency_key = %s",
        (customer.id, key),
    ).fetchone()
    if row is None:
        return None
    if row["request_digest"] != digest:
        raise Problem(
            422,
            "idempotency-key-reused",
            "This idempotency key belongs to another request",
            "Use a new key for a new order.",
        )
    return find(conn, row["id"])


def _insert(
    conn: Connection,
    settings: Settings,
    customer: Customer,
    wanted: dict[str, int],
    idempotency_key: str | None,
    digest: str,
) -> int:
    products = _reserve(conn, settings, wanted)
    currencies = {product["currency"] for product in products.values()}
    if len(currencies) > 1:
        raise Problem(422, "mixed-currencies", "One order has one currency")
    amount = sum(products[sku]["price_minor"] * quantity for sku, quantity in wanted.items())
    order = conn.execute(
        "INSERT INTO orders (customer_id, amount_minor, currency, idempotency_key, request_digest) "
        "VALUES (%s, %s, %s, %s, %s) RETURNING id",
        (
            customer.id,
            amount,
            currencies.pop(),
            idempotency_key,
            digest if idempotency_key else None,
        ),
    ).fetchone()
    assert order is not None
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO order_lines (order_id, line, sku, quantity, price_minor) "
            "VALUES (%s, %s, %s, %s, %s)",
            [
                (order["id"], line, sku, quantity, products[sku]["price_minor"])
                for line, (sku, quantity) in enumerate(wanted.items(), start=1)
            ],
        )
    return int(order["id"])


def _reserve(
    conn: Connection, settings: Settings, wanted: dict[str, int]
) -> dict[str, dict[str, Any]]:
    """Take what is wanted from stock, or raise; nobody else can take it meanwhile."""
    oversells = settings.has("oversold-stock")
    # Locked in one order by everybody: two orders of the same products never wait for each other.
    rows = conn.execute(
        "SELECT * FROM products WHERE sku = ANY(%s) ORDER BY sku"
        + ("" if oversells else " FOR UPDATE"),
        (list(wanted),),
    ).fetchall()
    products = {row["sku"]: row for row in rows}
    unknown = [sku for sku in wanted if sku not in products]
    if unknown:
        checks = Checks({})
        for position, sku in enumerate(wanted):
            if sku in unknown:
                checks.wrong(f"/lines/{position}/sku", "is not a product of this shop")
        checks.done()
    short = {sku: products[sku]["stock"] for sku in wanted if products[sku]["stock"] < wanted[sku]}
    if short:
        raise Problem(
            409,
            "out-of-stock",
            "There is not enough in stock",
            ", ".join(f"{sku}: {stock} left" for sku, stock in short.items()),
            available=short,
        )
    if oversells:
        time.sleep(0.05)  # the moment in which another order reads the same stock
    for sku, quantity in wanted.items():
        conn.execute(
            "UPDATE products SET stock = %s WHERE sku = %s",
            (products[sku]["stock"] - quantity, sku),
        )
    return products


def find(conn: Connection, order_id: int, customer: Customer | None = None) -> dict[str, Any]:
    """Return an order as customers see it; another customer's order does not exist for them."""
    row = conn.execute(_SELECT + " WHERE o.id = %s", (order_id,)).fetchone()
    if row is None or (customer is not None and row["customer_id"] != customer.id):
        raise not_found("order")
    lines = conn.execute(
        "SELECT sku, quantity, price_minor AS price FROM order_lines "
        "WHERE order_id = %s ORDER BY line",
        (order_id,),
    ).fetchall()
    return {**shown(row), "lines": lines}


def page(
    conn: Connection, customer: Customer | None, limit: int, after: int
) -> tuple[list[dict[str, Any]], bool]:
    """Return `limit` orders after the order `after`, oldest first, and whether more follow."""
    condition = " WHERE o.id > %(after)s"
    if customer is not None:
        condition += " AND o.customer_id = %(customer)s"
    rows = conn.execute(
        _SELECT + condition + " ORDER BY o.id LIMIT %(limit)s",
        {"after": after, "customer": customer.id if customer else None, "limit": limit + 1},
    ).fetchall()
    return [shown(row) for row in rows[:limit]], len(rows) > limit


def shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "customer_id": row["customer_id"],
        "status": row["status"],
        "amount": row["amount_minor"],
        "refunded": row["refunded_minor"],
        "currency": row["currency"],
        "total": money.text(row["amount_minor"], row["currency"]),
        "shipment": row["shipment"],
        "receipt": row["receipt"],
        "created_at": row["created_at"].isoformat(timespec="milliseconds"),
    }

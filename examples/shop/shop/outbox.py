"""Messages to the outside, written in the transaction of the change they tell of."""

from __future__ import annotations

from datetime import UTC, datetime

from psycopg.types.json import Jsonb

from shop.database import Connection

#: The relay listens here, so that a message waits for nobody's next poll.
CHANNEL = "shop_outbox"


def add(conn: Connection, kind: str, order: dict[str, object], **more: object) -> None:
    """Leave a message about an order; it is published once the transaction has committed."""
    payload = {
        "type": kind,
        "order_id": order["id"],
        "customer_id": order["customer_id"],
        "amount": order["amount_minor"],
        "currency": order["currency"],
        "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **more,
    }
    conn.execute(
        "INSERT INTO outbox (type, key, payload) VALUES (%s, %s, %s)",
        (kind, str(order["id"]), Jsonb(payload)),
    )
    conn.execute(f"NOTIFY {CHANNEL}")

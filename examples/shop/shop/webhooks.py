"""What the payment provider tells by itself: POST /webhooks/stripe.

It tells everything at least once, in no particular order, and anyone may find the address: a
signature is checked first, an event counts once, and an old event cannot undo a newer one.
"""

from __future__ import annotations

import json
from typing import Any

from shop import payments
from shop.database import Connection
from shop.logs import Log
from shop.problems import Problem
from shop.provider import Charge
from shop.settings import Settings


def receive(pool: Any, settings: Settings, log: Log, body: bytes, signature: str) -> dict[str, Any]:
    """Check an event, act on it once, acknowledge it."""
    event = _verified(settings, body, signature)
    with pool.connection() as conn, conn.transaction():
        new = conn.execute(
            "INSERT INTO provider_events (id, type) VALUES (%s, %s) "
            "ON CONFLICT (id) DO NOTHING RETURNING id",
            (event["id"], event["type"]),
        ).fetchone()
        repeats = settings.has("event-processed-twice")
        if new is None and not repeats:
            log.info("event known already", event=event["id"], type=event["type"])
            return {"received": True, "duplicate": True}
        handled = _act(conn, event, again=new is None)
    log.info("event received", event=event["id"], type=event["type"], handled=handled)
    return {"received": True, "handled": handled}


def _verified(settings: Settings, body: bytes, signature: str) -> dict[str, Any]:
    import stripe

    if not settings.has("signature-not-checked"):
        try:
            stripe.WebhookSignature.verify_header(
                body, signature, settings.stripe_webhook_secret, tolerance=300
            )
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            raise Problem(400, "bad-signature", "This event is not signed by Stripe") from None
    try:
        event = json.loads(body)
    except ValueError:
        event = None
    if (
        not isinstance(event, dict)
        or not isinstance(event.get("id"), str)
        or not isinstance(event.get("type"), str)
    ):
        raise Problem(400, "not-an-event", "The body is not an event")
    return event


def _act(conn: Connection, event: dict[str, Any], *, again: bool) -> bool:
    """Do what an event asks for; say whether it was one that this shop cares about."""
    subject = event.get("data", {}).get("object", {})
    if event["type"] == "payment_intent.succeeded":
        charge = Charge("succeeded", subject["id"])
    elif event["type"] == "payment_intent.payment_failed":
        error = subject.get("last_payment_error") or {}
        charge = Charge(
            "declined", subject["id"], None, error.get("decline_code") or error.get("code")
        )
    elif event["type"] == "charge.refunded":
        return _refunded(conn, subject)
    else:
        return False
    order = _order_of(conn, subject["id"], subject.get("metadata") or {})
    if order is None:
        return False
    payment = _payment_of(conn, order["id"], subject["id"])
    if payment is None:
        return False
    payments.settle(conn, order, payment["id"], charge, again=again)
    return True


def _refunded(conn: Connection, charge: dict[str, Any]) -> bool:
    order = _order_of(conn, str(charge.get("payment_intent")), charge.get("metadata") or {})
    if order is None:
        return False
    refunds = (charge.get("refunds") or {}).get("data") or [{"id": f"{charge['id']}-refund"}]
    payments.settle_refund(conn, order, int(charge["amount_refunded"]), refunds[0]["id"])
    return True


def _order_of(
    conn: Connection, provider_id: str, metadata: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the locked order: by the payment's name, or by what we told the provider of it."""
    row = conn.execute(
        "SELECT order_id FROM payments WHERE provider_id = %s", (provider_id,)
    ).fetchone()
    order_id = row["order_id"] if row else metadata.get("order_id")
    # The answer that held the payment's name may have been lost; the event brings the metadata.
    if order_id is None or not str(order_id).isdigit():
        return None
    try:
        return payments.locked(conn, int(order_id))
    except Problem:
        return None


def _payment_of(conn: Connection, order_id: int, provider_id: str) -> dict[str, Any] | None:
    return conn.execute(
        "SELECT id FROM payments WHERE order_id = %s AND (provider_id = %s OR provider_id IS NULL) "
        "ORDER BY provider_id = %s DESC NULLS LAST, attempt DESC LIMIT 1",
        (order_id, provider_id, provider_id),
    ).fetchone()

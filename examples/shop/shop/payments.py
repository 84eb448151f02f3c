"""Payments: what becomes of an order when a card is charged, by answer or by webhook.

    awaiting payment --declined--> payment failed --succeeded--> paid --refunded--> refunded
           \\______________________succeeded_____________________/

A state never goes back. Whoever brings the news second (answer, webhook, repetition) finds
it known already, and nothing is told twice.
"""

from __future__ import annotations

from typing import Any

from shop import outbox
from shop.auth import Customer
from shop.database import Connection
from shop.problems import Problem, not_found
from shop.provider import Charge, Provider, ProviderUnavailable

_CHARGEABLE = ("awaiting payment", "payment failed")
_SETTLED = ("succeeded", "requires action", "declined")


def pay(
    pool: Any, provider: Provider, customer: Customer, order_id: int, method: str
) -> dict[str, Any]:
    """Charge the order to a card; return the payment. Safe to repeat until there is an answer."""
    with pool.connection() as conn, conn.transaction():
        order = locked(conn, order_id, customer)
        if order["status"] == "paid":
            return shown(_newest(conn, order_id), order)
        if order["status"] not in _CHARGEABLE:
            raise Problem(409, "not-payable", f"This order is {order['status']}")
        payment = _attempt(conn, order_id, method)
    if payment["status"] == "requires action":
        return shown(payment, order)
    # No transaction is open while the provider takes its time.
    return _settle(
        pool,
        order_id,
        payment["id"],
        lambda: provider.charge(order, payment["payment_method"], payment["idempotency_key"]),
    )


def confirm(pool: Any, provider: Provider, customer: Customer, order_id: int) -> dict[str, Any]:
    """Finish a payment for which the customer had to go to the bank."""
    with pool.connection() as conn, conn.transaction():
        order = locked(conn, order_id, customer)
        payment = _newest(conn, order_id)
        if order["status"] == "paid":
            return shown(payment, order)
        if payment is None or payment["status"] != "requires action":
            raise Problem(409, "nothing-to-confirm", "No payment of this order waits for the bank")
    return _settle(
        pool,
        order_id,
        payment["id"],
        lambda: provider.confirm(payment["provider_id"], payment["idempotency_key"]),
    )


def refund(pool: Any, provider: Provider, order_id: int, amount: int | None) -> dict[str, Any]:
    """Give back an amount, or all that is left of it; return the refund."""
    with pool.connection() as conn, conn.transaction():
        order = locked(conn, order_id)
        left = order["amount_minor"] - order["refunded_minor"]
        wanted = left if amount is None else amount
        if order["status"] != "paid":
            raise Problem(409, "not-refundable", f"This order is {order['status']}")
        if wanted > left:
            raise Problem(
                422,
                "refund-too-large",
                "More than what was paid cannot be refunded",
                refundable=left,
            )
        payment = _newest(conn, order_id)
    # The same refund asked for twice at once has one key; one that follows another has its own.
    key = f"order-{order_id}-refund-{order['refunded_minor']}-{wanted}"
    try:
        provider_id = provider.refund(payment["provider_id"], wanted, key)
    except ProviderUnavailable:
        raise _try_again("The refund was not made") from None
    with pool.connection() as conn, conn.transaction():
        # The provider may have told by webhook already, in less time than it took to answer.
        before = order["refunded_minor"]
        settle_refund(conn, locked(conn, order_id), before + wanted, provider_id)
        return {"id": provider_id, "order_id": order_id, "amount": wanted, "status": "succeeded"}


def _attempt(conn: Connection, order_id: int, method: str) -> dict[str, Any]:
    """Return the attempt whose outcome is not known yet, or a new one."""
    newest = _newest(conn, order_id)
    if newest is not None and newest["status"] != "declined":
        return newest
    number = newest["attempt"] + 1 if newest else 1
    payment = conn.execute(
        "INSERT INTO payments (order_id, attempt, payment_method, idempotency_key) "
        "VALUES (%s, %s, %s, %s) RETURNING *",
        (order_id, number, method, f"order-{order_id}-payment-{number}"),
    ).fetchone()
    assert payment is not None
    return payment


def _settle(pool: Any, order_id: int, payment_id: int, ask: Any) -> dict[str, Any]:
    """Ask the provider, write down what came of it and tell the customer."""
    try:
        charge = ask()
    except ProviderUnavailable:
        raise _try_again("The payment service does not answer") from None
    with pool.connection() as conn, conn.transaction():
        order = locked(conn, order_id)
        payment = settle(conn, order, payment_id, charge)
    if charge.status == "declined":
        raise Problem(
            402,
            "payment-declined",
            "The payment was declined",
            charge.message,
            decline_code=charge.decline_code,
            order_id=order_id,
        )
    return shown(payment, order)


def _try_again(title: str) -> Problem:
    return Problem(
        503,
        "payment-service-unavailable",
        title,
        "Please try again in a moment. You will not be charged twice.",
        headers={"Retry-After": "1"},
    )


def settle(
    conn: Connection, order: dict[str, Any], payment_id: int, charge: Charge, *, again: bool = False
) -> dict[str, Any]:
    """Write down what the provider says of a payment; the order is locked. Returns the payment.

    `again` tells the news even if it is known.
    """
    status = (
        charge.status
        if charge.status in ("succeeded", "requires action", "declined")
        else "started"
    )
    known = conn.execute("SELECT status FROM payments WHERE id = %s", (payment_id,)).fetchone()
    assert known is not None
    is_news = again or known["status"] in ("started", "requires action")
    payment = conn.execute(
        # What has succeeded stays so, whatever arrives later about an earlier moment.
        "UPDATE payments SET status = CASE WHEN status = 'succeeded' THEN status ELSE %s END, "
        "provider_id = coalesce(provider_id, %s), redirect_url = %s, decline_code = %s "
        "WHERE id = %s RETURNING *",
        (status, charge.provider_id, charge.redirect_url, charge.decline_code, payment_id),
    ).fetchone()
    assert payment is not None
    if charge.status == "succeeded" and (again or order["status"] in _CHARGEABLE):
        _set_status(conn, order, "paid")
        outbox.add(conn, "order.paid", order)
    elif charge.status == "declined" and is_news and order["status"] in _CHARGEABLE:
        _set_status(conn, order, "payment failed")
        outbox.add(conn, "payment.failed", order, reason=charge.decline_code)
    return payment


def settle_refund(conn: Connection, order: dict[str, Any], refunded: int, provider_id: str) -> None:
    """Write down that `refunded` of an order has been given back in total; the order is locked."""
    more = min(refunded, order["amount_minor"]) - order["refunded_minor"]
    if more > 0:
        _record_refund(conn, order, more, provider_id)


def _record_refund(conn: Connection, order: dict[str, Any], amount: int, provider_id: str) -> None:
    new = conn.execute(
        "INSERT INTO refunds (order_id, amount_minor, provider_id) VALUES (%s, %s, %s) "
        "ON CONFLICT (provider_id) DO NOTHING RETURNING id",
        (order["id"], amount, provider_id),
    ).fetchone()
    if new is None:
        return
    refunded = order["refunded_minor"] + amount
    conn.execute("UPDATE orders SET refunded_minor = %s WHERE id = %s", (refunded, order["id"]))
    if refunded == order["amount_minor"]:
        _set_status(conn, order, "refunded")
        outbox.add(conn, "order.refunded", order)


def _set_status(conn: Connection, order: dict[str, Any], status: str) -> None:
    conn.execute("UPDATE orders SET status = %s WHERE id = %s", (status, order["id"]))
    order["status"] = status


def locked(conn: Connection, order_id: int, customer: Customer | None = None) -> dict[str, Any]:
    """Return the order and keep everybody else from changing it until the transaction ends."""
    order = conn.execute("SELECT * FROM orders WHERE id = %s FOR UPDATE", (order_id,)).fetchone()
    if order is None or (customer is not None and order["customer_id"] != customer.id):
        raise not_found("order")
    return order


def _newest(conn: Connection, order_id: int) -> dict[str, Any] | None:
    return conn.execute(
        "SELECT * FROM payments WHERE order_id = %s ORDER BY attempt DESC LIMIT 1", (order_id,)
    ).fetchone()


def shown(payment: dict[str, Any] | None, order: dict[str, Any]) -> dict[str, Any]:
    assert payment is not None
    return {
        "id": payment["id"],
        "order_id": order["id"],
        "status": payment["status"],
        "amount": order["amount_minor"],
        "currency": order["currency"],
        "redirect_url": payment["redirect_url"] if payment["status"] == "requires action" else None,
    }

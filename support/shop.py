"""What the suite does with the shop, in the shop's own words; the phrases in steps/ are made of it.

A scenario has people. Each is remembered by name, the newest one as "customer" too, with the order
that is theirs: `${customer.email}`, `${Grace.order.id}`, `${order.id}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from avow.core.entries import Entry
from avow.core.errors import CannotTell
from avow.core.waiting import until
from avow.world import World
from avow.world.memory import json_of
from support.money import Money
from support.words import THE_CUSTOMER

CARD = {"payment_method": "pm_card_visa"}


def new_customer(world: World, name: str = THE_CUSTOMER) -> dict[str, Any]:
    """Make a customer account; staff does that."""
    person = {
        "name": world.random.value("name") if name == THE_CUSTOMER else name,
        "email": world.random.value("email"),
    }
    made = world.http["shop"].send("POST", "/admin/customers", json=person, auth="admin")
    customer = expect(world, made, 201, "open an account")
    remember(world, name, customer)
    return customer


def new_product(world: World, price: Money, *, stock: int = 100, name: str = "A lamp") -> str:
    """Put a product on sale; return its SKU."""
    sku = f"sku-{world.random.value('hex:10')}"
    product = {"name": name, "price": price.minor, "currency": price.currency, "stock": stock}
    made = world.http["shop"].send("PUT", f"/admin/products/{sku}", json=product, auth="admin")
    world.memory.remember("product", expect(world, made, 200, "put a product on sale"))
    return sku


def order(world: World, name: str, lines: Sequence[dict[str, Any]], **options: Any) -> Entry:
    """Order as a customer would; return the exchange, whatever came of it."""
    return send(world, name, "POST", "/orders", json={"lines": list(lines)}, **options)


def place_order(world: World, name: str, price: Money) -> dict[str, Any]:
    """Place an order of one product that costs `price`."""
    lines = [{"sku": new_product(world, price), "quantity": 1}]
    placed = expect(world, order(world, name, lines), 201, "place an order")
    remember_order(world, name, placed)
    return placed


def pay(world: World, name: str) -> Entry:
    """Pay the customer's order by card; return the exchange, whatever came of it."""
    return send(world, name, "POST", f"/orders/{order_id(world, name)}/payments", json=CARD)


def send(world: World, name: str, method: str, path: str, **options: Any) -> Entry:
    """Send a request as a customer; the answer is "the response" from now on."""
    sent = world.http["shop"].send(method, path, headers=key_of(world, name, options), **options)
    world.memory.see("response", sent)
    return sent


def key_of(world: World, name: str, options: dict[str, Any] | None = None) -> dict[str, str]:
    """Return the headers that say who asks."""
    more = options.pop("headers", {}) if options else {}
    return {"Authorization": f"Bearer {person(world, name)['api_key']}", **more}


def person(world: World, name: str) -> dict[str, Any]:
    customer: dict[str, Any] = world.memory.recall("customer" if name == THE_CUSTOMER else name)
    return customer


def order_id(world: World, name: str = THE_CUSTOMER) -> int:
    return int(person(world, name)["order"]["id"])


def show_order(world: World, name: str = THE_CUSTOMER) -> dict[str, Any]:
    """Look at the order as its customer sees it now."""
    path = f"/orders/{order_id(world, name)}"
    headers = key_of(world, name)
    seen = world.http["shop"].send("GET", path, headers=headers, as_look=True)
    return expect(world, seen, 200, "show an order")


def wait_until_done(world: World, name: str) -> None:
    """Return when all that follows from a payment has happened: packed, archived and mailed."""

    def is_done() -> bool:
        shown = show_order(world, name)
        return bool(shown["shipment"] and shown["receipt"])

    waited = until(is_done, 10.0)
    assert waited.holds, (
        f"a paid order was not packed or has no receipt after {waited.seconds:.0f} s"
    )
    world.collect()


def wait_until_taken_back(world: World) -> None:
    """Return when all that follows from a refund has happened: taken back, and told by mail."""
    subject = f"Your refund for order {order_id(world)}"

    def is_told() -> bool:
        mails = world.find("mail.received", "mail")
        return any(mail.data["subject"] == subject for mail in mails)

    waited = until(lambda: is_told() and show_order(world)["shipment"] == "cancelled", 10.0)
    assert waited.holds, f"a refund is not finished {waited.seconds:.0f} s later"
    world.collect()


def remember(world: World, name: str, customer: dict[str, Any]) -> None:
    if name != THE_CUSTOMER:
        world.memory.remember(name, customer)
    world.memory.remember("customer", customer)


def remember_order(world: World, name: str, placed: dict[str, Any]) -> None:
    person(world, name)["order"] = placed
    world.memory.remember("order", placed)


def answer_of(exchange: Entry) -> tuple[int, Any]:
    """Return the status (0: no answer came) and the document of an answer."""
    response = exchange.data["response"]
    return (response["status"] if response else 0), json_of(exchange.bodies.get("response"))


def expect(world: World, exchange: Entry, status: int, what: str) -> Any:
    """Return the answer's document; says what the shop would not do otherwise."""
    seen, document = answer_of(exchange)
    if seen != status:
        told = f"it answered {seen or 'nothing'}, {document}"
        raise CannotTell(f"the shop did not {what}: {told}")
    return document

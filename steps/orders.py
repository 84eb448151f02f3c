"""Ordering, and what a customer can tell of it."""

from __future__ import annotations

import json
from typing import Any

from support import shop
from support.money import Money

from avow.core.entries import Entry
from avow.core.errors import ScenarioFailure
from avow.core.text import plural
from avow.gherkin import Table, given, then, when
from avow.world import World


@given("these products:")
def these_products(world: World, *, table: Table) -> None:
    for row in table.only("product", "price", "stock", needs=("product", "price")):
        stock = int(row.get("stock", "100"))
        sku = shop.new_product(world, Money.parse(row["price"]), stock=stock, name=row["product"])
        world.memory.remember(f"sku of {row['product']}", sku)


@given("{customer} has placed {int} orders")
def has_placed_orders(world: World, name: str, count: int) -> None:
    sku = shop.new_product(world, Money(1000, "EUR"))
    for _ in range(count):
        placed = shop.order(world, name, [{"sku": sku, "quantity": 1}])
        shop.remember_order(world, name, shop.expect(world, placed, 201, "place an order"))


@when("{customer} orders:")
def orders(world: World, name: str, *, table: Table) -> None:
    lines = [
        {"sku": _sku(world, row["product"]), "quantity": _value(row["quantity"])}
        for row in table.only("product", "quantity", needs=("product", "quantity"))
    ]
    _order(world, name, lines)


@when("{customer} orders {int} of {string}")
def orders_some(world: World, name: str, quantity: int, product: str) -> None:
    _order(world, name, [{"sku": _sku(world, product), "quantity": quantity}])


@given("{customer} has ordered {int} of {string} with the key {string}")
@when("{customer} orders {int} of {string} with the key {string}")
def orders_with_key(world: World, name: str, quantity: int, product: str, key: str) -> None:
    lines = [{"sku": _sku(world, product), "quantity": quantity}]
    _order(world, name, lines, headers={"Idempotency-Key": key})


@when("{int} customers order {int} of {string} at the same moment")
def order_together(world: World, count: int, quantity: int, product: str) -> None:
    document = {"lines": [{"sku": _sku(world, product), "quantity": quantity}]}
    names = [f"customer {number}" for number in range(1, count + 1)]
    for name in names:
        shop.new_customer(world, name)
    channel = world.http["shop"]
    answers = channel.send_together(
        channel.call("POST", "/orders", json=document, headers=shop.key_of(world, name))
        for name in names
    )
    world.memory.remember("answers", [shop.answer_of(answer) for answer in answers])


@when("{customer} sends this instead of an order:")
def sends_this(world: World, name: str, *, document: Any) -> None:
    headers = {"Content-Type": "application/json"}
    shop.send(world, name, "POST", "/orders", text=document.text, headers=headers)


@when("{customer} reads all their orders, {int} a page")
def reads_all_orders(world: World, name: str, size: int) -> None:
    pages: list[list[int]] = []
    path: str | None = f"/orders?limit={size}"
    while path:
        page = shop.expect(world, shop.send(world, name, "GET", path), 200, "list orders")
        pages.append([order["id"] for order in page["data"]])
        path = page["next"]
    world.memory.remember("pages", pages)


@when("{customer} asks for pages of {int} orders")
def asks_for_pages(world: World, name: str, size: int) -> None:
    shop.send(world, name, "GET", f"/orders?limit={size}")


@then("the order is placed")
def order_is_placed(world: World) -> None:
    status, document = _answer(world)
    assert status == 201, _told(status, document)


@then("it is the order that was placed before")
def is_the_same_order(world: World) -> None:
    status, document = _answer(world)
    before = world.memory.recall("order before")
    assert (status, document.get("id")) == (200, before["id"]), _told(status, document)


@then("the order is refused: {string}")
@then("the request is refused: {string}")
def order_is_refused(world: World, title: str) -> None:
    status, document = _answer(world)
    refused = document.get("title") if 400 <= status < 500 else None
    assert refused == title, _told(status, document)


@then("the order/request is refused because of:")
def order_is_refused_because(world: World, *, table: Table) -> None:
    status, document = _answer(world)
    wanted = [(row["place"], row["reason"]) for row in table.only("place", "reason")]
    seen = [(error["pointer"], error["detail"]) for error in document.get("errors", [])]
    assert (status, seen) == (422, wanted), _told(status, document)


@then("{customer}'s order is {string}")
def order_of_is(world: World, name: str, wanted: str) -> None:
    seen = shop.show_order(world, name)["status"]
    if seen != wanted:
        # Nothing that happens later brings a refunded order back.
        raise ScenarioFailure(f'the order is "{seen}", not "{wanted}"', terminal=seen == "refunded")


@then("the order is {string}")
def order_is(world: World, wanted: str) -> None:
    order_of_is(world, shop.THE_CUSTOMER, wanted)


@then("the order costs {money}")
def order_costs(world: World, wanted: Money) -> None:
    seen = shop.show_order(world)
    assert Money(seen["amount"], seen["currency"]) == wanted, f"the order costs {seen['total']}"


@then("{money} of the order are refunded")
def are_refunded(world: World, wanted: Money) -> None:
    shown = shop.show_order(world)
    seen = Money(shown["refunded"], shown["currency"])
    assert seen == wanted, f"{seen} of the order are refunded, not {wanted}"


@then("{int} of {string} are left")
def are_left(world: World, wanted: int, product: str) -> None:
    seen = _stock(world, _sku(world, product))
    assert seen == wanted, f"{seen} of {product!r} are left, not {wanted}"


@then("{int} of the product are left")
def of_the_product_are_left(world: World, wanted: int) -> None:
    seen = _stock(world, world.memory.recall("product")["sku"])
    assert seen == wanted, f"{seen} of the product are left, not {wanted}"


@then("exactly {int} of them get(s) an order")
def exactly_some_get_one(world: World, wanted: int) -> None:
    answers = world.memory.recall("answers")
    seen = sum(status == 201 for status, _ in answers)
    assert seen == wanted, f"{plural(seen, 'order')} were placed, not {wanted}"


@then("the others are told that it is sold out")
def others_are_told(world: World) -> None:
    others = [told for status, told in world.memory.recall("answers") if status != 201]
    assert others, "everybody got an order"
    wrong = [told for told in others if told.get("title") != "There is not enough in stock"]
    assert not wrong, f"they were told {wrong}"


@then("they see each of the {int} orders once, oldest first")
def see_each_once(world: World, wanted: int) -> None:
    seen = [number for page in world.memory.recall("pages") for number in page]
    assert len(seen) == wanted, f"they saw {plural(len(seen), 'order')}, not {wanted}"
    assert seen == sorted(set(seen)), f"they saw the orders {seen}"


@then("the number of pages is {int}")
def number_of_pages(world: World, wanted: int) -> None:
    sizes = [len(page) for page in world.memory.recall("pages")]
    assert len(sizes) == wanted, f"there are {plural(len(sizes), 'page')}, of {sizes} orders"


def _order(world: World, name: str, lines: list[dict[str, Any]], **options: Any) -> None:
    status, document = shop.answer_of(shop.order(world, name, lines, **options))
    if status == 201:
        shop.remember_order(world, name, document)
        world.memory.remember("order before", document)


def _sku(world: World, product: str) -> str:
    """Return the SKU of a product that the scenario knows; of another one, a name nobody has."""
    return world.memory.values.get(f"sku of {product}", product)


def _value(cell: str) -> Any:
    """Return a cell as what a program could send: a number, else the text."""
    try:
        return json.loads(cell)
    except ValueError:
        return cell


def _stock(world: World, sku: str) -> int:
    seen = world.http["shop"].send("GET", f"/products/{sku}", as_look=True)
    return int(shop.expect(world, seen, 200, "show a product")["stock"])


def _answer(world: World) -> tuple[int, dict[str, Any]]:
    exchange: Entry = world.memory.entry("response")
    world.claim(exchange)
    status, document = shop.answer_of(exchange)
    return status, document if isinstance(document, dict) else {}


def _told(status: int, document: dict[str, Any]) -> str:
    return f"the shop answered {status or 'nothing'}: {json.dumps(document, ensure_ascii=False)}"

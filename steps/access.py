"""Who may do what."""

from __future__ import annotations

from support import shop, tokens

from avow.gherkin import parameter_type, then, when
from avow.world import World

_STAFF = {"aud": "shop-admin", "sub": "admin", "scope": "orders:read orders:write"}

parameter_type("staff", "admin|auditor", str)


def _expired(world: World) -> str:
    key = world.secret("SHOP_JWT").reveal()
    return tokens.signed({**_STAFF, "exp": int(world.now().timestamp()) - 60}, key)


def _of_another_shop(world: World) -> str:
    return tokens.signed({**_STAFF, "exp": int(world.now().timestamp()) + 60}, "k" * 32)


def _unsigned(world: World) -> str:
    return tokens.unsigned({**_STAFF, "exp": int(world.now().timestamp()) + 60})


_TOKENS = {
    "has expired": _expired,
    "another shop has signed": _of_another_shop,
    "nobody has signed": _unsigned,
}
parameter_type("token", "|".join(_TOKENS), _TOKENS.__getitem__)


@when("somebody without a key asks for the order")
def asks_without_key(world: World) -> None:
    _ask(world, f"/orders/{shop.order_id(world)}")


@when("somebody with a made-up key asks for the order")
def asks_with_made_up_key(world: World) -> None:
    key = f"shop_key_{world.random.value('hex:32')}"
    _ask(world, f"/orders/{shop.order_id(world)}", headers=_bearer(key))


@when("{customer} asks for {customer}'s order")
def asks_for_an_order_of(world: World, name: str, other: str) -> None:
    shop.send(world, name, "GET", f"/orders/{shop.order_id(world, other)}")


@when("{customer} pays {customer}'s order by card")
def pays_an_order_of(world: World, name: str, other: str) -> None:
    path = f"/orders/{shop.order_id(world, other)}/payments"
    shop.send(world, name, "POST", path, json=shop.CARD)


@when("the {staff} lists the orders of all customers")
def staff_lists_orders(world: World, client: str) -> None:
    _ask(world, "/admin/orders", auth=client)


@when("{customer} lists the orders of all customers")
def customer_lists_orders(world: World, name: str) -> None:
    shop.send(world, name, "GET", "/admin/orders")


@when("the auditor refunds the order")
def auditor_refunds(world: World) -> None:
    path = f"/admin/orders/{shop.order_id(world)}/refunds"
    answer = world.http["shop"].send("POST", path, json={}, auth="auditor")
    world.memory.see("response", answer)


@when("somebody lists the orders of all customers with a token that {token}")
def lists_with_token(world: World, token: str) -> None:
    _ask(world, "/admin/orders", headers=_bearer(token(world)))


@then("they are asked who they are")
def are_asked_who_they_are(world: World) -> None:
    exchange = world.memory.entry("response")
    names = [name.lower() for name, _ in exchange.data["response"]["headers"]]
    assert _status(world) == 401, _told(world)
    assert "www-authenticate" in names, "the shop does not say how to prove it"


@then("they are told that they may not do this")
def may_not_do_this(world: World) -> None:
    assert _status(world) == 403, _told(world)


@then("there is no such order for them")
def no_such_order(world: World) -> None:
    assert _status(world) == 404, _told(world)


@then("they see {customer}'s order")
def they_see_the_order(world: World, name: str) -> None:
    status, document = shop.answer_of(world.memory.entry("response"))
    seen = [order["id"] for order in document.get("data", [])] if status == 200 else []
    assert shop.order_id(world, name) in seen, _told(world)


def _ask(world: World, path: str, **options: object) -> None:
    world.memory.see("response", world.http["shop"].send("GET", path, **options))


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _status(world: World) -> int:
    exchange = world.memory.entry("response")
    world.claim(exchange)
    return shop.answer_of(exchange)[0]


def _told(world: World) -> str:
    status, document = shop.answer_of(world.memory.entry("response"))
    return f"the shop answered {status or 'nothing'}: {document}"

"""The warehouse: what it packs, and what becomes of messages that come twice or make no sense."""

from __future__ import annotations

from support import shop

from avow.core.entries import Entry
from avow.core.waiting import until
from avow.gherkin import Document, given, then, when
from avow.world import World
from avow.world.memory import plain_value

_SHIPMENTS = {"packed": "packed", "cancelled": "cancelled", "not packed": None}


@given("a message that makes no sense has arrived on {string}")
def nonsense_has_arrived(world: World, topic: str) -> None:
    _publish(world, topic, "pack everything")
    waited = until(lambda: is_put_aside(world, "not JSON"), 10.0)
    assert waited.holds, f"nobody put it aside: {waited.error}"


@when("the message {string} of the order is delivered again")
def is_delivered_again(world: World, kind: str) -> None:
    _deliver(world, _message(world, kind))


@when("the message {string} of the order is delivered {int} more times")
def is_delivered_more_times(world: World, kind: str, times: int) -> None:
    for _ in range(times):
        _deliver(world, _message(world, kind))


@when("this message arrives on {string}:")
def this_message_arrives(world: World, topic: str, *, document: Document) -> None:
    _publish(world, topic, document.text)


@then("the order is packed")
@then("{customer}'s order is packed")
def is_packed(world: World, name: str = shop.THE_CUSTOMER) -> None:
    _shipment_is(world, name, "packed")


@then("the shipment is {string}")
def shipment_is(world: World, wanted: str) -> None:
    _shipment_is(world, shop.THE_CUSTOMER, wanted)


@then("the message is put aside as {string}")
def is_put_aside(world: World, reason: str) -> None:
    sent = world.memory.entry("message").bodies["value"].raw
    dead = world.find("message.seen", "orders", where=_is_on("orders.dead-letter"))
    found = [entry for entry in dead if entry.bodies["value"].raw == sent]
    world.claim(*found)
    seen = [entry.data["headers"].get("reason") for entry in found]
    assert seen == [reason], f"the message was put aside as {seen or 'nothing'}, not as {reason!r}"


def _publish(world: World, topic: str, text: str) -> None:
    """Publish with a key that no other scenario has: what comes of it is this one's."""
    sent = world.messages["orders"].publish(topic, text, key=world.random.uuid())
    world.memory.see("message", sent)


def _message(world: World, kind: str) -> Entry:
    """Return the message of a kind about the scenario's order, as it went over the broker."""
    for entry in world.find("message.seen", "orders"):
        document = plain_value(entry)
        if document.get("type") == kind and document.get("order_id") == shop.order_id(world):
            return entry
    raise AssertionError(f"there was no message {kind!r} about the order")


def _deliver(world: World, message: Entry) -> None:
    value = message.bodies["value"].raw
    world.messages["orders"].publish(message.data["topic"], value, key=message.data["key"])


def _is_on(topic: str):
    return lambda entry: entry.data["topic"] == topic


def _shipment_is(world: World, name: str, wanted: str) -> None:
    seen = shop.show_order(world, name)["shipment"]
    assert seen == _SHIPMENTS[wanted], f"the shipment is {seen or 'not packed'}, not {wanted}"

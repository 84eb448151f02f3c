"""Receipts: what is in the archive, and what comes by mail, to whom."""

from __future__ import annotations

from support import shop
from support.money import Money

from avow.core.entries import Entry
from avow.gherkin import then
from avow.world import World
from avow.world.memory import json_of


@then("a receipt for the order is stored in {string}")
def receipt_is_stored(world: World, bucket: str) -> None:
    key = f"orders/{shop.order_id(world)}.json"
    stored = world.find("object.stored", bucket)
    found = [entry for entry in stored if entry.data["key"] == key]
    assert len(found) == 1, f"{bucket} holds {_keys(stored)}, not {key} once"
    world.claim(*found)
    world.memory.see("object", found[0])


@then("the receipt says {money}")
def receipt_says(world: World, amount: Money) -> None:
    receipt = json_of(world.memory.entry("object").bodies["content"])
    assert receipt["total"] == str(amount), f"the receipt says {receipt['total']}, not {amount}"


@then("the order is on its way, with a receipt")
@then("{customer}'s order is on its way, with a receipt")
def is_on_its_way(world: World, name: str = shop.THE_CUSTOMER) -> None:
    shown = shop.show_order(world, name)
    assert shown["shipment"] == "packed", "the order is not packed"
    assert shown["receipt"], "the order has no receipt"


@then("no receipt is stored")
def no_receipt_is_stored(world: World) -> None:
    stored = world.find("object.stored", "receipts")
    assert not stored, f"receipts holds {_keys(stored)}"


@then("a receipt is mailed to {customer}")
def receipt_is_mailed(world: World, name: str) -> None:
    _one_mail(world, name, f"Your receipt for order {shop.order_id(world, name)}")


@then("a mail tells {customer} that {money} are on their way back")
def refund_is_mailed(world: World, name: str, amount: Money) -> None:
    mail = _one_mail(world, name, f"Your refund for order {shop.order_id(world, name)}")
    text = mail.bodies["text"].text() or ""
    assert f"{amount} are on their way back" in text, f"the mail says {text!r}"


@then("{customer} gets no mail")
def gets_no_mail(world: World, name: str) -> None:
    address = shop.person(world, name)["email"]
    got = [mail for mail in world.find("mail.received", "mail") if address in mail.data["to"]]
    assert not got, f"{name} got {_subjects(got)}"


def _one_mail(world: World, name: str, subject: str) -> Entry:
    """Return the one mail with a subject; it went to this customer and to nobody else."""
    mails = world.find("mail.received", "mail")
    found = [mail for mail in mails if mail.data["subject"] == subject]
    assert len(found) == 1, f"there are {_subjects(mails)}, not one {subject!r}"
    address = shop.person(world, name)["email"]
    to = found[0].data["to"]
    assert to == [address], f"{subject!r} went to {', '.join(to)}, not to {name} ({address})"
    world.claim(*found)
    world.memory.see("mail", found[0])
    return found[0]


def _subjects(mails: list[Entry]) -> str:
    told = [f"{mail.data['subject']!r} to {', '.join(mail.data['to'])}" for mail in mails]
    return " and ".join(told) or "no mails"


def _keys(stored: list[Entry]) -> str:
    return ", ".join(entry.data["key"] for entry in stored) or "nothing"

"""Paying, and what a customer can tell of it."""

from __future__ import annotations

from support import shop, stripe
from support.money import Money

from avow.core.entries import Entry
from avow.core.text import plural
from avow.gherkin import given, then, when
from avow.world import World

_TRIES = 5


@when("{customer} pays by card")
@when("{customer} tries again")
@when("{customer} tries again with another card")
def pays_by_card(world: World, name: str) -> None:
    shop.pay(world, name)


@when("{customer} clicks twice on the button to pay")
def clicks_twice(world: World, name: str) -> None:
    path = f"/orders/{shop.order_id(world, name)}/payments"
    call = world.http["shop"].call("POST", path, json=shop.CARD, headers=shop.key_of(world, name))
    for answer in world.http["shop"].send_together([call, call]):
        world.memory.see("response", answer)


@when("{customer} tries again until an answer comes")
def tries_until_an_answer_comes(world: World, name: str) -> None:
    for _ in range(_TRIES):
        if shop.answer_of(shop.pay(world, name))[0] in (201, 202, 402):
            return


@when("{customer} comes back from the bank")
def comes_back_from_the_bank(world: World, name: str) -> None:
    path = f"/orders/{shop.order_id(world, name)}/payments/confirmation"
    shop.send(world, name, "POST", path)


@given("staff has refunded the order")
def staff_has_refunded(world: World) -> None:
    shop.expect(world, _refund(world, {}), 201, "refund the order")
    shop.wait_until_taken_back(world)


@given("staff has tried to refund the order")
def staff_has_tried_to_refund(world: World) -> None:
    _refund(world, {})
    world.collect()


@when("staff refunds {money} of the order")
def staff_refunds(world: World, amount: Money) -> None:
    _refund(world, {"amount": amount.minor})


@when("staff refunds the order")
@when("staff refunds the order again")
def staff_refunds_the_order(world: World) -> None:
    _refund(world, {})


def _refund(world: World, document: dict[str, int]) -> Entry:
    path = f"/admin/orders/{shop.order_id(world)}/refunds"
    answer = world.http["shop"].send("POST", path, json=document, auth="admin")
    world.memory.see("response", answer)
    return answer


@then("the payment succeeds")
def payment_succeeds(world: World) -> None:
    status, document = _answer(world)
    assert (status, document.get("status")) == (201, "succeeded"), _told(status, document)


@then("the payment is declined as {string}")
def payment_is_declined(world: World, reason: str) -> None:
    status, document = _answer(world)
    assert (status, document.get("decline_code")) == (402, reason), _told(status, document)


@then("the customer is sent to the bank")
def is_sent_to_the_bank(world: World) -> None:
    status, document = _answer(world)
    assert (status, document.get("redirect_url")) == (202, stripe.BANK), _told(status, document)


@then("the customer is asked to try again later, and promised not to pay twice")
def is_asked_to_try_again(world: World) -> None:
    status, document = _answer(world)
    promise = "You will not be charged twice."
    assert status == 503, _told(status, document)
    assert promise in document["detail"], _told(status, document)


@then("the refund is made")
def refund_is_made(world: World) -> None:
    status, document = _answer(world)
    assert status == 201, _told(status, document)


@then("the refund is refused: {string}")
def refund_is_refused(world: World, title: str) -> None:
    status, document = _answer(world)
    refused = document.get("title") if status in (409, 422) else None
    assert refused == title, _told(status, document)


@then("{customer} was charged {money} exactly once")
def was_charged_once(world: World, name: str, amount: Money) -> None:
    seen = [_amount(charge) for charge in _charges_of(world, name)]
    assert seen == [amount], f"{name} was charged {_list(seen)}, not {amount} once"


@then("{customer} was not charged")
def was_not_charged(world: World, name: str) -> None:
    seen = [_amount(charge) for charge in _charges_of(world, name)]
    assert not seen, f"{name} was charged {_list(seen)}"


@then("every try carried the same idempotency key")
def same_key(world: World) -> None:
    world.collect("stripe")
    calls = world.stubs["stripe"].calls(stripe.CHARGE)
    world.claim(*calls)
    keys = {stripe.key_of(call) for call in calls}
    assert len(keys) == 1, (
        f"{plural(len(calls), 'try', 'tries')} carried {plural(len(keys), 'key')}"
    )


@then("{money} were given back exactly once")
def were_given_back(world: World, amount: Money) -> None:
    seen = [Money(refund["amount"], amount.currency) for refund in _numbers(stripe.refunds(world))]
    assert seen == [amount], f"{_list(seen)} were given back, not {amount} once"


@then("nothing was given back")
def nothing_was_given_back(world: World) -> None:
    seen = stripe.refunds(world)
    assert not seen, f"Stripe was asked to give back {seen}"


def _charges_of(world: World, name: str) -> list[dict]:
    number = str(shop.order_id(world, name))
    charges = _numbers(stripe.charges(world))
    return [charge for charge in charges if charge["metadata"]["order_id"] == number]


def _numbers(calls: list[dict]) -> list[dict]:
    """Return what Stripe was asked with the amount as a number: a form knows text alone."""
    return [{**call, "amount": int(call["amount"])} for call in calls]


def _amount(charge: dict) -> Money:
    return Money(charge["amount"], charge["currency"].upper())


def _list(amounts: list[Money]) -> str:
    return " and ".join(map(str, amounts)) or "nothing"


def _answer(world: World) -> tuple[int, dict]:
    exchange: Entry = world.memory.entry("response")
    world.claim(exchange)
    status, document = shop.answer_of(exchange)
    return status, document if isinstance(document, dict) else {}


def _told(status: int, document: dict) -> str:
    shown = document.get("detail") or document.get("title") or document
    return f"the shop answered {status or 'nothing'}: {shown}"

"""What Stripe tells by itself, and what somebody else would like the shop to believe."""

from __future__ import annotations

from typing import Any

from support import shop, stripe
from support.money import Money

from avow.core.entries import Entry
from avow.gherkin import given, parameter_type, then, when
from avow.world import World

#: How a report is signed, in a feature's words.
_SIGNED = {
    "with the secret of somebody else": "wrong",
    "with a signature that is too old": "stale",
    "without a signature": "missing",
}
parameter_type("signature", "|".join(_SIGNED), _SIGNED.__getitem__)


@given("Stripe has reported that the payment succeeded")
def has_reported_success(world: World) -> None:
    reports_success(world)
    shop.wait_until_done(world, shop.THE_CUSTOMER)


@given("Stripe has reported a refund of {money}")
def has_reported_refund(world: World, amount: Money) -> None:
    reports_refund(world, amount)
    shop.wait_until_taken_back(world)


@when("Stripe reports that the payment succeeded")
def reports_success(world: World) -> None:
    _report(world, "payment_intent.succeeded", _payment(world))


@when("Stripe reports that the payment succeeded, {signature}")
def reports_success_signed(world: World, signature: str) -> None:
    _report(world, "payment_intent.succeeded", _payment(world), signature=signature)


@when("Stripe reports {int} times that the payment succeeded")
def reports_success_times(world: World, times: int) -> None:
    _report(world, "payment_intent.succeeded", _payment(world), times=times)


@when("Stripe reports that the payment failed: {string}")
def reports_failure(world: World, reason: str) -> None:
    error = {"type": "card_error", "code": "card_declined", "decline_code": reason}
    payment = {
        **_payment(world),
        "status": "requires_payment_method",
        "last_payment_error": error,
    }
    _report(world, "payment_intent.payment_failed", payment)


@when("Stripe reports a refund of {money}")
def reports_refund(world: World, amount: Money) -> None:
    payment = _payment(world)
    charge = {
        "id": f"ch_{world.random.value('hex:24')}",
        "object": "charge",
        "payment_intent": payment["id"],
        "amount": payment["amount"],
        "amount_refunded": amount.minor,
        "metadata": payment["metadata"],
    }
    _report(world, "charge.refunded", charge)


@when("Stripe reports something that the shop has no use for")
def reports_something_else(world: World) -> None:
    _report(world, "customer.tax_id.created", {"id": "txi_1", "object": "tax_id"})


@when("Stripe reports a payment that the shop knows nothing of")
def reports_unknown_payment(world: World) -> None:
    unknown = {"id": 0, "amount": 100, "currency": "EUR"}
    _report(world, "payment_intent.succeeded", stripe.payment_of(world, unknown))


@when("Stripe reports the same again")
def reports_again(world: World) -> None:
    world.memory.see("webhook", world.webhooks["stripe"].redeliver())


@when("somebody who has recorded the report sends it again")
def somebody_replays(world: World) -> None:
    world.memory.see("webhook", world.webhooks["stripe"].replay())


@then("the report is acknowledged")
def is_acknowledged(world: World) -> None:
    status, document = _answer(world)
    assert status == 200, f"Stripe was answered {status}: {document}"


@then("the report is not believed")
def is_not_believed(world: World) -> None:
    status, document = _answer(world)
    believed = f"Stripe was answered {status}: {document}"
    assert (status, document.get("title")) == (400, "This event is not signed by Stripe"), believed


def _report(world: World, kind: str, subject: dict[str, Any], **options: Any) -> None:
    world.memory.see("webhook", world.webhooks["stripe"].send(kind, subject, **options))


def _payment(world: World) -> dict[str, Any]:
    payment = stripe.payment_of(world, world.memory.recall("order"))
    return {**payment, "status": "succeeded", "amount_received": payment["amount"]}


def _answer(world: World) -> tuple[int, dict[str, Any]]:
    exchange: Entry = world.memory.entry("webhook")
    world.claim(exchange)
    status, document = shop.answer_of(exchange)
    return status, document if isinstance(document, dict) else {}

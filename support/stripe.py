"""Stripe as this suite stands in for it: its answers and its events, in the shapes of its API.

An answer repeats what it was asked (`${request...}`), so that no scenario has to foresee it. Every
route keeps idempotency keys as Stripe does: the same key is the same charge.
"""

from __future__ import annotations

from typing import Any

from avow.core.entries import Entry
from avow.stubs.calls import request_data
from avow.world import World
from avow.world.memory import json_of

CHARGE = "POST /v1/payment_intents"
CONFIRM = "POST /v1/payment_intents/{id}/confirm"
REFUND = "POST /v1/refunds"
BANK = "https://bank.example/prove-it-is-you"

#: What goes wrong, in a feature's words, and what the stub does then.
TROUBLE: dict[str, dict[str, Any]] = {
    "answers 500": {"status": 500, "body": {"error": {"type": "api_error", "message": "Sorry."}}},
    "answers 429": {
        "status": 429,
        "body": {"error": {"type": "invalid_request_error", "code": "rate_limit"}},
    },
    "does not answer": {"fault": "hang"},
    "resets the connection": {"fault": "reset-after-reading"},
}


def intent(status: str = "succeeded", **more: Any) -> dict[str, Any]:
    """Return a PaymentIntent made of what the request asked for."""
    return {
        "id": "pi_${uuid.hex}",
        "object": "payment_intent",
        "amount": "${request.body.amount:number}",
        "amount_received": "${request.body.amount:number}" if status == "succeeded" else 0,
        "currency": "${request.body.currency}",
        "metadata": "${request.body.metadata}",
        "payment_method": "${request.body.payment_method}",
        "livemode": False,
        "status": status,
        **more,
    }


def accepts() -> list[dict[str, Any]]:
    """Return the routes of a provider that has no reason to refuse anything."""
    refund = {
        "id": "re_${uuid.hex}",
        "object": "refund",
        "amount": "${request.body.amount:number}",
        "payment_intent": "${request.body.payment_intent}",
        "status": "succeeded",
    }
    confirmed = {"id": "${request.path.id}", "object": "payment_intent", "status": "succeeded"}
    return [
        route(CHARGE, intent()),
        route(CONFIRM, confirmed),
        route(REFUND, refund),
    ]


def declines(reason: str) -> dict[str, Any]:
    """Return the route of a bank that does not want to pay; `reason` is a decline code."""
    error = {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": reason,
        "message": f"Your card was declined: {reason.replace('_', ' ')}.",
        "payment_intent": intent("requires_payment_method"),
    }
    return route(CHARGE, {"error": error}, status=402)


def asks_the_bank() -> dict[str, Any]:
    """Return the route of a bank that first wants to see who pays (3-D Secure)."""
    redirect = {"url": BANK, "return_url": "${request.body.return_url}"}
    action = {"type": "redirect_to_url", "redirect_to_url": redirect}
    return route(CHARGE, intent("requires_action", next_action=action))


def route(on: str, body: Any, *, status: int = 200) -> dict[str, Any]:
    return {"on": on, "idempotent": True, "answers": [{"status": status, "body": body}]}


def first(on: str, trouble: dict[str, Any], times: int) -> dict[str, Any]:
    """Return a route that makes trouble so often and then leaves the calls to older routes."""
    return {"on": on, "answers": [trouble] * times, "after": "unmatched"}


def loses_the_answer(on: str, body: Any) -> dict[str, Any]:
    """Return a route that does what it is asked, and whose first answer never arrives."""
    lost = {"fault": "reset-after-processing", "body": body}
    return {"on": on, "idempotent": True, "answers": [lost], "after": "unmatched"}


# -- what Stripe did, read from what it was asked


def charges(world: World) -> list[dict[str, Any]]:
    """Return the charges that cards saw: calls that Stripe acted on, each idempotency key once.

    All calls about charges are claimed: the step that asks answers for them.
    """
    stub = world.stubs["stripe"]
    world.collect("stripe")
    calls = stub.calls(CHARGE)
    confirmed = stub.calls(CONFIRM)
    world.claim(*calls, *confirmed)
    asked = {answer_of(call).get("id"): request_data(call) for call in calls}
    # A confirmation says which payment it is about, and no amount.
    return [
        *_acted_on(calls),
        *(asked[call.data["path"].split("/")[3]] for call in confirmed if is_done(call)),
    ]


def refunds(world: World) -> list[dict[str, Any]]:
    """Return the refunds that Stripe made, and claim all calls about refunds."""
    world.collect("stripe")
    calls = world.stubs["stripe"].calls(REFUND)
    world.claim(*calls)
    return _acted_on(calls)


def _acted_on(calls: list[Entry]) -> list[dict[str, Any]]:
    return list({key_of(call): request_data(call) for call in calls if is_done(call)}.values())


def is_done(call: Entry) -> bool:
    """Say whether Stripe did what it was asked, whether or not its answer arrived."""
    lost = call.data.get("fault") == "reset-after-processing"
    return lost or (answer_of(call).get("status") == "succeeded" and not call.data.get("replayed"))


def answer_of(call: Entry) -> dict[str, Any]:
    answer = json_of(call.bodies.get("response"))
    return answer if isinstance(answer, dict) else {}


def key_of(call: Entry) -> str:
    """Return the idempotency key of a call; a call without one is a charge of its own."""
    for name, value in call.data["headers"]:
        if name.lower() == "idempotency-key":
            return str(value)
    return f"call {call.data['number']}"


# -- what Stripe tells by itself


def payment_of(world: World, order: dict[str, Any]) -> dict[str, Any]:
    """Return the PaymentIntent of an order: the one that Stripe answered with, else one like it."""
    world.collect("stripe")
    for call in reversed(world.stubs["stripe"].calls(CHARGE)):
        answer = answer_of(call)
        if answer.get("metadata") == {"order_id": str(order["id"])}:
            return answer
    return {
        "id": f"pi_{world.random.value('hex:24')}",
        "object": "payment_intent",
        "amount": order["amount"],
        "amount_received": order["amount"],
        "currency": order["currency"].lower(),
        "metadata": {"order_id": str(order["id"])},
        "status": "succeeded",
    }

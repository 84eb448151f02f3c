from __future__ import annotations

import uuid

import pytest
from tests.examples.fake_stripe import FakeStripe, event, signature
from tests.examples.shop_system import WEBHOOK_SECRET, ShopSystem

from avow.core.waiting import until


def send(system: ShopSystem, body: bytes, *, secret: str = WEBHOOK_SECRET, age: int = 0):
    headers = {"Stripe-Signature": signature(body, secret, age=age)}
    return system.http.post("/webhooks/stripe", content=body, headers=headers)


def test_a_paid_order_is_packed_and_has_a_receipt(system: ShopSystem, stripe: FakeStripe):
    customer = system.customer()
    order = system.order(customer)
    answer = system.pay(order, customer)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "succeeded"
    assert [charge["amount"] for charge in stripe.charges] == ["4250"]

    def is_done() -> bool:
        shown = system.show(order, customer)
        return shown["shipment"] == "packed" and shown["receipt"] == f"orders/{order['id']}.json"

    assert until(is_done, 10).holds, system.show(order, customer)
    assert system.show(order, customer)["status"] == "paid"


def test_a_declined_card_says_why_and_another_card_can_pay(system: ShopSystem, stripe: FakeStripe):
    customer = system.customer()
    order = system.order(customer)
    answer = system.pay(order, customer, "declined")
    assert answer.status_code == 402
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["decline_code"] == "insufficient_funds"
    assert system.show(order, customer)["status"] == "payment failed"
    assert system.pay(order, customer).status_code == 201
    assert system.show(order, customer)["status"] == "paid"


@pytest.mark.parametrize("fault", ["500", "429", "reset", "reset-after-commit", "timeout"])
def test_trouble_at_the_provider_never_charges_twice(
    system: ShopSystem, stripe: FakeStripe, fault: str
):
    customer = system.customer()
    order = system.order(customer)
    stripe.faults = [fault] * 3
    refused = system.pay(order, customer)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert system.show(order, customer)["status"] == "awaiting payment"
    assert system.pay(order, customer).status_code == 201
    assert len(stripe.charges) == 1
    assert system.pay(order, customer).status_code == 201
    assert len(stripe.charges) == 1


def test_a_customer_does_not_notice_one_fault(system: ShopSystem, stripe: FakeStripe):
    customer = system.customer()
    stripe.faults = ["reset-after-commit"]
    assert system.pay(system.order(customer), customer).status_code == 201
    assert len(stripe.charges) == 1


def test_the_bank_wants_to_know_who_pays(system: ShopSystem, stripe: FakeStripe):
    customer = system.customer()
    order = system.order(customer)
    waiting = system.pay(order, customer, "3ds")
    assert (waiting.status_code, waiting.json()["status"]) == (202, "requires action")
    assert waiting.json()["redirect_url"] == "https://bank.example/prove"
    assert system.show(order, customer)["status"] == "awaiting payment"
    done = system.http.post(
        f"/orders/{order['id']}/payments/confirmation", headers=customer["headers"]
    )
    assert (done.status_code, done.json()["status"]) == (201, "succeeded")
    assert system.show(order, customer)["status"] == "paid"


def test_a_refund_gives_back_all_or_a_part(system: ShopSystem, stripe: FakeStripe):
    customer = system.customer()
    order = system.order(customer)
    system.pay(order, customer)
    path = f"/admin/orders/{order['id']}/refunds"
    assert system.http.post(path, json={"amount": 250}, headers=system.admin).status_code == 201
    assert system.show(order, customer)["status"] == "paid"
    too_much = system.http.post(path, json={"amount": 4001}, headers=system.admin)
    assert (too_much.status_code, too_much.json()["refundable"]) == (422, 4000)
    assert system.http.post(path, headers=system.admin).json()["amount"] == 4000
    assert [refund["amount"] for refund in stripe.refunds] == ["250", "4000"]
    assert until(lambda: system.show(order, customer)["shipment"] == "cancelled", 10).holds
    assert system.show(order, customer)["status"] == "refunded"
    sku = order["lines"][0]["sku"]
    assert system.http.get(f"/products/{sku}").json()["stock"] == 10
    assert system.http.post(path, headers=system.admin).status_code == 409


def test_a_signed_event_pays_an_order_and_its_repetition_changes_nothing(
    system: ShopSystem, stripe: FakeStripe
):
    customer = system.customer()
    order = system.order(customer)
    stripe.faults = ["reset-after-commit"] * 3
    system.pay(order, customer)
    subject = {"id": f"pi_lost_{order['id']}", "metadata": {"order_id": str(order["id"])}}
    body = event("payment_intent.succeeded", subject, f"evt_{order['id']}")
    assert send(system, body).json() == {"received": True, "handled": True}
    assert system.show(order, customer)["status"] == "paid"
    assert send(system, body).json() == {"received": True, "duplicate": True}


def test_what_is_not_signed_by_the_provider_is_refused(system: ShopSystem, stripe: FakeStripe):
    body = event("payment_intent.succeeded", {"id": "pi_forged"}, "evt_forged")
    other = event("customer.created", {"id": "cus_1"}, f"evt_{uuid.uuid4()}")
    assert send(system, body, secret="whsec_wrong").status_code == 400
    assert send(system, body, age=301).status_code == 400
    assert system.http.post("/webhooks/stripe", content=body).status_code == 400
    assert send(system, b"no json").json()["title"] == "The body is not an event"
    assert send(system, other).json() == {"received": True, "handled": False}


def test_an_old_event_does_not_undo_a_newer_one(system: ShopSystem, stripe: FakeStripe):
    customer = system.customer()
    order = system.order(customer)
    system.pay(order, customer, "3ds")
    metadata = {"order_id": str(order["id"])}
    refunded = {
        "id": f"ch_{order['id']}",
        "payment_intent": "pi_of_another_answer",
        "amount_refunded": 4250,
        "metadata": metadata,
    }
    assert send(system, event("charge.refunded", refunded, f"evt_1_{order['id']}")).is_success
    assert system.show(order, customer)["status"] == "refunded"
    for number, kind in enumerate(("payment_intent.succeeded", "payment_intent.payment_failed")):
        subject = {"id": "pi_of_another_answer", "metadata": metadata}
        assert send(system, event(kind, subject, f"evt_{number}_{order['id']}_late")).is_success
        assert system.show(order, customer)["status"] == "refunded"

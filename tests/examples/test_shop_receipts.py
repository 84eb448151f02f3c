from __future__ import annotations

import json
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.examples.fake_stripe import FakeStripe
from tests.examples.shop_system import ShopSystem

from avow.core.waiting import until


@pytest.fixture(scope="session")
def bucket(backing: dict[str, str]):
    client = boto3.client(
        "s3",
        endpoint_url=backing["AWS_ENDPOINT_URL"],
        aws_access_key_id=backing["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=backing["AWS_SECRET_ACCESS_KEY"],
        region_name=backing["AWS_DEFAULT_REGION"],
    )
    yield client
    client.close()


def mails_to(backing: dict[str, str], address: str) -> list[Any]:
    maildir = Path(backing["MAILDIR"])
    records = [json.loads(line) for line in (maildir / "index.jsonl").read_text().splitlines()]
    return [
        message_from_bytes((maildir / record["file"]).read_bytes(), policy=policy.default)
        for record in records
        if address in record["to"]
    ]


def test_a_receipt_is_stored_and_mailed_to_who_paid(
    system: ShopSystem, stripe: FakeStripe, backing: dict[str, str], bucket: Any
):
    customer, bystander = system.customer(), system.customer()
    order = system.order(customer, price=1999, quantity=2)
    system.pay(order, customer)
    assert until(lambda: bool(system.show(order, customer)["receipt"]), 10).holds
    stored = bucket.get_object(Bucket="receipts", Key=f"orders/{order['id']}.json")
    with stored["Body"] as body:
        receipt = json.loads(body.read())
    assert receipt["total"] == "39.98 EUR"
    assert receipt["customer"]["email"] == customer["email"]
    assert [line["quantity"] for line in receipt["lines"]] == [2]
    (mail,) = mails_to(backing, customer["email"])
    assert mail["Subject"] == f"Your receipt for order {order['id']}"
    assert "We have received 39.98 EUR." in mail.get_content()
    assert mails_to(backing, bystander["email"]) == []


def test_a_refund_is_told_by_mail(system: ShopSystem, stripe: FakeStripe, backing: dict[str, str]):
    customer = system.customer()
    order = system.order(customer)
    system.pay(order, customer)
    system.http.post(f"/admin/orders/{order['id']}/refunds", headers=system.admin)
    assert until(lambda: len(mails_to(backing, customer["email"])) == 2, 10).holds
    refund = mails_to(backing, customer["email"])[1]
    assert refund["Subject"] == f"Your refund for order {order['id']}"
    assert "42.50 EUR are on their way back" in refund.get_content()

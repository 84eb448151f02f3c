from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from tests.examples.shop_system import SECRETS, ShopSystem


def place(system: ShopSystem, customer, document, **headers: str):
    return system.http.post("/orders", json=document, headers={**customer["headers"], **headers})


def test_every_mistake_of_an_order_is_told_at_once(system: ShopSystem):
    customer = system.customer()
    lines = [{"sku": "", "quantity": 1}, {"sku": "lamp", "quantity": 0}, 7]
    answer = place(system, customer, {"lines": lines, "colour": "red"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "/colour",
        "/lines/0/sku",
        "/lines/1/quantity",
        "/lines/2",
    ]


@pytest.mark.parametrize(
    "document",
    [{}, {"lines": []}, {"lines": "two"}, {"lines": [{"sku": "no\0", "quantity": True}]}],
)
def test_an_order_that_is_none_is_refused(system: ShopSystem, document):
    assert place(system, system.customer(), document).status_code == 422


def test_a_body_that_is_no_json_is_refused(system: ShopSystem):
    headers = system.customer()["headers"]
    assert system.http.post("/orders", content=b"{", headers=headers).status_code == 400
    assert system.http.post("/orders", content=b"x" * 1_000_001, headers=headers).status_code == 413


def test_unknown_products_are_named(system: ShopSystem):
    sku = system.product()
    lines = [{"sku": sku, "quantity": 1}, {"sku": "unicorn", "quantity": 1}]
    answer = place(system, system.customer(), {"lines": lines})
    assert answer.json()["errors"] == [
        {"pointer": "/lines/1/sku", "detail": "is not a product of this shop"}
    ]


def test_the_last_item_is_sold_once(system: ShopSystem):
    sku = system.product(stock=1)
    customers = [system.customer() for _ in range(6)]
    document = {"lines": [{"sku": sku, "quantity": 1}]}
    with ThreadPoolExecutor(6) as together:
        answers = list(together.map(lambda one: place(system, one, document), customers))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert system.http.get(f"/products/{sku}").json()["stock"] == 0
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["available"] == {sku: 0}


def test_the_same_key_brings_the_same_order(system: ShopSystem):
    customer, sku = system.customer(), system.product()
    document = {"lines": [{"sku": sku, "quantity": 1}]}
    key = {"Idempotency-Key": "order-1"}
    with ThreadPoolExecutor(4) as together:
        answers = list(together.map(lambda _: place(system, customer, document, **key), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = {"lines": [{"sku": sku, "quantity": 2}]}
    assert place(system, customer, other, **key).json()["type"].endswith("idempotency-key-reused")
    assert place(system, system.customer(), document, **key).status_code == 201


def test_pages_follow_each_other_without_gaps(system: ShopSystem):
    customer, sku = system.customer(), system.product()
    placed = [
        place(system, customer, {"lines": [{"sku": sku, "quantity": 1}]}).json()["id"]
        for _ in range(5)
    ]
    seen, address = [], "/orders?limit=2"
    while address:
        page = system.http.get(address, headers=customer["headers"])
        seen += [order["id"] for order in page.json()["data"]]
        address = page.json()["next"]
        assert ("next" in page.links) == bool(address)
    assert seen == placed
    for query in ("limit=0", "limit=101", "limit=two", "after=-1", "limit=1&after=%E0"):
        assert system.http.get(f"/orders?{query}", headers=customer["headers"]).status_code == 422


def test_an_order_of_somebody_else_does_not_exist(system: ShopSystem):
    order = system.order(system.customer())
    other = system.customer()
    assert system.http.get(f"/orders/{order['id']}", headers=other["headers"]).status_code == 404
    assert system.pay(order, other).status_code == 404
    for name in ("0", "nothing", "9" * 30):
        assert system.http.get(f"/orders/{name}", headers=other["headers"]).status_code == 404


def test_nobody_is_let_in_without_a_key(system: ShopSystem):
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
        answer = system.http.get("/orders", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="shop"'


def test_staff_needs_a_token_and_the_right_one(system: ShopSystem):
    path = "/admin/orders"
    now = int(time.time())
    claims = {"sub": "admin", "aud": "shop-admin", "scope": "orders:read", "exp": now + 60}
    forged = {
        "expired": jwt.encode({**claims, "exp": now - 1}, SECRETS["SHOP_JWT_SECRET"]),
        "another shop": jwt.encode({**claims, "aud": "else"}, SECRETS["SHOP_JWT_SECRET"]),
        "another key": jwt.encode(claims, "k" * 32),
        "unsigned": jwt.encode(claims, None, algorithm="none"),
        "customer": system.customer()["api_key"],
    }
    for token in forged.values():
        answer = system.http.get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
    auditor = {"Authorization": f"Bearer {system.token('auditor', 'auditor-secret')}"}
    assert system.http.get(path, headers=auditor).status_code == 200
    assert system.http.post("/admin/customers", json={}, headers=auditor).status_code == 403
    assert system.http.post("/admin/customers", json={}, headers=system.admin).status_code == 422


def test_a_token_is_for_known_clients(system: ShopSystem):
    form = {"grant_type": "client_credentials"}
    known = system.http.post("/token", data=form, auth=("admin", "admin-secret"))
    assert known.json()["scope"] == "orders:read orders:write"
    for user, secret in (("admin", "wrong"), ("nobody", ""), ("", "")):
        answer = system.http.post("/token", data=form, auth=(user, secret))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert system.http.post("/token", data={"grant_type": "password"}).status_code == 400


def test_what_is_not_there_and_what_cannot_be_done_are_problems(system: ShopSystem):
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("DELETE", "/orders", 405),
        ("GET", "/products/none", 404),
    ):
        answer = system.http.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["instance"] == path


def test_a_mail_address_belongs_to_one_customer(system: ShopSystem):
    email = system.customer()["email"]
    again = system.http.post(
        "/admin/customers", json={"name": "Eve", "email": email}, headers=system.admin
    )
    assert again.status_code == 409

from __future__ import annotations

from typing import Any

import pytest

from avow.core.entries import Body, Entry
from avow.isolation import identifiers

UUID = "6e1f3a52-7c51-4f5e-9d0f-0d6b8a0a2f11"


def entry(data: dict[str, Any], **bodies: str) -> Entry:
    made = {part: Body.of(text) for part, text in bodies.items()}
    return Entry(1, "http.exchange", "shop", "act", 0, 0.0, 0.0, 0.0, "", data, made)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"order {UUID} paid", {UUID}),
        (UUID.upper(), {UUID}),
        ("to ada.lovelace+1@mail.example!", {"ada.lovelace+1@mail.example"}),
        ("pi_3PqL9x2eZvKYlo2C failed", {"pi_3pql9x2ezvkylo2c"}),
        ("Order #17 and order 18", {"order 17", "order 18"}),
        ("/v1/orders/17/lines/3", {"order 17", "line 3"}),
        ("receipts/order-17.pdf", {"order 17"}),
        ("a word, 12 EUR", set()),
        ("", set()),
    ],
)
def test_text(text: str, found: set[str]) -> None:
    assert found <= identifiers.of_text(text)
    if not found:
        assert identifiers.of_text(text) == set()


def test_running_text_is_taken_loosely_or_not() -> None:
    text = "Total 42 for order #17, see /orders/17"
    assert identifiers.of_text(text) == {"total 42", "order 17"}
    assert identifiers.of_text(text, loose=False) == {"order 17"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"order_id": 17}, {"order 17"}),
        ({"orderId": "17"}, {"order 17"}),
        ({"order": {"id": 17}}, {"order 17"}),
        ({"orders": [{"id": 17}]}, {"order 17"}),
        ({"categories": [{"id": 3}]}, {"category 3"}),
        ({"number": 20261120001}, {"20261120001"}),
        ({"amount": 4250, "paid": True, "at": 1763632440}, set()),
        ({"id": 17}, set()),
        ({"note": UUID}, {UUID}),
        ([1, None, True, 2.5], set()),
    ],
)
def test_values(value: Any, found: set[str]) -> None:
    assert identifiers.of_value(value) == found


def test_what_an_id_without_a_name_is_of() -> None:
    request = {"method": "POST", "path": "/v1/orders", "headers": [], "query": {}}
    created = entry(
        {"request": request, "response": {"status": 201, "headers": []}},
        request='{"customer_id": 4}',
        response='{"id": 17}',
    )
    assert identifiers.given(created) == {"customer 4"}
    assert identifiers.answered(created) == {"order 17"}
    message = entry({"topic": "orders", "key": "17", "headers": {}}, value='{"id": 17}')
    assert identifiers.of_entry(message) == {"order 17"}
    rows = entry({"table": "orders", "before": [], "after": [{"id": 17}]})
    assert identifiers.of_entry(rows) == {"order 17"}


def test_headers_count_unless_they_only_say_when_and_how() -> None:
    headers = [
        ["Idempotency-Key", UUID],
        ["ETag", "abcdef1234567890"],
        ["User-Agent", "x1234567890"],
    ]
    request = {"path": "/", "headers": headers, "query": {}}
    assert identifiers.of_entry(entry({"request": request, "response": None})) == {UUID}


def test_bodies_that_are_no_json_are_text_and_others_nothing() -> None:
    assert identifiers.of_entry(entry({}, value="{broken, order_id: 17, order 17")) >= {"order 17"}
    deep = "[" * 100_000
    assert identifiers.of_entry(entry({}, value=deep)) == set()
    binary = Entry(1, "k", "r", "effect", 0, 0, 0, 0, "", {}, {"value": Body.of(b"\xff\xfe")})
    assert identifiers.of_entry(binary) == set()

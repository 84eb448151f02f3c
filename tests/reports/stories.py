"""Scenarios worth reporting: what a payment suite meets on a good and on a bad day."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from avow.core import events
from avow.core.entries import Body


def passed_payment(make: Any, number: int = 1, **info: Any) -> tuple[Path, events.ScenarioFinished]:
    """Six steps, two exchanges, a stub call, a message, rows looked for twelve times, a mail."""
    it = make(f"scenario-{number}.jsonl", **info)
    it.begin(
        "Given a customer with an order of 42.50 EUR",
        "Given Stripe accepts payments",
        "When the customer pays by card",
        "Then the payment succeeds",
        'Then within 5 seconds the order is "paid"',
        "Then nothing else happened",
    )
    it.start(0).exchange("POST", "/orders", 201, "Created", {"amount": 4250}, {"id": "o-17"})
    it.end()
    it.pass_time(0.001).start(1)
    it.act("stub.route", "stripe", "POST /v1/payment_intents answers 200", 0.002)
    it.end()
    it.pass_time(0.001).start(2)
    it.exchange(
        "POST",
        "/orders/o-17/payment",
        202,
        "Accepted",
        {"card": {"number": "4242", "name": "Zoë 😀"}},
        {"status": "pending", "payment": "pi_1"},
    )
    it.effect(
        "stub.call",
        "stripe",
        "POST /v1/payment_intents, answered 200",
        0.008,
        data={
            "number": 1,
            "method": "POST",
            "path": "/v1/payment_intents",
            "query": {},
            "headers": [["idempotency-key", "o-17"]],
            "matched": "payments are accepted",
            "status": 200,
            "outcome": "answered",
        },
        bodies={
            "request": Body.of("amount=4250&currency=eur", "application/x-www-form-urlencoded"),
            "response": Body.of('{"id":"pi_1","status":"succeeded"}', "application/json"),
        },
    )
    it.end()
    it.start(3).end()
    it.start(4)
    for attempt in range(12):
        state = "pending" if attempt < 11 else "paid"
        entry = it.look(
            "rows.seen",
            "db",
            f"1 row of orders: {state}",
            0.002,
            data={
                "table": "orders",
                "columns": ["id", "status", "amount"],
                "rows": [{"id": "o-17", "status": state, "amount": 4250}],
            },
        )
        it.pass_time(0.04)
    it.ledger.claim(entry)
    it.end()
    it.start(5)
    it.effect(
        "message.seen",
        "orders",
        "order.paid on orders",
        0.2,
        data={
            "topic": "orders",
            "key": "o-17",
            "headers": {"type": "order.paid"},
            "partition": 2,
            "offset": 41,
            "timestamp": 0,
        },
        bodies={"value": Body.of('{"type":"order.paid","amount":4250}', "application/json")},
    )
    it.effect(
        "mail.received",
        "mail",
        'to zoe@example.test: "Your receipt"',
        0.1,
        data={
            "from": "shop@example.test",
            "to": ["zoe@example.test"],
            "subject": "Your receipt",
            "headers": [["Date", "today"]],
            "attachments": [{"name": "receipt.pdf", "type": "application/pdf", "size": 3}],
        },
        bodies={"text": Body.of("Thank you!"), "attachment:receipt.pdf": Body.of(b"\x00\xff\x01")},
    )
    it.end()
    return it.path, it.finish()


def failed_payment(make: Any, number: int = 2, **info: Any) -> tuple[Path, events.ScenarioFinished]:
    """The order is never paid: the stub refused the call, the wait ran out."""
    defaults: dict[str, Any] = {
        "name": "A declined card is told to the customer",
        "id": "features/payments/pay.feature#A declined card",
        "tags": ["critical", "allure.issue:SHOP-12", "allure.owner:payments team", "cards"],
        "feature_tags": ["payments", "allure.epic:Shop"],
        "description": "The customer reads why, in words of the bank.",
        "feature_description": "Customers get what they paid for, and are never charged twice.",
        "rule": "Nobody pays twice",
    }
    it = make(f"scenario-{number}.jsonl", **(defaults | info))
    table = events.StepInfo(
        "And",
        "given",
        "these items in the order:",
        events.Place("features/payments/pay.feature", 14),
        table=[["item", "count", "note"], ["espresso ☕", "2", "no sugar"], ["cake", "1", ""]],
    )
    document = events.StepInfo(
        "When",
        "when",
        'I send "POST /orders/${order.id}/payment" to "shop":',
        events.Place("features/payments/pay.feature", 18),
        document='{"card": {"number": "4000000000000002"}}',
        document_type="json",
    )
    it.begin(
        "Given a customer with an order of 42.50 EUR",
        table,
        document,
        'Then within 2 seconds the order is "declined"',
        "Then nothing else happened",
    )
    it.start(0).exchange("POST", "/orders", 201, "Created", {"amount": 4250}, {"id": "o-18"})
    it.event(
        events.SubStepStarted(
            at=it.clock, uuid="s1", title="choose a currency", parameters={"currency": "EUR"}
        )
    )
    it.pass_time(0.003).event(events.SubStepFinished(at=it.clock, uuid="s1"))
    it.end()
    it.start(1).pass_time(0.001).end()
    it.start(2, 'I send "POST /orders/o-18/payment" to "shop":')
    it.exchange(
        "POST",
        "/orders/o-18/payment",
        502,
        "Bad Gateway",
        {"card": {"number": "4000000000000002"}},
        {"error": {"code": "provider_unavailable", "message": "the payment provider said 404"}},
    )
    it.effect(
        "stub.call",
        "stripe",
        "POST /v1/charges, no route matched, answered 404",
        0.008,
        data={
            "number": 1,
            "method": "POST",
            "path": "/v1/charges",
            "query": {"expand": ["balance"]},
            "headers": [["host", "127.0.0.1:5001"]],
            "matched": None,
            "status": 404,
            "outcome": "unmatched",
            "near_misses": [
                {
                    "route": "charge declined",
                    "differences": [
                        {
                            "path": "header Idempotency-Key",
                            "wanted": "<present>",
                            "seen": None,
                            "text": "header Idempotency-Key: wanted <present>, it is not there",
                        }
                    ],
                }
            ],
        },
        bodies={
            "request": Body.of(
                "amount=4250&source=tok_declined", "application/x-www-form-urlencoded"
            )
        },
    )
    it.end()
    it.start(3)
    for _ in range(37):
        entry = it.look(
            "rows.seen",
            "db",
            "1 row of orders: status is payment_pending",
            data={
                "table": "orders",
                "columns": ["id", "status", "amount"],
                "rows": [{"id": "o-18", "status": "payment_pending", "amount": 4250}],
            },
        )
        it.pass_time(0.052)
    it.ledger.claim(entry)
    it.ledger.claim(it.ledger.entries[1])
    it.end(
        "failed",
        "the order is not declined within 2 seconds\n"
        "  wanted  status: declined\n"
        "  seen    status: payment_pending\n"
        "It looked 37 times; the row never changed.",
        trace='  File "steps/payments.py", line 31, in order_is\n    check(row)\n',
        output="charging o-18\n",
    )
    return it.path, it.finish(
        "failed",
        trouble=events.Trouble(
            "failed",
            "the order is not declined within 2 seconds\n"
            "  wanted  status: declined\n"
            "  seen    status: payment_pending\n"
            "It looked 37 times; the row never changed.",
            trace="Traceback (most recent call last):\n"
            '  File "/venv/lib/python3.11/site-packages/behave/model.py", line 1991, in run\n'
            "    match.run(runner.context)\n"
            '  File "steps/payments.py", line 31, in order_is\n'
            "    check(row)\n"
            '  File "/venv/lib/python3.11/site-packages/hamcrest/core/assert_that.py", line 62\n'
            "    raise AssertionError(description)\n",
        ),
        output="charging o-18\nprovider said 404\n",
    )


def strange_bodies(make: Any, number: int = 3) -> tuple[Path, events.ScenarioFinished]:
    """Everything that a reader may choke on."""
    it = make(
        f"scenario-{number}.jsonl",
        name="Strange bodies \u202e 😀 <script>alert(1)</script>",
        id="strange",
    )
    it.begin("When strange things are sent")
    it.start(0)
    for name, raw in {
        "invalid UTF-8": b"\xff\xfe{broken",
        "ten megabytes": b"x" * (10 * 1024 * 1024),
        "deep": b"[" * 5000 + b"]" * 5000,
        "controls": b"bell \x07 escape \x1b[31mred\x1b[0m nul-free",
        "surrogate": json.dumps("\ud800").encode(),
        "huge number": b'{"n":' + b"9" * 6000 + b"}",
        "zip": b"PK\x03\x04" + bytes(range(256)) * 3,
        "html": b"<script>alert(2)</script>",
    }.items():
        it.exchange("POST", f"/{name.replace(' ', '-')}", 200, "OK", None, raw)
    it.end()
    return it.path, it.finish()


def killed(make: Any, number: int = 4) -> Path:
    """A worker that died within its second step: no end, and a torn last line."""
    it = make(f"scenario-{number}.jsonl", name="The worker dies", id="dies")
    it.begin("Given a world", "When it ends", "Then nobody knows")
    it.start(0).exchange("GET", "/health")
    it.end()
    it.start(1).pass_time(0.5).exchange("POST", "/kill", None, "")
    it.recorder.close()
    with Path(it.path).open("ab") as file:
        file.write(b'{"event":"step.fini')
    return Path(it.path)

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.stubs.conftest import Caller

from avow.core.ledger import Ledger
from avow.stubs.client import StubChannel

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_a_text_is_sent_as_it_is_and_data_as_json(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "GET /text", "answer": {"body": "Zoë ☃"}})
    stub.arm({"on": "GET /json", "answer": {"status": 201, "body": {"name": "Zoë ☃", "n": None}}})
    stub.arm({"on": "GET /null", "answer": {"body": None}})
    stub.arm({"on": "GET /nothing", "answer": {"status": 204}})
    text, data, null, nothing = (call("GET", f"/{n}") for n in ("text", "json", "null", "nothing"))
    assert (text.body.decode(), text.headers["content-type"]) == (
        "Zoë ☃",
        "text/plain; charset=utf-8",
    )
    assert (data.status, data.json) == (201, {"name": "Zoë ☃", "n": None})
    assert data.headers["content-type"] == "application/json"
    assert null.body == b"null"
    assert (nothing.status, nothing.body) == (204, b"")
    assert "content-length" not in nothing.headers


def test_headers_of_an_answer_win(stub: StubChannel, call: Caller) -> None:
    headers = {"Content-Type": "application/problem+json", "Request-Id": "req_1"}
    stub.arm({"on": "GET /x", "answer": {"headers": headers, "body": {"a": 1}}})
    answered = call("GET", "/x")
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.headers["request-id"] == "req_1"


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("${request.body.amount}", "2000"),
        ("${request.body.amount:number}", 2000),
        ("${request.body.rate:number}", 1.5),
        ("${request.body.ok:boolean}", True),
        ("${request.body.m.order}", "o 1"),
        ("${request.body.types.1}", "link"),
        ("${request.body.types}", ["card", "link"]),
        ("order ${request.body.m.order}!", "order o 1!"),
        ("${request.path.id}", "pi_7"),
        ("${request.query.x}", "y"),
        ("${request.headers.X-Trace}", "t1"),
        ("${request.method} ${request.path}", "POST /v1/intents/pi_7/confirm"),
        ("${call.number}", 1),
        ("${request.body.nothing}", "${request.body.nothing}"),
        ("${request.body.m.order.__class__}", "${request.body.m.order.__class__}"),
        ("${secret:KEY} ${1+1} {amount} %s", "${secret:KEY} ${1+1} {amount} %s"),
        ("${request.body.code}", "${uuid}"),
    ],
)
def test_repeats_what_was_asked(
    stub: StubChannel, call: Caller, template: str, wanted: Any
) -> None:
    stub.arm({"on": "POST /v1/intents/{id}/confirm", "answer": {"body": {"v": [template]}}})
    answered = call.form(
        "/v1/intents/pi_7/confirm?x=y",
        "amount=2000&rate=1.5&ok=true&m[order]=o+1&types[0]=card&types[1]=link&code=%24%7Buuid%7D",
        X_Trace="t1",
    )
    seen = answered.json["v"][0]
    assert seen == wanted or (template == "${call.number}" and isinstance(seen, int))


def test_repeats_json_with_its_types(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "POST /x", "answer": {"body": {"was": "${request.body}"}}})
    sent = {"n": 1, "deep": [{"a": None}], "text": "2"}
    assert call("POST", "/x", sent).json == {"was": sent}


def test_repeats_in_text_and_headers_and_keeps_headers_to_one_line(
    stub: StubChannel, call: Caller
) -> None:
    answer = {"headers": {"X-Id": "${request.query.id}"}, "body": "<${request.query.id}>"}
    stub.arm({"on": "GET /x", "answer": answer})
    answered = call("GET", "/x?id=a%0D%0ASet-Cookie:%20b")
    assert answered.headers["x-id"] == "a  Set-Cookie: b"
    assert "set-cookie" not in answered.headers
    assert answered.body == b"<a\r\nSet-Cookie: b>"


def test_makes_ids_from_the_seed_of_the_scenario(stub: StubChannel, call: Caller) -> None:
    def ids() -> list[str]:
        stub.arm({"on": "GET /x", "answer": {"body": ["${uuid}", "${uuid.hex}", "${now}"]}})
        first, second, now = call("GET", "/x").json
        assert UUID.fullmatch(first)
        assert re.fullmatch("[0-9a-f]{32}", second)
        assert isinstance(now, int)
        return [first, second]

    stub.reset(seed=42)
    stub.bind(Ledger())
    one = ids()
    stub.reset(seed=42)
    stub.bind(Ledger())
    two = ids()
    assert one == two
    assert len(set(one)) == 2
    assert ids() != two


def test_answers_come_one_after_the_other_and_the_last_one_again(
    stub: StubChannel, call: Caller
) -> None:
    stub.arm({"on": "GET /x", "answers": [{"status": 500}, {"status": 429}, {"status": 200}]})
    assert [call("GET", "/x").status for _ in range(5)] == [500, 429, 200, 200, 200]


def test_or_the_calls_after_the_last_one_match_nothing(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "GET /x", "answers": [{"status": 500}], "after": "unmatched"})
    assert call("GET", "/x").status == 500
    unmatched = call("GET", "/x")
    assert unmatched.status == 404
    assert unmatched.json["near_misses"] == [
        {"route": "GET /x", "differences": ["answers: its one answer has been given"]}
    ]


def test_an_unmatched_call_says_what_came_closest(stub: StubChannel, call: Caller) -> None:
    stub.arm({"name": "small", "on": "POST /x", "body": {"amount": 1}})
    answered = call("POST", "/x", {"amount": 2})
    assert answered.status == 404
    assert answered.json == {
        "error": {
            "type": "unmatched_request",
            "message": "shop stub: nothing matches POST /x; closest of 1:\n"
            '  "small"\n'
            "    body.amount: wanted 1, saw 2\n"
            "Add what is missing to the call, relax the route, or arm one for this call.",
        },
        "near_misses": [{"route": "small", "differences": ["body.amount: wanted 1, saw 2"]}],
    }

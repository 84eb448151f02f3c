"""Idempotency keys as docs.stripe.com/api/idempotent_requests describes them."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from tests.stubs.conftest import Caller

from avow.core.ledger import Ledger
from avow.core.waiting import until
from avow.stubs.client import StubChannel

KEY = {"Idempotency-Key": "k1"}


def arm(stub: StubChannel, **more: Any) -> None:
    route: dict[str, Any] = {
        "on": "POST /v1/{kind}",
        "idempotent": True,
        "answer": {"body": {"id": "${uuid}"}},
    }
    stub.arm({**route, **more} if "answers" not in more else {**_without_answer(route), **more})


def _without_answer(route: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in route.items() if key != "answer"}


def test_the_same_key_gets_the_same_answer(stub: StubChannel, call: Caller) -> None:
    arm(stub)
    first = call("POST", "/v1/charges", {"amount": 1}, headers=KEY)
    again = call("POST", "/v1/charges", {"amount": 1}, headers=KEY)
    other = call("POST", "/v1/charges", {"amount": 1}, headers={"Idempotency-Key": "k2"})
    none = call("POST", "/v1/charges", {"amount": 1})
    assert again.body == first.body
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert len({first.body, other.body, none.body}) == 3
    stub.collect()
    replayed = [each.data.get("replayed", False) for each in stub.calls()]
    assert replayed == [False, True, False, False]


def test_the_same_key_with_another_body_is_an_error(stub: StubChannel, call: Caller) -> None:
    arm(stub)
    call("POST", "/v1/charges", {"amount": 1}, headers=KEY)
    other = call("POST", "/v1/charges", {"amount": 2}, headers=KEY)
    assert other.status == 400
    assert other.json == {
        "error": {
            "type": "idempotency_error",
            "message": "Keys for idempotent requests can only be used with the same parameters "
            "they were first used with.",
        }
    }


def test_so_it_is_for_another_endpoint(stub: StubChannel, call: Caller) -> None:
    arm(stub)
    call("POST", "/v1/charges", {"amount": 1}, headers=KEY)
    other = call("POST", "/v1/refunds", {"amount": 1}, headers=KEY)
    assert other.status == 400
    assert other.json["error"]["message"] == (
        "Keys for idempotent requests can only be used for the same endpoint they were first used "
        "for ('/v1/charges' vs '/v1/refunds')."
    )


def test_an_error_is_kept_too(stub: StubChannel, call: Caller) -> None:
    arm(stub, answers=[{"status": 500}, {"status": 200}])
    statuses = [call("POST", "/v1/charges", headers=KEY).status for _ in range(3)]
    assert statuses == [500, 500, 500]
    assert call("POST", "/v1/charges", headers={"Idempotency-Key": "k2"}).status == 200


@pytest.mark.parametrize(
    ("fault", "kept"),
    [("reset-after-processing", True), ("cut-short", True), ("reset-after-reading", False)],
)
def test_what_was_processed_is_kept_though_its_answer_is_lost(
    stub: StubChannel, call: Caller, fault: str, kept: bool
) -> None:
    body = {"id": "${call.number}"}
    arm(stub, answers=[{"fault": fault, "body": body}, {"body": body}])
    with pytest.raises((OSError, Exception), match=r"reset|read"):
        call("POST", "/v1/charges", {"amount": 1}, headers=KEY)
    call.close()
    again = call("POST", "/v1/charges", {"amount": 1}, headers=KEY)
    assert again.status == 200
    assert (again.headers.get("idempotent-replayed") == "true") == kept


def test_a_key_that_is_being_worked_on_is_in_use(stub: StubChannel, call: Caller) -> None:
    arm(stub, answers=[{"delay": "20s", "body": {"id": "first"}}, {"body": {"id": "second"}}])
    with socket.create_connection(("127.0.0.1", call.port)) as sock:
        sock.sendall(
            b"POST /v1/charges HTTP/1.1\r\nHost: h\r\nIdempotency-Key: k1\r\n"
            b"Content-Length: 0\r\n\r\n"
        )
        assert until(lambda: stub.watermark()[1] == 1, 10).holds
        busy = call("POST", "/v1/charges", headers=KEY)
        assert busy.status == 409
        assert busy.json["error"]["code"] == "idempotency_key_in_use"
    # The caller gave up; the provider finished its work all the same.
    assert until(lambda: stub.watermark()[1] == 0, 10).holds
    again = call("POST", "/v1/charges", headers=KEY)
    assert (again.json, again.headers["idempotent-replayed"]) == ({"id": "first"}, "true")


def test_only_post_knows_keys(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "GET /x", "idempotent": True, "answer": {"body": "${uuid}"}})
    assert call("GET", "/x", headers=KEY).body != call("GET", "/x", headers=KEY).body


def test_keys_are_forgotten_with_the_scenario(stub: StubChannel, call: Caller) -> None:
    arm(stub)
    first = call("POST", "/v1/charges", headers=KEY)
    stub.reset()
    stub.bind(Ledger())
    arm(stub)
    assert call("POST", "/v1/charges", headers=KEY).body != first.body

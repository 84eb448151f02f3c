from __future__ import annotations

import http.client
import socket
import threading

import pytest
from tests.stubs.conftest import Caller

from avow.core.ledger import Ledger
from avow.core.waiting import until
from avow.stubs.client import StubChannel

POST = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n"


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("reset-before-reading", None),
        ("reset-after-reading", None),
        ("reset-after-processing", 201),
    ],
)
def test_the_connection_is_reset(
    stub: StubChannel, call: Caller, fault: str, status: int | None
) -> None:
    stub.arm({"on": "POST /x", "answer": {"status": 201, "fault": fault, "body": {"id": 1}}})
    with pytest.raises(ConnectionResetError):
        call("POST", "/x", {"amount": 5})
    stub.collect()
    [entry] = stub.calls("POST /x")
    assert (entry.data["outcome"], entry.data["fault"]) == ("reset", fault)
    assert entry.data["status"] == status
    assert ("response" in entry.bodies) == (status is not None)


def test_a_reset_before_reading_does_not_wait_for_the_body(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "POST /x", "answers": [{"fault": "reset-before-reading"}, {}]})
    with socket.create_connection(("127.0.0.1", call.port)) as sock:
        sock.sendall(POST)
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    assert call("POST", "/x").status == 200
    stub.collect()
    assert [each.data["outcome"] for each in stub.calls()] == ["reset", "answered"]


def test_a_route_that_asks_for_the_body_has_to_read_it(stub: StubChannel, call: Caller) -> None:
    stub.arm(
        {"on": "POST /x", "body": {"a": 1}, "answer": {"fault": "reset-before-reading"}},
    )
    with pytest.raises(ConnectionResetError):
        call("POST", "/x", {"a": 1})
    assert call("POST", "/x", {"a": 2}).status == 404


def test_the_connection_is_closed_without_an_answer(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "POST /x", "answer": {"fault": "close"}})
    with pytest.raises(http.client.RemoteDisconnected):
        call("POST", "/x")
    stub.collect()
    assert stub.calls()[0].data["outcome"] == "closed"


def test_the_body_is_cut_short(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "POST /x", "answer": {"fault": "cut-short", "body": "0123456789"}})
    with pytest.raises(http.client.IncompleteRead) as caught:
        call("POST", "/x")
    assert caught.value.partial == b"01234"
    stub.collect()
    entry = stub.calls()[0]
    assert (entry.data["outcome"], entry.data["status"]) == ("cut", 200)


def test_a_late_answer_is_in_the_journal_before_it_is_sent(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "GET /x", "answer": {"delay": "20s"}})
    with socket.create_connection(("127.0.0.1", call.port)) as sock:
        sock.sendall(b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
        assert until(lambda: stub.collect() or stub.count() == 1, 10).holds
        entry = stub.calls()[0]
        assert (entry.data["outcome"], entry.data["delay"]) == ("delayed", 20.0)
        assert stub.watermark()[1] == 1
    # The caller leaves; what is known of the call says so, and the call itself stays as it was.
    assert until(lambda: stub.collect() or stub.ledger.find("stub.ended"), 10).value
    [ended] = stub.ledger.find("stub.ended")
    assert (ended.role, ended.data) == ("look", {"number": 1, "outcome": "caller-left"})
    assert stub.calls() == [entry]


def test_a_late_answer_arrives(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "GET /x", "answer": {"delay": "30ms", "body": "late"}})
    assert call("GET", "/x").body == b"late"
    stub.collect()
    entry = stub.calls()[0]
    assert (entry.data["outcome"], entry.data["end"]) == ("delayed", "answered")
    assert entry.ended - entry.started >= 0.03


def test_a_late_reset(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "GET /x", "answer": {"delay": "30ms", "fault": "reset-after-reading"}})
    with pytest.raises(ConnectionResetError):
        call("GET", "/x")


def test_what_hangs_is_unfinished_at_the_end_of_the_scenario(
    stub: StubChannel, call: Caller
) -> None:
    stub.arm({"on": "GET /x", "answer": {"fault": "hang"}})
    seen: list[object] = []

    def work() -> None:
        try:
            call("GET", "/x")
        except OSError as error:
            seen.append(type(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert until(lambda: stub.watermark() and stub.watermark()[1] == 1, 10).holds
    warnings = stub.reset()
    thread.join(10)
    assert seen == [http.client.RemoteDisconnected]
    [entry] = stub.ledger.find("stub.call")
    assert (entry.data["outcome"], entry.data["end"]) == ("unfinished", "unfinished")
    assert warnings == [
        "shop stub: GET /x is unfinished: the scenario ended before it was answered."
    ]
    # The next scenario knows nothing of it.
    stub.bind(Ledger())
    stub.start_scenario()
    stub.collect()
    assert stub.ledger.entries == []


def test_a_request_that_is_half_there_at_the_end_is_unfinished(
    stub: StubChannel, call: Caller
) -> None:
    with socket.create_connection(("127.0.0.1", call.port)) as sock:
        sock.sendall(POST + b"ab")
        assert until(lambda: stub.watermark()[1] == 1, 10).holds
        assert stub.reset() == [
            "shop stub: POST /x is unfinished: the scenario ended before the request was whole."
        ]
        assert sock.recv(1) == b""

"""What comes over the wire, right and wrong."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from pathlib import Path

import psutil
import pytest
from tests.stubs.conftest import Caller

from avow.core.waiting import until
from avow.stubs.client import StubChannel
from avow.stubs.running import StubProcess

GET = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
LAST = b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


@pytest.fixture(autouse=True)
def ok(stub: StubChannel) -> None:
    stub.arm({"on": "* /x", "answer": {"body": "ok"}})


def bodies(seen: bytes) -> list[bytes]:
    return [part.partition(b"\r\n\r\n")[2] for part in seen.split(b"HTTP/1.1 ")[1:]]


def statuses(seen: bytes) -> list[int]:
    return [int(part[:3]) for part in seen.split(b"HTTP/1.1 ")[1:]]


def collected(stub: StubChannel) -> list[tuple[object, ...]]:
    stub.collect()
    return [
        (each.data["method"], each.data["path"], each.data["outcome"])
        for each in stub.ledger.find("stub.call")
    ]


def test_a_connection_is_kept(stub: StubChannel, call: Caller) -> None:
    with socket.create_connection(("127.0.0.1", call.port)) as sock:
        for _ in range(3):
            sock.sendall(GET)
            assert sock.recv(4096).endswith(b"ok")
        sock.sendall(LAST)
        seen = sock.recv(4096)
        assert b"connection: close" in seen
        assert sock.recv(1) == b""


def test_http_1_0_is_answered_in_its_manners(call: Caller) -> None:
    assert b"connection: close" in call.raw(b"GET /x HTTP/1.0\r\n\r\n")
    with socket.create_connection(("127.0.0.1", call.port)) as sock:
        sock.sendall(b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert b"connection: keep-alive" in sock.recv(4096)


def test_pipelined_requests_are_answered_in_order(stub: StubChannel, call: Caller) -> None:
    stub.arm(
        {"on": "GET /late", "answer": {"body": "late", "delay": "50ms"}},
        {"on": "GET /soon", "answer": {"body": "soon"}},
    )
    late = b"GET /late HTTP/1.1\r\nHost: h\r\n\r\n"
    soon = b"GET /soon HTTP/1.1\r\nHost: h\r\n\r\n"
    assert bodies(call.raw(soon + late + soon + late + LAST)) == [
        b"soon",
        b"late",
        b"soon",
        b"late",
        b"ok",
    ]


def test_many_pipelined_requests_behind_a_late_answer(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "GET /late", "answer": {"delay": "50ms"}})
    seen = call.raw(b"GET /late HTTP/1.1\r\nHost: h\r\n\r\n" + GET * 500 + LAST)
    assert statuses(seen) == [200] * 502


def test_chunked_bodies_are_put_together(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "POST /x", "answer": {"body": "${request.text}"}})
    head = b"POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert bodies(call.raw(head, b"3\r\nabc\r\n", b"2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n")) == [
        b"abcde"
    ]


def test_a_request_may_arrive_byte_by_byte(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "POST /x", "answer": {"body": "${request.text}"}})
    raw = b"POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
    assert bodies(call.raw(*(raw[at : at + 1] for at in range(len(raw))))) == [b"hello"]


def test_says_go_on_to_who_expects_it(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "POST /x", "answer": {"body": "${request.text}"}})
    with socket.create_connection(("127.0.0.1", call.port)) as sock:
        sock.sendall(
            b"POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert sock.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"hi")
        assert sock.recv(4096).endswith(b"hi")


def test_head_is_get_without_the_body(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "GET /x", "answer": {"body": "hello"}})
    answered = call("HEAD", "/x")
    assert (answered.status, answered.headers["content-length"], answered.body) == (200, "5", b"")
    assert call("GET", "/x").body == b"hello"


def test_an_offer_to_upgrade_is_declined(call: Caller) -> None:
    offer = b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert statuses(call.raw(offer + LAST)) == [200, 200]


def test_who_has_said_all_still_gets_the_answer(stub: StubChannel, call: Caller) -> None:
    with socket.create_connection(("127.0.0.1", call.port)) as sock:
        sock.sendall(GET)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(4096).endswith(b"ok")


def test_any_bytes_are_a_body(stub: StubChannel, call: Caller) -> None:
    raw = bytes(range(256)) * 4
    assert call("POST", "/x", body=raw).status == 200
    stub.collect()
    assert stub.calls("POST /x")[0].bodies["request"].raw == raw


@pytest.mark.parametrize(
    ("raw", "status", "why"),
    [
        (b"nonsense\r\n\r\n", 400, "this is not HTTP/1.1: "),
        (b"GET /x\r\n\r\n", 505, "this is HTTP/0.9; the stub speaks HTTP/1.1"),
        (
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            400,
            "this is HTTP/2 by prior knowledge; the stub speaks HTTP/1.1",
        ),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            400,
            "this is a TLS handshake: the caller uses https://, the stub speaks http://",
        ),
        (
            b"GET /x HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
            431,
            "the headers are longer than 65536 bytes",
        ),
        (
            b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
            414,
            "the target is longer than 65536 bytes",
        ),
        (
            b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            400,
            "this is not HTTP/1.1: ",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_and_written_down(
    stub: StubChannel, call: Caller, raw: bytes, status: int, why: str
) -> None:
    seen = call.raw(raw)
    assert statuses(seen) == [status]
    message = json.loads(bodies(seen)[0])["error"]["message"]
    assert message.startswith(f"shop stub: {why}")
    stub.collect()
    entry = stub.ledger.find("stub.call")[-1]
    assert (entry.data["outcome"], entry.data["status"]) == ("refused", status)
    assert entry.data["note"].startswith(why)
    assert stub.calls() == []


def test_a_real_tls_client_is_told(stub: StubChannel, call: Caller) -> None:
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", call.port)) as sock, pytest.raises(ssl.SSLError):
        context.wrap_socket(sock, server_hostname="shop")
    assert until(lambda: collected(stub) != [], 10).holds
    assert "TLS handshake" in stub.ledger.find("stub.call")[0].data["note"]


def test_a_request_after_nonsense_on_a_busy_connection(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "GET /late", "answer": {"delay": "50ms"}})
    seen = call.raw(b"GET /late HTTP/1.1\r\nHost: h\r\n\r\n", b"non sense\r\n\r\n")
    assert statuses(seen) == [200, 400]


def test_a_body_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    routes = [{"on": "POST /x", "answer": {"body": "ok"}}]
    with StubProcess(tmp_path, {"largest_body": 1000}, shop=routes) as stubs:
        stub = stubs["shop"]
        caller = Caller(int(stub.facts["port"]))
        assert caller("POST", "/x", body=b"a" * 1000).status == 200
        caller.close()
        head = b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        seen = caller.raw(head + b"3e9\r\n" + b"a" * 1001 + b"\r\n")
        assert statuses(seen) == [413]
        stub.collect()
        assert stub.ledger.find("stub.call")[-1].data["note"] == (
            "the body is longer than 1000 bytes"
        )


def test_a_request_that_never_becomes_whole_is_unfinished(stub: StubChannel, call: Caller) -> None:
    with socket.create_connection(("127.0.0.1", call.port)) as sock:
        sock.sendall(b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
    assert until(lambda: collected(stub) == [("POST", "/x", "unfinished")], 10).holds
    entry = stub.ledger.find("stub.call")[0]
    assert entry.bodies["request"].raw == b"half"
    assert entry.data["note"] == "the caller closed the connection before its request was whole"
    assert stub.count() == 0


def test_many_callers_at_once(stub: StubChannel, call: Caller) -> None:
    def work() -> None:
        caller = Caller(call.port)
        for _ in range(50):
            assert caller("POST", "/x", {"a": 1}).status == 200
        caller.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stub.collect()
    assert stub.count("POST /x") == 400
    assert [each.data["number"] for each in stub.calls()] == list(range(1, 401))


def test_a_caller_that_does_not_read_does_not_fill_the_memory(
    process: StubProcess, stub: StubChannel, call: Caller
) -> None:
    stub.arm({"on": "GET /big", "answer": {"body": "x" * 1_000_000}})
    ask = b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n"
    with socket.create_connection(("127.0.0.1", call.port)) as sock:
        sock.setblocking(False)
        sent = 0
        with pytest.raises(BlockingIOError):
            while sent < 50_000_000:
                sent += sock.send(ask * 1000)
        used = psutil.Process(process.pid).memory_info().rss
        # Thousands of requests wait, each asking for a megabyte.
        assert used < 150 * 2**20

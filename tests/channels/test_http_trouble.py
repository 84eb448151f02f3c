"""Every way in which the network can fail is one kind of outcome, told as data of the entry."""

from __future__ import annotations

import errno
import gzip
import inspect
import socket
import ssl
import zlib
from collections.abc import Callable

import pytest
from tests.channels.misbehaving import Behaviour, Misbehaving, Peer, answering

from avow.channels.http import HttpChannel, Kind
from avow.channels.http.coding import decoded
from avow.channels.http.trouble import of_os_error
from avow.core.entries import Entry

Server = Callable[..., Misbehaving]
Shop = Callable[..., HttpChannel]


def _after_request(*data: bytes) -> Behaviour:
    def serve(peer: Peer) -> None:
        peer.receive()
        for each in data:
            peer.send(each)

    return serve


def _reset_on_accept(peer: Peer) -> None:
    peer.receive()
    peer.reset()


def _reset_in_body(peer: Peer) -> None:
    peer.receive()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    # The client must have read the half before the reset takes it away.
    peer.stop.wait(0.05)
    peer.reset()


def _hang(peer: Peer) -> None:
    peer.receive()
    peer.hang()


def _drip(peer: Peer) -> None:
    peer.receive()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    peer.drip(b"x" * 5000)


def _drip_headers(peer: Peer) -> None:
    peer.receive()
    peer.drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000)


def _endless(peer: Peer) -> None:
    peer.receive()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not peer.stop.is_set():
        peer.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")


CASES: dict[str, tuple[Behaviour, str, str]] = {
    "closed without an answer": (
        _after_request(),
        "closed",
        "the connection was closed without an answer",
    ),
    "reset": (
        _reset_on_accept,
        "reset",
        "the peer tore the connection down before anything of the answer had come",
    ),
    "reset in the body": (
        _reset_in_body,
        "reset",
        "the peer tore the connection down after 4 of 100 bytes of the body",
    ),
    "short body": (
        _after_request(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
        "incomplete",
        "the connection was closed after 3 of 10 bytes of the body",
    ),
    "closed in the headers": (
        _after_request(b"HTTP/1.1 200 OK\r\nContent-"),
        "incomplete",
        "the connection was closed in the middle of the headers",
    ),
    "closed in a chunk": (
        _after_request(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc"),
        "incomplete",
        "the connection was closed after 3 bytes of the body",
    ),
    "hang": (_hang, "timeout", "the deadline passed before anything of the answer had come"),
    "drip": (_drip, "timeout", "the deadline passed after "),
    "drip of headers": (_drip_headers, "timeout", "the deadline passed in the middle of the head"),
    "endless": (_endless, "too large", "more than 1000000 bytes of body came"),
    "garbage": (_after_request(b"\x16\x03\x01garbage"), "protocol", "what came is not HTTP/1.1"),
    "bad chunk": (
        _after_request(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        "protocol",
        "what came is not HTTP/1.1",
    ),
    "two lengths": (
        _after_request(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        "protocol",
        "what came is not HTTP/1.1",
    ),
    "length and chunks": (
        _after_request(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        "protocol",
        "what came is not HTTP/1.1",
    ),
    "200 KB of headers": (
        _after_request(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000),
        "protocol",
        "more than 131072 bytes of headers came",
    ),
    "bad gzip": (
        answering(b"not gzip", "Content-Encoding: gzip\r\n"),
        "undecodable",
        "the body is not gzip as its Content-Encoding says",
    ),
    "short gzip": (
        answering(gzip.compress(b"x" * 100)[:-10], "Content-Encoding: gzip\r\n"),
        "undecodable",
        "the gzip body ends in the middle",
    ),
    "gzip of too much": (
        answering(gzip.compress(bytes(range(256)) * 8000), "Content-Encoding: gzip\r\n"),
        "too large",
        "bytes of body decode to more than 1000000",
    ),
    "codings upon codings": (
        answering(b"", "Content-Encoding: gzip, gzip, gzip\r\n"),
        "undecodable",
        "the body has 3 content codings, more than 2",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_fault_has_its_kind(case: str, server: Server, shop: Shop) -> None:
    behaviour, kind, message = CASES[case]
    slow = kind == "timeout"
    channel = shop(
        server(behaviour).url, call=0.3 if slow else 10.0, settings={"body_limit": 1_000_000}
    )
    entry = channel.send("POST", "/orders", json={"n": 1})
    assert entry.data["error"]["kind"] == kind
    assert (
        entry.data["error"]["message"].startswith(message)
        or message in entry.data["error"]["message"]
    )
    assert entry.summary == f"POST /orders -> {kind}"
    assert entry.bodies["request"].text() == '{"n":1}'


def test_a_partial_answer_is_kept(server: Server, shop: Shop) -> None:
    entry = shop(server(CASES["short body"][0]).url).send("GET", "/")
    assert entry.data["response"]["status"] == 200
    assert entry.bodies["response"].raw == b"abc"


def test_the_deadline_is_for_the_whole_call(server: Server, shop: Shop) -> None:
    channel = shop(server(_drip).url)
    entry = channel.send("GET", "/", timeout=0.2)
    assert entry.data["error"]["kind"] == "timeout"
    # Far below the 100 s that the body would take, with room for a busy machine.
    assert entry.data["seconds"] < 5


def test_nobody_listens(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    entry = shop(f"http://127.0.0.1:{port}").send("GET", "/")
    assert entry.data["error"] == {
        "kind": "refused",
        "message": f"Connection refused while connecting to http://127.0.0.1:{port}",
    }
    assert entry.data["response"] is None
    assert "response" not in entry.bodies


def test_plain_text_where_tls_is_spoken(server: Server, shop: Shop) -> None:
    plain = server(lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    entry = shop(plain.url.replace("http:", "https:")).send("GET", "/")
    assert entry.data["error"]["kind"] in ("tls", "reset")


def test_an_answer_before_the_request_was_read_counts(server: Server, shop: Shop) -> None:
    def refuse(peer: Peer) -> None:
        peer.socket.recv(100)
        peer.answer(b"too much", "Connection: close\r\n", "413 Content Too Large")
        peer.socket.shutdown(socket.SHUT_WR)
        while peer.socket.recv(65536):
            pass

    entry = shop(server(refuse).url).send("POST", "/", body=b"x" * 5_000_000)
    assert entry.data["response"]["status"] == 413


def test_a_bomb_is_not_unpacked(server: Server, shop: Shop) -> None:
    bomb = zlib.compress(gzip.compress(b"\0" * 9_000_000))
    entry = shop(server(answering(bomb, "Content-Encoding: gzip, deflate\r\n")).url).send(
        "GET", "/"
    )
    assert entry.data["error"]["kind"] == "too large"
    assert "more than 500 times as many" in entry.data["error"]["message"]
    assert len(entry.bodies["response"].raw) <= 1024 * 1024
    assert entry.bodies["response"].capped


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda raw: zlib.compress(raw)[2:-4]),
        ("gzip", lambda raw: gzip.compress(raw[:5]) + gzip.compress(raw[5:])),
        ("identity", bytes),
        ("br", bytes),
        ("gzip, deflate", lambda raw: zlib.compress(gzip.compress(raw))),
    ],
)
def test_codings_are_undone(coding: str, encode: Callable[[bytes], bytes]) -> None:
    assert decoded(encode(b"hello world"), coding, 1000) == (b"hello world", None)


def test_the_limit_is_what_may_come_exactly() -> None:
    raw = gzip.compress(b"x" * 100)
    assert decoded(raw, "gzip", 100) == (b"x" * 100, None)
    body, trouble = decoded(raw, "gzip", 99)
    assert body == b"x" * 99
    assert trouble is not None
    assert trouble.kind is Kind.TOO_LARGE


def test_no_error_of_a_socket_is_without_a_kind() -> None:
    kinds = [OSError(code, "said") for code in errno.errorcode]
    kinds += [
        each("said")
        for each in vars(ssl).values()
        if inspect.isclass(each) and issubclass(each, ssl.SSLError)
        if each is not ssl.SSLCertVerificationError
    ]
    kinds += [socket.gaierror(-2, "Name or service not known"), TimeoutError(), BrokenPipeError()]
    for error in kinds:
        trouble = of_os_error(error, "here")
        assert isinstance(trouble.kind, Kind)
        assert trouble.message.endswith("here")
    assert of_os_error(OSError(errno.EHOSTUNREACH, "x"), "").kind is Kind.UNREACHABLE
    assert of_os_error(OSError(errno.ETIMEDOUT, "x"), "").kind is Kind.TIMEOUT
    assert of_os_error(socket.gaierror(-2, "x"), "").kind is Kind.UNRESOLVED


def test_a_failed_exchange_is_an_entry_like_any_other(server: Server, shop: Shop) -> None:
    channel = shop(server(_reset_on_accept, answering()).url)
    first, second = channel.send("POST", "/"), channel.send("POST", "/")
    assert first.data["error"]["kind"] == "reset"
    assert second.data["response"]["status"] == 200
    entries: list[Entry] = channel.ledger.entries
    assert [entry.id for entry in entries] == [1, 2]


def test_bytes_after_the_answer_are_noted_and_the_connection_is_not_used_again(
    server: Server, shop: Shop
) -> None:
    strange = server(
        _after_request(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}GARBAGE"), answering()
    )
    channel = shop(strange.url)
    entry = channel.send("GET", "/")
    assert entry.bodies["response"].raw == b"{}"
    assert entry.data["notes"] == ["more bytes came after the end of the answer; they were ignored"]
    assert "error" not in entry.data
    channel.send("GET", "/")
    assert strange.connections == 2

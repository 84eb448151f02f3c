"""No exception of httpx is without a meaning here, and none is told apart anywhere else."""

from __future__ import annotations

import ast
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.channels.misbehaving import Misbehaving, answering

import avow.channels.http
from avow.channels.http import HttpChannel, Kind, Trouble
from avow.channels.http.translation import ERRORS, fail, understood
from avow.core.errors import InternalError, SuiteError

Server = Callable[..., Misbehaving]
Shop = Callable[..., HttpChannel]

EXPORTED = {
    name: each
    for name in httpx.__all__
    if isinstance(each := getattr(httpx, name), type) and issubclass(each, Exception)
}

OUTCOMES = {
    "TimeoutException": Kind.TIMEOUT,
    "ConnectTimeout": Kind.TIMEOUT,
    "ReadTimeout": Kind.TIMEOUT,
    "WriteTimeout": Kind.TIMEOUT,
    "PoolTimeout": Kind.TIMEOUT,
    "NetworkError": Kind.RESET,
    "ConnectError": Kind.UNREACHABLE,
    "ReadError": Kind.RESET,
    "WriteError": Kind.RESET,
    "CloseError": Kind.RESET,
    "ProxyError": Kind.UNREACHABLE,
    "ProtocolError": Kind.PROTOCOL,
    "RemoteProtocolError": Kind.PROTOCOL,
    "DecodingError": Kind.UNDECODABLE,
    "TooManyRedirects": Kind.REDIRECTS,
}
MISTAKES = {"InvalidURL", "UnsupportedProtocol", "LocalProtocolError"}
#: Bases that httpx never raises as they are, and faults of whoever uses it.
OURS = {
    "HTTPError", "RequestError", "TransportError", "HTTPStatusError", "CookieConflict",
    "StreamError", "StreamConsumed", "StreamClosed", "ResponseNotRead", "RequestNotRead",
}  # fmt: skip


def made(kind: type[Exception]) -> Exception:
    error = kind.__new__(kind)
    Exception.__init__(error, "said")
    return error


@pytest.mark.parametrize("name", EXPORTED)
def test_every_exception_that_httpx_exports_means_one_thing(name: str) -> None:
    error = made(EXPORTED[name])
    assert isinstance(error, ERRORS)
    if name in OUTCOMES:
        assert understood(error).trouble == Trouble(OUTCOMES[name], str(error))
        return
    assert name in MISTAKES | OURS, f"{name} is new in httpx: say what it means"
    with pytest.raises(SuiteError if name in MISTAKES else InternalError) as raised:
        understood(error)
    if name in OURS:
        assert str(raised.value).startswith(f"httpx raised {name}: ")


@pytest.mark.parametrize("kind", Kind)
def test_what_the_wire_saw_comes_back_as_it_was(kind: Kind) -> None:
    trouble = Trouble(kind, "as it was")
    with pytest.raises(httpx.RequestError, match="as it was") as raised:
        fail(trouble, "127.0.0.1:80")
    seen = understood(raised.value)
    assert (seen.trouble, seen.address) == (trouble, "127.0.0.1:80")


def test_no_other_file_tells_them_apart() -> None:
    room = Path(avow.channels.http.__file__).parent
    for file in room.glob("*.py"):
        if file.name == "translation.py":
            continue
        caught = {
            ast.unparse(handler.type)
            for handler in ast.walk(ast.parse(file.read_text()))
            if isinstance(handler, ast.ExceptHandler) and handler.type is not None
        }
        assert not [each for each in caught if "httpx" in each], file.name


@pytest.mark.parametrize("to", ["http://[bad]/", "ftp://127.0.0.1/x", "http://127.0.0.1:99999999/"])
def test_a_redirect_to_what_is_no_url_is_the_answer(to: str, server: Server, shop: Shop) -> None:
    system = server(answering(b"moved", f"Location: {to}\r\n", "302 Found"))
    for follow in (False, "anywhere"):
        entry = shop(system.url).send("GET", "/", follow=follow)
        assert entry.data["response"]["status"] == 302
        assert entry.bodies["response"].text() == "moved"
        assert "error" not in entry.data


def test_requests_are_not_told_to_httpx_logger(
    server: Server, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    system = server(answering())
    with caplog.at_level(logging.INFO):
        shop(system.url).send("GET", "/?key=secret")
        assert caplog.records == []
        # A client of the suite's own still tells.
        with httpx.Client(trust_env=False) as client:
            client.get(system.url)
    assert [record.name for record in caplog.records] == ["httpx"]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/files/../../etc/passwd", "/base/files/../../etc/passwd"),
        ("/a/./b?x=/../ y", "/base/a/./b?x=/../%20y"),
        ("..", "/base/.."),
        ("/a?x=/../b", "/base/a?x=/../b"),
        ("//double", "/base//double"),
        ("", "/base"),
        ("/#part", "/base/"),
        ("/100%", "/base/100%"),
    ],
)
def test_a_path_goes_as_it_was_written(path: str, sent: str, server: Server, shop: Shop) -> None:
    system = server(answering())
    entry = shop(f"{system.url}/base/").send("GET", path)
    assert system.requests[0].startswith(f"GET {sent} HTTP/1.1\r\n".encode())
    assert entry.data["request"]["url"] == f"{system.url}{sent}"
    assert entry.data["request"]["path"] == sent.partition("?")[0]


def test_chunks_that_are_said_get_no_length_beside_them(server: Server, shop: Shop) -> None:
    def serve(peer: Any) -> None:
        head = b""
        while b"0\r\n\r\n" not in head:
            head += peer.socket.recv(4096)
        peer.requests.append(head)
        peer.answer()

    system = server(serve)
    shop(system.url).send(
        "POST", "/", body=b"2\r\nab\r\n0\r\n\r\n", headers={"Transfer-Encoding": "chunked"}
    )
    assert b"content-length" not in system.requests[0].lower()


@pytest.mark.parametrize("value", [float("nan"), "\ud800"])
def test_what_json_has_no_word_for(value: Any, shop: Shop) -> None:
    with pytest.raises(SuiteError, match="the JSON body cannot be written as JSON"):
        shop("http://127.0.0.1:1").send("POST", "/", json={"a": value})


def test_cookies_of_one_origin_are_not_sent_to_another(server: Server, shop: Shop) -> None:
    elsewhere = server(answering())
    channel = shop(server(answering(head="Set-Cookie: s=1\r\n")).url)
    channel.send("GET", "/")
    channel.send("GET", f"{elsewhere.url}/")
    assert b"s=1" not in elsewhere.requests[0]
    channel.forget_cookies()
    assert channel.cookies == {}


def test_httpx_comes_without_its_command_line() -> None:
    code = (
        "import sys, avow.channels.http, httpx; "
        "print(sorted({'click', 'rich', 'httpx._main'} & set(sys.modules)), httpx.Client.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] Client\n"

"""One connection: bytes in, whole requests to the site behind it, answers out in order.

data_received -> httptools -> on_message_complete -> site.receive -> send | wait | break
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from typing import Any, Protocol

import httptools

from avow.stubs.answers import Rendered
from avow.stubs.request import Request
from avow.stubs.stub import Plan

#: Bytes of all headers of a request, and requests that may wait for the answer to one before them.
_LARGEST_HEAD = 64 * 1024
_MOST_WAITING = 32
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
#: SO_LINGER on, zero seconds: close sends RST.
_LINGER_ZERO = struct.pack("ii", 1, 0)
_TLS_HANDSHAKE = 0x16


class Site(Protocol):
    """What answers the requests of a port."""

    connections: set[Any]
    has_early_resets: bool
    largest_body: int

    def receive(self, request: Request) -> Rendered | Plan: ...
    def resets_before_reading(self, head: Request) -> bool: ...
    def refuse(self, request: Request, status: int, why: str) -> Rendered: ...
    def unfinished(self, request: Request, why: str) -> None: ...
    def processed(self, plan: Plan) -> None: ...
    def ended(self, number: int, outcome: str) -> None: ...


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive and pipelining; nothing of a request is decoded that nobody asks
    for.
    """

    __slots__ = (
        "_body",
        "_closing",
        "_head_size",
        "_headers",
        "_is_full",
        "_loop",
        "_parser",
        "_plan",
        "_refused",
        "_site",
        "_size",
        "_started",
        "_target",
        "_timer",
        "_transport",
        "_waiting",
    )

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop) -> None:
        self._site = site
        self._loop = loop
        self._transport: Any = None
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request | None, bool, bool]] = deque()
        self._plan: tuple[Plan, Request, bool, bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._is_full = False
        self._started = False
        self._refused: tuple[int, str] | None = None
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = 0
        self._head_size = 0

    # -- asyncio

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._site.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._site.connections.discard(self)
        self._closing = True
        self._leave("caller-left")
        if self._started and not self._refused:
            self._site.unfinished(
                self._request(), "the caller closed the connection before its request was whole"
            )
            self._started = False

    def data_received(self, data: bytes) -> None:
        if self._closing or self._refused:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # Asking for another protocol (h2c) is an offer: the answer in HTTP/1.1 declines it.
            self._parser = httptools.HttpRequestParser(self)
            rest = data[upgrade.args[0] :]
            if rest:
                self.data_received(rest)
        except httptools.HttpParserError as error:
            self._malformed(data, error)

    # A caller that asks and does not read: what it asked for waits as requests, which are small.

    def pause_writing(self) -> None:
        self._is_full = True
        if not self._closing:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_full = False
        if not self._closing:
            self._serve_waiting()

    # -- httptools

    def on_message_begin(self) -> None:
        self._started = not self._closing
        self._target = b""
        self._headers = []
        self._body = []
        self._size = self._head_size = 0

    def on_url(self, part: bytes) -> None:
        self._target += part
        self._head_size += len(part)
        if self._head_size > _LARGEST_HEAD:
            self._refuse(414, f"the target is longer than {_LARGEST_HEAD} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value)
        if self._head_size > _LARGEST_HEAD:
            self._refuse(431, f"the headers are longer than {_LARGEST_HEAD} bytes")
            return
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._refused:
            return
        if self._site.has_early_resets and self._site.resets_before_reading(self._request()):
            self._started = False
            self._reset()
            return
        for name, value in self._headers:
            # RFC 9110 section 10.1.1. While answers before this one are due, a client that asks so
            # gets none, and sends its body after a while all the same.
            if (
                len(name) == 6
                and name.lower() == b"expect"
                and value.lower() == b"100-continue"
                and self._plan is None
                and not self._waiting
            ):
                self._transport.write(_CONTINUE)

    def on_body(self, part: bytes) -> None:
        if self._refused or self._closing:
            return
        self._size += len(part)
        if self._size > self._site.largest_body:
            self._body = []
            self._refuse(413, f"the body is longer than {self._site.largest_body} bytes")
            return
        self._body.append(part)

    def on_message_complete(self) -> None:
        if self._refused or self._closing:
            return
        request = self._request()
        self._started = False
        keep = self._parser.should_keep_alive()
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            self._refuse(505, f"this is HTTP/{version}; the stub speaks HTTP/1.1")
            return
        old = version == "1.0"
        if self._plan is None and not self._waiting and not self._is_full:
            self._serve(request, keep, old)
            return
        self._waiting.append((request, keep, old))
        if len(self._waiting) >= _MOST_WAITING:
            self._transport.pause_reading()

    def _request(self) -> Request:
        body = self._body
        raw = body[0] if len(body) == 1 else b"".join(body)
        method = self._parser.get_method().decode("latin-1") if self._target else "?"
        return Request(method, self._target.decode("latin-1"), self._headers, raw)

    # -- answers

    def _serve(self, request: Request, keep: bool, old: bool) -> None:
        plan = self._site.receive(request)
        if type(plan) is Rendered:
            self._send(plan, request, keep, old)
            return
        assert isinstance(plan, Plan)
        self._plan = plan, request, keep, old
        if plan.delay:
            self._timer = self._loop.call_later(plan.delay, self._due)
        else:
            self._due()

    def _due(self) -> None:
        """A late or broken answer is due."""
        assert self._plan is not None
        plan, request, keep, old = self._plan
        if plan.fault == "hang":
            return
        self._plan, self._timer = None, None
        self._site.processed(plan)
        if plan.delay:
            self._site.ended(plan.number, "answered" if not plan.fault else plan.fault)
        if plan.fault.startswith("reset"):
            self._reset()
        elif plan.fault == "close":
            self._close()
        elif plan.fault == "cut-short":
            half = len(plan.rendered.body) // 2
            self._transport.write(plan.rendered.head + plan.rendered.body[:half])
            self._close()
        else:
            self._send(plan.rendered, request, keep, old)
            self._serve_waiting()

    def _serve_waiting(self) -> None:
        while self._waiting and self._plan is None and not (self._is_full or self._closing):
            request, keep, old = self._waiting.popleft()
            if request is None:
                self._refuse_now()
                return
            self._serve(request, keep, old)
        if not (self._waiting or self._is_full or self._closing):
            self._transport.resume_reading()

    def _send(self, answer: Rendered, request: Request, keep: bool, old: bool) -> None:
        head = answer.head
        if not keep or old:
            word = b"keep-alive" if keep else b"close"
            head = head[:-2] + b"connection: " + word + b"\r\n\r\n"
        # RFC 9110 section 9.3.2: the answer to HEAD has the length, and not the content.
        self._transport.write(head if request.method == "HEAD" else head + answer.body)
        if not keep:
            self._close()

    def _close(self) -> None:
        self._closing = True
        self._waiting.clear()
        self._transport.close()

    def _reset(self) -> None:
        self._closing = True
        self._waiting.clear()
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._transport.abort()

    # -- what cannot be answered

    def _refuse(self, status: int, why: str) -> None:
        self._refused = self._refused or (status, why)
        if self._plan is None and not self._waiting:
            self._refuse_now()
        else:
            self._waiting.append((None, False, False))

    def _refuse_now(self) -> None:
        assert self._refused is not None
        self._started = False
        request = self._request()
        answer = self._site.refuse(request, *self._refused)
        self._send(answer, request, False, False)

    def _malformed(self, data: bytes, error: Exception) -> None:
        if self._refused:
            return
        why = f"this is not HTTP/1.1: {error}"
        if data[:1] == bytes([_TLS_HANDSHAKE]):
            why = "this is a TLS handshake: the caller uses https://, the stub speaks http://"
        elif data.startswith(b"PRI * HTTP/2"):
            why = "this is HTTP/2 by prior knowledge; the stub speaks HTTP/1.1"
        if not self._started:
            self.on_message_begin()
        self._body = [data[:4096]]
        self._refuse(400, why)

    # -- the end of a scenario

    @property
    def is_busy(self) -> bool:
        return self._plan is not None or self._started or bool(self._waiting)

    def abandon(self) -> bool:
        """Record what has not been answered as unfinished, and close; say whether there was any."""
        if self._closing or not self.is_busy:
            return False
        self._leave("unfinished")
        if self._started:
            self._started = False
            self._site.unfinished(
                self._request(), "the scenario ended before the request was whole"
            )
        self._closing = True
        self._transport.abort()
        return True

    def _leave(self, outcome: str) -> None:
        """Nobody waits for the answers that are due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._plan is not None:
            plan = self._plan[0]
            self._plan = None
            # The provider goes on working when its caller has gone.
            self._site.processed(plan)
            self._site.ended(plan.number, outcome)
        for request, _, _ in self._waiting:
            if request is not None:
                self._site.unfinished(request, "its answer waited for the one before it")
        self._waiting.clear()

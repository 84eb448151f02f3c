"""HTTP/1.1 on sockets: who is connected to, how long it may take and how much may come, decided
here.

    exchange -> idle connection of the origin, or guards.address -> connect to exactly that address
             -> send -> recv under what is left of one deadline -> llhttp -> Answer

llhttp (by httptools, the parser of Node.js) reads; nothing here parses HTTP. A general client would
cost ten times as much per exchange, restarts its timer with every byte that drips in and hides
which fault it met.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import httptools

from avow.channels.http.trouble import Kind, Trouble, of_os_error
from avow.core.text import printable, shortened
from avow.core.waiting import Deadline

_CHUNK = 64 * 1024
#: Bytes of a status line and headers, trailers included.
_HEAD_LIMIT = 128 * 1024
#: Seconds after which an idle connection is not used again: servers close theirs after 2 to 75, and
#: a request that meets the close has an unknown outcome.
_IDLE = 1.0
#: RFC 9110 section 9.2.2: may be repeated when a reused connection turns out to be closed.
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})


class Origin(NamedTuple):
    """Scheme, host and port: what a connection belongs to."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(slots=True)
class Answer:
    """What came back, whole or not. `trouble` says what went wrong; `status` 0: no status line
    came.
    """

    status: int = 0
    reason: str = ""
    version: str = ""
    headers: list[tuple[str, str]] | None = None
    body: bytes = b""
    trouble: Trouble | None = None
    address: str = ""
    notes: tuple[str, ...] = ()

    def header(self, name: str) -> str:
        """Return the header's first value, or nothing; `name` in lower case."""
        for key, value in self.headers or ():
            if key.lower() == name:
                return value
        return ""


class _Reader:
    """Callbacks of the parser: gathers one final answer."""

    __slots__ = ("begun", "body", "done", "extra", "headers", "keep", "method", "parser", "reason",
                 "size", "status", "within_head")  # fmt: skip

    def __init__(self, method: str) -> None:
        self.method = method
        self.parser = httptools.HttpResponseParser(self)
        self.done = False
        self.extra = False
        self.begun = False
        self.keep = False
        self._clear()

    def _clear(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.reason = b""
        self.size = 0
        self.status = 0
        self.within_head = True

    def on_message_begin(self) -> None:
        if self.done:
            self.extra = True
        self.begun = True

    def on_status(self, reason: bytes) -> None:
        if not self.extra:
            self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.done:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.extra:
            return
        self.within_head = False
        self.status = self.parser.get_status_code()
        if self.method == "HEAD" and self.status >= 200:
            # Whatever length its headers name, no body follows.
            self._finish()

    def on_body(self, data: bytes) -> None:
        if not self.done:
            self.body.append(data)
            self.size += len(data)

    def on_message_complete(self) -> None:
        if self.extra or self.done:
            return
        if self.status < 200 and self.status != 101:
            self._clear()  # RFC 9110 section 15.2: interim answers come before the final one.
        else:
            self._finish()

    def _finish(self) -> None:
        self.done = True
        # Only now: the parser forgets it with the message.
        self.keep = self.parser.should_keep_alive()

    @property
    def ends_by_close(self) -> bool:
        """Whether it has neither length nor chunks: the end of the connection is its end."""
        if self.within_head:
            return False
        names = {name.lower(): value.lower() for name, value in self.headers}
        return b"content-length" not in names and b"chunked" not in names.get(
            b"transfer-encoding", b""
        )


class _Connection:
    __slots__ = ("address", "closes", "idle_since", "socket", "uses")

    def __init__(self, sock: socket.socket, address: str) -> None:
        self.socket = sock
        self.address = address
        self.idle_since = 0.0
        self.uses = 0
        self.closes = False

    def is_fresh(self, now: float) -> bool:
        """Say whether it may be used again: nothing may have arrived on it, not even its end."""
        if now - self.idle_since > _IDLE:
            return False
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return not poll.poll(0)


class Wire:
    """Connections by origin, shared by all scenarios of a worker. Safe to use from several threads.

    `address` is the guard: it names the one IP address of a host, or raises.
    """

    def __init__(
        self,
        address: Callable[[str, int], str],
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._address = address
        self._new_tls = tls
        self._tls: ssl.SSLContext | None = None
        self._idle: dict[Origin, list[_Connection]] = {}
        self._lock = threading.Lock()

    def exchange(
        self,
        origin: Origin,
        method: str,
        head: bytes,
        body: bytes,
        *,
        deadline: Deadline,
        limit: int,
    ) -> Answer:
        """Send a request and read its answer; never raises for what the network does.

        `limit` is for the body as it comes; decoding has its own. What the guard raises passes
        through.
        """
        connection = self._take(origin)
        if connection is not None:
            answer, nothing_came = self._once(
                connection, origin, method, head, body, deadline, limit
            )
            if not (nothing_came and method in _IDEMPOTENT):
                return answer
        try:
            connection = self._connect(origin, deadline)
        except OSError as error:
            return Answer(trouble=of_os_error(error, f"while connecting to {origin}"))
        return self._once(connection, origin, method, head, body, deadline, limit)[0]

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.socket.close()

    # -- connections

    def _take(self, origin: Origin) -> _Connection | None:
        idle = self._idle.get(origin)
        while idle:
            try:
                connection = idle.pop()
            except IndexError:  # another thread took it
                return None
            if connection.is_fresh(time.monotonic()):
                return connection
            connection.socket.close()
        return None

    def _give_back(self, origin: Origin, connection: _Connection) -> None:
        connection.idle_since = time.monotonic()
        idle = self._idle.get(origin)
        if idle is None:
            with self._lock:
                idle = self._idle.setdefault(origin, [])
        idle.append(connection)

    def _connect(self, origin: Origin, deadline: Deadline) -> _Connection:
        ip = self._address(origin.host, origin.port)
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(_left(deadline))
            sock.connect((ip, origin.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if origin.scheme == "https":
                if self._tls is None:
                    self._tls = self._new_tls()
                sock.settimeout(_left(deadline))
                # The address was decided by the guard; the name stays the one that was asked for.
                sock = self._tls.wrap_socket(sock, server_hostname=origin.host)
        except BaseException:
            sock.close()
            raise
        return _Connection(sock, f"[{ip}]:{origin.port}" if ":" in ip else f"{ip}:{origin.port}")

    # -- one exchange

    def _once(
        self,
        connection: _Connection,
        origin: Origin,
        method: str,
        head: bytes,
        body: bytes,
        deadline: Deadline,
        limit: int,
    ) -> tuple[Answer, bool]:
        reader = _Reader(method)
        trouble: Trouble | None = None
        try:
            trouble = self._talk(connection, reader, head, body, deadline, limit)
        except BaseException:
            connection.socket.close()
            raise
        nothing_came = (
            trouble is not None
            and trouble.kind in (Kind.RESET, Kind.CLOSED)
            and connection.uses > 0
            and not reader.begun
        )
        connection.uses += 1
        answer = _answer(reader, trouble, connection.address)
        if trouble is None and reader.done and not reader.extra and not connection.closes:
            self._give_back(origin, connection)
        else:
            connection.socket.close()
        return answer, nothing_came

    def _talk(
        self,
        connection: _Connection,
        reader: _Reader,
        head: bytes,
        body: bytes,
        deadline: Deadline,
        limit: int,
    ) -> Trouble | None:
        sock = connection.socket
        unsent: OSError | None = None
        try:
            sock.settimeout(_left(deadline))
            if len(body) < _CHUNK:
                sock.sendall(head + body)
            else:
                sock.sendall(head)
                sock.settimeout(_left(deadline))
                sock.sendall(body)
        except TimeoutError as error:
            return of_os_error(error, "while the request was being sent")
        except OSError as error:
            # A server may answer (413, 401) and close without reading the rest: its answer counts.
            unsent = error
        head_size = 0
        while not reader.done:
            try:
                sock.settimeout(_left(deadline))
                data = sock.recv(_CHUNK)
            except OSError as error:
                if unsent is not None and not reader.begun:
                    return of_os_error(unsent, "while the request was being sent")
                return of_os_error(error, _progress(reader))
            if not data:
                return _ended(reader, unsent)
            trouble = _feed(reader, data)
            if trouble is not None:
                return trouble
            if reader.within_head:
                head_size += len(data)
                if head_size > _HEAD_LIMIT:
                    return Trouble(Kind.PROTOCOL, f"more than {_HEAD_LIMIT} bytes of headers came")
            elif reader.size > limit:
                return Trouble(
                    Kind.TOO_LARGE, f"more than {limit} bytes of body came; it was read no further"
                )
        connection.closes = reader.extra or not reader.keep
        return None


def _left(deadline: Deadline) -> float:
    left = deadline.remaining()
    if left <= 0.0:
        raise TimeoutError  # 0 would mean "do not wait", which is another error
    return left


def _feed(reader: _Reader, data: bytes) -> Trouble | None:
    try:
        reader.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        reader.done = True
        reader.extra = True
    except httptools.HttpParserError as error:
        if reader.done:
            reader.extra = True
            return None
        return Trouble(
            Kind.PROTOCOL,
            f"what came is not HTTP/1.1 ({error}): {shortened(printable(data[:200]), 80)}",
        )
    return None


def _ended(reader: _Reader, unsent: OSError | None) -> Trouble | None:
    """Judge the end of the connection."""
    if not reader.begun:
        if unsent is not None:
            return of_os_error(unsent, "while the request was being sent")
        return Trouble(Kind.CLOSED, "the connection was closed without an answer")
    if reader.ends_by_close:
        reader.done = True
        reader.extra = True  # the connection is over
        return None
    return Trouble(Kind.INCOMPLETE, f"the connection was closed {_progress(reader)}")


def _progress(reader: _Reader) -> str:
    if not reader.begun:
        return "before anything of the answer had come"
    if reader.within_head:
        return "in the middle of the headers"
    for name, value in reader.headers:
        if name.lower() == b"content-length":
            return f"after {reader.size} of {printable(value)} bytes of the body"
    return f"after {reader.size} bytes of the body"


def _answer(reader: _Reader, trouble: Trouble | None, address: str) -> Answer:
    if not reader.status:
        return Answer(trouble=trouble, address=address)
    notes: tuple[str, ...] = ()
    if reader.extra and trouble is None and not reader.ends_by_close and reader.status != 101:
        notes = ("more bytes came after the end of the answer; they were ignored",)
    body = reader.body[0] if len(reader.body) == 1 else b"".join(reader.body)
    return Answer(
        reader.status,
        reader.reason.decode("latin-1"),
        reader.parser.get_http_version(),
        # RFC 9110 section 5.5: field values are octets; ISO 8859-1 keeps each.
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in reader.headers],
        body,
        trouble,
        address,
        notes,
    )


def plain_headers(headers: list[tuple[str, str]] | None) -> list[list[Any]]:
    """Return headers as JSON holds them."""
    return [[name, value] for name, value in headers or ()]

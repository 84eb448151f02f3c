"""The transport below httpx: who is connected to, how long it may take and how much may come,
decided here.

    httpx.Client -> handle_request -> idle connection of the origin, or guards.address -> connect to
      exactly that address -> send -> recv under what is left of one deadline -> Reader -> Response

httpx's own transport restarts its timer with every byte that drips in, resolves the name again
after the guard has judged it, tells a refusal from a name without address in prose only, and
costs several times as much per exchange.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import httpx

from avow.channels.http.origin import Origin
from avow.channels.http.reading import Reader, ended, feed, progress
from avow.channels.http.translation import fail
from avow.channels.http.trouble import Kind, Trouble, of_os_error
from avow.core.text import shortened
from avow.core.waiting import Deadline

_CHUNK = 64 * 1024
#: Bytes of a status line and headers, trailers included.
_HEAD_LIMIT = 128 * 1024
#: Seconds after which an idle connection is not used again: servers close theirs after 2 to 75, and
#: a request that meets the close has an unknown outcome.
_IDLE = 1.0
#: RFC 9110 section 9.2.2: may be repeated when a reused connection turns out to be closed.
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
_MORE_CAME = "more bytes came after the end of the answer; they were ignored"

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
#: RFC 9110 section 5.5: a field value holds no control characters; CR and LF would start another
#: header.
_HEAD = re.compile(
    rb"%b [!-~]+ HTTP/1\.1\r\n(?:%b: [^\x00-\x08\x0a-\x1f\x7f]*\r\n)*\r\n" % (_TOKEN, _TOKEN)
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


class _Body(httpx.SyncByteStream):
    """What came of a body; then what went wrong, if anything did."""

    def __init__(self, pieces: list[bytes], trouble: Trouble | None, address: str) -> None:
        self._pieces = pieces
        self._trouble = trouble
        self._address = address

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        if self._trouble is not None:
            fail(self._trouble, self._address)


class Wire(httpx.BaseTransport):
    """Connections by origin, shared by all scenarios of a worker. Safe to use from several threads.

    A request says in its extensions what a client of httpx has no word for: `deadline` (of the
    whole exchange, on the monotonic clock), `limit` (bytes of body as it comes; decoding has its
    own) and `target`, where the request line is to differ from the URL. `address` is the guard: it
    names the one IP address of a host, or raises, which passes through.
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

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its whole answer; where that was cut short, its stream raises
        why, after what did come.
        """
        origin = Origin.of(request.url)
        head = _head(request)
        connection = self._take(origin)
        if connection is not None:
            reader, trouble = self._once(connection, origin, request, head)
            nothing_came = (
                trouble is not None
                and trouble.kind in (Kind.RESET, Kind.CLOSED)
                and connection.uses > 1
                and not reader.begun
            )
            if not (nothing_came and request.method in _IDEMPOTENT):
                return _response(reader, trouble, connection.address)
        try:
            connection = self._connect(origin, request.extensions["deadline"])
        except OSError as error:
            fail(of_os_error(error, f"while connecting to {origin}"))
        reader, trouble = self._once(connection, origin, request, head)
        return _response(reader, trouble, connection.address)

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
        self, connection: _Connection, origin: Origin, request: httpx.Request, head: bytes
    ) -> tuple[Reader, Trouble | None]:
        reader = Reader(request.method)
        connection.uses += 1
        try:
            trouble = _talk(connection, reader, head, request)
        except BaseException:
            connection.socket.close()
            raise
        if trouble is None and not reader.extra and not connection.closes:
            self._give_back(origin, connection)
        else:
            connection.socket.close()
        return reader, trouble


def _talk(
    connection: _Connection, reader: Reader, head: bytes, request: httpx.Request
) -> Trouble | None:
    sock, body = connection.socket, request.read()
    deadline, limit = request.extensions["deadline"], request.extensions["limit"]
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
            return of_os_error(error, progress(reader))
        if not data:
            return ended(reader, unsent)
        trouble = feed(reader, data)
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


def _head(request: httpx.Request) -> bytes:
    """Return request line and headers as bytes; raises LocalProtocolError for what would break
    them.
    """
    method = request.method.encode()
    target = request.extensions.get("target") or request.url.raw_path
    headers = request.headers.raw
    lines = [b"%b %b HTTP/1.1" % (method, target)]
    lines += [b"%b: %b" % pair for pair in headers]
    lines.append(b"\r\n")
    head = b"\r\n".join(lines)
    # A header that holds the end of a line would make the head have one more.
    if head.count(b"\n") == len(headers) + 2 and _HEAD.fullmatch(head):
        return head
    token = re.compile(_TOKEN)
    if not token.fullmatch(method):
        raise httpx.LocalProtocolError(f"{shortened(request.method)!r} is not an HTTP method")
    for name, _ in headers:
        if not token.fullmatch(name):
            text = shortened(name.decode("latin-1"))
            raise httpx.LocalProtocolError(f"{text!r} is not the name of a header")
    for name, value in headers:
        if not re.fullmatch(rb"[^\x00-\x08\x0a-\x1f\x7f]*", value):
            raise httpx.LocalProtocolError(
                f"the value of header {name.decode()} holds a control character"
            )
    raise httpx.LocalProtocolError(f"{shortened(target.decode())!r} cannot stand in a request line")


def _response(reader: Reader, trouble: Trouble | None, address: str) -> httpx.Response:
    if not reader.status:
        # Where no status came, something went wrong.
        fail(trouble or Trouble(Kind.CLOSED, "no answer came"), address)
    notes: tuple[str, ...] = ()
    if reader.extra and trouble is None and not reader.ends_by_close and reader.status != 101:
        notes = (_MORE_CAME,)
    version = reader.parser.get_http_version()
    # The two hold each other: thousands would wait for the collector.
    del reader.parser
    return httpx.Response(
        reader.status,
        headers=reader.headers,
        stream=_Body(reader.body, trouble, address),
        extensions={
            "http_version": b"HTTP/" + version.encode(),
            "reason_phrase": reader.reason,
            "address": address,
            "notes": notes,
        },
    )

"""A server that does with a connection whatever a test says, byte by byte."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

Behaviour = Callable[["Peer"], None]


@dataclass
class Peer:
    """One connection, seen from the server; `requests` are the heads and bodies received."""

    socket: socket.socket
    requests: list[bytes]
    stop: threading.Event

    def receive(self) -> bytes:
        """Read one request with its Content-Length body."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.socket.recv(65536)
            if not more:
                return data
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            body += self.socket.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, body: bytes = b"{}", head: str = "", status: str = "200 OK") -> None:
        self.send(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body)

    def reset(self) -> None:
        """Close with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def hang(self) -> None:
        self.stop.wait(30)

    def drip(self, data: bytes, pause: float = 0.02) -> None:
        for position in range(len(data)):
            if self.stop.wait(pause):
                return
            self.send(data[position : position + 1])


@dataclass
class Misbehaving:
    """Runs behaviours, one per connection in their order; the last one again and again."""

    behaviours: list[Behaviour]
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            if self._stop.is_set():
                connection.close()
                return
            behaviour = self.behaviours[min(self.connections, len(self.behaviours) - 1)]
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection, behaviour))
            thread.start()
            self._threads.append(thread)

    def _serve(self, connection: socket.socket, behaviour: Behaviour) -> None:
        connection.settimeout(30)
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            behaviour(Peer(connection, self.requests, self._stop))
        except OSError:
            pass
        finally:
            connection.close()

    def close(self) -> None:
        self._stop.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._accepting.join()
        self._listening.close()
        for thread in self._threads:
            thread.join()


def answering(body: bytes = b"{}", head: str = "", status: str = "200 OK") -> Behaviour:
    """Answer every request of a connection."""

    def serve(peer: Peer) -> None:
        while peer.receive():
            peer.answer(body, head, status)

    return serve

"""Is it ready? One look each, in the service's own protocol; raises, with the reason, if not."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

from avow.config.values import Health
from avow.core.text import shortened

#: Seconds that one look may take; the wait around it has its own deadline.
_LOOK = 2.0


def tcp(host: str, port: int) -> None:
    socket.create_connection((host, port), timeout=_LOOK).close()


def redis_ping(host: str, port: int, *, user: str = "", password: str = "") -> None:
    with socket.create_connection((host, port), timeout=_LOOK) as connection:
        if password:
            words = ["AUTH", *([user] if user else []), password]
            _expect(connection, _command(words), b"+OK")
        _expect(connection, _command(["PING"]), b"+PONG")


def _command(words: list[str]) -> bytes:
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        parts.append(f"${len(word.encode())}\r\n{word}\r\n".encode())
    return b"".join(parts)


def _expect(connection: socket.socket, command: bytes, wanted: bytes) -> None:
    connection.sendall(command)
    answer = connection.recv(512)
    if not answer.startswith(wanted):
        raise ConnectionError(shortened(answer.decode("utf-8", "backslashreplace")))


def smtp_banner(host: str, port: int) -> None:
    with socket.create_connection((host, port), timeout=_LOOK) as connection:
        banner = connection.recv(512)
        if not banner.startswith(b"220"):
            raise ConnectionError(shortened(banner.decode("utf-8", "backslashreplace")))
        connection.sendall(b"QUIT\r\n")


def postgres(url: str) -> None:
    """Ask an existing database something, with psycopg."""
    from avow.plugins.extras import require

    psycopg = require("psycopg", "postgres", "an attached postgres")
    with psycopg.connect(url, connect_timeout=2) as connection:
        connection.execute("SELECT 1")


def kafka(bootstrap: str) -> None:
    """Ask an existing broker for its metadata."""
    from avow.plugins.extras import require

    admin = require("confluent_kafka.admin", "kafka", "an attached kafka")
    admin.AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=_LOOK)


def http_health(base: str, health: Health, *, connect_to: str = "") -> None:
    """GET the health path; `connect_to` is the address, where that was decided before."""
    import http.client

    parts = urlsplit(base)
    host = parts.hostname or "127.0.0.1"
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    connection = http.client.HTTPConnection(host, port, timeout=_LOOK)
    sock: socket.socket = socket.create_connection((connect_to or host, port), timeout=_LOOK)
    try:
        if secure:
            import ssl

            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        connection.sock = sock
        path = parts.path.rstrip("/") + "/" + health.path.lstrip("/")
        connection.request("GET", path, headers={"Accept": "application/json"})
        with connection.getresponse() as answer:
            body = answer.read(65536)
    finally:
        sock.close()
    text = shortened(body.decode("utf-8", "backslashreplace"))
    if answer.status != health.status:
        raise ConnectionError(f"{answer.status} {answer.reason}: {text}".rstrip(": "))
    if health.json is not None:
        try:
            seen = json.loads(body)
        except ValueError:
            raise ConnectionError(f"{answer.status}, but not JSON: {text}") from None
        if not holds(health.json, seen):
            raise ConnectionError(f"{answer.status} {text}")


def holds(wanted: Any, seen: Any) -> bool:
    """Say whether `seen` holds at least what `wanted` does."""
    if isinstance(wanted, dict):
        return isinstance(seen, dict) and all(
            key in seen and holds(value, seen[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(seen, list)
            and len(seen) >= len(wanted)
            and all(holds(value, found) for value, found in zip(wanted, seen, strict=False))
        )
    # True == 1 in Python, not in JSON.
    return isinstance(wanted, bool) == isinstance(seen, bool) and bool(wanted == seen)

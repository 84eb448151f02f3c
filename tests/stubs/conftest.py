"""A process of stubs for all tests of a worker, one stub of it, and ways to call it."""

from __future__ import annotations

import http.client
import json as jsonlib
import socket
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from avow.core.ledger import Ledger
from avow.stubs.client import StubChannel
from avow.stubs.running import StubProcess


class Answered(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return jsonlib.loads(self.body)


class Caller:
    """What the system under test would do, over one kept connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def __call__(
        self,
        method: str,
        path: str,
        json: Any = ...,
        *,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answered:
        given = dict(headers or {})
        if json is not ...:
            body = jsonlib.dumps(json)
            given.setdefault("Content-Type", "application/json")
        self._connection.request(method, path, body, given)
        with self._connection.getresponse() as response:
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answered(response.status, found, response.read())

    def form(self, path: str, body: str, **headers: str) -> Answered:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self("POST", path, body=body, headers={**kind, **named})

    def raw(self, *parts: bytes) -> bytes:
        """Send bytes on a new connection; return everything up to its end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as sock:
            for part in parts:
                sock.sendall(part)
            seen = b""
            while data := sock.recv(65536):
                seen += data
            return seen

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="session")
def process() -> Iterator[StubProcess]:
    with StubProcess(shop=[]) as stubs:
        yield stubs


@pytest.fixture
def stub(process: StubProcess) -> Iterator[StubChannel]:
    """A stub without routes, and a ledger of its own."""
    channel = process["shop"]
    channel.reset(seed=1)
    channel.bind(Ledger())
    channel.start_scenario()
    yield channel
    channel.reset(seed=1)


@pytest.fixture
def call(stub: StubChannel) -> Iterator[Caller]:
    caller = Caller(int(stub.facts["port"]))
    yield caller
    caller.close()

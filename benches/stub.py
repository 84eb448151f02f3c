"""The stub: 50 routes that match on JSON bodies, journal on; requests/s and p99 at 1, 16 and 64
connections.

Beside it, in the same run and under the same load:

- floor     asyncio.Protocol and httptools with the matching written by hand, no journal: what
Python can do here - h11-like  a server that parses with Python, as the common test servers do
- WireMock  where its jar is found (AVOW_WIREMOCK_JAR); else the ratio WireMock / floor measured
before is used

The load comes from a process of its own: raw non-blocking sockets, one request in flight per
connection.
"""

from __future__ import annotations

import array
import asyncio
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median

ROUTES = 50
CONNECTIONS = (1, 16, 64)
REQUESTS = {1: 12_000, 16: 40_000, 64: 40_000}
ROUNDS = 3
LONG = 500_000
#: Measured before on two cores (requests/s at 1, 16, 64 connections): WireMock 3.13 with its
#: journal, and the floor of the same day, asyncio.Protocol with httptools and matching.
BEFORE = {1: (3137, 8718), 16: (6894, 24887), 64: (7816, 24928)}
BEFORE_P99 = {1: 14.0, 16: 49.0, 64: 99.0}


def body_of(number: int) -> dict[str, object]:
    return {
        "customer": f"customer-{number}",
        "amount": 1000 + number,
        "currency": "eur",
        "metadata": {"order": f"order-{number}", "channel": "web"},
        "description": "a charge of ordinary size, as a shop makes it",
    }


def routes() -> list[dict[str, object]]:
    return [
        {
            "on": "POST /v1/charges",
            "name": f"charge {number}",
            "body": {"customer": f"customer-{number}", "amount": 1000 + number, "currency": "eur"},
            "answer": {"body": {"id": f"ch_{number}", "status": "succeeded", "captured": True}},
        }
        for number in range(ROUTES)
    ]


def wire(number: int) -> bytes:
    body = json.dumps(body_of(number)).encode()
    head = (
        "POST /v1/charges HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\n"
        "Accept: */*\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n"
        "Authorization: Bearer sk_test_0123456789\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


# --- the load, in a process of its own


def load(port: int, connections: int, total: int) -> None:
    """Send `total` requests; print requests/s, p50 and p99 in ms as JSON."""
    wires = [wire(number) for number in range(ROUTES)]
    selector = selectors.DefaultSelector()
    started: dict[int, float] = {}
    pending: dict[int, bytes] = {}
    for number in range(connections):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ, (sock, number))
    took = array.array("d")
    sent = done = 0
    clock = time.perf_counter
    begin = clock()
    for key in list(selector.get_map().values()):
        sock, number = key.data
        started[number] = clock()
        sock.send(wires[sent % ROUTES])
        sent += 1
    deadline = time.monotonic() + 120
    while done < total and time.monotonic() < deadline:
        for key, _ in selector.select(5):
            sock, number = key.data
            data = pending.pop(number, b"") + sock.recv(65536)
            head = data.find(b"\r\n\r\n")
            at = data.lower().find(b"content-length:")
            if head < 0 or at < 0:
                if data.find(b"\r\n0\r\n\r\n") < 0:
                    pending[number] = data
                    continue
            elif len(data) < head + 4 + int(data[at + 15 : data.index(b"\r", at)]):
                pending[number] = data
                continue
            took.append(clock() - started[number])
            assert data.startswith(b"HTTP/1.1 200"), data
            done += 1
            if sent < total:
                started[number] = clock()
                sock.send(wires[sent % ROUTES])
                sent += 1
    seconds = clock() - begin
    ordered = sorted(took)
    print(
        json.dumps(
            {
                "rate": done / seconds,
                "p50": ordered[len(ordered) // 2] * 1000,
                "p99": ordered[int(len(ordered) * 0.99)] * 1000,
                "done": done,
            }
        )
    )


def under_load(port: int, connections: int, total: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--load", str(port), str(connections), str(total)]
    found = subprocess.run(command, capture_output=True, check=True, timeout=180)
    return dict(json.loads(found.stdout))


# --- what it is compared with


def floor(port_pipe: int, use_uvloop: bool) -> None:
    """Parse with httptools, match by hand, answer; nothing is written down."""
    import httptools

    answers = {
        f"customer-{number}": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        b"content-length: 53\r\n\r\n" + json.dumps({"id": f"ch_{number}"}).encode().ljust(53)
        for number in range(ROUTES)
    }
    wanted = [(f"customer-{number}", 1000 + number, "eur") for number in range(ROUTES)]

    class Floor(asyncio.Protocol):
        def connection_made(self, transport):  # type: ignore[no-untyped-def]
            self.transport = transport
            self.parser = httptools.HttpRequestParser(self)

        def data_received(self, data):  # type: ignore[no-untyped-def]
            self.parser.feed_data(data)

        def on_message_begin(self):  # type: ignore[no-untyped-def]
            self.headers = []
            self.body = b""

        def on_url(self, url):  # type: ignore[no-untyped-def]
            self.url = url

        def on_header(self, name, value):  # type: ignore[no-untyped-def]
            self.headers.append((name, value))

        def on_body(self, body):  # type: ignore[no-untyped-def]
            self.body += body

        def on_message_complete(self):  # type: ignore[no-untyped-def]
            seen = json.loads(self.body)
            for customer, amount, currency in wanted:
                if (
                    self.url == b"/v1/charges"
                    and seen.get("customer") == customer
                    and seen.get("amount") == amount
                    and seen.get("currency") == currency
                ):
                    self.transport.write(answers[customer])
                    return

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Floor, "127.0.0.1", 0)
        os.write(port_pipe, b"%d\n" % server.sockets[0].getsockname()[1])
        await server.serve_forever()

    if use_uvloop:
        import uvloop

        uvloop.run(serve())
    else:
        asyncio.run(serve())


class Beside:
    """A server that stub is measured beside, in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        reader, writer = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, __file__, *arguments, str(writer)], pass_fds=[writer]
        )
        os.close(writer)
        with open(reader, "rb") as ready:
            self.port = int(ready.readline())

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def wiremock_jar() -> Path | None:
    given = os.environ.get("AVOW_WIREMOCK_JAR", "")
    return Path(given) if given and Path(given).is_file() else None


def measure_wiremock(jar: Path, rows: list[tuple[str, float, str, str]]) -> dict[int, float]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen(
            [
                "java",
                "-jar",
                str(jar),
                "--port",
                str(port),
                "--bind-address",
                "127.0.0.1",
                "--root-dir",
                directory,
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/__admin/mappings").close()
                    break
                except OSError:
                    time.sleep(0.1)
            for route in routes():
                patterns = [
                    {"matchesJsonPath": {"expression": f"$.{key}", "equalTo": str(value)}}
                    for key, value in route["body"].items()
                ]
                mapping = {
                    "request": {
                        "method": "POST",
                        "urlPath": "/v1/charges",
                        "bodyPatterns": patterns,
                    },
                    "response": {"status": 200, "jsonBody": route["answer"]["body"]},
                }
                urllib.request.urlopen(
                    urllib.request.Request(
                        f"http://127.0.0.1:{port}/__admin/mappings",
                        json.dumps(mapping).encode(),
                        {"content-type": "application/json"},
                    )
                ).close()
            under_load(port, 16, 5000)
            return measure("WireMock", port, rows)
        finally:
            process.terminate()
            process.wait()


# --- the measurement


def measure(name: str, port: int, rows: list[tuple[str, float, str, str]]) -> dict[int, float]:
    """Append the rows of a server; return its requests/s by number of connections."""
    rates = {}
    for connections in CONNECTIONS:
        found = [under_load(port, connections, REQUESTS[connections]) for _ in range(ROUNDS)]
        rates[connections] = median(each["rate"] for each in found)
        p99 = median(each["p99"] for each in found)
        label = f"{name}, {connections} connections"
        rows.append((label, round(rates[connections]), "requests/s", ""))
        target = f"<= {BEFORE_P99[connections]} (WireMock)" if name == "stub" else ""
        rows.append((f"{label}, p99", round(p99, 2), "ms", target))
    return rates


def resident(pid: int) -> float:
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def main() -> list[tuple[str, float, str, str]]:
    from avow.stubs.running import StubProcess

    rows: list[tuple[str, float, str, str]] = []
    with tempfile.TemporaryDirectory() as directory:
        begin = time.perf_counter()
        with StubProcess(Path(directory), shop=routes()) as stubs:
            rows.append(("stub, ready after", round(time.perf_counter() - begin, 3), "s", ""))
            port = int(stubs.facts["shop"]["port"])
            under_load(port, 16, 5000)
            before = resident(stubs.pid)
            rates = measure("stub", port, rows)
            under_load(port, 64, LONG)
            rows.append(("stub, resident before", round(before, 1), "MiB", ""))
            rows.append(
                (f"stub, resident after {LONG} more", round(resident(stubs.pid), 1), "MiB", "")
            )
            kept = sum(path.stat().st_size for path in Path(directory).glob("shop.calls.*"))
            rows.append(("stub, journal on disk", round(kept / 2**20, 1), "MiB", "<= 128"))
    with Beside("--floor", "asyncio") as beside:
        under_load(beside.port, 16, 5000)
        floors = measure("floor (asyncio, no journal)", beside.port, rows)
    jar = wiremock_jar()
    measured = measure_wiremock(jar, rows) if jar else {}
    for connections in (16, 64):
        target = ">= 2.5"
        if jar:
            ratio = rates[connections] / measured[connections]
            rows.append((f"stub / WireMock, {connections}", round(ratio, 2), "times", target))
        else:
            theirs, floor_then = BEFORE[connections]
            ratio = rates[connections] / floors[connections] * floor_then / theirs
            label = f"stub / WireMock, {connections} (by way of the floor: no jar here)"
            rows.append((label, round(ratio, 2), "times", target))
    return rows


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        load(*map(int, sys.argv[2:5]))
    elif sys.argv[1:2] == ["--floor"]:
        floor(int(sys.argv[3]), sys.argv[2] == "uvloop")
    else:
        for row_name, value, unit, target in main():
            print(f"{row_name:62} {value:>10} {unit:12} {target}")

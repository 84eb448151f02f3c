"""The stub: 50 routes that match on JSON bodies, journal on; requests/s and p99 at 1, 16 and 64
connections, in turns with the others, under the same load:

- WireMock  with its journal, where AVOW_WIREMOCK_JAR names its jar (`npm pack wiremock` brings one)
- floor     asyncio.Protocol and httptools, the matching by hand, what was asked kept in memory

Without the jar the ratio to WireMock goes by way of the floor, as it was when both were measured.
The load comes from a process of its own: raw sockets, one request in flight per connection.
"""

from __future__ import annotations

import array
import asyncio
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from avow.stubs.journal import CallLine, JournalReader
from avow.stubs.running import StubProcess

ROUTES = 50
CONNECTIONS = (1, 16, 64)
REQUESTS = {1: 12_000, 16: 40_000, 64: 40_000}
ROUNDS = 3
WARM_UP = 30_000
LONG = 500_000
#: floor / WireMock 3.13.2, measured with this file on 2 cores (Python 3.11, Java 17).
FLOOR_BY_WIREMOCK = {1: 7.9, 16: 7.4, 64: 8.4}

Rows = list[tuple[str, float, str, str]]


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


def floor(port_pipe: int) -> None:
    """Parse with httptools, match by hand, keep what was asked, answer."""
    import httptools

    answers = {
        f"customer-{number}": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
        b"content-length: 53\r\n\r\n" + json.dumps({"id": f"ch_{number}"}).encode().ljust(53)
        for number in range(ROUTES)
    }
    wanted = [(f"customer-{number}", 1000 + number, "eur") for number in range(ROUTES)]
    journal: deque[object] = deque(maxlen=20_000)

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
            headers = [(name.decode(), value.decode()) for name, value in self.headers]
            journal.append((time.time(), self.url.decode(), headers, seen))
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

    asyncio.run(serve())


@contextmanager
def beside(*arguments: str) -> Iterator[int]:
    """Run one of the servers of this file; yield its port."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, __file__, *arguments, str(writer)], pass_fds=[writer]
    )
    os.close(writer)
    try:
        with open(reader, "rb") as ready:
            yield int(ready.readline())
    finally:
        process.terminate()
        process.wait()


def wiremock_jar() -> Path | None:
    given = os.environ.get("AVOW_WIREMOCK_JAR", "")
    return Path(given) if given and Path(given).is_file() else None


@contextmanager
def wiremock(jar: Path) -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    command = ["java", "-jar", str(jar), "--port", str(port), "--bind-address", "127.0.0.1"]
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen(
            [*command, "--root-dir", directory],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            mappings = f"http://127.0.0.1:{port}/__admin/mappings"
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    urllib.request.urlopen(mappings).close()
                    break
                except OSError:
                    time.sleep(0.1)
            for route in routes():
                wanted = {"equalToJson": json.dumps(route["body"]), "ignoreExtraElements": True}
                mapping = {
                    "request": {
                        "method": "POST",
                        "urlPath": "/v1/charges",
                        "bodyPatterns": [wanted],
                    },
                    "response": {"status": 200, "jsonBody": route["answer"]["body"]},  # type: ignore[index]
                }
                kind = {"content-type": "application/json"}
                asked = urllib.request.Request(mappings, json.dumps(mapping).encode(), kind)
                urllib.request.urlopen(asked).close()
            yield port
        finally:
            process.terminate()
            process.wait()


# --- the measurement


def resident(pid: int) -> float:
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def start_up(rows: Rows) -> None:
    """One process for all stubs of a stack, or one each?"""
    for count in (1, 10):
        begin = time.perf_counter()
        with StubProcess(**{f"stub{number}": routes() for number in range(count)}) as stubs:
            name = f"a process of {count} stub{'s' if count > 1 else ''}"
            rows.append((f"{name}, ready after", time.perf_counter() - begin, "s", ""))
            rows.append((f"{name}, resident", resident(stubs.pid), "MiB", ""))


def kill_9(rows: Rows) -> None:
    """Calls that were answered and are not in the journal of a stub that was killed."""
    with tempfile.TemporaryDirectory() as directory:
        with StubProcess(Path(directory), shop=routes()) as stubs:
            port = int(stubs.facts["shop"]["port"])
            answered = 0
            with socket.create_connection(("127.0.0.1", port)) as sock:
                for number in range(2000):
                    if number == 1000:
                        os.kill(stubs.pid, signal.SIGKILL)
                    try:
                        sock.sendall(wire(number % ROUTES))
                        answered += sock.recv(65536).startswith(b"HTTP/1.1 200")
                    except OSError:
                        break
            reader = JournalReader(Path(stubs.facts["shop"]["journal"]))
            written = sum(isinstance(line, CallLine) for line in reader.read())
            reader.close()
        rows.append(("answered and lost by kill -9", max(answered - written, 0), "calls", "<= 0"))


def side_by_side(rows: Rows, ports: dict[str, int]) -> dict[tuple[str, int], float]:
    """Load all servers in turns; return their requests/s by name and number of connections."""
    rates: dict[tuple[str, int], list[float]] = defaultdict(list)
    late: dict[tuple[str, int], list[float]] = defaultdict(list)
    for port in ports.values():
        # Until a virtual machine has compiled what is hot.
        under_load(port, 16, WARM_UP)
    for _ in range(ROUNDS):
        for connections in CONNECTIONS:
            for name, port in ports.items():
                found = under_load(port, connections, REQUESTS[connections])
                rates[name, connections].append(found["rate"])
                late[name, connections].append(found["p99"])
    for name, connections in rates:
        label = f"{name}, {connections} connections"
        rows.append((label, median(rates[name, connections]), "requests/s", ""))
        target = ""
        if name == "stub" and "WireMock" in ports:
            target = f"<= {median(late['WireMock', connections]):.3g}"
        rows.append((f"{label}, p99", median(late[name, connections]), "ms", target))
    return {key: median(found) for key, found in rates.items()}


def long_run(rows: Rows, stubs: StubProcess, directory: Path) -> None:
    before = resident(stubs.pid)
    under_load(int(stubs.facts["shop"]["port"]), 64, LONG)
    growth = resident(stubs.pid) - before
    kept = sum(path.stat().st_size for path in directory.glob("shop.calls.*"))
    rows.append((f"memory after {LONG} more calls, growth", growth, "MiB", "<= 10"))
    rows.append(("journal on disk then", kept / 2**20, "MiB", "<= 160"))


def main() -> Rows:
    rows: Rows = []
    start_up(rows)
    kill_9(rows)
    jar = wiremock_jar()
    with ExitStack() as opened:
        directory = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        nowhere = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        for piece in range(1, 40):
            (nowhere / f"shop.calls.{piece}").symlink_to("/dev/null")
        stubs = opened.enter_context(StubProcess(directory, shop=routes()))
        silent = opened.enter_context(StubProcess(nowhere, shop=routes()))
        ports = {
            "stub": int(stubs.facts["shop"]["port"]),
            "stub, journal to /dev/null": int(silent.facts["shop"]["port"]),
            "floor": opened.enter_context(beside("--floor")),
        }
        if jar:
            ports["WireMock"] = opened.enter_context(wiremock(jar))
        rates = side_by_side(rows, ports)
        long_run(rows, stubs, directory)
    for connections in (16, 64):
        ours, floor_rate = rates["stub", connections], rates["floor", connections]
        to_nowhere = rates["stub, journal to /dev/null", connections]
        rows.append(
            (f"journal, share of a call, {connections}", 1 - ours / to_nowhere, "", "<= 0.15")
        )
        rows.append((f"stub / floor, {connections}", ours / floor_rate, "times", ""))
        if jar:
            ratio, how = ours / rates["WireMock", connections], ""
        else:
            ratio = ours / floor_rate * FLOOR_BY_WIREMOCK[connections]
            how = ", by way of the floor (no jar)"
        rows.append((f"stub / WireMock, {connections}{how}", ratio, "times", ">= 2.5"))
    return rows


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        load(*map(int, sys.argv[2:5]))
    elif sys.argv[1:2] == ["--floor"]:
        floor(int(sys.argv[2]))
    else:
        for row_name, value, unit, target in main():
            print(f"{row_name:62} {value:>10.4g} {unit:12} {target}")

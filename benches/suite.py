"""W1: a suite of 1000 scenarios x 6 steps x 2 requests, whole command, beside the bare loop.

    server (its own process, asyncio + httptools)  <-- bare httpx loop: 2000 requests
                                                   <-- behave alone, steps on httpx, no report
                                                   <-- behave with avow: worlds, evidence, Allure

All of a round run one after another, and a ratio is taken within its round; the median of the
rounds counts.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import ClassVar

import psutil

ROUNDS = 5
SCENARIOS = 1000
PER_FEATURE = 50

SERVER = Path(__file__)

BARE = """
import sys, httpx
url, n = sys.argv[1], int(sys.argv[2])
with httpx.Client(base_url=url) as client:
    for i in range(n):
        assert client.post("/orders", json={"customer": f"c{i}", "amount": 4250}).status_code == 201
        assert client.get(f"/orders/{i}").json()["status"] == "paid"
"""

FEATURE = """\
  Scenario: order {i}
    Given a customer "c{i}"
    When the customer orders for 4250
    Then the answer is 201
    And the order has an id
    When the order {i} is read
    Then its status is "paid"

"""

PLAIN_STEPS = """
import httpx, os
from behave import given, when, then, use_step_matcher
use_step_matcher("parse")
client = httpx.Client(base_url=os.environ["BENCH_URL"])

@given('a customer "{name}"')
def customer(context, name):
    context.customer = name

@when("the customer orders for {amount:d}")
def orders(context, amount):
    context.answer = client.post("/orders", json={"customer": context.customer, "amount": amount})

@then("the answer is {status:d}")
def answered(context, status):
    assert context.answer.status_code == status

@then("the order has an id")
def has_id(context):
    assert context.answer.json()["id"]

@when("the order {number:d} is read")
def read(context, number):
    context.answer = client.get(f"/orders/{number}")

@then('its status is "{status}"')
def its_status(context, status):
    assert context.answer.json()["status"] == status
"""

AVOW_STEPS = """
import json
from avow.gherkin import given, when, then

@given("a customer {string}")
def customer(world, name):
    world.memory.remember("customer", name)

@when("the customer orders for {int}")
def orders(world, amount):
    body = {"customer": world.memory.recall("customer"), "amount": amount}
    world.http["api"].send("POST", "/orders", json=body)

@then("the answer is {int}")
def answered(world, status):
    entry = world.ledger.last("http.exchange")
    world.claim(entry)
    assert entry.data["response"]["status"] == status

@then("the order has an id")
def has_id(world):
    assert json.loads(world.ledger.last("http.exchange").bodies["response"].text())["id"]

@when("the order {int} is read")
def read(world, number):
    world.http["api"].send("GET", f"/orders/{number}")

@then("its status is {string}")
def its_status(world, status):
    entry = world.ledger.last("http.exchange")
    assert json.loads(entry.bodies["response"].text())["status"] == status
"""


# -- the server


class _Protocol(asyncio.Protocol):
    answers: ClassVar = {
        b"POST": (b"201 Created", b'{"id":"o1","status":"new","amount":4250,"currency":"EUR"}'),
        b"GET": (b"200 OK", b'{"id":"o1","status":"paid","amount":4250,"currency":"EUR"}'),
    }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        import httptools

        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        status, body = self.answers[self._parser.get_method()]
        self._transport.write(  # type: ignore[attr-defined]
            b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (status, len(body), body)
        )


def serve(listening: int) -> None:
    async def run() -> None:
        with socket.socket(fileno=listening) as held:
            server = await asyncio.get_running_loop().create_server(_Protocol, sock=held)
            await server.serve_forever()

    asyncio.run(run())


class Server:
    def __enter__(self) -> str:
        held = socket.socket()
        held.bind(("127.0.0.1", 0))
        held.listen(128)
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), "serve", str(held.fileno())], pass_fds=[held.fileno()]
        )
        port = held.getsockname()[1]
        held.close()
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


# -- suites


def write(root: Path, url: str, steps: str, scenarios: int, runner: str) -> None:
    (root / "features").mkdir(parents=True)
    (root / "steps").mkdir()
    (root / "steps/steps.py").write_text(steps)
    (root / "pyproject.toml").write_text(
        f'[tool.behave]\npaths = ["features"]\nrunner = "{runner}"\n'
        'default_format = "progress"\ncapture_hooks = false\n'
    )
    (root / "avow.toml").write_text(f'[services.api]\nkind = "http"\nurl = "{url}"\n')
    for first in range(0, scenarios, PER_FEATURE):
        text = f"Feature: Orders {first}\n\n"
        text += "".join(FEATURE.format(i=i) for i in range(first, first + PER_FEATURE))
        (root / f"features/orders_{first:05}.feature").write_text(text)


def timed(command: list[str], cwd: Path, url: str) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "BENCH_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stdout[-3000:]}")
    return seconds


def peak(command: list[str], cwd: Path, url: str) -> float:
    """Return the most memory that all processes of a command had together, in MiB.

    Pages that forked processes share count once (PSS).
    """
    process = psutil.Popen(
        command,
        cwd=cwd,
        env={**os.environ, "BENCH_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    highest = 0.0
    while process.poll() is None:
        try:
            family = [process, *process.children(recursive=True)]
        except psutil.Error:
            continue
        highest = max(highest, sum(map(_pss, family)))
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"{command} failed with {process.returncode}")
    return highest


def _pss(process: psutil.Process) -> float:
    try:
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return int(text.partition("\nPss:")[2].split()[0]) / 1024 if "\nPss:" in text else 0.0


BEHAVE = [sys.executable, "-m", "behave"]
AVOW = "avow.runner:Runner"
PLAIN = "behave.runner:Runner"


def main() -> list[tuple[str, float, str, str]]:
    with tempfile.TemporaryDirectory(prefix="bench-suite-") as directory, Server() as url:
        root = Path(directory)
        bare = [sys.executable, "-c", BARE, url, str(SCENARIOS)]
        timed(bare, root, url)
        rounds: dict[str, list[float]] = {"bare": [], "plain": [], "avow": [], "inline": []}
        for number in range(ROUNDS):
            # A suite of its own for each: ext4 is slow to create files where others were removed
            # a moment ago, and a second run removes the first one's results.
            suites = root / str(number)
            write(suites / "plain", url, PLAIN_STEPS, SCENARIOS, PLAIN)
            write(suites / "avow", url, AVOW_STEPS, SCENARIOS, AVOW)
            write(suites / "inline", url, AVOW_STEPS, SCENARIOS, AVOW)
            rounds["bare"].append(timed(bare, root, url))
            rounds["plain"].append(timed(BEHAVE, suites / "plain", url))
            rounds["avow"].append(timed(BEHAVE, suites / "avow", url))
            inline = [*BEHAVE, "-D", "avow.inline"]
            rounds["inline"].append(timed(inline, suites / "inline", url))
        write(root / "small", url, AVOW_STEPS, 100, AVOW)
        write(root / "large", url, AVOW_STEPS, 10_000, AVOW)

        def ratio(name: str, to: str) -> float:
            pairs = zip(rounds[name], rounds[to], strict=True)
            return statistics.median(one / other for one, other in pairs)

        small = peak(BEHAVE, root / "small", url)
        large = peak(BEHAVE, root / "large", url)
    return [
        ("bare httpx loop, 2000 requests", statistics.median(rounds["bare"]), "s", ""),
        ("behave alone, no report / bare loop", ratio("plain", "bare"), "x", ""),
        (
            "behave with avow, all evidence and Allure / bare loop",
            ratio("avow", "bare"),
            "x",
            "<= 2.4",
        ),
        ("behave with avow / behave alone", ratio("avow", "plain"), "x", ""),
        ("the same in place (-D avow.inline) / bare loop", ratio("inline", "bare"), "x", ""),
        ("memory of all processes, 100 scenarios", small, "MiB", ""),
        ("memory of all processes, growth to 10 000 scenarios", large - small, "MiB", "<= 20"),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]))
    else:
        for row in main():
            print(*row)

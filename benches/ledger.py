"""Prove first: the ledger as the only truth.

1000 scenarios x 6 steps, append-only, 20 secrets known in all their forms, one write a record,
beside the bare httpx loop that makes the same 2000 requests;
50 recorded scenarios replayed without the system: one uses a token of an answer again, one
asserts on a 10 MB body. Then each is replayed with a changed answer, and has to notice.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import random
import statistics
import string
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from avow.core import events
from avow.core.entries import Body, Entry
from avow.core.ledger import Ledger, Observed
from avow.core.record import Recorder, read
from avow.core.replay import ReplayLedger
from avow.core.secrets import Redactor, Secret
from avow.matchers import compare, parse
from benches.suite import Server

ROUNDS = 5
SCENARIOS = 1000
REPLAYED = 50
BIG = json.dumps({"blob": "x" * 10_000_000, "last": "there"}).encode()
TOKEN = "tok_" + "0123456789abcdef" * 2

STEPS = (
    "Given a customer",
    "When the customer orders for 4250",
    "Then the answer is 201",
    "And the order has an id",
    "When the order is read",
    'Then its status is "paid"',
)


def main() -> list[tuple[str, float, str, str]]:
    redactor = _redactor()
    costs: list[tuple[float, float, float]] = []
    with Server() as url, tempfile.TemporaryDirectory() as folder:
        _bare(url)
        _ledger(Path(folder), redactor)
        for number in range(ROUNDS):
            # New files each time, as a run has them: to empty an old one costs more than all else.
            fresh = Path(folder, str(number))
            fresh.mkdir()
            costs.append((_bare(url), _ledger(fresh, redactor), _ledger(None, redactor)))
        replayed = _replay(Path(folder))
    line = events.encode(events.EntryWritten(at=1.0, entry=_entry_of_2_kb()))
    wanted, seen = parse(json.dumps(_order(1))), _order(1)
    return [
        ("1000 ledgers with files, redacted", _median(mine for _, mine, _ in costs), "s", ""),
        (
            "that beside the bare httpx loop",
            _median(mine / bare for bare, mine, _ in costs),
            "x of its time",
            "<= 0.4",
        ),
        (
            "the same without making 1000 files",
            _median(unfiled / bare for bare, _, unfiled in costs),
            "x of its time",
            "<= 0.2",
        ),
        ("redacting a 2 KB line, 20 secrets", _each(lambda: redactor.raw(line)), "us", "<= 25"),
        (
            "comparing 2 KB of JSON",
            _each(lambda: compare(wanted, seen, now=1.0)),
            "us",
            "<= 50",
        ),
        *replayed,
    ]


# -- writing


def _redactor() -> Redactor:
    redactor = Redactor(b"k" * 16)
    rng = random.Random(1)
    for number in range(20):
        value = "".join(rng.choices(string.ascii_letters + string.digits + "+/=&", k=32))
        redactor.add(Secret(f"secret {number}", value))
    return redactor


def _bare(url: str) -> float:
    import httpx

    began = time.perf_counter()
    with httpx.Client(base_url=url) as client:
        for number in range(SCENARIOS):
            body = {"customer": f"c{number}", "amount": 4250}
            assert client.post("/orders", json=body).status_code == 201
            assert client.get(f"/orders/{number}").json()["status"] == "paid"
    return time.perf_counter() - began


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _ledger(folder: Path | None, redactor: Redactor) -> float:
    gc.collect()
    began = time.perf_counter()
    for number in range(SCENARIOS):
        path = folder / f"scenario-{number}.jsonl" if folder else Path(os.devnull)
        recorder = Recorder(path, redactor)
        _write(recorder, number)
        recorder.close()
    return time.perf_counter() - began


def _write(recorder: Recorder, number: int) -> None:
    ledger = Ledger(recorder)
    places = [events.Place("features/orders.feature", 10 + at) for at in range(len(STEPS))]
    steps = [
        events.StepInfo(text.partition(" ")[0], "when", text.partition(" ")[2], place)
        for text, place in zip(STEPS, places, strict=True)
    ]
    info = events.ScenarioInfo(
        f"s{number}", f"order {number}", places[0], "Orders", tags=["payments"], steps=steps
    )
    recorder.event(events.ScenarioStarted(at=time.time(), scenario=info, worker="1", pid=1))
    for at, text in enumerate(STEPS):
        ledger.step = at
        recorder.event(events.StepStarted(at=time.time(), index=at, text=text))
        if at in (1, 4):
            _exchange(ledger, number, "POST" if at == 1 else "GET")
        elif at in (2, 3, 5):
            ledger.claim(ledger.entries[-1])
        recorder.event(
            events.StepFinished(at=time.time(), index=at, status="passed", seconds=0.001)
        )
    recorder.event(
        events.ScenarioFinished(at=time.time(), scenario=info.id, status="passed", seconds=0.01)
    )


def _exchange(ledger: Ledger, number: int, method: str) -> Entry:
    question = {"method": method, "path": f"/orders/{number}", "headers": HEADERS}
    return ledger.act("http.exchange", "api", question, lambda: _answered(number, method))


HEADERS = [
    ["Host", "127.0.0.1:8000"],
    ["Accept", "*/*"],
    ["User-Agent", "avow/0.1"],
    ["Content-Type", "application/json"],
]


def _answered(number: int, method: str) -> Observed:
    body = b'{"id":"o1","status":"paid","amount":4250,"currency":"EUR"}'
    request = {"method": method, "url": f"http://127.0.0.1:8000/orders/{number}", "path": "/orders"}
    response = {"status": 200, "reason": "OK", "headers": HEADERS}
    return Observed(
        f"{method} /orders/{number} -> 200",
        {"request": {**request, "headers": HEADERS}, "response": response, "seconds": 0.001},
        {"request": Body.of(body), "response": Body.of(body, "application/json")},
    )


def _order(number: int) -> dict[str, Any]:
    return {
        "id": f"order-{number}",
        "status": "paid",
        "customer": {"name": "Ann", "email": "ann@shop.example", "vip": False},
        "lines": [
            {"sku": f"A-{at}", "quantity": at, "price": {"amount": at * 100, "currency": "EUR"}}
            for at in range(18)
        ],
        "labels": {f"label-{at}": f"value number {at}" for at in range(18)},
    }


def _entry_of_2_kb() -> dict[str, Any]:
    return {"id": 1, "kind": "http.exchange", "data": _order(1)}


def _each(call: Callable[[], object], times: int = 300) -> float:
    """Return the microseconds of one call, of the best of several batches."""
    batches = []
    for _ in range(9):
        began = time.perf_counter()
        for _ in range(times):
            call()
        batches.append(time.perf_counter() - began)
    return min(batches) / times * 1e6


# -- replaying


class System:
    """Answers a scenario's questions, a little different in each scenario."""

    def __init__(self, number: int) -> None:
        self.number = number

    def login(self) -> Observed:
        return Observed("200", {"status": 200}, {"response": Body.of(json.dumps({"token": TOKEN}))})

    def pay(self) -> Observed:
        return Observed("201", {"status": 201, "amount": 100 + self.number})

    def state(self) -> Observed:
        return Observed("1 row", {"rows": [{"state": "paid", "number": self.number}]})

    def big(self) -> Observed:
        return Observed("200", {"status": 200}, {"response": Body.of(BIG)})


def _play(ledger: Ledger, number: int, system: System | None) -> None:
    """Play one scenario. Without a system every answer comes from the ledger."""

    def ask(name: str) -> Callable[[], Observed]:
        answer: Callable[[], Observed] = getattr(system, name) if system else _never
        return answer

    ledger.step = 0
    headers: list[list[str]] = []
    if number == 1:
        login = ledger.act("http.exchange", "api", {"path": "/login"}, ask("login"))
        token = json.loads(login.bodies["response"].whole())["token"]
        headers = [["Authorization", f"Bearer {token}"]]
    ledger.step = 1
    question = {"path": "/pay", "headers": headers}
    paid = ledger.act("http.exchange", "api", question, ask("pay"))
    ledger.collect("bank", lambda: _call(ledger, system))
    ledger.step = 2
    assert paid.data == {"status": 201, "amount": 100 + number}
    ledger.step = 3
    row = ledger.look("rows.seen", "db", {"table": "orders"}, ask("state"))
    assert compare({"state": "paid", "number": number}, row.data["rows"][0]) == []
    ledger.step = 4
    assert len(ledger.find("stub.call", "bank")) == 1
    if number == 2:
        big = ledger.look("http.exchange", "api", {"path": "/big"}, ask("big"))
        body = big.bodies["response"]
        assert body.length == len(BIG)
        assert (body.sha256 or hashlib.sha256(body.raw).hexdigest()) == _BIG_DIGEST


_BIG_DIGEST = hashlib.sha256(BIG).hexdigest()


def _call(ledger: Ledger, system: System | None) -> None:
    if system is None:
        _never()
    ledger.effect("stub.call", "bank", "POST /charge", {"number": 1})


def _never() -> NoReturn:
    raise RuntimeError("the system was asked")


def _replay(folder: Path) -> list[tuple[str, float, str, str]]:
    recorded = []
    for number in range(REPLAYED):
        path = folder / f"recorded-{number}.jsonl"
        redactor = _redactor()
        redactor.mint("token", TOKEN)
        recorder = Recorder(path, redactor)
        _play(Ledger(recorder), number, System(number))
        recorder.close()
        assert TOKEN.encode() not in path.read_bytes()
        recorded.append(
            [Entry.from_plain(each.entry) for each in read(path)
             if isinstance(each, events.EntryWritten)]
        )  # fmt: skip
    began = time.perf_counter()
    same = sum(_holds(number, entries) for number, entries in enumerate(recorded))
    seconds = time.perf_counter() - began
    noticed = sum(not _holds(number, _changed(each)) for number, each in enumerate(recorded))
    return [
        ("recorded scenarios that replay alike, of 50", same, "", f">= {REPLAYED}"),
        ("that notice one changed answer, of 50", noticed, "", f">= {REPLAYED}"),
        ("replaying one scenario", seconds / REPLAYED * 1e6, "us", ""),
        ("file of a scenario with a 10 MB body", _size(folder, 2), "KiB", "<= 128"),
    ]


def _holds(number: int, entries: list[Entry]) -> bool:
    try:
        _play(ReplayLedger(entries), number, None)
    except AssertionError:
        return False
    return True


def _changed(entries: list[Entry]) -> list[Entry]:
    def change(entry: Entry) -> Entry:
        if "amount" not in entry.data:
            return entry
        return msgspec.structs.replace(entry, data={**entry.data, "amount": 1})

    return [change(each) for each in entries]


def _size(folder: Path, number: int) -> float:
    return os.stat(folder / f"recorded-{number}.jsonl").st_size / 1024


if __name__ == "__main__":
    for name, value, unit, target in main():
        print(f"{name:45} {value:10.4g} {unit:8} {target}")

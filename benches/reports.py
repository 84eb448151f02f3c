"""What reporting one scenario costs: 6 steps, 2 exchanges, 2 other entries, into real files.

CPU time of the process (user and system), median of rounds; the file that the worker wrote is read,
the result and its evidence are written.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from avow.core import events
from avow.core.entries import Body, Entry
from avow.core.record import Recorder
from avow.core.secrets import Redactor
from avow.reports import record
from avow.reports.allure import AllureResults

#: A RAM disk: what is measured is the writer.
MEMORY = Path("/dev/shm")
ROUNDS = 7
SCENARIOS = 300
STEPS = (
    "Given a customer with an order of 42.50 EUR",
    "When the customer pays by card",
    "Then the payment succeeds",
    'And within 5 seconds the order is "paid"',
    "And Stripe received exactly 1 call",
    "And nothing else happened",
)


def main() -> list[tuple[str, float, str, str]]:
    disk = Path(__file__).parents[1] / "reports"
    rows = _measure(MEMORY if MEMORY.is_dir() else disk, "<= 0.35")
    # What a file system adds differs: one without a journal looks at every file that was deleted in
    # the last minutes before it makes a new one.
    rows.append(("the same on this disk", _measure(disk, "")[1][1], "ms CPU", ""))
    return rows


def _measure(where: Path, target: str) -> list[tuple[str, float, str, str]]:
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=where))
    try:
        passed, failed = write(folder / "passed.jsonl"), write(folder / "failed.jsonl", "failed")
        lean = _writing(passed, folder / "b", passed_evidence=False)
        costs = {
            "read a scenario's file": (_cost(lambda _: record.read(passed)), ""),
            "result and evidence of a passed scenario": (
                _cost(_writing(passed, folder / "a")),
                target,
            ),
            "the same without evidence of passed scenarios": (_cost(lean), ""),
            "result, evidence and viewers of a failed scenario": (
                _cost(_writing(failed, folder / "c")),
                "",
            ),
        }
        return [(name, value, "ms CPU", wanted) for name, (value, wanted) in costs.items()]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _writing(path: Path, results: Path, **settings: bool):
    allure = AllureResults(results, **settings)
    allure.start(events.RunStarted(at=0.0, run="bench", suite="bench", root="."))
    read = record.read

    def write_one(number: int) -> None:
        one = read(path)
        # A scenario of its own each time: new files, as in a run.
        allure.scenario(record.renamed(one, f"{one.scenario.id}-{number}"))

    return write_one


def _cost(work) -> float:
    taken = []
    number = 0
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(SCENARIOS):
            number += 1
            work(number)
        taken.append((time.process_time() - started) * 1000 / SCENARIOS)
    return statistics.median(taken)


def write(path: Path, status: events.Status = "passed") -> Path:
    recorder = Recorder(path, Redactor())
    place = events.Place("features/pay.feature", 3)
    steps = [
        events.StepInfo(*step.partition(" ")[::2], step.partition(" ")[2], place) for step in STEPS
    ]
    info = events.ScenarioInfo("pay#1", "Paying", place, "Payments", tags=["critical"], steps=steps)
    now = time.time()
    recorder.event(
        events.ScenarioStarted(at=now, scenario=info, run="r", worker="w", monotonic=100.0)
    )
    for index in range(len(STEPS)):
        recorder.event(events.StepStarted(at=now + index * 0.01, index=index))
        if index < 2:
            recorder.entry(_exchange(index, now))
        elif index == 3:
            recorder.entry(_other(index, now, "rows.seen", "look"))
        elif index == 4:
            recorder.entry(_other(index, now, "stub.call", "effect"))
        bad = status != "passed" and index == 5
        recorder.event(
            events.StepFinished(
                at=now + index * 0.01 + 0.005,
                index=index,
                status=status if bad else "passed",
                seconds=0.005,
                trouble=events.Trouble(status, "not so") if bad else None,
            )
        )
    recorder.event(
        events.ScenarioFinished(at=now + 0.1, scenario="pay#1", status=status, seconds=0.1)
    )
    recorder.close()
    return path


def _exchange(index: int, now: float) -> Entry:
    body = Body.of(json.dumps({"id": "o-17", "lines": [{"sku": n} for n in range(8)]}))
    headers = [["content-type", "application/json"], ["x-request-id", "1"], ["server", "uvicorn"]]
    data = {
        "request": {
            "method": "POST",
            "url": "http://127.0.0.1:8080/orders",
            "path": "/orders",
            "query": {},
            "headers": headers,
        },
        "response": {"status": 201, "reason": "Created", "headers": headers},
        "seconds": 0.004,
    }
    started = 100.0 + index * 0.01
    return Entry(
        index + 1,
        "http.exchange",
        "shop",
        "act",
        index,
        started,
        started + 0.004,
        now + index * 0.01,
        "POST /orders -> 201 Created",
        data,
        {"request": body, "response": body},
        {"method": "POST", "path": "/orders"},
    )


def _other(index: int, now: float, kind: str, role: str) -> Entry:
    data = {"table": "orders", "rows": [{"id": "o-17", "status": "paid", "amount": 4250}]}
    started = 100.0 + index * 0.01
    return Entry(
        index + 1, kind, "db", role, index, started, started + 0.001, now + index * 0.01,
        "1 row of orders", data,
    )  # fmt: skip


if __name__ == "__main__":
    for row in main():
        print(row)

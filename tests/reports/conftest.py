"""Scenario files made as a worker makes them: a Recorder under a Ledger, step by step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from avow.core import events
from avow.core.entries import Body, Claim, Entry
from avow.core.ledger import Ledger, Observed
from avow.core.record import Recorder
from avow.core.secrets import Redactor

START = 1_800_000_000.0
MONOTONIC = 5_000.0


class Worker:
    """Plays a worker: writes one scenario's file. Time moves only when told (`pass_time`)."""

    def __init__(self, path: Path, redactor: Redactor | None = None, **info: Any) -> None:
        self.recorder = Recorder(path, redactor or Redactor(b"k" * 16))
        self.ledger = Ledger(self)
        self.path = path
        self.now = 0.0
        self.lines: list[tuple[str, str]] = []
        defaults: dict[str, Any] = {
            "id": "features/payments/pay.feature#Paying for an order",
            "name": "Paying for an order",
            "place": events.Place("features/payments/pay.feature", 12),
            "feature": "Payments",
        }
        self.info = defaults | info
        self.step = -1

    def begin(self, *steps: str | events.StepInfo, **started: Any) -> Worker:
        infos = [
            step if isinstance(step, events.StepInfo) else step_info(step, 13 + number)
            for number, step in enumerate(steps)
        ]
        self.scenario = events.ScenarioInfo(**self.info, steps=infos)
        defaults: dict[str, Any] = {
            "run": "run-1",
            "worker": "worker-1",
            "host": "node-7",
            "pid": 4242,
            "monotonic": MONOTONIC,
            "seed": 99,
        }
        self.event(events.ScenarioStarted(at=START, scenario=self.scenario, **(defaults | started)))
        return self

    def event(self, event: events.Event) -> None:
        self.recorder.event(event)

    @property
    def clock(self) -> float:
        return START + self.now

    def pass_time(self, seconds: float) -> Worker:
        self.now += seconds
        return self

    def start(self, index: int, text: str = "") -> Worker:
        self.ledger.step = self.step = index
        self._began = self.now
        self.event(events.StepStarted(at=START + self.now, index=index, text=text))
        return self

    def end(
        self,
        status: events.Status = "passed",
        message: str = "",
        trace: str = "",
        output: str = "",
    ) -> Worker:
        trouble = events.Trouble(status, message, trace) if message else None
        self.event(
            events.StepFinished(
                at=START + self.now,
                index=self.step,
                status=status,
                seconds=self.now - self._began,
                trouble=trouble,
                output=output,
            )
        )
        self.ledger.step = -1
        return self

    def finish(self, status: events.Status = "passed", **more: Any) -> events.ScenarioFinished:
        finished = events.ScenarioFinished(
            at=START + self.now,
            scenario=self.scenario.id,
            status=status,
            seconds=self.now,
            file=str(self.path),
            **more,
        )
        self.event(finished)
        self.recorder.close()
        return finished

    # -- entries; the ledger's sink puts them on the clock of this scenario

    def entry(self, entry: Entry) -> None:
        at = START + entry.started - MONOTONIC
        self.recorder.entry(msgspec.structs.replace(entry, at=at))

    def claim(self, claim: Claim) -> None:
        self.recorder.claim(claim)

    def act(self, kind: str, resource: str, summary: str, took: float = 0.01, **more: Any) -> Any:
        return self.ledger.act(kind, resource, {}, lambda: self._seen(summary, took, **more))

    def look(self, kind: str, resource: str, summary: str, took: float = 0.002, **more: Any) -> Any:
        question = more.pop("question", {"what": kind})
        return self.ledger.look(kind, resource, question, lambda: self._seen(summary, took, **more))

    def effect(self, kind: str, resource: str, summary: str, ago: float = 0.0, **more: Any) -> Any:
        started = MONOTONIC + self.now - ago
        return self.ledger.effect(
            kind,
            resource,
            summary,
            started=started,
            ended=started + 0.003,
            at=START + self.now - ago,
            **more,
        )

    def exchange(
        self,
        method: str,
        path: str,
        status: int | None = 200,
        reason: str = "OK",
        wanted: Any = None,
        answer: Any = None,
        **more: Any,
    ) -> Any:
        bodies = {}
        if wanted is not None:
            bodies["request"] = Body.of(json.dumps(wanted), "application/json")
        if answer is not None:
            body = answer if isinstance(answer, bytes) else json.dumps(answer)
            bodies["response"] = Body.of(body, "application/json")
        response = None
        if status is not None:
            response = {
                "status": status,
                "reason": reason,
                "headers": [["content-type", "application/json"], ["server", "uvicorn"]],
            }
        data = {
            "request": {
                "method": method,
                "url": f"http://127.0.0.1:8080{path}",
                "path": path,
                "query": {},
                "headers": [["accept", "*/*"], ["authorization", "Bearer hunter2-hunter2"]],
            },
            "response": response,
            "seconds": 0.012,
            **more,
        }
        return self.act(
            "http.exchange",
            "shop",
            f"{method} {path} -> {status} {reason}",
            0.012,
            data=data,
            bodies=bodies,
        )

    def _seen(self, summary: str, took: float, **more: Any) -> Observed:
        started = MONOTONIC + self.now
        self.now += took
        return Observed(summary, started=started, ended=started + took, **more)


def step_info(text: str, line: int = 13, **more: Any) -> events.StepInfo:
    keyword, _, rest = text.partition(" ")
    kind = keyword.lower() if keyword in {"Given", "When", "Then"} else "then"
    return events.StepInfo(
        keyword, kind, rest, events.Place("features/payments/pay.feature", line), **more
    )


@pytest.fixture
def worker(tmp_path: Path) -> Callable[..., Worker]:
    """Return a maker of workers: `worker("name", tags=[...])`."""

    def make(
        file: str = "scenario-1.jsonl", redactor: Redactor | None = None, **info: Any
    ) -> Worker:
        return Worker(tmp_path / file, redactor, **info)

    return make

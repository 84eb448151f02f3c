"""A scenario's hand on a stub: what it is to answer, and what it was asked.

arm(route) --admin port--> stub --journal--> collect() --> stub.call effects in the ledger
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import quote, urlsplit

import msgspec

from avow.channels.base import ChannelBase, ChannelContext, Definition
from avow.channels.http.paths import mint_credentials
from avow.core.entries import Body, Entry
from avow.core.errors import EnvironmentProblem, SuiteError
from avow.core.ledger import Ledger, Observed
from avow.core.text import plural
from avow.stubs import calls as reading
from avow.stubs.files import Here, with_files
from avow.stubs.forms import decode_form
from avow.stubs.journal import (
    CallLine,
    EndLine,
    Gap,
    JournalReader,
    ResetLine,
    unwritable,
)
from avow.stubs.request import split_target
from avow.stubs.routes import Route, route_from

if TYPE_CHECKING:
    from avow.stubs.webhooks import WebhookSender

#: Calls of one scenario that become entries; more of them are counted only.
MOST_CALLS = 10_000
#: The worker and its stubs are on one machine: longer than this is trouble.
_PATIENCE = 10.0


class StubChannel(ChannelBase):
    """One stub. Arming is an act; what the stub received are effects of the system under test."""

    is_source: ClassVar[bool] = True

    def __init__(
        self,
        name: str,
        facts: Mapping[str, str],
        definition: Definition | None,
        ledger: Ledger,
        context: ChannelContext | None = None,
    ) -> None:
        # A plain pytest has no context: what needs one (webhooks) is not there then.
        super().__init__(name, facts, definition, ledger, cast("ChannelContext", context))
        self._has_context = context is not None
        self._admin = AdminClient(name, facts["admin"], facts["token"])
        self._journal = JournalReader(Path(facts["journal"]))
        if context is not None:
            context.redactor.mint(f"{name} stub", facts["token"])
        self.webhooks: WebhookSender | None = None
        settings = self.setting("webhooks")
        if settings is not None and context is not None:
            from avow.stubs.webhooks import WebhookSender

            self.webhooks = WebhookSender(name, settings, ledger, context)
        self._base = 0
        self._written = 0
        self._is_touched = False

    @property
    def url(self) -> str:
        return self.facts["url"]

    # -- acts

    def arm(self, *routes: Route | Mapping[str, Any]) -> Entry:
        """Answer calls this way from now on: in force when this returns, and before all older
        routes.

        Raises Problems for a route that cannot mean what it says.
        """
        paths: Any = self.context.guards if self._has_context else Here()
        made = [
            route_from(with_files(route, paths), where=f'stub "{self.name}"') for route in routes
        ]
        plain = [route.to_plain() for route in made]
        titles = ", ".join(f'"{route.title}"' for route in made)

        def perform() -> Observed:
            self._is_touched = True
            self._admin.ask("POST", "routes", {"routes": plain})
            return Observed(f"{self.name} answers {titles}", {"routes": plain})

        return self.ledger.act("stub.route", self.name, {"routes": plain}, perform)

    # -- effects

    def collect(self) -> None:
        """Write every call that the stub has received by now; what it has answered is among it."""
        self.ledger.collect(self.name, lambda: self._write(self._read(None)))
        self._check("")

    def watermark(self) -> tuple[int, int]:
        """Return how many calls came in since the stub started, and how many are not answered
        yet.
        """
        state = self._state()
        return state["calls"], state["in_flight"]

    def calls(self, target: str = "") -> list[Entry]:
        """Return the calls to `target` ("POST /v1/charges") that were collected, oldest first."""
        return reading.calls(self.ledger, self.name, target)

    def count(self, target: str = "") -> int:
        """Return how many calls to `target` were collected; exact also where they were dropped."""
        return reading.count(self.ledger, self.name, target)

    # -- the life of a scenario

    def bind(self, ledger: Ledger) -> None:
        super().bind(ledger)
        self._written = 0

    def start_scenario(self) -> None:
        """Begin with the default routes alone; calls that came since the last end are not this
        scenario's.
        """
        late = sum(isinstance(line, CallLine) for line in self._journal.read())
        if late or self._is_touched:
            self._read_to_reset(self._admin.ask("POST", "reset", {})["epoch"])
        self._base = self._journal.number
        self._is_touched = False
        self._written = 0

    def reset(self, seed: int | None = None) -> list[str]:
        """End a scenario: collect what there is, record what is in flight as unfinished, restore.

        Return what the report should warn about: calls that no route answered, calls without an
        end.
        """
        state = self._admin.ask("POST", "reset", {"seed": seed})
        self.ledger.collect(self.name, lambda: self._write(self._read(state["epoch"])))
        self._check(state["problem"])
        self._base = self._journal.number
        self._is_touched = False
        return list(self._warnings())

    def close(self) -> None:
        if self.webhooks is not None:
            self.webhooks.close()
        self._admin.close()
        self._journal.close()

    # -- how

    def _state(self) -> dict[str, Any]:
        state = self._admin.ask("GET", "", None)
        self._check(state["problem"])
        return state

    def _check(self, problem: str) -> None:
        if self._journal.lost and not problem:
            problem = f"{plural(self._journal.lost, 'line')} of it did not arrive"
        if problem:
            raise unwritable(self.name, problem)

    def _read_to_reset(self, epoch: int) -> None:
        for line in self._journal.read():
            if isinstance(line, ResetLine) and line.epoch >= epoch:
                return

    def _read(self, epoch: int | None) -> Iterator[CallLine | EndLine | Gap]:
        for line in self._journal.read():
            if not isinstance(line, ResetLine):
                yield line
            elif epoch is not None and line.epoch >= epoch:
                return

    def _write(self, lines: Iterator[CallLine | EndLine | Gap]) -> None:
        batch: dict[int, tuple[CallLine, EndLine | None]] = {}
        gaps: list[Gap] = []
        for line in lines:
            if isinstance(line, Gap):
                gaps.append(line)
            elif isinstance(line, EndLine):
                if line.number in batch:
                    batch[line.number] = batch[line.number][0], line
                else:
                    self._write_end(line)
            elif self._written < MOST_CALLS:
                self._written += 1
                batch[line.number] = line, None
            else:
                key = f"{line.method} {split_target(line.target)[0]}"
                gaps.append(Gap(line.number, line.number, {key: 1}))
        for call, end in batch.values():
            self._write_call(call, end)
        if gaps:
            self._write_gaps(gaps)
        if batch or gaps:
            self._is_touched = True

    def _write_call(self, line: CallLine, end: EndLine | None) -> None:
        path, query = split_target(line.target)
        if self._has_context:
            # The system's own credentials, which it sends to what it takes for the real one.
            mint_credentials(self.context.redactor, self.name, line.headers)
        outcome = line.outcome
        if end is not None and end.outcome == "unfinished":
            outcome = "unfinished"
        data: dict[str, Any] = {
            "number": line.number - self._base,
            "method": line.method,
            "path": path,
            "query": decode_form(query),
            "headers": [list(pair) for pair in line.headers],
            "matched": line.route,
            "status": line.status,
            "outcome": outcome,
        }
        for key, value in (
            ("fault", line.fault),
            ("delay", line.delay),
            ("replayed", line.replayed),
            ("note", line.note),
            ("near_misses", line.near_misses),
            ("end", end.outcome if end else ""),
        ):
            if value:
                data[key] = value
        bodies: dict[str, Body] = {}
        if line.body is not None:
            bodies["request"] = Body.from_plain(line.body)
        if line.answer is not None:
            bodies["response"] = Body.from_plain(line.answer)
        self.ledger.effect(
            reading.CALL,
            self.name,
            _summary(self.name, line, path, outcome),
            data,
            bodies,
            started=line.at,
            ended=line.at if end is None else end.at,
            at=line.utc,
        )

    def _write_end(self, line: EndLine) -> None:
        number = line.number - self._base
        if number < 1:
            return
        # Nobody acted and nothing new left the system: avow saw how a call ended that it knows
        # already.
        self.ledger.look(
            "stub.ended",
            self.name,
            {"number": number},
            lambda: Observed(
                f"call {number} to {self.name} ended: {line.outcome}",
                {"number": number, "outcome": line.outcome},
                started=line.at,
                ended=line.at,
            ),
        )

    def _write_gaps(self, gaps: list[Gap]) -> None:
        counts: dict[str, int] = {}
        for gap in gaps:
            for key, number in gap.counts.items():
                counts[key] = counts.get(key, 0) + number
        first, last = gaps[0].first - self._base, gaps[-1].last - self._base
        self.ledger.effect(
            reading.DROPPED,
            self.name,
            f"{self.name} received {plural(sum(counts.values()), 'more call')}: counted, not kept",
            {"first": max(first, 1), "last": last, "counts": counts},
        )

    def _warnings(self) -> Iterator[str]:
        for entry in self.ledger.find(reading.CALL, self.name):
            if entry.data["outcome"] == "unmatched":
                yield entry.data["note"]
            elif entry.data["outcome"] == "unfinished":
                method, path = entry.data["method"], entry.data["path"]
                why = entry.data.get("note", "the scenario ended before it was answered")
                yield f"{self.name} stub: {method} {path} is unfinished: {why}."


class AdminClient:
    """Speaks to the admin port of a process of stubs, over one connection."""

    def __init__(self, stub: str, url: str, token: str) -> None:
        where = urlsplit(url)
        self._stub = stub
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._connection = http.client.HTTPConnection(
            where.hostname or "127.0.0.1", where.port, timeout=_PATIENCE
        )

    def ask(self, method: str, what: str, body: Any) -> dict[str, Any]:
        """Return the answer; raises EnvironmentProblem where there is none, SuiteError for a
        refusal.
        """
        path = f"/stubs/{quote(self._stub, safe='')}/{what}".rstrip("/")
        raw = None if body is None else msgspec.json.encode(body)
        try:
            self._connection.request(method, path, raw, self._headers)
            with self._connection.getresponse() as response:
                status, answer = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise EnvironmentProblem(
                f"its process does not answer: {error}",
                where=f'stub "{self._stub}"',
                advice="It has ended or hangs; its log is beside those of the other services.",
            ) from error
        told = msgspec.json.decode(answer)
        if status != 200:
            raise SuiteError(told["error"], where=f'stub "{self._stub}"')
        return dict(told)

    def close(self) -> None:
        self._connection.close()


def _summary(stub: str, line: CallLine, path: str, outcome: str) -> str:
    call = f"{stub} got {line.method} {path}"
    if outcome == "answered":
        return f"{call} and answered {line.status}"
    if outcome == "unmatched":
        return f"{call}, which no route answers ({line.status})"
    if outcome == "delayed":
        return f"{call} and answers {line.status} after {line.delay:g} s"
    if outcome in ("unfinished", "refused"):
        return f"{call}: {outcome}, {line.note}" if line.note else f"{call}: {outcome}"
    return f"{call}: {line.fault or outcome}"

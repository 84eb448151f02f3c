"""One stub: what it answers, and what it wrote down about each call.

connection --receive(request)--> find route -> answer -> journal -> connection sends
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from avow.stubs.answers import Call, Rendered, render
from avow.stubs.idempotency import IdempotencyKeys, Kept
from avow.stubs.journal import BODY_LIMIT, PIECE, CallLine, EndLine, JournalWriter, plain_body
from avow.stubs.request import Request
from avow.stubs.routes import Route
from avow.stubs.table import RouteTable, near_miss_text

_encode = msgspec.json.encode

#: Bytes of a request's body that a stub takes in, unless told otherwise.
LARGEST_BODY = 16 * 1024 * 1024

#: What is in the journal as the outcome of a call with a fault.
_OUTCOMES = {
    "reset-before-reading": "reset",
    "reset-after-reading": "reset",
    "reset-after-processing": "reset",
    "close": "closed",
    "cut-short": "cut",
    "hang": "hung",
}
_PROCESSED = ("", "reset-after-processing", "cut-short")


class StubSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a stub can be told beside its routes."""

    largest_body: int = LARGEST_BODY
    body_limit: int = BODY_LIMIT
    piece_size: int = PIECE
    unmatched_status: int = 404


class Plan:
    """An answer that is not simply sent: late, broken, or not at all."""

    __slots__ = ("delay", "fault", "kept", "number", "rendered")

    def __init__(
        self, number: int, rendered: Rendered, delay: float, fault: str, kept: Kept | None
    ) -> None:
        self.number = number
        self.rendered = rendered
        self.delay = delay
        self.fault = fault
        self.kept = kept


class Stub:
    """What the connections of one port share."""

    def __init__(
        self,
        name: str,
        journal: Path,
        settings: StubSettings | None = None,
        defaults: Iterable[Route] = (),
    ) -> None:
        self.name = name
        self.settings = settings or StubSettings()
        self.largest_body = self.settings.largest_body
        self.journal = JournalWriter(
            journal,
            name,
            body_limit=self.settings.body_limit,
            piece_size=self.settings.piece_size,
        )
        self.table = RouteTable()
        self.connections: set[Any] = set()
        self.has_early_resets = False
        self._defaults = list(defaults)
        self._keys = IdempotencyKeys()
        self._random = random.Random()
        self._fixed: dict[int, tuple[Rendered, msgspec.Raw | None]] = {}
        self._restore()

    # -- told by the worker

    def arm(self, routes: Iterable[Route]) -> None:
        """Answer with these from now on; they win over what is armed already."""
        self.table.arm(routes)
        self._routes_changed()

    def reset(self, seed: int | None = None) -> tuple[int, int]:
        """End a scenario; return its number, and how many calls had not been answered yet.

        Only the default routes are left; unfinished calls are recorded as such and their
        connections closed. `seed` decides what `${uuid}` gives from now on.
        """
        unfinished = sum(connection.abandon() for connection in list(self.connections))
        self.table.clear()
        self._keys.clear()
        self._random.seed(seed)
        self._restore()
        return self.journal.reset().epoch, unfinished

    def _restore(self) -> None:
        if self._defaults:
            self.table.arm(self._defaults)
        self._routes_changed()

    def _routes_changed(self) -> None:
        # By identity, which is good for as long as the table keeps the answers.
        self._fixed.clear()
        for armed in self.table.routes:
            for template in armed.templates:
                if template.fixed is not None:
                    self._fixed[id(template.fixed)] = (
                        template.fixed,
                        self._answer(template.fixed),
                    )
        self.has_early_resets = any(
            template.answer.fault == "reset-before-reading"
            for armed in self.table.routes
            for template in armed.templates
        )

    @property
    def in_flight(self) -> int:
        return sum(connection.is_busy for connection in self.connections)

    # -- told by the connections

    def receive(self, request: Request) -> Rendered | Plan:
        """Decide about a whole request; it is in the journal when this returns."""
        at = time.monotonic()
        armed = self.table.find(request)
        number = self.journal.count(request.method, request.path)
        if armed is None:
            return self._unmatched(request, number, at)
        kept: Kept | None = None
        key = request.header(b"idempotency-key") if armed.route.idempotent else b""
        if key and request.method == "POST":
            known = self._keys.begin(key, request)
            if isinstance(known, Rendered):
                replayed = b"\r\nIdempotent-Replayed:" in known.head
                self._write(request, number, at, armed.route.title, known, replayed=replayed)
                return known
            kept = known
        template = armed.next_template()
        rendered = template.fixed
        if rendered is None:
            values = armed.matcher.path_values(request.path)
            rendered = template.render(Call(request, values, number, self._random))
        answer = template.answer
        if not answer.delay and not answer.fault:
            if kept is not None:
                kept.answer = rendered
            self._write(request, number, at, armed.route.title, rendered)
            return rendered
        if kept is not None and answer.fault not in (*_PROCESSED, "hang"):
            self._keys.forget(key)
            kept = None
        self._write(
            request, number, at, armed.route.title, rendered, delay=answer.delay, fault=answer.fault
        )
        return Plan(number, rendered, answer.delay, answer.fault, kept)

    def resets_before_reading(self, head: Request) -> bool:
        """Say whether a call is to be reset when only its head is known; then it is in the
        journal.
        """
        armed = self.table.find(head, ignoring_body=True)
        if armed is None or armed.matcher.has_body:
            return False
        fault = armed.peek_template().answer.fault
        if fault != "reset-before-reading":
            return False
        at = time.monotonic()
        template = armed.next_template()
        number = self.journal.count(head.method, head.path)
        self._write(head, number, at, armed.route.title, None, fault=template.answer.fault)
        return True

    def refuse(self, request: Request, status: int, why: str) -> Rendered:
        """Answer what is not a request that a stub can match, and write it down."""
        number = self.journal.count(request.method, request.path)
        rendered = _trouble(status, "refused_request", f"{self.name} stub: {why}", {})
        self._write(request, number, time.monotonic(), None, rendered, outcome="refused", note=why)
        return rendered

    def unfinished(self, request: Request, why: str) -> None:
        """Write down a request that never became whole."""
        number = self.journal.count(request.method, request.path)
        at = time.monotonic()
        self._write(request, number, at, None, None, outcome="unfinished", note=why)

    def processed(self, plan: Plan) -> None:
        """A late answer has been worked out: the same key gets it again."""
        if plan.kept is not None and plan.fault != "hang":
            plan.kept.answer = plan.rendered

    def ended(self, number: int, outcome: str) -> None:
        """Write down how a call ended that was not answered at once."""
        self.journal.write(EndLine(number, time.monotonic(), outcome))

    def _unmatched(self, request: Request, number: int, at: float) -> Rendered:
        near = self.table.near_misses(request)
        plain = [msgspec.to_builtins(miss) for miss in near]
        text = near_miss_text(self.name, request, near, len(self.table.routes))
        status = self.settings.unmatched_status
        rendered = _trouble(status, "unmatched_request", text, {"near_misses": plain})
        self._write(
            request, number, at, None, rendered, outcome="unmatched", note=text, near_misses=plain
        )
        return rendered

    def _write(
        self,
        request: Request,
        number: int,
        at: float,
        route: str | None,
        rendered: Rendered | None,
        *,
        outcome: str = "answered",
        fault: str = "",
        delay: float = 0.0,
        replayed: bool = False,
        note: str = "",
        near_misses: list[dict[str, Any]] | None = None,
    ) -> None:
        if fault:
            outcome = _OUTCOMES[fault]
        elif delay:
            outcome = "delayed"
        if fault not in _PROCESSED:
            rendered = None
        body = request.body
        self.journal.write(
            CallLine(
                number,
                at,
                time.time(),
                request.method,
                request.target,
                [(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.headers],
                outcome,
                plain_body(
                    body, request.header(b"content-type").decode("latin-1"), self.journal.body_limit
                )
                if body
                else None,
                route,
                None if rendered is None else rendered.status,
                None if rendered is None else self._answer(rendered),
                fault,
                delay,
                replayed,
                note,
                near_misses or [],
            )
        )

    def _answer(self, rendered: Rendered) -> msgspec.Raw | None:
        """Return the answer's body as it stands in a line; that of a fixed answer is made once."""
        found = self._fixed.get(id(rendered))
        if found is not None:
            return found[1]
        if not rendered.body:
            return None
        plain = plain_body(rendered.body, rendered.content_type, self.journal.body_limit)
        return msgspec.Raw(_encode(plain))

    def close(self) -> None:
        self.journal.close()


def _trouble(status: int, kind: str, message: str, more: dict[str, Any]) -> Rendered:
    # The shape that Stripe's and many other clients show the message of.
    body = {"error": {"type": kind, "message": message}, **more}
    return render(status, {}, _encode(body), "application/json")

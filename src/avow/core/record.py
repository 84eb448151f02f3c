"""The file of a scenario: one event a line, one write an event, redacted before it is written.

A killed worker leaves whole lines behind and at most one torn line at the end, which a reader
skips.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from avow.core import events
from avow.core.entries import Body, Claim, Entry
from avow.core.secrets import Redactor
from avow.core.text import printable

#: Bytes of a body that are kept outside the worker, unless `[reports] body_limit` says otherwise.
BODY_LIMIT = 64 * 1024


class Recorder:
    """Writes a scenario's events to its file; also the sink of its ledger.

    A file that cannot be written (a full disk) never stops a scenario: the first error is kept in
    `problem`, and the run reports it.
    """

    def __init__(self, path: Path, redactor: Redactor, *, body_limit: int = BODY_LIMIT) -> None:
        self.path = path
        self.problem: OSError | None = None
        self._redactor = redactor
        self._limit = body_limit
        self._file = -1
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        except OSError as error:
            self.problem = error

    def event(self, event: events.Event) -> bytes:
        """Write an event; return the redacted line (without newline) for the pipe."""
        try:
            line = events.encode(event)
        except (UnicodeEncodeError, msgspec.MsgspecError, TypeError):
            line = msgspec.json.encode(_safe(msgspec.to_builtins(event)))
        line = self._redactor.raw(line)
        if self._file >= 0:
            try:
                os.write(self._file, line + b"\n")
            except OSError as error:
                self.problem = self.problem or error
        return line

    def entry(self, entry: Entry) -> None:
        if entry.bodies:
            bodies = {part: self._body(body) for part, body in entry.bodies.items()}
            entry = msgspec.structs.replace(entry, bodies=bodies)
        self.event(events.EntryWritten(at=entry.at, entry=entry.to_plain()))

    def claim(self, claim: Claim) -> None:
        self.event(
            events.ClaimMade(at=time.time(), step=claim.step, entry=claim.entry, note=claim.note)
        )

    def _body(self, body: Body) -> Body:
        # Redact before capping, or half a secret at the cut would stay.
        raw = body.raw
        if len(raw) > self._limit:
            body = body.cap(self._limit + self._redactor.longest)
        redacted = self._redactor.raw(body.raw)
        if redacted is not body.raw:
            body = msgspec.structs.replace(body, raw=redacted)
        return body.cap(self._limit)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _safe(value: object) -> object:
    if isinstance(value, dict):
        return {printable(key): _safe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_safe(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return printable(value)


def read(path: Path) -> Iterator[events.AnyEvent]:
    """Yield the events of a scenario's file; torn lines are skipped."""
    with path.open("rb") as lines:
        for line in lines:
            try:
                yield events.decode(line)
            except msgspec.MsgspecError:
                continue

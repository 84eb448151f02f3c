"""The file of a scenario: one event a line, one write an event, redacted before it is written.

A killed worker leaves whole lines behind and at most one torn line at the end, which a reader
skips.
"""

from __future__ import annotations

import errno
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
        self._is_torn = False
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        except OSError as error:
            self.problem = error

    def event(self, event: events.Event) -> bytes:
        """Write an event; return the redacted line (without newline) for the pipe."""
        try:
            line = events.encode(event)
        except (ValueError, TypeError, RecursionError, msgspec.MsgspecError):
            line = msgspec.json.encode(safe(event))
        line = self._redactor.raw(line)
        if self._file >= 0:
            self._append(line + b"\n")
        return line

    def _append(self, line: bytes) -> None:
        # A disk that fills up takes part of a line; what follows must not be glued to it.
        line = b"\n" + line if self._is_torn else line
        try:
            written = os.write(self._file, line)
        except OSError as error:
            self.problem = self.problem or error
            return
        self._is_torn = written < len(line)
        if self._is_torn:
            self.problem = self.problem or OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

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
        # Redact before capping, or half a secret at the cut would stay. Of a long body only the
        # head is searched; a secret that reaches beyond it ends in its last bytes, and those are
        # dropped.
        is_long = len(body.raw) > self._limit
        head = body.cap(self._limit + self._redactor.longest) if is_long else body
        redacted = self._redactor.raw(head.raw)
        if head.capped:
            redacted = redacted[: max(0, len(redacted) - self._redactor.longest)]
        if redacted is not head.raw:
            head = msgspec.structs.replace(head, raw=redacted)
        return head.cap(self._limit)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


#: Levels of nested data that are written; what is deeper is named.
_DEEPEST = 100


def safe(value: object, level: int = 0) -> object:
    """Return plain data that can be encoded, whatever `value` holds."""
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        tag = {config.tag_field: config.tag} if config.tag_field else {}
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return tag | {name: safe(each, level + 1) for name, each in fields.items()}
    if isinstance(value, (dict, list, tuple)) and level > _DEEPEST:
        return f"<{type(value).__name__}, too deep to be shown>"
    if isinstance(value, dict):
        return {printable(key): safe(item, level + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [safe(item, level + 1) for item in value]
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int) and value.bit_length() < 1000:
        return value
    return printable(value)


def read(path: Path) -> Iterator[events.AnyEvent]:
    """Yield the events of a scenario's file; torn lines are skipped."""
    with path.open("rb") as lines:
        for line in lines:
            try:
                yield events.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue

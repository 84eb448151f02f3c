"""The journal of a stub: one line a call, one write a line, on disk before the answer is on its
way.

    stub --os.write--> stripe.calls.1, .2, .3 ... (old ones are removed) --read from an offset-->
    worker

It survives kill -9 and is read while it grows. What it may take of the disk is bounded: bodies are
cut, and when a piece is full the next one begins; each piece opens with the exact number of calls
before it, so that counting stays right when the calls themselves are gone.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from avow.core.entries import Body
from avow.core.errors import EnvironmentProblem
from avow.stubs.request import split_target

#: Bytes of a request's or an answer's body that are kept.
BODY_LIMIT = 256 * 1024
#: Bytes of one piece, and how many pieces are kept.
PIECE = 32 * 1024 * 1024
PIECES = 4
#: Different "METHOD /path" that are counted one by one; the rest are counted together.
_COUNTED = 1000
OTHER_PATHS = "(other paths)"


class CallLine(msgspec.Struct, omit_defaults=True, tag_field="line", tag="call"):
    """A call, as soon as it was received whole. `at` is monotonic seconds, `utc` since the
    epoch.
    """

    number: int
    at: float
    utc: float
    method: str
    target: str
    headers: list[tuple[str, str]]
    outcome: str
    body: dict[str, Any] | None = None
    route: str | None = None
    status: int | None = None
    #: Written as `msgspec.Raw`, read as data.
    answer: Any = None
    fault: str = ""
    delay: float = 0.0
    replayed: bool = False
    note: str = ""
    near_misses: list[dict[str, Any]] = []


class EndLine(msgspec.Struct, omit_defaults=True, tag_field="line", tag="end"):
    """How a call ended that was not answered at once."""

    number: int
    at: float
    outcome: str


class ResetLine(msgspec.Struct, tag_field="line", tag="reset"):
    """A scenario's end; calls after it belong to the next one."""

    epoch: int
    number: int
    at: float


class PieceLine(msgspec.Struct, tag_field="line", tag="piece"):
    """The first line of a piece: what was counted before it."""

    piece: int
    stub: str
    number: int
    epoch: int
    counts: dict[str, int]


Line = CallLine | EndLine | ResetLine | PieceLine

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def piece_path(journal: Path, piece: int) -> Path:
    return journal.with_name(f"{journal.name}.{piece}")


def plain_body(raw: bytes, content_type: str, limit: int) -> dict[str, Any]:
    """Return a body as `Body.from_plain` reads it, cut where it is longer than `limit`."""
    if len(raw) <= limit:
        try:
            plain = {"text": raw.decode("utf-8")}
        except UnicodeDecodeError:
            return Body(raw, content_type, len(raw)).to_plain()
        if content_type:
            plain["type"] = content_type
        return plain
    return Body.of(raw, content_type).cap(limit).to_plain()


def _count(counts: dict[str, int], method: str, path: str) -> None:
    key = f"{method} {path}"
    if key not in counts and len(counts) >= _COUNTED:
        key = f"{method} {OTHER_PATHS}"
    counts[key] = counts.get(key, 0) + 1


class JournalWriter:
    """Appends lines. A disk that is full never stops a stub: the first error stays in `problem`."""

    def __init__(
        self, path: Path, stub: str, *, body_limit: int = BODY_LIMIT, piece_size: int = PIECE
    ) -> None:
        self.path = path
        self.body_limit = body_limit
        self.number = 0
        self.epoch = 0
        self.counts: dict[str, int] = {}
        self.problem = ""
        self._stub = stub
        self._piece_size = piece_size
        self._piece = 0
        self._size = 0
        self._file = -1
        self._buffer = bytearray()
        self._torn = False
        self._next_piece()

    def count(self, method: str, path: str) -> int:
        """Return the number of a call that has come in."""
        if self._size >= self._piece_size:
            # Before it is counted: the next piece opens with what was before it.
            self._next_piece()
        self.number += 1
        _count(self.counts, method, path)
        return self.number

    def write(self, line: Line) -> None:
        """Append a line with one write."""
        buffer = self._buffer
        _encoder.encode_into(line, buffer)
        buffer += b"\n"
        if self._torn:
            # What a full disk cut short must not swallow the line after it.
            buffer[:0] = b"\n"
        try:
            written = os.write(self._file, buffer)
        except OSError as error:
            self.problem = self.problem or str(error)
        else:
            self._torn = written != len(buffer)
            if self._torn:
                self.problem = self.problem or "the disk took only a part of a line"
            self._size += written

    def reset(self) -> ResetLine:
        """End a scenario."""
        self.epoch += 1
        line = ResetLine(self.epoch, self.number, time.monotonic())
        self.write(line)
        return line

    def _next_piece(self) -> None:
        self.close()
        self._piece += 1
        self._size = 0
        self._torn = False
        try:
            # Not read by anybody else's account: bodies hold whatever the system sends.
            self._file = os.open(
                piece_path(self.path, self._piece),
                os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND,
                0o600,
            )
        except OSError as error:
            self.problem = self.problem or str(error)
        self.write(PieceLine(self._piece, self._stub, self.number, self.epoch, dict(self.counts)))
        piece_path(self.path, self._piece - PIECES).unlink(missing_ok=True)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class Gap(msgspec.Struct, frozen=True):
    """Calls whose lines were removed before anybody read them; `counts` is exact."""

    first: int
    last: int
    counts: dict[str, int]


class JournalReader:
    """Reads on from where it was. Lines that are missing or torn are counted in `lost`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        self.lost = 0
        self.counts: dict[str, int] = {}
        self._piece = 0
        self._file = -1
        self._rest = b""
        # Whoever stops in the middle (at the end of a scenario) finds the rest here the next time.
        self._unread: deque[bytes] = deque()

    def read(self) -> Iterator[CallLine | EndLine | ResetLine | Gap]:
        """Yield what was written since the last time, up to what was there when this was called or
        later.
        """
        while True:
            # Look for the next piece before reading this one to its end: once there is a next one,
            # this one does not grow.
            following = self._following()
            if self._file >= 0:
                self._read_piece()
            while self._unread:
                line = self._line(self._unread.popleft())
                if line is not None:
                    yield line
            if following is None:
                return
            self._open(following)

    def _following(self) -> int | None:
        if piece_path(self.path, self._piece + 1).exists():
            return self._piece + 1
        if self._piece and piece_path(self.path, self._piece).exists():
            return None
        # Pieces are removed oldest first: where this one is gone, a later one may be there.
        return next((piece for piece in self._pieces() if piece > self._piece), None)

    def _pieces(self) -> list[int]:
        prefix = f"{self.path.name}."
        if not self.path.parent.is_dir():
            return []
        return sorted(
            int(found.name[len(prefix) :])
            for found in self.path.parent.glob(f"{prefix}*")
            if found.name[len(prefix) :].isdecimal()
        )

    def _open(self, piece: int) -> None:
        try:
            file = os.open(piece_path(self.path, piece), os.O_RDONLY)
        except FileNotFoundError:
            # Removed between being seen and being opened; the next look finds a later one.
            self._piece = piece
            return
        self.close()
        self._file, self._piece, self._rest = file, piece, b""

    def _read_piece(self) -> None:
        while chunk := os.read(self._file, 1 << 20):
            lines = (self._rest + chunk).split(b"\n")
            self._rest = lines.pop()
            self._unread.extend(filter(None, lines))

    def _line(self, raw: bytes) -> CallLine | EndLine | ResetLine | Gap | None:
        try:
            line = _decoder.decode(raw)
        except msgspec.MsgspecError:
            self.lost += 1
            return None
        if isinstance(line, PieceLine):
            known, self.counts = self.counts, dict(line.counts)
            first, self.number = self.number + 1, line.number
            if line.number < first:
                return None
            missed = {key: count - known.get(key, 0) for key, count in line.counts.items()}
            return Gap(first, line.number, {key: count for key, count in missed.items() if count})
        if isinstance(line, CallLine) and line.number > self.number:
            self.lost += line.number - self.number - 1
            self.number = line.number
            _count(self.counts, line.method, split_target(line.target)[0])
        return line

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def unwritable(stub: str, problem: str) -> EnvironmentProblem:
    """Return the error for a journal that could not be written."""
    return EnvironmentProblem(
        f"its journal could not be written: {problem}",
        where=f'stub "{stub}"',
        advice="What the system called is not known any more. Make room on the disk and run again.",
    )

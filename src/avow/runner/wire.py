"""Whole messages over a socket between two processes of a run.

A reader that must not block (the coordinator) keeps what came so far and takes only whole
messages out, so a process killed in the middle of a write costs its half message and nothing
else.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Sequence

_HEAD = struct.Struct("!I")
_CHUNK = 1 << 18
#: Seconds that one send may wait for a reader.
_PATIENCE = 10


class Wire:
    """One end. `receive` returns what is there; `wait` blocks for one message."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._buffer = bytearray()
        #: Descriptors that came along, oldest first.
        self.descriptors: list[int] = []
        self.is_closed = False
        #: A message could not be sent.
        self.is_broken = False

    @classmethod
    def pair(cls) -> tuple[Wire, socket.socket]:
        """Return this process's end and the socket to hand to the other process."""
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        # Who does not read for so long is not there any more.
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", _PATIENCE, 0))
        return cls(mine), theirs

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, message: bytes, descriptors: Sequence[int] = ()) -> bool:
        """Send one message; return False where nobody is left to read it."""
        data = _HEAD.pack(len(message)) + message
        try:
            if descriptors:
                sent = socket.send_fds(self._end, [data], list(descriptors))
                data = data[sent:]
            self._end.sendall(data)
        except OSError:
            # Half a message may have gone: nothing more can be understood.
            self.is_broken = True
            return False
        return True

    def receive(self) -> list[bytes]:
        """Return the whole messages that have arrived, without waiting; sets `is_closed` at the
        end.
        """
        while not self.is_closed and select.select([self._end], [], [], 0)[0]:
            if self._read() < _CHUNK:
                break
        messages = []
        while (message := self._take()) is not None:
            messages.append(message)
        return messages

    def wait(self) -> bytes | None:
        """Block until one whole message is there; None at the end of the conversation."""
        while (message := self._take()) is None:
            if self.is_closed or self._read() == 0:
                return None
        return message

    @property
    def has_waiting(self) -> bool:
        """Say whether `wait` would find something at once."""
        return bool(self._buffer) or bool(select.select([self._end], [], [], 0)[0])

    def _read(self) -> int:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._end, _CHUNK, 8)
        except OSError:
            data, descriptors = b"", []
        self.descriptors += descriptors
        if not data:
            self.is_closed = True
        self._buffer += data
        return len(data)

    def _take(self) -> bytes | None:
        if len(self._buffer) < _HEAD.size:
            return None
        (length,) = _HEAD.unpack_from(self._buffer)
        end = _HEAD.size + length
        if len(self._buffer) < end:
            return None
        message = bytes(self._buffer[_HEAD.size : end])
        del self._buffer[:end]
        return message

    def close(self) -> None:
        self.is_closed = True
        self._end.close()

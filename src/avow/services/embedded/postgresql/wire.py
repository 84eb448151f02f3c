"""As much of PostgreSQL's protocol as starting one needs: text queries over a Unix socket.

psycopg would cost a tenth of a second before the first service is up.
https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from types import TracebackType

_VERSION_3 = 196608


class PostgresError(Exception):
    """What the server said; `position` is the character in the query, from 1, or 0."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(fields.get("M", "unknown error"))
        self.code = fields.get("C", "")
        self.detail = fields.get("D", "")
        self.hint = fields.get("H", "")
        self.position = int(fields.get("P", "0"))


class Connection:
    """One connection of a user whom the server trusts by the socket."""

    def __init__(
        self, path: Path, user: str = "postgres", database: str = "postgres", patience: float = 60.0
    ) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._buffer = self._socket.makefile("rb")
        try:
            self._socket.settimeout(patience)
            self._socket.connect(str(path))
            words = ("user", user, "database", database, "client_encoding", "UTF8", "")
            body = struct.pack("!i", _VERSION_3) + b"".join(w.encode() + b"\0" for w in words)
            self._socket.sendall(struct.pack("!i", len(body) + 4) + body)
            self._answers()
        except BaseException:
            # The file holds the socket open as long as it is open itself.
            self._buffer.close()
            self._socket.close()
            raise

    def query(self, sql: str) -> list[tuple[str | None, ...]]:
        """Run one or more statements; return all rows as text. Raises PostgresError."""
        body = sql.encode() + b"\0"
        self._socket.sendall(b"Q" + struct.pack("!i", len(body) + 4) + body)
        return self._answers()

    def _answers(self) -> list[tuple[str | None, ...]]:
        rows: list[tuple[str | None, ...]] = []
        error: PostgresError | None = None
        while True:
            kind = self._buffer.read(1)
            if not kind:
                raise error or ConnectionError("the server closed the connection")
            (length,) = struct.unpack("!i", self._buffer.read(4))
            body = self._buffer.read(length - 4)
            if kind == b"D":
                rows.append(_row(body))
            elif kind == b"E":
                error = error or PostgresError(_fields(body))
            elif kind == b"R" and body[:4] != b"\0\0\0\0":
                raise ConnectionError("the server asks for a password")
            elif kind == b"Z":
                if error:
                    raise error
                return rows

    def close(self) -> None:
        self._buffer.close()
        self._socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _row(body: bytes) -> tuple[str | None, ...]:
    (count,) = struct.unpack_from("!h", body)
    at = 2
    values: list[str | None] = []
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        values.append(None if length < 0 else body[at : at + length].decode())
        at += max(length, 0)
    return tuple(values)


def _fields(body: bytes) -> dict[str, str]:
    parts = (part.decode("utf-8", "backslashreplace") for part in body.split(b"\0") if part)
    return {part[0]: part[1:] for part in parts}


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as a literal."""
    return "'" + text.replace("'", "''") + "'"

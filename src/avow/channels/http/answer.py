"""What came back of a request."""

from __future__ import annotations

from dataclasses import dataclass

from avow.channels.http.trouble import Trouble


@dataclass(slots=True)
class Answer:
    """What came back, whole or not. `trouble` says what went wrong; `status` 0: no status line
    came.
    """

    status: int = 0
    reason: str = ""
    headers: list[tuple[str, str]] | None = None
    body: bytes = b""
    trouble: Trouble | None = None
    address: str = ""
    notes: tuple[str, ...] = ()

    def header(self, name: str) -> str:
        """Return the header's first value, or nothing; `name` in lower case."""
        for key, value in self.headers or ():
            if key.lower() == name:
                return value
        return ""

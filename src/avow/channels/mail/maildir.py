"""The mails of one embedded mail server: a directory with an index, one line a mail."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, ClassVar

from avow.channels.base import ChannelBase
from avow.channels.mail.parsing import parsed
from avow.core.entries import Body
from avow.core.errors import EnvironmentProblem


class MailChannel(ChannelBase):
    """A source only: nobody sends mail to the system. The server's 250 comes after the index."""

    is_source: ClassVar[bool] = True
    resumes: ClassVar[bool] = True

    def prepare(self) -> None:
        self._directory = Path(self.facts.get("maildir", ""))
        self._position = 0

    def start_scenario(self) -> None:
        """Mails up to now are none of the next scenario's business."""
        try:
            self._position = self._index.stat().st_size
        except FileNotFoundError:
            self._position = 0

    def watermark(self) -> int:
        """Return the position in the index."""
        return self._position

    def collect(self) -> None:
        """Write every mail that the server has accepted by now."""
        self.ledger.collect(self.name, self._collect)

    @property
    def _index(self) -> Path:
        return self._directory / "index.jsonl"

    def _collect(self) -> None:
        try:
            with self._index.open("rb") as index:
                index.seek(self._position)
                new = index.read()
        except FileNotFoundError:
            if self._directory.is_dir():
                return  # no mail has come yet
            raise EnvironmentProblem(
                f"{self._directory} is gone",
                where=f'mail service "{self.name}"',
                advice="Was the directory of the run removed while it ran?",
            ) from None
        # A line without its end is being written: it is for the next look.
        whole = new[: new.rfind(b"\n") + 1]
        self._position += len(whole)
        for line in whole.splitlines():
            self._write(json.loads(line))

    def _write(self, record: dict[str, Any]) -> None:
        raw = (self._directory / record["file"]).read_bytes()
        mail = parsed(raw)
        now, utc = time.monotonic(), time.time()
        recipients = ", ".join(record["to"])
        data: dict[str, Any] = {
            "from": record["from"],
            "to": record["to"],
            "subject": mail.subject,
            "headers": mail.headers,
            "attachments": mail.attachments,
        }
        self.ledger.effect(
            "mail.received",
            self.name,
            f"mail to {recipients}: {mail.subject}",
            data,
            mail.bodies or {"text": Body.of(b"", "text/plain")},
            started=now - max(utc - record["at"], 0.0),
            at=record["at"],
        )

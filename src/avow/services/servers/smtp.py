"""A mail server that delivers nothing: each mail becomes a file, and a line of an index.

    SMTP --> 00001.eml (complete, or not there) --> index.jsonl (one write a line) --> "250 OK"

The sender's 250 comes after both, so whoever looks when the sender has gone on sees the mail.
"""

from __future__ import annotations

import asyncio
import fnmatch
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from avow.services.servers import ready


class Mailbox:
    """Writes mails into a directory."""

    def __init__(self, directory: Path, refused: list[str]) -> None:
        self._directory = directory
        self._refused = refused
        self._count = 0
        self._index = os.open(
            directory / "index.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644
        )

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if any(fnmatch.fnmatch(address.lower(), pattern.lower()) for pattern in self._refused):
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self._count += 1
        content: Any = envelope.content
        name = f"{self._count:05d}.eml"
        unfinished = self._directory / f".{name}"
        unfinished.write_bytes(content)
        unfinished.rename(self._directory / name)
        record = {
            "number": self._count,
            "file": name,
            "at": time.time(),
            "from": envelope.mail_from or "",
            "to": envelope.rcpt_tos,
            "size": len(content),
        }
        os.write(self._index, json.dumps(record).encode() + b"\n")
        return f"250 OK: mail {self._count}"


def _anybody(*_: object) -> AuthResult:
    # A system that logs in is let in: what it may send is not this server's question.
    return AuthResult(success=True)


async def _serve(descriptor: int, settings: dict[str, Any]) -> None:
    directory = Path(settings["maildir"])
    mailbox = Mailbox(directory, settings.get("refuse", []))
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            mailbox,
            hostname="localhost",
            enable_SMTPUTF8=True,
            auth_require_tls=False,
            authenticator=_anybody,
        ),
        sock=listening,
    )
    ready.tell(
        descriptor,
        {
            "host": "127.0.0.1",
            "port": str(port),
            "address": f"127.0.0.1:{port}",
            "url": f"smtp://127.0.0.1:{port}",
            "maildir": str(directory),
        },
    )
    await server.serve_forever()


def main() -> None:
    ready.end_at_once()
    asyncio.run(_serve(*ready.settings()))


if __name__ == "__main__":
    main()

"""Starting one of avow's own server processes and waiting for its one line of facts."""

from __future__ import annotations

import json
import os
import select
import sys
import tempfile
from typing import Any

from avow.processes import Child
from avow.services.provider import Cancelled, Facts, NotUp, Provider, Surroundings

#: How long a wait for the pipe may keep a stack from noticing that it is being stopped, in seconds.
_LOOK = 0.1


def start(provider: Provider, module: str, settings: dict[str, Any]) -> Facts:
    """Start `python -m module`; return what it says about itself once it can be used.

    It is the provider's child from then on, also where it does not come up.
    """
    at = provider.at
    reader, writer = os.pipe()
    try:
        with tempfile.TemporaryFile() as file:
            file.write(json.dumps(settings).encode())
            file.seek(0)
            provider.child = at.start(
                # -P: a file of the suite must not stand in for a module of the standard library.
                [sys.executable, "-P", "-m", module, str(writer), str(file.fileno())],
                cwd=at.directory,
                pass_fds=[writer, file.fileno()],
            )
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    try:
        facts: Facts = json.loads(_line(reader, provider.child, at))
        return facts
    finally:
        os.close(reader)


def _line(reader: int, child: Child, at: Surroundings) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        if at.cancelled.is_set():
            raise Cancelled
        if at.deadline.is_over:
            raise NotUp("did not say that it is ready")
        readable, _, _ = select.select([reader], [], [], min(_LOOK, at.deadline.remaining()))
        if not readable:
            continue
        part = os.read(reader, 65536)
        if not part:
            raise NotUp(f"{child.wait(5.0) or 'closed its pipe'} before it was ready")
        line += part
    return line

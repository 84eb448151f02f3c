"""Ports that are ours until our own child listens on them.

A port that is looked for, closed and then handed over may be taken in between. So it stays bound:
Linux lets a second socket listen on an address that is bound but not listened on, if both say
SO_REUSEADDR, which servers do. A child that still meets EADDRINUSE gets another port, a bounded
number of times.
"""

from __future__ import annotations

import re
import socket
import sys

#: How often a child that found its port taken is started again.
ATTEMPTS = 5

_CLASH = re.compile(
    r"EADDRINUSE|address (?:is )?already in use|address in use|BindException|could not bind"
    r"|port \S* ?is already (?:in use|allocated)",
    re.IGNORECASE,
)


class HeldPort:
    """A port of this machine that nobody else can get."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._socket: socket.socket | None = socket.socket(
            socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, 0))
        self.host = host
        self.port: int = self._socket.getsockname()[1]

    def hand_over(self, *, strictly: bool = False) -> None:
        """Make way for the child about to start.

        `strictly` lets go of the port, for programs that do not say SO_REUSEADDR.
        """
        # BSD kernels, macOS's among them, do not let a second socket in.
        if strictly or sys.platform != "linux":
            self.release()

    def release(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def hold(host: str = "127.0.0.1") -> HeldPort:
    """Bind a free port and keep it."""
    return HeldPort(host)


def listening(host: str = "127.0.0.1", backlog: int = 256) -> socket.socket:
    """Return a socket that already listens, to be inherited: it is never anybody else's."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, 0))
    made.listen(backlog)
    return made


def clashed(output: str) -> bool:
    """Say whether a program's last words are that its port was taken."""
    return _CLASH.search(output) is not None

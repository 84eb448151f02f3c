"""The run's end of the reaper: start it, confirm that it watches, let it go."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys

from avow.core.errors import EnvironmentProblem
from avow.processes import reaper
from avow.processes.journal import Journal


class Reaper:
    """A watching process. It is never written to: that its socket ends is the whole message."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._confirmed = False
        self._open()

    @classmethod
    def start(cls, journal: Journal) -> Reaper:
        """Start to watch; returns at once. From here on the run may be killed at any moment."""
        return cls(journal)

    def _open(self) -> None:
        # Neither end is inherited by anything else, or the socket would not end with this process.
        self._socket, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-I", "-S", reaper.__file__]
            command += [str(theirs.fileno()), str(self._journal.path)]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                pass_fds=[theirs.fileno()],
                # Ctrl-C in a terminal goes to the whole foreground group.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def confirm(self, within: float = 10.0) -> None:
        """Wait until it says that it watches; raises EnvironmentProblem where it does not."""
        if self._confirmed:
            return
        readable, _, _ = select.select([self._socket], [], [], within)
        if not readable or not self._socket.recv(1):
            raise EnvironmentProblem(
                "the reaper, which cleans up after a run that was killed, did not start"
                + (f" (exit code {code})" if (code := self._process.poll()) is not None else ""),
                advice=f"Try: {sys.executable} -I -S {reaper.__file__}",
            )
        self._confirmed = True

    def ensure(self) -> bool:
        """Start another where it was killed; return whether that was needed."""
        if self._process.poll() is None:
            return False
        self._socket.close()
        self._confirmed = False
        self._open()
        return True

    def close(self, within: float = 15.0) -> None:
        """Let it end what is left and go; returns when it has."""
        self._socket.close()
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def detach(self) -> None:
        """Forget it in a forked copy of this process, which must not keep the socket open."""
        os.close(self._socket.detach())

"""One program: started without a shell, in a session of its own, its output in a file."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from avow.core.errors import EnvironmentProblem, nearest
from avow.core.text import printable
from avow.core.waiting import until
from avow.processes.journal import Journal

#: How much of a log is looked at from its end, in bytes.
_TAIL = 64 * 1024


class Ended(msgspec.Struct, frozen=True):
    """How a program ended: with an exit code, or by a signal."""

    code: int | None
    signal: str = ""

    def __str__(self) -> str:
        if self.signal:
            return f"was ended by {self.signal}"
        return f"exited with code {self.code}"


class Child:
    """A running program and the group it leads: from `Child.start` to `terminate`."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        log: Path,
        polite: signal.Signals,
        journal: Journal | None,
        number: int,
    ) -> None:
        self._process = process
        self._journal = journal
        self._number = number
        self._polite = polite
        self._log_start = 0
        self.log = log
        self.pid = process.pid
        self.started = time.monotonic()

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        journal: Journal | None = None,
        name: str = "",
        user: tuple[int, int] | None = None,
        pass_fds: Sequence[int] = (),
        polite: signal.Signals = signal.SIGTERM,
    ) -> Child:
        """Start a program; raises EnvironmentProblem where it cannot be.

        `user` is (uid, gid) to run as. `polite` is the signal that asks it to end. With a `journal`
        it goes when the run goes, however the run ends.
        """
        environment = dict(os.environ if env is None else env)
        number = 0
        if journal is not None:
            number = journal.process(name or argv[0])
            environment = journal.mark(environment)
        program = _program(argv[0], environment, cwd)
        log.parent.mkdir(parents=True, exist_ok=True)
        # What a program says has not been redacted: it is its owner's to read.
        with open(log, "ab", opener=_private) as output:
            offset = output.tell()
            try:
                process = subprocess.Popen(
                    [argv[0], *argv[1:]],
                    executable=program,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=cwd,
                    user=user[0] if user else None,
                    group=user[1] if user else None,
                    extra_groups=[] if user else None,
                    pass_fds=pass_fds,
                    start_new_session=True,
                )
            except OSError as error:
                if journal is not None:
                    journal.release(number)
                raise _cannot_start(argv[0], cwd, error) from error
        if journal is not None:
            journal.started(number, process.pid, polite=polite)
        child = cls(process, log, polite, journal, number)
        child._log_start = offset
        return child

    def poll(self) -> Ended | None:
        """Return how it ended, or None while it runs.

        It is not waited for until `terminate`: its group's number stays its own.
        """
        if self._process.returncode is None and hasattr(os, "waitid"):
            with contextlib.suppress(ChildProcessError):
                found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if found is None:
                    return None
                if found.si_code == os.CLD_EXITED:
                    return Ended(found.si_status)
                return Ended(None, _signal_name(found.si_status))
        code = self._process.poll()
        if code is None:
            return None
        return Ended(code) if code >= 0 else Ended(None, _signal_name(-code))

    def wait(self, within: float) -> Ended | None:
        """Wait until it has ended; return None where the time ran out first."""
        until(lambda: self.poll() is not None, within)
        return self.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; one that is gone already is no error."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def terminate(self, grace: float = 5.0) -> Ended | None:
        """End it and whatever it started: politely, and after `grace` seconds by force.

        Return how it ended. May be called again.
        """
        ended = self.poll()
        if self._process.returncode is None:
            if ended is None:
                self.signal(self._polite)
                ended = self.wait(grace)
            # Its leader is not yet waited for, so the group's number cannot be somebody else's:
            # now what is left of it.
            self.signal(signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5.0)
        if self._journal is not None and self._process.returncode is not None:
            self._journal.release(self._number)
            self._journal = None
        return self.poll()

    def output(self) -> str:
        """Return what it has written since it started (the end of it), as printable text."""
        try:
            with self.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._log_start, size - _TAIL))
                return printable(file.read())
        except OSError:
            return ""

    def tail(self, lines: int = 20) -> list[str]:
        """Return the last lines that it wrote."""
        return self.output().splitlines()[-lines:]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _program(name: str, environment: Mapping[str, str], cwd: Path | None) -> str:
    """Return the program's file, looked for in the PATH it will run with."""
    if os.sep in name:
        # A relative path means the place where the program runs, as in a shell.
        return str((cwd or Path.cwd()) / name)
    return shutil.which(name, path=environment.get("PATH")) or name


def _cannot_start(name: str, cwd: Path | None, error: OSError) -> EnvironmentProblem:
    if cwd is not None and not cwd.is_dir():
        return EnvironmentProblem(
            f"its working directory {cwd} is not there", advice="Correct `cwd`, or create it."
        )
    if isinstance(error, FileNotFoundError):
        guess = nearest(Path(name).name, _programs_like(name, cwd), cutoff=0.7)
        advice = f'Did you mean "{guess}"? ' if guess else ""
        if os.sep in name:
            return EnvironmentProblem(
                f'there is no program "{name}"',
                advice=f"{advice}It was looked for in {cwd or Path.cwd()}.",
            )
        return EnvironmentProblem(
            f'there is no program "{name}" on PATH', advice=f"{advice}Install it, or give its path."
        )
    if isinstance(error, PermissionError):
        return EnvironmentProblem(f'"{name}" may not be executed', advice=f"Try: chmod +x {name}")
    return EnvironmentProblem(f'"{name}" cannot be started: {error.strerror or error}')


def _programs_like(name: str, cwd: Path | None) -> list[str]:
    if os.sep in name:
        places = [((cwd or Path.cwd()) / name).parent]
    else:
        places = [Path(place) for place in os.environ.get("PATH", "").split(os.pathsep) if place]
    found: set[str] = set()
    for place in places:
        with contextlib.suppress(OSError):
            found.update(entry.name for entry in os.scandir(place))
    return sorted(found)

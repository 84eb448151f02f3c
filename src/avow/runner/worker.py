"""A worker: forked by the template, it performs one scenario after another and tells what happens.

    coordinator --Perform, Perform, Stop--> worker --Began, events, Done--> coordinator

Lines are sent together: at the latest when a scenario is slow or nothing is left to do. What is
lost with a killed worker is in the scenario's file.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import io
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from avow.core.errors import AvowError, SuiteError
from avow.runner import notices
from avow.runner.session import Session, exit_code_of
from avow.runner.slots import DUMP
from avow.runner.stage import Stage
from avow.runner.suite import SuiteRunner
from avow.runner.wire import Wire

#: Seconds that told lines may wait for company.
PATIENCE = 0.02


class Teller:
    """Sends lines in batches."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._lines: list[bytes] = []
        self._last = time.monotonic()

    def __call__(self, line: bytes) -> None:
        self._lines.append(line)
        if time.monotonic() - self._last > PATIENCE:
            self.flush()

    def say(self, notice: notices.Notice) -> None:
        self(notices.encode(notice))

    def minted(self, name: str, value: str) -> None:
        """Tell a secret at once: what this process says when it is killed has to be redacted."""
        self.say(notices.Minted(name, value))
        self.flush()

    def flush(self) -> None:
        self._last = time.monotonic()
        if self._lines:
            lines, self._lines = self._lines, []
            self._wire.send(b"\n".join(lines))


class Printer(io.TextIOBase):
    """Stands for sys.stdout where nobody captures: the coordinator prints it in its place."""

    encoding = "utf-8"

    def __init__(self, teller: Teller, redact: Any, *, is_error: bool = False) -> None:
        self._teller = teller
        self._redact = redact
        self._is_error = is_error

    def write(self, text: str) -> int:
        if text:
            line = notices.encode(notices.Printed(_sendable(text), self._is_error))
            self._teller(self._redact(line))
        return len(text)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def flush(self) -> None:
        pass


def _sendable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


class Interrupts:
    """Ctrl-C reaches a scenario as KeyboardInterrupt; between scenarios it means nothing."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.is_stopping = False
        signal.signal(signal.SIGINT, self._handle)
        signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, number: int, frame: Any) -> None:
        # What was sent ahead is not begun any more.
        self.is_stopping = True
        if self.session is not None and self.session.is_running:
            raise KeyboardInterrupt


def main(
    wire: Wire,
    log: int,
    runner: SuiteRunner,
    settings: Any,
    root: Path,
    run: str,
    read: dict[str, Any],
) -> None:
    """Work until told to stop, or nobody is left to tell; ends the process."""
    code = 0
    try:
        _settle_in(log)
        code = _work(wire, runner, settings, root, run, read)
    except BaseException:  # noqa: BLE001 - a forked process must not return into its parent's code
        import traceback

        traceback.print_exc(file=sys.__stderr__)
        code = 70
    finally:
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()  # noqa: SLF001
        with contextlib.suppress(BaseException):
            sys.__stderr__.flush()  # type: ignore[union-attr]
        os._exit(code)


def _settle_in(log: int) -> None:
    os.setpgid(0, 0)
    # What was registered while the template loaded the suite runs once, there.
    atexit._clear()  # noqa: SLF001
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    faulthandler.enable(file=2, all_threads=True)
    if hasattr(faulthandler, "register"):
        faulthandler.register(DUMP, file=2, all_threads=True)
    sys.breakpointhook = _no_debugger


def _no_debugger(*_: Any, **__: Any) -> None:
    raise SuiteError(
        "breakpoint() has no terminal here: steps run in a worker process",
        advice="Run in place to debug: behave -D avow.inline (or --wip).",
    )


def _work(
    wire: Wire,
    runner: SuiteRunner,
    settings: Any,
    root: Path,
    run: str,
    read: dict[str, Any],
) -> int:
    interrupts = Interrupts()
    teller = Teller(wire)
    session: Session | None = None
    while True:
        if not wire.has_waiting:
            teller.flush()
        message = wire.wait()
        if message is None:
            # The coordinator is gone. Its reaper ends what is left; hooks still clean up first.
            if session is not None:
                session.close()
            return 0
        command = notices.decode_command(message)
        if isinstance(command, notices.Perform):
            if session is None or interrupts.is_stopping:
                continue
            teller.say(notices.Began(command.item))
            session.perform(command)
            teller.say(notices.Done(command.item))
        elif isinstance(command, notices.Setting):
            session = _open(command, runner, settings, root, run, teller)
            interrupts.session = session
            for file, found in read.items():
                session.remember(file, found)
            problem = session.problem
            teller.say(
                notices.Ready(
                    "" if problem is None else _words(problem),
                    0 if problem is None else exit_code_of(problem),
                )
            )
        elif isinstance(command, notices.Stop):
            if session is not None:
                session.close()
            teller.say(notices.Closed())
            teller.flush()
            return 0


def _open(
    setting: notices.Setting,
    runner: SuiteRunner,
    settings: Any,
    root: Path,
    run: str,
    teller: Teller,
) -> Session:
    stage = Stage(
        settings,
        root=root,
        run=run,
        slot=setting.slot,
        facts=setting.facts,
        secrets=setting.secrets,
        redaction_key=setting.redaction_key,
        directory=Path(setting.directory),
    )
    stage.redactor.on_mint = teller.minted
    sys.stdout = Printer(teller, stage.redactor.raw)
    sys.stderr = Printer(teller, stage.redactor.raw, is_error=True)
    session = Session(runner, stage, teller, teller.flush)
    session.open()
    return session


def _words(problem: BaseException) -> str:
    from avow.runner.failures import message_of, trace_of

    trace = "" if isinstance(problem, AvowError) else trace_of(problem)
    return message_of(problem) + (f"\n{trace}" if trace else "")

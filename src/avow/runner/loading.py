"""The coordinator's side of the template: started first, greeted once the plan is made, waited for
until hooks and steps are loaded.
"""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from avow.core.errors import SuiteError
from avow.runner import notices
from avow.runner.greeting import Greeting
from avow.runner.slots import DUMP, DUMP_TIME, spoken
from avow.runner.supervisor import Supervisor
from avow.runner.wire import Wire


class Template:
    """The process that loads the suite and forks workers."""

    def __init__(self, directory: Path, journal: Any) -> None:
        from subprocess import _args_from_interpreter_flags  # type: ignore[attr-defined]

        from avow.processes import Child

        self.wire, theirs = Wire.pair()
        flags = [flag for flag in _args_from_interpreter_flags() if flag != "-P"]
        with theirs:
            self._child = Child.start(
                # The suite's directory is not to shadow the standard library while Python starts.
                [sys.executable, *flags, "-P", "-m", "avow.runner.template", str(theirs.fileno())],
                log=directory / "template.log",
                journal=journal,
                name="template",
                pass_fds=[theirs.fileno()],
            )
        self._loading = ""
        self._began = time.monotonic()

    def greet(self, greeting: Greeting) -> None:
        self.wire.send(pickle.dumps(greeting))

    def loaded(
        self,
        supervisor: Supervisor,
        limit: float,
        *,
        printed: Callable[[notices.Printed], None],
        between: Callable[[], None],
    ) -> notices.Loaded:
        """Wait until it has loaded and checked the suite, at most `limit` seconds.

        `between` is called between waits. Raises SuiteError where it ends or hangs.
        """
        while True:
            while supervisor.template_notices:
                notice = supervisor.template_notices.popleft()
                if isinstance(notice, notices.Loading):
                    self._loading = notice.file
                elif isinstance(notice, notices.Printed):
                    printed(notice)
                elif isinstance(notice, notices.Loaded):
                    return notice
            if supervisor.template_is_gone or self.has_ended:
                raise self._ended()
            left = self._began + limit - time.monotonic()
            if left <= 0:
                raise self._overdue(supervisor, limit)
            supervisor.wait(min(left, 1.0))
            between()

    @property
    def has_ended(self) -> bool:
        return self._child.poll() is not None

    def end(self) -> None:
        self._child.terminate(1.0)

    # -- what is told of it

    def _error(self, what: str) -> SuiteError:
        last = "\n".join(self._child.tail(20))
        return SuiteError(
            f"{what}; its last words:\n{last}" if last else what,
            where=self._loading,
            advice="Loading a step file must only define things.",
        )

    def _ended(self) -> SuiteError:
        ended = self._child.wait(2.0)
        if ended is None or ended.signal:
            return self._error(f"the process that loads the suite {ended or 'went away'}")
        return self._error(
            f"it ended the process while it was being loaded (exit code {ended.code})"
        )

    def _overdue(self, supervisor: Supervisor, limit: float) -> SuiteError:
        self._child.signal(DUMP)
        until = time.monotonic() + DUMP_TIME
        while not self.has_ended and (left := until - time.monotonic()) > 0:
            supervisor.wait(left)
        return self._error(
            f"loading it took longer than [timeouts] start = {spoken(limit)}; it was stopped"
        )

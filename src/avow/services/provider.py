"""What a provider of services is: the seam between a stack and a database, a stub, a program."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from avow.config.references import resolve
from avow.config.values import ServiceDefinition
from avow.core.errors import MissingExtra
from avow.core.waiting import Deadline, until
from avow.processes import Child, Ended, Journal

Facts = dict[str, str]


class NotUp(Exception):
    """A service did not come up. `what` continues the sentence "db ..."; the stack adds to it."""

    def __init__(self, what: str, *, last: str = "", advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.last = last
        self.advice = advice


class Cancelled(Exception):
    """The stack is being stopped while it starts."""


class Cancellation:
    """Set when the stack is being stopped, or when whoever started it has asked for its end."""

    def __init__(self, asked: threading.Event | None = None) -> None:
        self._asked = asked
        self._own = threading.Event()

    def is_set(self) -> bool:
        return self._own.is_set() or (self._asked is not None and self._asked.is_set())

    def set(self) -> None:
        self._own.set()


class Patience(Deadline):
    """A deadline that begins when the service does, and ends sooner once another has failed."""

    __slots__ = ()

    def restart(self) -> None:
        self._end = time.monotonic() + self.within

    def shorten(self, seconds: float) -> None:
        self._end = min(self._end, time.monotonic() + seconds)


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider may use.

    `directory` is its own, private, and gone after the run: what is in it has not been redacted.
    `logs` is for what people may want to read afterwards. `facts` are those of the services that it
    needs, all up. `siblings` are the services of the stack with the same shared provider, itself
    included. `environ` is what a program gets
    before its own `env`. `guards` decides on addresses outside; None where nothing may be touched.
    """

    definition: ServiceDefinition
    suite: str
    root: Path
    slot: int
    directory: Path
    logs: Path
    journal: Journal
    facts: Mapping[str, Mapping[str, str]]
    deadline: Deadline
    cancelled: Cancellation
    environ: Mapping[str, str]
    reveal: Callable[[str], str] | None = None
    guards: Any = None
    siblings: tuple[ServiceDefinition, ...] = ()
    progress: Callable[[str], None] = lambda state: None

    @property
    def log(self) -> Path:
        return self.logs / f"{self.definition.name}.log"

    def resolve(self, text: str, own: Mapping[str, str] | None = None) -> str:
        """Return `text` with references replaced by what is known now."""
        own = {
            "root": str(self.root),
            "name": self.definition.name,
            "dir": str(self.directory),
            "slot": str(self.slot),
            "host": "127.0.0.1",
            **(own or {}),
        }
        return resolve(text, self.facts, own, secret=self.reveal, environ=self.environ)

    def start(self, argv: Sequence[str], **options: Any) -> Child:
        """Start a program that goes with the run, its output in the service's log."""
        options.setdefault("env", self.environ)
        return Child.start(
            argv, log=self.log, journal=self.journal, name=self.definition.name, **options
        )

    def wait(
        self, look: Callable[[], object], what: str, child: Child | None = None, **options: Any
    ) -> None:
        """Look until it neither raises nor returns False.

        Raises NotUp at the deadline, or when the child ends.

        `what` continues "did not": "answer PING". Whatever `look` raises counts as not yet, but for
        a library that is not installed: no wait brings it.
        """

        def attempt() -> object:
            if self.cancelled.is_set():
                raise Cancelled
            if child is not None and (ended := child.poll()) is not None:
                raise NotUp(f"{ended} before it was ready")
            try:
                return look()
            except (NotUp, Cancelled, MissingExtra):
                raise
            except Exception as error:  # any client's way to say: not yet
                raise AssertionError(f"{type(error).__name__}: {error}".rstrip(": ")) from error

        waited = until(attempt, self.deadline, **options)
        if not waited.holds:
            raise NotUp(f"did not {what}", last=str(waited.error or ""))


class Provider:
    """One running service of a stack. Subclass it; `start` runs in a thread of its own.

    `start` blocks until the service can be used and returns its facts: plain text by name. `stop`
    ends it, also where `start` raised in the middle. Both are called once.
    """

    #: Services whose providers share a word here are one process in a stack: the first one starts
    #: it, `facts_of` answers for the others.
    shared: ClassVar[str] = ""

    def __init__(self, surroundings: Surroundings) -> None:
        self.at = surroundings
        self.definition = surroundings.definition
        self.child: Child | None = None
        #: What must not show in reports, by name.
        self.secrets: dict[str, str] = {}

    def start(self) -> Facts:
        raise NotImplementedError

    def facts_of(self, definition: ServiceDefinition) -> Facts:
        """Return the facts of a sibling; only for shared providers."""
        raise NotImplementedError

    def stop(self) -> None:
        if self.child is not None:
            self.child.terminate(self.definition.grace.total_seconds())

    def ended(self) -> Ended | None:
        """Return how it ended, where it did without being told to."""
        return self.child.poll() if self.child is not None else None

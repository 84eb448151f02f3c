"""What every channel is, and what it is given.

    world --open--> Channel --bind(ledger)--> scenario's acts, looks --collect--> effects --close-->

A channel lives as long as its worker, so that its connections are reused; `bind` gives it the
ledger of the next scenario and forgets what was private to the last one. It is used from one
thread, the one that runs steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

from avow.core.ledger import Ledger
from avow.core.secrets import Redactor

#: Bytes of a decoded body that a channel takes in, unless the service's `body_limit` says
#: otherwise.
BODY_LIMIT = 10 * 1024 * 1024


class Guards(Protocol):
    """What a channel asks before it touches anything (`avow.guards`)."""

    def address(self, host: str, port: int, *, where: str = "") -> str:
        """Return the one IP address to connect to; raises GuardRefusal before the first byte."""

    def database(self, name: str, owned: bool = False, *, where: str = "") -> None:
        """Return quietly where the database may be used; raises GuardRefusal."""

    def path(self, text: str, *, exists: bool = False, where: str = "") -> Path:
        """Return the real path of a file under the suite's root; raises GuardRefusal."""


class Timeouts(Protocol):
    """The `[timeouts]` a channel needs."""

    @property
    def call(self) -> timedelta: ...


class Definition(Protocol):
    """The part of a service's definition that a channel reads."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def provider(self) -> str | None: ...

    @property
    def secrets(self) -> Sequence[str]: ...

    @property
    def settings(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class ChannelContext:
    """What all channels of a worker share.

    `directory` is for temporary files of the run; `resolve` replaces the references in a setting
    ("{shop.url}/token", "${secret:ADMIN}") and is called when the setting is used.
    """

    guards: Guards
    timeouts: Timeouts
    redactor: Redactor
    directory: Path = field(default_factory=Path)
    resolve: Callable[[str], str] = str

    @property
    def call_seconds(self) -> float:
        return self.timeouts.call.total_seconds()


class Channel(Protocol):
    """A driver for one service; see the module's drawing for the order of calls."""

    name: str
    #: Whether the system's own doings arrive here (`collect` writes effects).
    is_source: bool

    def open(self) -> None:
        """Connect ahead of the first use, where that saves a scenario time."""

    def bind(self, ledger: Ledger) -> None:
        """Write into the ledger of another scenario from now on; forget what was private to the
        last.
        """

    def start_scenario(self) -> None:
        """Remember where the source stands: what is there now is not this scenario's."""

    def collect(self) -> None:
        """Write what has arrived as effects; what was there before the call is never missed."""

    def close(self) -> None:
        """Give back connections; safe to call twice."""


class ChannelBase:
    """The common part of the channels of this package."""

    is_source: ClassVar[bool] = False
    #: Whether a `collect` leaves the source ready for the next scenario: then nothing that arrives
    #: between two scenarios is skipped.
    resumes: ClassVar[bool] = False

    def __init__(
        self,
        name: str,
        facts: Mapping[str, str],
        definition: Definition | None,
        ledger: Ledger,
        context: ChannelContext,
    ) -> None:
        self.name = name
        self.facts = facts
        self.definition = definition
        self.ledger = ledger
        self.context = context
        self.prepare()

    def prepare(self) -> None:
        """Set what the channel keeps beside these; called once, when it is made. Connects
        nowhere.
        """

    def setting(self, key: str, default: Any = None) -> Any:
        """Return a setting of the service's kind, or the default where it is absent or empty."""
        settings = None if self.definition is None else self.definition.settings
        read = settings.get if isinstance(settings, Mapping) else partial(getattr, settings)
        value = read(key, None)
        return default if value is None else value

    @property
    def is_owned(self) -> bool:
        """Whether this run started the service, so that everything in it is the suite's."""
        return self.definition is None or self.definition.provider != "attached"

    def open(self) -> None: ...

    def bind(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def start_scenario(self) -> None: ...

    def collect(self) -> None: ...

    def close(self) -> None: ...

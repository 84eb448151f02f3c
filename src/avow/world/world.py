"""One scenario's world: what its steps may touch, and nothing of any other scenario.

    step -> world.http["shop"].send(...) -> channel -> entry in world.ledger
    world.collect() -> source -> effects in world.ledger

A Then collects first and then reads the ledger alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avow.config import Secrets, Settings
from avow.core.entries import Entry
from avow.core.errors import SuiteError, did_you_mean
from avow.core.ledger import Ledger
from avow.core.secrets import Redactor, Secret
from avow.guards import Guards
from avow.world.channels import Channels
from avow.world.memory import Memory
from avow.world.randomness import Random
from avow.world.resources import Resources
from avow.world.values import Values

if TYPE_CHECKING:
    from avow.channels.database import PostgresChannel
    from avow.channels.http import HttpChannel
    from avow.channels.mail import MailChannel
    from avow.channels.messaging import KafkaChannel
    from avow.channels.objects import S3Channel
    from avow.stubs.client import StubChannel


@dataclass(slots=True)
class RunningStep:
    """The step that runs: its text as written, given/when/then, its place, what stands under it.

    `table` and `document` are avow.gherkin's; the room of the words is above this one.
    """

    text: str
    type: str
    where: str
    table: Any = None
    document: Any = None


class World:
    """What the steps of one scenario act on and read from.

    `http`, `messages`, `databases`, `stubs`, `webhooks`, `objects` and `mail` hold channels by the
    names in avow.toml; `resources(area)` is the way to a plug-in's own area.
    """

    http: Resources[HttpChannel]
    messages: Resources[KafkaChannel]
    databases: Resources[PostgresChannel]
    stubs: Resources[StubChannel]
    webhooks: Resources[Any]
    objects: Resources[S3Channel]
    mail: Resources[MailChannel]

    def __init__(
        self,
        settings: Settings,
        channels: Channels,
        ledger: Ledger,
        *,
        facts: Mapping[str, Mapping[str, str]] | None = None,
        guards: Guards | None = None,
        redactor: Redactor | None = None,
        secrets: Secrets | None = None,
        seed: int | str = 0,
        scenario: str = "",
        root: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self.channels = channels
        self.ledger = ledger
        self.facts = facts or {}
        self.root = Path(settings.root) if root is None else root
        self.guards = guards or Guards(settings.guards, self.root)
        self.redactor = redactor or Redactor()
        self.seed = seed
        self.scenario = scenario
        self.step: RunningStep | None = None
        self._givens_ended = False
        self.memory = Memory()
        self.random = Random(f"{seed}:{scenario}")
        self._secrets = secrets or Secrets(settings, environ)
        self._clock = clock
        self.values = Values(
            self.memory, self.random, secret=self.secret, environ=environ, now=self.now
        )
        self._resources = {
            area: Resources(area, channels.area(area), channels.kinds)
            for area in (
                "http", "messages", "databases", "stubs", "webhooks", "objects", "mail", "cache",
                *channels.by_area,
            )
        }  # fmt: skip
        for area, resources in self._resources.items():
            setattr(self, area, resources)
        self._unimportant: set[str] = set()
        #: A step has seen that everything was spoken of: it has to stay so.
        self.said_nothing_else = False
        #: What steps want to know of earlier steps, by topic; gone with the scenario.
        self.notes: dict[str, Any] = {}

    @classmethod
    def begin(cls, settings: Settings, channels: Channels, ledger: Ledger, **options: Any) -> World:
        """Bind the worker's channels to a scenario's ledger and return its world."""
        channels.bind(ledger)
        return cls(settings, channels, ledger, **options)

    # -- reading the world

    def collect(self, *names: str) -> None:
        """Read what has arrived by now from all sources of effects, or from the named ones."""
        if not names:
            for source in self.channels.sources.values():
                source.collect()
            return
        known = {name.lower(): source for name, source in self.channels.sources.items()}
        for name in names:
            wanted = known.get(name.lower())
            if wanted is not None:
                wanted.collect()

    def settle(self, quiet: timedelta | None = None) -> None:
        """Wait until all sources have been quiet for `[effects] settle`."""
        from avow.isolation import effects

        effects.settle(self, self.settings.effects.settle if quiet is None else quiet)

    def end_givens(self) -> None:
        """Answer for what the Givens caused; called before the first When or Then."""
        if self._givens_ended:
            return
        self._givens_ended = True
        if any(entry.role == "act" for entry in self.ledger.entries):
            from avow.isolation import effects

            effects.givens_are_done(self)

    def unclaimed(self) -> list[Entry]:
        """Return the effects that no step has asserted on or answered for."""
        from avow.isolation import effects

        found = effects.unclaimed(self.ledger)
        left = [each for each in found if each.resource not in self._unimportant]
        self.said_nothing_else = not left
        return left

    @property
    def unimportant(self) -> frozenset[str]:
        """The resources of which nothing has to be spoken of."""
        return frozenset(self._unimportant)

    def find(self, kind: str, resource: str = "", **options: Any) -> list[Entry]:
        """Collect from the resource (or from all), then return its entries of a kind."""
        self.collect(*((resource,) if resource else ()))
        return self.ledger.find(kind, resource, **options)

    def claim(self, *entries: Entry) -> None:
        """Say that the running step answers for these entries; each once is enough."""
        for entry in entries:
            if not self.ledger.is_claimed(entry):
                self.ledger.claim(entry)

    def expect_anything(self, resource: str) -> None:
        """Leave a resource out of `unclaimed`: whatever comes to it is expected."""
        name = self.name_of(resource)
        if name not in self.channels.kinds:
            raise SuiteError(
                f'no service "{resource}" is declared',
                advice=did_you_mean(resource, self.channels.kinds, what="declared"),
            )
        self._unimportant.add(name)

    # -- names

    def resources(self, area: str) -> Resources[Any]:
        """Return the resources of an area by its name, a plug-in's own too."""
        try:
            return self._resources[area]
        except KeyError:
            raise AttributeError(
                f'the world has no "{area}"; {did_you_mean(area, self._resources, what="there")}'
            ) from None

    def name_of(self, name: str) -> str:
        """Return a service's name as avow.toml spells it."""
        lowered = {known.lower(): known for known in self.channels.kinds}
        return lowered.get(name.lower(), name)

    # -- values

    def now(self) -> datetime:
        """Return the time in UTC."""
        return self._clock()

    def secret(self, name: str) -> Secret:
        """Return a secret; from now on the redactor knows it."""
        secret = self._secrets.get(name)
        self.redactor.add(secret)
        return secret

    def file(self, path: str) -> Path:
        """Return an existing file under the suite's root; raises SuiteError or GuardRefusal."""
        return self.guards.path(path, exists=True)

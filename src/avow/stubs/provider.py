"""Stubs as a service of a stack: all stubs of a worker slot in one process, one port each.

One process takes 28 MiB and a tenth of a second of CPU, and each further stub in it 0.2 MiB; one
process per stub would take all of that for each third party.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import msgspec

from avow.config.values import ServiceDefinition
from avow.core.errors import GuardRefusal
from avow.processes import Child, Ended
from avow.stubs.files import Paths, load_routes
from avow.stubs.running import add_addresses, command, configure

#: How long one look at the pipe blocks, in seconds; between looks a stack may be told to stop.
_LOOK = 0.05


class Surroundings(Protocol):
    """What a stack gives to its providers (`avow.services`), as far as stubs need it."""

    @property
    def definition(self) -> ServiceDefinition: ...
    @property
    def root(self) -> Path: ...
    @property
    def directory(self) -> Path: ...
    @property
    def siblings(self) -> tuple[ServiceDefinition, ...]: ...
    @property
    def guards(self) -> Any: ...

    def start(self, argv: Sequence[str], **options: Any) -> Child: ...
    def wait(
        self, look: Callable[[], object], what: str, child: Child | None = None, **options: Any
    ) -> None: ...


class StubProvider:
    """Provides every service of kind "stub" of a stack."""

    shared: ClassVar[str] = "stubs"

    def __init__(self, surroundings: Surroundings) -> None:
        self.at = surroundings
        self.definition = surroundings.definition
        self.child: Child | None = None
        self.secrets: dict[str, str] = {}
        self._facts: dict[str, dict[str, str]] = {}

    def start(self) -> dict[str, str]:
        """Start the process; return when all its stubs answer."""
        definitions = self.at.siblings or (self.definition,)
        paths: Paths = self.at.guards if self.at.guards is not None else _UnderRoot(self.at.root)
        routes = {
            each.name: [route.to_plain() for route in _routes(each, paths)] for each in definitions
        }
        self.at.directory.mkdir(parents=True, exist_ok=True)
        configuration, facts = configure(
            routes, self.at.directory, {each.name: _settings(each) for each in definitions}
        )
        self.secrets = {"stub token": next(iter(facts.values()))["token"]}
        reader, writer = os.pipe()
        try:
            self.child = self.at.start(
                command(configuration, writer), cwd=self.at.directory, pass_fds=[writer]
            )
        finally:
            os.close(writer)
        try:
            told = self._told(reader)
        finally:
            os.close(reader)
        add_addresses(facts, told)
        self._facts = facts
        return facts[self.definition.name]

    def facts_of(self, definition: ServiceDefinition) -> dict[str, str]:
        """Return the facts of another stub of the same process."""
        return self._facts[definition.name]

    def stop(self) -> None:
        if self.child is not None:
            self.child.terminate(self.definition.grace.total_seconds())

    def ended(self) -> Ended | None:
        """Return how the process ended, where nobody told it to."""
        return self.child.poll() if self.child is not None else None

    def _told(self, reader: int) -> Mapping[str, Any]:
        line = b""

        def look() -> bool:
            nonlocal line
            if select.select([reader], [], [], _LOOK)[0]:
                line += os.read(reader, 65536)
            return line.endswith(b"\n")

        self.at.wait(look, "say that it is ready", self.child, pause=0.0)
        told: dict[str, Any] = msgspec.json.decode(line)
        return told


def _routes(definition: ServiceDefinition, paths: Paths) -> list[Any]:
    source = getattr(definition.settings, "routes", ())
    return load_routes(source, paths, where=f"services.{definition.name}.routes") if source else []


def _settings(definition: ServiceDefinition) -> dict[str, Any]:
    told = {
        "body_limit": getattr(definition.settings, "body_limit", None),
        "largest_body": getattr(definition.settings, "largest_body", None),
        "unmatched_status": getattr(definition.settings, "unmatched", None),
    }
    return {key: value for key, value in told.items() if value is not None}


class _UnderRoot:
    """Paths without guards: under the suite's root, symbolic links followed first."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def path(self, text: str) -> Path:
        found = (self._root / text).resolve()
        if not found.is_relative_to(self._root):
            raise GuardRefusal(
                f'"{text}" is outside of the suite',
                where=str(self._root),
                advice="Keep what a suite reads under its root.",
            )
        return found

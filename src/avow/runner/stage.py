"""Where scenarios play: settings, facts of services, the redactor, channels kept between scenarios,
isolation.

One per process that runs scenarios. The rooms above core are asked for when the first scenario
needs them.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from avow.config import Secrets
from avow.core import events
from avow.core.entries import Entry
from avow.core.errors import AvowError
from avow.core.secrets import Redactor
from avow.core.text import plural
from avow.runner import failures, notices
from avow.runner.witness import Scene, Tell

#: Scenarios of which it is known whether they said that nothing else happened.
_REMEMBERED = 64


class Stage:
    """Made once the facts are known; `close` ends what the channels hold."""

    def __init__(
        self,
        settings: Any,
        *,
        root: Path,
        run: str = "",
        slot: int = 1,
        facts: dict[str, dict[str, str]] | None = None,
        secrets: dict[str, str] | None = None,
        redaction_key: bytes | None = None,
        directory: Path | None = None,
    ) -> None:
        self.settings = settings
        self.root = root
        self.run = run
        self.worker = f"worker-{slot}"
        self.facts = facts or {}
        self.redactor = Redactor(redaction_key or None)
        self.redactor.add_all(secrets or {})
        self.directory = directory or Path(tempfile.gettempdir())
        self._host = socket.gethostname()
        self._pid = os.getpid()
        self._channels: Any = None
        self._isolation: Any = None
        self._guards: Any = None
        self._secrets = Secrets(settings)
        # Before any hook runs: the first of them may print what it knows.
        for secret in self._secrets.all():
            self.redactor.add(secret)
        self._allure: Any = None
        #: Scenarios that said that nothing else happened, and the resources that do not matter.
        self._silent: OrderedDict[str, frozenset[str]] = OrderedDict()

    # -- one scenario

    def scene(self, info: events.ScenarioInfo, path: Path, tell: Tell, *, seed: int = 0) -> Scene:
        limit = int(self.settings.reports.body_limit)
        return Scene(info, path, self.redactor, tell, seed=seed, body_limit=limit)

    def hear_allure(self, emit: Callable[[events.Event], None]) -> None:
        """Turn what user code tells allure into events, where the suite uses allure at all."""
        if "allure_commons" not in sys.modules:
            return
        import allure_commons

        from avow.reports.attachments import UserAllure

        results = self.root / self.settings.reports.results
        self._allure = UserAllure(emit, results, self.redactor)
        allure_commons.plugin_manager.register(self._allure, "avow")

    def step(self, index: int) -> None:
        """Tell those who attach things which step runs; -1 for none."""
        if self._allure is not None:
            self._allure.step = index

    def started(self, info: events.ScenarioInfo, task: notices.Perform) -> events.ScenarioStarted:
        return events.ScenarioStarted(
            at=time.time(),
            scenario=info,
            run=self.run,
            worker=self.worker,
            host=self._host,
            pid=self._pid,
            monotonic=time.monotonic(),
            seed=task.seed,
            attempt=task.attempt,
        )

    def open(self) -> list[str]:
        """Connect to what the suite runs on and remember how it is now; return what stays as it is.

        Called after before_all, so that what that prepares is part of the clean world.
        """
        from avow.channels.base import ChannelContext
        from avow.guards import Guards
        from avow.world import Channels

        self._guards = Guards(self.settings.guards, self.root)
        for facts in self.facts.values():
            host, port = facts.get("host"), facts.get("port")
            if host and port and port.isdigit():
                self._guards.own(host, int(port))
        context = ChannelContext(
            self._guards, self.settings.timeouts, self.redactor, self.directory
        )
        self._channels = Channels.build(self.settings, self.facts, context, secrets=self._secrets)
        if not self._channels.all:
            return []
        from avow.isolation import Isolation

        self._isolation = Isolation(self._channels.all)
        return [str(each) for each in self._isolation.prepare_run()]

    @contextmanager
    def playing(self, scene: Scene, context: Any, tell: Tell) -> Iterator[None]:
        """Give the scenario its world; afterwards the world is as it was before."""
        from avow.gherkin import session
        from avow.world import World

        isolation = self._isolation
        if isolation is not None:
            isolation.start_scenario(scene.ledger)
            self._tell_late(tell)
        world = World.begin(
            self.settings,
            self._channels,
            scene.ledger,
            facts=self.facts,
            guards=self._guards,
            redactor=self.redactor,
            secrets=self._secrets,
            seed=scene.seed,
            scenario=scene.info.id,
            root=self.root,
        )
        scene.world = world
        if self._allure is not None:
            self._allure.is_in_scenario = True
        session.begin(context, world)
        try:
            yield
            if self.settings.effects.strict and scene.has_passed:
                scene.late_trouble = _left_over(world)
        finally:
            session.end(context)
            if self._allure is not None:
                self._allure.is_in_scenario = False
                self._allure.step = -1
            if isolation is not None:
                self._undo(isolation, scene, world, tell)

    def _undo(self, isolation: Any, scene: Scene, world: Any, tell: Tell) -> None:
        for problem in isolation.end_scenario(_seed_after(scene)):
            scene.hook_failed("isolation", problem)
        for warning in isolation.warnings():
            scene.event(events.Noted(at=time.time(), text=warning))
        isolation.after(
            scene.info.id,
            scene.ledger,
            world.memory.values.values(),
            drain=self.settings.effects.drain,
        )
        if world.said_nothing_else:
            self._silent[scene.info.id] = world.unimportant
            if len(self._silent) > _REMEMBERED:
                self._silent.popitem(last=False)
        for scenario, entry in isolation.late():
            if scenario == scene.info.id:
                # It came while this one's effects were drained: its verdict is not given yet.
                scene.late(self._late(scenario, entry), entry.summary)
            else:
                tell(self._line(self._late(scenario, entry)))

    def _tell_late(self, tell: Tell) -> None:
        for scenario, entry in self._isolation.late():
            tell(self._line(self._late(scenario, entry)))

    def _line(self, event: events.Event) -> bytes:
        return self.redactor.raw(events.encode(event))

    def _late(self, scenario: str, entry: Entry) -> events.LateEffect:
        limit = int(self.settings.reports.body_limit)
        bodies = {
            part: msgspec.structs.replace(body, raw=self.redactor.raw(body.raw)).cap(limit)
            for part, body in entry.bodies.items()
        }
        plain = msgspec.structs.replace(entry, bodies=bodies).to_plain()
        unimportant = self._silent.get(scenario)
        return events.LateEffect(
            at=time.time(),
            scenario=scenario,
            entry=plain,
            breaks=unimportant is not None and entry.resource not in unimportant,
        )

    def close(self, tell: Tell) -> None:
        """Tell what still came, then end what the channels hold."""
        isolation, self._isolation = self._isolation, None
        channels, self._channels = self._channels, None
        if isolation is not None:
            try:
                # The last scenario has no other after it, in whose time its effects would come.
                within = max(self.settings.effects.settle * 2, self.settings.effects.drain)
                for scenario, entry in isolation.final_drain(within):
                    tell(self._line(self._late(scenario, entry)))
                isolation.close()
            except AvowError as error:
                tell(self.run_trouble("the end of isolation", error))
        if channels is not None:
            channels.close()

    # -- trouble

    def run_trouble(self, where: str, error: BaseException) -> bytes:
        """Return the line that tells of trouble outside of any scenario."""
        trouble = failures.trouble_of(error)
        return self.redactor.raw(
            events.encode(events.RunTrouble(at=time.time(), where=where, trouble=trouble))
        )

    def lost(self, task: notices.Perform, why: str) -> bytes:
        """Return the line that ends a scenario which could not even start."""
        return events.encode(
            events.ScenarioFinished(
                at=time.time(),
                scenario="",
                status="broken",
                seconds=0.0,
                trouble=events.Trouble("broken", why),
                behave_status="untested",
                file=task.record,
            )
        )


def _seed_after(scene: Scene) -> int:
    """Return another number for each scenario, or stubs would make up the same ids again."""
    return zlib.crc32(f"{scene.seed}:{scene.info.id}".encode())


def _left_over(world: Any) -> events.Trouble | None:
    """Return what happened that no step spoke of, for suites with `[effects] strict`."""
    world.settle()
    left = world.unclaimed()
    if not left:
        return None
    lines = [f"  {each.resource}: {each.summary}" for each in left[:20]]
    return events.Trouble(
        "failed",
        f"{plural(len(left), 'thing')} happened that no step speaks of ([effects] strict):\n"
        + "\n".join(lines),
        kind="ScenarioFailure",
    )

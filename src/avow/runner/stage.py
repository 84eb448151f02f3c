"""Where scenarios play: settings, facts of services, the redactor, channels kept between scenarios, isolation.

One per process that runs scenarios. The rooms above core are asked for when the first scenario needs them.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from avow.core import events
from avow.core.secrets import Redactor
from avow.runner import failures, notices
from avow.runner.witness import Scene, Tell


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
        for name, value in (secrets or {}).items():
            self.redactor.mint(name, value)
        self.directory = directory or Path(tempfile.gettempdir())
        self._host = socket.gethostname()
        self._pid = os.getpid()
        self._channels: Any = None
        self._guards: Any = None
        self._secrets: Any = None
        self._allure: Any = None

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

    @contextmanager
    def playing(self, scene: Scene, context: Any, scenario: Any) -> Iterator[None]:
        """Give the scenario its world; afterwards the world is as it was before."""
        from avow.gherkin import session
        from avow.world import World

        channels = self._the_channels()
        world = World.begin(
            self.settings,
            channels,
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
        if channels.all:
            for channel in channels.all.values():
                channel.start_scenario()
        session.begin(context, world)
        try:
            yield
        finally:
            session.end(context)
            if self._allure is not None:
                self._allure.is_in_scenario = False
                self._allure.step = -1

    def _the_channels(self) -> Any:
        if self._channels is None:
            from avow.channels.base import ChannelContext
            from avow.config import Secrets
            from avow.guards import Guards
            from avow.world import Channels

            self._secrets = Secrets(self.settings)
            for secret in self._secrets.all():
                self.redactor.add(secret)
            self._guards = Guards(self.settings.guards, self.root)
            for facts in self.facts.values():
                host, port = facts.get("host"), facts.get("port")
                if host and port and port.isdigit():
                    self._guards.own(host, int(port))
            context = ChannelContext(
                self._guards, self.settings.timeouts, self.redactor, self.directory
            )
            self._channels = Channels.build(
                self.settings, self.facts, context, secrets=self._secrets
            )
        return self._channels

    def close(self) -> None:
        """End what the channels hold."""
        if self._channels is not None:
            self._channels.close()

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

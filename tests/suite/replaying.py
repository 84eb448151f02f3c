"""Replays the recorded scenarios of the reference suite, each from its file alone.

A program of its own, because a suite's steps belong to one process:

    replaying.py (as-it-was | changed) RECORD...

prints a JSON object of scenario -> what its replay raised ("" for nothing). No service runs, and
no socket can be opened.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from behave.configuration import Configuration
from behave.runner import Context, Runner
from behave.runner_util import load_step_modules, parse_features

from avow import config
from avow.channels.base import ChannelContext
from avow.config import Secrets
from avow.core import events, waiting
from avow.core.entries import Entry
from avow.core.record import read
from avow.core.replay import ReplayLedger
from avow.core.secrets import Redactor
from avow.gherkin import install, session
from avow.guards import Guards
from avow.isolation import effects
from avow.plugins import service_kinds
from avow.runner.features import by_line
from avow.world import Channels, World

#: Facts of services that nobody provides: an address that refuses, and words for the rest.
_NOWHERE = {
    "host": "127.0.0.1",
    "port": "1",
    "url": "http://127.0.0.1:1",
    "bootstrap": "127.0.0.1:1",
}


class Clock:
    """Waits look as often as they did, and nobody sleeps: what is recorded is all there already."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        self._ahead += seconds


def otherwise(entry: Entry) -> Entry | None:
    """Return the entry of a system that refuses all, keeps no rows and does nothing besides."""
    if entry.role == "effect":
        return None
    data = dict(entry.data)
    if data.get("response"):
        data["response"] = {**data["response"], "status": 520, "reason": "Out of Order"}
    if "rows" in data:
        data["rows"] = []
    return msgspec.structs.replace(entry, data=data)


def main(root: Path, records: list[Path], *, change: bool) -> dict[str, str]:
    sys.path.insert(0, str(root))
    settings = config.load(root)
    with tempfile.TemporaryDirectory() as folder:
        nowhere = {
            name: {
                fact: _NOWHERE.get(fact, folder)
                for fact in (*service_kinds()[each.kind].facts, "journal")
            }
            for name, each in settings.services.items()
        }
        allowed = Guards(settings.guards, root)
        context = ChannelContext(allowed, settings.timeouts, Redactor(), Path(folder))
        secrets = Secrets(settings)
        registry = install()
        load_step_modules([str(root / "steps")])
        channels = Channels.build(settings, nowhere, context, secrets=secrets)
        runner: Any = Runner(Configuration(["--no-color"], load_config=False))
        runner.step_registry = registry
        runner.context = Context(runner)
        _no_sockets()
        waiting.time = effects.time = Clock()
        told: dict[str, str] = {}
        for record in records:
            recorded = list(read(record))
            started = next(each for each in recorded if isinstance(each, events.ScenarioStarted))
            info = started.scenario
            givens = [each.type for each in info.steps].index("when")
            entries = [
                Entry.from_plain(each.entry)
                for each in recorded
                if isinstance(each, events.EntryWritten)
            ]
            if change:
                changed = [each if each.step < givens else otherwise(each) for each in entries]
                entries = [each for each in changed if each is not None]
            world = World.begin(
                settings,
                channels,
                ReplayLedger(entries),
                facts=nowhere,
                guards=allowed,
                secrets=secrets,
                seed=started.seed,
                scenario=info.id,
                root=root,
            )
            told[f"{info.name} ({info.place.file}:{info.place.line})"] = _play(runner, info, world)
        return told


def _play(runner: Any, info: events.ScenarioInfo, world: World) -> str:
    (feature,) = parse_features([info.place.file])
    scenario = by_line(feature)[info.place.line].scenario
    session.begin(runner.context, world)
    try:
        for number, step in enumerate(scenario.all_steps):
            world.ledger.step = number
            match = runner.step_registry.find_match(step)
            runner.context.text, runner.context.table = step.text, step.table
            try:
                match.run(runner.context)
            except Exception as error:  # noqa: BLE001 - it is the answer
                return f"{step.keyword} {step.name}: {type(error).__name__}: {error}"
    finally:
        session.end(runner.context)
    return ""


def _no_sockets() -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise ConnectionRefusedError("a replay opened a socket")

    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.socket.connect_ex = refuse  # type: ignore[method-assign]
    socket.create_connection = refuse  # type: ignore[assignment]


if __name__ == "__main__":
    files = [Path(each) for each in sys.argv[2:]]
    print(json.dumps(main(Path.cwd(), files, change=sys.argv[1] == "changed")))

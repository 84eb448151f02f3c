"""The phrasebook: a tiny system with everything around it, up once for all examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from behave.configuration import Configuration
from behave.parser import parse_feature
from behave.runner import Context, Runner

from avow import config
from avow.channels.base import ChannelContext
from avow.config import Secrets, Settings
from avow.core.ledger import Ledger
from avow.core.replay import ReplayLedger
from avow.core.secrets import Redactor
from avow.gherkin import install, session
from avow.guards import Guards
from avow.isolation import Isolation
from avow.processes import Journal
from avow.services.stack import Stack
from avow.world import Channels, World

ROOT = Path(__file__).parents[1] / "apps" / "phrasebook"


@dataclass
class Outcome:
    """What came of a scenario: the step that raised, what it raised, the world it left."""

    world: World
    error: BaseException | None = None
    step: str = ""

    @property
    def message(self) -> str:
        return str(self.error) if self.error is not None else ""


class Phrasebook:
    """Runs scenarios one after the other, each in a clean world."""

    def __init__(
        self, settings: Settings, facts: dict[str, dict[str, str]], directory: Path
    ) -> None:
        import avow.steps.all  # noqa: F401

        self.settings = settings
        self.facts = facts
        self.redactor = Redactor()
        self.guards = Guards(settings.guards, Path(settings.root))
        self.secrets = Secrets(settings)
        context = ChannelContext(self.guards, settings.timeouts, self.redactor, directory)
        self.channels = Channels.build(settings, facts, context, secrets=self.secrets)
        self.isolation = Isolation(self.channels.all)
        self.isolation.prepare_run()
        self.runner = Runner(Configuration(["--no-color"], load_config=False))
        self.context = self.runner.context = Context(self.runner)
        self.count = 0

    def world(self, ledger: Ledger, seed: int) -> World:
        return World.begin(
            self.settings,
            self.channels,
            ledger,
            facts=self.facts,
            guards=self.guards,
            redactor=self.redactor,
            secrets=self.secrets,
            seed=seed,
            scenario=f"example {seed}",
        )

    def run(self, steps: str) -> Outcome:
        """Run the steps of a scenario until one raises."""
        self.count += 1
        ledger = Ledger()
        world = self.world(ledger, self.count)
        self.isolation.start_scenario(ledger)
        try:
            return self._run(steps, world)
        finally:
            problems = self.isolation.end_scenario()
            self.isolation.after(world.scenario, ledger)
            assert not problems, problems

    def replay(self, steps: str, recorded: World) -> Outcome:
        """Run a scenario again from its record alone, nothing of the system within reach."""
        return self._run(steps, self.world(ReplayLedger(recorded.ledger.entries), recorded.seed))

    def _run(self, steps: str, world: World) -> Outcome:
        self.runner.step_registry = registry = install()
        outcome = Outcome(world)
        session.begin(self.context, world)
        try:
            for number, step in enumerate(parsed(steps)):
                world.ledger.step = number
                outcome.step = f"{step.keyword} {step.name}"
                match = registry.find_match(step)
                assert match is not None, f"no phrase says: {outcome.step}"
                self.context.text, self.context.table = step.text, step.table
                match.run(self.context)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            outcome.error = error
        finally:
            session.end(self.context)
        return outcome

    def close(self) -> None:
        self.isolation.close()
        self.channels.close()


def parsed(steps: str) -> list[Any]:
    """Return behave's steps of a scenario."""
    indented = "\n".join(f"    {line}" for line in steps.splitlines())
    feature = parse_feature(
        f"Feature: examples\n  Scenario: example\n{indented}\n", filename="features/example.feature"
    )
    return list(next(iter(feature.walk_scenarios())).all_steps)


@pytest.fixture(scope="session")
def phrasebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phrasebook]:
    directory = tmp_path_factory.mktemp("phrasebook")
    settings = config.load(ROOT)
    guards = Guards(settings.guards, ROOT)
    journal = Journal(directory / "journal.jsonl")
    stack = Stack.start(settings, run_dir=directory / "run", journal=journal, guards=guards)
    try:
        made = Phrasebook(settings, stack.facts, directory)
        yield made
        made.close()
    finally:
        stack.stop()
        journal.close()

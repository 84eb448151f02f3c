"""A registry of each test's own, and steps run by behave's own parser, context and matching."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from behave.configuration import Configuration
from behave.parser import parse_feature
from behave.runner import Context, Runner

from avow.config import Settings
from avow.core.ledger import Ledger
from avow.gherkin import install, phrases, session
from avow.gherkin.registry import Registry
from avow.world import Channels, World


@pytest.fixture
def registry() -> Iterator[Registry]:
    """behave's one registry, emptied for the test and given back as it was."""
    found = install()
    steps, declared = found.steps, dict(phrases.declared)
    phrases.declared.clear()
    found.clear()
    yield found
    phrases.declared.clear()
    phrases.declared.update(declared)
    found.clear()
    found.steps = steps


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(Settings(root=str(tmp_path), name="test"), Channels({}, {}), Ledger(), seed=7)


class Steps:
    """Runs the steps of one scenario; each returns what it raised."""

    def __init__(self, world: World | None, registry: Registry) -> None:
        self.runner = Runner(Configuration(["--no-color"], load_config=False))
        self.runner.step_registry = registry
        self.context = self.runner.context = Context(self.runner)
        self.registry = registry
        self.world = world

    def parse(self, steps: str) -> list[Any]:
        text = f"Feature: f\n  Scenario: s\n{steps}\n"
        feature = parse_feature(text, filename="features/f.feature")
        self.feature = feature
        return list(next(iter(feature.walk_scenarios())).all_steps)

    def run(self, steps: str) -> Any:
        """Run steps until one raises; return that exception, or None."""
        if self.world is not None:
            session.begin(self.context, self.world)
        try:
            for number, step in enumerate(self.parse(steps)):
                if self.world is not None:
                    self.world.ledger.step = number
                match = self.registry.find_match(step)
                assert match is not None, f"undefined: {step.name}"
                self.context.text, self.context.table = step.text, step.table
                self.last = match
                match.run(self.context)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            if self.world is not None:
                session.end(self.context)
        return None


@pytest.fixture
def steps(world: World, registry: Registry) -> Steps:
    return Steps(world, registry)


@pytest.fixture
def without_world(registry: Registry) -> Steps:
    return Steps(None, registry)


@pytest.fixture
def declare(registry: Registry) -> Callable[..., Any]:
    """Declare phrases from source text, as a step file that behave executes."""

    def _declare(source: str, file: str = "steps/own.py") -> dict[str, Any]:
        namespace: dict[str, Any] = {}
        code = compile(
            "from __future__ import annotations\n"
            "from avow.gherkin import *\nfrom avow.gherkin import Table, Document, Block\n"
            + source,
            file,
            "exec",
        )
        exec(code, namespace)
        return namespace

    return _declare

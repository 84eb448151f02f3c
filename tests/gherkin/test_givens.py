"""What Givens caused is not what "nothing else happened" is about."""

from __future__ import annotations

from typing import Any

import pytest

from avow.core.ledger import Ledger, Observed
from avow.gherkin import given, then, when
from avow.world import Channels, World


class System:
    """Answers every act with an effect, which is there to be collected."""

    name = "system"
    is_source = True

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.collected = 0
        self.ledger = Ledger()

    def bind(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def act(self, text: str) -> None:
        self.ledger.act("test.act", self.name, {"text": text}, lambda: Observed(text))
        self.waiting.append(text)

    def collect(self) -> None:
        self.collected += 1
        self.ledger.collect(self.name, self._collect)

    def _collect(self) -> None:
        for text in self.waiting:
            self.ledger.effect("test.effect", self.name, text)
        self.waiting.clear()


@pytest.fixture
def system(world: World) -> System:
    made = System()
    world.channels = Channels({"systems": {"system": made}}, {"system": "test"})  # type: ignore[dict-item]
    world.channels.bind(world.ledger)
    return made


@pytest.fixture(autouse=True)
def phrases(registry: Any, system: System) -> None:
    @given("the system was told {string}")
    def was_told(world: World, text: str) -> None:
        system.act(text)

    @when("I tell the system {string}")
    def tell(world: World, text: str) -> None:
        system.act(text)

    @then("the effects that nobody spoke of are {string}")
    def unspoken(world: World, wanted: str) -> None:
        world.collect()
        assert " ".join(entry.summary for entry in world.unclaimed()) == wanted


def test_effects_of_givens_are_answered_for(steps: Any, world: World):
    error = steps.run(
        '    Given the system was told "one"\n'
        '    And the system was told "two"\n'
        '    When I tell the system "three"\n'
        '    Then the effects that nobody spoke of are "three"\n'
    )
    assert error is None
    assert {claim.note for claim in world.ledger.claims} == {"caused by a Given"}


def test_a_then_right_after_givens_ends_them_too(steps: Any):
    told = 'Given the system was told "one"'
    assert steps.run(f'    {told}\n    Then the effects that nobody spoke of are ""\n') is None


def test_a_scenario_whose_givens_did_nothing_pays_nothing(steps: Any, system: System):
    assert steps.run('    When I tell the system "one"\n') is None
    assert system.collected == 0

"""What the end of a scenario notices stands in its report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

PARROT = Path(__file__).parents[1] / "apps/parrot/app.py"

TOML = f"""
[services.bank]
kind = "stub"

[services.shop]
kind = "http"
command = ["python", "{PARROT}", "{{port}}"]
health = {{ path = "/health" }}
env.STUB = "{{bank.url}}"
env.STUB_KEY = "k"
env.MINTED = "minted.txt"
"""


@pytest.fixture
def shop(suite):
    suite.write("avow.toml", TOML)
    suite.write("steps/more.py", "from avow.steps.all import *\n")
    return suite


def result(suite, name: str) -> dict:
    for file in (suite.root / "reports/allure-results").glob("*-result.json"):
        found = json.loads(file.read_text())
        if found["name"] == name:
            return found
    raise AssertionError(f"no result of {name}")


@pytest.mark.parametrize("options", [(), ("-D", "avow.inline")], ids=["supervised", "in place"])
def test_a_call_that_no_route_answered_is_noted_on_its_scenario(shop, options):
    shop.feature(
        "a",
        """
        Feature: F
          Scenario: A
            When I send POST "/call/charges" to "shop"
          Scenario: B
            Given a number 1
        """,
    )
    ran = shop.behave(*options)
    assert ran.code == 0, ran.text
    (note,) = [s["name"] for s in result(shop, "A")["steps"] if s["name"].startswith("Note: ")]
    assert "POST /v1/charges" in note
    assert not any(s["name"].startswith("Note: ") for s in result(shop, "B")["steps"])


def test_what_could_not_be_undone_breaks_its_scenario(shop):
    shop.write(
        "steps/more.py",
        """
        from avow.core.errors import EnvironmentProblem
        from avow.gherkin import when
        from avow.steps.all import *
        from avow.stubs.client import StubChannel

        @when("the stub cannot be reset")
        def breaks(world):
            def reset(self, seed=None):
                StubChannel.reset = original
                raise EnvironmentProblem("it does not answer", where="bank")
            original, StubChannel.reset = StubChannel.reset, reset
        """,
    )
    shop.feature(
        "a",
        """
        Feature: F
          Scenario: A
            When the stub cannot be reset
          Scenario: B
            Given a number 1
        """,
    )
    ran = shop.behave()
    assert ran.code == 6, ran.text
    assert shop.results() == {"A": "broken", "B": "passed"}
    assert "bank: it does not answer" in result(shop, "A")["statusDetails"]["message"]

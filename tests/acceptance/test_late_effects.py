"""A system that answers at once and publishes 300 ms later: whatever the timing, it is told, on the
scenario that caused it and on no other.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

APP = Path(__file__).parents[1] / "apps/straggler/app.py"

TOML = f"""
[services.orders]
kind = "kafka"
topics = ["orders"]

[services.shop]
kind = "http"
command = ["python", "{APP}", "{{port}}"]
health = {{ path = "/health" }}
env.KAFKA = "{{orders.bootstrap}}"
"""

ORDER = """
        When I send POST "/orders" to "shop" with JSON:
          | reference      |
          | ${random.uuid} |
        Then the response status is 201"""

QUIET = """
        When I send GET "/health" to "shop"
        Then the response status is 200"""

NOTHING = "\n        And nothing else happened"


@pytest.fixture
def shop(suite):
    (suite.root / "steps/steps.py").unlink()
    (suite.root / "steps").rmdir()
    suite.write("avow.toml", TOML)
    return suite


def feature(*scenarios: tuple[str, str]) -> str:
    text = "    Feature: Late"
    for name, steps in scenarios:
        text += f"\n      Scenario: {name}{steps}\n"
    return text


def result(suite, name: str) -> dict:
    for file in (suite.root / "reports/allure-results").glob("*-result.json"):
        found = json.loads(file.read_text())
        if found["name"] == name:
            return found
    raise AssertionError(f"no result of {name}")


def names(steps: list[dict]) -> list[str]:
    return [each["name"] for each in steps for each in (each, *each.get("steps", []))]


LATE = "1 effect arrived after the scenario's end"
CLAIM = '"A" said that nothing else happened, and after its end came: on orders: '


@pytest.mark.parametrize("options", [(), ("-D", "avow.inline")], ids=["supervised", "in place"])
@pytest.mark.parametrize("claims", ["", NOTHING], ids=["at once", "settling"])
def test_a_claim_is_told_wrong_while_the_next_scenario_runs(shop, claims, options):
    """The next scenario takes its time, or is over before the message comes."""
    shop.feature("a", feature(("A", ORDER + NOTHING), ("B", QUIET + claims)))
    ran = shop.behave(*options)
    assert ran.code == 1, ran.text
    assert CLAIM in ran.err
    assert shop.results() == {"A": "failed", "B": "passed"}
    if not options:
        assert "1 scenario passed, 1 failed" in ran.out
        assert "features/a.feature:2  A" in ran.out.partition("Failing scenarios:")[2]
    assert CLAIM in result(shop, "A")["statusDetails"]["message"]
    assert LATE in names(result(shop, "A")["steps"])
    assert LATE not in names(result(shop, "B")["steps"])


def test_a_claim_of_the_last_scenario_is_told_wrong(shop):
    shop.feature("a", feature(("B", QUIET), ("A", ORDER + NOTHING)))
    ran = shop.behave("--junit")
    assert ran.code == 1, ran.text
    assert CLAIM in ran.err
    assert shop.results() == {"A": "failed", "B": "passed"}
    assert "1 scenario passed, 1 failed" in ran.out
    (file,) = (shop.root / "reports").glob("TESTS-*.xml")
    suite = ET.parse(file).getroot()
    assert suite.get("failures") == "1"


@pytest.mark.parametrize("order", ["first", "last"])
def test_without_a_claim_it_is_told_and_nothing_is_red(shop, order):
    scenarios = [("A", ORDER), ("B", QUIET + NOTHING)]
    shop.feature("a", feature(*(scenarios if order == "first" else reversed(scenarios))))
    ran = shop.behave()
    assert ran.code == 0, ran.text
    assert "1 effect came late, after the end of the scenario:" in ran.err
    assert '  "A" (features/a.feature:' in ran.err
    assert shop.results() == {"A": "passed", "B": "passed"}
    assert LATE in names(result(shop, "A")["steps"])


def test_what_does_not_matter_may_come_late(shop):
    steps = '\n        Given what "orders" is asked does not matter' + ORDER + NOTHING
    shop.feature("a", feature(("A", steps), ("B", QUIET + NOTHING)))
    ran = shop.behave()
    assert ran.code == 0, ran.text
    assert shop.results() == {"A": "passed", "B": "passed"}


def test_a_strict_suite_claims_it_for_every_scenario(shop):
    shop.write("avow.toml", TOML + "\n[effects]\nstrict = true\n")
    shop.feature("a", feature(("A", ORDER), ("B", QUIET)))
    ran = shop.behave()
    assert ran.code == 1, ran.text
    assert shop.results() == {"A": "failed", "B": "passed"}


def test_a_drain_waits_for_it_before_the_next_scenario(shop):
    shop.write("avow.toml", TOML + '\n[effects]\ndrain = "500ms"\nsettle = "50ms"\n')
    shop.feature("a", feature(("A", ORDER + NOTHING), ("B", QUIET)))
    ran = shop.behave()
    assert ran.code == 1, ran.text
    assert shop.results() == {"A": "failed", "B": "passed"}

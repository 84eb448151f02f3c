"""Reports and failures show the values that steps had, not the names they were written with."""

from __future__ import annotations

import json

import pytest

TOML = """
[secrets]
KEY = { value = "very-secret-value-0815" }
"""

STEPS = """
from avow.gherkin import Document, Table, given, then, when
from behave import given as plain_given, use_step_matcher

@given("the number {int} is {string}")
def remember(world, number, name):
    world.memory.remember(name, number)

@when("I pay {string} with {string}")
def pay(world, what, key):
    pass

@when("I pay these:")
def these(world, *, table: Table):
    pass

@when("I write:")
def write(world, *, document: Document):
    pass

@then("{string} is not {string}")
def differ(world, one, other):
    assert one != other, f"both are {one}"

@then("the order {int} is there")
def there(world, number):
    assert number == 8
"""


@pytest.fixture
def paid(suite):
    suite.write("avow.toml", TOML)
    suite.write("steps/steps.py", STEPS)
    suite.feature(
        "a",
        '''
        Feature: F
          Scenario: A
            Given the number 7 is "order"
            When I pay "no ${order}" with "${secret:KEY}"
            And I pay these:
              | order    |
              | ${order} |
            And I write:
              """
              dear ${order}
              """
            Then the order ${order} is there
        ''',
    )
    return suite


@pytest.mark.parametrize("options", [(), ("-D", "avow.inline")], ids=["supervised", "in place"])
def test_a_report_and_a_failure_show_values(paid, options):
    ran = paid.behave(*options)
    assert ran.code == 1, ran.text
    assert "With its values: Then the order 7 is there" in ran.out
    assert "Then the order ${order} is there ... failed" in ran.out
    directory = paid.root / "reports/allure-results"
    (file,) = directory.glob("*-result.json")
    steps = json.loads(file.read_text())["steps"]
    assert steps[1]["name"].startswith('When I pay "no 7" with "[secret:KEY:')
    assert steps[4]["name"] == "Then the order 7 is there"
    texts = [
        (directory / attached["source"]).read_text()
        for step in steps
        for attached in step.get("attachments", ())
    ]
    assert any("| 7 " in text for text in texts)
    assert any("dear 7" in text for text in texts)
    everything = "".join(each.read_text() for each in directory.iterdir())
    assert "very-secret" not in everything + ran.text

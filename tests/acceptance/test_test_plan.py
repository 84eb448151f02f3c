"""ALLURE_TESTPLAN_PATH: a test management system says which scenarios to run."""

from __future__ import annotations

import json

import pytest

FEATURE = """
    Feature: F

      @allure.id:77
      Scenario: asked for by its id
        Given a number 1

      Scenario: asked for by its name
        Given a number 1

      Scenario: not asked for
        Given a number 1
        When it explodes

      @allure.id=78
      Scenario Outline: a row
        Given a number <n>

        Examples:
          | n |
          | 1 |
          | 2 |
"""


@pytest.fixture
def planned(suite):
    suite.feature("a", FEATURE)

    def run(tests):
        plan = suite.write("plan.json", json.dumps({"version": "1.0", "tests": tests}))
        suite.env["ALLURE_TESTPLAN_PATH"] = str(plan)
        return suite.behave()

    return run


def test_what_the_plan_asks_for_runs_and_nothing_else(suite, planned):
    ran = planned([{"id": 77}, {"selector": "features/a.feature: asked for by its name"}])
    assert ran.code == 0, ran.text
    assert suite.results() == {
        "asked for by its id": "passed",
        "asked for by its name": "passed",
    }


def test_the_rows_of_an_outline_share_its_id(suite, planned):
    assert planned([{"id": "78"}]).code == 0
    assert len(suite.results()) == 2


def test_the_full_name_in_the_report_is_what_a_plan_says(suite, planned):
    assert planned([{"id": "78"}, {"id": "77"}]).code == 0
    names = [
        json.loads(file.read_text())["fullName"]
        for file in (suite.root / "reports/allure-results").glob("*-result.json")
    ]
    assert planned([{"selector": name} for name in names]).code == 0
    assert len(suite.results()) == 3


def test_a_plan_that_asks_for_nothing_here_is_not_green(planned):
    ran = planned([{"id": "1"}])
    assert ran.code == 5
    assert "none of 5 scenarios is selected" in ran.err


def test_a_plan_that_cannot_be_read_says_which(suite):
    suite.feature("a", FEATURE)
    suite.env["ALLURE_TESTPLAN_PATH"] = "nowhere.json"
    ran = suite.behave()
    assert ran.code == 4
    assert "ALLURE_TESTPLAN_PATH: the test plan nowhere.json cannot be read" in ran.err
    assert "Traceback" not in ran.err

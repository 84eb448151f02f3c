from __future__ import annotations

import msgspec
import pytest

from avow.core import events
from avow.core.errors import EnvironmentProblem, GuardRefusal, InternalError, SuiteError
from avow.core.exit_codes import MEANINGS
from avow.runner.outcome import Outcome


def finished(status):
    return events.ScenarioFinished(at=0.0, scenario="x", status=status, seconds=0.0)


def test_all_passed_is_zero():
    outcome = Outcome()
    outcome.scenario(finished("passed"))
    assert outcome.code == 0
    assert outcome.ran == 1


@pytest.mark.parametrize("status", ["failed", "broken", "undefined"])
def test_what_did_not_pass_is_one(status):
    outcome = Outcome()
    outcome.scenario(finished("passed"))
    outcome.scenario(finished(status))
    assert outcome.code == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [(GuardRefusal, 8), (EnvironmentProblem, 6), (InternalError, 3), (SuiteError, 1)],
)
def test_some_troubles_of_a_scenario_are_the_runs(error, code):
    outcome = Outcome()
    trouble = events.Trouble("broken", "because", kind=error.__name__)
    outcome.scenario(msgspec.structs.replace(finished("broken"), trouble=trouble))
    assert outcome.code == code


def test_skipped_scenarios_did_not_run():
    outcome = Outcome()
    outcome.scenario(finished("skipped"))
    assert outcome.ran == 0


def test_the_gravest_decides_and_all_are_kept():
    outcome = Outcome()
    for code in reversed(MEANINGS):
        outcome.add(code, f"reason {code}")
        assert outcome.code == code
    outcome.add(7, "reason 7")
    assert len(outcome.reasons) == len(MEANINGS)


def test_a_verdict_that_changes_is_counted_anew():
    outcome = Outcome()
    outcome.scenario(finished("passed"))
    outcome.change("passed", "failed")
    assert outcome.counts == {"passed": 0, "failed": 1}
    assert outcome.code == 1

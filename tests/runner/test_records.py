"""Files of scenarios that the coordinator completes: late effects, and what a dead worker left."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from avow.core import events, record
from avow.core.secrets import Redactor
from avow.runner import records
from avow.runner.outcome import Outcome


def scenario(*steps):
    place = events.Place("features/a.feature", 3)
    return events.ScenarioInfo(
        id="one",
        name="One",
        place=place,
        feature="A",
        steps=[events.StepInfo("Then", "then", text, place) for text in steps],
    )


@pytest.fixture
def written(tmp_path):
    def write(*steps, status="passed"):
        path = tmp_path / "scenario-1.jsonl"
        recorder = record.Recorder(path, Redactor())
        recorder.event(events.ScenarioStarted(at=time.time(), scenario=scenario(*steps)))
        verdict = events.ScenarioFinished(at=time.time(), scenario="one", status=status, seconds=1)
        recorder.event(verdict)
        recorder.close()
        return path, verdict

    return write


LATE = events.LateEffect(at=1.0, scenario="one", entry={"kind": "stub.call", "summary": "POST /x"})


def test_a_late_effect_flips_a_verdict_that_claimed_quiet(written):
    path, _ = written("the order is paid", "nothing else happened")
    verdict = records.flip(path, LATE, Redactor())
    assert verdict is not None
    assert verdict.status == "failed"
    assert verdict.trouble is not None
    assert verdict.trouble.message == (
        '"One" said that nothing else happened, and after its end came: POST /x'
    )
    assert list(record.read(path))[-2:] == [LATE, verdict]


def test_a_late_effect_of_a_scenario_that_claimed_nothing_is_only_told(written):
    path, _ = written("the order is paid")
    assert records.flip(path, LATE, Redactor()) is None


def test_the_flip_is_counted_and_told_once(written):
    from avow.runner.telling import Telling

    path, verdict = written("nothing else happened")
    outcome = Outcome()
    outcome.scenario(verdict)
    telling = Telling.__new__(Telling)
    told = []
    telling._outcome, telling._ended = outcome, __import__("collections").OrderedDict()
    telling._call = lambda hook, **arguments: told.append((hook, arguments["event"].status))
    telling.recorded(path, verdict)
    assert "after its end came" in telling.late(LATE, Redactor())
    assert telling.late(LATE, Redactor()) == ""
    assert outcome.counts == {"passed": 0, "failed": 1}
    assert outcome.code == 1
    assert [status for _, status in told] == ["passed", "failed"]


def test_a_torn_last_line_is_ended_before_more_is_written(tmp_path):
    path = tmp_path / "torn.jsonl"
    path.write_bytes(b'{"event":"step.started","at":1.0,"index":0}\n{"event":"step.fin')
    assert records.append(path, [events.encode(LATE)]) is None
    found = list(record.read(path))
    assert found == [events.StepStarted(at=1.0, index=0), LATE]


def test_a_file_that_cannot_be_written_is_returned_not_raised(tmp_path):
    assert isinstance(records.append(tmp_path / "no" / "file", [b"x"]), OSError)


def test_scenarios_that_will_not_run_get_a_file_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.feature").write_text("Feature: A\n  Scenario: s\n    Given a step\n")
    from avow.runner.plan import Item

    trouble = events.Trouble("skipped", "not run: interrupted by SIGINT")
    config = SimpleNamespace(lang=None)
    ((path, verdict),) = records.unrun(
        [Item(0, "a.feature", 2, "s")],
        config,
        lambda item: tmp_path / "scenario-1.jsonl",
        "run",
        trouble,
        "skipped",
        Redactor(),
    )
    started, finished = record.read(path)
    assert started.scenario.name == "s"
    assert finished == verdict
    assert finished.trouble == trouble

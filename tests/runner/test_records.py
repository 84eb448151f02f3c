"""Files of scenarios that the coordinator completes: what a dead worker left."""

from __future__ import annotations

from types import SimpleNamespace

from avow.core import events, record
from avow.core.secrets import Redactor
from avow.runner import records

LATE = events.LateEffect(at=1.0, scenario="one", entry={"kind": "stub.call", "summary": "POST /x"})


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

"""Verdicts that change because of what comes after the end of their scenario."""

from __future__ import annotations

import pytest

from avow.core import events, record
from avow.core.secrets import Redactor
from avow.runner.outcome import Outcome
from avow.runner.verdicts import REMEMBERED, Fallen, Verdicts

ENTRY = {"kind": "stub.call", "summary": "POST /x", "at": 3.0}
LATE = events.LateEffect(at=1.0, scenario="one", entry=ENTRY)
BREAKING = events.LateEffect(at=1.0, scenario="one", entry=ENTRY, breaks=True)
WHY = '"One" said that nothing else happened, and after its end came: POST /x'


class Told:
    def __init__(self) -> None:
        self.statuses: list[str] = []

    def event(self, event):
        pass

    def recorded(self, path, verdict):
        self.statuses.append(verdict.status)


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def outcome():
    return Outcome()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "scenario-1.jsonl"


@pytest.fixture
def verdicts(told, outcome):
    return Verdicts(outcome, told, Redactor())


def ended(status: str = "passed", scenario: str = "one") -> events.ScenarioFinished:
    return events.ScenarioFinished(at=2.0, scenario=scenario, status=status, seconds=1)


def add(verdicts, path, verdict):
    path.write_bytes(events.encode(verdict) + b"\n")
    verdicts.add("item", "One", "a.feature:3", path, verdict)


def test_a_scenario_falls_that_said_that_nothing_else_happened(verdicts, told, outcome, path):
    add(verdicts, path, ended())
    assert verdicts.late(BREAKING) == Fallen("item", WHY)
    assert told.statuses == ["passed", "failed"]
    assert outcome.counts == {"passed": 0, "failed": 1}
    assert outcome.code == 1
    late, verdict = list(record.read(path))[-2:]
    assert late == BREAKING
    assert verdict.status == verdict.behave_status == "failed"
    assert verdict.trouble == events.Trouble("failed", WHY, kind="LateEffect")


def test_it_falls_once(verdicts, told, path):
    add(verdicts, path, ended())
    verdicts.late(BREAKING)
    assert verdicts.late(BREAKING) is None
    assert told.statuses == ["passed", "failed"]


@pytest.mark.parametrize(("status", "late"), [("passed", LATE), ("broken", BREAKING)])
def test_otherwise_it_is_only_told(verdicts, told, outcome, path, capsys, status, late):
    add(verdicts, path, ended(status))
    assert verdicts.late(late) is None
    verdicts.explain()
    assert capsys.readouterr().err == (
        '1 effect came late, after the end of the scenario:\n  "One" (a.feature:3): POST /x\n'
    )
    assert told.statuses == [status]
    assert outcome.counts == {status: 1}
    assert list(record.read(path))[-1] == late


def test_of_a_scenario_that_is_not_over_or_forgotten_it_is_told_too(verdicts, path, capsys):
    assert verdicts.late(LATE) is None
    add(verdicts, path, ended())
    for number in range(REMEMBERED):
        add(verdicts, path, ended(scenario=f"other {number}"))
    assert verdicts.late(BREAKING) is None
    verdicts.explain()
    assert capsys.readouterr().err.startswith("2 effects came late")


def test_what_came_before_the_end_and_nobody_looked_at_is_not_called_late(
    verdicts, told, path, capsys
):
    add(verdicts, path, ended())
    unread = events.LateEffect(at=2.5, scenario="one", entry={**ENTRY, "at": 1.5})
    assert verdicts.late(unread) is None
    verdicts.explain()
    assert capsys.readouterr().err == ""
    assert told.statuses == ["passed"]
    assert list(record.read(path))[-1] == unread, "the report has it all the same"


def test_what_breaks_a_claim_does_so_whenever_it_came(verdicts, told, path):
    add(verdicts, path, ended())
    unread = events.LateEffect(at=2.5, scenario="one", entry={**ENTRY, "at": 1.5}, breaks=True)
    assert verdicts.late(unread) == Fallen("item", WHY)
    assert told.statuses == ["passed", "failed"]


def test_many_are_counted(verdicts, path, capsys):
    add(verdicts, path, ended())
    for _ in range(9):
        verdicts.late(LATE)
    verdicts.explain()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "9 effects came late, after the end of the scenario:"
    assert lines[-1] == "  and 4 more (the report shows them)"
    assert len(lines) == 7

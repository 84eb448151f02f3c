"""A scenario's file as one record."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.reports import stories
from tests.reports.conftest import START, Worker

from avow.core import events
from avow.core.entries import Entry
from avow.reports import record


def test_every_event_is_in_its_place(worker):
    path, _ = stories.failed_payment(worker)

    found = record.read(path)

    assert found.status == "failed"
    assert [step.status for step in found.steps] == [
        "passed",
        "passed",
        "passed",
        "failed",
        "skipped",
    ]
    assert found.steps[2].title == 'When I send "POST /orders/o-18/payment" to "shop":'
    assert [type(part) for part in found.steps[0].parts] == [Entry, record.SubStep]
    assert found.steps[0].parts[1].title == "choose a currency"
    assert [entry.kind for entry in found.steps[2].entries] == ["http.exchange", "stub.call"]
    assert [claim.entry for claim in found.steps[3].claims] == [40, 2]
    assert found.failing_step is found.steps[3]
    assert found.steps[4].started is None
    assert [entry.id for entry in found.entries] == list(range(1, 41))


def test_sub_steps_nest_and_hold_what_happened_in_them(worker):
    it = worker().begin("When user code works")
    it.start(0)
    it.event(events.SubStepStarted(at=it.clock, uuid="outer", title="outer"))
    it.event(events.SubStepStarted(at=it.clock, uuid="inner", title="inner"))
    it.exchange("GET", "/inside")
    it.event(events.Attached(at=it.clock, name="note", file="n.txt", mime="text/plain", step=0))
    it.event(events.SubStepFinished(at=it.clock, uuid="inner"))
    it.event(events.SubStepFinished(at=it.clock, uuid="outer"))
    it.end()
    it.finish()

    (outer,) = record.read(it.path).steps[0].parts

    (inner,) = outer.parts
    assert [type(part) for part in inner.parts] == [Entry, events.Attached]
    assert record.read(it.path).steps[0].entries[0].summary == "GET /inside -> 200 OK"


def test_a_sub_step_that_never_ended_ends_with_its_step(worker):
    it = worker().begin("When user code forgets", "Then nothing leaks")
    it.start(0)
    it.event(events.SubStepStarted(at=it.clock, uuid="open", title="open"))
    it.pass_time(1).end()
    it.start(1).exchange("GET", "/later")
    it.end()
    it.finish()

    found = record.read(it.path)

    assert found.steps[0].parts[0].title == "open"
    assert found.steps[1].entries[0].summary == "GET /later -> 200 OK"


def test_a_file_without_its_end_is_broken_in_the_step_that_was_running(worker):
    found = record.read(stories.killed(worker))

    assert not found.is_complete
    assert found.status == "broken"
    assert found.trouble.message == (
        "The worker ended in step 2, 'When it ends' (features/payments/pay.feature:14), "
        "before the scenario did.\n"
        "Its record stops there: the process was killed, crashed or ran out of memory."
    )
    assert found.failing_step.index == 1
    assert found.failing_step.trouble == found.trouble
    assert found.steps[2].status == "skipped"
    assert found.steps[1].entries[0].summary == "POST /kill -> None "


@pytest.mark.parametrize(
    ("done", "message"),
    [
        (0, "The worker ended before the first step, before the scenario did."),
        (1, "The worker ended after step 1, 'Given a world', before the scenario did."),
    ],
)
def test_a_file_that_ends_between_steps_says_after_which(worker, done, message):
    it = worker().begin("Given a world", "When it ends")
    for index in range(done):
        it.start(index).end()

    assert record.read(it.path).trouble.message == message


def test_the_coordinators_verdict_goes_before_the_files(worker):
    path = stories.killed(worker)
    told = events.ScenarioFinished(
        at=START + 3,
        scenario="dies",
        status="broken",
        seconds=3.0,
        trouble=events.Trouble("broken", "killed by signal 9"),
    )

    found = record.read(path, told)

    assert found.trouble.message == "killed by signal 9"
    assert found.failing_step.trouble.message == "killed by signal 9"
    assert found.failing_step.seconds == pytest.approx(2.988)


def test_a_missing_file_still_gives_a_record_when_the_verdict_is_known(tmp_path):
    told = events.ScenarioFinished(at=START, scenario="gone", status="broken", seconds=1.0)

    found = record.read(tmp_path / "none.jsonl", told)

    assert (found.scenario.name, found.status, found.steps) == ("gone", "broken", [])


def test_an_empty_file_without_a_verdict_cannot_be_read(tmp_path):
    path = tmp_path / "empty.jsonl"
    path.write_bytes(b"")

    with pytest.raises(record.UnreadableScenario) as raised:
        record.read(path)

    assert str(raised.value) == (
        f"{path} does not say which scenario it is about\n"
        "  Its worker ended before the first line was written, or the disk is full."
    )


def test_a_missing_file_without_a_verdict_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        record.read(tmp_path / "none.jsonl")


def test_a_hook_that_failed_is_never_green(worker):
    it = worker().begin("Given a world")
    it.start(0).end()
    trouble = events.Trouble("broken", "KeyError: 'cart'")
    it.event(events.HookFailed(at=it.clock, hook="after_scenario", phase="after", trouble=trouble))
    it.finish("passed")

    found = record.read(it.path)

    assert (found.status, found.trouble.message) == ("broken", "KeyError: 'cart'")


def test_late_effects_are_known_once_whoever_tells_them(worker):
    it = worker().begin("Given a world")
    it.start(0).end()
    it.finish()
    entry = Entry(9, "message.seen", "orders", "effect", -1, 5001.0, 5001.0, START + 1, "late")
    late = events.LateEffect(at=START + 1, scenario="x", entry=entry.to_plain())
    with Path(it.path).open("ab") as file:
        file.write(events.encode(late) + b"\n")

    assert record.read(it.path, late=[late]).late == [entry]


def test_what_happened_outside_of_steps_is_before_or_after_them(worker):
    it = worker().begin("Given a world")
    it.exchange("GET", "/before")
    it.start(0).end()
    it.exchange("GET", "/after")
    it.finish()

    found = record.read(it.path)

    assert [entry.summary for entry in found.before] == ["GET /before -> 200 OK"]
    assert [entry.summary for entry in found.after] == ["GET /after -> 200 OK"]


def test_the_offset_is_on_the_monotonic_clock_where_there_is_one(worker, tmp_path):
    it = worker().begin("Given a world")
    it.start(0).pass_time(0.25).exchange("GET", "/")
    it.end()
    it.finish()
    bare = Worker(tmp_path / "bare.jsonl").begin("Given a world", monotonic=0.0)
    bare.start(0).pass_time(0.5).exchange("GET", "/")

    assert record.read(it.path).offset(record.read(it.path).entries[0]) == pytest.approx(0.25)
    read = record.read(bare.path)
    assert read.offset(read.entries[0]) == pytest.approx(0.5)


def test_a_verdict_that_was_flipped_is_the_one_that_counts(worker):
    path, own = stories.passed_payment(worker)
    trouble = events.Trouble("failed", "a message came after the end")
    flipped = msgspec.structs.replace(own, status="failed", trouble=trouble)

    found = record.read(path, flipped)

    assert (found.status, found.trouble.message) == ("failed", "a message came after the end")

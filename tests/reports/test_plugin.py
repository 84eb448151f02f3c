"""The coordinator's side: events and scenario files in, all reports out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.reports import stories
from tests.reports.conftest import START, Worker

from avow import plugins
from avow.config.values import Reports as ReportSettings
from avow.core import events
from avow.core.entries import Body, Entry
from avow.core.secrets import Redactor, Secret
from avow.reports import plugin, summary
from avow.reports.run_record import RunRecord

RUN = events.RunStarted(at=START, run="run-1", suite="shop", root=".", seed=99)


@pytest.fixture
def reports(tmp_path) -> plugin.Reports:
    made = plugin.Reports(ReportSettings(results="reports/allure-results"), tmp_path)
    made.avow_event(RUN)
    return made


def finished(code: int = 0, **more) -> events.RunFinished:
    fields = {"seconds": 9.0} | more
    return events.RunFinished(at=START + 9, run="run-1", exit_code=code, **fields)


def end(reports: plugin.Reports, code: int = 0, **more) -> dict:
    event = finished(code, **more)
    reports.avow_event(event)
    reports.avow_run_finished(event)
    return json.loads((reports.results.parent / "run.json").read_bytes())


def results(reports: plugin.Reports) -> dict[str, dict]:
    found = [json.loads(path.read_bytes()) for path in reports.results.glob("*-result.json")]
    return {one["name"]: one for one in found}


def test_it_registers_itself_through_the_same_door_as_any_plug_in(tmp_path):
    class Settings:
        root = str(tmp_path)
        profile = "ci"
        reports = ReportSettings()

    manager = plugins.new_manager(entry_points=False)
    manager.hook.avow_run_configured(settings=Settings, manager=manager)
    manager.hook.avow_run_configured(settings=Settings, manager=manager)

    found = manager.get_plugin("avow.reports")
    assert found.results == tmp_path / "reports" / "allure-results"


def test_a_run_leaves_results_a_record_and_a_summary(worker, reports):
    for make in (stories.passed_payment, stories.failed_payment):
        path, event = make(worker)
        reports.avow_scenario_recorded(path, event)

    told = end(reports, 1, reasons=["1 scenario failed"], counts={"passed": 1, "failed": 1})

    assert set(results(reports)) == {
        "Paying for an order",
        "A declined card is told to the customer",
    }
    assert told["exit_code"] == 1
    assert told["counts"] == {"passed": 1, "failed": 1}
    assert told["failures"] == [
        {
            "id": "features/payments/pay.feature#A declined card",
            "name": "A declined card is told to the customer",
            "place": "features/payments/pay.feature:12",
            "status": "failed",
            "message": "the order is not declined within 2 seconds\n"
            "  wanted  status: declined\n"
            "  seen    status: payment_pending\n"
            "It looked 37 times; the row never changed.",
        }
    ]
    assert [one["name"] for one in told["slowest"]] == [
        "A declined card is told to the customer",
        "Paying for an order",
    ]
    assert reports.summary() == (
        "Not green:\n"
        "  failed    features/payments/pay.feature:12: A declined card is told to the customer\n"
        "            the order is not declined within 2 seconds\n"
        "\n"
        "2 scenarios: 1 passed, 1 failed in 9.0 s, seed 99\n"
        "Exit code 1: 1 scenario failed\n"
        f"Allure results: {reports.results}  (avow report --open)\n"
    )


def test_run_jsonl_is_written_as_it_happens_and_holds_no_bodies(worker, reports):
    lines = reports.results.parent / "run.jsonl"
    assert [json.loads(line)["event"] for line in lines.read_text().splitlines()] == ["run.started"]

    path, event = stories.failed_payment(worker)
    reports.avow_event(events.StepStarted(at=START, index=0, text="not the run's business"))
    reports.avow_scenario_recorded(path, event)

    told = lines.read_text().splitlines()
    assert [json.loads(line)["event"] for line in told] == ["run.started", "scenario.finished"]
    assert "4000000000000002" not in lines.read_text()
    assert "provider said 404" not in lines.read_text()


def test_a_later_verdict_on_a_scenario_replaces_the_first(worker, reports):
    path, event = stories.failed_payment(worker)
    reports.avow_scenario_recorded(path, event)
    it = worker("again.jsonl", id=event.scenario, name="A declined card").begin(
        "Given a world", attempt=2
    )
    it.start(0).end()
    reports.avow_scenario_recorded(it.path, it.finish())

    told = end(reports)

    assert told["counts"] == {"passed": 1}
    assert told["failures"] == []
    assert len(list(reports.results.glob("*-result.json"))) == 2


def test_a_late_effect_rewrites_the_scenario_that_owned_the_stack(worker, reports):
    path, event = stories.passed_payment(worker)
    reports.avow_scenario_recorded(path, event)
    entry = Entry(99, "message.seen", "orders", "effect", -1, 5002.0, 5002.0, START + 2, "again")
    late = events.LateEffect(at=START + 2, scenario=event.scenario, entry=entry.to_plain())
    reports.avow_event(late)

    told = end(reports)

    (result,) = results(reports).values()
    assert result["steps"][-1]["name"] == "1 effect arrived after the scenario's end"
    assert (told["late_effects"], told["counts"]) == (1, {"passed": 1})
    assert "1 effect arrived after the end of a scenario." in reports.summary()


def test_a_killed_worker_is_in_the_report(worker, reports):
    path = stories.killed(worker)
    event = events.ScenarioFinished(
        at=START + 1,
        scenario="dies",
        status="broken",
        seconds=1.0,
        trouble=events.Trouble("broken", "killed by signal 9 (SIGKILL)"),
    )
    reports.avow_scenario_recorded(path, event)

    assert results(reports)["The worker dies"]["statusDetails"]["message"] == (
        "killed by signal 9 (SIGKILL)"
    )


def test_attachments_and_trouble_of_the_run_are_shown(reports):
    reports.avow_event(events.Attached(at=START, name="n", file="f", mime="text/plain", step=-2))
    reports.avow_event(events.Attached(at=START, name="m", file="g", mime="text/plain", step=1))
    trouble = events.Trouble("broken", "no licence")
    reports.avow_event(events.RunTrouble(at=START, where="before_all", trouble=trouble))

    (path,) = reports.results.glob("*-globals.json")
    told = json.loads(path.read_bytes())
    assert [one["name"] for one in told["attachments"]] == ["n"]
    assert [one["message"] for one in told["errors"]] == ["before_all: no licence"]
    assert reports.summary().startswith("before_all: no licence\n")


def test_missing_evidence_is_a_problem_and_no_result(reports):
    trouble = events.Trouble("broken", "attachment 'log' is not in the report: disk full")
    reports.avow_event(events.RunTrouble(at=START, where="evidence", trouble=trouble))

    assert reports.problems == ["attachment 'log' is not in the report: disk full"]
    assert results(reports) == {}
    assert "report: attachment 'log' is not in the report: disk full" in reports.summary()


def test_a_file_that_cannot_be_read_is_told_and_raises_nothing(reports, tmp_path):
    path = tmp_path / "scenario-7.jsonl"
    path.mkdir()
    event = events.ScenarioFinished(at=START, scenario="x", status="passed", seconds=1.0)

    reports.avow_scenario_recorded(path, event)

    assert results(reports)["x"]["status"] == "passed"


def test_nothing_can_be_written_and_nothing_is_raised(worker, tmp_path):
    (tmp_path / "reports").write_text("in the way")
    reports = plugin.Reports(ReportSettings(), tmp_path)
    reports.avow_event(RUN)
    reports.avow_scenario_recorded(*stories.passed_payment(worker))
    reports.avow_run_finished(finished())

    assert any(one.endswith("could not be written: Not a directory") for one in reports.problems)
    assert f"report: {reports.problems[0]}" in reports.summary()


def test_a_run_that_was_cut_off_says_so(tmp_path):
    record = RunRecord(tmp_path)
    record.take(RUN)
    record.close()

    told = json.loads((tmp_path / "run.json").read_bytes())
    assert (told["exit_code"], told["reasons"]) == (None, ["the run did not end by itself"])


def test_a_summary_of_nothing_and_of_very_much(worker, tmp_path):
    record = RunRecord(tmp_path)
    assert summary.text(record) == "0 scenarios: none ran\n"

    place = events.Place("a.feature", 1)
    for number in range(250):
        info = events.ScenarioInfo(f"id-{number}", f"scenario {number}", place, "F")
        event = events.ScenarioFinished(at=0.0, scenario=info.id, status="failed", seconds=1.0)
        record.verdict(event, info)

    text = summary.text(record)
    assert "  ... and 220 more in the report" in text
    assert text.endswith("250 scenarios: 250 failed\n")
    record.close()
    told = json.loads((tmp_path / "run.json").read_bytes())
    assert (len(told["failures"]), told["failures_not_listed"], len(told["slowest"])) == (
        200,
        50,
        10,
    )


def test_no_secret_is_in_any_file(tmp_path):
    secret = "hunter2-hunter2"
    redactor = Redactor(b"k" * 16)
    redactor.add(Secret("TOKEN", secret))
    it = Worker(tmp_path / "scenario.jsonl", redactor, name=f"Paying with {secret}")
    it.begin("When it is sent", "Then it is refused")
    it.start(0, f"it is sent with {secret}")
    it.exchange("POST", f"/?token={secret}", 200, "OK", {"token": secret}, {"again": secret})
    it.act("message.sent", "orders", "sent", bodies={"value": Body.of(f"Basic {secret}")})
    it.end()
    it.start(1).end("failed", f"{secret} was accepted", f"trace {secret}", f"out {secret}")
    event = it.finish("failed", output=f"printed {secret}")
    reports = plugin.Reports(ReportSettings(results="reports/results"), tmp_path)
    reports.avow_event(RUN)
    redacted = events.decode(redactor.raw(events.encode(event)))
    reports.avow_scenario_recorded(it.path, redacted)
    end(reports, 1, counts={"failed": 1})

    files = [path for path in Path(tmp_path).rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if redactor.finds_in(path.read_bytes())] == []

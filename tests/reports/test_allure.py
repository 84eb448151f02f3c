"""Allure results: allure-behave's conventions, and the truth where it does not tell it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import allure_commons.model2 as model2
import attr
import pytest
from tests.reports import stories
from tests.reports.conftest import START

from avow.core import events
from avow.core.entries import Entry
from avow.reports import record
from avow.reports.allure import AllureResults, model
from avow.reports.allure.files import Directory
from avow.reports.allure.labels import Marks
from avow.reports.allure.run_files import CATEGORIES, executor
from avow.reports.allure.traces import without_machinery

RUN = events.RunStarted(
    at=START,
    run="run-1",
    suite="shop",
    root=".",
    profile="ci",
    seed=99,
    command=["behave", "-t", "payments"],
    services={"db": "postgres, embedded"},
    environment={"commit": "abc"},
)


@pytest.fixture
def results(tmp_path) -> AllureResults:
    made = AllureResults(tmp_path / "results", links={"issue": "https://bugs.example/{}"})
    made.start(events.RunStarted(at=START, run="run-1", suite="shop", root="."), {})
    return made


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "results"


def written(folder: Path, pattern: str = "*-result.json") -> list[dict]:
    return [json.loads(path.read_bytes()) for path in sorted(folder.glob(pattern))]


def one(results: AllureResults, folder: Path, path: Path) -> dict:
    assert results.scenario(record.read(path)) == []
    (found,) = written(folder)
    return found


def labels(result: dict, name: str) -> list[str]:
    return [label["value"] for label in result["labels"] if label["name"] == name]


# -- the model


@pytest.mark.parametrize(
    "name",
    [
        "StatusDetails",
        "GlobalError",
        "Attachment",
        "GlobalAttachment",
        "Parameter",
        "Label",
        "Link",
        "TestStepResult",
        "TestBeforeResult",
        "TestAfterResult",
        "TestResult",
        "TestResultContainer",
        "Globals",
    ],
)
def test_fields_are_those_of_allure_commons(name):
    theirs = {field.name for field in attr.fields(getattr(model2, name))}

    assert set(getattr(model, name).__struct_fields__) == theirs


# -- a scenario


def test_a_failed_scenario_says_first_what_is_wrong_then_what_was_seen(worker, results, folder):
    path, _ = stories.failed_payment(worker)

    result = one(results, folder, path)

    assert result["status"] == "failed"
    assert result["statusDetails"]["message"].splitlines() == [
        "the order is not declined within 2 seconds",
        "  wanted  status: declined",
        "  seen    status: payment_pending",
        "It looked 37 times; the row never changed.",
    ]
    assert result["statusDetails"]["trace"] == (
        "In step 4, 'Then within 2 seconds the order is \"declined\"' "
        "(features/payments/pay.feature:16).\n"
        "\n"
        "Seen last:\n"
        "  -> shop: POST /orders/o-18/payment -> 502 Bad Gateway\n"
        "  <- stripe: POST /v1/charges, no route matched, answered 404\n"
        "  ? db: 1 row of orders: status is payment_pending (looked 37 times in 1.9 s)\n"
        "\n"
        "Traceback (most recent call last):\n"
        '  File "steps/payments.py", line 31, in order_is\n'
        "    check(row)\n"
    )


def test_a_scenario_is_placed_and_labelled(worker, results, folder):
    path, _ = stories.failed_payment(worker)

    result = one(results, folder, path)

    assert result["name"] == "A declined card is told to the customer"
    assert result["fullName"] == (
        "features/payments/pay.feature: A declined card is told to the customer"
    )
    assert result["titlePath"] == ["features", "payments", "Payments", "Nobody pays twice"]
    assert labels(result, "severity") == ["critical"]
    assert labels(result, "tag") == ["payments", "cards"]
    assert labels(result, "epic") == ["Shop"]
    assert labels(result, "owner") == ["payments team"]
    assert labels(result, "feature") == ["Payments"]
    assert labels(result, "parentSuite") == ["features/payments"]
    assert labels(result, "suite") == ["Payments"]
    assert labels(result, "subSuite") == ["Nobody pays twice"]
    assert labels(result, "package") == ["features.payments"]
    assert labels(result, "host") == ["node-7"]
    assert labels(result, "thread") == ["worker-1"]
    assert labels(result, "framework") == ["behave"]
    assert labels(result, "language") == ["cpython3"]
    assert result["links"] == [
        {"type": "issue", "url": "https://bugs.example/SHOP-12", "name": "SHOP-12"}
    ]
    assert result["description"] == (
        "The customer reads why, in words of the bank.\n\n"
        "Customers get what they paid for, and are never charged twice."
    )
    assert result["parameters"] == [{"name": "seed", "value": "99", "excluded": True}]
    assert result["stop"] - result["start"] == 2026


def test_the_failing_step_opens_to_what_it_is_about(worker, results, folder):
    path, _ = stories.failed_payment(worker)

    result = one(results, folder, path)

    failing = result["steps"][3]
    assert failing["status"] == "failed"
    assert [(step["name"], step["attachments"][0]["type"]) for step in failing["steps"]] == [
        (
            "-> shop: POST /orders/o-18/payment -> 502 Bad Gateway",
            "application/vnd.allure.http+json",
        ),
        (
            "<- stripe: POST /v1/charges, no route matched, answered 404",
            "application/vnd.allure.http+json",
        ),
        (
            "? db: 1 row of orders: status is payment_pending (looked 37 times in 1.9 s)",
            "text/plain",
        ),
    ]
    # Only so does Allure 3 draw the attachment in the place of its step.
    assert all(step["attachments"][0]["name"] == step["name"] for step in failing["steps"])
    assert [attached["name"] for attached in failing["attachments"]] == ["captured output"]
    assert result["steps"][4] == {"name": "Then nothing else happened", "status": "skipped"}
    assert [attached["name"] for attached in result["attachments"]] == [
        "timeline and evidence",
        "captured output",
    ]


def test_nothing_else_happened_opens_to_the_effects_that_nobody_claimed(worker, results, folder):
    it = worker().begin("When it acts", "Then one message is seen", "Then nothing else happened")
    it.start(0).exchange("POST", "/act")
    it.end()
    it.start(1)
    it.ledger.claim(it.effect("message.seen", "orders", "wanted"))
    it.effect("message.seen", "orders", "unasked")
    it.end()
    it.start(2).end("failed", "1 thing happened that no step speaks of")
    it.finish("failed")

    result = one(results, folder, it.path)

    assert [step["name"] for step in result["steps"][2]["steps"]] == ["<- orders: unasked"]


def test_every_attachment_is_there_and_named_once(worker, results, folder):
    for make in (stories.passed_payment, stories.failed_payment, stories.strange_bodies):
        results.scenario(record.read(make(worker)[0]))

    named = []

    def walk(item):
        named.extend(attached["source"] for attached in item.get("attachments", ()))
        for step in item.get("steps", ()):
            walk(step)

    for result in written(folder):
        walk(result)
    # Allure 3 shows the second mention of a file as missing.
    assert sorted(named) == sorted({path.name for path in folder.glob("*-attachment.*")})


def test_documents_and_tables_of_steps_are_shown(worker, results, folder):
    path, _ = stories.failed_payment(worker)

    result = one(results, folder, path)

    (table,) = result["steps"][1]["attachments"]
    assert (table["name"], table["type"]) == ("table", "text/plain")
    assert (folder / table["source"]).read_text() == (
        "| item        | count | note     |\n"
        "|-------------|-------|----------|\n"
        "| espresso ☕ | 2     | no sugar |\n"
        "| cake        | 1     |          |"
    )
    (document,) = result["steps"][2]["attachments"]
    assert (document["name"], document["type"]) == ("document", "application/json")
    assert document["source"].endswith(".json")


def test_sub_steps_of_user_code_stand_beside_entries(worker, results, folder):
    path, _ = stories.failed_payment(worker)

    first = one(results, folder, path)["steps"][0]

    assert [step["name"] for step in first["steps"]] == [
        "-> shop: POST /orders -> 201 Created",
        "choose a currency",
    ]
    assert first["steps"][1]["parameters"] == [{"name": "currency", "value": "EUR"}]


def test_a_passed_scenario_has_one_attachment(worker, results, folder):
    path, _ = stories.passed_payment(worker)

    result = one(results, folder, path)

    assert result["status"] == "passed"
    assert "statusDetails" not in result
    assert [attached["name"] for attached in result["attachments"]] == ["timeline and evidence"]
    assert len(list(folder.glob("*-attachment.*"))) == 1


def test_evidence_of_passed_scenarios_can_be_left_out(worker, tmp_path):
    results = AllureResults(tmp_path / "results", passed_evidence=False)
    results.start(RUN, {})
    results.scenario(record.read(stories.passed_payment(worker)[0]))
    results.scenario(record.read(stories.failed_payment(worker)[0]))

    by_name = {result["name"]: result for result in written(tmp_path / "results")}

    assert "attachments" not in by_name["Paying for an order"]
    assert by_name["A declined card is told to the customer"]["attachments"]


def test_a_killed_worker_leaves_a_broken_result_in_the_step_it_was_in(worker, results, folder):
    result = one(results, folder, stories.killed(worker))

    assert result["status"] == "broken"
    assert result["statusDetails"]["message"].startswith("The worker ended in step 2,")
    assert [step["status"] for step in result["steps"]] == ["passed", "broken", "skipped"]
    assert result["steps"][1]["steps"][0]["name"] == "-> shop: POST /kill -> None"


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_hook_that_failed_is_broken_and_shown_where_it_belongs(worker, results, folder, phase):
    it = worker().begin("Given a world")
    it.start(0).end()
    trouble = events.Trouble("broken", "KeyError: 'cart'", '  File "environment.py", line 3')
    hook = f"{phase}_scenario"
    it.event(events.HookFailed(at=it.clock, hook=hook, phase=phase, trouble=trouble))
    it.finish("broken", trouble=trouble)

    result = one(results, folder, it.path)

    (container,) = written(folder, "*-container.json")
    assert result["status"] == "broken"
    assert container["children"] == [result["uuid"]]
    (shown,) = container[f"{phase}s"]
    assert (shown["name"], shown["status"]) == (hook, "broken")
    assert shown["statusDetails"] == {
        "message": "KeyError: 'cart'",
        "trace": '  File "environment.py", line 3',
    }


def test_what_hooks_did_is_shown_as_set_up_and_clean_up(worker, results, folder):
    it = worker().begin("Given a world")
    it.exchange("POST", "/reset")
    it.start(0).end()
    it.event(events.Attached(at=it.clock, name="dump", file="d-attachment.txt", mime="text/plain"))
    it.finish()

    one(results, folder, it.path)

    (container,) = written(folder, "*-container.json")
    assert container["befores"][0]["steps"][0]["name"] == "-> shop: POST /reset -> 200 OK"
    assert container["afters"][0]["steps"][0]["attachments"] == [
        {"name": "dump", "source": "d-attachment.txt", "type": "text/plain"}
    ]


def test_twins_rows_profiles_and_attempts_are_told_apart(worker, tmp_path):
    seen = set()
    for profile in ("", "staging"):
        results = AllureResults(tmp_path / profile / "results", profile=profile)
        results.start(events.RunStarted(at=0.0, run="r", suite="s", root="."), {})
        for number, info in enumerate(
            [{"id": "a#1"}, {"id": "a#2"}, {"id": "a#3", "row": {"card": "visa"}}]
        ):
            path, _ = stories.passed_payment(worker, number, **info)
            results.scenario(record.read(path))
        found = written(tmp_path / profile / "results")
        assert len(found) == 3
        seen |= {(one["historyId"], one["testCaseId"]) for one in found}
    assert len(seen) == 6


def test_a_retry_is_the_same_case_and_another_result(worker, results, folder):
    for attempt in (1, 2):
        it = worker(f"attempt-{attempt}.jsonl").begin("Given a world", attempt=attempt)
        it.start(0).end()
        it.finish()
        results.scenario(record.read(it.path))

    first, second = written(folder)

    assert first["historyId"] == second["historyId"]
    assert first["testCaseId"] == second["testCaseId"]
    assert first["uuid"] != second["uuid"]
    shown = [parameter for one in (first, second) for parameter in one["parameters"]]
    assert {"name": "attempt", "value": "2", "excluded": True} in shown


def test_writing_a_scenario_again_replaces_it(worker, results, folder):
    path, _ = stories.failed_payment(worker)
    results.scenario(record.read(path))
    before = sorted(os.listdir(folder))
    results.scenario(record.read(path))

    assert sorted(os.listdir(folder)) == before


def test_the_row_of_an_outline_is_its_parameters(worker, results, folder):
    path, _ = stories.passed_payment(worker, row={"card": "visa", "amount": "12"})

    parameters = one(results, folder, path)["parameters"]

    assert parameters[:2] == [
        {"name": "card", "value": "visa"},
        {"name": "amount", "value": "12"},
    ]


def test_late_effects_are_shown_and_are_nobodys_green(worker, results, folder):
    path, _ = stories.passed_payment(worker)
    late = Entry(99, "message.seen", "orders", "effect", -1, 5002.0, 5002.0, START + 2, "again")
    event = events.LateEffect(at=START + 2, scenario="x", entry=late.to_plain())
    results.scenario(record.read(path, late=[event]))

    (result,) = written(folder)

    last = result["steps"][-1]
    assert (last["name"], last["status"]) == (
        "1 effect arrived after the scenario's end",
        "unknown",
    )
    assert last["steps"][0]["name"] == "<- orders: again"
    text = (folder / result["attachments"][0]["source"]).read_text()
    assert "AFTER THE END (late)" in text


def test_what_came_while_steps_ran_and_none_of_them_looked_at_is_not_late(worker, results, folder):
    path, _ = stories.passed_payment(worker)
    came = Entry(99, "message.seen", "orders", "effect", -1, 5000.001, 5000.001, START, "paid")
    event = events.LateEffect(at=START + 2, scenario="x", entry=came.to_plain())
    results.scenario(record.read(path, late=[event]))

    (result,) = written(folder)

    last = result["steps"][-1]
    assert (last["name"], last["status"]) == ("1 effect came that no step looked at", "passed")
    assert last["steps"][0]["name"] == "<- orders: paid"
    text = (folder / result["attachments"][0]["source"]).read_text()
    assert "paid" in text.partition("The scenario ended")[0]
    assert "NO STEP LOOKED AT THIS" in text
    assert "LATE" not in text


def test_what_user_code_says_through_dynamic_is_heard(worker, results, folder):
    it = worker(tags=["normal"]).begin("Given a world")
    it.start(0)
    for what, name, value in (
        ("title", "", "Another name"),
        ("description", "", "Why it matters"),
        ("label", "severity", "blocker"),
        ("label", "story", "Refunds"),
        ("link:issue", "the bug", "SHOP-9"),
        ("link:tms", "", "https://tms.example/T-1"),
        ("parameter", "card", "visa"),
        ("parameter:masked", "pin", "******"),
    ):
        it.event(events.Labelled(at=it.clock, what=what, name=name, value=value))
    it.end()
    it.finish()

    result = one(results, folder, it.path)

    assert (result["name"], result["description"]) == ("Another name", "Why it matters")
    assert labels(result, "severity") == ["blocker"]
    assert labels(result, "story") == ["Refunds"]
    assert result["links"] == [
        {"type": "issue", "url": "https://bugs.example/SHOP-9", "name": "the bug"},
        {"type": "tms", "url": "https://tms.example/T-1", "name": "https://tms.example/T-1"},
    ]
    assert {"name": "card", "value": "visa"} in result["parameters"]
    assert {"name": "pin", "value": "******", "mode": "masked"} in result["parameters"]


def test_undefined_steps_are_broken_and_skipped_ones_skipped(worker, results, folder):
    it = worker().begin("Given a world", "When nobody wrote this")
    it.start(0).end()
    it.start(1).end("undefined", 'No phrase says "nobody wrote this".')
    it.finish("undefined")

    result = one(results, folder, it.path)

    assert result["status"] == "broken"
    assert result["statusDetails"]["message"] == 'No phrase says "nobody wrote this".'


BEHAVES = "----\nCAPTURED STDERR: step\nASSERT FAILED: not so\n----\n"


@pytest.mark.parametrize(
    ("output", "shown"),
    [(BEHAVES, False), (BEHAVES + "and a word\n", True), ("", False), ("printed", True)],
)
def test_output_that_only_repeats_the_message_is_not_attached(
    worker, results, folder, output, shown
):
    it = worker().begin("Given a world")
    it.start(0).end("failed", "not so", output=output)
    it.finish("failed", output=output, trouble=events.Trouble("failed", "not so"))

    result = one(results, folder, it.path)

    for attached in (result["steps"][0].get("attachments", []), result["attachments"]):
        assert ("captured output" in [one["name"] for one in attached]) is shown


@pytest.mark.parametrize(
    ("message", "category"),
    [
        ("db did not come up in 20 s", "Environment: a service or its host"),
        (
            'the worker was ended by SIGKILL in step "When it dies" (a.feature:3)',
            "Ended from outside: killed, crashed or out of time",
        ),
        (
            "in step 2\ntook longer than [timeouts] step = 30 s and was stopped",
            "Ended from outside: killed, crashed or out of time",
        ),
        ("no phrase says: When it is", "Not written yet: no phrase says this step"),
        ("KeyError: 'cart'", "Suite problems: the test itself is wrong"),
    ],
)
def test_broken_results_fall_into_categories_by_who_has_to_act(message, category):
    for rule in CATEGORIES:
        # As Allure 2 asks: the whole message has to match.
        if "broken" in rule["matchedStatuses"] and re.fullmatch(
            rule.get("messageRegex", r"[\s\S]*"), message
        ):
            assert rule["name"] == category
            break


# -- labels and traces


@pytest.mark.parametrize(
    ("tag", "label"),
    [
        ("blocker", ("severity", "blocker")),
        ("slow", ("tag", "slow")),
        ("allure.story=Refunds", ("story", "Refunds")),
        ("allure.suite:Cards", ("suite", "Cards")),
        ("allure.label.layer:e2e", ("layer", "e2e")),
        ("allure.id:77", ("as_id", "77")),
        ("allure.unknown:1", ("tag", "allure.unknown:1")),
        ("allurement", ("tag", "allurement")),
        ("allure.link:javascript:alert(1)", ("tag", "link:javascript:alert(1)")),
    ],
)
def test_tags_are_labels_by_allure_behaves_conventions(tag, label):
    marks = Marks({})
    marks.take([tag])

    assert [(found.name, found.value) for found in marks.labels] == [label]
    assert marks.links == []


@pytest.mark.parametrize(
    ("tag", "link"),
    [
        ("allure.issue:BUG-1", ("issue", "https://bugs/BUG-1", "BUG-1")),
        ("allure.tms:T-1", ("tms", "T-1", "T-1")),
        ("allure.link.docs:https://docs/x", ("link", "https://docs/x", "docs")),
        ("allure.issue:https://other/1", ("issue", "https://other/1", "https://other/1")),
        ("allure.issue:{0.__class__}", ("issue", "https://bugs/{0.__class__}", "{0.__class__}")),
    ],
)
def test_tags_are_links_by_the_suites_patterns(tag, link):
    marks = Marks({"issue": "https://bugs/{}"})
    marks.take([tag])

    assert [(found.type, found.url, found.name) for found in marks.links] == [link]


def test_the_scenarios_severity_goes_before_its_features():
    marks = Marks({})
    marks.label("severity", "normal")
    marks.take(["critical"])
    marks.take(["minor"])

    assert [label.value for label in marks.labels] == ["minor"]


TRACE = """\
Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/behave/model.py", line 1991, in run
    match.run(runner.context)
    ~~~~~~~~~^^^^^^^^^^^^^^^^
  File "/home/me/shop/steps/payments.py", line 31, in order_is
    assert_that(row, is_paid())
  File "/venv/lib/python3.11/site-packages/hamcrest/core/assert_that.py", line 58, in assert_that
    _assert_match(actual=arg1)
  File "/home/me/avow/src/avow/world/rows.py", line 3, in look
    raise KeyError
AssertionError: not paid

The above exception was the direct cause of the following exception:
"""


def test_frames_that_explain_nothing_are_left_out():
    assert without_machinery(TRACE) == (
        "Traceback (most recent call last):\n"
        '  File "/home/me/shop/steps/payments.py", line 31, in order_is\n'
        "    assert_that(row, is_paid())\n"
        "AssertionError: not paid\n"
        "\n"
        "The above exception was the direct cause of the following exception:\n"
    )


def test_a_trace_of_nothing_but_machinery_is_kept_whole():
    trace = '  File "/x/site-packages/behave/runner.py", line 1, in run\n    boom()\nKeyError'

    assert without_machinery(trace) == trace


def test_a_suites_own_files_are_never_machinery():
    trace = '  File "/home/me/behave/steps/x.py", line 1, in step\n    boom()\nKeyError'

    assert without_machinery(trace) == trace


# -- the run


def test_the_runs_facts_are_written(tmp_path):
    results = AllureResults(tmp_path, environment={"team": "Zahlungen & Ö"})

    assert results.start(RUN, {}) == []

    text = (tmp_path / "environment.properties").read_text("ascii")
    assert "suite=shop\nprofile=ci\nseed=99\ncommand=behave -t payments\n" in text
    assert "service.db=postgres, embedded\ncommit=abc\nteam=Zahlungen & \\u00d6\n" in text
    names = [one["name"] for one in json.loads((tmp_path / "categories.json").read_bytes())]
    assert names == [
        "Environment: a service or its host",
        "Ended from outside: killed, crashed or out of time",
        "Not written yet: no phrase says this step",
        "Product defects: the system did something else",
        "Suite problems: the test itself is wrong",
    ]
    assert not (tmp_path / "executor.json").exists()


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        (
            {
                "GITHUB_ACTIONS": "true",
                "GITHUB_REPOSITORY": "acme/shop",
                "GITHUB_RUN_ID": "9",
                "GITHUB_RUN_NUMBER": "12",
                "GITHUB_WORKFLOW": "ci",
                "GITHUB_TOKEN": "ghs_very_secret",
            },
            ("github", 12, "ci #12", "https://github.com/acme/shop/actions/runs/9"),
        ),
        (
            {
                "GITLAB_CI": "true",
                "CI_PIPELINE_IID": "7",
                "CI_JOB_NAME": "acceptance",
                "CI_JOB_URL": "https://gitlab.example/j/1",
                "CI_JOB_TOKEN": "glcbt-very_secret",
            },
            ("gitlab", 7, "acceptance #7", "https://gitlab.example/j/1"),
        ),
        (
            {
                "JENKINS_URL": "https://ci.example",
                "BUILD_NUMBER": "3",
                "JOB_NAME": "shop",
                "BUILD_URL": "javascript:alert(1)",
            },
            ("jenkins", 3, "shop #3", None),
        ),
    ],
)
def test_ci_is_recognised_and_its_secrets_stay(environ, wanted):
    found = executor(environ, RUN)

    told = (found["type"], found["buildOrder"], found["buildName"], found.get("buildUrl"))
    assert told == wanted
    assert "secret" not in json.dumps(found)


def test_only_allures_own_files_of_earlier_runs_are_removed(tmp_path):
    uuid = "0b0e3b2e-8f0c-4b43-9a51-111111111111"
    gone = [
        f"{uuid}-result.json",
        f"{uuid}-container.json",
        f"{uuid}-globals.json",
        f"{uuid}-attachment.txt",
        f"{uuid}-attachment",
        f"{uuid}-result.json.tmp",
        "executor.json",
    ]
    kept = ["notes.txt", "my-result.json", "history.jsonl", f"{uuid}-attachment.txt.bak"]
    for name in (*gone, *kept):
        (tmp_path / name).write_text("x")
    (tmp_path / "history").mkdir()
    (tmp_path / f"{uuid[:-1]}2-result.json").symlink_to(tmp_path / "notes.txt")

    AllureResults(tmp_path).start(RUN, {})

    assert sorted(os.listdir(tmp_path)) == sorted(
        [
            *kept,
            "history",
            f"{uuid[:-1]}2-result.json",
            "environment.properties",
            "categories.json",
        ]
    )


def test_trouble_outside_of_scenarios_is_a_global_error_and_a_result(results, folder):
    trouble = events.Trouble("broken", "RuntimeError: no licence", "Traceback")
    results.trouble(events.RunTrouble(at=START, where="before_all", trouble=trouble))
    results.trouble(events.RunTrouble(at=START, where="service db", trouble=trouble))

    (globals_,) = written(folder, "*-globals.json")
    assert [error["message"] for error in globals_["errors"]] == [
        "before_all: RuntimeError: no licence",
        "service db: RuntimeError: no licence",
    ]
    assert {(one["name"], one["status"]) for one in written(folder)} == {
        ("before_all (outside of any scenario)", "broken"),
        ("service db (outside of any scenario)", "broken"),
    }


def finished(code: int, **more) -> events.RunFinished:
    return events.RunFinished(at=START, run="run-1", exit_code=code, **more)


def test_a_run_that_ended_badly_without_a_bad_result_is_not_green(results, folder):
    results.finish(finished(5, reasons=["no scenario was selected"]))

    (result,) = written(folder)
    assert result["status"] == "broken"
    assert result["statusDetails"]["message"] == (
        "The run ended with exit code 5: no scenario was selected"
    )


@pytest.mark.parametrize(
    "end", [finished(0, counts={"passed": 3}), finished(1, counts={"failed": 1})]
)
def test_a_run_whose_results_say_it_all_adds_nothing(results, folder, end):
    results.finish(end)

    assert written(folder) == []


# -- when evidence cannot be written


def test_a_results_directory_that_cannot_be_is_told_and_raises_nothing(worker, tmp_path):
    (tmp_path / "file").write_text("in the way")
    results = AllureResults(tmp_path / "file" / "results")

    told = results.start(RUN, {})
    told_later = results.scenario(record.read(stories.passed_payment(worker)[0]))

    assert told[0] == f"{tmp_path}/file/results could not be written: Not a directory"
    assert any(
        "-result.json.tmp could not be written: Not a directory" in one for one in told_later
    )


def test_a_full_disk_leaves_no_half_file_and_is_told(tmp_path):
    # A limit of the file size is the full disk that a test can have for itself.
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from avow.reports.allure.files import Directory

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        directory = Directory(Path(sys.argv[1]))
        print(directory.write("a-attachment.txt", b"x" * 5000))
        print(directory.replace("a-result.json", b"x" * 5000))
        print(directory.replace("b-result.json", b"x" * 500))
        print("\\n".join(directory.take_problems()))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == [
        "False",
        "False",
        "True",
        f"{tmp_path}/a-attachment.txt could not be written: File too large",
        f"{tmp_path}/a-result.json.tmp could not be written: File too large",
    ]
    assert os.listdir(tmp_path) == ["b-result.json"]


def test_a_symlink_in_the_place_of_an_attachment_is_not_followed(tmp_path):
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / "x-attachment.txt").symlink_to(target)

    assert not Directory(tmp_path).write("x-attachment.txt", b"theirs")
    assert target.read_text() == "mine"


def test_evidence_that_cannot_be_built_costs_nothing_but_itself(
    worker, results, folder, monkeypatch
):
    def broken(*_):
        raise RuntimeError("a fault of the report")

    monkeypatch.setattr("avow.reports.evidence.document.text", broken)
    path, _ = stories.passed_payment(worker)

    told = results.scenario(record.read(path))

    assert told == [
        'evidence of "Paying for an order" is not whole: RuntimeError: a fault of the report'
    ]
    assert written(folder)[0]["status"] == "passed"

"""Every setting has the effect that it says."""

from __future__ import annotations

import json
import re

import pytest

MANY = """
    Feature: {name}
      Scenario: {name} one
        Given a number 1
      Rule: ruled
        Scenario: {name} two
          Given a number 2
        Scenario: {name} three
          Given a number 3
      Scenario Outline: {name} rows
        Given a number <n>
        Examples:
          | n |
          | 4 |
          | 5 |
"""

LOGGED = """
def before_feature(context, feature):
    print("FEATURE", feature.name)
def before_scenario(context, scenario):
    with open("order.txt", "a") as out:
        out.write(scenario.name + "\\n")
"""


def results(suite) -> dict[str, dict]:
    found = [
        json.loads(file.read_text())
        for file in (suite.root / "reports/allure-results").glob("*-result.json")
    ]
    return {each["name"]: each for each in found}


# -- order and seed


@pytest.fixture
def many(suite):
    for name in "abcdef":
        suite.feature(name, MANY.format(name=name))
    suite.write("environment.py", LOGGED)
    return suite


def order_of(suite, *options: str) -> tuple[list[str], str]:
    (suite.root / "order.txt").unlink(missing_ok=True)
    ran = suite.behave("-f", "progress", *options)
    assert ran.code == 0, ran.text
    return (suite.root / "order.txt").read_text().splitlines(), ran.out


def test_a_random_order_is_another_one_and_can_be_had_again(many):
    defined, out = order_of(many)
    assert "Order:" not in out
    first, out = order_of(many, "-D", "avow.order=random")
    assert sorted(first) == sorted(defined)
    assert first != defined
    seed = re.search(r"-D avow.seed=(\d+)\)", out)[1]
    again, _ = order_of(many, "-D", "avow.order=random", "-D", f"avow.seed={seed}")
    assert again == first
    in_place, _ = order_of(
        many, "-D", "avow.order=random", "-D", f"avow.seed={seed}", "-D", "avow.inline"
    )
    assert in_place == first


def test_in_a_random_order_features_stay_together_and_the_output_in_its_order(many):
    ran = many.behave("-D", "avow.order=random", "-D", "avow.seed=4", "-f", "plain")
    assert ran.code == 0, ran.text
    assert re.findall(r"^Feature: (\w)", ran.out, re.MULTILINE) == list("abcdef")
    assert sorted(re.findall(r"^FEATURE (\w)", ran.out, re.MULTILINE)) == list("abcdef")


# -- time


def test_a_run_past_its_time_is_stopped(suite):
    suite.write("avow.toml", '[timeouts]\nrun = "2s"\n')
    suite.feature(
        "a",
        """
        Feature: F
          Scenario: slow
            When it waits 60 s in here.txt
          Scenario: next
            Given a number 1
        """,
    )
    ran = suite.behave()
    assert ran.code == 1
    assert "the run took longer than [timeouts] run = 2s; stopping" in ran.err
    found = results(suite)
    assert found["slow"]["status"] == found["next"]["status"] == "broken"
    assert "not run: the run took longer than" in found["next"]["statusDetails"]["message"]


GUARDED = """
import time
from avow.gherkin import then
began = time.monotonic()

@then("the time has come")
def come(world):
    assert time.monotonic() - world.notes.setdefault("began", time.monotonic()) > 1.2
"""


def test_a_guard_extends_the_time_of_its_step_and_scenario(suite):
    suite.write("avow.toml", '[timeouts]\nstep = "500ms"\nscenario = "700ms"\n')
    suite.write("steps/more.py", GUARDED)
    suite.feature(
        "a",
        """
        Feature: F
          Scenario: s
            Then within 5 seconds the time has come
        """,
    )
    ran = suite.behave()
    assert ran.code == 0, ran.text


def test_a_step_that_outlasts_its_guard_is_stopped(suite):
    suite.write("avow.toml", '[timeouts]\nstep = "300ms"\ncall = "300ms"\n')
    suite.write(
        "steps/more.py",
        """
        import time
        from avow.gherkin import then

        @then("it never comes back")
        def never(world):
            time.sleep(300)
        """,
    )
    suite.feature(
        "a",
        """
        Feature: F
          Scenario: s
            Then within 1 second it never comes back
        """,
    )
    ran = suite.behave()
    assert ran.code == 1
    assert "took longer than [timeouts] step = 300ms and was stopped in step" in ran.text


# -- services


def test_a_service_of_scope_run_is_started_once_for_all(suite):
    suite.write(
        "service.py",
        """
        import sys, time
        from pathlib import Path
        with Path("started.txt").open("a") as out:
            out.write(" ".join(sys.argv[1:]) + "\\n")
        print("ready", flush=True)
        while True:
            time.sleep(1)
        """,
    )
    suite.write(
        "avow.toml",
        """
        [services.registry]
        kind = "process"
        scope = "run"
        command = ["python", "{root}/service.py", "registry", "{port}"]
        health = { log = "ready" }

        [services.shop]
        kind = "process"
        command = ["python", "{root}/service.py", "shop", "of", "{registry.port}"]
        health = { log = "ready" }
        """,
    )
    suite.write(
        "steps/more.py",
        """
        from avow.gherkin import then

        @then("the registry is known")
        def known(world):
            print(world.facts)
            assert world.facts["registry"]["port"].isdigit()
        """,
    )
    suite.feature("a", "Feature: F\n  Scenario: s\n    Then the registry is known\n")
    ran = suite.behave()
    assert ran.code == 0, ran.text
    registry, shop = (suite.root / "started.txt").read_text().splitlines()
    assert shop == f"shop of {registry.split()[1]}"
    logs = sorted(
        str(each.relative_to(each.parents[2]))
        for each in (suite.root / "reports/run").glob("*/services/*/*.log")
    )
    assert logs == ["services/slot-0/registry.log", "services/slot-1/shop.log"]


# -- reports

SEND = """
from avow.core.ledger import Observed
from avow.core.entries import Body
from avow.gherkin import when

@when("something large happens")
def large(world):
    body = Body(b"x" * 50_000 + b"the end")
    world.ledger.act(
        "thing.done", "shop", {}, lambda: Observed("a large thing", {}, {"request": body})
    )
"""


@pytest.fixture
def large(suite):
    suite.write("steps/more.py", SEND)
    suite.feature(
        "a", "Feature: F\n  @allure.issue:77\n  Scenario: s\n    When something large happens\n"
    )
    return suite


def file_of(suite) -> str:
    (file,) = (suite.root / "reports/run").glob("*/scenario-1.jsonl")
    return file.read_text()


@pytest.mark.parametrize(("limit", "is_whole"), [("64KiB", True), ("1KiB", False)])
def test_a_body_is_kept_up_to_its_limit(large, limit, is_whole):
    large.write("avow.toml", f'[reports]\nbody_limit = "{limit}"\n')
    assert large.behave().code == 0
    assert (len(file_of(large)) > 50_000) == is_whole


@pytest.mark.parametrize("passed", [True, False])
def test_evidence_of_what_passed_may_be_left_out(large, passed):
    large.write("avow.toml", f"[reports]\npassed_evidence = {str(passed).lower()}\n")
    assert large.behave().code == 0
    names = [each["name"] for each in results(large)["s"].get("attachments", ())]
    assert ("timeline and evidence" in names) == passed


def test_links_environment_and_directories_are_as_said(large):
    large.write(
        "avow.toml",
        """
        [reports]
        results = "out/results"
        runs = "out/runs"
        links = { issue = "https://bugs.example/{}" }
        environment = { stage = "blue" }
        """,
    )
    ran = large.behave()
    assert ran.code == 0
    assert "Report: out/results" in ran.out
    (file,) = (large.root / "out/results").glob("*-result.json")
    (link,) = json.loads(file.read_text())["links"]
    assert link["url"] == "https://bugs.example/77"
    properties = (large.root / "out/results/environment.properties").read_text()
    assert re.search(r"^stage\s*=\s*blue$", properties, re.MULTILINE)
    assert list((large.root / "out/runs").glob("*/scenario-1.jsonl"))


@pytest.mark.parametrize("text", ["[runner]\nretries = 1", "[quarantine.x]\nowner = 'a'"])
def test_what_is_not_there_is_not_accepted(suite, text):
    suite.write("avow.toml", text + "\n")
    suite.feature("a", "Feature: F\n  Scenario: s\n    Given a number 1\n")
    assert suite.behave().code == 4

"""Several scenarios at a time: faster, and otherwise as if there were one worker."""

from __future__ import annotations

import json
import os
import re
import signal
import xml.etree.ElementTree as ET
from collections import Counter

import psutil
import pytest

from avow.core.waiting import until

MIXED = """
    Feature: {name}
      Background:
        Given a number 1

      Scenario: {name} passes
        When I add 1
        Then it is 2

      Scenario: {name} fails
        When I add 1
        Then it is 3

      Rule: ruled
        Scenario: {name} explodes
          When it explodes
          Then it is 1

      Scenario Outline: {name} rows <n>
        When I add <n>
        Then it is 3
        Examples:
          | n |
          | 1 |
          | 2 |
"""

HOOKS = """
import os
from pathlib import Path
def before_scenario(context, scenario):
    with open("pids.txt", "a") as out:
        out.write(f"{os.getpid()}\\n")
"""


@pytest.fixture
def mixed(suite):
    for number in range(20):
        suite.feature(f"f{number:02}", MIXED.format(name=f"F{number:02}"))
    suite.write("environment.py", HOOKS)
    return suite


def workers(suite) -> int:
    return len(set((suite.root / "pids.txt").read_text().split()))


@pytest.mark.parametrize("jobs", [2, 4])
def test_a_hundred_scenarios_come_out_as_with_one_worker(mixed, normal, jobs):
    one = mixed.behave("-f", "plain")
    (mixed.root / "pids.txt").unlink()
    alone = mixed.results()
    many = mixed.behave("-f", "plain", "-j", str(jobs))
    assert workers(mixed) == jobs
    assert normal(many.out) == normal(one.out)
    assert many.err == one.err == ""
    assert many.code == one.code == 1
    assert mixed.results() == alone
    assert Counter(alone.values()) == {"passed": 40, "failed": 40, "broken": 20}


@pytest.mark.parametrize("name", ["pretty", "progress", "progress2", "progress3", "rerun"])
def test_every_format_is_told_in_order(mixed, normal, name):
    one, many = mixed.behave("-f", name), mixed.behave("-f", name, "-j", "3")
    assert normal(many.out) == normal(one.out)


def test_json_and_junit_hold_the_same(mixed):
    for jobs in ("1", "3"):
        mixed.behave("-f", "json", "-o", f"{jobs}.json", "--junit", "--junit-directory", jobs,
                     "-j", jobs)  # fmt: skip

    def told(name):
        text = (mixed.root / name).read_text()
        return json.loads(re.sub(r'"duration": [^,}]*', '"duration": 0', text))

    def cases(directory):
        return [
            (file.name, case.get("name"), case.get("status"))
            for file in sorted((mixed.root / directory).glob("*.xml"))
            for case in ET.parse(file).iter("testcase")
        ]

    assert told("3.json") == told("1.json")
    assert cases("3") == cases("1")


@pytest.mark.parametrize(
    ("options", "toml", "expected"),
    [
        ((), 'jobs = "auto"', len(os.sched_getaffinity(0))),
        ((), "jobs = 3", 3),
        (("-j", "1"), "jobs = 3", 1),
        (("-D", "avow.jobs=auto"), "jobs = 1", len(os.sched_getaffinity(0))),
        (("-j", "64", "features/f00.feature"), "jobs = 1", 5),
    ],
)
def test_how_many_is_asked_for_in_many_ways(mixed, options, toml, expected):
    mixed.write("avow.toml", f"[runner]\n{toml}\n")
    mixed.behave(*options)
    threads = {
        label["value"]
        for file in (mixed.root / "reports/allure-results").glob("*-result.json")
        for label in json.loads(file.read_text())["labels"]
        if label["name"] == "thread"
    }
    assert threads <= {f"worker-{number}" for number in range(1, expected + 1)}
    logs = list((mixed.root / "reports/run").glob("*/worker-*.log"))
    assert len(logs) == expected


def test_a_worker_that_dies_costs_its_scenario_only(suite):
    for number in range(12):
        step = "it is killed by SIGKILL" if number % 4 == 1 else "I add 0"
        suite.feature(
            f"f{number:02}",
            f"""
            Feature: F{number}
              Scenario: s{number}
                Given a number 1
                When {step}
                Then it is 1
            """,
        )
    ran = suite.behave("-j", "3")
    assert ran.code == 1
    expected = {f"s{n}": "broken" if n % 4 == 1 else "passed" for n in range(12)}
    assert suite.results() == expected
    assert "9 scenarios passed, 0 failed, 3 error" in ran.out


def test_stop_stops_all(suite):
    for number in range(40):
        suite.feature(
            f"f{number:02}",
            f"""
            Feature: F{number}
              Scenario: s{number}
                Given a number 1
                Then it is {2 if number == 3 else 1}
            """,
        )
    ran = suite.behave("-j", "3", "--stop")
    assert ran.code == 1
    found = suite.results()
    assert found["s3"] == "failed"
    assert 4 <= len(found) < 40
    assert "1 failed" in ran.out


def test_a_signal_ends_all_workers(suite):
    for number in range(4):
        suite.feature(
            f"f{number}",
            f"""
            Feature: F{number}
              Scenario: s{number}
                When it waits 60 s in here{number}.txt
            """,
        )
    process = suite.start("-j", "3")
    pids = [int(suite.seen(f"here{number}.txt")) for number in range(3)]
    assert len(set(pids)) == 3
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert until(lambda: not any(map(suite.is_alive, pids)), 5).holds
    assert suite.results() == {"s0": "broken", "s1": "broken", "s2": "broken", "s3": "skipped"}
    assert not psutil.pid_exists(process.pid) or not suite.is_alive(process.pid)


def test_what_a_hook_of_a_feature_came_to_is_told_of_that_feature(suite):
    for name in "abcdef":
        suite.feature(
            name,
            f"""
            Feature: {name}
              Scenario: {name}1
                Given a number 1
              Scenario: {name}2
                Given a number 2
            """,
        )
    suite.write(
        "environment.py",
        """
        def after_feature(context, feature):
            if feature.name == "b":
                raise RuntimeError("b went wrong")
        """,
    )
    alone, ran = (
        suite.behave("-j", jobs, "-f", "plain", "--junit", "--junit-directory", jobs)
        for jobs in ("1", "2")
    )
    assert ran.code == alone.code
    assert "b went wrong" in ran.text
    assert summary(ran.out) == summary(alone.out)
    assert "5 features passed, 0 failed, 1 hook_error" in ran.out


def summary(out: str) -> list[str]:
    """What behave counts."""
    return [line for line in out.splitlines() if " passed, " in line]


def test_before_all_that_fails_in_every_worker_is_told_once(suite):
    suite.feature("a", MIXED.format(name="A"))
    suite.write("environment.py", "def before_all(context): raise RuntimeError('no database')")
    ran = suite.behave("-j", "3")
    assert ran.code == 1
    names = [
        json.loads(file.read_text())["name"]
        for file in (suite.root / "reports/allure-results").glob("*-result.json")
    ]
    assert len([name for name in names if "before_all" in name]) == 1
    assert len(names) == 6


SERVICE = """
import os, sys, time
from pathlib import Path
with Path("started.txt").open("a") as out:
    out.write(f"{os.getpid()} {sys.argv[1]}\\n")
print("ready", flush=True)
while True:
    time.sleep(1)
"""


def test_every_worker_has_services_of_its_own(mixed):
    mixed.write("service.py", SERVICE)
    mixed.write(
        "avow.toml",
        """
        [services.shop]
        kind = "process"
        command = ["python", "{root}/service.py", "{port}"]
        health = { log = "ready" }
        """,
    )
    mixed.write(
        "steps/more.py",
        """
        import os, time
        from avow.gherkin import given
        @given("the shop of this worker")
        def shop(world):
            with open("used.txt", "a") as out:
                out.write(f"{os.getpid()} {world.facts['shop']['port']}\\n")
            time.sleep(0.05)
        """,
    )
    mixed.feature(
        "z",
        "Feature: Z\n"
        + "".join(f"  Scenario: z{n}\n    Given the shop of this worker\n" for n in range(12)),
    )
    mixed.behave("-j", "3", "features/z.feature")
    started = [line.split() for line in (mixed.root / "started.txt").read_text().splitlines()]
    used = {tuple(line.split()) for line in (mixed.root / "used.txt").read_text().splitlines()}
    assert len(started) == 3
    assert {port for _, port in used} == {port for _, port in started}
    assert len(used) == 3
    assert not any(mixed.is_alive(int(pid)) for pid, _ in started)


def test_scenarios_never_meet_in_a_service_of_which_there_is_one(suite):
    suite.write("avow.toml", '[services.bank]\nkind = "stub"\nscope = "run"\n')
    suite.feature("a", MIXED.format(name="A"))
    suite.write("environment.py", HOOKS)
    ran = suite.behave("-j", "3")
    assert workers(suite) == 1
    assert 'One scenario at a time, not 3: all would meet in "bank"' in ran.err

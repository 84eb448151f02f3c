"""Services, the reaper and the start of a stack, ended while they are needed."""

from __future__ import annotations

import json
import os
import signal

import psutil
import pytest

from avow.core.waiting import until

FRAGILE = """
import os, sys, time
from pathlib import Path

Path("service.pid").write_text(str(os.getpid()))
print("ready", flush=True)
while not Path("fall").exists():
    time.sleep(0.005)
print("about to fall over", flush=True)
os._exit(3)
"""

STEPS = """
import os, time
from pathlib import Path
from behave import when

@when("the shop falls over and does not answer")
def falls(context):
    Path("fall").write_text("x")
    pid = Path("service.pid").read_text()
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
        time.sleep(0.005)
    raise AssertionError("no answer")

@when("the reaper is killed")
def kill_reaper(context):
    import psutil
    coordinator = psutil.Process().parent().parent()
    (reaper,) = [p for p in coordinator.children() if "reaper.py" in " ".join(p.cmdline())]
    reaper.kill()
    def others():
        return [p for p in coordinator.children()
                if "reaper.py" in " ".join(p.cmdline()) and p.pid != reaper.pid]
    while not others():
        time.sleep(0.01)
"""

TOML = """
[services.shop]
kind = "process"
command = ["python", "{root}/service.py"]
health = { log = "ready" }
"""

FEATURE = """
    Feature: Shop
      Scenario: bad
        When the shop falls over and does not answer
      Scenario: good
        Given a number 1
    """


@pytest.fixture
def shop(suite):
    suite.write("service.py", FRAGILE)
    suite.write("steps/more.py", STEPS)
    suite.write("avow.toml", TOML)
    suite.feature("a", FEATURE)
    return suite


def messages(suite) -> dict[str, str]:
    found = {}
    for file in (suite.root / "reports/allure-results").glob("*-result.json"):
        result = json.loads(file.read_text())
        found[result["name"]] = (result.get("statusDetails") or {}).get("message", "")
    return found


@pytest.mark.parametrize("options", [(), ("-D", "avow.inline")], ids=["supervised", "in place"])
def test_a_service_that_dies_is_told_at_once_and_on_the_scenario_that_ran(shop, options):
    ran = shop.behave(*options)
    assert ran.code == 6
    assert 'service "shop": exited with code 3 during the run; its last 2 lines:' in ran.err
    assert "| about to fall over" in ran.err
    assert ran.err.count("about to fall over") == 1
    assert shop.results() == {
        "bad": "failed",
        "good": "passed",
        'service "shop" (outside of any scenario)': "broken",
    }
    message = messages(shop)["bad"]
    assert message.startswith("no answer")
    assert 'Likely cause: service "shop" exited with code 3 while the scenario ran' in message
    assert "about to fall over" in message
    record = json.loads((shop.root / "reports/run.json").read_text())
    assert record["exit_code"] == 6
    assert any("exited with code 3" in reason for reason in record["reasons"])


def test_a_scenario_after_a_service_died_is_told_so_too(shop):
    shop.feature(
        "a",
        """
        Feature: Shop
          Scenario: first
            When the shop falls over and does not answer
          Scenario: later
            When it explodes
        """,
    )
    shop.behave()
    assert 'Likely cause: service "shop" exited with code 3 before' in messages(shop)["later"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_services_start_ends_the_run_at_once(shop, number, code):
    shop.write("avow.toml", TOML.replace("ready", "never says this"))
    process = shop.start()
    service = int(shop.seen("service.pid"))
    os.kill(process.pid, number)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == code
    assert not shop.is_alive(service)
    assert "Scenario" not in out


def test_a_reaper_that_is_killed_is_replaced(shop):
    shop.feature(
        "a",
        """
        Feature: Reaper
          Scenario: s
            When the reaper is killed
            And it leaves a process in pid.txt
            And it waits 60 s in here.txt
        """,
    )
    process = shop.start()
    pids = [int(shop.seen(name)) for name in ("here.txt", "pid.txt", "service.pid")]
    process.kill()
    process.communicate(timeout=10)
    assert until(lambda: not any(map(shop.is_alive, pids)), 10).holds
    assert not psutil.pid_exists(process.pid) or not shop.is_alive(process.pid)

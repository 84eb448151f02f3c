"""The long tests, `make soak`: the same again and again, and kills at any moment.

A seed decides every moment and every victim; a failure names it, and AVOW_SOAK_SEED repeats it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from avow.core.waiting import pause_for, until

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif("AVOW_SOAK" not in os.environ, reason="hours: run `make soak`"),
    pytest.mark.timeout(0),
]

ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("AVOW_SOAK_SEED", "20261120"))
ORDERS, KILLS = 10, 50

SERVICES = """
[suite]
name = "soak"

[services.db]
kind = "postgres"

[services.events]
kind = "kafka"
topics = ["events"]

[services.partner]
kind = "stub"
"""

SCENARIO = """
  Scenario: number {n}
    Given "partner" answers "GET /" with 200
    When I publish a message to "events":
      | number |
      | {n}    |
    Then within 5 seconds there is exactly 1 message on "events"
    And the query "SELECT 1 AS one" on "db" returns:
      | one |
      | 1   |
"""


@pytest.mark.parametrize("number", range(ORDERS))
def test_the_reference_suite_in_any_order(number, tmp_path):
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "clone")], check=True)
    seed = SEED + number
    done = subprocess.run(
        [
            Path(sys.executable).with_name("behave"),
            "--no-color",
            "-D",
            "avow.runner.order=random",
            "-D",
            f"avow.runner.seed={seed}",
        ],
        cwd=tmp_path / "clone",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"seed {seed}\n{done.stdout[-4000:]}{done.stderr}"


@pytest.mark.parametrize("number", range(KILLS))
def test_nothing_is_left_after_a_kill_at_any_moment(number, suite, tmp_path):
    chance = random.Random(SEED + number)
    suite.write("avow.toml", SERVICES)
    suite.feature("many", "Feature: Many\n" + "".join(SCENARIO.format(n=n) for n in range(40)))
    suite.env["TMPDIR"] = str(tmp_path / "tmp")
    (tmp_path / "tmp").mkdir()
    process = suite.start()
    pause_for(chance.uniform(0.05, 3.0))
    family = {each.pid: each for each in _family(process.pid)}
    if not family:
        process.communicate()
        pytest.skip("the run was over before the kill")
    victim = family[chance.choice(sorted(family))]
    told = f"seed {SEED + number}: killed {_words(victim)}"
    victim.kill()
    out, err = process.communicate(timeout=60)
    gone = until(lambda: not any(_is_of_run(each) for each in family.values()), 5)
    left = [_words(each) for each in family.values() if _is_of_run(each)]
    assert gone.holds, f"{told}; left: {left}"
    if victim.pid != process.pid:
        assert process.returncode != -9, f"{told}\n{out[-2000:]}{err}"
    assert list((tmp_path / "tmp").iterdir()) == [], told


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _is_of_run(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()[:6])
    except psutil.Error:
        return f"process {process.pid}"

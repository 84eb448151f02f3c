"""A full disk or an unwritable report never changes a verdict, and the run says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

FEATURE = """
    Feature: Verdicts
      Scenario: good
        Given a number 1
        Then it is 1

      Scenario: bad
        Given a number 1
        Then it is 2

      Scenario: loud
        Given a number 1
        When it prints 100000 characters
        Then it is 1
    """

PRINTS = """

@when("it prints {n:d} characters")
def prints(context, n):
    import allure
    print("x" * n)
    allure.attach("y" * n, name="much")
"""


@pytest.fixture
def verdicts(suite):
    suite.feature("a", FEATURE)
    steps = suite.root / "steps/steps.py"
    steps.write_text(steps.read_text() + PRINTS)
    return suite


def tells_the_verdicts(ran):
    return "2 scenarios passed, 1 failed" in ran.out


def limited(suite, size, *args):
    """Run behave where no file may grow beyond `size` bytes."""
    code = (
        "import resource, runpy, signal, sys;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}));"
        "sys.argv[0] = 'behave'; runpy.run_module('behave', run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=suite.root,
        env=suite.environ(),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_no_room_anywhere(verdicts):
    done = limited(verdicts, 0)
    assert done.returncode == 6
    assert "the run has nowhere to keep its files" in done.stderr
    assert "Make room" in done.stderr


@pytest.mark.parametrize("size", [5_000, 20_000])
def test_files_that_cannot_grow(verdicts, size):
    done = limited(verdicts, size)
    assert "2 scenarios passed, 1 failed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1
    assert "evidence is incomplete" in done.stderr


@pytest.mark.parametrize("size", [5_000, 20_000])
def test_files_that_cannot_grow_where_all_is_green(verdicts, size):
    done = limited(verdicts, size, "-n", "good", "-n", "loud")
    assert "2 scenarios passed, 0 failed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 7
    assert "evidence is incomplete" in done.stderr


@pytest.fixture
def small_disk(verdicts):
    """A file system of 300 KiB for the reports."""
    reports = verdicts.root / "reports"
    reports.mkdir()
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root can mount a file system")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(reports)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield reports
    subprocess.run(["umount", "-l", str(reports)], check=True)


def test_a_disk_that_fills_up(verdicts, small_disk):
    (small_disk / "ballast").write_bytes(b"x" * 200_000)
    ran = verdicts.behave()
    assert tells_the_verdicts(ran), ran.text
    assert ran.code == 1
    assert "evidence is incomplete" in ran.err
    assert "No space left on device" in ran.err


@pytest.mark.parametrize("left", [0, 4096, 8192, 16384])
def test_a_disk_that_is_full_before_the_run(verdicts, small_disk, left):
    size = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    (small_disk / "ballast").write_bytes(b"x" * (size - left))
    ran = verdicts.behave("-n", "good")
    assert "1 scenario passed, 0 failed" in ran.out, ran.text
    assert ran.code == 7
    assert "No space left on device" in ran.err


def test_a_report_that_is_a_file(verdicts):
    verdicts.write("reports/allure-results", "I was here first")
    ran = verdicts.behave("-n", "good")
    assert "1 scenario passed, 0 failed" in ran.out, ran.text
    assert ran.code == 7
    assert "reports/allure-results" in ran.err
    assert (verdicts.root / "reports/allure-results").read_text() == "I was here first"


def test_reports_that_are_a_file(verdicts):
    verdicts.write("reports", "I was here first")
    ran = verdicts.behave("-n", "good")
    assert "1 scenario passed, 0 failed" in ran.out, ran.text
    assert "evidence is incomplete: reports/run cannot be written" in ran.err
    assert "Traceback" not in ran.text
    assert ran.code == 7

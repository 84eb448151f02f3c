"""Steps in the process that types `behave`: same phrases, world, evidence and reports."""

from __future__ import annotations

import pytest

FEATURE = """
    Feature: In place
      @wip
      Scenario: good
        Given a number 1
        When I add 2
        Then it is 3

      @wip
      Scenario: bad
        Given a number 1
        Then it is 2

      Scenario: broken
        When it explodes
    """


@pytest.mark.parametrize("args", [["-D", "avow.inline"], ["-D", "avow.runner.inline=true"]])
def test_inline(suite, args):
    suite.feature("a", FEATURE)
    ran = suite.behave(*args)
    assert ran.code == 1
    assert suite.results() == {"good": "passed", "bad": "failed", "broken": "broken"}
    assert 'File "steps/steps.py"' in ran.out
    assert "behave/model.py" not in ran.out


def test_wip(suite):
    suite.feature("a", FEATURE)
    ran = suite.behave("--wip")
    assert ran.code == 1
    assert suite.results() == {"good": "passed", "bad": "failed"}


def test_a_runner_that_ignores_the_setting(suite):
    suite.feature("a", FEATURE)
    suite.write(
        "environment.py",
        """
        from avow.environment import *
        def before_scenario(context, scenario):
            context.seen_world = context.world
        """,
    )
    ran = suite.plain()
    assert ran.code == 1
    assert suite.results() == {"good": "passed", "bad": "failed", "broken": "broken"}


def test_the_line_in_environment_changes_nothing_under_the_runner(suite, normal):
    suite.feature("a", FEATURE)
    before = suite.behave()
    suite.write("environment.py", "from avow.environment import *\n")
    after = suite.behave()
    assert normal(after.out) == normal(before.out)
    assert after.code == before.code == 1


def test_sys_exit_in_a_step_fails_it_here_too(suite):
    suite.feature("a", "Feature: F\n  Scenario: s\n    When it exits with 0\n")
    ran = suite.behave("-D", "avow.inline")
    assert ran.code == 1
    assert "which would have ended the whole run" in ran.out


def test_an_undefined_step_fails_its_scenario_and_the_others_run(suite):
    suite.feature("a", FEATURE + "\n      Scenario: unknown\n        When nobody knows\n")
    ran = suite.behave("-D", "avow.inline", "-n", "good|unknown")
    assert ran.code == 1
    assert suite.results() == {"good": "passed", "unknown": "broken"}
    assert '@when("nobody knows")' in ran.text


def test_a_debugger_is_run_in_place(suite):
    suite.feature("a", "Feature: F\n  Scenario: s\n    When the process is asked\n")
    suite.write(
        "steps/more.py",
        """
        import os, sys
        from behave import when
        @when("the process is asked")
        def asked(context):
            print("traced", sys.gettrace() is not None, file=sys.__stdout__)
        """,
    )
    code = (
        "import sys; sys.settrace(lambda *a: None); from behave.__main__ import main; "
        "sys.exit(main([]))"
    )
    import subprocess
    import sys

    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=suite.root,
        env=suite.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "traced True" in ran.stdout
    assert ran.returncode == 0


def test_a_breakpoint_without_a_terminal_says_how_to_debug(suite):
    suite.feature("a", "Feature: F\n  Scenario: s\n    When it is debugged\n")
    suite.write(
        "steps/more.py",
        """
        from behave import when
        @when("it is debugged")
        def debugged(context):
            breakpoint()
        """,
    )
    ran = suite.behave()
    assert ran.code == 1
    assert "Run in place to debug: behave -D avow.inline (or --wip)." in ran.out

"""However a scenario, a worker or the run ends: it is told, nothing is lost, nothing is left."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from avow.core.waiting import until

BAD_THEN_GOOD = """
    Feature: Ends
      Scenario: bad
        Given a number 1
        When {step}
        Then it is 1

      Scenario: good
        Given a number 1
        Then it is 1
    """


def parent_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("it exits with 0", "the step called sys.exit(0), which would have ended the whole run"),
        ("it raises a BaseException", "the step raised BaseException"),
        ("it dies with 0", 'the worker ended with exit code 0 in step "When it dies with 0"'),
        ("it is killed by SIGKILL", "the worker was ended by SIGKILL in step"),
        ("it is killed by SIGSEGV", "the worker was ended by SIGSEGV in step"),
    ],
)
def test_a_step_that_ends_its_process_costs_one_scenario(suite, step, words):
    suite.feature("a", BAD_THEN_GOOD.format(step=step))
    ran = suite.behave()
    assert ran.code == 1
    assert words in ran.text
    assert "1 scenario passed, 0 failed, 1 error" in ran.out
    assert suite.results() == {"bad": "broken", "good": "passed"}


def test_an_exit_names_what_called_it(suite):
    suite.feature("a", BAD_THEN_GOOD.format(step="it dies with 3"))
    assert "something called os._exit() or ended the interpreter" in suite.behave().text


def test_a_crash_leaves_the_stack_in_the_report(suite):
    suite.feature("a", BAD_THEN_GOOD.format(step="it is killed by SIGSEGV"))
    suite.behave()
    (file,) = [
        each
        for each in (suite.root / "reports/allure-results").glob("*-result.json")
        if '"bad"' in each.read_text()
    ]
    assert "Fatal Python error: Segmentation fault" in file.read_text()


def test_what_a_dead_worker_started_is_ended(suite):
    suite.feature(
        "a",
        """
        Feature: Leaves
          Scenario: bad
            When it leaves a process in pid.txt
            And it dies with 1
        """,
    )
    suite.behave()
    pid = int(suite.seen("pid.txt"))
    assert until(lambda: not suite.is_alive(pid), 5).holds


def test_a_step_past_its_time_is_stopped_also_in_c_code(suite):
    suite.write("avow.toml", '[timeouts]\nstep = "400ms"\n')
    suite.feature("a", BAD_THEN_GOOD.format(step="it starves"))
    ran = suite.behave()
    assert ran.code == 1
    assert "took longer than [timeouts] step = 400ms and was stopped in step" in ran.text
    assert suite.results() == {"bad": "broken", "good": "passed"}
    logs = (suite.root / "reports/run").glob("*/worker-1.log")
    assert "in starves" in next(logs).read_text()


def test_a_scenario_past_its_time_is_stopped(suite):
    suite.write("avow.toml", '[timeouts]\nscenario = "600ms"\n')
    suite.feature("a", BAD_THEN_GOOD.format(step="it waits 60 s in here.txt"))
    ran = suite.behave()
    assert ran.code == 1
    assert "the scenario took longer than [timeouts] scenario = 600ms" in ran.text


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_stops_the_run_and_cleans_up(suite, number, code):
    suite.feature("a", BAD_THEN_GOOD.format(step="it waits 60 s in here.txt"))
    suite.write(
        "environment.py",
        """
        from pathlib import Path
        def after_scenario(context, scenario): Path("after_scenario").write_text(scenario.name)
        def after_all(context): Path("after_all").write_text("ran")
        """,
    )
    process = suite.start()
    worker = int(suite.seen("here.txt"))
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert f"{number.name}: stopping" in err
    assert (suite.root / "after_scenario").read_text() == "bad"
    assert (suite.root / "after_all").read_text() == "ran"
    assert until(lambda: not suite.is_alive(worker), 5).holds
    assert suite.results() == {"bad": "broken", "good": "skipped"}
    assert "1 untested" in out


def test_a_second_signal_ends_at_once(suite):
    suite.feature("a", BAD_THEN_GOOD.format(step="it waits 60 s in here.txt"))
    suite.write(
        "environment.py",
        """
        import time
        from pathlib import Path
        def after_scenario(context, scenario):
            Path("cleaning").write_text("x")
            time.sleep(60)
        """,
    )
    process = suite.start()
    suite.seen("here.txt")
    os.kill(process.pid, signal.SIGINT)
    suite.seen("cleaning")
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130
    assert suite.results() == {"bad": "broken", "good": "skipped"}


def test_nothing_is_left_when_the_coordinator_is_killed(suite):
    suite.feature(
        "a",
        """
        Feature: Leaves
          Scenario: bad
            When it leaves a process in pid.txt
            And it waits 60 s in here.txt
        """,
    )
    process = suite.start()
    worker, child = int(suite.seen("here.txt")), int(suite.seen("pid.txt"))
    process.kill()
    process.communicate(timeout=10)
    assert until(lambda: not suite.is_alive(worker) and not suite.is_alive(child), 10).holds


def test_a_killed_template_is_told(suite):
    suite.feature(
        "a",
        """
        Feature: Template
          Scenario: bad
            When it waits 60 s in here.txt
        """,
    )
    suite.write("avow.toml", '[timeouts]\nstep = "20s"\n')
    process = suite.start()
    worker = int(suite.seen("here.txt"))
    os.kill(parent_of(worker), signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "the process that forks workers is gone" in err
    assert not suite.is_alive(worker)


def test_a_stopped_worker_is_ended_by_its_deadline(suite):
    suite.write("avow.toml", '[timeouts]\nstep = "1s"\n')
    suite.feature("a", BAD_THEN_GOOD.format(step="it is killed by SIGSTOP"))
    ran = suite.behave()
    assert ran.code == 1
    assert suite.results() == {"bad": "broken", "good": "passed"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "import sys; sys.exit(0)",
            "steps/more.py:1: it called sys.exit(0) while it was being loaded",
        ),
        ("import os; os._exit(0)", "steps/more.py: it ended the process while it was being loaded"),
        ("def f(:", "steps/more.py:1: invalid syntax"),
        ("import nothing_of_this_name", "steps/more.py:1: ModuleNotFoundError"),
        ("raise ValueError('x y z')", "steps/more.py:1: ValueError: x y z"),
        (
            "import threading as t; t.Thread(target=t.Event().wait, daemon=True).start()",
            "loading the suite started threads ('Thread-1 (wait)')",
        ),
    ],
)
def test_a_step_file_that_cannot_be_loaded(suite, code, words):
    suite.feature("a", BAD_THEN_GOOD.format(step="I add 0"))
    suite.write("steps/more.py", code)
    ran = suite.behave()
    assert ran.code == 4
    assert words in ran.err
    assert "behave/" not in ran.err
    assert not (suite.root / "reports/allure-results").exists()


def test_before_all_that_fails_breaks_every_scenario(suite):
    suite.feature("a", BAD_THEN_GOOD.format(step="I add 0"))
    suite.write("environment.py", "def before_all(context): raise RuntimeError('no database')")
    ran = suite.behave()
    assert ran.code == 1
    assert "HOOK-ERROR in before_all: RuntimeError: no database" in ran.out
    results = suite.results()
    assert results["bad"] == results["good"] == "broken"


def test_after_all_that_fails_costs_the_run_its_cleanliness(suite):
    suite.feature("a", BAD_THEN_GOOD.format(step="I add 0"))
    suite.write("environment.py", "def after_all(context): raise RuntimeError('left')")
    ran = suite.behave()
    assert ran.code == 7
    assert "HOOK-ERROR in after_all: RuntimeError: left" in ran.out


def test_a_hook_that_exits_breaks_its_scenario_only(suite):
    suite.feature("a", BAD_THEN_GOOD.format(step="I add 0"))
    suite.write(
        "environment.py",
        """
        import sys
        def before_scenario(context, scenario):
            if scenario.name == "bad":
                sys.exit(0)
        """,
    )
    ran = suite.behave()
    assert ran.code == 1
    assert "the hook before_scenario called sys.exit(0)" in ran.out
    assert suite.results() == {"bad": "broken", "good": "passed"}


def test_all_cleanups_run_and_all_errors_are_told(suite):
    suite.feature("a", BAD_THEN_GOOD.format(step="I add 0"))
    suite.write(
        "environment.py",
        """
        from pathlib import Path
        def fail(name): raise RuntimeError(name)
        def before_scenario(context, scenario):
            context.add_cleanup(Path("first").write_text, "x")
            context.add_cleanup(fail, "second")
            context.add_cleanup(Path("third").write_text, "x")
        """,
    )
    for name in ("progress", "plain"):
        ran = suite.behave("-f", name)
        assert ran.code == 1
    assert (suite.root / "first").exists()
    assert (suite.root / "third").exists()
    assert suite.results() == {"bad": "broken", "good": "broken"}


def test_async_hooks_and_steps_run(suite):
    suite.feature("a", "Feature: F\n  Scenario: s\n    When it is awaited\n")
    suite.write(
        "environment.py",
        """
        import asyncio
        async def before_scenario(context, scenario):
            await asyncio.sleep(0)
            context.awaited = True
        """,
    )
    suite.write(
        "steps/more.py",
        """
        import asyncio
        from behave import when
        @when("it is awaited")
        async def awaited(context):
            await asyncio.sleep(0)
            assert context.awaited
        """,
    )
    assert suite.behave().code == 0


# -- nothing waits for what will never come


def test_a_suite_that_hangs_while_it_is_loaded_is_told(suite):
    suite.write("avow.toml", '[timeouts]\nstart = "1s"\n')
    suite.feature("a", BAD_THEN_GOOD.format(step="I add 0"))
    suite.write("steps/more.py", "import time\ntime.sleep(300)\n")
    ran = suite.behave()
    assert ran.code == 4
    assert "steps/more.py: loading it took longer than [timeouts] start = 1s" in ran.err
    assert 'more.py", line 2 in <module>' in ran.err


@pytest.mark.parametrize(
    ("hook", "code", "words", "results"),
    [
        (
            "before_all(context)",
            3,
            "worker 1: before_all took longer than [timeouts] start = 1s",
            ("broken", "broken"),
        ),
        (
            "before_feature(context, feature)",
            1,
            "nothing was heard of it for longer than [timeouts] scenario = 1s",
            ("broken", "broken"),
        ),
        (
            "after_scenario(context, scenario)",
            1,
            "the scenario took longer than [timeouts] scenario = 1s",
            ("broken", "broken"),
        ),
        (
            "after_feature(context, feature)",
            3,
            "worker 1: nothing was heard of it for longer than [timeouts] scenario = 1s",
            ("passed", "passed"),
        ),
        ("after_all(context)", 7, "after_all did not end in time", ("passed", "passed")),
    ],
)
def test_a_hook_that_hangs_is_told(suite, hook, code, words, results):
    suite.write("avow.toml", '[timeouts]\nstart = "1s"\nscenario = "1s"\n')
    suite.feature("a", BAD_THEN_GOOD.format(step="I add 0"))
    suite.write("environment.py", f"import time\ndef {hook}: time.sleep(300)\n")
    ran = suite.behave()
    assert ran.code == code
    assert words in ran.text
    assert (suite.results()["bad"], suite.results()["good"]) == results


def test_a_worker_that_closes_its_descriptors_is_ended(suite):
    suite.write(
        "steps/more.py",
        """
        import os, time
        from behave import when
        @when("it closes everything")
        def closes(context):
            os.closerange(3, 64)
            time.sleep(300)
        """,
    )
    suite.feature("a", BAD_THEN_GOOD.format(step="it closes everything"))
    ran = suite.behave()
    assert ran.code == 1
    assert suite.results() == {"bad": "broken", "good": "passed"}


def test_a_template_that_is_stopped_keeps_nobody_waiting(suite):
    suite.write("avow.toml", '[timeouts]\nstart = "2s"\n')
    suite.feature("a", BAD_THEN_GOOD.format(step="it waits 60 s in here.txt"))
    process = suite.start()
    worker = int(suite.seen("here.txt"))
    template = parent_of(worker)
    os.kill(template, signal.SIGSTOP)
    os.kill(worker, signal.SIGKILL)
    _, err = process.communicate(timeout=40)
    assert process.returncode == 3
    assert "the process that forks workers does not answer" in err
    assert suite.results() == {"bad": "broken", "good": "broken"}
    assert until(lambda: not suite.is_alive(template), 5).holds


def test_a_template_killed_while_it_loads_is_told(suite):
    suite.feature("a", BAD_THEN_GOOD.format(step="I add 0"))
    suite.write(
        "steps/more.py",
        """
        import os, time
        from pathlib import Path
        Path("loading.txt").write_text(str(os.getpid()))
        time.sleep(60)
        """,
    )
    process = suite.start()
    os.kill(int(suite.seen("loading.txt")), signal.SIGKILL)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 4
    assert "steps/more.py: the process that loads the suite was ended by SIGKILL" in err


def test_what_the_suite_starts_at_import_does_not_hide_the_template_s_end(suite):
    suite.feature("a", BAD_THEN_GOOD.format(step="it waits 60 s in here.txt"))
    suite.write(
        "steps/more.py",
        'import subprocess\nsubprocess.Popen(["sleep", "300"], close_fds=False)\n',
    )
    process = suite.start()
    worker = int(suite.seen("here.txt"))
    os.kill(parent_of(worker), signal.SIGKILL)
    process.communicate(timeout=30)
    assert process.returncode == 3

# ruff: noqa: E501 - programs in strings
"""The replacements in behave's engine behave as the originals do: both run in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import behave
import pytest

from avow.runner import engine

CODE = {
    "context": """
        import warnings
        from types import SimpleNamespace
        from behave.configuration import Configuration
        from behave.runner import Context, ContextMaskWarning
        runner = SimpleNamespace(config=Configuration([], load_config=False))
        class Runner: config = runner.config
        owner = Runner()
        context = Context(owner)
        warnings.simplefilter("always")
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            context.text = "a"
            context._push("feature")
            context.text = "b"
            with context.use_with_user_mode():
                context.text = "by the user"
                context.mine = 1
                context._push("scenario")
                context.mine = 2
            context.mine = 3
            context._push("inner")
            with context.use_with_user_mode():
                context.text = "again"
        for each in seen:
            print(each.category.__name__, each.message)
        print(context.text, context.mine, "mine" in context, "none" in context)
        record = context._record["mine"]
        print(record[1], record[2], record[3])
        context._pop(); print(context.text)
        try:
            del context.nothing
        except AttributeError as error:
            print(error)
        """,
    "status": """
        from behave.model_type import Status
        for one in Status:
            print(one, hash(one), [one == other for other in Status], one == one.name, one != one.name)
            print([getattr(one, name)() for name in (
                "is_passed", "is_failure", "is_error", "is_hook_error", "is_untested", "is_pending",
                "is_undefined", "is_final", "has_failed")])
            print({one: 1}[one], one in {one}, one == 3, one == None, one in (Status.passed, Status.failed))
        print(Status.passed == "passed", "passed" == Status.passed, Status.passed in ["passed"])
        """,
    "paths": """
        import os
        from behave.model import Feature
        from behave.matchers import Match
        def step(context): pass
        class Callable:
            __hash__ = None
            __code__ = step.__code__
        for cwd in ("/tmp", "/", "/usr"):
            os.chdir(cwd)
            print(Feature("/usr/lib/x.feature", 3, "Feature", "f").location)
            print(Feature("x.feature", 3, "Feature", "f").location)
            print(os.path.basename(Match.make_location(step).filename), Match.make_location(step).line)
            print(Match.make_location(step) == Match(step).location)
        """,
    "capture": """
        import logging, sys
        from behave.capture import CaptureController
        from behave.configuration import Configuration
        for args in ([], ["--no-capture"], ["--no-logcapture"], ["--no-capture-stderr"]):
            try:
                config = Configuration(args, load_config=False)
            except SystemExit:
                continue
            controller = CaptureController(config)
            print("nothing", controller.make_captured().has_output(), controller.make_captured_delta().has_output())
            controller.setup_capture(name="scenario")
            out = []
            for step in range(4):
                controller.start_capture()
                if step != 1:
                    sys.stdout.write("out %d\\n" % step if config.capture_stdout else "")
                    sys.stderr.write("err %d\\n" % step if config.capture_stderr else "")
                    logging.getLogger("x").warning("log %d", step)
                controller.stop_capture()
                if step == 2:
                    controller.update_delta_bookmark()
                else:
                    delta = controller.make_captured_delta(failed=step == 3, name="step")
                    out.append((delta.has_output(), delta.stdout, delta.stderr, delta.log, delta.failed))
            whole = controller.make_captured(failed=True, name="scenario")
            out.append((whole.stdout, whole.stderr, whole.log, whole.name, whole.failed, controller.has_output()))
            controller.teardown_capture()
            controller.setup_capture(name="next")
            out.append((controller.make_captured().has_output(), controller.make_captured_delta().has_output()))
            controller.teardown_capture()
            print(args, out)
        """,
}

PATCH = "from avow.runner import engine; assert engine.patch()\n"


def output(code: str, before: str = "pass\n") -> str:
    done = subprocess.run(
        [sys.executable, "-c", before + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("what", CODE)
def test_a_replacement_behaves_as_the_original(what):
    original = output(CODE[what])
    assert original.strip()
    assert output(CODE[what], PATCH) == original


def test_another_version_of_behave_is_left_alone():
    code = """
        import behave
        behave.__version__ = "9.9"
        from avow.runner import engine
        from behave.runner import Context
        before = Context.__setattr__
        print(engine.patch(), Context.__setattr__ is before)
        """
    assert output(code) == "False True\n"


def test_the_version_in_use_is_known():
    assert behave.__version__ in engine.KNOWN


def test_cleanups_all_run_newest_first_also_after_an_interrupt():
    code = """
        from behave.configuration import Configuration
        from behave.runner import Context
        class Runner: config = Configuration([], load_config=False)
        owner = Runner()
        context = Context(owner)
        context._push("scenario")
        ran = []
        def add(name, error=None):
            def cleanup():
                ran.append(name)
                if error: raise error
            context.add_cleanup(cleanup)
        told = []
        Context.avow_cleanup_failed = staticmethod(lambda f, error, layer: told.append((str(error), layer)))
        context.on_cleanup_error = lambda *args: None
        add("first"); add("second", KeyboardInterrupt("k")); add("third", ValueError("v")); add("last", SystemExit(3))
        try:
            context._do_cleanups()
        except Exception as error:
            print(type(error).__name__, ran)
        for each in told: print(each)
        """
    assert output(code, PATCH).splitlines() == [
        "StepExited ['last', 'third', 'second', 'first']",
        "('a cleanup called sys.exit(3), which would have ended the whole run\\n  "
        "Raise AssertionError to fail the scenario, or scenario.skip() to leave it out.', 'scenario')",
        "('v', 'scenario')",
        "('k', 'scenario')",
    ]

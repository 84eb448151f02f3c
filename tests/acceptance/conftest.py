"""Suites of a few lines in a directory of their own, run as people run them: by typing `behave`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from avow.core.waiting import until

PYPROJECT = """
[tool.behave]
paths = ["features"]
runner = "avow.runner:Runner"
default_format = "plain"
capture_hooks = false
show_skipped = false
color = "off"
"""

STEPS = """
import os, sys, time, signal
from pathlib import Path
from behave import given, when, then, use_step_matcher
use_step_matcher("parse")

@given("a number {n:d}")
def a_number(context, n):
    context.n = n

@when("I add {n:d}")
def add(context, n):
    print("adding", n)
    context.n += n

@then("it is {n:d}")
def it_is(context, n):
    assert context.n == n, f"{context.n} is not {n}"

@when("it explodes")
def explodes(context):
    raise ValueError("boom")

@when("it exits with {n:d}")
def exits(context, n):
    sys.exit(n)

@when("it dies with {n:d}")
def dies(context, n):
    os._exit(n)

@when("it is killed by {name}")
def killed(context, name):
    os.kill(os.getpid(), getattr(signal, name))

@when("it raises a BaseException")
def base(context):
    raise BaseException("base")

@when("it waits {n:d} s in {file}")
def waits(context, n, file):
    Path(file).write_text(str(os.getpid()))
    end = time.monotonic() + n
    while time.monotonic() < end:
        time.sleep(0.01)

@when("it leaves a process in {file}")
def leaves(context, file):
    import subprocess
    Path(file).write_text(str(subprocess.Popen(["sleep", "300"]).pid))

@when("it starves")
def starves(context):
    import re
    re.match(r"(a+)+$", "a" * 60 + "b")
"""


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass
class Suite:
    root: Path
    env: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return file

    def feature(self, name: str, text: str) -> Path:
        return self.write(f"features/{name}.feature", text)

    def environ(self) -> dict[str, str]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("AVOW_", "BEHAVE_"))}
        return {**environ, "COLUMNS": "80", **self.env}

    def start(self, *args: str, cwd: str = ".") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "behave", *args],
            cwd=self.root / cwd,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def behave(self, *args: str, cwd: str = ".", timeout: float = 60) -> Ran:
        process = self.start(*args, cwd=cwd)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Ran(process.returncode, out, err)

    def plain(self, *args: str) -> Ran:
        """behave itself, without avow."""
        return self.behave("--runner=behave.runner:Runner", *args)

    def results(self) -> dict[str, str]:
        """Status by name, as Allure's results tell it."""
        import json

        found = {}
        for file in (self.root / "reports/allure-results").glob("*-result.json"):
            result = json.loads(file.read_text())
            found[result["name"]] = result["status"]
        return found

    @staticmethod
    def is_alive(pid: int) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state not in "ZX"

    def seen(self, file: str, within: float = 20) -> str:
        """Wait for a file that a step writes; return its text."""
        path = self.root / file
        assert until(lambda: path.exists() and bool(path.read_text()), within).holds
        return path.read_text()


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    made = Suite(tmp_path)
    made.write("pyproject.toml", PYPROJECT)
    made.write("avow.toml", '[suite]\nname = "tiny"\n')
    made.write("steps/steps.py", STEPS)
    return made


@pytest.fixture
def normal() -> Callable[[str], str]:
    """Take out of an output what differs from run to run, and what only one of the two prints."""

    def normalise(text: str) -> str:
        text = re.sub(r"^USING RUNNER.*\n", "", text, flags=re.MULTILINE)
        text = re.sub(r"^Report: .*\n", "", text, flags=re.MULTILINE)
        text = re.sub(r"\d+\.\d{3}s", "0.000s", text)
        # avow's traces leave out the frames of behave.
        text = re.sub(
            r'^ *File "[^"]*/behave/[^"]*", line .*\n(?: +[^F\s].*\n)?',
            "",
            text,
            flags=re.MULTILINE,
        )
        return re.sub(r"^ *\^+ *\n", "", text, flags=re.MULTILINE)

    return normalise

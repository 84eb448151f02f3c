"""A scaffolded suite has this repository's shape, and its first `behave` passes."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from avow import scaffold
from avow.core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
SHAPE = [
    ".gitignore",
    "README.md",
    "avow.toml",
    "environment.py",
    "features",
    "pyproject.toml",
    "reports",
    "steps",
    "support",
]


@pytest.fixture
def suite(tmp_path):
    return scaffold.create("checkout", tmp_path)


def test_a_new_suite_has_the_shape_of_this_repository(suite):
    assert sorted(path.name for path in suite.iterdir()) == SHAPE
    assert [name for name in SHAPE if not (ROOT / name).exists()] == []


def test_both_suites_are_run_by_behave_in_the_same_way(suite):
    def behave_table(folder):
        return tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["behave"]

    assert behave_table(suite) == behave_table(ROOT)


@pytest.mark.parametrize("name", ["environment.py", "steps/shared.py", "reports/.gitignore"])
def test_what_every_suite_has_is_the_same_in_both(suite, name):
    assert (suite / name).read_text() == (ROOT / name).read_text()


def test_the_name_stands_in_its_settings(suite):
    assert tomllib.loads((suite / "avow.toml").read_text())["suite"]["name"] == "checkout"
    assert "{{" not in "".join(path.read_text() for path in suite.rglob("*") if path.is_file()), (
        "a placeholder was left"
    )


def test_nothing_is_overwritten(suite):
    with pytest.raises(ConfigError, match="exists and is not empty"):
        scaffold.create("checkout", suite.parent)


@pytest.mark.parametrize("name", ["../elsewhere", "", "1st", "a b"])
def test_a_name_that_is_no_name_is_refused_with_an_example(tmp_path, name):
    with pytest.raises(ConfigError, match="avow init checkout"):
        scaffold.create(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_first_behave_passes(suite):
    done = subprocess.run(
        [Path(sys.executable).with_name("behave"), "--no-color"],
        cwd=suite,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 scenarios passed, 0 failed" in done.stdout
    assert len(list((suite / "reports" / "allure-results").glob("*-result.json"))) == 3

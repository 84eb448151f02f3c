"""The `avow` command as its users meet it: whole processes."""

import subprocess
import sys
from pathlib import Path

import pytest

AVOW = Path(sys.executable).with_name("avow")


@pytest.fixture
def avow(tmp_path):
    def run(*arguments):
        return subprocess.run(
            [AVOW, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )

    return run


def test_help_lists_every_command(avow):
    done = avow("--help")
    assert done.returncode == 0
    for word in ("init", "report", "steps"):
        assert f"\n  {word} " in done.stdout


def test_help_loads_nothing_heavy():
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", AVOW, "--help"], capture_output=True, text=True
    ).stderr
    for heavy in ("behave", "httpx", "hamcrest", "psycopg", "confluent_kafka", "rich", "msgspec"):
        assert f" {heavy}\n" not in loaded, f"avow --help imports {heavy}"


def test_an_unknown_command_gets_the_nearest_real_one(avow):
    done = avow("stesp")
    assert done.returncode == 4
    assert 'Did you mean "steps"? Commands: init, report, steps.' in done.stderr
    assert "Traceback" not in done.stderr


def test_init_says_what_to_do_next(avow, tmp_path):
    done = avow("init", "checkout")
    assert done.returncode == 0
    assert "cd checkout\n    behave" in done.stdout
    assert (tmp_path / "checkout" / "features").is_dir()


def test_init_over_something_is_refused_without_a_traceback(avow, tmp_path):
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "mine").touch()
    done = avow("init", "checkout")
    assert (done.returncode, done.stderr) == (
        4,
        "checkout exists and is not empty\n  Choose another name, or empty it first.\n",
    )


def test_steps_finds_phrases_by_their_words(avow):
    done = avow("steps", "response", "status")
    assert done.returncode == 0
    assert "the response status is" in done.stdout


def test_steps_that_nothing_says(avow):
    assert "No phrase mentions flibbertigibbet" in avow("steps", "flibbertigibbet").stdout


def test_a_report_without_a_suite_says_where_it_looked(avow):
    done = avow("report")
    assert done.returncode == 4
    assert "avow.toml" in done.stderr
    assert "avow init" in done.stderr

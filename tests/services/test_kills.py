"""Runs that are killed, users that are not root, places that cannot be entered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from avow.core.waiting import until
from avow.processes import Journal, reaper
from avow.processes.reaper import started_at
from avow.services.embedded.postgresql import cache

SUITE = """
[suite]
name = "shop"
[services.db]
kind = "postgres"
[services.orders]
kind = "kafka"
topics = ["orders"]
[services.mail]
kind = "smtp"
[services.receipts]
kind = "s3"
buckets = ["receipts"]
[services.cache]
kind = "redis"
[services.shop]
kind = "http"
command = ["python", "-m", "http.server", "--bind", "127.0.0.1", "{port}"]
env.DATABASE_URL = "{db.url}"
"""

RUN = """
import json, signal, sys
from pathlib import Path
from avow import config
from avow.processes import Journal, Reaper
from avow.services.stack import Stack

root = Path(sys.argv[1])
journal = Journal(root / "run" / "journal.jsonl")
reaper = Reaper.start(journal)
stack = Stack.start(config.load(root), run_dir=root / "run", journal=journal)
reaper.confirm()
providers = [service.provider for service in stack._services.values()]
pids = [provider.child.pid for provider in providers]
print(json.dumps({"pids": [reaper.pid, *pids], "facts": stack.facts}), flush=True)
if sys.argv[2] == "wait":
    signal.pause()
stack.stop()
reaper.close()
print("stopped", flush=True)
"""


def run(root: Path, end: str, **options: object) -> subprocess.Popen[str]:
    (root / "avow.toml").write_text(SUITE)
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(root), end],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        **options,  # type: ignore[call-overload]
    )


def test_a_killed_run_leaves_no_server_and_no_data(tmp_path: Path) -> None:
    with run(tmp_path, "wait") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        place = Path(told["facts"]["db"]["socket"])
        assert place.is_dir()
        assert all(started_at(pid) for pid in told["pids"])
        process.kill()
    assert until(lambda: not any(started_at(pid) for pid in told["pids"]), 20).holds
    assert not place.exists()


@pytest.mark.parametrize("records", [1, 2, 4, 7, 10, 13])
@pytest.mark.parametrize("state", ["warm", "cold"])
def test_a_run_killed_while_it_starts_leaves_nothing(
    tmp_path: Path, records: int, state: str
) -> None:
    environment = dict(os.environ)
    if state == "cold":
        environment["AVOW_CACHE"] = str(tmp_path / "cache")
    journal = tmp_path / "run" / "journal.jsonl"
    with run(tmp_path, "wait", env=environment) as process:
        until(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= records, 30)
        process.kill()
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    token = lines[0]["token"]
    # The reaper itself carries no mark.
    assert until(lambda: not reaper._marked(token), 20).holds
    directories = [Path(line["path"]) for line in lines if line["what"] == "directory"]
    assert until(lambda: not any(path.exists() for path in directories), 20).holds


@pytest.fixture
def anywhere() -> Iterator[Path]:
    """A directory that every user can enter; pytest's own are private."""
    made = Path(tempfile.mkdtemp(prefix="avow-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_needs_no_more_than_root(anywhere: Path) -> None:
    uid, gid = cache.server_user() or (65534, 65534)
    if not cache.reachable(Path(sys.executable), (uid, gid)):
        pytest.skip("this Python cannot be reached by an ordinary user")
    root = anywhere / "suite"
    root.mkdir()
    os.chown(root, uid, gid)
    environment = {**os.environ, "HOME": str(root), "AVOW_CACHE": str(root / "cache")}
    process = run(root, "end", user=uid, group=gid, extra_groups=[], env=environment)
    with process:
        output, _ = process.communicate(timeout=60)
    lines = output.splitlines()
    assert lines[-1] == "stopped"
    assert json.loads(lines[0])["facts"]["db"]["name"] == "shop_test"
    assert (root / "cache").is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_programs_that_only_root_can_enter_are_copied(
    tmp_path: Path, anywhere: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = cache.server_user()
    assert user is not None
    wheel = cache.installation("db")
    site = tmp_path / "private"
    copied = site / wheel.parent.name / wheel.name
    shutil.copytree(wheel, copied, symlinks=True)
    libraries = wheel.parent.parent / f"{wheel.parent.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, site / libraries.name)
    tmp_path.chmod(0o700)
    modes = {path: path.stat().st_mode for path in [tmp_path, *tmp_path.parents]}
    monkeypatch.setenv("AVOW_CACHE", str(anywhere))
    assert not cache.reachable(copied / "bin" / "postgres", user)

    usable = cache.usable_by(user, copied)

    assert usable.is_relative_to(anywhere)
    assert cache.reachable(usable / "bin" / "postgres", user)
    made = cache.template(usable, user, journal, lambda: None)
    assert (made / "PG_VERSION").read_text() == "18\n"
    assert {path: path.stat().st_mode for path in modes} == modes
    # The second time nothing is built.
    assert cache.usable_by(user, copied) == usable


def test_a_template_is_made_once_by_many_at_once(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from avow.processes import Journal\n"
        "from avow.services.embedded.postgresql import cache\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "user = cache.server_user()\n"
        "programs = cache.usable_by(user, cache.installation('db'))\n"
        "print(cache.template(programs, user, journal, lambda: print('building')))\n"
    )
    environment = {**os.environ, "AVOW_CACHE": str(tmp_path / "cache")}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / f"journal-{number}")],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    output = [process.communicate(timeout=100)[0].splitlines() for process in processes]
    assert sum("building" in lines for lines in output) == 1
    (made,) = {Path(lines[-1]) for lines in output}
    assert (made / "PG_VERSION").is_file()
    assert [path.name for path in made.parent.iterdir() if not path.name.endswith(".lock")] == [
        made.name
    ]


def test_a_cache_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avow.core.errors import EnvironmentProblem

    monkeypatch.setenv("AVOW_CACHE", str(tmp_path / "none"))
    monkeypatch.setattr(cache, "_SHARED", (tmp_path,))
    place = tmp_path / f"avow-{os.geteuid()}"
    place.mkdir()
    place.chmod(0o777)
    with pytest.raises(EnvironmentProblem) as caught:
        cache._shared_directory((65534, 65534))
    assert str(caught.value) == (
        f"{place} belongs to somebody else or can be changed by others\n"
        "  Remove it, or set AVOW_CACHE to a directory that every user can enter."
    )


def test_the_cache_is_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVOW_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache.directory() == Path("/somewhere/avow")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/me")
    assert cache.directory() == Path("/home/me/.cache/avow")
    monkeypatch.setenv("AVOW_CACHE", "/asked")
    assert cache.directory() == Path("/asked")


def test_data_goes_to_disk_where_memory_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVOW_MEMORY_DISK", "")
    assert cache.fast_directory() == Path(tempfile.gettempdir())
    monkeypatch.setenv("AVOW_MEMORY_DISK", "/nowhere/at/all")
    assert cache.fast_directory() == Path(tempfile.gettempdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_data_goes_where_its_user_can_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVOW_MEMORY_DISK", "")
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert cache.fast_directory((65534, 65534)) in (Path("/var/tmp"), Path("/tmp"))


def test_data_goes_where_a_socket_has_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVOW_MEMORY_DISK", "")
    deep = tmp_path / ("x" * 80)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    assert cache.fast_directory() in (Path("/var/tmp"), Path("/tmp"))

from __future__ import annotations

import json
import os
import signal
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avow.config import Settings
from avow.core.errors import EnvironmentProblem, MissingExtra, Problems, SuiteError
from avow.core.waiting import until
from avow.processes import Journal
from avow.processes.reaper import read, started_at
from avow.services.stack import Stack

Suite = Callable[..., Settings]
Up = Callable[..., Stack]


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_references_are_resolved_into_command_and_environment(
    suite: Suite, up: Up, web: str
) -> None:
    settings = suite(
        """
        [services.front]
        kind = "http"
        command = ["python", "web.py", "{port}"]
        health = { path = "/health", json = { status = "healthy" } }
        env.BACK_URL = "{back.url}/v1"
        env.TOKEN = "${secret:TOKEN}"
        env.BRACES = "{{x}}"

        [services.back]
        kind = "http"
        command = ["python", "web.py", "{port}"]
        """,
        web=web,
    )
    stack = up(
        settings, environ={**os.environ, "AVOW_SECRET_TOKEN": "a-secret-token", "HTTP_PROXY": "x"}
    )
    assert set(stack.facts) == {"front", "back"}
    assert set(stack.facts["front"]) >= {"url", "host", "port"}
    seen = get(stack.facts["front"]["url"] + "/environment")
    assert seen["BACK_URL"] == stack.facts["back"]["url"] + "/v1"
    assert seen["TOKEN"] == "a-secret-token"
    assert seen["BRACES"] == "{x}"
    assert seen["PORT"] == stack.facts["front"]["port"]
    assert "127.0.0.1" in seen["NO_PROXY"].split(",")
    assert "AVOW_SECRET_TOKEN" not in seen
    assert set(stack.timings) == {"front", "back"}
    assert "request /health" in stack.logs("front").read_text()
    assert stack.check() == []


def test_progress_is_told_in_order(suite: Suite, up: Up, web: str) -> None:
    settings = suite(
        """
        [services.a]
        kind = "http"
        command = ["python", "web.py", "{port}"]
        [services.b]
        kind = "http"
        command = ["python", "web.py", "{port}"]
        needs = ["a"]
        """,
        web=web,
    )
    told: list[tuple[str, str]] = []
    stack = up(settings, on_progress=lambda name, state, seconds: told.append((name, state)))
    stack.stop()
    assert told == [
        ("a", "starting"),
        ("a", "ready"),
        ("b", "starting"),
        ("b", "ready"),
        ("b", "stopped"),
        ("a", "stopped"),
    ]


def test_a_program_that_exits_at_once(suite: Suite, up: Up, journal: Journal) -> None:
    settings = suite(
        """
        [services.shop]
        kind = "http"
        command = ["python", "shop.py", "{port}"]
        health = { path = "/health" }
        """,
        shop="print('reading settings'); raise SystemExit('DATABASE_URL is not set')",
    )
    with pytest.raises(EnvironmentProblem) as caught:
        up(settings)
    text = str(caught.value)
    assert text.startswith('service "shop" (http, command): exited with code 1 before it was ready')
    assert "its last 2 lines:\n    | reading settings\n    | DATABASE_URL is not set" in text
    assert "Its command: python shop.py {port}" in text
    assert "Its whole log: " in text
    assert text.endswith("shop.log")
    assert read(str(journal.path)).processes == {}


def test_a_program_that_exits_without_a_word(suite: Suite, up: Up) -> None:
    settings = suite(
        """
        [services.worker]
        kind = "process"
        command = ["python", "-c", "raise SystemExit(7)"]
        health = { log = "ready" }
        """
    )
    with pytest.raises(EnvironmentProblem, match=r"exited with code 7 .*; it wrote nothing"):
        up(settings)


def test_a_program_that_never_becomes_healthy(
    suite: Suite, up: Up, web: str, root: Path, journal: Journal
) -> None:
    settings = suite(
        """
        [services.shop]
        kind = "http"
        command = ["python", "web.py", "{port}"]
        health = { path = "/health", json = { status = "healthy" }, within = "1s" }
        """,
        web=web,
    )
    (root / "health.json").write_text('{"status": "no database"}')
    with pytest.raises(EnvironmentProblem) as caught:
        up(settings)
    text = str(caught.value)
    assert 'did not answer GET /health with 200 and {"status": "healthy"} in 1.' in text
    assert 'last: ConnectionError: 200 {"status": "no database"}' in text
    assert "    | request /health" in text
    assert read(str(journal.path)).processes == {}


def test_a_program_that_nobody_knows(suite: Suite, up: Up) -> None:
    settings = suite(
        """
        [services.shop]
        kind = "http"
        command = ["pythn3", "shop.py"]
        """
    )
    with pytest.raises(EnvironmentProblem) as caught:
        up(settings)
    assert str(caught.value).startswith(
        'service "shop" (http, command): there is no program "pythn3" on PATH\n'
        '  Did you mean "python3'
    )


def test_several_problems_are_told_together(suite: Suite, up: Up, web: str) -> None:
    settings = suite(
        """
        [services.one]
        kind = "http"
        command = ["no-such-program-1"]
        [services.two]
        kind = "process"
        command = ["python", "-c", "raise SystemExit(2)"]
        health = { log = "never" }
        [services.three]
        kind = "http"
        command = ["python", "web.py", "{port}"]
        [services.four]
        kind = "http"
        command = ["python", "web.py", "{port}"]
        env.ONE = "{one.url}"
        """,
        web=web,
    )
    with pytest.raises(Problems) as caught:
        up(settings)
    text = str(caught.value)
    assert text.startswith(
        "2 services did not come up. Not started, since they need what failed: four.\n"
    )
    assert 'service "one" (http, command): there is no program "no-such-program-1"' in text
    assert 'service "two" (process, command): exited with code 2' in text
    assert caught.value.exit_code == 6


def test_a_slow_failure_does_not_wait_for_a_quick_one(suite: Suite, up: Up) -> None:
    settings = suite(
        """
        [timeouts]
        start = "10m"
        [services.quick]
        kind = "process"
        command = ["python", "-c", "raise SystemExit(2)"]
        health = { log = "never" }
        [services.slow]
        kind = "process"
        command = ["python", "-c", "import time; time.sleep(600)"]
        health = { log = "never" }
        """
    )
    with pytest.raises(Problems) as caught:
        up(settings)
    assert 'did not write "never" to its log in 5.' in str(caught.value)


def test_a_port_that_was_taken_is_replaced(suite: Suite, up: Up, web: str, root: Path) -> None:
    settings = suite(
        """
        [services.shop]
        kind = "http"
        command = ["python", "taken.py", "{port}"]
        """,
        # Somebody was quicker, the first two times.
        taken="""
            import pathlib, runpy, socket, sys
            tries = pathlib.Path("tries")
            ports = tries.read_text().split() if tries.exists() else []
            tries.write_text(" ".join([*ports, sys.argv[1]]))
            if len(ports) < 2:
                other = socket.create_server(("127.0.0.1", 0))
                socket.socket().bind(other.getsockname())
            runpy.run_path("web.py")
        """,
        web=web,
    )
    stack = up(settings)
    tried = (root / "tries").read_text().split()
    assert len(set(tried)) == 3
    assert stack.facts["shop"]["port"] == tried[-1]
    assert get(stack.facts["shop"]["url"]) == {"status": "healthy"}


def test_a_port_that_is_always_taken_is_told(suite: Suite, up: Up) -> None:
    settings = suite(
        """
        [services.shop]
        kind = "http"
        command = ["python", "-c", "raise OSError('Address already in use')", "{port}"]
        """
    )
    with pytest.raises(EnvironmentProblem, match="found its port taken 5 times"):
        up(settings)


def test_a_socket_can_be_inherited(suite: Suite, up: Up) -> None:
    settings = suite(
        """
        [services.shop]
        kind = "http"
        command = ["python", "inherit.py", "{fd}"]
        health = { path = "/" }
        """,
        inherit="""
            import http.server, socket, sys
            class Handler(http.server.SimpleHTTPRequestHandler):
                pass
            server = http.server.HTTPServer(("", 0), Handler, bind_and_activate=False)
            server.socket = socket.socket(fileno=int(sys.argv[1]))
            server.serve_forever()
        """,
    )
    assert up(settings).facts["shop"]["url"].startswith("http://127.0.0.1:")


def test_a_process_without_a_port_is_ready_when_it_says_so(suite: Suite, up: Up) -> None:
    settings = suite(
        """
        [services.worker]
        kind = "process"
        command = ["python", "-c", "print('consuming orders'); import time; time.sleep(600)"]
        health = { log = "consuming" }
        """
    )
    stack = up(settings)
    assert stack.facts["worker"] == {}
    assert "consuming orders" in stack.logs("worker").read_text()


def test_a_service_that_dies_during_the_run_is_noticed(suite: Suite, up: Up, web: str) -> None:
    settings = suite(
        """
        [services.shop]
        kind = "http"
        command = ["python", "web.py", "{port}"]
        """,
        web=web,
    )
    stack = up(settings)
    child: Any = stack._services["shop"].provider
    os.kill(child.child.pid, signal.SIGKILL)
    assert until(lambda: bool(stack.check()), 10).holds
    (died,) = stack.check()
    assert died.name == "shop"
    assert died.ended.signal == "SIGKILL"
    assert str(died.problem).startswith(
        'service "shop": was ended by SIGKILL during the run; it wrote nothing'
    )
    assert f"Its whole log: {stack.logs('shop')}" in str(died.problem)
    stack.stop()
    assert stack.check() == []


def test_two_stacks_side_by_side(suite: Suite, up: Up, web: str, tmp_path: Path) -> None:
    settings = suite(
        """
        [services.shop]
        kind = "http"
        command = ["python", "web.py", "{port}"]
        env.SLOT = "{slot}"
        """,
        web=web,
    )
    one, two = up(settings, slot=0), up(settings, slot=1)
    urls = [stack.facts["shop"]["url"] for stack in (one, two)]
    assert urls[0] != urls[1]
    assert [get(url + "/environment")["SLOT"] for url in urls] == ["0", "1"]
    assert one.logs("shop") != two.logs("shop")
    one.stop()
    assert get(urls[1]) == {"status": "healthy"}


def test_services_of_the_run_are_given_to_those_of_a_worker(suite: Suite, up: Up, web: str) -> None:
    settings = suite(
        """
        [services.bank]
        kind = "http"
        scope = "run"
        command = ["python", "web.py", "{port}"]
        [services.shop]
        kind = "http"
        command = ["python", "web.py", "{port}"]
        env.BANK = "{bank.url}"
        """,
        web=web,
    )
    run = up(settings, scope="run")
    assert set(run.facts) == {"bank"}
    worker = up(settings, scope="worker", slot=1, given=run.facts)
    assert set(worker.timings) == {"shop"}
    assert get(worker.facts["shop"]["url"] + "/environment")["BANK"] == run.facts["bank"]["url"]


def test_a_service_of_the_run_cannot_need_one_of_a_worker(suite: Suite, up: Up, web: str) -> None:
    settings = suite(
        """
        [services.bank]
        kind = "http"
        scope = "run"
        command = ["python", "web.py", "{port}"]
        env.SHOP = "{shop.url}"
        [services.shop]
        kind = "http"
        command = ["python", "web.py", "{port}"]
        """,
        web=web,
    )
    with pytest.raises(EnvironmentProblem) as caught:
        up(settings, scope="run")
    assert str(caught.value) == (
        'service "bank": needs "shop", which is not part of this stack\n'
        '  A service of scope "run" can only need services of scope "run".'
    )


def test_stopping_leaves_no_process(suite: Suite, up: Up, journal: Journal) -> None:
    settings = suite(
        """
        [services.parent]
        kind = "process"
        command = ["python", "parent.py"]
        health = { log = "child" }
        """,
        parent="""
            import subprocess, sys, time
            sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
            print("child", subprocess.Popen(sleeper).pid)
            time.sleep(600)
        """,
    )
    stack = up(settings)
    pid = int(stack.logs("parent").read_text().split()[1])
    assert started_at(pid)
    stack.stop()
    assert until(lambda: not started_at(pid), 10).holds
    assert read(str(journal.path)).processes == {}


def test_an_extra_that_is_not_installed_is_told(
    suite: Suite, up: Up, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avow.services.embedded import kafka

    monkeypatch.setattr(kafka.importlib.util, "find_spec", lambda name: None)
    settings = suite('[services.orders]\nkind = "kafka"')
    with pytest.raises(MissingExtra) as caught:
        up(settings)
    assert str(caught.value) == (
        'service "orders" (kafka, embedded): the embedded kafka "orders" needs the Python package '
        "'confluent_kafka', which is not installed\n  Install it with: pip install 'avow[kafka]'"
    )


def test_a_migration_that_is_wrong_names_file_and_line(suite: Suite, up: Up, root: Path) -> None:
    (root / "migrations").mkdir()
    (root / "migrations" / "001.sql").write_text(
        "CREATE TABLE orders (id int);\n\nINSERT INTO ordrs VALUES (1);\n"
    )
    settings = suite('[services.db]\nkind = "postgres"\nmigrations = "migrations"')
    with pytest.raises(SuiteError) as caught:
        up(settings)
    assert str(caught.value).startswith(
        f'{root}/migrations/001.sql:3: relation "ordrs" does not exist'
    )


def test_a_start_can_be_called_off(suite: Suite, up: Up, journal: Journal) -> None:
    settings = suite(
        """
        [services.slow]
        kind = "process"
        command = ["python", "-c", "import time; time.sleep(600)"]
        health = { log = "never" }
        [services.next]
        kind = "process"
        command = ["python", "-c", "import time; time.sleep(600)"]
        needs = ["slow"]
        """
    )
    cancelled = threading.Event()
    told: list[tuple[str, str]] = []

    def on_progress(name: str, state: str, seconds: float) -> None:
        told.append((name, state))
        cancelled.set()
        raise RuntimeError("a listener's own trouble")

    with pytest.raises(EnvironmentProblem, match="told to stop while they started"):
        up(settings, cancelled=cancelled, on_progress=on_progress)
    assert ("next", "starting") not in told
    assert read(str(journal.path)).processes == {}


def test_a_server_of_this_machine_can_be_the_provider(suite: Suite, up: Up) -> None:
    from avow.services.embedded.redis import _program

    settings = suite(
        f"""
        [services.cache]
        kind = "redis"
        provider = "command"
        command = ["{_program("cache")}", "--port", "{{port}}", "--requirepass", "a-password"]
        url = "redis://:a-password@{{host}}:{{port}}/1"
        """
    )
    stack = up(settings)
    facts = stack.facts["cache"]
    assert facts["url"] == f"redis://:a-password@127.0.0.1:{facts['port']}/1"
    assert stack.secrets == {"cache.password": "a-password"}

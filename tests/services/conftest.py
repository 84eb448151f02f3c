from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from avow import config
from avow.config import Settings
from avow.processes import Journal
from avow.services.stack import Stack

Suite = Callable[[str], Settings]
Up = Callable[..., Stack]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "suite"
    made.mkdir()
    return made


@pytest.fixture
def suite(root: Path) -> Suite:
    """Write an avow.toml (and programs beside it) and read it."""

    def write(text: str, **programs: str) -> Settings:
        (root / "avow.toml").write_text('[suite]\nname = "shop"\n' + textwrap.dedent(text))
        for name, code in programs.items():
            (root / f"{name}.py").write_text(textwrap.dedent(code))
        return config.load(root, environ={"AVOW_SECRET_TOKEN": "a-secret-token"})

    return write


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.jsonl")
    yield made
    made.close()


@pytest.fixture
def up(tmp_path: Path, journal: Journal) -> Iterator[Up]:
    """Start a stack; it is stopped at the end of the test."""
    started: list[Stack] = []

    def start(settings: Settings, **options: Any) -> Stack:
        options.setdefault("run_dir", tmp_path / "run")
        options.setdefault("journal", journal)
        started.append(Stack.start(settings, **options))
        return started[-1]

    yield start
    for stack in started:
        stack.stop()


#: A web server whose answer on /health is in a file, and that shows its environment.
WEB = """
import http.server, json, os, sys, pathlib

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        file = pathlib.Path("health.json")
        if self.path == "/environment":
            body = json.dumps(dict(os.environ)).encode()
        else:
            body = file.read_bytes() if file.exists() else b'{"status": "healthy"}'
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        print("request", self.path)

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def web() -> str:
    return WEB

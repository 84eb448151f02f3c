"""Stubs for a plain pytest, without a suite: a process that lives as long as a `with` block."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import msgspec

from avow.core.errors import EnvironmentProblem
from avow.core.ledger import Ledger
from avow.stubs.client import StubChannel
from avow.stubs.routes import Route, route_from

_PATIENCE = 20.0


class StubProcess:
    """Stubs by name with their default routes, in a process of its own.

    with StubProcess(stripe=[{"on": "POST /v1/charges", "answer": {"body": {"id": "ch_1"}}}]) as
    stubs:
        stubs["stripe"].url
    """

    def __init__(
        self,
        directory: Path | None = None,
        settings: Mapping[str, Any] | None = None,
        **stubs: Iterable[Route | Mapping[str, Any]],
    ) -> None:
        self._stubs = stubs
        self._settings = dict(settings or {})
        self._directory = directory
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._channels: dict[str, StubChannel] = {}
        self._lifeline = -1
        self.facts: dict[str, dict[str, str]] = {}

    def __enter__(self) -> StubProcess:
        if self._directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="avow-stubs-")
        directory = self._directory or Path(self._temporary.name if self._temporary else "")
        configuration, self.facts = configure(
            {
                name: [route_from(route).to_plain() for route in routes]
                for name, routes in self._stubs.items()
            },
            directory,
            dict.fromkeys(self._stubs, self._settings),
        )
        reader, writer = os.pipe()
        life_reader, self._lifeline = os.pipe()
        log = (directory / "stubs.log").open("ab")
        try:
            self._process = subprocess.Popen(
                command(configuration, writer, life_reader),
                pass_fds=[writer, life_reader],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        finally:
            os.close(writer)
            os.close(life_reader)
            log.close()
        with open(reader, "rb") as ready:  # noqa: PTH123 - a descriptor, not a path
            line = ready.readline()
        if not line:
            said = (directory / "stubs.log").read_text("utf-8", "replace")
            self.close()
            raise EnvironmentProblem(f"the process of stubs did not start:\n{said}")
        add_addresses(self.facts, msgspec.json.decode(line))
        return self

    def __getitem__(self, name: str) -> StubChannel:
        if name not in self._channels:
            self._channels[name] = StubChannel(name, self.facts[name], None, Ledger())
        return self._channels[name]

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def close(self) -> None:
        """End the process; its journals stay where a directory was given."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._temporary is not None:
            self._temporary.cleanup()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def configure(
    routes: Mapping[str, list[dict[str, Any]]],
    directory: Path,
    settings: Mapping[str, Mapping[str, Any]],
    ports: Mapping[str, int] | None = None,
) -> tuple[Path, dict[str, dict[str, str]]]:
    """Write the configuration of a process of stubs; return its file and the facts known so far.

    The file holds the token and is readable by its owner only: an argument or a variable would show
    it to every program of the machine.
    """
    token = secrets.token_urlsafe(24)
    facts = {
        name: {"token": token, "journal": str(directory / f"{quote(name, safe='')}.calls")}
        for name in routes
    }
    stubs = [
        {
            "name": name,
            "journal": facts[name]["journal"],
            "port": (ports or {}).get(name, 0),
            "settings": dict(settings.get(name, {})),
            "routes": listed,
        }
        for name, listed in routes.items()
    ]
    path = directory / "stubs.json"
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(file, "wb") as out:  # noqa: PTH123 - a descriptor, not a path
        out.write(msgspec.json.encode({"token": token, "stubs": stubs}))
    return path, facts


def command(configuration: Path, ready: int, lifeline: int | None = None) -> list[str]:
    """Return the command of a process of stubs."""
    # -P: a file of the suite must not stand in for a module of the standard library.
    started = [sys.executable, "-P", "-m", "avow.stubs.server", str(configuration)]
    started += ["--ready", str(ready)]
    return started if lifeline is None else [*started, "--lifeline", str(lifeline)]


def add_addresses(facts: dict[str, dict[str, str]], told: Mapping[str, Any]) -> None:
    """Complete the facts of stubs with what their process said when it was ready."""
    for name, port in told["ports"].items():
        facts[name].update(
            url=f"http://127.0.0.1:{port}",
            host="127.0.0.1",
            port=str(port),
            admin=told["admin"],
        )

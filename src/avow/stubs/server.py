"""The process of stubs: `python -m avow.stubs.server`, all stubs of a stack, one port each.

    configuration (a file that only its owner may read) --> one listening socket per stub, one for
    the worker ready: one line of JSON through an inherited pipe, or into a file

It ends on SIGTERM, and when the pipe it was given as its lifeline closes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec

from avow.core.errors import AvowError
from avow.stubs.admin import Admin
from avow.stubs.connection import Connection
from avow.stubs.routes import Route, routes_from
from avow.stubs.stub import Stub, StubSettings

LOOPBACK = "127.0.0.1"


class StubConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """One stub; port 0 is any free one."""

    name: str
    journal: str
    host: str = LOOPBACK
    port: int = 0
    settings: StubSettings = StubSettings()
    routes: list[dict[str, Any]] = []


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is started with. `token` is what the worker must show."""

    token: str
    stubs: list[StubConfiguration]


class Server:
    """All stubs of one process and the door of their worker."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self._stubs: dict[str, Stub] = {}
        self._servers: list[asyncio.Server] = []

    async def start(self) -> dict[str, Any]:
        """Listen everywhere; return the facts of all stubs."""
        loop = asyncio.get_running_loop()
        ports: dict[str, tuple[str, int]] = {}
        for each in self.configuration.stubs:
            defaults: list[Route] = routes_from(each.routes, where=f'stub "{each.name}"')
            stub = Stub(each.name, Path(each.journal), each.settings, defaults)
            self._stubs[each.name] = stub
            ports[each.name] = each.host, await self._listen(loop, stub, each.host, each.port)
        admin = Admin(self._stubs, self.configuration.token)
        admin.port = await self._listen(loop, admin, LOOPBACK, 0)
        # Whatever start-up made stays for good: no collection needs to look at it again, and calls
        # make no cycles that would have to be found soon.
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 50)
        return {
            "admin": f"http://{LOOPBACK}:{admin.port}",
            "ports": {name: port for name, (_, port) in ports.items()},
            "pid": os.getpid(),
        }

    async def _listen(
        self, loop: asyncio.AbstractEventLoop, site: Any, host: str, port: int
    ) -> int:
        server = await loop.create_server(
            lambda: Connection(site, loop), host, port, backlog=1024, reuse_address=True
        )
        self._servers.append(server)
        found: int = server.sockets[0].getsockname()[1]
        return found

    def close(self) -> None:
        """Stop listening; calls that are still due are written down as unfinished."""
        for server in self._servers:
            server.close()
        for stub in self._stubs.values():
            for connection in list(stub.connections):
                connection.abandon()
            stub.close()


async def _serve(configuration: Configuration, ready: int, lifeline: int) -> None:
    server = Server(configuration)
    facts = await server.start()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if lifeline >= 0:
        loop.add_reader(lifeline, ended.set)
    os.write(ready, json.dumps(facts).encode() + b"\n")
    if ready > 2:
        os.close(ready)
    await ended.wait()
    server.close()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where it is installed, else on asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m avow.stubs.server", description=__doc__)
    parser.add_argument("configuration", type=Path, help="JSON, see Configuration")
    parser.add_argument("--ready", type=int, default=1, help="descriptor for the line of facts")
    parser.add_argument(
        "--lifeline", type=int, default=-1, help="descriptor that closes at the end"
    )
    given = parser.parse_args(arguments)
    try:
        raw = given.configuration.read_bytes()
        configuration = msgspec.json.decode(raw, type=Configuration)
        with contextlib.suppress(KeyboardInterrupt):
            run(_serve(configuration, given.ready, given.lifeline))
    except (AvowError, OSError, msgspec.MsgspecError) as error:
        print(f"stubs: {error}", file=sys.stderr)  # noqa: T201 - the log of this process
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""What the processes without HTTP of their own have in common: arguments, SIGTERM, start."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Callable

import psycopg

from shop import health
from shop.logs import Log
from shop.migrate import migrate
from shop.settings import Settings


def run(
    name: str, work: Callable[[Settings, Log, threading.Event, dict[str, health.Check]], None]
) -> None:
    """Bring the schema up, then `work` until SIGTERM or SIGINT sets the event it is given.

    `work` adds its checks to the dictionary it is given; /health answers 503 until `ready` holds.
    """
    arguments = argparse.ArgumentParser(prog=f"python -m shop.{name}")
    arguments.add_argument("--health-port", type=int, default=0, help="serve GET /health here")
    options = arguments.parse_args()
    settings, log, stop = Settings.from_environment(), Log(name), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    checks: dict[str, health.Check] = {"ready": lambda: False}
    health.serve(options.health_port, checks)
    try:
        migrate(settings.database_url)
        log.info("started")
        work(settings, log, stop, checks)
    except psycopg.OperationalError as error:
        # Nothing is lost by it: whoever supervises this process starts it again.
        log.error("lost the database", error=str(error).strip())
        raise SystemExit(1) from None
    log.info("stopped")

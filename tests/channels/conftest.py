from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.channels.helpers import Definition, context
from tests.channels.misbehaving import Behaviour, Misbehaving

from avow import config
from avow.channels.http import HttpChannel
from avow.config import Settings
from avow.core.ledger import Ledger
from avow.processes import Journal
from avow.services.stack import Stack

SUITE = """
    [suite]
    name = "shop"

    [services.db]
    kind = "postgres"
    extensions = ["vector"]

    [services.orders]
    kind = "kafka"
    topics = ["orders", "orders.dead-letter"]

    [services.receipts]
    kind = "s3"
    buckets = ["receipts"]

    [services.mail]
    kind = "smtp"

    [services.sessions]
    kind = "redis"
"""


@dataclass(frozen=True)
class Running:
    """Embedded services, and channels to them."""

    settings: Settings
    facts: dict[str, dict[str, str]]


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One stack of every embedded service for all tests of a process."""
    root = tmp_path_factory.mktemp("suite")
    (root / "avow.toml").write_text(textwrap.dedent(SUITE))
    settings = config.load(root, environ={})
    journal = Journal(root / "journal.jsonl")
    stack = Stack.start(settings, run_dir=root / "run", journal=journal)
    yield Running(settings, stack.facts)
    stack.stop()
    journal.close()


@pytest.fixture
def channel(running: Running) -> Iterator[Callable[..., Any]]:
    """Return a channel to one of the running services, open and with a ledger of its own."""
    made: list[Any] = []

    def make(name: str, kind: type[Any], **options: Any) -> Any:
        call = options.pop("call", 10.0)
        provider = options.pop("provider", "embedded")
        definition = running.settings.services[name]
        merged = {
            key: getattr(definition.settings, key) for key in definition.settings.__struct_fields__
        } | options
        stated = Definition(name, definition.kind, provider, (), merged)
        made.append(kind(name, running.facts[name], stated, Ledger(), context(call=call)))
        made[-1].open()
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def server() -> Iterator[Callable[..., Misbehaving]]:
    """Start a server that behaves as told."""
    started: list[Misbehaving] = []

    def start(*behaviours: Behaviour, **options: Any) -> Misbehaving:
        started.append(Misbehaving(list(behaviours), **options))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def shop() -> Iterator[Callable[..., HttpChannel]]:
    """Return an HTTP channel to a server."""
    made: list[HttpChannel] = []

    def make(url: str, **options: Any) -> HttpChannel:
        secrets = options.pop("secrets", ())
        settings = options.pop("settings", {})
        definition = Definition(secrets=secrets, settings=settings)
        made.append(HttpChannel("shop", {"url": url}, definition, Ledger(), context(**options)))
        return made[-1]

    yield make
    for each in made:
        each.close()

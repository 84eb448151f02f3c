from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from avow import config
from avow.channels.base import ChannelContext
from avow.channels.database import PostgresChannel
from avow.config import GuardSettings
from avow.core.ledger import Ledger
from avow.core.secrets import Redactor
from avow.guards import Guards
from avow.isolation.database import DatabasePart
from avow.processes import Journal
from avow.services.stack import Stack

SUITE = """
    [suite]
    name = "shop"

    [services.db]
    kind = "postgres"

    [services.orders]
    kind = "kafka"
    topics = ["orders"]

    [services.receipts]
    kind = "s3"
    buckets = ["receipts"]

    [services.sessions]
    kind = "redis"

    [services.bank]
    kind = "stub"
"""


@pytest.fixture(scope="session")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, str]]]:
    root = tmp_path_factory.mktemp("suite")
    (root / "avow.toml").write_text(textwrap.dedent(SUITE))
    settings = config.load(root, environ={})
    journal = Journal(root / "journal.jsonl")
    stack = Stack.start(settings, run_dir=root / "run", journal=journal)
    yield stack.facts
    stack.stop()
    journal.close()


def context(call: float = 10.0) -> ChannelContext:
    guards = Guards(GuardSettings(), Path.cwd())
    return ChannelContext(guards, SimpleNamespace(call=timedelta(seconds=call)), Redactor())


@dataclass(frozen=True)
class Definition:
    name: str
    kind: str
    provider: str | None = "embedded"
    secrets: tuple[str, ...] = ()
    settings: Any = field(default_factory=dict)


@dataclass
class Database:
    """A database of one test: `system` is a connection as the system under test has one."""

    url: str
    system: psycopg.Connection[Any]
    part: DatabasePart
    channel: PostgresChannel

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.system.execute(sql.encode()).fetchall()

    def run(self, sql: str) -> None:
        self.system.execute(sql.encode())


@pytest.fixture
def database(facts: dict[str, dict[str, str]]) -> Iterator[Database]:
    """An empty database; a test creates its tables, then prepares `part`."""
    name = f"test_{uuid4().hex[:8]}"
    with psycopg.connect(facts["db"]["url"], autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
        url = facts["db"]["url"].rpartition("/")[0] + f"/{name}"
        channel = PostgresChannel(
            "db", {"url": url}, Definition("db", "postgres"), Ledger(), context()
        )
        with psycopg.connect(url, autocommit=True, application_name="shop-api") as system:
            part = DatabasePart(channel)
            yield Database(url, system, part, channel)
            part.close()
            channel.close()
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

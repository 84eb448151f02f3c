"""What a clean database costs a scenario that touches 5 of 30 tables with 2000 rows.

Beside it: the same statements unmarked, TRUNCATE and reseed of all tables, and a database made
from a template, on the same server in the same run.

    python -m benches.isolation [scenarios]
"""

from __future__ import annotations

import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg

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
from benches.rows import Row, Times, milliseconds

TABLES, ROWS, TOUCHED = 30, 2000, 5


def schema() -> str:
    made = []
    per_table = ROWS // TABLES
    for number in range(TABLES):
        parent = f"REFERENCES t{number - 1} ON DELETE CASCADE" if number % 5 else ""
        made.append(
            f"CREATE TABLE t{number} (id serial PRIMARY KEY, parent int {parent}, name text,"
            f" amount numeric(10,2), meta jsonb, at timestamptz DEFAULT now());"
            f"CREATE INDEX ON t{number} (name);"
            f"INSERT INTO t{number} (parent, name, amount, meta) SELECT n, 'name ' || n, n,"
            f" '{{\"a\": 1}}' FROM generate_series(1, {per_table}) n;"
        )
    return "".join(made)


def scenario(number: int) -> str:
    """Return what a system does in a scenario: a few writes to 5 tables."""
    first = number % (TABLES // TOUCHED) * TOUCHED
    return "".join(
        f"INSERT INTO t{n} (parent, name) VALUES (1, 'new'); UPDATE t{n} SET amount = amount + 1"
        f" WHERE id = 2; DELETE FROM t{n} WHERE id = 60;"
        for n in range(first, first + TOUCHED)
    )


def main(scenarios: int = 1000) -> list[Row]:
    shown = Times()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "avow.toml").write_text(
            '[suite]\nname = "bench"\n[services.db]\nkind = "postgres"\n'
        )
        settings = config.load(root, environ={})
        journal = Journal(root / "journal.jsonl")
        stack = Stack.start(settings, run_dir=root / "run", journal=journal)
        try:
            measure(shown, settings.services["db"], stack.facts["db"], scenarios)
        finally:
            stack.stop()
            journal.close()
    return shown.rows


def measure(shown: Times, definition: Any, facts: dict[str, str], scenarios: int) -> None:
    system = psycopg.connect(facts["url"], autocommit=True)
    system.execute(schema().encode())
    timeouts = SimpleNamespace(call=timedelta(seconds=10))
    context = ChannelContext(Guards(GuardSettings(), Path.cwd()), timeouts, Redactor())
    plain = [milliseconds(lambda n=n: system.execute(scenario(n).encode())) for n in range(200)]
    part = DatabasePart(PostgresChannel("db", facts, definition, Ledger(), context))
    prepare = milliseconds(part.prepare)
    shown(f"baseline of {TABLES} tables with {ROWS} rows", [prepare])
    marked, restored, nothing = [], [], []
    for number in range(scenarios):
        marked.append(milliseconds(lambda n=number: system.execute(scenario(n).encode())))
        restored.append(milliseconds(part.restore))
        nothing.append(milliseconds(part.start))
    shown("scenario's own 15 statements, unmarked", plain)
    shown("scenario's own 15 statements, marked", marked)
    shown(f"restore after it, {TOUCHED} tables touched", restored, "<= 5")
    shown(f"  the first {min(100, scenarios)} of them", restored[:100])
    shown(f"  the last {min(100, scenarios)} of them", restored[-100:])
    shown("check at the next start, nothing to do", nothing)
    everything = "TRUNCATE " + ", ".join(f"t{n}" for n in range(TABLES)) + ";"
    copies = dict(
        system.execute(
            "SELECT c.relname, 'avow_baseline.t_' || c.oid FROM pg_class c"
            " WHERE c.relkind = 'r' AND c.relname ~ '^t[0-9]+$'"
        ).fetchall()
    )
    seeds = "SET session_replication_role = replica;" + "".join(
        f"INSERT INTO {name} SELECT * FROM {copy};" for name, copy in copies.items()
    )
    reseed = f"BEGIN;{everything}{seeds}COMMIT; RESET session_replication_role;"
    shown("TRUNCATE and reseed of all", [
        milliseconds(lambda: system.execute(reseed.encode())) for _ in range(20)
    ])  # fmt: skip
    part.close()
    system.close()
    with psycopg.connect(facts["url"].rpartition("/")[0] + "/postgres", autocommit=True) as server:

        def template() -> None:
            server.execute(
                f"CREATE DATABASE copy TEMPLATE {facts['name']} STRATEGY file_copy".encode()
            )
            server.execute(b"DROP DATABASE copy")

        shown(
            "CREATE DATABASE from a template, and DROP", [milliseconds(template) for _ in range(20)]
        )


if __name__ == "__main__":
    for row in main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000):
        print(row)

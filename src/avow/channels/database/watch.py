"""Watched tables: every change of a row by the system, in the order in which they happened.

    INSERT/UPDATE/DELETE --row trigger--> avow_watch.changes --collect--> rows.changed

Reading removes what it reads: transactions commit in another order than they number their changes,
so a position would lose those of a transaction that takes its time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from avow.channels.database.catalog import Table

#: A session of avow itself says so; its changes are acts.
ACTING = "avow.acting"

_INSTALL = f"""
CREATE SCHEMA IF NOT EXISTS avow_watch;
CREATE UNLOGGED TABLE IF NOT EXISTS avow_watch.changes (
  id bigserial, at timestamptz DEFAULT clock_timestamp(), transaction text, relation text,
  before jsonb, after jsonb);
CREATE OR REPLACE FUNCTION avow_watch.changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' AS $$
BEGIN
  IF current_setting('{ACTING}', true) IS DISTINCT FROM 'on' THEN
    INSERT INTO avow_watch.changes (transaction, relation, before, after)
    VALUES (pg_current_xact_id()::text, TG_ARGV[0],
            CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
            CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
  END IF;
  RETURN NULL;
END $$;
GRANT USAGE ON SCHEMA avow_watch TO PUBLIC;
"""

_TAKE = """
WITH taken AS (DELETE FROM avow_watch.changes RETURNING *)
SELECT id, extract(epoch FROM at)::float8, transaction, relation, before, after
FROM taken ORDER BY id
"""


@dataclass(slots=True)
class Change:
    """What one transaction did to one table."""

    table: str
    at: float
    before: list[dict[str, Any]] = field(default_factory=list)
    after: list[dict[str, Any]] = field(default_factory=list)

    @property
    def summary(self) -> str:
        parts = []
        for count, word in (
            (len(self.after) - len(self.before), "inserted"),
            (min(len(self.before), len(self.after)), "updated"),
            (len(self.before) - len(self.after), "deleted"),
        ):
            if count > 0:
                parts.append(f"{count} {word}")
        return f"{self.table}: {', '.join(parts)}"


def install(tables: Iterable[Table]) -> str:
    """Return the statements that watch the tables, whatever was watched before."""
    statements = [_INSTALL]
    for table in tables:
        name = table.name.replace("'", "''")
        statements.append(
            f"CREATE OR REPLACE TRIGGER avow_watch AFTER INSERT OR UPDATE OR DELETE "
            f"ON {table.quoted} FOR EACH ROW EXECUTE FUNCTION avow_watch.changed('{name}');"
        )
    return "\n".join(statements)


def take_statement() -> str:
    return _TAKE


def grouped(rows: Iterable[tuple[Any, ...]]) -> list[Change]:
    """Return changes by transaction and table, oldest first."""
    changes: dict[tuple[str, str], Change] = {}
    for _, at, transaction, table, before, after in rows:
        change = changes.setdefault((transaction, table), Change(table, at))
        if before is not None:
            change.before.append(before)
        if after is not None:
            change.after.append(after)
    return list(changes.values())

"""What tables and columns there are, so that a wrong name gets the nearest right one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from avow.core.errors import SuiteError, did_you_mean

_COLUMNS = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, NULL), a.attgenerated <> '',
       coalesce(a.attnum = ANY (i.indkey::int2[]), false), t.typcategory = 'A',
       n.nspname = ANY (current_schemas(false))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^(pg_|avow_)'
ORDER BY n.nspname, c.relname, a.attnum
"""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str
    is_array: bool = False
    is_generated: bool = False
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view; `columns` in their order."""

    schema: str
    name: str
    columns: Mapping[str, Column]

    @property
    def quoted(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def key(self) -> list[str]:
        return [column.name for column in self.columns.values() if column.is_key]

    def column(self, name: str) -> Column:
        """Return a column; raises SuiteError, with the nearest name, where there is none."""
        found = self.columns.get(name) or self.columns.get(name.lower())
        if found is None:
            raise SuiteError(
                f'table "{self.name}" has no column "{name}"',
                advice=did_you_mean(name, self.columns, what=f"in {self.name}"),
            )
        return found


class Catalog:
    """All tables of a database that a suite may see."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._tables: dict[str, Table] = {}
        self._short: dict[str, Table] = {}
        columns: dict[tuple[str, str, bool], dict[str, Column]] = {}
        for schema, table, name, kind, generated, key, array, in_path in rows:
            found = columns.setdefault((schema, table, in_path), {})
            found[name] = Column(name, kind, array, generated, key)
        for (schema, name, in_path), each in columns.items():
            table = Table(schema, name, each)
            self._tables[f"{schema}.{name}"] = table
            if in_path or name not in self._short:
                self._short[name] = table

    @staticmethod
    def query() -> str:
        return _COLUMNS

    def find(self, name: str) -> Table | None:
        for known in (name, name.lower()):
            found = self._tables.get(known) or self._short.get(known)
            if found is not None:
                return found
        return None

    def unknown(self, name: str, database: str) -> SuiteError:
        """Return the error for a table that is not there."""
        return SuiteError(
            f'"{database}" has no table "{name}"',
            advice=did_you_mean(name, self._short, what="there"),
        )


def quoted(name: str) -> str:
    """Return an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'

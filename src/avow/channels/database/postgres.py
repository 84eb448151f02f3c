"""PostgreSQL by psycopg 3: looks on a connection that cannot write, acts on one that says it is
avow's.

    rows, query, count --look--> reader (read only, autocommit)
    insert, update, delete, execute --act--> writer
    collect <-- what watched tables went through (watch.py)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from avow.channels.base import ChannelBase, ChannelContext
from avow.channels.database import watch
from avow.channels.database.catalog import Catalog, Column, Table, quoted
from avow.channels.database.trouble import translated
from avow.channels.database.values import parameter, plain, vector
from avow.core.entries import Entry
from avow.core.errors import ConfigError, SuiteError
from avow.core.ledger import Observed
from avow.core.text import plural, shortened
from avow.plugins.extras import require

if TYPE_CHECKING:
    import psycopg

Row = Mapping[str, Any]

#: More rows than anybody reads in a report; a look that hits it says so.
_MOST_ROWS = 10_000


class PostgresChannel(ChannelBase):
    """One database. Values are JSON-ready; names that do not exist get the nearest that do."""

    is_source: ClassVar[bool] = True
    resumes: ClassVar[bool] = True

    def prepare(self) -> None:
        self.watched: tuple[str, ...] = tuple(self.setting("watch", ()))
        self._library: Any = None
        self._connections: dict[str, psycopg.Connection[Any]] = {}
        self._catalog: Catalog | None = None
        self._watching = False

    # -- life

    def open(self) -> None:
        """Connect, and watch the tables that `watch` names."""
        self._connection("reader")
        self._watch()

    def start_scenario(self) -> None:
        """Changes up to now are none of the next scenario's business."""
        if self.watched:
            self._watch()
            self._changes()

    def close(self) -> None:
        connections, self._connections = self._connections, {}
        for connection in connections.values():
            connection.close()

    # -- looks

    def rows(self, table: str, where: Row | None = None, order: str | None = None) -> Entry:
        """Look at the rows whose columns equal `where`, by primary key or the column `order`."""
        question = {"table": table, "where": _asked(where), "order": order}

        def perform() -> Observed:
            found = self._table(table)
            condition, values = _condition(found, where or {})
            by = [found.column(order).name] if order else found.key
            ordering = f" ORDER BY {', '.join(map(quoted, by))}" if by else ""
            sql = f"SELECT * FROM {found.quoted}{condition}{ordering} LIMIT {_MOST_ROWS}"
            columns, rows = self._select(sql, values)
            data = {"table": table, "columns": columns, "rows": rows}
            return Observed(f"{table}: {plural(len(rows), 'row')}", data)

        return self.ledger.look("rows.seen", self.name, question, perform)

    def count(self, table: str, where: Row | None = None) -> Entry:
        """Look at how many rows there are; `data.count` says it."""
        question = {"table": table, "where": _asked(where), "count": True}

        def perform() -> Observed:
            found = self._table(table)
            condition, values = _condition(found, where or {})
            _, rows = self._select(f"SELECT count(*) FROM {found.quoted}{condition}", values)
            count = rows[0]["count"]
            data = {"table": table, "columns": ["count"], "rows": rows, "count": count}
            return Observed(f"{table}: {plural(count, 'row')}", data)

        return self.ledger.look("rows.seen", self.name, question, perform)

    def query(self, sql: str) -> Entry:
        """Look at what one SQL query returns; it cannot change anything."""

        def perform() -> Observed:
            columns, rows = self._select(sql, None)
            data = {"sql": sql, "columns": columns, "rows": rows}
            return Observed(f"{shortened(sql, 60)}: {plural(len(rows), 'row')}", data)

        return self.ledger.look("rows.seen", self.name, {"sql": sql}, perform)

    # -- acts

    def insert(self, table: str, rows: Iterable[Row]) -> Entry:
        """Insert rows, all or none; what the database made of them is in `data.after`."""
        given = [dict(row) for row in rows]

        def perform() -> Observed:
            found = self._table(table)
            after: list[dict[str, Any]] = []

            def work(connection: psycopg.Connection[Any]) -> None:
                for row in given:
                    columns = [found.column(name) for name in row]
                    sql = _insert(found, columns)
                    values = _values(columns, row.values())
                    after.extend(_fetched(connection.execute(sql, values))[1])

            self._write(f"INSERT INTO {table}", work)
            data = {"table": table, "before": [], "after": after}
            return Observed(f"{table}: {len(after)} inserted", data)

        question = {"table": table, "insert": [_asked(row) for row in given]}
        return self.ledger.act("rows.changed", self.name, question, perform)

    def update(self, table: str, change: Row, where: Row | None = None) -> Entry:
        """Change columns of the rows that equal `where`."""

        def perform() -> Observed:
            found = self._table(table)
            columns = [found.column(name) for name in change]
            condition, values = _condition(found, where or {})
            assigned = ", ".join(f"{quoted(column.name)} = %s" for column in columns)
            sql = f"UPDATE {found.quoted} SET {assigned}{condition} RETURNING *"
            return self._changed(table, sql, _values(columns, change.values()) + values, found)

        question = {"table": table, "set": _asked(change), "where": _asked(where)}
        return self.ledger.act("rows.changed", self.name, question, perform)

    def delete(self, table: str, where: Row | None = None) -> Entry:
        """Delete the rows that equal `where`; all of them without one."""

        def perform() -> Observed:
            found = self._table(table)
            condition, values = _condition(found, where or {})
            sql = f"DELETE FROM {found.quoted}{condition} RETURNING *"
            return self._changed(table, sql, values, found, is_delete=True)

        question = {"table": table, "delete": _asked(where)}
        return self.ledger.act("rows.changed", self.name, question, perform)

    def execute(self, sql: str, parameters: Sequence[Any] | None = None) -> Entry:
        """Run SQL, several statements too where there are no parameters; all or none."""
        values = None if parameters is None else list(parameters)

        def perform() -> Observed:
            count = 0

            def work(connection: psycopg.Connection[Any]) -> None:
                nonlocal count
                count = max(connection.execute(sql.encode(), values).rowcount, 0)

            self._write(sql, work)
            self._catalog = None  # it may have created something
            data = {"sql": sql, "parameters": plain(values), "count": count}
            return Observed(f"{shortened(sql, 60)}: {plural(count, 'row')}", data)

        return self.ledger.act("rows.changed", self.name, {"sql": sql}, perform)

    def _changed(
        self, table: str, sql: str, values: list[Any], found: Table, *, is_delete: bool = False
    ) -> Observed:
        rows: list[dict[str, Any]] = []

        def work(connection: psycopg.Connection[Any]) -> None:
            rows.extend(_fetched(connection.execute(sql.encode(), values))[1])

        self._write(sql, work)
        word = "deleted" if is_delete else "updated"
        data = {
            "table": found.name,
            "before": rows if is_delete else [],
            "after": [] if is_delete else rows,
            "count": len(rows),
        }
        return Observed(f"{table}: {len(rows)} {word}", data)

    # -- effects

    def collect(self) -> None:
        """Write the committed changes of watched tables."""
        if self.watched:
            self.ledger.collect(self.name, self._collect)

    def _collect(self) -> None:
        now, utc = time.monotonic(), time.time()
        for change in self._changes():
            self.ledger.effect(
                "rows.changed",
                self.name,
                change.summary,
                {"table": change.table, "before": change.before, "after": change.after},
                started=now - max(utc - change.at, 0.0),
                at=change.at,
            )

    def _changes(self) -> list[watch.Change]:
        taken: list[watch.Change] = []

        def work(connection: psycopg.Connection[Any]) -> None:
            cursor = connection.execute(watch.take_statement().encode())
            taken.extend(watch.grouped(cursor.fetchall()))

        self._write("reading watched tables", work)
        return taken

    def _watch(self) -> None:
        if self._watching or not self.watched:
            return
        if not self.is_owned:
            raise ConfigError(
                "watch needs triggers in the database, and this one is not the suite's own",
                where=f"[services.{self.name}] watch",
                advice='Watch tables of an embedded database, or ask with "rows" steps.',
            )
        tables = [self._table(name) for name in self.watched]
        statements = watch.install(tables)
        self._write("watching", lambda connection: connection.execute(statements.encode()))
        self._watching = True

    # -- underneath

    def _table(self, name: str) -> Table:
        """Return a table; looks again where it is not known, as the system may have created it."""
        found = None if self._catalog is None else self._catalog.find(name)
        if found is None:
            cursor = self._run("reader", Catalog.query(), None)
            self._catalog = Catalog(cursor.fetchall())
            found = self._catalog.find(name)
            if found is None:
                raise self._catalog.unknown(name, self.name)
        return found

    def _select(self, sql: str, values: list[Any] | None) -> tuple[list[str], list[dict[str, Any]]]:
        cursor = self._run("reader", sql, values)
        if cursor.description is None:
            raise SuiteError(
                f"this returns no rows: {shortened(sql)}",
                where=f'"{self.name}"',
                advice="A look is a SELECT; change things in a Given or When step.",
            )
        return _fetched(cursor)

    def _run(self, which: str, sql: str, values: list[Any] | None) -> psycopg.Cursor[Any]:
        """Run one statement; a look whose connection had been lost runs once more."""
        for attempt in (1, 2):
            connection = self._connection(which)
            try:
                # Preparing allows one statement only: "SELECT 1; DROP TABLE x" is none.
                return connection.execute(sql.encode(), values, prepare=values is None)
            except self._library.Error as error:
                if connection.closed and attempt == 1:
                    continue
                if error.sqlstate in ("42P01", "42703", "0A000"):
                    self._catalog = None  # the system changed its tables
                raise self._translated(error, sql) from None
        raise AssertionError  # pragma: no cover - the second attempt returns or raises

    def _write(self, sql: str, work: Callable[[psycopg.Connection[Any]], object]) -> None:
        connection = self._connection("writer")
        try:
            with connection.transaction():
                work(connection)
        except self._library.Error as error:
            raise self._translated(error, sql) from None

    def _translated(self, error: psycopg.Error, sql: str) -> Exception:
        where = f'database "{self.name}"'
        return translated(error, where=where, sql=sql, seconds=self.context.call_seconds)

    def _connection(self, which: str) -> psycopg.Connection[Any]:
        connection = self._connections.get(which)
        if connection is None or connection.closed:
            acting = which == "writer"
            connection = connect(self.name, self.facts, self.context, self.is_owned, acting=acting)
            self._library = require("psycopg", "postgres", f'database "{self.name}"')
            self._connections[which] = connection
        return connection


def connect(
    name: str, facts: Mapping[str, str], context: ChannelContext, owned: bool, *, acting: bool
) -> psycopg.Connection[Any]:
    """Return a connection of avow's own: guarded, bounded in time, reading JSON-ready values.

    Without `acting` it cannot write. Statements end after `[timeouts] call`.
    """
    library = require("psycopg", "postgres", f'database "{name}"')
    conninfo = library.conninfo.conninfo_to_dict(facts.get("url", ""))
    where = f'service "{name}"'
    database = str(conninfo.get("dbname") or facts.get("name", ""))
    context.guards.database(database, owned, where=where)
    host, port = str(conninfo.get("host") or "127.0.0.1"), int(conninfo.get("port") or 5432)
    milliseconds = int(context.call_seconds * 1000)
    options = {
        "application_name": "avow",
        "TimeZone": "UTC",
        "IntervalStyle": "iso_8601",
        "statement_timeout": str(milliseconds),
        watch.ACTING if acting else "default_transaction_read_only": "on",
    }
    extra: dict[str, Any] = {}
    if not host.startswith("/"):
        # libpq connects to hostaddr and checks certificates against host.
        extra["hostaddr"] = context.guards.address(host, port, where=where)
    try:
        connection: psycopg.Connection[Any] = library.connect(
            **{**conninfo, "host": host, "port": port, **extra},
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=max(int(context.call_seconds), 2),
            options=" ".join(f"-c {key}={value}" for key, value in options.items()),
        )
    except library.Error as error:
        raise translated(error, where=where) from None
    _load_plainly(connection)
    return connection


def _load_plainly(connection: psycopg.Connection[Any]) -> None:
    from psycopg.adapt import Loader
    from psycopg.types import TypeInfo
    from psycopg.types.string import TextLoader

    # Python has no intervals with months; the server's ISO 8601 text says them all.
    connection.adapters.register_loader("interval", TextLoader)

    class VectorLoader(Loader):
        def load(self, data: bytes | bytearray | memoryview) -> Any:
            return vector(bytes(data).decode())

    info = TypeInfo.fetch(connection, "vector")
    if info is not None:
        connection.adapters.register_loader(info.oid, VectorLoader)


def _fetched(cursor: psycopg.Cursor[Any]) -> tuple[list[str], list[dict[str, Any]]]:
    columns = [column.name for column in cursor.description or ()]
    rows = [dict(zip(columns, map(plain, row), strict=True)) for row in cursor.fetchall()]
    return columns, rows


def _asked(row: Row | None) -> dict[str, Any]:
    return {name: plain(value) for name, value in (row or {}).items()}


def _values(columns: list[Column], values: Iterable[Any]) -> list[Any]:
    return [
        parameter(value, column.is_array) for column, value in zip(columns, values, strict=True)
    ]


def _insert(table: Table, columns: list[Column]) -> bytes:
    names = ", ".join(quoted(column.name) for column in columns)
    if not columns:
        return f"INSERT INTO {table.quoted} DEFAULT VALUES RETURNING *".encode()
    marks = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {table.quoted} ({names}) VALUES ({marks}) RETURNING *".encode()


def _condition(table: Table, where: Row) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    for name, value in where.items():
        column = table.column(name)
        place = quoted(column.name)
        if value is None:
            parts.append(f"{place} IS NULL")
            continue
        if column.type == "json":
            # json has no equality of its own.
            parts.append(f"{place}::jsonb = %s::jsonb")
        else:
            parts.append(f"{place} = %s")
        values.append(parameter(value, column.is_array))
    return (f" WHERE {' AND '.join(parts)}" if parts else ""), values

"""A clean database for every scenario, for the price of what the last one touched.

    baseline:  each table --copy--> avow_baseline.t_<oid>      (once, when the stack is up)
    scenario:  system's statements --statement trigger--> a counter per table
    restore:   tables whose counter moved: wait for their writers, delete what is not in the copy,
               insert what is missing

The system commits on connections of its own, so no transaction can be rolled back for it. The marks
are sequences, not rows: a sequence is outside of transactions, so marking makes nobody wait, makes
no serializable transaction fail, and also marks what was rolled back, which costs nothing.

Sequences are left where they are: ids that never come twice tell the effects of one scenario from
those of another (late.py), and a system that relies on the next id is wrong anyway.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from avow.channels.database import PostgresChannel
from avow.channels.database.catalog import quoted
from avow.channels.database.postgres import connect
from avow.channels.database.trouble import translated
from avow.core.errors import AvowError, EnvironmentProblem
from avow.core.text import shortened
from avow.core.waiting import Deadline, pause_for
from avow.plugins.extras import require

if TYPE_CHECKING:
    import psycopg

SCHEMA = "avow_baseline"

#: Less than PostgreSQL's deadlock_timeout (1 s): avow gives way before a deadlock is found, so that
#: the transaction that is ended is never one of the system's.
_LOCK_MS = 300
#: How long a restore waits for the system to end its transactions, all attempts together.
_PATIENCE = 3.0

_TABLES = """
SELECT c.oid::int8, n.nspname, c.relname, c.relkind = 'p',
       coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   AND a.attgenerated = ''), '{}'),
       coalesce((SELECT array_agg(a.attname::text) FROM pg_index i
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
                 WHERE i.indrelid = c.oid AND i.indisprimary), '{}'),
       coalesce((SELECT array_agg(inhparent::int8) FROM pg_inherits WHERE inhrelid = c.oid), '{}'),
       c.relispartition,
       (SELECT string_agg(format('%s %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', '
                          ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^(pg_|avow_)'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'
                  AND d.classid = 'pg_class'::regclass)
ORDER BY c.oid
"""

_PREPARE = f"""
DROP EVENT TRIGGER IF EXISTS avow_defined;
DROP EVENT TRIGGER IF EXISTS avow_dropped;
DROP SCHEMA IF EXISTS {SCHEMA} CASCADE;
CREATE SCHEMA {SCHEMA};
CREATE TABLE {SCHEMA}.marks (relid oid, counter regclass);
CREATE FUNCTION {SCHEMA}.touched() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  PERFORM nextval(TG_ARGV[0]::oid::regclass);
  RETURN NULL;
END $$;
CREATE UNLOGGED SEQUENCE {SCHEMA}.definitions;
CREATE FUNCTION {SCHEMA}.defined() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  PERFORM nextval('{SCHEMA}.definitions');
END $$;
INSERT INTO {SCHEMA}.marks VALUES (0, '{SCHEMA}.definitions');
"""

_DEFINITIONS = f"""
CREATE EVENT TRIGGER avow_defined ON ddl_command_end EXECUTE FUNCTION {SCHEMA}.defined();
CREATE EVENT TRIGGER avow_dropped ON sql_drop EXECUTE FUNCTION {SCHEMA}.defined();
"""

_MARKS = f"SELECT relid::int8, pg_sequence_last_value(counter) FROM {SCHEMA}.marks"

_WHO = """
SELECT a.pid, a.application_name, a.state, extract(epoch FROM clock_timestamp() - a.xact_start),
       a.query
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.relation = ANY (%s::oid[]) AND l.granted AND a.pid <> pg_backend_pid()
  AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
ORDER BY a.xact_start LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A table as it was when the run began."""

    oid: int
    schema: str
    name: str
    is_parent: bool
    columns: tuple[str, ...]
    key: tuple[str, ...]
    parents: tuple[int, ...]
    is_partition: bool
    shape: str

    @property
    def quoted(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def only(self) -> str:
        """The table as a statement names its own rows: a partitioned one has none of its own."""
        return self.quoted if self.is_parent else f"ONLY {self.quoted}"

    @property
    def copy(self) -> str:
        return f"{SCHEMA}.t_{self.oid}"

    def keep(self) -> str:
        """Return the statements that copy the table and mark its changes."""
        counter = f"{SCHEMA}.m_{self.oid}"
        statements = [
            f"CREATE UNLOGGED SEQUENCE {counter};",
            f"INSERT INTO {SCHEMA}.marks VALUES ({self.oid}, '{counter}');",
            "DO $$ BEGIN EXECUTE format('CREATE OR REPLACE TRIGGER avow_touched AFTER INSERT OR "
            f"UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION "
            f"{SCHEMA}.touched(%L)', {self.oid}::regclass, '{counter}'::regclass::oid); END $$;",
        ]
        if not self.is_partition:
            statements.append(f"CREATE UNLOGGED TABLE {self.copy} AS SELECT * FROM {self.only};")
            if self.key:
                columns = ", ".join(map(quoted, self.key))
                statements.append(f"CREATE INDEX ON {self.copy} ({columns});")
            statements.append(f"ANALYZE {self.copy};")
        return "\n".join(statements)

    def restore(self) -> str:
        """Return the statements that make the table what it was; locks are held."""
        columns = ", ".join(map(quoted, self.columns))
        values = ", ".join(f"b.{quoted(column)}" for column in self.columns)
        put = f"INSERT INTO {self.quoted} ({columns}) OVERRIDING SYSTEM VALUE " if columns else ""
        if not columns:
            put = f"INSERT INTO {self.quoted} "
        if not self.key:
            return f"DELETE FROM {self.only};\n{put}SELECT {values} FROM {self.copy} b;"
        same = " AND ".join(f"b.{quoted(name)} = t.{quoted(name)}" for name in self.key)
        # *= compares the stored bytes of whole rows: json, which has no equality, has them too.
        return (
            f"DELETE FROM {self.only} t WHERE NOT EXISTS "
            f"(SELECT FROM {self.copy} b WHERE {same} AND b.* *= t.*);\n"
            f"{put}SELECT {values} FROM {self.copy} b WHERE NOT EXISTS "
            f"(SELECT FROM {self.only} t WHERE {same});"
        )


class DatabasePart:
    """The rows of one database."""

    def __init__(self, channel: PostgresChannel) -> None:
        self.name = channel.name
        self._channel = channel
        self._connection: psycopg.Connection[Any] | None = None
        self._library: Any = None
        self._kept: dict[int, Kept] = {}
        self._children: dict[int, list[int]] = {}
        #: The counters as of the last restore.
        self._seen: dict[int, int | None] = {}

    def prepare(self) -> str:
        """Take the baseline; return why not, where the database cannot be restored."""
        channel = self._channel
        if not channel.is_owned and not channel.setting("isolate", False):
            return "it is attached, not the suite's own: its rows stay as scenarios leave them"
        connection = self._open()
        try:
            superuser = connection.execute("SHOW is_superuser").fetchone()
            if superuser is None or superuser[0] != "on":
                return "its user is no superuser, so foreign keys cannot be put aside for a restore"
            connection.execute(_PREPARE.encode())
            self._kept = self._tables(connection)
            with connection.transaction():
                connection.execute("\n".join(t.keep() for t in self._kept.values()).encode())
            connection.execute(_DEFINITIONS.encode())
            self._seen = self._marks(connection)
        except self._library.Error as error:
            raise self._translated(error) from None
        self._children = {}
        for table in self._kept.values():
            for parent in table.parents:
                self._children.setdefault(parent, []).append(table.oid)
        return ""

    def start(self) -> None:
        """Restore what was written after the end of the last scenario."""
        self.restore()

    def restore(self) -> None:
        """Make the touched tables what they were; raises EnvironmentProblem where that fails."""
        if not self._seen:
            return
        for attempt in (1, 2):
            connection = self._open()
            try:
                self._restore(connection)
            except self._library.Error as error:
                if connection.closed and attempt == 1:
                    continue  # the system, or a scenario's fault, ended our connection
                raise self._translated(error) from None
            return

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    # -- how

    def _restore(self, connection: psycopg.Connection[Any]) -> None:
        marks = self._marks(connection)
        if marks == self._seen:
            return
        touched = {oid for oid, mark in marks.items() if mark != self._seen.get(oid)}
        if 0 in touched:
            self._undefine(connection)
        self._put_back(connection, self._to_restore(touched))
        # As of before the restore: what was marked since is looked at again.
        self._seen = marks

    def _to_restore(self, touched: set[int]) -> list[Kept]:
        """Return the tables to restore: a partition by its root, an heir with its parent."""
        wanted: set[int] = set()
        todo = [oid for oid in touched if oid in self._kept]
        while todo:
            table = self._kept[todo.pop()]
            if table.oid in wanted:
                continue
            wanted.add(table.oid)
            if table.is_partition:
                todo += [parent for parent in table.parents if parent in self._kept]
            else:
                todo += self._children.get(table.oid, ())
        return [self._kept[oid] for oid in sorted(wanted) if not self._kept[oid].is_partition]

    def _put_back(self, connection: psycopg.Connection[Any], tables: list[Kept]) -> None:
        if not tables:
            return
        locks = ", ".join(table.only for table in tables)
        script = "\n".join(
            [
                "BEGIN;",
                f"SET LOCAL lock_timeout = {_LOCK_MS};",
                # No trigger and no foreign key acts while rows go and come.
                "SET LOCAL session_replication_role = replica;",
                # Whoever is writing to them ends first; readers are not disturbed.
                f"LOCK TABLE {locks} IN SHARE ROW EXCLUSIVE MODE;",
                *(table.restore() for table in tables),
                "COMMIT;",
            ]
        )
        deadline = Deadline(_PATIENCE)
        while True:
            try:
                connection.execute(script.encode())
                return
            except self._library.Error as error:
                connection.execute(b"ROLLBACK")
                if error.sqlstate not in ("55P03", "40P01", "40001"):
                    raise
                if deadline.is_over:
                    raise self._blocked(connection, tables) from None
                pause_for(0.02)

    def _blocked(
        self, connection: psycopg.Connection[Any], tables: list[Kept]
    ) -> EnvironmentProblem:
        names = ", ".join(f'"{table.name}"' for table in tables)
        message = f"the rows of {names} could not be restored in {_PATIENCE:g} s"
        found = connection.execute(_WHO, [[table.oid for table in tables]]).fetchone()
        if found is not None:
            pid, application, state, seconds, query = found
            who = f'"{application}"' if application else "a client"
            message += (
                f": {who} (pid {pid}, {state}) has had a transaction open for {seconds:.1f} s;"
                f" its last statement: {shortened(query, 120)}"
            )
        return EnvironmentProblem(
            message,
            where=f'isolation of database "{self.name}"',
            advice="A transaction that no request waits for any more was neither committed nor"
            " rolled back.",
        )

    def _undefine(self, connection: psycopg.Connection[Any]) -> None:
        """Drop tables that the scenario made; raises for one of the baseline that it changed."""
        now = self._tables(connection)
        new = [table for oid, table in now.items() if oid not in self._kept]
        if new:
            names = ", ".join(table.quoted for table in new)
            connection.execute(f"DROP TABLE IF EXISTS {names} CASCADE".encode())
        changed = [
            f'"{kept.name}" was {"dropped" if oid not in now else "changed"}'
            for oid, kept in self._kept.items()
            if oid not in now or now[oid].shape != kept.shape
        ]
        if changed:
            raise EnvironmentProblem(
                f"table {', '.join(changed)} during the scenario, which cannot be undone",
                where=f'isolation of database "{self.name}"',
                advice="Change tables in migrations, before the run's first scenario.",
            )

    def _tables(self, connection: psycopg.Connection[Any]) -> dict[int, Kept]:
        rows: Iterable[tuple[Any, ...]] = connection.execute(_TABLES.encode()).fetchall()
        return {
            row[0]: Kept(
                row[0], row[1], row[2], row[3], tuple(row[4]), tuple(row[5]), tuple(row[6]),
                row[7], row[8] or "",
            )
            for row in rows
        }  # fmt: skip

    def _marks(self, connection: psycopg.Connection[Any]) -> dict[int, int | None]:
        return dict(connection.execute(_MARKS.encode(), prepare=True).fetchall())

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            channel = self._channel
            self._library = require("psycopg", "postgres", f'database "{self.name}"')
            self._connection = connect(
                channel.name, channel.facts, channel.context, channel.is_owned, acting=True
            )
        return self._connection

    def _translated(self, error: psycopg.Error) -> AvowError:
        return translated(
            error,
            where=f'isolation of database "{self.name}"',
            seconds=self._channel.context.call_seconds,
        )

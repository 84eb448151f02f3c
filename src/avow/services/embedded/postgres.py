"""The embedded PostgreSQL: a server of its own for every stack, gone with it."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
from pathlib import Path

from avow.core.errors import SuiteError
from avow.processes import HeldPort, ports
from avow.services.embedded.postgresql import cache
from avow.services.embedded.postgresql.wire import Connection, PostgresError, literal, quoted
from avow.services.provider import Facts, NotUp, Provider, Surroundings

_USER = "postgres"


class EmbeddedPostgres(Provider):
    """Listens on loopback only; its user has a random password.

    So other users of a shared machine are kept out. avow itself comes by the Unix socket.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._place: Path | None = None

    def start(self) -> Facts:
        user = cache.server_user()
        programs = cache.usable_by(user, cache.installation(self.definition.name))
        template = cache.template(
            programs, user, self.at.journal, lambda: self.at.progress("preparing")
        )
        place = self._place = self.at.journal.directory("pg", cache.fast_directory(user))
        if user:
            os.chown(place, *user)
        cache.copy(template, place / "data", user)
        # Who may come by the socket as whom; the file is the server's to read, so it stays root's.
        (place / "data" / "pg_ident.conf").write_text(_trusted())
        for attempt in range(1, ports.ATTEMPTS + 1):
            held = ports.hold()
            try:
                held.hand_over(strictly=attempt == ports.ATTEMPTS)
                self._start_on(held, programs, place, user)
            except NotUp:
                if self.child is None or not ports.clashed(self.child.output()):
                    raise
                self.child.terminate(0.5)
            else:
                return self._prepared(place, held.port)
            finally:
                held.release()
        raise NotUp("found every port taken")

    def _start_on(
        self, held: HeldPort, programs: Path, place: Path, user: cache.User | None
    ) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(held.port),
            "unix_socket_directories": str(place),
            "unix_socket_permissions": "0700",
            **self.definition.settings.parameters,
        }
        command = [str(programs / "bin" / "postgres"), "-D", str(place / "data")]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self.child = self.at.start(
            command,
            cwd=place,
            user=user,
            env={n: v for n, v in self.at.environ.items() if not n.startswith("PG")},
            # Immediate shutdown: there is nothing to keep.
            polite=signal.SIGQUIT,
        )
        self.at.wait(lambda: self._connect(place, held.port).close(), "answer a query", self.child)

    def _connect(self, place: Path, port: int, database: str = _USER) -> Connection:
        return Connection(place / f".s.PGSQL.{port}", _USER, database)

    def _prepared(self, place: Path, port: int) -> Facts:
        """Create the database, its extensions and tables; return the facts."""
        settings = self.definition.settings
        name = settings.database or database_name(self.at.suite)
        password = secrets.token_hex(12)
        with self._connect(place, port) as server:
            server.query(f"ALTER ROLE {_USER} PASSWORD {literal(password)}")
            server.query(f"CREATE DATABASE {quoted(name)} STRATEGY file_copy")
        if settings.extensions or settings.migrations:
            with self._connect(place, port, name) as database:
                for extension in settings.extensions:
                    _create_extension(database, extension)
                if settings.migrations:
                    migrate(database, self.at.root / settings.migrations)
        self.secrets["password"] = password
        return {
            "url": f"postgresql://{_USER}:{password}@127.0.0.1:{port}/{name}",
            "host": "127.0.0.1",
            "port": str(port),
            "name": name,
            "user": _USER,
            "password": password,
            "socket": str(place),
        }

    def stop(self) -> None:
        super().stop()
        if self._place is not None:
            self.at.journal.remove(self._place)


def database_name(suite: str) -> str:
    """Return the name of a suite's database; it says what it is for."""
    return f"{re.sub(r'[^a-z0-9_]+', '_', suite.lower()).strip('_') or 'suite'}_test"


def _trusted() -> str:
    import pwd

    users = {os.geteuid()}
    names = []
    for uid in users:
        with contextlib.suppress(KeyError):
            names.append(pwd.getpwuid(uid).pw_name)
    return "".join(f"avow {quoted(name)} {_USER}\n" for name in names)


def _create_extension(database: Connection, extension: str) -> None:
    try:
        database.query(f"CREATE EXTENSION IF NOT EXISTS {quoted(extension)} CASCADE")
    except PostgresError as error:
        known = database.query("SELECT name FROM pg_available_extensions ORDER BY 1")
        names = ", ".join(row[0] or "" for row in known)
        raise NotUp(
            f'cannot have the extension "{extension}": {error}',
            advice=f"The embedded server brings: {names}.",
        ) from None


def migrate(database: Connection, directory: Path) -> None:
    """Run the *.sql files of a directory in order of name; raises SuiteError with file and line."""
    for path in sorted(directory.glob("*.sql")):
        sql = path.read_text(encoding="utf-8")
        try:
            database.query(sql)
        except PostgresError as error:
            line = sql.count("\n", 0, max(error.position - 1, 0)) + 1
            detail = "".join(f"\n  {each}" for each in (error.detail, error.hint) if each)
            raise SuiteError(
                f"{error}{detail}",
                where=f"{path}:{line}" if error.position else str(path),
                advice="Migrations are applied in order of name, each file in one transaction.",
            ) from None

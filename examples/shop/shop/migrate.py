"""Bring the database to the newest schema: `python -m shop.migrate`.

Every process does this when it starts; an advisory lock lets one at a time through.
"""

from __future__ import annotations

from pathlib import Path

from shop import database
from shop.settings import Settings

DIRECTORY = Path(__file__).parent.parent / "migrations"
_LOCK = 7_236_151


def migrate(url: str, directory: Path = DIRECTORY) -> list[str]:
    """Apply what has not been applied, in the order of the file names; return their names."""
    applied: list[str] = []
    files = sorted(directory.glob("*.sql"))
    with database.connect(url, "migrate") as conn:
        if _is_newest(conn, [file.name for file in files]):
            return applied
        conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        conn.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations "
            "(name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        known = {row["name"] for row in conn.execute("SELECT name FROM schema_migrations")}
        for file in files:
            if file.name in known:
                continue
            with conn.transaction():
                conn.execute(file.read_bytes())
                conn.execute("INSERT INTO schema_migrations (name) VALUES (%s)", (file.name,))
            applied.append(file.name)
    return applied


def _is_newest(conn: database.Connection, names: list[str]) -> bool:
    """Say whether there is nothing to do, without waiting for anyone who holds the lock."""
    found = conn.execute("SELECT to_regclass('schema_migrations') AS name").fetchone()
    if not found or found["name"] is None:
        return False
    known = {row["name"] for row in conn.execute("SELECT name FROM schema_migrations")}
    return known >= set(names)


if __name__ == "__main__":
    for name in migrate(Settings.from_environment().database_url):
        print(f"applied {name}")

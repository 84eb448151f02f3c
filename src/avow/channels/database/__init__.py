"""Databases: the rows a scenario puts there, and those that the system left."""

from avow.channels.database.postgres import PostgresChannel

__all__ = ["PostgresChannel"]

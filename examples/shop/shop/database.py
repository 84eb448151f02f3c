"""Connections to PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.Connection[dict[str, Any]]


def connect(url: str, name: str, *, autocommit: bool = True) -> Connection:
    """Open one connection; transactions are opened where they are needed."""
    return psycopg.connect(
        url, autocommit=autocommit, row_factory=dict_row, application_name=f"shop-{name}"
    )


def open_pool(url: str, name: str, *, most: int) -> Any:
    """Open a pool and wait until it can serve; the caller closes it."""
    from psycopg_pool import ConnectionPool

    pool = ConnectionPool(
        url,
        min_size=2,
        max_size=most,
        open=False,
        timeout=10,
        kwargs={
            "autocommit": True,
            "row_factory": dict_row,
            "application_name": f"shop-{name}",
        },
    )
    pool.open(wait=True, timeout=10)
    return pool


def answers(connection: Callable[[], Any]) -> bool:
    """Say whether the database answers."""
    try:
        with connection() as conn:
            conn.execute("SELECT 1")
    except Exception:
        return False
    return True

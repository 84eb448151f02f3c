"""What a database says no with, in the family it belongs to and with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avow.core.errors import AvowError, EnvironmentProblem, SuiteError
from avow.core.text import shortened

if TYPE_CHECKING:
    import psycopg

#: SQLSTATE classes of a server or connection in trouble (PostgreSQL, appendix A).
_ENVIRONMENT = {"08", "53", "57", "58", "XX", "F0"}


def translated(error: psycopg.Error, *, where: str, sql: str = "", seconds: float = 0) -> AvowError:
    """Return avow's error for psycopg's; every one has one."""
    state = error.sqlstate or ""
    diagnosis = error.diag
    said = diagnosis.message_primary or str(error).strip() or type(error).__name__
    detail = f" ({diagnosis.message_detail})" if diagnosis.message_detail else ""
    hint = diagnosis.message_hint or ""
    if state == "57014":
        return EnvironmentProblem(
            f"the statement took longer than {seconds:g} s: {shortened(sql)}",
            where=where,
            advice="Is another transaction holding a lock? [timeouts] call sets the limit.",
        )
    if state in ("55P03", "40P01"):
        return EnvironmentProblem(
            f"another transaction is in the way: {said}{detail}",
            where=where,
            advice="The system holds a lock; does it leave a transaction open?",
        )
    if state == "25006":
        return SuiteError(
            f"a query only looks, and this changes something: {shortened(sql)}",
            where=where,
            advice="Change rows in a Given or When step, with execute or insert.",
        )
    if not state or state[:2] in _ENVIRONMENT:
        return EnvironmentProblem(
            f"the database could not answer: {said}{detail}",
            where=where,
            advice=hint or "Is it still up? Its log is in the evidence of the run.",
        )
    if diagnosis.statement_position and sql:
        position = int(diagnosis.statement_position)
        said += f", at: {shortened(sql[max(position - 1, 0) :], 60)}"
    return SuiteError(f"{said}{detail}", where=where, advice=hint)

"""Points in time as systems write them: ISO 8601 texts, dates, and seconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMESTAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d{2}(?::?\d{2})?)?"
)

#: Numbers in between are seconds (milliseconds, ...) since the epoch: 2001 to 2096.
_EARLIEST, _LATEST = 1e9, 4e9
_UNITS = (1.0, 1e3, 1e6, 1e9)


def is_date(value: Any) -> bool:
    """Say whether it is the text of a calendar day: 2026-12-01."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def moment(value: Any) -> float | None:
    """Return seconds since the epoch of a timestamp; None where it is none.

    A text without a zone counts as UTC. A number counts by its size: seconds, milli-, micro- or
    nanoseconds since the epoch.
    """
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        for unit in _UNITS:
            if _EARLIEST * unit <= value < _LATEST * unit:
                return value / unit
    return None


def _from_text(text: str) -> float | None:
    if len(text) > 40 or not _TIMESTAMP.fullmatch(text):
        return None
    # fromisoformat wants three or six digits of a second at most, and no comma.
    text = re.sub(r"[.,](\d+)", lambda found: "." + found[1][:6].ljust(6, "0"), text)
    try:
        found = datetime.fromisoformat(text.upper())
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        return found.timestamp()
    except (ValueError, OverflowError):
        return None

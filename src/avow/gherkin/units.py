"""Durations as people write them: `5 seconds`, `250 ms`, `1.5 s`, `2 minutes`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {
    "ms": 0.001,
    "millisecond": 0.001,
    "milliseconds": 0.001,
    "s": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "m": 60.0,
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
    "days": 86400.0,
}

#: No group captures: it stands inside of other expressions.
DURATION = (
    r"\d+(?:\.\d+)?\s*"
    r"(?:milliseconds?|ms|seconds?|s|minutes?|min|m|hours?|h|days?|d)(?![A-Za-z0-9_])"
)

_PARTS = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")


def duration(text: str) -> timedelta:
    """Return what `text` says; the caller has matched it against DURATION."""
    match = _PARTS.fullmatch(text.strip())
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"{text!r} is not a duration such as '5 seconds' or '250 ms'")
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]])


def spoken(time: timedelta) -> str:
    """Return `5 s`, `250 ms`, `2 min`: what messages say."""
    seconds = time.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:g} ms"
    if seconds >= 60 and seconds % 60 == 0:
        return f"{seconds / 60:g} min"
    return f"{seconds:g} s"

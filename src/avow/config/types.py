"""Types of settings beyond those of TOML; kinds of services use them in their Structs."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

#: Bytes: "64KiB", "10MB" or a whole number.
Size = Annotated[int, "size"]

#: A file or directory that must exist, relative to the suite's root.
ExistingPath = Annotated[str, "existing path"]

#: The name of a signature scheme that avow or a plug-in brings.
SchemeName = Annotated[str, "signature scheme"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZE = re.compile(r"(\d+)\s*([KMG]i?)?B?", re.IGNORECASE)
_BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}

DURATION_ADVICE = 'Write numbers with units: "250ms", "30s", "2m", "1h30m".'
SIZE_ADVICE = 'Write a number with a unit: "64KiB", "10MB".'


def duration(text: str) -> timedelta:
    """Return the duration of "250ms", "30s", "1m30s"; raises ValueError."""
    rest = text.strip()
    seconds = 0.0
    if not rest:
        raise ValueError(text)
    while rest:
        found = _DURATION.match(rest)
        if found is None:
            raise ValueError(text)
        seconds += float(found[1]) * _SECONDS[found[2]]
        rest = rest[found.end() :].lstrip()
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError(text) from None


def size(text: str) -> int:
    """Return the bytes of "64KiB" (1024), "10MB" (1000) or "512"; raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return int(found[1]) * _BYTES[(found[2] or "").lower()]

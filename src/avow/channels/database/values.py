"""Values of PostgreSQL as JSON holds them, and values of features as PostgreSQL reads them.

The spelling is the server's own for JSON (`to_jsonb`), so that a row looks the same whether it was
selected or watched.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any


def plain(value: Any) -> Any:
    """Return a value as psycopg loads it as JSON-ready data; never raises."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime | time):
        return _trimmed(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "\\x" + bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return str(value)  # uuid, inet, ranges, enums, ...


def _number(value: Decimal) -> int | float | str:
    """Return a JSON number where it says the same, else text: money must not change on its way."""
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and abs(value) < 2**53:
        return int(value)
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value)


def _trimmed(value: datetime | time) -> str:
    """Return ISO 8601 with as many digits of a second as it has, as `to_jsonb` does."""
    text = value.isoformat()
    head, dot, rest = text.partition(".")
    if not dot:
        return text
    digits, zone = rest[:6], rest[6:]
    digits = digits.rstrip("0")
    return f"{head}.{digits}{zone}" if digits else head + zone


def vector(text: str) -> list[float] | str:
    """Return pgvector's text as a list."""
    try:
        found: list[float] = json.loads(text)
    except ValueError:
        return text
    return found


def parameter(value: Any, is_array: bool) -> Any:
    """Return what to send for a value of a feature: text, which the server reads by column type."""
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)) and is_array:
        return list(value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return str(value)

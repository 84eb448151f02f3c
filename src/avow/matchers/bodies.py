"""JSON that somebody sent: read whatever it is, and say what is wrong with it instead of
raising.
"""

from __future__ import annotations

import json
from typing import Any

from avow.core.text import shortened


def read_json(body: bytes | str) -> tuple[Any, str]:
    """Return the data of a JSON text and "", or None and why it cannot be read. Never raises."""
    try:
        text = body if isinstance(body, str) else body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, f"it is not UTF-8 text (byte {error.start + 1})"
    try:
        return json.loads(text), ""
    except json.JSONDecodeError as error:
        if not text.strip():
            return None, "it is empty"
        around = shortened(text[max(0, error.pos - 30) : error.pos + 30], 80)
        return None, (
            f"it is not JSON: {error.msg} in line {error.lineno}, column {error.colno}: {around}"
        )
    except RecursionError:
        return None, "it is JSON that is nested too deeply"
    except ValueError:
        # Python refuses whole numbers of thousands of digits.
        return None, "it is JSON with a number of too many digits"

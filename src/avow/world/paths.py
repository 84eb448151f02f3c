"""Where a value is in plain data: `items[0].id`, `customer.address."zip code"`, `items[-1]`."""

from __future__ import annotations

import re
from typing import Any

from avow.core.errors import SuiteError, did_you_mean
from avow.core.text import shortened

_STEP = re.compile(r'\.?(?:"(?P<quoted>[^"]*)"|(?P<name>[^.\["\]]+)|\[(?P<index>-?\d+)\])')


def parts(path: str) -> list[str | int]:
    """Return the names and positions of a path; raises SuiteError for what is none."""
    found: list[str | int] = []
    position = 0
    text = path.removeprefix("$")
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise SuiteError(
                f'"{path}" is not a path into data',
                advice='Write one like "id", "customer.email" or "items[0].sku".',
            )
        if match["index"] is not None:
            found.append(int(match["index"]))
        else:
            found.append(match["quoted"] if match["quoted"] is not None else match["name"].strip())
        position = match.end()
    return found


class NotThere(LookupError):
    """The data has nothing at this path; `message` and `advice` say what it has."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


def value_at(data: Any, path: str) -> Any:
    """Return what is at a path; raises NotThere."""
    seen = ""
    for part in parts(path):
        place = seen or "the top"
        if isinstance(part, int):
            if not isinstance(data, list):
                raise NotThere(f"at {place} is {_shown(data)}, not a list, so it has no [{part}]")
            if not -len(data) <= part < len(data):
                raise NotThere(f"at {place} is a list of {len(data)}, so it has no [{part}]")
            data = data[part]
            seen += f"[{part}]"
        else:
            if not isinstance(data, dict):
                raise NotThere(f'at {place} is {_shown(data)}, so it has no "{part}"')
            if part not in data:
                raise NotThere(
                    f'there is no "{part}" at {place}',
                    did_you_mean(part, [str(key) for key in data], what="there"),
                )
            data = data[part]
            seen += f".{part}" if seen else part
    return data


def _shown(data: Any) -> str:
    if isinstance(data, dict):
        return f"an object with {', '.join(map(str, list(data)[:8])) or 'nothing in it'}"
    if isinstance(data, list):
        return f"a list of {len(data)}"
    return shortened(repr(data), 80)

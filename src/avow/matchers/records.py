"""Tables: a heading is a path, a row a record.

| type       | customer.email | items[0].sku | note     |
| order.paid | <email>        | A-1          | <absent> |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from avow.core.errors import SuiteError
from avow.core.text import shortened
from avow.matchers.wanted import Record, cell_value, parse_cell

_PART = re.compile(r"""([^.\[\]"]+)|\[(-?\d{1,9})\]|\["((?:[^"\\]|\\.)*)"\]|"([^"]*)"|(\.)""")


def heading_path(heading: str) -> tuple[str | int, ...]:
    """Return the keys of `customer.items[0]["odd key"]`; raises SuiteError for a torn one."""
    keys: list[str | int] = []
    at = 0
    dot = False
    heading = heading.strip()
    while at < len(heading):
        found = _PART.match(heading, at)
        if found is None or (found[5] and (dot or not keys)):
            raise _torn(heading, at)
        if found[2] is not None:
            keys.append(int(found[2]))
        elif not found[5]:
            if keys and not dot and found[3] is None:
                raise _torn(heading, at)
            keys.append(next(each for each in (found[1], found[3], found[4]) if each is not None))
        dot = found[5] is not None
        at = found.end()
    if not keys or dot:
        raise _torn(heading, at)
    return tuple(keys)


def _torn(heading: str, at: int) -> SuiteError:
    if not heading:
        return SuiteError("a column of the table has no heading", advice="Name every column.")
    return SuiteError(
        f'the heading "{shortened(heading)}" is not a path: it breaks off at character {at + 1}',
        advice='Write it as customer.email, items[0].sku or labels["odd key"].',
    )


def table_to_records(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Record]:
    """Return what each row wants, ready to be compared; raises SuiteError that names the cell."""
    paths = _paths(headings)
    records = []
    for number, row in enumerate(rows, 1):
        _check_width(headings, row, number)
        fields = []
        for heading, keys, cell in zip(headings, paths, row, strict=True):
            try:
                fields.append((heading, keys, parse_cell(cell)))
            except SuiteError as error:
                raise SuiteError(
                    error.message, where=f'row {number}, "{heading}"', advice=error.advice
                ) from None
        records.append(Record(fields))
    return records


def table_to_values(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Return each row as plain data to send or to insert: 42 is a number, "42" a text, null is
    null.

    Headings build what they say: `customer.email` an object, `items[0].sku` a list of objects.
    """
    paths = _paths(headings)
    values = []
    for number, row in enumerate(rows, 1):
        _check_width(headings, row, number)
        made: dict[str, Any] = {}
        for heading, keys, cell in zip(headings, paths, row, strict=True):
            _put(made, keys, cell_value(cell.strip()), f'row {number}, "{heading}"')
        values.append(made)
    return values


def _paths(headings: Sequence[str]) -> list[tuple[str | int, ...]]:
    double = [each for at, each in enumerate(headings) if each in headings[:at]]
    if double:
        raise SuiteError(
            f'the heading "{double[0]}" stands twice in the table',
            advice="Rename or remove one of the two columns.",
        )
    return [heading_path(heading) for heading in headings]


def _check_width(headings: Sequence[str], row: Sequence[str], number: int) -> None:
    if len(row) != len(headings):
        raise SuiteError(
            f"row {number} has {len(row)} cells, the table has {len(headings)} headings",
            advice="Is there a | too many or too few? A | inside of a cell is written \\|.",
        )


def _put(made: dict[str, Any], keys: tuple[str | int, ...], value: Any, where: str) -> None:
    at: Any = made
    for key, following in zip(keys, (*keys[1:], None), strict=True):
        new: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(at, list) and isinstance(key, int) and 0 <= key <= len(at):
            if key == len(at):
                at.append(new)
            at = at[key]
        elif isinstance(at, dict) and isinstance(key, str):
            at = at.setdefault(key, new)
        else:
            raise SuiteError(
                f"{key!r} does not fit what other columns have put there",
                where=where,
                advice="List elements are numbered from [0], in the order of the columns.",
            )

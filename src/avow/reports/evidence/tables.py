"""Tables for a fixed-width font; a wide character (CJK, emoji) takes the two columns it needs."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from avow.core.text import plural, printable

#: A longer cell is cut in its middle: ids differ at either end.
WIDEST_CELL = 60
_BIG = 10**18
#: Rows of one table that are shown.
MOST_ROWS = 50


def cell(value: Any) -> str:
    """Return one line for a JSON value: text as it is, everything else as JSON."""
    if isinstance(value, str):
        text = value
    elif type(value) is int and -_BIG < value < _BIG:
        return str(value)
    else:
        try:
            text = json.dumps(value, ensure_ascii=False, default=str)
        except (ValueError, RecursionError):
            text = printable(repr(type(value)))
    if not (text.isascii() and text.isprintable()):
        text = printable(text).replace("\n", "\\n").replace("\t", "\\t")
    if len(text) > WIDEST_CELL:
        text = f"{text[: WIDEST_CELL - 23]}...{text[-20:]}"
    return text


def width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


def lines(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the table, one line a row, columns aligned."""
    shown = [list(headings), *(list(row) for row in rows)]
    left_out = max(0, len(shown) - 1 - MOST_ROWS)
    shown = shown[: MOST_ROWS + 1]
    columns = max((len(row) for row in shown), default=0)
    widths = [
        max((width(row[column]) for row in shown if column < len(row)), default=0)
        for column in range(columns)
    ]
    found = []
    for number, row in enumerate(shown):
        padded = (text + " " * (widths[at] - width(text)) for at, text in enumerate(row))
        found.append("| " + " | ".join(padded) + " |")
        if number == 0:
            found.append("|" + "|".join("-" * (size + 2) for size in widths) + "|")
    if left_out:
        found.append(f"... ({plural(left_out, 'more row')})")
    return found


def records(rows: Sequence[Any], columns: Sequence[str] = ()) -> list[str]:
    """Return records (`{column: value}`) as a table; columns in the order in which they appear."""
    names = list(columns)
    for row in rows:
        if isinstance(row, dict):
            names += [name for name in row if name not in names]
    if not names:
        return ["(no rows)"] if not rows else [cell(row) for row in rows[:MOST_ROWS]]
    return lines(
        [cell(name) for name in names],
        [
            [cell(row[name]) if name in row else "" for name in names]
            if isinstance(row, dict)
            else [cell(row)]
            for row in rows
        ],
    )


def changes(before: Sequence[Any], after: Sequence[Any]) -> list[str]:
    """Return rows before and after in one table: `-` went, `+` came."""
    names: list[str] = []
    for row in (*before, *after):
        if isinstance(row, dict):
            names += [name for name in row if name not in names]
    signed = [("-", row) for row in before] + [("+", row) for row in after]
    return lines(
        ["", *(cell(name) for name in names)],
        [
            [sign, *(cell(row[name]) if name in row else "" for name in names)]
            if isinstance(row, dict)
            else [sign, cell(row)]
            for sign, row in signed
        ],
    )

"""What a cell or a document wants: literals, markers, lists and objects, ready to be compared."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

from avow.core.errors import SuiteError
from avow.core.text import shortened
from avow.matchers.markers import Marker, is_marker, marker

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")

#: Digits of a whole number that Python reads; more of them are compared as text.
_MOST_DIGITS = 4000


class Cell:
    """A literal in a table's cell, which has no types: 42 is the number and the text.

    `text` is as written. `value` is the JSON value that it spells (a number, a boolean, null, an
    object or a list), or `text` itself where it spells none.
    """

    __slots__ = ("text", "value")

    def __init__(self, text: str, value: Any) -> None:
        self.text = text
        self.value = value

    def __repr__(self) -> str:
        return f"Cell({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cell) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


class Text(str):
    """Text that is what it is, even where it looks like a marker."""

    __slots__ = ()


class Wanted:
    """Something that has been made ready once and may be compared many times."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Wanted({self.value!r})"


class Record:
    """A row of a table: what is wanted at each path, and nothing about the rest.

    `fields` are (heading, keys, wanted); a heading that is itself a key is taken as that first.
    """

    __slots__ = ("fields",)

    def __init__(self, fields: list[tuple[str, tuple[str | int, ...], Any]]) -> None:
        self.fields = fields

    def __repr__(self) -> str:
        return f"Record({ {heading: wanted for heading, _, wanted in self.fields} })"


def prepare(value: Any) -> Any:
    """Return plain data with its markers made; the same object where it holds none."""
    if isinstance(value, Wanted):
        return value.value
    return _made(value) if _needs_making(value) else value


def _made(value: Any) -> Any:
    if isinstance(value, str):
        return value if isinstance(value, Text) else _text(value)
    if isinstance(value, Mapping):
        return {key: _made(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_made(each) for each in value]
    return value


def _needs_making(value: Any) -> bool:
    kind = type(value)
    if kind is str:
        head: str = value[:2]
        return head[:1] == "<" or head == "\\<"
    if kind is dict:
        return any(map(_needs_making, value.values()))
    if kind is list:
        return any(map(_needs_making, value))
    return isinstance(value, (Mapping, tuple, str))


def made_marker(text: str) -> Marker:
    """Return a marker whose inner text, where it has one, can be read as well."""
    made = marker(text)
    if made.inner:
        inner_of(made)
    return made


@functools.lru_cache(maxsize=512)
def inner_of(each: Marker) -> Any:
    """Return what `<each: ...>` wants of every element."""
    return parse(each.inner).value


def _text(text: str) -> Any:
    if text[:1] == "<" and is_marker(text):
        return made_marker(text)
    if text[:2] == "\\<":
        return Text(text[1:])
    return text


def parse_cell(text: str) -> Any:
    """Return what a cell wants: a marker, or a Cell. A quoted cell is text and nothing else."""
    text = text.strip()
    if text[:1] == "<" and is_marker(text):
        return made_marker(text)
    if text[:2] == "\\<":
        return Text(text[1:])
    value = cell_value(text)
    if text[:1] == '"' and isinstance(value, str):
        return Text(value)
    if isinstance(value, (dict, list)):
        return Cell(text, prepare(value))
    return Cell(text, value)


def cell_value(text: str) -> Any:
    """Return the value that a cell spells: a JSON value where it is one, else the text.

    A number is one only as JSON writes it: 007 and +1 are text.
    """
    first = text[:1]
    try:
        if first == '"' and text[-1:] == '"' and len(text) > 1:
            return json.loads(text)
        if first in ("{", "["):
            return json.loads(quoted_markers(text))
    except (ValueError, RecursionError):
        return text
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    if len(text) < _MOST_DIGITS and _NUMBER.fullmatch(text):
        return json.loads(text)
    return text


def parse(text: str) -> Wanted:
    """Return what a document wants: a marker, JSON where it begins like JSON, else the text.

    Markers in JSON may stand without quotes: {"id": <uuid>}. Raises SuiteError for JSON that cannot
    be read, with its line.
    """
    stripped = text.strip()
    if is_marker(stripped):
        return Wanted(made_marker(stripped))
    if stripped[:1] in ("{", "["):
        return Wanted(prepare(parse_json(stripped)))
    if stripped[:1] == '"' or stripped in ("true", "false", "null") or _NUMBER.fullmatch(stripped):
        value = cell_value(stripped)
        return Wanted(prepare(value) if value != stripped else stripped)
    return Wanted(_text(stripped) if stripped[:2] == "\\<" else text)


def parse_json(text: str) -> Any:
    """Return the data of a JSON document in which markers may stand without quotes."""
    try:
        return json.loads(quoted_markers(text))
    except json.JSONDecodeError as error:
        lines = text.splitlines() or [""]
        line = lines[min(error.lineno, len(lines)) - 1]
        raise SuiteError(
            f"the document is not JSON: {error.msg} in line {error.lineno}: {shortened(line, 100)}",
            advice=_json_advice(line),
        ) from None
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise SuiteError(f"the document cannot be read: {shortened(reason)}") from None


def _json_advice(line: str) -> str:
    if "'" in line and '"' not in line:
        return "JSON puts texts and names in double quotes."
    if re.search(r",\s*[}\]]?\s*$", line):
        return "Is there a comma too many or too few?"
    return "Names and texts stand in double quotes; fields are separated by commas."


def quoted_markers(text: str) -> str:
    """Return JSON with quotes around the markers that stand without them."""
    if "<" not in text:
        return text
    made: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == '"':
            end = _end_of_string(text, at)
            made.append(text[at:end])
        elif text[at] == "<":
            end = _end_of_marker(text, at)
            made.append(json.dumps(text[at:end]) if end - at > 1 else "<")
        else:
            found = _SPECIAL.search(text, at)
            end = found.start() if found else len(text)
            made.append(text[at:end])
        at = end
    return "".join(made)


_SPECIAL = re.compile(r'["<]')
_MARKER_END = re.compile(r">(?=\s*(?:[,}\]]|$))")
_STRING_END = re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL)


def _end_of_string(text: str, start: int) -> int:
    found = _STRING_END.match(text, start + 1)
    return found.end() if found else len(text)


def _end_of_marker(text: str, start: int) -> int:
    # <each: {"a": <uuid>}> holds markers: its end is where all angle brackets are closed.
    for found in _MARKER_END.finditer(text, start):
        inside = text[start : found.end()]
        balanced = inside.count("<") <= inside.count(">")
        if balanced and inside.count("{") == inside.count("}"):
            return found.end()
    first = _MARKER_END.search(text, start)
    return first.end() if first else start + 1


def wanted_text(value: Any) -> Any:
    """Return plain data for messages: markers and cells as they are written."""
    if isinstance(value, Marker):
        return value.text
    if isinstance(value, Cell):
        return value.text
    if isinstance(value, Record):
        return {heading: wanted_text(each) for heading, _, each in value.fields}
    if isinstance(value, Mapping):
        return {key: wanted_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [wanted_text(each) for each in value]
    return value

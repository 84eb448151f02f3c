r"""Markers: what stands for a value that is not known in advance.

    <any>                  anything, null too, as long as it is there
    <present> <absent>     there and not null; not there at all
    <null> <number> <string> <boolean>
    <uuid> <timestamp> <date> <email> <url>
    <matches: REGEX>       the whole text matches
    <contains: TEXT>       text that holds it, or a list that holds it as an element
    <within 5s of now>     a timestamp near the present (or near a given one)
    <between 1 and 5>      a number, or a date or timestamp, both ends included
    <each: ...>            a list, not empty, each of whose elements is as the inner text says
    <length: 3>            of a text, a list or an object

A text that begins with a backslash is what follows it: \<any> is the text <any>.
"""

from __future__ import annotations

import functools
import json
import math
import re
import urllib.parse
from collections.abc import Callable
from typing import Any

from avow.core.errors import SuiteError, did_you_mean
from avow.core.text import shortened
from avow.matchers import patterns
from avow.matchers.moments import is_date, moment

_MARKER = re.compile(r"<\s*([a-z][a-z-]*)\s*(:?)\s*(.*)>", re.DOTALL)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s<>(),;:\"]+@[^@\s<>(),;:\"]+\.[^@\s<>(),;:\".]+")
_WITHIN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s+of\s+(\S.*)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BETWEEN = re.compile(r"(\S.*?)\s+and\s+(\S.*)")


class Marker:
    """Stands for values. `check(seen, now)` returns None, or why the value is not one of them (""
    if there is nothing to add). `inner` is what `<each: ...>` wants of every element, as text.
    """

    __slots__ = ("check", "inner", "name", "text")

    def __init__(
        self, name: str, text: str, check: Callable[[Any, float], str | None], inner: str = ""
    ) -> None:
        self.name = name
        self.text = text
        self.check = check
        self.inner = inner

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Marker) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def is_marker(text: str) -> bool:
    """Say whether a text is a marker, known or not."""
    return text[:1] == "<" and marker_word(text) is not None


def marker_word(text: str) -> str | None:
    """Return the word of what has the shape of a marker: <word>, <word ...> or <word: ...>."""
    found = _MARKER.fullmatch(text)
    if found is None:
        return None
    word, colon, rest = found.groups()
    # <b>bold</b> is text; only an argument may hold angle brackets.
    if not colon and word not in _WITH_ARGUMENT and ("<" in rest or ">" in rest):
        return None
    return word


@functools.lru_cache(maxsize=2048)
def marker(text: str) -> Marker:
    """Return the marker that `text` writes; raises SuiteError with the nearest one where it is
    none.
    """
    found = _MARKER.fullmatch(text)
    if found is None:
        raise SuiteError(f'"{shortened(text)}" is not a marker')
    word, colon, rest = found.groups()
    rest = rest.rstrip() if word != "matches" else rest
    if word in _PLAIN and not colon and not rest:
        return Marker(word, f"<{word}>", _PLAIN[word])
    if word in _WITH_ARGUMENT:
        form, make = _WITH_ARGUMENT[word]
        if (colon == ":") == (":" in form) and rest:
            return make(text, rest)
        raise SuiteError(f"{shortened(text)} is not complete", advice=f"Write it as {form}.")
    if word in _PLAIN:
        raise SuiteError(
            f"{shortened(text)} takes nothing after its word", advice=f"Write <{word}>."
        )
    raise SuiteError(
        f"there is no marker {shortened(text)}",
        advice=did_you_mean(word, [*_PLAIN, *_WITH_ARGUMENT], what="markers")
        + f" Text that looks like a marker is written \\{shortened(text)}.",
    )


# -- without an argument


def _any(seen: Any, now: float) -> str | None:
    return None


def _present(seen: Any, now: float) -> str | None:
    return None if seen is not None else ""


def _absent(seen: Any, now: float) -> str | None:
    return "it is there"


def _null(seen: Any, now: float) -> str | None:
    return None if seen is None else ""


def _number(seen: Any, now: float) -> str | None:
    return None if number(seen) is not None else _why_no_number(seen)


def number(value: Any) -> int | float | None:
    """Return a JSON number as it is; None for anything else, NaN and infinity too."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _why_no_number(seen: Any) -> str:
    if isinstance(seen, str):
        return "it is text"
    return "it is no number that JSON knows" if isinstance(seen, float) else ""


def _string(seen: Any, now: float) -> str | None:
    return None if isinstance(seen, str) else "it is not text"


def _boolean(seen: Any, now: float) -> str | None:
    return None if isinstance(seen, bool) else ""


def _uuid(seen: Any, now: float) -> str | None:
    return None if isinstance(seen, str) and _UUID.fullmatch(seen) else ""


def _timestamp(seen: Any, now: float) -> str | None:
    return None if moment(seen) is not None else ""


def _date(seen: Any, now: float) -> str | None:
    return None if is_date(seen) else ""


def _email(seen: Any, now: float) -> str | None:
    return None if isinstance(seen, str) and len(seen) < 330 and _EMAIL.fullmatch(seen) else ""


def _url(seen: Any, now: float) -> str | None:
    if not isinstance(seen, str) or any(each.isspace() for each in seen):
        return ""
    try:
        parts = urllib.parse.urlsplit(seen)
        return None if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError as error:
        return str(error)


_PLAIN: dict[str, Callable[[Any, float], str | None]] = {
    "any": _any,
    "present": _present,
    "absent": _absent,
    "null": _null,
    "number": _number,
    "string": _string,
    "boolean": _boolean,
    "uuid": _uuid,
    "timestamp": _timestamp,
    "date": _date,
    "email": _email,
    "url": _url,
}


# -- with an argument


def _matches(text: str, pattern: str) -> Marker:
    patterns.compiled(pattern)

    def check(seen: Any, now: float) -> str | None:
        if isinstance(seen, bool) or not isinstance(seen, (str, int, float)):
            return "it is not text"
        fits, why = patterns.fits(pattern, seen if isinstance(seen, str) else json.dumps(seen))
        return None if fits else why

    return Marker("matches", text, check)


def _contains(text: str, part: str) -> Marker:
    def check(seen: Any, now: float) -> str | None:
        if isinstance(seen, str):
            return None if part in seen else ""
        if isinstance(seen, list):
            return None if any(spelled(each) == part for each in seen) else ""
        return "it is neither text nor a list"

    return Marker("contains", text, check)


def spelled(value: Any) -> str | None:
    """Return the text that a table's cell would have for a value; None for objects and lists."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, (bool, int, float)):
        try:
            return json.dumps(value)
        except ValueError:
            return None
    return None


def _within(text: str, rest: str) -> Marker:
    found = _WITHIN.fullmatch(rest)
    at = None if found is None or found[3] == "now" else _moment_of(found[3])
    if found is None or (at is None and found[3] != "now"):
        raise SuiteError(
            f"{shortened(text)} cannot be read",
            advice="Write it as <within 5s of now> or <within 1m of 2026-12-01T10:00:00Z>; "
            "units are ms, s, m, h and d.",
        )
    seconds = float(found[1]) * _SECONDS[found[2]]

    def check(seen: Any, now: float) -> str | None:
        there = _moment_of(seen)
        if there is None:
            return "it is not a timestamp"
        away = there - (now if at is None else at)
        if abs(away) <= seconds:
            return None
        return f"it is {abs(away):.3f} s {'later' if away > 0 else 'earlier'}"

    return Marker("within", text, check)


def _moment_of(value: Any) -> float | None:
    if isinstance(value, str) and value.isdigit():
        return moment(int(value)) if len(value) < 20 else None
    return moment(value)


def _between(text: str, rest: str) -> Marker:
    found = _BETWEEN.fullmatch(rest)
    ends = [] if found is None else [_measure(found[1]), _measure(found[2])]
    if not ends or None in ends:
        raise SuiteError(
            f"{shortened(text)} cannot be read",
            advice="Write it as <between 1 and 5>, with two numbers, dates or timestamps.",
        )
    (low_kind, low), (high_kind, high) = ends[0], ends[1]  # type: ignore[misc]
    if low_kind != high_kind or low > high:
        raise SuiteError(
            f"nothing is in {shortened(text)}",
            advice="Write the smaller of the two first; both are numbers or both are times.",
        )

    def check(seen: Any, now: float) -> str | None:
        if low_kind == "number":
            value = number(seen)
            if value is None:
                return _why_no_number(seen) or "it is not a number"
        else:
            measured = _measure(seen) if isinstance(seen, str) else ("time", moment(seen))
            if measured is None or measured[0] != "time" or measured[1] is None:
                return "it is neither a date nor a timestamp"
            value = measured[1]
        return None if low <= value <= high else ""

    return Marker("between", text, check)


def _measure(text: str) -> tuple[str, float] | None:
    if is_date(text):
        text = f"{text}T00:00:00Z"
    at = moment(text)
    if at is not None:
        return "time", at
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    return "number", int(text) if re.fullmatch(r"[+-]?\d{1,300}", text) else value


def _length(text: str, rest: str) -> Marker:
    if not re.fullmatch(r"\d{1,12}", rest):
        raise SuiteError(
            f"{shortened(text)} cannot be read", advice="Write a whole number: <length: 3>."
        )
    wanted = int(rest)

    def check(seen: Any, now: float) -> str | None:
        if not isinstance(seen, (str, list, dict)):
            return "it has no length"
        return None if len(seen) == wanted else f"its length is {len(seen)}"

    return Marker("length", text, check)


def _each(text: str, rest: str) -> Marker:
    def check(seen: Any, now: float) -> str | None:
        # The elements are compared where lists are; what can be told here is that it is one.
        if not isinstance(seen, list):
            return "it is not a list"
        return None if seen else "the list is empty, so nothing was checked; <length: 0> wants that"

    inner = f"<{rest}>" if rest in _PLAIN else rest
    return Marker("each", text, check, inner)


_WITH_ARGUMENT: dict[str, tuple[str, Callable[[str, str], Marker]]] = {
    "matches": ("<matches: REGEX>", _matches),
    "contains": ("<contains: TEXT>", _contains),
    "within": ("<within 5s of now>", _within),
    "between": ("<between 1 and 5>", _between),
    "each": ("<each: ...>", _each),
    "length": ("<length: 3>", _length),
}

#: Every marker, as it is written.
FORMS = (*(f"<{word}>" for word in _PLAIN), *(form for form, _ in _WITH_ARGUMENT.values()))

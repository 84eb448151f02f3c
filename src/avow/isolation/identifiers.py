"""What in an entry says whose it is: identifiers that are unlikely to mean something else.

Strong ones stand for themselves: a UUID, an address, a token like `pi_3PqL9x2eZvKYlo2C`, a long
number of an id field. Weak ones are short numbers, and count only together with what they number:
the `17` of `{"order_id": 17}`, of `/orders/17` and of `POST /orders -> {"id": 17}` is `order 17` in
all three.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from avow.core.entries import Body, Entry

_STRONG = re.compile(
    r"""(?ix)
    (?P<uuid> \b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b )
    | (?P<mail> \b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b )
    | (?P<token> \b(?=\w*\d)(?=\w*[a-z])\w{10,}\b )
    """
)
_ID_FIELD = re.compile(r"(?i)^(?P<of>.*?)[_-]?(?:id|uuid|number|no|reference|ref|key)$")
_LONG_NUMBER = 7
_PLACE = re.compile(r"\b(?P<of>[A-Za-z]{3,})/(?P<number>\d{1,9})\b")
_WORD_AND_NUMBER = re.compile(r"\b(?P<of>[A-Za-z]{3,})(?:/|[ _-]#?|#)(?P<number>\d{1,9})\b")

#: Bytes of a body that are looked at.
_LIMIT = 64 * 1024
#: Headers that say when, how and by what, never who.
_SILENT = frozenset(
    (
        "accept", "accept-encoding", "age", "cache-control", "connection", "content-encoding",
        "content-length", "content-type", "date", "etag", "expires", "host", "keep-alive",
        "last-modified", "server", "transfer-encoding", "user-agent", "vary", "via",
    )
)  # fmt: skip


def of_entry(entry: Entry, *, loose: bool = True) -> set[str]:
    """Return all identifiers of an entry, given and answered."""
    return given(entry, loose=loose) | answered(entry, loose=loose)


def given(entry: Entry, *, loose: bool = True) -> set[str]:
    """Return the identifiers that the sender of the entry put in."""
    data = entry.data
    found: set[str] = set()
    request = data.get("request")
    if isinstance(request, dict):
        found |= of_text(str(request.get("path", "")), loose=loose)
        found |= of_value(request.get("query"), loose=loose)
        found |= _of_headers(request.get("headers"), loose)
        noun = _noun_of_path(str(request.get("path", "")))
        found |= _of_body(entry.bodies.get("request"), noun, loose)
        return found
    noun = _noun(str(data.get("topic") or data.get("table") or _noun_of_path(data.get("path", ""))))
    for name, value in data.items():
        match name:
            case "headers":
                found |= _of_headers(value, loose)
            case "path":
                found |= of_text(str(value), loose=loose)
            case "key":
                found |= of_text(str(value), loose=loose) | (
                    {_weak(noun, str(value))} if noun else set()
                )
            case "before" | "after" | "rows":
                found |= of_value(value, noun, loose=loose)
            case "response":
                continue
            case _:
                found |= of_value(value, "", name, loose=loose)
    for part, body in entry.bodies.items():
        if part != "response":
            found |= _of_body(body, noun, loose)
    found.discard("")
    return found


def answered(entry: Entry, *, loose: bool = True) -> set[str]:
    """Return the identifiers that came back."""
    response = entry.data.get("response")
    found: set[str] = set()
    noun = ""
    request = entry.data.get("request")
    if isinstance(request, dict):
        noun = _noun_of_path(str(request.get("path", "")))
    if isinstance(response, dict):
        found |= _of_headers(response.get("headers"), loose)
    found |= _of_body(entry.bodies.get("response"), noun, loose)
    found.discard("")
    return found


def of_text(text: str, *, loose: bool = True) -> set[str]:
    """Return the identifiers in text: strong ones, and numbers together with their noun.

    `loose` also takes a word and a number in running text ("Order #17") for an identifier.
    """
    found = {match.group().lower() for match in _STRONG.finditer(text)}
    for match in (_WORD_AND_NUMBER if loose else _PLACE).finditer(text):
        found.add(_weak(match["of"], match["number"]))
    return found


def of_value(value: Any, noun: str = "", field: str = "", *, loose: bool = True) -> set[str]:
    """Return the identifiers in JSON; `noun` is what an `id` without a name of its own is of."""
    return set(_walk(value, noun, field, loose))


def _walk(value: Any, noun: str, field: str, loose: bool) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            below = _noun(name) if isinstance(item, (dict, list)) else noun
            yield from _walk(item, below, name, loose)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, noun, field, loose)
    elif isinstance(value, str):
        yield from of_text(value, loose=loose)
        if value and len(value) <= 64:
            yield from _of_field(value, noun, field)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield from _of_field(str(value), noun, field)


def _of_field(value: str, noun: str, field: str) -> Iterator[str]:
    matched = _ID_FIELD.match(field)
    if matched is None:
        return
    of = matched["of"] or noun
    if len(value) >= _LONG_NUMBER and value.isdigit():
        yield value
    if of:
        yield _weak(of, value)


def _weak(noun: str, value: str) -> str:
    return f"{_noun(noun)} {value.lower()}"


def _noun(name: str) -> str:
    """Return the singular of a name, as far as English goes without a dictionary."""
    word = re.sub(r"[^a-z]", "", name.lower())
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _noun_of_path(path: str) -> str:
    """Return what a path is about: `/v1/orders/17` is about an order."""
    words = [part for part in str(path).split("/") if part.isalpha() and len(part) > 2]
    return _noun(words[-1]) if words else ""


def _of_headers(headers: Any, loose: bool) -> set[str]:
    pairs = headers.items() if isinstance(headers, dict) else headers or ()
    found: set[str] = set()
    for name, value in pairs:
        if str(name).lower() not in _SILENT:
            found |= of_text(str(value), loose=loose)
    return found


def _of_body(body: Body | None, noun: str, loose: bool) -> set[str]:
    if body is None or not body.raw or len(body.raw) > _LIMIT:
        return set()
    text = body.text()
    if text is None:
        return set()
    if text[:1] in "{[":
        try:
            return of_value(json.loads(text), noun, loose=loose)
        except (ValueError, RecursionError):
            pass
    return of_text(text, loose=loose)

"""Where tokens are in an answer: the small part of JSONPath that says so.

`access_token`, `$.data.token`, `sessions[*].key`, `$..token` (wherever), `[0].secret`; beside JSON,
`header:X-Session` and `cookie:session`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from avow.channels.http.answer import Answer
from avow.core.errors import ConfigError
from avow.core.secrets import Redactor

#: A cookie of letters alone is a token only from this length on.
_WORD = 16

_STEP = re.compile(
    r"(?P<deep>\.\.)|\.?(?P<name>[^.\[\]]+)|\[(?P<index>\*|\d+|'[^']*'|\"[^\"]*\")\]"
)


@lru_cache(maxsize=256)
def parsed(path: str) -> tuple[str | int, ...]:
    """Return the steps of a path: names, indexes, "*" and ".."; raises ConfigError."""
    rest = path.removeprefix("$")
    steps: list[str | int] = []
    position = 0
    while position < len(rest):
        found = _STEP.match(rest, position)
        if found is None:
            raise ConfigError(
                f'"{path}" is not a path into JSON',
                where="secrets",
                advice='Write "access_token", "data.token", "sessions[*].key" or "$..token".',
            )
        if found["deep"]:
            steps.append("..")
        elif found["name"]:
            steps.append(found["name"].strip())
        else:
            index = found["index"]
            steps.append(int(index) if index.isdigit() else index.strip("'\""))
        position = found.end()
    return tuple(steps)


def values_at(document: Any, steps: Sequence[str | int]) -> Iterator[Any]:
    """Yield what is at the path."""
    if not steps:
        yield document
        return
    step, rest = steps[0], steps[1:]
    if step == "..":
        yield from values_at(document, rest)
        for child in _children(document):
            yield from values_at(child, steps)
    elif step == "*":
        for child in _children(document):
            yield from values_at(child, rest)
    elif isinstance(step, int):
        if isinstance(document, list) and step < len(document):
            yield from values_at(document[step], rest)
    elif isinstance(document, dict) and step in document:
        yield from values_at(document[step], rest)


def _children(document: Any) -> Iterator[Any]:
    if isinstance(document, dict):
        yield from document.values()
    elif isinstance(document, list):
        yield from document


#: Headers that are there to say who somebody is: what they hold is nobody else's to read.
CREDENTIALS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key"}
)


def mint_credentials(redactor: Redactor, resource: str, headers: Iterable[Sequence[str]]) -> None:
    """Make the redactor know what the headers of a request or an answer hold to say who sends it,
    though nobody declared it. What is too short to be found stays.
    """
    for name, value in headers:
        key = name.lower()
        if key not in CREDENTIALS:
            continue
        for secret in _secrets_in(key, value):
            redactor.mint(f"{resource} {name}", secret)


def _secrets_in(key: str, value: str) -> Iterator[str]:
    if key == "set-cookie":
        value = value.partition(";")[0]
    if key in ("cookie", "set-cookie"):
        for pair in value.split(";"):
            text = pair.partition("=")[2].strip().strip('"')
            # A setting that a site keeps ("theme=darkmode") is a word of many sentences.
            if not (text.isalpha() and len(text) < _WORD):
                yield text
        return
    scheme, _, rest = value.partition(" ")
    rest = rest.strip()
    yield rest or scheme
    if scheme.lower() == "basic":
        with contextlib.suppress(ValueError):
            yield base64.b64decode(rest).decode().partition(":")[2]


def mint(redactor: Redactor, service: str, paths: Sequence[str], answer: Answer) -> None:
    """Make the redactor know every token that the answer holds at the declared paths."""
    document: Any = ...
    for path in paths:
        place, _, name = path.partition(":")
        if place == "header":
            for key, value in answer.headers or ():
                if key.lower() == name.lower():
                    redactor.mint(f"{service} {path}", value)
        elif place == "cookie":
            for key, value in answer.headers or ():
                if key.lower() == "set-cookie" and value.split("=", 1)[0].strip() == name:
                    redactor.mint(
                        f"{service} {path}", value.partition("=")[2].partition(";")[0].strip()
                    )
        else:
            if document is ...:
                document = _json(answer.body)
            for value in values_at(document, parsed(path)):
                for token in _texts(value):
                    redactor.mint(f"{service} {path}", token)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for child in _children(value):
            yield from _texts(child)

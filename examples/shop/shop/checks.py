"""Is this request what it should be: all mistakes are collected, each with its place."""

from __future__ import annotations

import json
import re
from typing import Any

from shop.problems import Problem, invalid

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a request's body."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(400, "not-json", "The body is not JSON") from None
    if not isinstance(document, dict):
        raise Problem(400, "not-json", "The body is not a JSON object")
    return document


class Checks:
    """Collects what is wrong with a document; `done` raises if anything was."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._errors: list[dict[str, str]] = []

    def wrong(self, pointer: str, detail: str) -> None:
        self._errors.append({"pointer": pointer, "detail": detail})

    def only(self, *names: str) -> None:
        for name in self._document:
            if name not in names:
                self.wrong(f"/{name}", f"is not known here; known are {', '.join(names)}")

    def text(self, name: str, *, most: int = 200) -> str:
        value = self._document.get(name)
        if not isinstance(value, str) or not value.strip():
            self.wrong(f"/{name}", "must be a text")
            return ""
        if len(value) > most:
            self.wrong(f"/{name}", f"must have at most {most} characters")
        # PostgreSQL cannot store this character; say so before it does.
        if "\0" in value:
            self.wrong(f"/{name}", "must not hold the character NUL")
        return value

    def email(self, name: str) -> str:
        value = self.text(name)
        if value and not _EMAIL.fullmatch(value):
            self.wrong(f"/{name}", "must be a mail address")
        return value

    def whole(self, name: str, least: int, most: int, *, default: int | None = None) -> int:
        if default is not None and name not in self._document:
            return default
        return self.whole_value(self._document.get(name), f"/{name}", least, most)

    def whole_value(self, value: object, pointer: str, least: int, most: int) -> int:
        # bool is an int in Python, and not a number to anyone else.
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.wrong(pointer, f"must be a whole number from {least} to {most}")
            return least
        return value

    def one_of(self, name: str, allowed: list[str]) -> str:
        value = self._document.get(name)
        if value not in allowed:
            self.wrong(f"/{name}", f"must be one of {', '.join(allowed)}")
            return allowed[0]
        return str(value)

    def done(self) -> None:
        if self._errors:
            raise invalid(self._errors)

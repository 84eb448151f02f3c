"""The words that shared phrases have in common: methods, resources, counts, values, subjects."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from avow.core.errors import SuiteError
from avow.gherkin import parameter_type
from avow.gherkin.units import DURATION, duration
from avow.matchers import parse, parse_cell, prepare
from avow.world.memory import SUBJECTS

Substitute = Callable[[str], str]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_NUMBERS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
}
_NUMBER = rf"(?:\d+|{'|'.join(_NUMBERS)})"


def unquoted(text: str) -> str:
    """Return what stands between quotes, or the text itself."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r'\\(["\\])', r"\1", text[1:-1])
    return text


@dataclass(frozen=True, slots=True)
class Count:
    """How many: `high` None means no limit. `words` is what the author wrote."""

    words: str
    low: int
    high: int | None

    def holds(self, number: int) -> bool:
        return self.low <= number and (self.high is None or number <= self.high)

    def is_exceeded(self, number: int) -> bool:
        """Say whether there are too many: what has happened does not go away by waiting."""
        return self.high is not None and number > self.high

    @classmethod
    def read(cls, text: str) -> Count:
        words = text.split()
        numbers = [_NUMBERS.get(word) or int(word) for word in words if _is_number(word)]
        match words[0]:
            case "no" | "zero":
                return cls(text, 0, 0)
            case "a" | "an" | "some":
                return cls("at least 1", 1, None)
            case "at":
                low, high = (numbers[0], None) if words[1] == "least" else (0, numbers[0])
                return cls(text, low, high)
            case "more":
                return cls(text, numbers[0] + 1, None)
            case "fewer":
                if numbers[0] == 0:
                    raise SuiteError('there is nothing fewer than 0; say "no"')
                return cls(text, 0, numbers[0] - 1)
            case "between":
                return cls(text, *sorted(numbers))
            case _:
                return cls(text if words[0] == "exactly" else f"exactly {text}", *numbers * 2)


def _is_number(word: str) -> bool:
    return word.isdecimal() or word in _NUMBERS


@dataclass(frozen=True, slots=True)
class Status:
    """A status code, or a class of them: `4xx`."""

    words: str

    def holds(self, status: int) -> bool:
        if self.words.endswith("xx"):
            return self.words[0] == str(status)[0]
        return status == int(self.words)

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class Value:
    """One wanted value as it stands in a phrase: "paid", 42, null, <uuid>, ${order.id}.

    `is_untyped`: it came from a bare `${...}`. Whether its 42 is text or a number is not for the
    phrase to say.
    """

    text: str
    is_untyped: bool = False

    def substituted(self, substitute: Substitute) -> Value:
        if "${" not in self.text:
            return self
        return Value(substitute(self.text), is_untyped=self.text.startswith("${"))

    @property
    def wanted(self) -> Any:
        """What the value wants, for the matchers. A text in quotes is text; 42 is a number."""
        text = self.text
        if self.is_untyped:
            return parse_cell(text)
        if text[:1] == '"' and text[-1:] == '"' and len(text) > 1:
            return prepare(unquoted(text))
        return parse(text).value

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Subject:
    """`the response`, `the message`... or the name under which one was remembered."""

    name: str
    words: str

    def substituted(self, substitute: Substitute) -> Subject:
        return Subject(substitute(self.name), self.words) if "${" in self.name else self


def _subject(text: str) -> Subject:
    if text.startswith('"'):
        return Subject(unquoted(text), text)
    return Subject(text.removeprefix("the ").removesuffix(" body"), text)


parameter_type("duration", DURATION, duration, use_in_snippets=False)
parameter_type("method", "|".join(METHODS), str)
parameter_type("resource", rf"{_QUOTED}|[A-Za-z][A-Za-z0-9_.-]*", unquoted)
parameter_type(
    "count",
    "no|zero|an?|some"
    rf"|(?:exactly|at least|at most|more than|fewer than) {_NUMBER}"
    rf"|between {_NUMBER} and {_NUMBER}|{_NUMBER}",
    Count.read,
)
parameter_type("status", r"[1-5]\d\d|[1-5]xx", Status)
parameter_type("value", rf"{_QUOTED}|<.*>|-?\d+(?:\.\d+)?|true|false|null|\$\{{[^{{}}]*\}}", Value)
parameter_type("subject", rf"the (?:response body|{'|'.join(SUBJECTS)})|{_QUOTED}", _subject)

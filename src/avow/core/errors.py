"""The two families of trouble.

`ScenarioFailure`: the system under test is wrong (Allure "failed").
`AvowError`: the suite, its configuration, its environment or avow itself is wrong (Allure
"broken").
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class ScenarioFailure(AssertionError):
    """The system did not do what the scenario promises.

    `terminal` says that waiting longer cannot help: a wait stops at once (an order that was
    cancelled will not be paid).
    """

    def __init__(self, message: str, *, terminal: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.terminal = terminal


class CannotTell(ScenarioFailure):
    """What a Then judges by did not come, so it is neither true nor untrue: no answer, an answer
    that shows something else. `it is not true that ...` fails with it too.
    """


class AvowError(Exception):
    """Something other than the system under test is wrong.

    The text answers three questions: `where`, what was seen beside what was wanted (`message`), and
    what to do now (`advice`).
    """

    #: What a run ends with when this decides it (docs/reference/exit-codes.md).
    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, where: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.advice = advice

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}\n  {self.advice}" if self.advice else head

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.where, self.advice)


def _rebuild(kind: type[AvowError], message: str, where: str, advice: str) -> AvowError:
    return kind(message, where=where, advice=advice)


class InternalError(AvowError):
    """avow itself is wrong; please report it."""

    exit_code = 3


class SuiteError(AvowError):
    """A feature, a step or a table cannot mean what it says."""

    exit_code = 4


class ThenCannotAct(SuiteError):
    """A Then tried to change the world that it is there to observe."""


class ConfigError(AvowError):
    """avow.toml, an environment variable or a `-D` setting cannot be used."""

    exit_code = 4


class MissingExtra(AvowError):
    """A library that comes with an extra of avow is not installed."""

    exit_code = 4

    @classmethod
    def for_feature(cls, what: str, extra: str, module: str) -> MissingExtra:
        return cls(
            f"{what} needs the Python package {module!r}, which is not installed",
            advice=f"Install it with: pip install 'avow[{extra}]'",
        )


class EnvironmentProblem(AvowError):
    """A service that the suite runs on could not be provided or was lost."""

    exit_code = 6


class GuardRefusal(AvowError):
    """The suite would have touched something it may not touch."""

    exit_code = 8


class Problems(AvowError):
    """Several problems of one kind, told together."""

    def __init__(self, problems: Iterable[AvowError], *, heading: str = "") -> None:
        self.problems = tuple(problems)
        lines = [heading] if heading else []
        lines += [str(problem) for problem in self.problems]
        super().__init__("\n".join(lines))
        # Several problems are as bad as the first one: one kind is collected at a time.
        self.exit_code = self.problems[0].exit_code if self.problems else 3  # type: ignore[misc]

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.problems,)


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known name that `name` most likely meant, or None."""
    wanted = name.lower()
    best, closest = cutoff, None
    for each in known:
        closeness = _closeness(wanted, each.lower())
        if closeness > best or (closeness == best and closest is None):
            best, closest = closeness, each
    return closest


def _closeness(wanted: str, known: str) -> float:
    if sorted(wanted) == sorted(known):
        # Letters in the wrong order are the commonest slip, and difflib thinks little of it.
        return 1.0
    ratio = difflib.SequenceMatcher(None, known, wanted).ratio()
    # Of two that are as near, the one that begins alike: the first letter is seldom wrong.
    return ratio + 0.001 * (wanted[:1] == known[:1])


def did_you_mean(name: str, known: Iterable[str], *, what: str = "known") -> str:
    """Return advice for an unknown name: the nearest real one, then the list."""
    names = sorted(set(known))
    if not names:
        return f"{what.capitalize()}: none."
    guess = nearest(name, names)
    head = f'Did you mean "{guess}"? ' if guess else ""
    return f"{head}{what.capitalize()}: {', '.join(names)}."

"""Cucumber Expressions as behave's step matcher: compiled once, matched in microseconds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from behave.matchers import Matcher
from behave.model_type import Argument, FileLocation
from cucumber_expressions.errors import CucumberExpressionError
from cucumber_expressions.expression import CucumberExpression

from avow.core.errors import SuiteError, did_you_mean
from avow.gherkin.parameters import behave_types, types

_AVOW = Path(__file__).resolve().parents[1]
_SPECIAL = re.compile(r"[{(/\\]")


def literal_prefix(expression: str) -> str:
    """Return whole words with which every text that the expression matches begins."""
    special = _SPECIAL.search(expression)
    if special is None:
        return expression
    # An alternation reaches back to the start of its word.
    return expression[: expression.rfind(" ", 0, special.start()) + 1]


class CucumberMatcher(Matcher):  # type: ignore[misc]
    """One phrase. behave, and a suite that asks behave for Cucumber Expressions, get this class."""

    NAME = "cucumber_expressions"
    TYPE_REGISTRY = behave_types

    def __init__(
        self, func: Callable[..., Any], pattern: str, step_type: str | None = None, **_: Any
    ) -> None:
        super().__init__(func, pattern, step_type)
        self._location: FileLocation | None = None
        self.prefix = literal_prefix(pattern)
        self._regex: re.Pattern[str] | None = None
        self._parameters: list[tuple[Any, int, tuple[int, ...]]] = []

    @property
    def location(self) -> FileLocation:
        """Where the phrase is; one of avow's own is named by its module, wherever that lies."""
        if self._location is None:
            where = FileLocation.for_function(self.func)
            path = Path(where.filename).resolve()
            if path.is_relative_to(_AVOW):
                where = FileLocation(str(path.relative_to(_AVOW.parent)), where.line)
            self._location = where
        return self._location

    @property
    def where(self) -> str:
        return f"{self.location.filename}:{self.location.line}"

    @property
    def regex_pattern(self) -> str:
        return self.regex.pattern

    @property
    def regex(self) -> re.Pattern[str]:
        if self._regex is None:
            self.compile()
        assert self._regex is not None
        return self._regex

    @property
    def parameters(self) -> list[str]:
        """Names of the parameter types, in order."""
        self.regex  # noqa: B018 - compiles
        return [parameter.name for parameter, _, _ in self._parameters]

    def compile(self) -> CucumberMatcher:
        """Compile; raises SuiteError with the place, a caret and what to do."""
        if self._regex is not None:
            return self
        try:
            expression = CucumberExpression(self.pattern, types)
        except CucumberExpressionError as error:
            raise self._unreadable(error) from None
        tree = expression.tree_regexp
        # Numbers of the groups that a transformer gets: those right below the parameter's.
        number = 0
        for parameter, group in zip(
            expression.parameter_types, tree.group_builder.children, strict=True
        ):
            number += 1
            own, children = number, []
            for child in group.children:
                children.append(number + 1)
                number += _size(child)
            self._parameters.append((parameter, own, tuple(children) or (own,)))
        self._regex = tree.regexp
        return self

    def _unreadable(self, error: CucumberExpressionError) -> SuiteError:
        # "This ... has a problem at column 3:", "", expression, pointer, problem, hint
        lines = str(error).splitlines()
        if len(lines) < 5:
            return SuiteError(f"{self.pattern!r}: {error}", where=self.where)
        problem, advice = lines[4].rstrip("."), " ".join(lines[5:])
        undefined = re.search(r"Undefined parameter type '(.*)'", problem)
        if undefined:
            problem = f"there is no parameter type {{{undefined[1]}}}"
            names = [name for name in types.parameter_type_by_name if name]
            advice = f"{did_you_mean(undefined[1], names)} Define it with parameter_type(...)."
        return SuiteError(
            f"this phrase cannot be read: {problem}\n    {lines[2]}\n    {lines[3]}",
            where=self.where,
            advice=advice,
        )

    def read(self, text: str) -> re.Match[str] | None:
        """Return the match of `text`, from which `arguments` makes values."""
        return self.regex.match(text)

    def arguments(self, match: re.Match[str], offset: int = 0) -> list[Argument]:
        """Return behave's arguments; `offset` is where the phrase starts in the step's text."""
        return [
            Argument(
                match.start(own) + offset,
                match.end(own) + offset,
                match[own],
                parameter.transformer(*match.group(*groups))
                if len(groups) > 1
                else parameter.transformer(match[groups[0]]),
                None,
            )
            for parameter, own, groups in self._parameters
        ]

    def check_match(self, step_text: str) -> list[Argument] | None:
        match = self.read(step_text)
        return None if match is None else self.arguments(match)

    @classmethod
    def clear_registered_types(cls) -> None:
        """Keep everything (parameters.py says why)."""


def _size(group: Any) -> int:
    return 1 + sum(_size(child) for child in group.children)

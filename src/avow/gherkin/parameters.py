"""Parameter types of Cucumber Expressions: the words between braces in a phrase.

They live in a registry of avow's own: behave's is emptied by its `reset_runtime()` and refuses a
second definition, so that a step file which is read twice dies.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cucumber_expressions.errors import CucumberExpressionError
from cucumber_expressions.parameter_type import ParameterType
from cucumber_expressions.parameter_type_registry import ParameterTypeRegistry

from avow.core.errors import SuiteError


class ParameterTypes(ParameterTypeRegistry):  # type: ignore[misc]
    """cucumber's registry, in which the same definition may be made again."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}
        super().__init__()

    def define(self, parameter_type: ParameterType, place: str) -> None:
        """Add a type; one of the same name from the same place, or meaning, is replaced.

        Raises SuiteError where another place gave the name another meaning.
        """
        name = parameter_type.name
        known = self.parameter_type_by_name.get(name)
        if known is not None:
            if place != self._places.get(name) and known.regexps != parameter_type.regexps:
                raise SuiteError(
                    f"the parameter type {{{name}}} has two meanings",
                    where=place,
                    advice=f"It was first defined at {self._places.get(name, 'behave')}. "
                    "Give this one another name.",
                )
            self._forget(known)
        self._places[name] = place
        self.define_parameter_type(parameter_type)

    def _forget(self, known: ParameterType) -> None:
        del self.parameter_type_by_name[known.name]
        for regexp in known.regexps:
            self.parameter_types_by_regexp[regexp].remove(known)


types = ParameterTypes()


def parameter_type(
    name: str,
    pattern: str | list[str],
    convert: Callable[..., Any] = str,
    *,
    use_in_snippets: bool = False,
) -> None:
    """Define `{name}` for phrases: text that matches `pattern`, handed to steps as `convert(text)`.

    With groups in `pattern`, `convert` gets one argument for each. Defining the same type again
    replaces it, so a step file may be read twice.
    """
    code = getattr(convert, "__code__", None)
    if code is not None:
        place = f"{code.co_filename}:{code.co_firstlineno}"
    else:
        place = f"{getattr(convert, '__module__', '')}.{getattr(convert, '__qualname__', convert)}"
    patterns = [pattern] if isinstance(pattern, str) else list(pattern)
    for each in patterns:
        try:
            re.compile(each)
        except re.error as error:
            raise SuiteError(
                f"the parameter type {{{name}}} has a pattern that cannot be read: {error}",
                where=place,
                advice=f"{each}\n  {' ' * (error.pos or 0)}^",
            ) from None
    try:
        made = ParameterType(name, patterns, object, convert, use_in_snippets, False)
    except CucumberExpressionError as error:
        raise SuiteError(str(error), where=place) from None
    types.define(made, place)


class _BehaveTypes:
    """Lets behave's own `define_parameter_type` fill avow's registry."""

    parameter_types = types

    def define_parameter_type(self, parameter_type: ParameterType) -> None:
        code = getattr(parameter_type.transformer, "__code__", None)
        place = f"{code.co_filename}:{code.co_firstlineno}" if code else "behave"
        types.define(parameter_type, place)

    def define_parameter_type_with(
        self,
        name: str,
        regexp: Any,
        type: Any,
        transformer: Callable[..., Any] | None = None,
        use_for_snippets: bool = True,
        prefer_for_regexp_match: bool = False,
    ) -> None:
        self.define_parameter_type(
            ParameterType(
                name, regexp, type, transformer, use_for_snippets, prefer_for_regexp_match
            )
        )

    def register_type(self, **kwargs: Any) -> None:
        self.define_parameter_type(kwargs["parameter_type"])

    def has_type(self, name: str) -> bool:
        return name in types.parameter_type_by_name

    def clear(self) -> None:
        """Keep everything: behave's reset must not take types from phrases that stay."""


behave_types = _BehaveTypes()

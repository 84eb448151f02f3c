"""The decorators of step functions: typed, and told at once where function and phrase do not fit.

    @then("the order {string} is {word}")
    def order_is(world: World, number: str, state: str, *, table: Table | None) -> None: ...

The first parameter is the world; one that is named `context` (or annotated so) gets behave's
context. Keyword parameters named `table`, `document` and `block` (either of the two) get what
stands under the step. One whose annotation does not allow None is needed.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Literal, TypeVar

from behave.async_step import AsyncFunction

from avow.core.errors import SuiteError

StepType = Literal["given", "when", "then", "step"]
F = TypeVar("F", bound=Callable[..., Any])

BLOCKS = ("table", "document", "block")


class Phrase:
    """A step function and how it wants to be called; what the registry holds."""

    def __init__(
        self, function: Callable[..., Any], pattern: str, kind: StepType, timeout: float | None
    ) -> None:
        self.function = function
        self.pattern = pattern
        self.kind = kind
        functools.update_wrapper(self, function)
        code = function.__code__
        self.where = f"{code.co_filename}:{code.co_firstlineno}"
        parameters = list(inspect.signature(function).parameters.values())
        if not parameters or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
            raise SuiteError(
                f'the step function of "{pattern}" takes no world',
                where=self.where,
                advice=f"Write it as def {function.__name__}(world, ...).",
            )
        first = parameters[0]
        self.takes_context = first.name in {"context", "ctx", "_context"} or "Context" in str(
            first.annotation
        )
        self.positional = [
            each
            for each in parameters[1:]
            if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        ]
        self.is_variadic = any(each.kind is each.VAR_POSITIONAL for each in parameters)
        self.blocks = {
            each.name: each
            for each in parameters[1:]
            if each.kind is each.KEYWORD_ONLY and each.name in BLOCKS
        }
        self._call: Callable[..., Any] = function
        if inspect.iscoroutinefunction(function):
            self._call = AsyncFunction(function, timeout=timeout)

    def takes(self, block: str) -> bool:
        """Say whether a table (or document) under the step is wanted."""
        return block in self.blocks or "block" in self.blocks

    def needs(self) -> str | None:
        """Return what a step of this phrase cannot do without: table, document, block, or None."""
        for name, parameter in self.blocks.items():
            if parameter.default is None or "None" in str(parameter.annotation):
                continue
            if parameter.default is inspect.Parameter.empty:
                return name
        return None

    def check_arity(self, parameters: int) -> None:
        """Raise SuiteError where the function does not take what the phrase has."""
        most = len(self.positional)
        least = sum(each.default is each.empty for each in self.positional)
        if least <= parameters and (parameters <= most or self.is_variadic):
            return
        names = ", ".join(each.name for each in self.positional) or "none"
        raise SuiteError(
            f'the phrase "{self.pattern}" has {parameters} parameters and its step function takes '
            f"{most} ({names})",
            where=self.where,
            advice="Besides the world it takes one argument for each pair of braces.",
        )

    def __call__(self, subject: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the function with the world or the context, and its arguments."""
        return self._call(subject, *args, **kwargs)


#: All phrases declared in this process: `install` brings them back after a reset.
declared: dict[tuple[str, str, str], Phrase] = {}


def _decorator(kind: StepType) -> Callable[..., Callable[[F], F]]:
    def decorator(expression: str, *, timeout: float | None = None) -> Callable[[F], F]:
        def wrapper(function: F) -> F:
            from avow.gherkin.behaving import install

            phrase = Phrase(function, expression, kind, timeout)
            registry = install()
            declared[kind, expression, phrase.where] = phrase
            registry.add(phrase)
            return function

        return wrapper

    decorator.__doc__ = (
        f"Declare the Cucumber Expression of a {kind} step; "
        "`timeout` in seconds ends an `async def` step."
    )
    decorator.__name__ = kind
    return decorator


given = _decorator("given")
when = _decorator("when")
then = _decorator("then")
#: A phrase that may stand as a Given, a When or a Then. For remembering, not for acting.
step = _decorator("step")

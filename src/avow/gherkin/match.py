"""One step meets its phrase: values in place, guards around it, a Then observing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from behave.matchers import Match, MatchWithError
from behave.model import Table as BehaveTable
from behave.model import Text as BehaveText
from behave.model_type import Argument

from avow.core.errors import AvowError, SuiteError
from avow.gherkin import guards, session
from avow.gherkin.blocks import Document, Table
from avow.gherkin.docstrings import explained
from avow.gherkin.expressions import CucumberMatcher
from avow.gherkin.phrases import Phrase
from avow.world import RunningStep, World
from avow.world.values import UnknownValue

if TYPE_CHECKING:
    from avow.gherkin.registry import Found, Registry


class StepMatch(Match):  # type: ignore[misc]
    """behave's match, with what avow found out about the step's text."""

    def __init__(self, found: Found, step: Any, registry: Registry) -> None:
        # behave's own __init__ works out the location anew, for each step that runs.
        self.found = found
        self.step = step
        self.registry = registry
        self.func = found.matcher.func
        self.location = found.matcher.location
        self.problem = found.problem
        self.arguments: list[Argument] = []
        #: What was written in the step's text and the value that took its place, in their order.
        self._values: list[tuple[str, str]] = []
        self._running: RunningStep | None = None
        if not found.late:
            self._understand(found)

    def _understand(self, found: Found) -> None:
        if isinstance(found.matcher, CucumberMatcher):
            try:
                self.arguments = found.matcher.arguments(found.match, found.offset)
            except Exception as error:  # noqa: BLE001 - a converter is anyone's code
                self.problem = self.problem or _unconverted(found, error)
        elif isinstance(found.match, MatchWithError):
            self.problem = self.problem or _unconverted(found, found.match.stored_error)
        else:
            self.arguments = [
                Argument(
                    each.start + found.offset,
                    each.end + found.offset,
                    each.original,
                    each.value,
                    each.name,
                )
                for each in found.match.arguments
            ]

    @property
    def where(self) -> str:
        return f"{self.step.filename}:{self.step.line}"

    # -- the step with its values in place, once it has run

    @property
    def shown(self) -> str:
        """The step's text; "" where nothing was put in its place."""
        if not self._values:
            return ""
        done, rest = "", str(self.step.name)
        for written, value in self._values:
            before, found, after = rest.partition(written)
            if found:
                done, rest = done + before + value, after
        return done + rest

    @property
    def shown_document(self) -> str | None:
        running = self._running
        if running is None or running.document is None or "${" not in self.step.text:
            return None
        return str(running.document.text)

    @property
    def shown_table(self) -> list[list[str]] | None:
        running, table = self._running, self.step.table
        if running is None or running.table is None:
            return None
        if not any("${" in cell for cells in (table.headings, *table) for cell in cells):
            return None
        return [list(running.table.headings), *(list(row) for row in running.table)]

    # -- running it

    def run(self, context: Any) -> None:
        """Run the step function; an error of the suite gets the step's place."""
        world = session.current()
        try:
            with context.use_with_user_mode():
                self._run(context, world)
        except AvowError as error:
            if not error.where:
                error.where = self._known_place(world)
            raise
        except SystemExit as error:
            raise SuiteError(
                f"the step called sys.exit({error.code!r}), which would have ended the whole run",
                where=self._known_place(world),
                advice="Raise AssertionError to fail the scenario.",
            ) from error

    def _known_place(self, world: World | None) -> str:
        # A step of `context.execute_steps` has no file: its caller's place is the useful one.
        if self.step.filename == "<string>" and world is not None and world.step is not None:
            return world.step.where
        return self.where

    def _run(self, context: Any, world: World | None) -> None:
        if self.found.late and world is not None:
            self._match_late(world)
        if self.problem is not None:
            raise type(self.problem)(
                self.problem.message, where=self.problem.where, advice=self.problem.advice
            )
        if world is None:
            self._run_without_world(context)
            return
        outer = world.step
        if self.step.step_type != "given":
            world.end_givens()
        world.memory.begin_step()
        where = self._known_place(world)
        world.step = running = RunningStep(self.step.name, self.step.step_type, where)
        self._running = running
        try:
            call = self._prepared(context, world, running)
            if self.step.step_type == "then":
                with world.ledger.observing(self.step.name):
                    guards.run(self.found.guards, call, self.found.phrase)
            else:
                call()
            if self.found.name:
                world.memory.name_subject(self.found.name, self.found.phrase)
        finally:
            world.step = outer

    def _run_without_world(self, context: Any) -> None:
        if isinstance(self.func, Phrase):
            session.needed(self.found.phrase)
        args, kwargs = self._args()
        guards.run(
            self.found.guards, lambda: self.func(context, *args, **kwargs), self.found.phrase
        )

    def _match_late(self, world: World) -> None:
        """Match again with values in the place of `${...}`."""
        text = self._substituted(world, self.found.phrase)
        found = self.registry.look_up(self.step.step_type, text)
        if found is None or found.guards or found.late:
            raise SuiteError(
                f'with its values in place the step says "{text}", and no phrase does',
                advice=f'It was read as "{self.found.matcher.pattern}".',
            )
        found.guards, found.name = self.found.guards, self.found.name
        self.found = found
        self.problem = found.problem
        self._understand(found)

    def _args(self) -> tuple[list[Any], dict[str, Any]]:
        args = [each.value for each in self.arguments if each.name is None]
        kwargs = {each.name: each.value for each in self.arguments if each.name is not None}
        return args, kwargs

    def _prepared(self, context: Any, world: World, running: RunningStep) -> Callable[[], None]:
        for each in self.arguments:
            if isinstance(each.value, str):
                each.value = self._substituted(world, each.value)
            elif hasattr(each.value, "substituted"):
                each.value = each.value.substituted(lambda text: self._substituted(world, text))
        args, kwargs = self._args()
        step, values = self.step, world.values
        if not isinstance(self.func, Phrase):
            self._substitute_in(context, world, running)
            return lambda: self.func(context, *args, **kwargs)
        phrase = self.func
        if step.table is not None:
            running.table = Table.of(step.table, step.filename, values)
        if step.text is not None:
            running.document = Document.of(step.text, step.filename, values)
        for name, value in _blocks(phrase, running).items():
            kwargs[name] = value
        subject = context if phrase.takes_context else world
        return lambda: phrase(subject, *args, **kwargs)

    def _substituted(self, world: World, text: str) -> str:
        if "${" not in text:
            return text
        try:
            value = world.values.substitute(text)
            self._values.append((text, value))
            return value
        except UnknownValue as error:
            shown = f"{self.step.keyword} {self.step.name}"
            start = shown.find(error.reference)
            raise SuiteError(
                f"{error.message}\n    {shown}\n    {' ' * start}{'^' * len(error.reference)}",
                where=self._known_place(world),
                advice=error.advice,
            ) from None

    def _substitute_in(self, context: Any, world: World, running: RunningStep) -> None:
        """Put values into what a plain step of behave finds in its context."""
        step, values = self.step, world.values
        if step.text is not None and "${" in step.text:
            document = Document.of(step.text, step.filename, values)
            running.document = document
            context.text = BehaveText(document.text, step.text.content_type, step.text.line)
        if step.table is not None and any("${" in cell for row in step.table for cell in row):
            table = Table.of(step.table, step.filename, values)
            running.table = table
            context.table = BehaveTable(
                list(table.headings), [list(row) for row in table], step.table.line
            )


def _unconverted(found: Found, error: BaseException) -> AvowError:
    if isinstance(error, AvowError):
        return error
    return SuiteError(
        f'a value in "{found.phrase}" cannot be read: {error}',
        advice=f'The phrase is "{found.matcher.pattern}" ({found.matcher.location}).',
    )


def _blocks(phrase: Phrase, running: RunningStep) -> dict[str, Any]:
    """Return table and document for a step function; raises SuiteError where they do not fit."""
    problem = block_problem(
        phrase, has_table=running.table is not None, has_document=running.document is not None
    )
    if problem is not None:
        raise problem
    given = {
        "table": running.table,
        "document": running.document,
        "block": running.table if running.table is not None else running.document,
    }
    return {
        name: given[name]
        for name, parameter in phrase.blocks.items()
        if given[name] is not None or parameter.default is parameter.empty
    }


_NAMES = {
    "table": "a table",
    "document": 'a docstring (""")',
    "block": 'a table or a docstring (""")',
}


def block_problem(phrase: Phrase, *, has_table: bool, has_document: bool) -> SuiteError | None:
    """Return what is wrong with what stands under a step of this phrase, or None."""
    needs = phrase.needs()
    present = {"table": has_table, "document": has_document, "block": has_table or has_document}
    if needs is not None and not present[needs]:
        return _with_example(phrase, f"this phrase needs {_NAMES[needs]} under it")
    for block in ("table", "document"):
        if present[block] and not phrase.takes(block):
            takes = [_NAMES[name] for name in phrase.blocks]
            return _with_example(
                phrase,
                f"this phrase takes no {'table' if block == 'table' else 'docstring'}"
                + (f"; it takes {' or '.join(takes)}" if takes else ""),
            )
    return None


def _with_example(phrase: Phrase, message: str) -> SuiteError:
    example = explained(phrase.__doc__).example
    lines = "\n    ".join(example.splitlines())
    return SuiteError(message, advice=f"For example:\n    {lines}" if lines else phrase.where)

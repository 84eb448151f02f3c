"""behave's step registry, taught guards, names, ambiguity, and to find a phrase in microseconds.

    Then within 5 seconds a message on "orders" matches as "payment":
         '-- guards ----' '-- the phrase --------------' '-- name --' |
                                                                 colon

The text is tried as it stands first, so a suite's own phrase may use any of these words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from behave.matchers import Match, Matcher, MatchWithError, get_step_matcher_factory
from behave.step_registry import StepRegistry

from avow.core.errors import AvowError, SuiteError
from avow.gherkin import guards
from avow.gherkin.expressions import CucumberMatcher
from avow.gherkin.phrases import Phrase

_NAMED = re.compile(r'(?P<phrase>.+) as "(?P<name>[^"]+)"')
_REFERENCE = re.compile(r"\$\{[^{}]*\}")
_CACHED = 2048


@dataclass(slots=True)
class Found:
    """What the registry knows about a step's text.

    `match` is the regular expression's for Cucumber Expressions, behave's Match for other matchers.
    `late`: the text matches only once its `${...}` have their values. `problem` is for the one who
    wrote the feature; the step runs into it.
    """

    matcher: Any = None
    match: Any = None
    offset: int = 0
    guards: tuple[guards.Guard, ...] = ()
    phrase: str = ""
    name: str = ""
    late: bool = False
    problem: AvowError | None = None


class Registry(StepRegistry):  # type: ignore[misc]
    """behave's registry object becomes one of these (install.py); nothing is set in `__init__`."""

    _index: dict[str, tuple[dict[str, list[Any]], list[Any]]] | None = None
    _cache: dict[tuple[str, str], Found | None] | None = None
    _problems: list[SuiteError] | None = None
    #: Somebody cleared it: `install` brings avow's phrases back.
    is_emptied = False

    @property
    def problems(self) -> list[SuiteError]:
        """Phrases that cannot be read and phrases declared twice; a pre-check reports them."""
        if self._problems is None:
            self._problems = []
        return self._problems

    def clear(self) -> None:
        super().clear()
        self._changed()
        self._problems = None
        self.is_emptied = True

    def _changed(self) -> None:
        self._index = None
        self._cache = None

    # -- declaring

    def add(self, phrase: Phrase) -> None:
        """Add a phrase of avow's decorators, whatever matcher behave has selected."""
        self._add(CucumberMatcher(phrase, phrase.pattern, phrase.kind))

    def add_step_definition(self, keyword: str, step_text: str, func: Any) -> None:
        """Add a phrase of behave's own decorators."""
        try:
            matcher = get_step_matcher_factory().make_step_matcher(func, step_text, keyword.lower())
        except Exception as error:  # noqa: BLE001 - any matcher class may be selected
            where = Match.make_location(func)
            self.problems.append(
                SuiteError(
                    f'the phrase "{step_text}" cannot be read: {error}',
                    where=f"{where.filename}:{where.line}",
                )
            )
            return
        if not isinstance(matcher, CucumberMatcher) and not self.is_good_step_definition(matcher):
            return
        self._add(matcher)

    def on_bad_step_definition(self, step_matcher: Matcher, error: Exception) -> None:
        """Keep what behave would only print."""
        where = step_matcher.location
        self.problems.append(
            SuiteError(
                f'the phrase "{step_matcher.pattern}" cannot be read: {error}',
                where=f"{where.filename}:{where.line}",
            )
        )

    def _add(self, matcher: Matcher) -> None:
        if isinstance(matcher, CucumberMatcher) and not is_shared(matcher):
            try:
                if isinstance(matcher.func, Phrase):
                    matcher.func.check_arity(len(matcher.parameters))
                else:
                    matcher.compile()
            except SuiteError as error:
                self.problems.append(error)
                return
        definitions = self.steps[matcher.step_type]
        for position, existing in enumerate(definitions):
            if existing.pattern == matcher.pattern and _place(existing) == _place(matcher):
                # The file is read again: the newer function belongs to the newer globals.
                definitions[position] = matcher
                self._changed()
                return
        definitions.append(matcher)
        self._changed()

    # -- finding

    def find_all(self, step_type: str, text: str) -> list[tuple[Any, Any]]:
        """Return every (matcher, match) for exactly this text."""
        if self._index is None:
            self._index = {kind: self._indexed(kind) for kind in self.steps}
        by_word, anywhere = self._index[step_type]
        found = []
        for prefix, matcher in by_word.get(text.partition(" ")[0], ()):
            if text.startswith(prefix):
                match = matcher.read(text)
                if match is not None:
                    found.append((matcher, match))
        for matcher in anywhere:
            read = matcher.read if isinstance(matcher, CucumberMatcher) else matcher.match
            match = read(text)
            if match:
                found.append((matcher, match))
        return found

    def _indexed(self, step_type: str) -> tuple[dict[str, list[Any]], list[Any]]:
        definitions = list(self.steps[step_type])
        if step_type != "step":
            definitions += self.steps["step"]
        by_word: dict[str, list[Any]] = {}
        anywhere = []
        for matcher in definitions:
            prefix = getattr(matcher, "prefix", "")
            if " " in prefix or (prefix and prefix == matcher.pattern):
                by_word.setdefault(prefix.partition(" ")[0], []).append((prefix, matcher))
            else:
                anywhere.append(matcher)
        return by_word, anywhere

    def look_up(self, step_type: str, text: str) -> Found | None:
        """Return what this text means as a given, when or then; None where no phrase says it."""
        if self._cache is None or len(self._cache) > _CACHED:
            self._cache = {}
        key = step_type, text
        try:
            return self._cache[key]
        except KeyError:
            found = self._cache[key] = self._look_up(step_type, text)
            return found

    def _look_up(self, step_type: str, text: str) -> Found | None:
        found = self._plain(step_type, text)
        if found is not None:
            return found
        prefix, rest = guards.split(text)
        found = self._plain(step_type, rest) or self._late(step_type, rest)
        if found is None:
            return None
        found.offset = len(text) - len(rest)
        found.guards = prefix
        if prefix and step_type != "then":
            found.problem = found.problem or SuiteError(
                f'"{prefix[0].words}" stands before a {step_type.capitalize()}',
                advice="Only a Then can be waited for or negated. "
                "Take the words out, or make the step a Then.",
            )
        return found

    def _plain(self, step_type: str, text: str) -> Found | None:
        """Look for the text without its colon, as it stands, and without its name."""
        # A `{word}` at the end would swallow the colon.
        texts = [text[:-1].rstrip(), text] if text.endswith(":") else [text]
        for each in texts:
            found = self._exactly(step_type, each)
            if found is not None:
                return found
        named = _NAMED.fullmatch(texts[0])
        found = self._exactly(step_type, named["phrase"]) if named else None
        if found is not None and named is not None:
            found.name = named["name"]
        return found

    def _exactly(self, step_type: str, text: str) -> Found | None:
        all_found = self.find_all(step_type, text)
        if not all_found:
            return None
        matcher, match = all_found[0]
        found = Found(matcher, match, phrase=text)
        if len(all_found) > 1:
            found.problem = ambiguous(text, [matcher for matcher, _ in all_found])
        return found

    def _late(self, step_type: str, text: str) -> Found | None:
        """Say whether the text would match with values in the place of its references."""
        if "${" not in text:
            return None
        for stand_in in ("1", "x", "200", "GET", "1 s"):
            found = self._plain(step_type, _REFERENCE.sub(stand_in, text))
            if found is not None:
                return Found(found.matcher, None, phrase=text, late=True, problem=found.problem)
        return None

    # -- behave's questions

    def find_match(self, step: Any) -> Match | None:
        from avow.gherkin.match import StepMatch

        found = self.look_up(step.step_type, step.name)
        if found is None:
            return None
        try:
            return StepMatch(found, step, self)
        except Exception as error:  # noqa: BLE001 - a converter is anyone's code
            return MatchWithError(found.matcher.func, error)

    def find_step_definition(self, step: Any) -> Matcher | None:
        found = self.look_up(step.step_type, step.name)
        return None if found is None else found.matcher


def is_shared(matcher: Matcher) -> bool:
    """Say whether a phrase is avow's own: its tests have read it, so it is compiled when met."""
    # A step file that behave executes has no name: its functions are of no module.
    phrase = matcher.func
    return isinstance(phrase, Phrase) and str(phrase.function.__module__).startswith("avow.steps.")


def _place(matcher: Matcher) -> tuple[str, int]:
    return matcher.location.filename, matcher.location.line


def ambiguous(text: str, matchers: list[Any]) -> SuiteError:
    """Return the one message about several phrases that match the same text."""
    places = "".join(
        f'\n    {each.step_type.capitalize()} "{each.pattern}"  ({each.location})'
        for each in matchers
    )
    return SuiteError(
        f'"{text}" can mean {len(matchers)} phrases:{places}',
        advice="One phrase, one meaning: reword one of them, or remove it.",
    )

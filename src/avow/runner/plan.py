"""What a run will do, decided before anything starts: every file read, every error told, every
scenario chosen.

A plan keeps places, not models: a model of ten thousand scenarios is large, and each process that
needs a feature reads it when it comes to it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from behave.i18n import languages
from behave.model import Rule, ScenarioOutline
from behave.model_type import FileLocation
from behave.parser import ParserError
from behave.runner_util import collect_feature_locations, parse_features

from avow.core.errors import AvowError, Problems, SuiteError, nearest
from avow.runner import features, testplan

#: Bytes of features whose models are kept instead of being read again; a model is twenty times as
#: large. Decided before the first is read, so that a large suite never needs the memory.
KEPT = 384 * 1024


@dataclass(frozen=True, slots=True)
class Item:
    """One scenario to run; `line` finds it in its file."""

    number: int
    file: str
    line: int
    name: str
    #: Lines of what it stands in: a rule, an outline.
    path: tuple[int, ...] = ()


@dataclass(slots=True)
class PlannedFeature:
    """A file with the locations selected in it, and the scenarios that will run."""

    file: str
    locations: list[FileLocation]
    items: list[Item] = field(default_factory=list)
    model: Any = None

    def load(self, language: str | None) -> Any:
        """Return the feature, with what is not selected marked as behave marks it."""
        model, self.model = self.model, None
        return model or _parsed(self.locations, language, testplan.asked_for())[0]


@dataclass(slots=True)
class Plan:
    #: Whether the files are few enough to be kept as models.
    keep: bool = True
    features: list[PlannedFeature] = field(default_factory=list)
    #: Files without any scenario, and why: told, but no error of their own.
    empty: list[str] = field(default_factory=list)
    #: Scenarios that are written in the files, and those of them that will run.
    written: int = 0
    chosen: int = 0

    @property
    def items(self) -> list[Item]:
        return [item for planned in self.features for item in planned.items]


def make(config: Any) -> Plan:
    """Read all selected files; raises Problems that lists every error of every file."""
    problems: list[AvowError] = []
    selected = list(_by_file(config))
    asked_for = testplan.asked_for()
    plan = Plan(keep=sum(map(_size, (file for file, _ in selected))) <= KEPT)
    for file, locations in selected:
        try:
            found = _parsed(locations, config.lang, asked_for)
        except (ParserError, UnicodeDecodeError, OSError, RecursionError) as error:
            problems.append(_unreadable(file, error))
            continue
        if not found:
            typo = _typo(file)
            if typo:
                problems.append(typo)
            else:
                plan.empty.append(f"{file} holds no feature")
            continue
        open_document = _open_document(found[0])
        if open_document is not None:
            problems.append(open_document)
            continue
        planned = PlannedFeature(locations[0].filename, locations, model=found[0])
        problems += _take(plan, planned, config)
    if problems:
        raise Problems(problems)
    return plan


def _parsed(
    locations: list[FileLocation], language: str | None, asked_for: testplan.TestPlan | None
) -> list[Any]:
    found: list[Any] = parse_features(locations, language)
    if asked_for is not None:
        for feature in found:
            asked_for.mark(feature)
    return found


def _by_file(config: Any) -> Iterable[tuple[str, list[FileLocation]]]:
    """Yield the selected locations by file, in order; those of one file together."""
    found: dict[str, list[FileLocation]] = {}
    for location in collect_feature_locations(config.paths):
        if not config.exclude(location):
            found.setdefault(os.path.normpath(location.filename), []).append(location)
    for file, locations in found.items():
        whole = [each for each in locations if each.line is None]
        yield file, whole[:1] or locations


def _take(plan: Plan, planned: PlannedFeature, config: Any) -> list[AvowError]:
    problems: list[AvowError] = []
    feature = planned.model
    count = 0
    for located in features.walk(feature):
        count += 1
        scenario = located.scenario
        if not scenario.should_run(config):
            continue
        if next(iter(scenario.all_steps), None) is None:
            problems.append(_without_steps(scenario))
            continue
        holders = (located.rule, located.outline)
        path = tuple(each.line for each in holders if each is not None)
        planned.items.append(Item(plan.chosen, planned.file, scenario.line, scenario.name, path))
        plan.chosen += 1
    for outline in _outlines(feature):
        if not outline.should_skip and not outline.scenarios:
            problems.append(_without_rows(outline))
    if count == 0:
        typo = _typo(planned.file)
        if typo:
            problems.append(typo)
        elif not problems:
            plan.empty.append(f"{feature.location} has no scenario")
    elif not problems:
        typo = _typo_in(feature)
        if typo:
            problems.append(typo)
    plan.written += count
    plan.features.append(planned)
    if not plan.keep:
        planned.model = None
        features.tidy(len(plan.features))
    return problems


def _outlines(container: Any) -> Iterable[Any]:
    for item in container.run_items:
        if isinstance(item, Rule):
            yield from _outlines(item)
        elif isinstance(item, ScenarioOutline):
            yield item


# -- what is wrong, where, and what to do


def _unreadable(file: str, error: Exception) -> AvowError:
    if isinstance(error, ParserError):
        line = error.line or 1
        source = _line(file, line) or error.line_text or ""
        column = len(source) - len(source.lstrip()) + 1
        text = re.sub(r' at line \d+(: ".*")?', "", str(error.args[0]), flags=re.DOTALL)
        message = " ".join(text.split()) or "this line cannot be read"
        if message.startswith("Parser failure"):
            message = "this is neither a step nor a keyword"
        return SuiteError(
            f"{message}\n    {source.rstrip()}",
            where=f"{_relative(file)}:{line}:{column}",
            advice=_hint(source),
        )
    if isinstance(error, UnicodeDecodeError):
        before = error.object[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        byte = error.object[error.start]
        return SuiteError(
            f"byte 0x{byte:02x} is not UTF-8",
            where=f"{_relative(file)}:{line}:{column}",
            advice="Save the file as UTF-8.",
        )
    if isinstance(error, RecursionError):
        return SuiteError("it is nested too deeply to be read", where=_relative(file))
    return SuiteError(f"it cannot be read: {error}", where=_relative(file))


def _hint(source: str) -> str:
    word, colon, _ = source.strip().partition(":")
    if colon and word and word.replace(" ", "").isalpha():
        guess = nearest(word, _keywords())
        if guess and guess != word:
            return f'Did you mean "{guess}:"?'
    if source.strip().startswith("|"):
        return "Every row of a table has as many cells as its heading."
    guess = _step_keyword(source)
    return f'Did you mean "{guess}"?' if guess else ""


def _step_keyword(line: str) -> str:
    """Return the keyword that the first word of a line most likely meant, if it is none itself."""
    word = line.strip().partition(" ")[0]
    guess = nearest(word, ("Given", "When", "Then", "And", "But")) if word else None
    return guess if guess and guess != word else ""


def _keywords(language: str = "en") -> list[str]:
    words = languages[language]
    kinds = ("feature", "rule", "background", "scenario", "scenario_outline", "examples")
    return [word for kind in kinds for word in words.get(kind, ())]


_HEADING = re.compile(r"\s*([A-Za-z][A-Za-z ]{3,20}):")


def _typo(file: str) -> AvowError | None:
    """Return the first line that looks like a keyword and is none."""
    try:
        lines = open(file, encoding="utf-8").read().splitlines()  # noqa: SIM115, PTH123
    except (OSError, UnicodeDecodeError):
        return None
    for number, line in enumerate(lines, 1):
        found = _looks_like_keyword(line)
        if found:
            return _mistyped(file, number, line, *found)
    return None


def _open_document(feature: Any) -> AvowError | None:
    """Return the error of a docstring without an end: it holds every scenario that follows."""
    parser = getattr(feature, "parser", None)
    quotes = getattr(parser, "multiline_terminator", None)
    if parser is None or not quotes:
        return None
    line = int(parser.multiline_start or 1)
    source = _line(feature.filename, line)
    column = len(source) - len(source.lstrip()) + 1
    return SuiteError(
        "this docstring has no end, so all that follows it is read as its text",
        where=f"{_relative(feature.filename)}:{line}:{column}",
        advice=f"End it with {quotes} on a line of its own.",
    )


def _typo_in(feature: Any) -> AvowError | None:
    if not any(_looks_like_keyword(line) for line in _descriptions(feature)):
        return None
    return _typo(feature.filename)


def _descriptions(feature: Any) -> Iterable[str]:
    yield from feature.description
    for item in feature.run_items:
        yield from item.description
        if isinstance(item, Rule):
            yield from _descriptions(item)


def _looks_like_keyword(line: str) -> tuple[str, str] | None:
    match = _HEADING.match(line)
    if not match:
        return None
    word = match[1]
    keywords = _keywords()
    if word in keywords:
        return None
    guess = nearest(word, keywords, cutoff=0.8)
    return (word, guess) if guess and guess != word else None


def _mistyped(file: str, number: int, line: str, word: str, guess: str) -> AvowError:
    column = len(line) - len(line.lstrip()) + 1
    return SuiteError(
        f'"{word}:" looks like a keyword and is none, so what follows is only a description',
        where=f"{_relative(file)}:{number}:{column}",
        advice=f'Did you mean "{guess}:"?',
    )


def _without_steps(scenario: Any) -> AvowError:
    advice = "Give it steps, or take it out of the selection with a tag."
    for line in scenario.description:
        # A mistyped first keyword makes a description of the line.
        guess = _step_keyword(line)
        if guess:
            advice = f'"{line.strip()}" is read as its description. Did you mean "{guess}"?'
            break
    return SuiteError(
        f'the scenario "{scenario.name}" has no steps: it would pass and prove nothing',
        where=str(scenario.location),
        advice=advice,
    )


def _without_rows(outline: Any) -> AvowError:
    return SuiteError(
        f'the {outline.keyword.lower()} "{outline.name}" has no rows, so it is no scenario at all',
        where=str(outline.location),
        advice="Add an Examples table with at least one row.",
    )


def _line(file: str, number: int) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
            for at, line in enumerate(lines, 1):
                if at == number:
                    return line.rstrip("\n")
    except OSError:
        pass
    return ""


def _size(file: str) -> int:
    try:
        return Path(file).stat().st_size
    except OSError:
        return 0


def _relative(file: str) -> str:
    try:
        return os.path.relpath(file)
    except ValueError:
        return file

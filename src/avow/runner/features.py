# ruff: noqa: SLF001 - behave has no public way
"""Feature files as behave's model, and each scenario of them by its line: what every process agrees
on.
"""

from __future__ import annotations

import gc
import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from behave.model import Rule, ScenarioOutline
from behave.model_type import FileLocation
from behave.runner_util import parse_features

from avow.core.events import Place, ScenarioInfo, StepInfo

#: Features that may be dropped before the collector is asked to look.
_AT_ONCE = 24


class Located:
    """A scenario and what it stands in; an outline's row is one scenario."""

    __slots__ = ("feature", "ordinal", "outline", "rule", "scenario")

    def __init__(self, feature: Any, rule: Any, outline: Any, scenario: Any, ordinal: int) -> None:
        self.feature = feature
        self.rule = rule
        self.outline = outline
        self.scenario = scenario
        #: Its number among scenarios that look the same: same rule, name and row.
        self.ordinal = ordinal


def walk(feature: Any) -> Iterator[Located]:
    """Yield the scenarios of a feature in the order they are written in."""
    twins: Counter[tuple[str, ...]] = Counter()
    for rule, outline, scenario in _walk(feature, None):
        key = _key(rule, scenario)
        twins[key] += 1
        yield Located(feature, rule, outline, scenario, twins[key] - 1)


def _walk(container: Any, rule: Any) -> Iterator[tuple[Any, Any, Any]]:
    for item in container.run_items:
        if isinstance(item, Rule):
            yield from _walk(item, item)
        elif isinstance(item, ScenarioOutline):
            for scenario in item.scenarios:
                yield rule, item, scenario
        else:
            yield rule, None, item


def _row(scenario: Any) -> dict[str, str]:
    return {} if scenario._row is None else dict(scenario._row.items())


def _key(rule: Any, scenario: Any) -> tuple[str, ...]:
    row = [f"{name}={value}" for name, value in _row(scenario).items()]
    return (rule.name if rule else "", scenario.name, *row)


def by_line(feature: Any) -> dict[int, Located]:
    """Return the scenarios by line: behave's model elements compare equal by name, so nothing else
    will do.
    """
    return {located.scenario.line: located for located in walk(feature)}


def parse(file: str, language: str | None = None) -> Any:
    """Return the whole feature of a file; None where it holds none."""
    found = parse_features([FileLocation(file)], language)
    return found[0] if found else None


def tidy(read: int) -> None:
    """Collect garbage now and then while many features are read and dropped: models are cycles."""
    if read % _AT_ONCE == 0:
        gc.collect()


def scenario_id(located: Located) -> str:
    """Return what names the scenario between runs: path, rule, name, row and its number among
    equals.
    """
    key = [located.scenario.filename, *_key(located.rule, located.scenario), str(located.ordinal)]
    return hashlib.md5("\n".join(key).encode(), usedforsecurity=False).hexdigest()


def describe(located: Located) -> ScenarioInfo:
    """Return the scenario as plain data."""
    scenario, feature, rule = located.scenario, located.feature, located.rule
    background = len(scenario.background_steps) if scenario.background is not None else 0
    return ScenarioInfo(
        id=scenario_id(located),
        name=scenario.name,
        place=Place(scenario.filename, scenario.line),
        feature=feature.name,
        keyword=scenario.keyword,
        description="\n".join(scenario.description),
        feature_description="\n".join(feature.description),
        rule=rule.name if rule else "",
        row=_row(scenario),
        tags=[
            *map(str, scenario.tags),
            *(str(tag) for tag in (rule.tags if rule else ()) if tag not in scenario.tags),
        ],
        feature_tags=[str(tag) for tag in feature.tags],
        steps=[
            _step(step, position < background) for position, step in enumerate(scenario.all_steps)
        ],
    )


def _step(step: Any, background: bool) -> StepInfo:
    table = step.table
    return StepInfo(
        keyword=step.keyword,
        type=step.step_type,
        text=step.name,
        place=Place(step.filename, step.line),
        document=None if step.text is None else str(step.text),
        document_type=getattr(step.text, "content_type", "") if step.text is not None else "",
        table=None
        if table is None
        else [list(table.headings), *([*row.cells] for row in table.rows)],
        background=background,
    )

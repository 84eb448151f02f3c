"""In which order scenarios run. What stands together in the files stays together: a feature, a
rule, the rows of an outline; hooks of a feature run once for all of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from behave.model import Rule, ScenarioOutline

from avow.runner.plan import Item

#: The file and the lines of what a scenario stands in.
Place = tuple[str | int, ...]


def words(seed: int) -> str:
    """Return the line that says how to have the same order again."""
    return f"Order: random (once more: -D avow.order=random -D avow.seed={seed})"


def shuffled(items: Iterable[Item], seed: int) -> list[Item]:
    """Return the scenarios in an order that the seed alone decides."""
    places: list[tuple[Place, Item]] = [
        ((item.file, *item.path, item.line), item) for item in items
    ]
    return list(_shuffled(places, 0, random.Random(seed)))


def _shuffled(
    places: list[tuple[Place, Item]], level: int, source: random.Random
) -> Iterable[Item]:
    groups: dict[str | int, list[tuple[Place, Item]]] = {}
    for place, item in places:
        groups.setdefault(place[level], []).append((place, item))
    keys = list(groups)
    source.shuffle(keys)
    for key in keys:
        group = groups[key]
        if len(group[0][0]) == level + 1:
            yield from (item for _, item in group)
        else:
            yield from _shuffled(group, level + 1, source)


def arrange(features: list[Any], items: Sequence[Item]) -> None:
    """Put behave's models into the order of `items`."""
    rank = {(item.file, item.line): position for position, item in enumerate(items)}

    def first(element: Any) -> int:
        found = [rank.get((each.filename, each.line), len(rank)) for each in _scenarios(element)]
        return min(found, default=len(rank))

    def sort(container: Any) -> None:
        container.run_items.sort(key=first)
        for element in container.run_items:
            if isinstance(element, Rule):
                sort(element)
            elif isinstance(element, ScenarioOutline):
                element.scenarios.sort(key=first)

    features.sort(key=first)
    for feature in features:
        sort(feature)


def _scenarios(element: Any) -> Iterable[Any]:
    walk = getattr(element, "walk_scenarios", None)
    if walk is not None:
        return walk()  # type: ignore[no-any-return]
    return element.scenarios if isinstance(element, ScenarioOutline) else [element]

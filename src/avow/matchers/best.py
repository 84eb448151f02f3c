"""The nearest of many candidates: what a failure shows when nothing fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from avow.matchers.comparing import compare
from avow.matchers.differences import Difference
from avow.matchers.lists import distance
from avow.matchers.wanted import Wanted, prepare


class BestMatch(msgspec.Struct, frozen=True):
    """`index` is the candidate's position; no `differences`: it fits."""

    index: int
    differences: tuple[Difference, ...]

    @property
    def fits(self) -> bool:
        return not self.differences


def best_match(
    wanted: Any,
    candidates: Sequence[Any],
    *,
    mode: str = "at least",
    path: str = "",
    now: float | None = None,
    loose: bool = False,
) -> BestMatch | None:
    """Return the candidate with the fewest differences, the first of equals; None without any."""
    ready = Wanted(prepare(wanted))
    best: BestMatch | None = None
    least = (0, 0)
    for index, candidate in enumerate(candidates):
        found = compare(ready, candidate, mode=mode, path=path, now=now, loose=loose)
        if best is None or distance(found) < least:
            best, least = BestMatch(index, tuple(found)), distance(found)
            if not found:
                break
    return best


def matching(
    wanted: Any,
    candidates: Sequence[Any],
    *,
    mode: str = "at least",
    now: float | None = None,
    loose: bool = False,
) -> list[int]:
    """Return the positions of all candidates that fit."""
    ready = Wanted(prepare(wanted))
    return [
        index
        for index, candidate in enumerate(candidates)
        if not compare(ready, candidate, mode=mode, now=now, loose=loose)
    ]

"""Lists: which wanted element is which seen one.

In any order, every wanted element needs a seen one of its own. With markers several fit several, so
the pairing is a maximum matching (augmenting paths); plain literals are paired first, by value.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from avow.matchers.differences import Difference, Way, path_text, shown
from avow.matchers.modes import Mode
from avow.matchers.wanted import wanted_text

if TYPE_CHECKING:
    from avow.matchers.comparing import Comparison

#: Pairs that are tried before giving up on an order that does not matter.
MOST_PAIRS = 1_000_000


def compare_lists(
    comparison: Comparison, wanted: list[Any], seen: list[Any], way: Way, mode: Mode
) -> None:
    """Add the differences between two lists to `comparison`."""
    if Mode.ONLY in mode and Mode.IN_ORDER in mode:
        _by_position(comparison, wanted, seen, way, mode)
    elif not wanted:
        # [] wants an empty list, or it would want nothing.
        comparison.differences += [_extra(way, at, each) for at, each in enumerate(seen)]
    elif Mode.IN_ORDER in mode:
        _in_order(comparison, wanted, seen, way, mode)
    else:
        _in_any_order(comparison, wanted, seen, way, mode)


def _by_position(
    comparison: Comparison, wanted: list[Any], seen: list[Any], way: Way, mode: Mode
) -> None:
    for at, (want, see) in enumerate(zip(wanted, seen, strict=False)):
        comparison.compare(want, see, (way, at), mode.inner)
    for at in range(len(seen), len(wanted)):
        want = _shown_wanted(wanted[at])
        what = f"wanted {want}, is not there; the list has {len(seen)}"
        comparison.differences.append(Difference(path_text((way, at)), want, "", what))
    comparison.differences += [_extra(way, at, seen[at]) for at in range(len(wanted), len(seen))]


def _in_order(
    comparison: Comparison, wanted: list[Any], seen: list[Any], way: Way, mode: Mode
) -> None:
    start = 0
    for want in wanted:
        found = next(
            (at for at in range(start, len(seen)) if comparison.fits(want, seen[at], mode.inner)),
            None,
        )
        if found is not None:
            start = found + 1
            continue
        earlier = next(
            (at for at in range(start) if comparison.fits(want, seen[at], mode.inner)), None
        )
        if earlier is not None:
            shown_want = _shown_wanted(want)
            what = f"wanted {shown_want} later than it came, at {path_text((way, earlier))}"
            comparison.differences.append(
                Difference(path_text(way), shown_want, shown(seen[earlier]), what)
            )
        else:
            rest = list(range(start, len(seen))) or list(range(len(seen)))
            comparison.differences.append(_unfound(comparison, want, seen, rest, way, mode))


def _in_any_order(
    comparison: Comparison, wanted: list[Any], seen: list[Any], way: Way, mode: Mode
) -> None:
    pairs = _paired_literals(wanted, seen)
    left = [at for at in range(len(wanted)) if at not in pairs]
    taken = set(pairs.values())
    free = [at for at in range(len(seen)) if at not in taken]
    if len(left) * len(free) > MOST_PAIRS:
        what = (
            f"{len(left)} wanted elements are too many to look for among {len(free)} in any order; "
            "compare them in order"
        )
        comparison.differences.append(Difference(path_text(way), "", "", what))
        return
    pairs |= _matching(comparison, wanted, seen, left, free, mode.inner)
    taken = set(pairs.values())
    unpaired = [at for at in range(len(seen)) if at not in taken]
    for at in left:
        if at not in pairs:
            comparison.differences.append(
                _unfound(comparison, wanted[at], seen, unpaired, way, mode)
            )
    if Mode.ONLY in mode:
        comparison.differences += [_extra(way, at, seen[at]) for at in unpaired]


def _paired_literals(wanted: list[Any], seen: list[Any]) -> dict[int, int]:
    """Pair the wanted scalars with equal ones; a scalar fits nothing else, so no pairing is
    lost.
    """
    places: dict[tuple[str, Any], list[int]] = defaultdict(list)
    for at in range(len(seen) - 1, -1, -1):
        key = _scalar(seen[at])
        if key is not None:
            places[key].append(at)
    pairs: dict[int, int] = {}
    for at, want in enumerate(wanted):
        key = _scalar(want)
        if key is not None and places.get(key):
            pairs[at] = places[key].pop()
    return pairs


def _scalar(value: Any) -> tuple[str, Any] | None:
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, (int, float)):
        return "number", value
    return ("text", value) if isinstance(value, str) else None


def _matching(
    comparison: Comparison,
    wanted: list[Any],
    seen: list[Any],
    left: list[int],
    free: list[int],
    mode: Mode,
) -> dict[int, int]:
    fits: dict[tuple[int, int], bool] = {}
    owner: dict[int, int] = {}

    def does_fit(want: int, see: int) -> bool:
        if (want, see) not in fits:
            fits[want, see] = comparison.fits(wanted[want], seen[see], mode)
        return fits[want, see]

    def place(want: int, tried: set[int]) -> bool:
        for see in free:
            if see in tried or not does_fit(want, see):
                continue
            tried.add(see)
            if see not in owner or place(owner[see], tried):
                owner[see] = want
                return True
        return False

    free_now = set(free)
    for want in left:
        # The same position first: what is in order costs one comparison each.
        if want in free_now and want not in owner and does_fit(want, want):
            owner[want] = want
        else:
            place(want, set())
    return {want: see for see, want in owner.items()}


def _unfound(
    comparison: Comparison, want: Any, seen: list[Any], among: list[int], way: Way, mode: Mode
) -> Difference:
    """Return the difference for an element that nothing fits, with those of the nearest."""
    shown_want = _shown_wanted(want)
    here = path_text(way)
    if not seen:
        what = f"wanted {shown_want}, the list is empty"
        return Difference(here, shown_want, "[]", what)
    if not among:
        what = f"wanted {shown_want} once more than it is there"
        return Difference(here, shown_want, "", what)
    trials = {at: comparison.trial(want, seen[at], (way, at), mode.inner) for at in among[:1000]}
    nearest = min(trials, key=lambda at: distance(trials[at]))
    what = f"wanted {shown_want}, is not among the {len(seen)}"
    differences = tuple(trials[nearest])
    if isinstance(seen[nearest], dict):
        what += f"; nearest is {path_text((way, nearest))}:"
        return Difference(here, shown_want, shown(seen[nearest]), what, differences)
    return Difference(here, shown_want, shown(seen), f"{what}: {shown(seen)}")


def distance(differences: list[Difference]) -> tuple[int, int]:
    """Return how far off a candidate is: by its differences, then by fields that are not there."""
    return len(differences), sum(not each.seen for each in differences)


def _extra(way: Way, at: int, seen: Any) -> Difference:
    see = shown(seen)
    return Difference(path_text((way, at)), "", see, f"is not wanted, saw {see}")


def _shown_wanted(want: Any) -> str:
    from avow.matchers.comparing import shown_wanted

    return shown_wanted(want) if not isinstance(want, dict) else shown(wanted_text(want))

"""Wanted against seen, every difference on the way. Nothing that was seen makes it raise."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from avow.matchers.differences import (
    Difference,
    Start,
    Way,
    missing_key,
    path_text,
    shown,
    typed,
    unequal,
    unlike,
)
from avow.matchers.markers import Marker
from avow.matchers.modes import Mode, mode_of
from avow.matchers.wanted import Cell, Record, cell_value, inner_of, prepare, wanted_text

_MISSING: Any = object()


def compare(
    wanted: Any,
    seen: Any,
    *,
    mode: str = "at least",
    path: str = "",
    now: float | None = None,
    loose: bool = False,
) -> list[Difference]:
    """Return every difference between what is wanted and what was seen; none is a match.

    `wanted` is what `parse` returned, or plain data in which texts may be markers. `path` names
    what is compared. `now` (seconds since the epoch) is what `<within ... of now>` is measured
    from, by default the present. `loose`: what was seen has no types of its own (a query, a form, a
    row's decimals), so text that spells a number is one for markers and literals.
    """
    now = time.time() if now is None else now
    comparison = Comparison(now, loose)
    way: Way = (None, Start(path)) if path else None
    try:
        ready, how = prepare(wanted), mode_of(mode)
        if not plainly_fits(ready, seen, how, now):
            comparison.compare(ready, seen, way, how)
    except RecursionError:
        what = "it is nested too deeply to be compared"
        return [Difference(path, shown(wanted), shown(seen), what)]
    return comparison.differences


_SCALARS = frozenset({str, int, bool, type(None)})


def plainly_fits(wanted: Any, seen: Any, mode: Mode, now: float) -> bool:
    """Say whether it is plain that there is no difference; where it is not, the comparison tells.

    Most comparisons hold, and need no path, no pairing and no message.
    """
    if Mode.ONLY in mode and type(wanted) in (dict, list):
        if type(seen) is not type(wanted) or len(seen) != len(wanted):
            return False
        return _plainly(wanted, seen, Mode.DEEP in mode, now)
    return _plainly(wanted, seen, False, now)


def _plainly(wanted: Any, seen: Any, exactly: bool, now: float) -> bool:
    kind = type(wanted)
    if kind is dict:
        if type(seen) is not dict or ((exactly or not wanted) and len(wanted) != len(seen)):
            return False
        for key, want in wanted.items():
            if key not in seen:
                return False
            see = seen[key]
            # Leaves are decided here: a call for each is what the time would go into.
            if type(want) is type(see) in _SCALARS:
                if want != see:
                    return False
            elif not _plainly(want, see, exactly, now):
                return False
        return True
    if kind is list:
        if type(seen) is not list or len(wanted) > len(seen):
            return False
        if (exactly or not wanted) and len(wanted) != len(seen):
            return False
        for want, see in zip(wanted, seen, strict=False):
            if type(want) is type(see) in _SCALARS:
                if want != see:
                    return False
            elif not _plainly(want, see, exactly, now):
                return False
        return True
    if kind is Marker:
        return not wanted.inner and wanted.check(seen, now) is None
    return kind is type(seen) in _SCALARS and bool(wanted == seen)


class Comparison:
    """One walk along what is wanted; collects differences."""

    __slots__ = ("differences", "loose", "now")

    def __init__(self, now: float, loose: bool) -> None:
        self.now = now
        self.loose = loose
        self.differences: list[Difference] = []

    def compare(self, wanted: Any, seen: Any, way: Way, mode: Mode) -> None:
        kind = type(wanted)
        if kind is dict:
            self._object(wanted, seen, way, mode)
        elif kind is list:
            self._list(wanted, seen, way, mode)
        elif kind is Marker:
            self._marker(wanted, seen, way, mode)
        elif kind is Cell:
            self._cell(wanted, seen, way, mode)
        elif kind is Record:
            self._record(wanted, seen, way, mode)
        elif not same(wanted, seen) and not (self.loose and _spells(seen, wanted)):
            self.differences.append(unequal(way, wanted, seen))

    def fits(self, wanted: Any, seen: Any, mode: Mode) -> bool:
        """Say whether there is no difference, without keeping any."""
        return plainly_fits(wanted, seen, mode, self.now) or not self.trial(
            wanted, seen, None, mode
        )

    def trial(self, wanted: Any, seen: Any, way: Way, mode: Mode) -> list[Difference]:
        """Return the differences of a comparison that may come to nothing."""
        trial = Comparison(self.now, self.loose)
        trial.compare(wanted, seen, way, mode)
        return trial.differences

    def _object(self, wanted: dict[str, Any], seen: Any, way: Way, mode: Mode) -> None:
        if type(seen) is not dict:
            if not isinstance(seen, Mapping):
                self.differences.append(unequal(way, wanted_text(wanted), seen))
                return
            seen = dict(seen)
        if not wanted:
            mode |= Mode.ONLY  # {} wants an empty object, or it would want nothing
        inner = mode.inner
        for key, want in wanted.items():
            see = seen.get(key, _MISSING)
            if see is not _MISSING:
                if type(want) is Marker and want.name == "absent":
                    self.differences.append(_unwanted((way, key), see))
                else:
                    self.compare(want, see, (way, key), inner)
            elif not (type(want) is Marker and want.name == "absent"):
                self.differences.append(missing_key(way, key, shown_wanted(want), seen))
        if Mode.ONLY in mode and len(seen) > sum(key in seen for key in wanted):
            self.differences += [
                _unwanted((way, key), see) for key, see in seen.items() if key not in wanted
            ]

    def _list(self, wanted: list[Any], seen: Any, way: Way, mode: Mode) -> None:
        if not isinstance(seen, (list, tuple)):
            self.differences.append(unequal(way, wanted_text(wanted), seen))
            return
        from avow.matchers.lists import compare_lists

        compare_lists(self, wanted, seen if isinstance(seen, list) else list(seen), way, mode)

    def _marker(self, wanted: Marker, seen: Any, way: Way, mode: Mode) -> None:
        why = wanted.check(seen, self.now)
        if why is not None and self.loose and isinstance(seen, str) and len(seen) < 400:
            spelled = cell_value(seen)
            if not isinstance(spelled, str):
                why = wanted.check(spelled, self.now) and why
        if why is not None:
            self.differences.append(unlike(way, wanted.text, seen, why))
        elif wanted.inner:
            inner = inner_of(wanted)
            for at, each in enumerate(seen):
                self.compare(inner, each, (way, at), mode.inner)

    def _cell(self, wanted: Cell, seen: Any, way: Way, mode: Mode) -> None:
        if isinstance(seen, str):
            if seen == wanted.text or (self.loose and _spells(seen, wanted.value)):
                return
        elif type(wanted.value) in (dict, list):
            self.compare(wanted.value, seen, way, mode)
            return
        elif same(wanted.value, seen):
            return
        see = shown(seen)
        seen_type = f" ({typed(seen)})" if see.strip('"') == wanted.text else ""
        what = f"wanted {wanted.text or 'an empty text'}, saw {see}{seen_type}"
        self.differences.append(Difference(path_text(way), wanted.text, see, what))

    def _record(self, wanted: Record, seen: Any, way: Way, mode: Mode) -> None:
        for heading, keys, want in wanted.fields:
            self._field(heading, keys, want, seen, way, mode)
        if Mode.ONLY in mode and isinstance(seen, Mapping):
            heads = {heading for heading, _, _ in wanted.fields}
            heads |= {str(keys[0]) for _, keys, _ in wanted.fields}
            self.differences += [
                _unwanted((way, key), see) for key, see in seen.items() if key not in heads
            ]

    def _field(
        self, heading: str, keys: tuple[str | int, ...], want: Any, seen: Any, way: Way, mode: Mode
    ) -> None:
        if isinstance(seen, Mapping) and heading in seen:
            keys = (heading,)
        at, here = seen, way
        for key in keys:
            before = at
            at = _step(at, key)
            if at is _MISSING:
                if not (type(want) is Marker and want.name == "absent"):
                    self.differences.append(_no_way(here, key, want, before))
                return
            here = (here, key)
        if type(want) is Marker and want.name == "absent":
            self.differences.append(_unwanted(here, at))
        else:
            self.compare(want, at, here, mode.inner)


def _step(value: Any, key: str | int) -> Any:
    if isinstance(value, Mapping):
        found = value.get(key, _MISSING)
        return value.get(str(key), _MISSING) if found is _MISSING else found
    if isinstance(value, list) and isinstance(key, int):
        return value[key] if -len(value) <= key < len(value) else _MISSING
    return _MISSING


def _no_way(way: Way, key: str | int, want: Any, before: Any) -> Difference:
    wanted = shown_wanted(want)
    if isinstance(before, Mapping):
        return missing_key(way, str(key), wanted, before)
    here = path_text((way, key))
    if isinstance(before, list):
        found = f"the list has {len(before)}"
        return Difference(here, wanted, "", f"wanted {wanted}, is not there; {found}")
    see = shown(before)
    what = f"wanted {wanted}, is not there: {path_text(way) or 'what was seen'} is {see}"
    return Difference(here, wanted, see, what)


def same(wanted: Any, seen: Any) -> bool:
    """Say whether two JSON scalars are equal: 1 is 1.0, and neither is true."""
    if isinstance(wanted, bool) or isinstance(seen, bool):
        return wanted is seen
    if isinstance(wanted, float) and math.isnan(wanted):
        return isinstance(seen, float) and math.isnan(seen)
    return bool(wanted == seen)


def _spells(seen: Any, wanted: Any) -> bool:
    """Say whether text that was seen spells the wanted number, boolean or null."""
    if not isinstance(seen, str) or isinstance(wanted, (str, dict, list)) or len(seen) > 400:
        return False
    value = cell_value(seen)
    return not isinstance(value, str) and same(wanted, value)


def shown_wanted(wanted: Any) -> str:
    """Return what is wanted as it shows in a message: markers bare, the rest as JSON."""
    if isinstance(wanted, (Marker, Cell)):
        return wanted.text
    return shown(wanted_text(wanted))


def _unwanted(way: Way, seen: Any) -> Difference:
    see = shown(seen)
    return Difference(path_text(way), "<absent>", see, f"is not wanted, saw {see}")

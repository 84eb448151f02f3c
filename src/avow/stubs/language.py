"""What a route wants, compiled: the decision of `avow.matchers.compare`, without its words.

Every stub call asks every candidate; only an unmatched one needs to know why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

#: True or False where the decision is plain, None where `compare` has to say.
Check = Callable[[Any], bool | None]

_MISSING: Any = object()


def compiled(wanted: Any, *, exactly: bool = False) -> Check:
    """Return a check of what `prepare` has made; a test holds it to the same answers as `compare`.

    Plain are texts, booleans, whole numbers of the same type, and objects of them. Whatever else is
    wanted (a marker, a list, a fraction) is left to `compare` when all that is plain fits.
    """
    if type(wanted) is dict and wanted:
        return _object(wanted, exactly)
    if type(wanted) is str:
        return lambda seen: seen == wanted if type(seen) is str else False
    if type(wanted) in (int, bool):
        kind = type(wanted)
        return lambda seen: seen == wanted if type(seen) is kind else None
    return _undecided


def _object(wanted: dict[str, Any], exactly: bool) -> Check:
    # Texts first: they are what tells routes apart, and the cheapest to tell.
    texts = [(key, value) for key, value in wanted.items() if type(value) is str]
    others = [
        (key, compiled(value, exactly=exactly), type(value) in (int, bool))
        for key, value in wanted.items()
        if type(value) is not str
    ]
    size = len(wanted)

    def check(seen: Any) -> bool | None:
        if type(seen) is not dict or (exactly and len(seen) != size):
            return None
        for key, value in texts:
            if seen.get(key, _MISSING) != value:
                return False
        decided: bool | None = True
        for key, inner, is_literal in others:
            found = seen.get(key, _MISSING)
            # What is not there is no literal; a marker may want it to be absent.
            missing = False if is_literal else None
            plain = missing if found is _MISSING else inner(found)
            if plain is False:
                return False
            if plain is None:
                decided = None
        return decided

    return check


def _undecided(seen: Any) -> bool | None:
    return None


def size(wanted: Any) -> int:
    """Return how many values are wanted."""
    if isinstance(wanted, Mapping):
        return sum(map(size, wanted.values()))
    return sum(map(size, wanted)) if isinstance(wanted, (list, tuple)) else 1


def literal_texts(wanted: Any, place: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Return the texts that must stand as they are in an object, by the keys that lead to them."""
    if type(wanted) is str:
        return {place: wanted} if place else {}
    found: dict[tuple[str, ...], str] = {}
    if type(wanted) is dict:
        for key, value in wanted.items():
            found.update(literal_texts(value, (*place, key)))
    return found

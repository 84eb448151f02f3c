"""How much may be there besides what is wanted.

at least         what is wanted is there; other fields and elements may be, in any order
in order         and the wanted elements of a list come in the order in which they are wanted
only             and nothing else is at the top: no other field, no other element
only in order    both
exactly          nothing else at any depth, and lists in their order
"""

from __future__ import annotations

import enum

from avow.core.errors import SuiteError, did_you_mean


class Mode(enum.Flag):
    AT_LEAST = 0
    IN_ORDER = enum.auto()
    ONLY = enum.auto()
    DEEP = enum.auto()

    @property
    def inner(self) -> Mode:
        """The mode of what is one level below."""
        return self if Mode.DEEP in self else self & Mode.IN_ORDER


MODES = {
    "at least": Mode.AT_LEAST,
    "in order": Mode.IN_ORDER,
    "only": Mode.ONLY,
    "only in order": Mode.ONLY | Mode.IN_ORDER,
    "exactly": Mode.ONLY | Mode.IN_ORDER | Mode.DEEP,
}


def mode_of(words: str) -> Mode:
    """Return the mode that the words of a phrase name; raises SuiteError for others."""
    mode = MODES.get(" ".join(words.split()) or "at least")
    if mode is None:
        advice = did_you_mean(words, MODES, what="ways to compare")
        raise SuiteError(f'"{words}" is not a way to compare', advice=advice)
    return mode

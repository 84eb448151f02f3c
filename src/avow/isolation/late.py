"""Whose is an effect that comes when its scenario is over? Never the next one's.

    scenario 1 ends ............ scenario 2 starts ......... scenario 2 ends
         |--- what arrives here ---|  certainly 1's
                                   |--- what arrives here ---|  1's, where it carries an identifier
                                                               that only 1 brought into the world

A scenario brings identifiers into the world by its own doing: with its requests, messages and rows,
with what the system answered to them, and with what it remembered. What it only saw (seed rows in a
list, a product in a message) is nobody's. An effect that also carries an identifier which the
running scenario knows is the running one's: the system was told about both.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from avow.core.entries import Entry
from avow.core.ledger import Ledger
from avow.isolation import identifiers

#: Scenarios whose effects are still recognised. A system that is later than that is told as
#: unknown.
_KEPT = 20


class LateCorrelator:
    """Tells to which scenario an effect belongs. Costs nothing until there is an effect."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        #: Identifiers by ended scenario, the newest last.
        self._brought: OrderedDict[str, set[str]] = OrderedDict()
        self._ledger: Ledger | None = None
        self._known: set[str] = set()
        self._read = 0

    def begin(self, ledger: Ledger) -> None:
        """Another scenario runs from now on."""
        self._ledger, self._known, self._read = ledger, set(), 0

    def end(self, scenario: str, ledger: Ledger, values: Iterable[Any] = ()) -> None:
        """A scenario is over; `values` is what it remembered."""
        brought: set[str] = set()
        for entry in ledger.entries:
            if entry.role == "act":
                brought |= identifiers.of_entry(entry, loose=False)
        for value in values:
            brought |= identifiers.of_value(value, loose=False)
        for others in self._brought.values():
            # In two scenarios: test data or seed data, which says nothing.
            shared = others & brought
            others -= shared
            brought -= shared
        self._brought[scenario] = brought
        self._brought.move_to_end(scenario)
        while len(self._brought) > self._kept:
            self._brought.popitem(last=False)
        self._ledger = None

    def owner(self, effect: Entry) -> str | None:
        """Return the ended scenario that the effect belongs to, or None for the running one."""
        if not self._brought:
            return None
        carried = identifiers.of_entry(effect)
        owners = [name for name, brought in self._brought.items() if carried & brought]
        if not owners or not carried.isdisjoint(self._known_now()):
            return None
        return owners[-1]

    def _known_now(self) -> set[str]:
        """Return what the running scenario knows by now, whoever told it."""
        if self._ledger is not None:
            entries = self._ledger.entries
            for entry in entries[self._read :]:
                self._known |= identifiers.of_entry(entry)
            self._read = len(entries)
        return self._known

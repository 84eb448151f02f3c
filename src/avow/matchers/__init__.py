"""The matching language: what is wanted against what was seen, every difference with its path.

wanted = parse('{"id": <uuid>, "total": 4250, "lines": <each: {"sku": <string>}>}')
differences = compare(wanted, seen)          # none is a match
assert_that(seen, matches_json(wanted))      # the same from plain pytest
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from avow.matchers.best import BestMatch, best_match, matching
from avow.matchers.bodies import read_json
from avow.matchers.comparing import compare
from avow.matchers.differences import Difference, describe
from avow.matchers.markers import FORMS, is_marker
from avow.matchers.modes import MODES
from avow.matchers.records import table_to_records, table_to_values
from avow.matchers.wanted import Cell, Record, Wanted, cell_value, parse, parse_cell, prepare

if TYPE_CHECKING:
    from avow.matchers.hamcrest import matches_json, matches_records

__all__ = [
    "FORMS",
    "MODES",
    "BestMatch",
    "Cell",
    "Difference",
    "Record",
    "Wanted",
    "best_match",
    "cell_value",
    "compare",
    "describe",
    "is_marker",
    "matches_json",
    "matches_records",
    "matching",
    "parse",
    "parse_cell",
    "prepare",
    "read_json",
    "table_to_records",
    "table_to_values",
]


def __getattr__(name: str) -> Any:
    # PyHamcrest is only loaded by those who ask for its matchers.
    if name in ("matches_json", "matches_records"):
        return getattr(importlib.import_module("avow.matchers.hamcrest"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

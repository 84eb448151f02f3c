"""The matching language as PyHamcrest matchers, for plain pytest too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

from avow.matchers.bodies import read_json
from avow.matchers.comparing import compare, shown_wanted
from avow.matchers.differences import Difference, describe
from avow.matchers.records import table_to_records
from avow.matchers.wanted import Wanted, parse, prepare


class Matches(BaseMatcher[Any]):  # type: ignore[misc]  # PyHamcrest is not followed by mypy
    """Matches plain data, or text and bytes that are JSON."""

    def __init__(self, wanted: Any, mode: str, loose: bool, what: str) -> None:
        self._wanted = wanted
        self._mode = mode
        self._loose = loose
        self._what = what

    def _matches(self, item: Any) -> bool:
        return not self._differences(item)

    def _differences(self, item: Any) -> list[Difference]:
        if isinstance(item, (str, bytes)) and not isinstance(self._wanted.value, str):
            item, problem = read_json(item)
            if problem:
                return [Difference("", "JSON", "", problem)]
        return compare(self._wanted, item, mode=self._mode, loose=self._loose)

    def describe_to(self, description: Description) -> None:
        description.append_text(f"{self._what} {self._mode} {shown_wanted(self._wanted.value)}")

    def describe_mismatch(self, item: Any, mismatch_description: Description) -> None:
        mismatch_description.append_text("these differ:\n" + describe(self._differences(item)))


def matches_json(wanted: Any, *, mode: str = "at least") -> Matches:
    """Match JSON: a document in the matching language, or plain data whose texts may be markers."""
    ready = parse(wanted) if isinstance(wanted, str) else Wanted(prepare(wanted))
    return Matches(ready, mode, False, "JSON that holds")


def matches_records(
    headings: Sequence[str],
    *rows: Sequence[str],
    mode: str = "at least",
    loose: bool = False,
) -> Matches:
    """Match a list of objects against the rows of a table."""
    records = table_to_records(headings, rows)
    return Matches(Wanted(records), mode, loose, "records that hold")

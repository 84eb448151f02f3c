"""What stands under a step: a table of records or a document, with `${...}` already in place.

A mistake in one is told with its line and a caret under it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from avow.core.errors import SuiteError, did_you_mean
from avow.core.text import shortened
from avow.matchers import Record, Wanted, parse, parse_cell, table_to_records, table_to_values
from avow.world.values import UnknownValue, Values

T = TypeVar("T")

#: Longer lines of a feature are shown cut.
_WIDTH = 160
#: What a message about a marker quotes.
_MARKER = re.compile(r"<[^<>\n]+>")


class Row:
    """One row of a table below its headings: cells by heading, or by position."""

    __slots__ = ("_cells", "_table", "line")

    def __init__(self, table: Table, cells: Sequence[str], line: int) -> None:
        self._table = table
        self._cells = tuple(cells)
        self.line = line

    @property
    def cells(self) -> tuple[str, ...]:
        return self._cells

    @property
    def where(self) -> str:
        return f"{self._table.file}:{self.line}"

    def __getitem__(self, heading: str | int) -> str:
        if isinstance(heading, int):
            return self._cells[heading]
        return self._cells[self._table.position(heading)]

    def get(self, heading: str, default: str = "") -> str:
        """Return the cell under a heading, or the default where the table has no such heading."""
        if heading not in self._table.headings:
            return default
        return self[heading]

    def to_dict(self) -> dict[str, str]:
        return dict(zip(self._table.headings, self._cells, strict=True))

    def __iter__(self) -> Iterator[str]:
        return iter(self._cells)

    def wrong(self, heading: str | int, message: str, advice: str = "") -> SuiteError:
        """Return an error that points at a cell of this row."""
        column = heading if isinstance(heading, int) else self._table.position(heading)
        return self._table.pointed(self.line, column, message, advice)


class Table:
    """The table under a step: headings, and one record a row."""

    def __init__(
        self,
        headings: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        file: str = "",
        line: int = 0,
        lines: Sequence[int] = (),
        written: Sequence[Sequence[str]] | None = None,
    ) -> None:
        self.headings = tuple(headings)
        self.file = file
        self.line = line
        numbers = lines or [line + number for number in range(1, len(rows) + 1)]
        self.rows = [Row(self, cells, number) for cells, number in zip(rows, numbers, strict=True)]
        # As in the feature: messages show `${secret:X}`, not what stands in its place.
        self._written = {
            line: list(headings),
            **{number: list(cells) for number, cells in zip(numbers, written or rows, strict=True)},
        }

    @classmethod
    def of(cls, table: Any, file: str, values: Values) -> Table:
        """Return behave's table, `${...}` replaced; raises SuiteError that points at a cell."""
        written = [list(row.cells) for row in table.rows]
        lines = [row.line or 0 for row in table.rows]
        made = cls(table.headings, written, file=file, line=table.line or 0, lines=lines)
        for row, cells in zip(made.rows, written, strict=True):
            if not any("${" in cell for cell in cells):
                continue
            replaced = []
            for column, cell in enumerate(cells):
                try:
                    replaced.append(values.substitute(cell))
                except UnknownValue as error:
                    raise made.pointed(row.line, column, error.message, error.advice) from None
            row._cells = tuple(replaced)  # noqa: SLF001 - the table makes its rows
        return made

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"

    def position(self, heading: str) -> int:
        """Return the column of a heading; raises SuiteError with the nearest one."""
        try:
            return self.headings.index(heading)
        except ValueError:
            raise SuiteError(
                f'the table has no heading "{heading}"',
                where=self.where,
                advice=did_you_mean(heading, self.headings, what="headings"),
            ) from None

    def records(self) -> list[dict[str, str]]:
        """Return each row as texts by heading."""
        return [row.to_dict() for row in self.rows]

    def only(self, *allowed: str, needs: Sequence[str] = ()) -> Table:
        """Return the table; raises SuiteError that points at a heading not allowed here."""
        for column, heading in enumerate(self.headings):
            if heading not in allowed:
                raise self.pointed(
                    self.line,
                    column,
                    f'the heading "{heading}" means nothing here',
                    did_you_mean(heading, allowed, what="possible"),
                )
        missing = [heading for heading in needs if heading not in self.headings]
        if missing:
            raise SuiteError(
                f"the table needs the heading{'s' if len(missing) > 1 else ''} "
                + " and ".join(f'"{each}"' for each in missing),
                where=self.where,
                advice=f"Possible headings: {', '.join(allowed)}.",
            )
        return self

    def pairs(self) -> list[tuple[str, str]]:
        """Return a table of `| name | value |` as pairs, in order; names may come twice."""
        self.only("name", "value", needs=("name", "value"))
        return [(row["name"], row["value"]) for row in self.rows]

    def wanted(self) -> list[Record]:
        """Return what each row wants, in the matching language; raises SuiteError at its cell."""
        self._check_cells(parse_cell)
        return self._told_at_headings(table_to_records)

    def values(self) -> list[dict[str, Any]]:
        """Return each row as data to send or to insert: 42 is a number, "42" a text."""
        return self._told_at_headings(table_to_values)

    def wanted_cells(self, *headings: str) -> None:
        """Raise SuiteError that points at a cell below these headings whose marker is none."""
        self._check_cells(parse_cell, {self.position(each) for each in headings})

    def _check_cells(self, read: Callable[[str], Any], columns: set[int] | None = None) -> None:
        for row in self.rows:
            for column, cell in enumerate(row.cells):
                if columns is not None and column not in columns:
                    continue
                try:
                    read(cell)
                except SuiteError as error:
                    raise self.pointed(row.line, column, error.message, error.advice) from None

    def _told_at_headings(self, read: Callable[[Any, Any], list[T]]) -> list[T]:
        try:
            return read(self.headings, [row.cells for row in self.rows])
        except SuiteError as error:
            where = f"{self.where}, {error.where}" if error.where else self.where
            raise SuiteError(error.message, where=where, advice=error.advice) from None

    def single(self) -> dict[str, str]:
        """Return the only row of a table; raises SuiteError where there are more or fewer."""
        if len(self.rows) != 1:
            raise SuiteError(
                f"the table has {len(self.rows)} rows below its headings; one is wanted here",
                where=self.where,
            )
        return self.rows[0].to_dict()

    def pointed(self, line: int, column: int, message: str, advice: str = "") -> SuiteError:
        """Return an error that shows a row as written, with a caret under one of its cells."""
        cells = self._written.get(line, [])
        start = 2 + sum(len(cell) + 3 for cell in cells[:column])
        width = max(len(cells[column]), 1) if column < len(cells) else 1
        shown = "| " + " | ".join(cells) + " |"
        return SuiteError(
            f"{message}\n    {shown}\n    {' ' * start}{'^' * width}",
            where=f"{self.file}:{line}",
            advice=advice,
        )


class Document:
    """The docstring under a step, `${...}` in place; `kind` is the word after the quotes."""

    def __init__(
        self, written: str, values: Values | None = None, *, file: str = "", line: int = 0,
        kind: str = "",
    ) -> None:  # fmt: skip
        self.written = written
        self.kind = kind
        self.file = file
        self.line = line
        self._values = values

    @classmethod
    def of(cls, text: Any, file: str, values: Values) -> Document:
        """Return behave's text as a document; raises SuiteError for an unknown `${...}` in it."""
        kind = getattr(text, "content_type", "")
        document = cls(
            str(text),
            values,
            file=file,
            line=getattr(text, "line", 0) or 0,
            kind="" if kind == "text/plain" else kind,
        )
        document.text  # noqa: B018 - mistakes come out before the step runs
        return document

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def text(self) -> str:
        return self._replaced(as_json=False)

    @property
    def json_text(self) -> str:
        """The text, values escaped for where they stand: inside of a JSON string, or not."""
        return self._replaced(as_json=True)

    def json(self) -> Any:
        """Return the document as JSON; raises SuiteError with the line and a caret."""
        text = self.json_text
        try:
            return json.loads(text)
        except RecursionError:
            raise SuiteError("the JSON is nested too deeply", where=self.where) from None
        except ValueError as error:
            raise self.unreadable(text, error) from None

    def wanted(self) -> Wanted:
        """Return what the document wants, in the matching language; raises SuiteError."""
        text = self.json_text if self.text.lstrip()[:1] in ("{", "[", '"') else self.text
        try:
            return parse(text)
        except SuiteError as error:
            marker = _MARKER.search(error.message)
            at = self.written.find(marker[0]) if marker else -1
            if at >= 0:
                head = self.written[:at]
                column = len(head) - head.rfind("\n") - 1
                raise self.pointed(head.count("\n"), column, error.message, error.advice) from None
            raise SuiteError(error.message, where=self.where, advice=error.advice) from None

    def unreadable(self, text: str, error: Exception) -> SuiteError:
        """Return the error of JSON that cannot be read, at its place in the feature."""
        line = getattr(error, "lineno", 1)
        column = getattr(error, "colno", 1)
        said = getattr(error, "msg", str(error))
        return self.pointed(
            line - 1,
            column - 1,
            f"this is not JSON: {said[:1].lower()}{said[1:]}",
            'Markers stand alone as values: {"id": <uuid>} or {"id": "<uuid>"}.'
            if "<" in text
            else "",
            text=text,
        )

    def pointed(
        self, line: int, column: int, message: str, advice: str = "", *, text: str | None = None
    ) -> SuiteError:
        """Return an error that shows a line (from 0) of the document with a caret under it."""
        lines = (self.written if text is None else text).splitlines() or [""]
        shown = lines[min(line, len(lines) - 1)]
        if len(shown) > _WIDTH:
            start = max(0, column - _WIDTH // 2)
            shown, column = shortened(shown[start : start + _WIDTH]), column - start
        return SuiteError(
            f"{message}\n    {shown}\n    {' ' * column}^",
            where=f"{self.file}:{self.line + 1 + line}",
            advice=advice,
        )

    def _replaced(self, *, as_json: bool) -> str:
        if self._values is None or "${" not in self.written:
            return self.written
        try:
            return self._values.substitute(self.written, as_json=as_json)
        except UnknownValue as error:
            head = self.written[: error.position]
            raise self.pointed(
                head.count("\n"),
                len(head) - head.rfind("\n") - 1,
                error.message,
                error.advice,
            ) from None


Block = Table | Document

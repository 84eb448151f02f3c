"""Where in avow.toml a key stands. tomllib does not say, so the lines are read again, loosely."""

from __future__ import annotations

import re

Path = tuple[str, ...]

_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_KEY = re.compile(rf"\s*({_NAME}(?:\s*\.\s*{_NAME})*)")
_PART = re.compile(_NAME)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|' + r"'[^']*'|#.*")


def key_lines(text: str) -> dict[Path, int]:
    """Return the line of every table and key that can be found, by path."""
    lines: dict[Path, int] = {}
    table: Path = ()
    counts: dict[Path, int] = {}
    open_quotes = ""
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        if open_quotes:
            if open_quotes in line:
                open_quotes = ""
            continue
        stripped = line.strip()
        if depth == 0 and stripped.startswith("[["):
            path = _path(stripped[2:])
            index = counts[path] = counts.get(path, -1) + 1
            table = (*path, str(index))
            lines.setdefault(path, number)
            lines[table] = number
            continue
        if depth == 0 and stripped.startswith("["):
            table = _path(stripped[1:])
            lines.setdefault(table, number)
            continue
        if depth == 0 and (found := _KEY.match(line)) and line[found.end() :].lstrip()[:1] == "=":
            path = (*table, *_path(found[1]))
            for length in range(len(table) + 1, len(path) + 1):
                lines.setdefault(path[:length], number)
            line = line[found.end() :]
        for quotes in ('"""', "'''"):
            if line.count(quotes) % 2:
                open_quotes = quotes
        bare = _STRING.sub("", line)
        depth = max(0, depth + bare.count("[") - bare.count("]"))
    return lines


def _path(text: str) -> Path:
    found = _KEY.match(text)
    return tuple(part.strip("\"'") for part in _PART.findall(found[1])) if found else ()


def line_of(path: Path, lines: dict[Path, int]) -> int | None:
    """Return the line of `path`, or of the nearest table around it that stands in the file."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None

"""Routes that stand in files: the stub's own (`routes = "support/stubs/stripe.toml"`), and bodies
of answers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from avow.core.errors import ConfigError
from avow.stubs.routes import Route, routes_from


class Paths(Protocol):
    """Decides which files a suite may read (`avow.guards`)."""

    def path(self, text: str) -> Path:
        """Return a path under the suite's root; raises GuardRefusal."""


def load_routes(
    source: str | tuple[Any, ...] | list[Any], paths: Paths, *, where: str
) -> list[Route]:
    """Return the routes of a TOML or JSON file, or those written in avow.toml itself."""
    plain: Any = list(source) if not isinstance(source, str) else None
    if isinstance(source, str):
        where = source
        plain = _read(paths.path(source), source)
        if isinstance(plain, Mapping):
            plain = plain.get("routes", plain)
    if isinstance(plain, list):
        plain = [with_files(each, paths) if isinstance(each, Mapping) else each for each in plain]
    return routes_from(plain, where=where)


class Here:
    """Paths as a plain pytest means them: from the working directory."""

    def path(self, text: str) -> Path:
        return Path(text)


def with_files(route: Any, paths: Paths) -> Any:
    """Return a route whose answers hold what their `file` names; JSON files become data."""
    if not isinstance(route, Mapping):
        return route
    route = dict(route)
    if "answer" in route:
        route["answer"] = _with_file(route["answer"], paths)
    if isinstance(route.get("answers"), (list, tuple)):
        route["answers"] = [_with_file(each, paths) for each in route["answers"]]
    return route


def _with_file(answer: Any, paths: Paths) -> Any:
    if not isinstance(answer, Mapping) or "file" not in answer:
        return answer
    name = str(answer["file"])
    rest = {key: value for key, value in answer.items() if key != "file"}
    path = paths.path(name)
    if path.suffix == ".json":
        return {**rest, "body": _read(path, name)}
    try:
        return {**rest, "body": path.read_text(encoding="utf-8")}
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(name, error) from error


def _read(path: Path, shown: str) -> Any:
    try:
        if path.suffix == ".toml":
            return tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.json.decode(path.read_bytes())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.MsgspecError) as error:
        raise _unreadable(shown, error) from error


def _unreadable(name: str, error: Exception) -> ConfigError:
    what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ConfigError(
        f"cannot be read: {what}", where=name, advice="It is looked for under the suite's root."
    )

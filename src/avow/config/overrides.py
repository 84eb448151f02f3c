"""Settings from the environment (AVOW_TIMEOUTS_STEP=5s) and from `-D avow.timeouts.step=5s`."""

from __future__ import annotations

import copy
import typing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from avow.config.reading import Outside, Path, fields_of
from avow.core.errors import ConfigError, did_you_mean, nearest

PREFIX = "AVOW_"
_DEFINE = "avow."

#: A word in place of a section: `-D avow.inline`.
_SHORT = {
    "inline": ("runner", "inline"),
    "jobs": ("runner", "jobs"),
    "order": ("runner", "order"),
    "seed": ("runner", "seed"),
}

#: Returns the names that may stand at a path, each with its type.
Shape = Callable[[Path], Mapping[str, Any]]


def shape_of(kind: Any, value: Any) -> Mapping[str, Any]:
    """Return what may stand inside a setting of type `kind` whose value is `value`."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {name: field for name, (field, _) in fields_of(kind).items()}
    for member in (kind, *typing.get_args(kind)):
        if typing.get_origin(member) is dict:
            item = typing.get_args(member)[1]
            return dict.fromkeys(value, item) if isinstance(value, Mapping) else {}
    return {}


def from_environment(
    environ: Mapping[str, str], shape: Shape, sections: set[str]
) -> tuple[list[tuple[Path, Outside]], list[ConfigError]]:
    """Return the overrides that the environment holds, and the variables that look like a mistake.

    A variable is nobody's business unless its first word is a section, or nearly one.
    """
    found: list[tuple[Path, Outside]] = []
    problems: list[ConfigError] = []
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        rest = name.removeprefix(PREFIX)
        first = rest.partition("_")[0].lower()
        section = nearest(first, sections, cutoff=0.8)
        if rest == "PROFILE" or first == "secret" or section is None or "_" not in rest:
            continue
        path = _match(rest, (), shape)
        if path is None:
            known = sorted(_variables(section, shape))
            problems.append(
                ConfigError(
                    "no setting has this name",
                    where=f"environment variable {name}",
                    advice=did_you_mean(name, known, what="settings"),
                )
            )
        else:
            origin = f"environment variable {name} ({'.'.join(path)})"
            found.append((path, Outside(environ[name], origin)))
    return found, problems


def _variables(section: str, shape: Shape) -> list[str]:
    return [
        PREFIX + "_".join(map(_upper, (section, *deeper)))
        for key in shape((section,))
        for deeper in _deeper(section, key, shape)
    ]


def _deeper(section: str, key: str, shape: Shape) -> list[Path]:
    inside: list[Path] = [(key, inner) for inner in shape((section, key))]
    return inside or [(key,)]


def _upper(key: str) -> str:
    return key.upper().replace("-", "_").replace(".", "_")


def _match(rest: str, path: Path, shape: Shape) -> Path | None:
    """Return the path whose words, joined by underscores, are `rest`."""
    inside = shape(path)
    for key in inside:
        if _upper(key) == rest:
            return (*path, key)
    for key in sorted(inside, key=len, reverse=True):
        if rest.startswith(_upper(key) + "_"):
            deeper = _match(rest[len(key) + 1 :], (*path, key), shape)
            if deeper is not None:
                return deeper
    if path[-1:] == ("env",):
        return (*path, rest)
    return None


def from_defines(
    defines: Mapping[str, str], shape: Shape
) -> tuple[list[tuple[Path, Outside]], list[ConfigError]]:
    """Return the overrides among the `-D` settings, and those that name no setting."""
    found: list[tuple[Path, Outside]] = []
    problems: list[ConfigError] = []
    for name, text in defines.items():
        if not name.startswith(_DEFINE) or name == "avow.profile":
            continue
        words = tuple(name.removeprefix(_DEFINE).split("."))
        path: Path = _SHORT.get(words[0], words) if len(words) == 1 else words
        for at, word in enumerate(path):
            inside = shape(path[:at])
            if word not in inside and path[at - 1 : at] != ("env",):
                known = [*inside, *(_SHORT if at == 0 else ())]
                problems.append(
                    ConfigError(
                        f'"{word}" is not a setting',
                        where=f"-D {name}",
                        advice=did_you_mean(word, known, what="settings"),
                    )
                )
                break
        else:
            found.append((path, Outside(text, f"-D {name}")))
    return found, problems


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `over` laid upon it, table by table; lists are replaced."""
    result = copy.copy(dict(base))
    for key, value in over.items():
        before = result.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            result[key] = merged(before, value)
        else:
            result[key] = value
    return result


def placed(path: Path, value: Any) -> dict[str, Any]:
    """Return the tables that hold `value` at `path`."""
    for key in reversed(path):
        value = {key: value}
    return typing.cast("dict[str, Any]", value)

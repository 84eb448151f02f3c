"""Plain data into frozen Structs, every mistake collected on the way."""

from __future__ import annotations

import functools
import json
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path as FilePath
from typing import Any, Literal, Union

import msgspec

from avow import plugins
from avow.config.types import DURATION_ADVICE, SIZE_ADVICE, duration, size
from avow.core.errors import ConfigError, did_you_mean
from avow.core.text import shortened

Path = tuple[str, ...]

_TRUE, _FALSE = {"true", "1", "yes", "on", ""}, {"false", "0", "no", "off"}


class Outside(str):
    """A text from an environment variable or a `-D` setting, which has no types of its own."""

    origin: str

    def __new__(cls, text: str, origin: str) -> Outside:
        made = super().__new__(cls, text)
        made.origin = origin
        return made


#: Settings whose value is a secret even where it is written out.
SECRET_KEYS = frozenset({"secret", "token", "password", "secret_key", "api_key"})


class _Missing:
    def __bool__(self) -> bool:
        return False


#: What `read` returns for something that has a problem.
MISSING: Any = _Missing()


@functools.cache
def fields_of(struct: type[msgspec.Struct]) -> dict[str, tuple[Any, bool]]:
    """Return the type of each field and whether it must be given."""
    hints = typing.get_type_hints(struct, include_extras=True)
    return {
        field.encode_name: (hints[field.name], field.required)
        for field in msgspec.structs.fields(struct)
    }


class Reader:
    """Reads values of a file into types. `where` words the place of a path in it."""

    def __init__(self, where: Callable[[Path], str], root: FilePath) -> None:
        self.problems: list[ConfigError] = []
        self._where = where
        self._root = root

    def problem(self, path: Path, message: str, advice: str = "", *, value: Any = None) -> Any:
        where = value.origin if isinstance(value, Outside) else self._where(path)
        self.problems.append(ConfigError(message, where=where, advice=advice))
        return MISSING

    def struct(
        self,
        struct: type[msgspec.Struct],
        value: Any,
        path: Path,
        *,
        also: tuple[str, ...] = (),
        only: tuple[str, ...] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Any:
        """Read a table. `also` are keys that somebody else reads; `extra` fields come from the
        code.
        """
        if not isinstance(value, Mapping):
            return self.problem(path, f"{self._shown(path, value)} is not a table", value=value)
        fields = fields_of(struct)
        known = {name for name in fields if only is None or name in only}
        made: dict[str, Any] = dict(extra or {})
        failed = False
        for key, each in value.items():
            if key in made and key not in known:
                continue
            if key in known:
                result = self.read(fields[key][0], each, (*path, key))
                failed = failed or result is MISSING
                made[key] = result
            elif key not in also:
                self.problem(
                    (*path, key),
                    f'"{key}" is not a setting here',
                    did_you_mean(key, [*known, *also], what="settings"),
                    value=each,
                )
                failed = True
        for name, (_, required) in fields.items():
            if required and name not in made:
                self.problem(path, f'the setting "{name}" is missing')
                failed = True
        if failed:
            return MISSING
        try:
            return struct(**made)
        except ValueError as error:
            return self.problem(path, str(error))

    def read(self, kind: Any, value: Any, path: Path) -> Any:
        """Return `value` as `kind`, or MISSING after telling what is wrong with it."""
        origin = typing.get_origin(kind)
        if origin is typing.Annotated:
            base, note = typing.get_args(kind)[:2]
            return self._annotated(base, note, value, path)
        if origin in (Union, types.UnionType):
            return self._union(typing.get_args(kind), value, path)
        if origin is Literal:
            return self._literal(typing.get_args(kind), value, path)
        if origin in (tuple, list):
            return self._list(typing.get_args(kind)[0], origin, value, path)
        if origin is dict:
            return self._table(typing.get_args(kind)[1], value, path)
        if kind is Any:
            return _plain(value)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self.struct(kind, value, path)
        return self._scalar(kind, value, path)

    def _annotated(self, base: Any, note: object, value: Any, path: Path) -> Any:
        if note == "size":
            if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                return value
            try:
                return size(value if isinstance(value, str) else "")
            except ValueError:
                return self.problem(
                    path, f"{self._shown(path, value)} is not a size", SIZE_ADVICE, value=value
                )
        result = self.read(base, value, path)
        if note == "signature scheme" and result is not MISSING:
            schemes = plugins.signature_schemes()
            if result not in schemes:
                return self.problem(
                    path,
                    f"{_shown(result)} is not a signature scheme",
                    did_you_mean(result, schemes, what="schemes"),
                    value=value,
                )
        if note == "existing path" and result and not (self._root / result).exists():
            return self.problem(
                path,
                f'there is no "{result}" in {self._root}',
                _near_file(self._root, result),
                value=value,
            )
        return result

    def _union(self, kinds: tuple[Any, ...], value: Any, path: Path) -> Any:
        kinds = tuple(kind for kind in kinds if kind is not type(None))
        before = len(self.problems)
        fitting: list[ConfigError] = []
        for kind in kinds:
            mark = len(self.problems)
            result = self.read(kind, value, path)
            if result is not MISSING:
                del self.problems[before:]
                return result
            if typing.get_origin(kind) is typing.Annotated and isinstance(
                value, typing.get_args(kind)[0]
            ):
                # The right type: what is wrong with it says more than that it is none of all.
                fitting = self.problems[mark:]
        if fitting:
            self.problems[before:] = fitting
        elif len(kinds) > 1:
            del self.problems[before:]
            wanted = " or ".join(map(_worded, kinds))
            self.problem(path, f"{self._shown(path, value)} is not {wanted}", value=value)
        return MISSING

    def _literal(self, allowed: tuple[Any, ...], value: Any, path: Path) -> Any:
        for each in allowed:
            if value == each and not isinstance(value, bool):
                return each
        return self.problem(
            path,
            f"{self._shown(path, value)} is not allowed",
            did_you_mean(str(value), map(str, allowed), what="allowed"),
            value=value,
        )

    def _list(self, item: Any, make: Callable[[Any], Any], value: Any, path: Path) -> Any:
        if isinstance(value, Outside):
            parts = [part.strip() for part in value.split(",") if part.strip()]
            value = [Outside(part, value.origin) for part in parts]
        if not isinstance(value, list):
            example = ""
            if isinstance(value, str) and not _is_secret(path):
                words = value.split() if path[-1] == "command" else [value]
                example = f": {json.dumps(words, ensure_ascii=False)}"
            return self.problem(
                path,
                f"{self._shown(path, value)} is not a list",
                f"Write a list of {_worded(item, many=True)}{example}.",
            )
        read = [self.read(item, each, (*path, str(at))) for at, each in enumerate(value)]
        return MISSING if any(each is MISSING for each in read) else make(read)

    def _table(self, item: Any, value: Any, path: Path) -> Any:
        if not isinstance(value, Mapping):
            return self.problem(path, f"{self._shown(path, value)} is not a table", value=value)
        read = {key: self.read(item, each, (*path, key)) for key, each in value.items()}
        return MISSING if any(each is MISSING for each in read.values()) else read

    def _scalar(self, kind: Any, value: Any, path: Path) -> Any:
        if isinstance(value, Outside):
            return self._from_outside(kind, value, path)
        if kind is timedelta:
            return self._duration(value, path)
        if kind is date and isinstance(value, date) and not isinstance(value, datetime):
            return value
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, kind) and not (kind is not bool and isinstance(value, bool)):
            return value
        return self.problem(
            path, f"{self._shown(path, value)} is not {_worded(kind)}", _how_to_write(kind)
        )

    def _duration(self, value: Any, path: Path) -> Any:
        try:
            return duration(value if isinstance(value, str) else "")
        except ValueError:
            message = f"{self._shown(path, value)} is not a duration"
            return self.problem(path, message, DURATION_ADVICE, value=value)

    def _from_outside(self, kind: Any, value: Outside, path: Path) -> Any:
        text = str(value)
        if kind is str:
            return text
        if kind is timedelta:
            return self._duration(value, path)
        if kind is bool and text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        try:
            if kind in (int, float):
                return kind(text)
            if kind is date:
                return date.fromisoformat(text)
        except ValueError:
            pass
        message = f"{self._shown(path, text)} is not {_worded(kind)}"
        return self.problem(path, message, _how_to_write(kind), value=value)

    def _shown(self, path: Path, value: Any) -> str:
        return "what it says" if _is_secret(path) else _shown(value)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Outside) else value


def _is_secret(path: Path) -> bool:
    # A value in the wrong place or of the wrong type may still be the secret itself.
    return path[:1] == ("secrets",) or (bool(path) and path[-1] in SECRET_KEYS)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{shortened(value, 80)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a table"
    return shortened(str(value), 80)


_WORDS: dict[Any, tuple[str, str]] = {
    str: ("text", "texts"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("true or false", "true or false"),
    timedelta: ("a duration", "durations"),
    date: ("a date", "dates"),
}


def _worded(kind: Any, *, many: bool = False) -> str:
    if typing.get_origin(kind) is Literal:
        return " or ".join(f'"{each}"' for each in typing.get_args(kind))
    if typing.get_origin(kind) is typing.Annotated:
        return str(typing.get_args(kind)[1]) + ("s" if many else "")
    one, several = _WORDS.get(kind, ("a table", "tables"))
    return several if many else one


def _how_to_write(kind: Any) -> str:
    if kind is str:
        return 'Put it in quotes: "text".'
    if kind is date:
        return "Write it without quotes: 2026-12-01."
    if kind in (bool, int, float):
        return f"Write {_worded(kind)}, without quotes."
    return ""


def _near_file(root: FilePath, wanted: str) -> str:
    parent = (root / wanted).parent
    if not parent.is_dir():
        return "Paths are relative to the suite's root."
    names = sorted(each.name for each in parent.iterdir())[:50]
    return did_you_mean(FilePath(wanted).name, names, what="there")

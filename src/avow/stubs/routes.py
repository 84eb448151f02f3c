"""What a stub was told to answer: plain values, read from a step, from avow.toml or from a file of
routes.

on = "POST /v1/payment_intents"          which calls: method, path, and query / headers / body,
where said body = { amount = "<number>" }
answer = { body = { id = "pi_1" } }      or `answers = [...]`: one after the other, the last one
again
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import unquote

import msgspec

from avow.core.errors import ConfigError, Problems, SuiteError, did_you_mean, nearest
from avow.matchers import prepare
from avow.stubs.forms import decode_form

#: What can go wrong with an answer. `reset` is a TCP RST, `close` an orderly end without an answer.
FAULTS = (
    "reset-before-reading",
    "reset-after-reading",
    "reset-after-processing",
    "close",
    "cut-short",
    "hang",
)

_METHOD = re.compile(r"[A-Z][A-Z-]*|\*")
_SEGMENT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
#: Longer than any client waits; a number beyond it is a mistake of units.
_LONGEST_DELAY = 3600.0


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer. A text is sent as it is, any other body as JSON; `delay` is in seconds."""

    status: int = 200
    headers: dict[str, str] = {}
    body: Any = msgspec.UNSET
    delay: float = 0.0
    fault: str = ""


class Route(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Which calls are meant, and what they get. See `route_from` for the way in."""

    method: str
    path: str
    name: str = ""
    query: dict[str, Any] = {}
    headers: dict[str, Any] = {}
    body: Any = msgspec.UNSET
    mode: Literal["at least", "exactly"] = "at least"
    answers: tuple[Answer, ...] = (Answer(),)
    after: Literal["repeat", "unmatched"] = "repeat"
    idempotent: bool = False

    @property
    def title(self) -> str:
        return self.name or f"{self.method} {self.path}"

    def to_plain(self) -> dict[str, Any]:
        """Return JSON-ready data that `route_from` reads."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        plain["answers"] = [msgspec.to_builtins(answer) for answer in self.answers]
        return plain


_CONDITIONS = ["on", "method", "path", "query", "headers", "body", "mode"]
_ROUTE_KEYS = ["name", *_CONDITIONS, "answer", "answers", "after", "idempotent"]
_ANSWER_KEYS = ["status", "headers", "body", "delay", "fault"]


def route_from(plain: Mapping[str, Any] | Route, *, where: str = "a route") -> Route:
    """Return the route that plain data describes; raises Problems that name every mistake in it."""
    if isinstance(plain, Route):
        return plain
    problems: list[ConfigError] = []

    def wrong(message: str, advice: str = "") -> None:
        problems.append(ConfigError(message, where=where, advice=advice))

    _unknown(plain, _ROUTE_KEYS, "route", wrong)
    method, path, query = _target(plain, wrong)
    query.update(_mapping(plain, "query", wrong))
    headers = _mapping(plain, "headers", wrong)
    for part, wanted in (("query", query), ("headers", headers), ("body", plain.get("body"))):
        try:
            prepare(wanted)
        except SuiteError as error:
            wrong(f"{part}: {error.message}", error.advice)
    mode = _choice(plain, "mode", ("at least", "exactly"), wrong)
    after = _choice(plain, "after", ("repeat", "unmatched"), wrong)
    idempotent = plain.get("idempotent", False)
    if not isinstance(idempotent, bool):
        wrong(f"idempotent is {idempotent!r}", "Write true or false.")
    if "answer" in plain and "answers" in plain:
        wrong("has both answer and answers", "Keep one: answers is a list of several.")
    listed = plain.get("answers", [plain.get("answer", {})])
    if not isinstance(listed, (list, tuple)) or not listed:
        wrong(f"answers is {listed!r}", "Write a list of at least one answer.")
        listed = []
    answers = tuple(_answer(each, wrong) for each in listed)
    if problems:
        raise Problems(problems)
    return Route(
        name=str(plain.get("name", "")),
        method=method,
        path=path,
        query=query,
        headers=headers,
        body=plain.get("body", msgspec.UNSET),
        mode=mode,  # type: ignore[arg-type]  # _choice has checked it
        answers=answers,
        after=after,  # type: ignore[arg-type]  # _choice has checked it
        idempotent=idempotent,
    )


def routes_from(plain: Any, *, where: str) -> list[Route]:
    """Return the routes of a file (`{"routes": [...]}` or a list); all mistakes of all routes at
    once.
    """
    listed = plain.get("routes", []) if isinstance(plain, Mapping) else plain
    if not isinstance(listed, list):
        raise ConfigError(
            "holds no list of routes",
            where=where,
            advice="Write [[routes]] tables, or a JSON list.",
        )
    problems: list[ConfigError] = []
    routes: list[Route] = []
    for number, each in enumerate(listed, 1):
        place = f"{where}, route {number}"
        if not isinstance(each, (Mapping, Route)):
            problems.append(ConfigError(f"is {each!r}", where=place, advice="Write a table."))
            continue
        try:
            routes.append(route_from(each, where=place))
        except Problems as found:
            problems += [each for each in found.problems if isinstance(each, ConfigError)]
    if problems:
        raise Problems(problems)
    return routes


def path_segments(path: str) -> tuple[str | None, ...]:
    """Return a path's segments, percent-decoded; None stands for any (`{id}`)."""
    return tuple(None if _SEGMENT.fullmatch(part) else unquote(part) for part in path.split("/"))


def path_names(path: str) -> tuple[str | None, ...]:
    """Return the name of each segment of a path: "id" for `{id}`, None for a literal one."""
    found = (_SEGMENT.fullmatch(part) for part in path.split("/"))
    return tuple(match.group(1) if match else None for match in found)


def seconds(value: object) -> float | None:
    """Return `250`-like seconds, or "250ms", "2s", "1m" in seconds; None for what is neither."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        found = float(value)
    else:
        match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            return None
        found = float(match.group(1)) * _UNITS[match.group(2)]
    return found if 0 <= found <= _LONGEST_DELAY else None


def _unknown(plain: Mapping[str, Any], known: list[str], what: str, wrong: Any) -> None:
    for key in plain:
        if key not in known:
            wrong(f'a {what} has no "{key}"', did_you_mean(str(key), known, what="known"))


def _target(plain: Mapping[str, Any], wrong: Any) -> tuple[str, str, dict[str, Any]]:
    method, path = str(plain.get("method", "")), str(plain.get("path", ""))
    if "on" in plain:
        if method or path:
            wrong("has on and also method or path", "Keep on.")
        words = str(plain["on"]).split(None, 1)
        method, path = words if len(words) == 2 else ("", str(plain["on"]))
    method = method.upper() or ("" if "on" in plain else "*")
    path, question, query = path.partition("?")
    if not _METHOD.fullmatch(method) or not path.startswith("/"):
        shown = str(plain.get("on", f"{method} {path}"))
        wrong(
            f'"{shown}" is not a method and a path',
            'Write on = "POST /v1/charges"; "*" stands for every method.',
        )
    for part in path.split("/"):
        if ("{" in part or "}" in part) and not _SEGMENT.fullmatch(part):
            wrong(
                f'"{part}" in the path {path} mixes text and a name',
                "A name stands for a whole segment: /v1/charges/{id}/refunds.",
            )
    return method, path, decode_form(query) if question else {}


def _mapping(plain: Mapping[str, Any], key: str, wrong: Any) -> dict[str, Any]:
    value = plain.get(key, {})
    if not isinstance(value, Mapping):
        wrong(
            f"{key} is {value!r}", f"Write a table of names and values: {key} = {{ name = value }}."
        )
        return {}
    return dict(value)


def _choice(plain: Mapping[str, Any], key: str, allowed: tuple[str, ...], wrong: Any) -> str:
    value = str(plain.get(key, allowed[0]))
    if value not in allowed:
        wrong(f'{key} is "{value}"', f"Write one of: {', '.join(allowed)}.")
    return value


def _answer(plain: Any, wrong: Any) -> Answer:
    if isinstance(plain, Answer):
        return plain
    if not isinstance(plain, Mapping):
        wrong(f"an answer is {plain!r}", 'Write a table: answer = { status = 200, body = "ok" }.')
        return Answer()
    _unknown(plain, _ANSWER_KEYS, "answer", wrong)
    status = plain.get("status", 200)
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        wrong(f"status is {status!r}", "Write a number from 200 to 599.")
        status = 200
    headers = {str(name): str(value) for name, value in _mapping(plain, "headers", wrong).items()}
    for name, value in headers.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or re.search(r"[\r\n\0]", value):
            wrong(
                f"header {name!r} = {value!r} cannot be sent", "Header values are one line of text."
            )
    delay = seconds(plain.get("delay", 0))
    if delay is None:
        wrong(f"delay is {plain['delay']!r}", 'Write seconds or "250ms", at most one hour.')
    fault = str(plain.get("fault", "") or "")
    if fault and fault not in FAULTS:
        guess = nearest(fault, FAULTS)
        advice = f'Did you mean "{guess}"? ' if guess else ""
        wrong(f'fault is "{fault}"', f"{advice}Write one of: {', '.join(FAULTS)}.")
    return Answer(status, headers, plain.get("body", msgspec.UNSET), delay or 0.0, fault)

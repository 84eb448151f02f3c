r"""`${...}`: values from what was remembered, from outside, the clock and the scenario's seed.

    ${order.id}  ${first order.items[0].sku}         remembered, by name and path
    ${env:HOME}  ${secret:STRIPE}                    from outside
    ${now}  ${now+5m}  ${now-1h:unix}  ${today+1d}   the clock
    ${uuid}  ${random.email}  ${random.int:1-6}      the seed

Plain text from a flat namespace; never a template language. `\${` stays `${`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from avow.core.errors import AvowError, SuiteError, nearest
from avow.core.secrets import Secret
from avow.world.memory import Memory
from avow.world.paths import NotThere, value_at
from avow.world.randomness import Random

_REFERENCE = re.compile(r"\\\$\{|\$\{([^{}]*)\}")
_CLOCK = re.compile(
    r"(now|today)(?:\s*([+-])\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d))?(?::(unix|ms|date|iso|http))?"
)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

Reader = Callable[[str], Secret]


class UnknownValue(SuiteError):
    """A `${...}` that means nothing. `reference` is its text, `position` where it starts."""

    def __init__(
        self, message: str, *, where: str = "", advice: str = "", reference: str = "",
        position: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(message, where=where, advice=advice)
        self.reference = reference
        self.position = position


class Values:
    """Everything that `${...}` can mean in one scenario."""

    def __init__(
        self,
        memory: Memory,
        random: Random,
        *,
        secret: Reader,
        environ: Mapping[str, str] = os.environ,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._memory = memory
        self._random = random
        self._secret = secret
        self._environ = environ
        self._now = now

    def substitute(self, text: str, *, as_json: bool = False) -> str:
        """Return `text` with every `${...}` replaced; raises UnknownValue.

        `as_json` escapes what is put inside of a JSON string, and writes JSON elsewhere.
        """
        if "${" not in text:
            return text
        pieces = []
        end = 0
        inside = False
        for match in _REFERENCE.finditer(text):
            before = text[end : match.start()]
            pieces.append(before)
            end = match.end()
            if match[1] is None:
                pieces.append("${")
                continue
            if as_json:
                inside = _in_string(before, inside)
            try:
                value = self.value(match[1])
            except UnknownValue as error:
                error.reference, error.position = match[0], match.start()
                raise
            pieces.append(_text(value, as_json, inside))
        pieces.append(text[end:])
        return "".join(pieces)

    def value(self, reference: str) -> Any:
        """Return what `${reference}` means, typed; raises UnknownValue with the nearest name."""
        name = reference.strip()
        source, colon, rest = name.partition(":")
        if colon and source in ("env", "secret"):
            return self._outside(source, rest.strip())
        if name == "uuid":
            return self._random.uuid()
        if name.startswith("random."):
            try:
                return self._random.value(name.removeprefix("random."))
            except SuiteError as error:
                raise UnknownValue(error.message, advice=error.advice) from None
        remembered = self._remembered(name)
        if remembered is not None:
            return remembered[0]
        clock = _CLOCK.fullmatch(name)
        if clock is not None:
            return self._moment(clock)
        raise self._unknown(name)

    def _remembered(self, name: str) -> tuple[Any] | None:
        known = self._memory.values
        if name in known:
            return (known[name],)
        # Names may hold spaces and dots: the longest one that fits is meant.
        fitting = [
            each
            for each in known
            if name.startswith(each) and name[len(each) : len(each) + 1] in (".", "[")
        ]
        if not fitting:
            return None
        base = max(fitting, key=len)
        try:
            return (value_at(known[base], name[len(base) :]),)
        except NotThere as error:
            raise UnknownValue(
                f"${{{name}}}: in {base}, {error.message}", advice=error.advice
            ) from None

    def _outside(self, source: str, name: str) -> str:
        if source == "env":
            if name not in self._environ:
                guess = nearest(name, self._environ)
                raise UnknownValue(
                    f"the environment variable {name} is not set",
                    advice=f"Did you mean {guess}?" if guess else f"Set {name}.",
                )
            return self._environ[name]
        try:
            return self._secret(name).reveal()
        except AvowError as error:
            where = f"{error.where}: " if error.where else ""
            raise UnknownValue(f"{where}{error.message}", advice=error.advice) from None

    def _moment(self, clock: re.Match[str]) -> str | int:
        word, sign, amount, unit, form = clock.groups()
        moment = self._now()
        if amount:
            shift = timedelta(seconds=float(amount) * _UNITS[unit])
            moment = moment + shift if sign == "+" else moment - shift
        match form or ("date" if word == "today" else "iso"):
            case "unix":
                return int(moment.timestamp())
            case "ms":
                return int(moment.timestamp() * 1000)
            case "date":
                return moment.date().isoformat()
            case "http":
                return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
            case _:
                return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _unknown(self, name: str) -> UnknownValue:
        known = [*self._memory.values, "uuid", "now", "today"]
        known += [f"random.{kind}" for kind in self._random.kinds()]
        first = re.split(r"[.\[]", name, maxsplit=1)[0]
        guess = nearest(name, known) or nearest(first, known)
        remembered = ", ".join(sorted(self._memory.values)) or "nothing"
        return UnknownValue(
            f"${{{name}}} is not known",
            advice=(f"Did you mean ${{{guess}}}? " if guess else "")
            + f"Remembered: {remembered}. Besides: ${{env:NAME}}, ${{secret:NAME}}, ${{uuid}}, "
            "${now+5m}, ${today}, ${random.email} and its like; \\${ for the characters.",
        )


def _in_string(before: str, inside: bool) -> bool:
    """Say whether a JSON string is open after `before`."""
    escaped = False
    for char in before:
        if escaped:
            escaped = False
        elif char == "\\" and inside:
            escaped = True
        elif char == '"':
            inside = not inside
    return inside


def _text(value: Any, as_json: bool, inside: bool) -> str:
    if as_json and not inside:
        return json.dumps(value, ensure_ascii=False)
    text = as_text(value)
    return json.dumps(text, ensure_ascii=False)[1:-1] if as_json else text


def as_text(value: Any) -> str:
    """Return a remembered value as it stands in text: JSON for anything but text."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)

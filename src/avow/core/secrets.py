"""Secrets: values whose text never leaves the worker.

A `Secret` wraps the value where it enters. Whatever leaves (evidence, report, run record, an
exception's text) passes a `Redactor`, which knows the values and finds each in the forms that text
takes on its way.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import os
import re
import sys
import threading
import urllib.parse
from typing import TYPE_CHECKING, Literal

from avow.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: Shorter values stand in ordinary text by accident; masking them would make reports unreadable,
#: and the mask itself would tell what they are.
SHORTEST = 8

#: Other characters of a name are replaced in its marker, which stands inside of JSON.
_MARKABLE = re.compile(r"[^\w.-]")


class Secret:
    """A value whose text does not show: not by str, repr, format, JSON or pickling."""

    __slots__ = ("_value", "name")

    def __init__(self, name: str, value: str) -> None:
        if len(value) < SHORTEST:
            raise ConfigError(
                f'secret "{name}" has {len(value)} characters, '
                "too few to be kept out of reports safely",
                advice=f"Use one of at least {SHORTEST} characters; "
                "shorter text appears by accident.",
            )
        self.name = name
        self._value = value

    def reveal(self) -> str:
        """Return the value itself. Only for handing it to the system it belongs to."""
        return self._value

    def __repr__(self) -> str:
        return f"[secret:{self.name}]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(
            _raw(self._value), _raw(other._value)
        )

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError(f"secret {self.name!r} does not cross processes by pickling")


def _raw(value: str) -> bytes:
    # An answer's JSON may hold half of a surrogate pair, and so may a token in it.
    return value.encode("utf-8", "surrogatepass")


def _escaped(text: str) -> Iterator[str]:
    """Yield what `text` becomes inside of a JSON text, as the writers of several languages do
    it.
    """
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    ascii_only = json.dumps(text)[1:-1]
    for form in (plain, ascii_only):
        yield form
        yield form.replace("/", "\\/")  # PHP
        yield form.translate(_IN_SCRIPTS)  # Go, and others that care for HTML
    yield re.sub(r"\\u[0-9a-f]{4}", lambda found: found[0][:2] + found[0][2:].upper(), ascii_only)


_IN_SCRIPTS = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&"}


#: Text that no writer of JSON escapes.
_PLAIN = re.compile(r"[A-Za-z0-9_.~%+=:;,!*$@#^|?(){}\[\] -]*")


def _nested(form: str) -> set[str]:
    """Return `form` as it stands in a JSON text, also one that is told within another: an error
    message that quotes a request is three deep by the time it is in an event.
    """
    if _PLAIN.fullmatch(form):
        return {form}
    once = set(_escaped(form))
    twice = {deeper for each in once for deeper in _escaped(each)}
    thrice = {json.dumps(each, ensure_ascii=mode)[1:-1] for each in twice for mode in (True, False)}
    return {form} | once | twice | thrice


def _spellings(value: str) -> Iterator[str]:
    """Yield the forms in which `value` appears in text."""
    raw = _raw(value)
    yield value
    yield html.escape(value)
    # As Python shows it, in a message or a traceback.
    yield repr(value)[1:-1]
    yield ascii(value)[1:-1]
    for quoted in (
        urllib.parse.quote(raw, safe=""),
        urllib.parse.quote_plus(raw),
        urllib.parse.quote(raw),
    ):
        yield quoted
        # RFC 3986 section 2.1: hexadecimal digits of either case mean the same.
        yield _lower_percent(quoted)
    yield raw.hex()
    yield raw.hex().upper()
    # In base64 of a longer text the value starts at one of three alignments; its first and last
    # characters there also hold bits of the neighbours and are left out.
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode("ascii").rstrip("=")
        first = (shift * 8 + 5) // 6
        last = (shift + len(raw)) * 8 // 6
        core = encoded[first:last]
        yield core
        yield core.replace("+", "-").replace("/", "_")


def _lower_percent(quoted: str) -> str:
    parts = quoted.split("%")
    return parts[0] + "".join("%" + part[:2].lower() + part[2:] for part in parts[1:])


class Redactor:
    """Finds known secrets in whatever is about to leave, and puts a marker in their place.

    The marker carries a digest keyed per run, so that a replay can tell one secret from another
    without knowing either.

    A line almost never holds a secret, so what counts is how fast that is seen: the line is read as
    a row of 8-byte numbers, and every form has 8 numbers of its own, one for each way in which it
    may lie across that grid. If the two have none in common, which one set operation tells, no form
    is in the line. Forms too short for that have the same with 4 bytes.
    """

    #: Minted secrets that are remembered; those that were found last stay longest.
    MOST_MINTED = 500

    def __init__(self, key: bytes | None = None) -> None:
        self.key = key or os.urandom(16)
        self.longest = 0
        self._markers: dict[bytes, bytes] = {}
        self._long: _Grid = _Grid(8, "Q")
        self._short: _Grid = _Grid(4, "I")
        self._minted: dict[bytes, tuple[bytes, ...]] = {}
        self._lock = threading.Lock()
        #: Told of name and value of what is minted and was not known: whoever redacts what this
        #: process cannot reach, the logs of services, has to know it too.
        self.on_mint: Callable[[str, str], None] = _nobody

    def add(self, secret: Secret) -> None:
        """Know a secret from now on; a value already known keeps its first name."""
        with self._lock:
            self._learn(secret)

    def add_all(self, values: Mapping[str, str]) -> None:
        """Know these from now on, by name; too short ones are left."""
        for name, value in values.items():
            if len(value) >= SHORTEST:
                self.add(Secret(name, value))

    def mint(self, name: str, value: object) -> None:
        """Know a value that the system handed out while running (a token).

        Too short ones are left. Of very many, those that have not been found for longest are
        forgotten.
        """
        if not isinstance(value, str) or len(value) < SHORTEST:
            return
        # Requests that are sent together bring their tokens from several threads.
        with self._lock:
            marker, forms = self._learn(Secret(name, value))
            if forms:
                self._minted[marker] = forms
                self.on_mint(name, value)
                if len(self._minted) > self.MOST_MINTED:
                    oldest = next(iter(self._minted))
                    for form in self._minted.pop(oldest):
                        del self._markers[form]
                        self._grid(form).remove(form)
            else:
                self._refresh(marker)

    def _refresh(self, marker: bytes) -> None:
        forms = self._minted.pop(marker, None)
        if forms is not None:
            self._minted[marker] = forms

    def _learn(self, secret: Secret) -> tuple[bytes, tuple[bytes, ...]]:
        """Return the marker of a secret and the forms that were not known before."""
        value = secret.reveal()
        raw = _raw(value)
        if raw in self._markers:
            return self._markers[raw], ()
        digest = hmac.new(self.key, raw, hashlib.sha256).hexdigest()[:8]
        marker = f"[secret:{_MARKABLE.sub('_', secret.name)}:{digest}]".encode()
        forms = {_raw(form) for spelling in _spellings(value) for form in _nested(spelling)}
        new = tuple(form for form in forms if form not in self._markers)
        for form in new:
            self._markers[form] = marker
            self._grid(form).add(form)
            self.longest = max(self.longest, len(form))
        return marker, new

    def _grid(self, form: bytes) -> _Grid:
        return self._long if len(form) >= self._long.shortest else self._short

    def raw(self, data: bytes) -> bytes:
        """Return `data` without secrets; the same object where it holds none."""
        found = self._long.candidates(data)
        if self._short.numbers:
            found = found | self._short.candidates(data)
        if not found:
            return data
        # A longer form may hold a shorter one.
        for form in sorted(found, key=len, reverse=True):
            if form in data:
                marker = self._markers.get(form)
                if marker is None:
                    continue  # forgotten meanwhile, for a newer one
                data = data.replace(form, marker)
                with self._lock:
                    self._refresh(marker)
        return data

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        data = _raw(text)
        redacted = self.raw(data)
        return text if redacted is data else redacted.decode("utf-8", "surrogatepass")

    def finds_in(self, data: bytes) -> bool:
        """Say whether any form of any secret is in `data`; reports are searched with it."""
        return self.raw(data) is not data


def _nobody(name: str, value: str) -> None:
    pass


_NONE: frozenset[bytes] = frozenset()


class _Grid:
    """Which forms may be in a line that is cut into numbers of `width` bytes.

    A form of at least 2 * width - 1 bytes covers one whole number wherever it lies. It is known by
    the numbers in its last bytes: secrets begin alike more often than they end alike.
    """

    __slots__ = ("_code", "_width", "numbers", "shortest")

    def __init__(self, width: int, code: Literal["Q", "I"]) -> None:
        self.shortest = 2 * width - 1
        self.numbers: dict[int, list[bytes]] = {}
        self._width = width
        self._code: Literal["Q", "I"] = code

    def _numbers_of(self, form: bytes) -> set[int]:
        tail = form[-self.shortest :]
        return {
            int.from_bytes(tail[at : at + self._width], sys.byteorder) for at in range(self._width)
        }

    def add(self, form: bytes) -> None:
        for number in self._numbers_of(form):
            self.numbers.setdefault(number, []).append(form)

    def remove(self, form: bytes) -> None:
        for number in self._numbers_of(form):
            forms = self.numbers[number]
            forms.remove(form)
            if not forms:
                del self.numbers[number]

    def candidates(self, data: bytes) -> frozenset[bytes]:
        whole = len(data) - len(data) % self._width
        cells = memoryview(data)[:whole].cast(self._code)
        if self.numbers.keys().isdisjoint(cells):
            return _NONE
        # Not an intersection, which walks through the numbers while another thread may add some.
        found = filter(self.numbers.__contains__, set(cells))
        return frozenset(form for number in found for form in self.numbers.get(number, ()))

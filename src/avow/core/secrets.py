"""Secrets: values whose text never leaves the worker.

A `Secret` wraps the value where it enters. Whatever leaves (evidence, report, run record, an
exception's text) passes a `Redactor`, which knows the values and finds each in the forms that text
takes on its way.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import urllib.parse
from typing import TYPE_CHECKING

from avow.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Shorter values stand in ordinary text by accident; masking them would make reports unreadable,
#: and the mask itself would tell what they are.
SHORTEST = 8


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
            self._value.encode(), other._value.encode()
        )

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError(f"secret {self.name!r} does not cross processes by pickling")


def _escaped(text: str) -> Iterator[str]:
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]


def _spellings(value: str) -> Iterator[str]:
    """Yield the forms in which `value` appears in text."""
    raw = value.encode("utf-8", "surrogatepass")
    yield value
    yield from _escaped(value)
    for quoted in (
        urllib.parse.quote(value, safe=""),
        urllib.parse.quote_plus(value),
        urllib.parse.quote(value),
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
    """

    def __init__(self, key: bytes | None = None) -> None:
        self.key = key or os.urandom(16)
        self._forms: dict[bytes, bytes] = {}
        self._longest_first: list[tuple[bytes, bytes]] = []
        self.longest = 0

    def add(self, secret: Secret) -> None:
        """Know a secret from now on; a value already known keeps its first name."""
        value = secret.reveal()
        if value.encode("utf-8", "surrogatepass") in self._forms:
            return
        digest = hmac.new(self.key, value.encode("utf-8", "surrogatepass"), hashlib.sha256)
        marker = f"[secret:{secret.name}:{digest.hexdigest()[:8]}]".encode()
        for spelling in _spellings(value):
            for form in {spelling, *_escaped(spelling)}:
                self._forms.setdefault(form.encode("utf-8", "surrogatepass"), marker)
        # A longer form may hold a shorter one.
        self._longest_first = sorted(self._forms.items(), key=lambda pair: -len(pair[0]))
        self.longest = len(self._longest_first[0][0])

    def mint(self, name: str, value: object) -> None:
        """Know a value that the system handed out while running (a token); too short ones are
        left.
        """
        if isinstance(value, str) and len(value) >= SHORTEST:
            self.add(Secret(name, value))

    def raw(self, data: bytes) -> bytes:
        for form, marker in self._longest_first:
            if form in data:
                data = data.replace(form, marker)
        return data

    def text(self, text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        redacted = self.raw(data)
        return text if redacted is data else redacted.decode("utf-8", "surrogatepass")

    def finds_in(self, data: bytes) -> bool:
        """Say whether any form of any secret is in `data`; reports are searched with it."""
        return any(form in data for form, _ in self._longest_first)

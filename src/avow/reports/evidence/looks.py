"""A wait looks again and again; it is told once: how often, how long, which answers came."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from avow.core.entries import Entry

#: avow acted, the system did it by itself, avow looked.
ARROWS = {"act": "->", "effect": "<-", "look": "?"}


class Seen(msgspec.Struct):
    """One entry, or the many times that a step asked the same; `changes` said something new."""

    first: Entry
    last: Entry
    count: int = 1
    changes: list[Entry] = []

    @property
    def seconds(self) -> float:
        return self.last.ended - self.first.started

    def label(self) -> str:
        """Return one line: who did it, where, what."""
        return f"{ARROWS.get(self.first.role, '')} {self.first.resource}: {self.title()}"

    def title(self) -> str:
        """Return what happened; a summary that opens with the resource's name says it once."""
        summary = self.last.summary.removeprefix(f"{self.last.resource} ")
        if self.count == 1:
            return summary
        text = f"{summary} (looked {self.count} times in {duration(self.seconds)}"
        if len(self.changes) > 1:
            text += f"; the answer changed {times(len(self.changes) - 1)}"
        return text + ")"


def collapse(entries: Iterable[Entry]) -> list[Seen]:
    """Return the entries, equal looks of one step as one; in order of the first of each."""
    found: list[Seen] = []
    looks: dict[tuple[object, ...], Seen] = {}
    for entry in entries:
        if entry.role != "look":
            found.append(Seen(entry, entry))
            continue
        key = (entry.step, entry.kind, entry.resource, _asked(entry))
        seen = looks.get(key)
        if seen is None:
            seen = looks[key] = Seen(entry, entry, changes=[entry])
            found.append(seen)
        else:
            if _answer(entry) != _answer(seen.last):
                seen.changes.append(entry)
            seen.last = entry
            seen.count += 1
    return found


def _answer(entry: Entry) -> tuple[object, ...]:
    """Return what a look brought, without what always differs: seconds, the date in a header."""
    data = entry.data
    if "response" in data:
        response = data["response"] or {}
        status = response.get("status") if isinstance(response, dict) else response
        return entry.summary, status, data.get("error"), entry.bodies.get("response")
    return entry.summary, data, entry.bodies


def _asked(entry: Entry) -> bytes:
    try:
        return msgspec.json.encode(entry.question)
    except (TypeError, ValueError, RecursionError):
        return repr(sorted(entry.question)).encode("utf-8", "backslashreplace")


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def duration(seconds: float) -> str:
    """Return `0.4 ms`, `12 ms`, `1.8 s`, `2 min 5 s`."""
    if seconds < 0.01:
        return f"{max(seconds, 0.0) * 1000:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"

"""All channels of a scenario on one clock.

       0.0 ms  Given a customer with an order of 42.50 EUR                    passed in 31 ms
       2.1 ms  |  -> shop     POST /orders -> 201 Created                     12 ms
      14.2 ms  |  <- stripe   POST /v1/charges, answered 200                  3 ms
      35.0 ms  Then within 5 seconds the order is "paid"                      passed in 1.8 s
      35.4 ms  |   ? db       1 row of orders (looked 37 times in 1.8 s; the answer changed once)

`->` avow acted, `<-` the system did it by itself, ` ?` avow looked. An effect stands at the moment
it happened, which may be under an earlier step than the one that noticed it.
"""

from __future__ import annotations

from avow.core.text import shortened
from avow.reports.evidence.looks import ARROWS, Seen, collapse, duration
from avow.reports.evidence.tables import width
from avow.reports.record import ScenarioRecord, StepRecord

LEGEND = "-> avow did it   <- the system did it   ? avow looked"
_TEXT = 72
_WIDEST = 100


def lines(record: ScenarioRecord, seen: list[Seen] | None = None) -> list[str]:
    """Return the timeline; `seen` are the scenario's entries, already collapsed."""
    seen = collapse(record.entries) if seen is None else seen
    starts = {
        step.index: max(0.0, step.started - record.started)
        for step in record.steps
        if step.started is not None
    }
    widest = min(20, max((len(found.first.resource) for found in seen), default=0))
    rows: list[tuple[float, int, int, str]] = []
    for step in record.steps:
        if step.index in starts:
            rows.append((starts[step.index], 0, step.index, _mark(step)))
    for number, found in enumerate(seen):
        offset = record.offset(found.first)
        if found.first.role != "effect":
            # Marks are on the wall clock, maybe a hair late; what a step did is never before it.
            offset = max(offset, starts.get(found.first.step, offset))
        rows.append((offset, 1, number, _entry(found, widest)))
    for number, entry in enumerate(record.unread):
        text = f"{_entry(Seen(entry, entry), widest)}   no step looked at it"
        rows.append((record.offset(entry), 1, len(seen) + number, text))
    for hook in record.hooks:
        text = f"{hook.hook} went wrong: {shortened(hook.trouble.message, _TEXT)}"
        rows.append((hook.at - record.started, 2, 0, text))
    end = max([record.seconds, *starts.values()])
    rows.append((end, 3, 0, f"The scenario ended: {record.status}"))
    rows.sort(key=lambda row: row[:3])
    told = [f"{clock(offset)}  {text}" for offset, _, _, text in rows]
    for late in record.late:
        text = _entry(Seen(late, late), widest)
        told.append(f"{clock(record.offset(late))}  {text}   LATE: after the end")
    never = sum(step.started is None for step in record.steps)
    if never:
        told.append(f"{'':12}  ({never} of {len(record.steps)} steps did not run)")
    return told


def clock(seconds: float) -> str:
    """Return milliseconds in a column of their own."""
    return f"{seconds * 1000:>9,.1f} ms".replace(",", " ")


def _mark(step: StepRecord) -> str:
    return _padded(_line(step.title, _TEXT), f"{step.status} in {duration(step.seconds)}")


def _entry(seen: Seen, widest: int) -> str:
    entry = seen.first
    head = f"|  {ARROWS.get(entry.role, ''):>2} {entry.resource:<{widest}}  "
    took = "" if seen.count > 1 else duration(entry.ended - entry.started)
    # A line that the report has to wrap hides the columns of all others.
    room = (_TEXT if took else _WIDEST) - len(head)
    return _padded(head + _line(seen.title(), max(room, 24)), took)


def _line(text: str, room: int) -> str:
    # The common case is fit to be shown already; seeing that costs a tenth of making it so.
    plain = len(text) <= room and text.isascii() and text.isprintable()
    return text if plain else shortened(text, room)


def _padded(text: str, tail: str) -> str:
    return f"{text}{' ' * max(2, _TEXT + 2 - width(text))}{tail}".rstrip()

"""The one evidence attachment of a scenario: its timeline, then everything exchanged, in order.

Plain text: Allure shows Markdown in a small frame of its own, and people search and copy text.
"""

from __future__ import annotations

from avow.core.text import plural
from avow.reports.evidence import details, timeline
from avow.reports.evidence.looks import Seen, collapse
from avow.reports.record import ScenarioRecord

#: Characters of one evidence attachment. What is left out stays in the scenario's file.
LIMIT = 1024 * 1024
_RULE = "=" * 100
_THIN = "-" * 100


def text(record: ScenarioRecord, seen: list[Seen] | None = None, *, limit: int = LIMIT) -> str:
    """Return the whole evidence of a scenario as text."""
    seen = collapse(record.entries) if seen is None else seen
    found = ["TIMELINE   " + timeline.LEGEND, _RULE, *timeline.lines(record, seen)]
    size = sum(map(len, found))
    step = None
    for number, one in enumerate(seen):
        lines: list[str] = []
        if one.first.step != step:
            step = one.first.step
            lines += ["", "", _heading(record, step), _RULE]
        lines += section(record, one)
        size += sum(map(len, lines)) + len(lines)
        if size > limit:
            where = f" of {record.file.name}" if record.file else ""
            found.append(
                f"\n... {plural(len(seen) - number, 'more entry', 'more entries')}{where} "
                f"left out: the evidence is longer than {limit} characters"
            )
            break
        found += lines
    for heading, entries in (
        ("NO STEP LOOKED AT THIS", record.unread),
        ("AFTER THE END (late)", record.late),
    ):
        for number, entry in enumerate(entries):
            found += [] if number else ["", "", heading, _RULE]
            found += section(record, Seen(entry, entry))
    return details.clean("\n".join(found)) + "\n"


def section(record: ScenarioRecord, seen: Seen) -> list[str]:
    """Return one entry: a line that says what it is, then what it holds."""
    entry = seen.last
    head = seen.label()
    found = ["", f"{head}   at {timeline.clock(record.offset(seen.first)).strip()}", _THIN]
    if len(seen.changes) > 1 or (seen.count > 1 and seen.changes[0] is not entry):
        for number, change in enumerate(seen.changes[:3], 1):
            if change is not entry:
                at = timeline.clock(record.offset(change)).strip()
                found += [f"answer {number}, at {at}:", *details.lines(change), ""]
        found.append("last answer:")
    return found + details.lines(entry)


def _heading(record: ScenarioRecord, step: int) -> str:
    if 0 <= step < len(record.steps):
        return f"{step + 1}. {record.steps[step].title}"
    return "OUTSIDE OF STEPS"

"""The last words of a run on the console: what failed and where, and where to read on."""

from __future__ import annotations

from pathlib import Path

from avow.core.text import plural, printable, shortened
from avow.reports.evidence.looks import duration
from avow.reports.run_record import RunRecord

_ORDER = ("passed", "failed", "broken", "undefined", "skipped")
#: Failures listed; a wall of them hides the first.
MOST = 30


def text(
    record: RunRecord, *, report: Path | None = None, problems: list[str] | None = None
) -> str:
    """Return the summary; the counts are the coordinator's where the run came to its end."""
    found: list[str] = []
    for trouble in record.troubles:
        found.append(f"{printable(trouble.where)}: {shortened(trouble.trouble.message, 300)}")
    failures = record.failures[:MOST]
    if failures:
        found += ["", "Not green:"]
        for failure in failures:
            head = f"{failure.place}: " if failure.place else ""
            found.append(f"  {failure.status:<9} {head}{printable(failure.name)}")
            if failure.message:
                found.append(f"            {shortened(failure.message.split(chr(10))[0], 160)}")
        left = len(record.failures) - len(failures) + record.not_listed
        if left:
            found.append(
                f"  ... and {left} more in {'run.json' if not record.not_listed else 'the report'}"
            )
    if record.late:
        found += ["", f"{plural(record.late, 'effect')} arrived after the end of a scenario."]
    for problem in problems or []:
        found.append(f"report: {problem}")
    found += ["", _counts(record)]
    if record.finished is not None and record.finished.exit_code:
        reasons = "; ".join(record.finished.reasons)
        found.append(f"Exit code {record.finished.exit_code}{f': {reasons}' if reasons else ''}")
    if report is not None:
        found.append(f"Allure results: {printable(report)}  (avow report --open)")
    return "\n".join(found).strip("\n") + "\n"


def _counts(record: RunRecord) -> str:
    counts = (record.finished.counts if record.finished else None) or record.counts
    total = sum(counts.values())
    parts = [f"{counts[status]} {status}" for status in _ORDER if counts.get(status)]
    parts += [f"{count} {status}" for status, count in counts.items() if status not in _ORDER]
    took = f" in {duration(record.finished.seconds)}" if record.finished else ""
    seed = f", seed {record.started.seed}" if record.started and record.started.seed else ""
    return f"{plural(total, 'scenario')}: {', '.join(parts) or 'none ran'}{took}{seed}"

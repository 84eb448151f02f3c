"""How a run ends: every reason is kept, the gravest decides (docs/reference/exit-codes.md)."""

from __future__ import annotations

import sys
from collections import Counter

from avow.core import events
from avow.core.errors import EnvironmentProblem, GuardRefusal, InternalError
from avow.core.exit_codes import MEANINGS

#: Codes whose reason the run's output need not show by itself.
_EXPLAINED = frozenset({3, 5, 6, 7, 8, 9})

#: Troubles of a scenario that say something about the whole run.
_GRAVER = {
    GuardRefusal.__name__: (8, "a guard refused what a scenario would have touched"),
    EnvironmentProblem.__name__: (6, "a service was not there for a scenario"),
    InternalError.__name__: (3, "avow itself failed in a scenario"),
}


class Outcome:
    """Collects what a run came to."""

    def __init__(self) -> None:
        self.reasons: list[tuple[int, str]] = []
        self.counts: Counter[str] = Counter()

    def add(self, code: int, reason: str) -> None:
        """Note a reason to end with `code`; each once."""
        if (code, reason) not in self.reasons:
            self.reasons.append((code, reason))

    def scenario(self, finished: events.ScenarioFinished) -> None:
        """Count a scenario's verdict."""
        self.counts[finished.status] += 1
        if finished.status not in ("passed", "skipped"):
            self.add(1, "a scenario failed or broke")
        if finished.trouble is not None and finished.trouble.kind in _GRAVER:
            self.add(*_GRAVER[finished.trouble.kind])

    def change(self, before: str, after: str) -> None:
        """Count a scenario anew whose verdict changed after its end."""
        self.counts[before] -= 1
        self.counts[after] += 1
        if after not in ("passed", "skipped"):
            self.add(1, "a scenario failed or broke")

    def explain(self) -> None:
        """Say why the run does not end with 0, as far as no scenario's failure says it."""
        reasons = dict.fromkeys(reason for code, reason in self.reasons if code in _EXPLAINED)
        if reasons:
            head = f"Exit code {self.code}" if self.code in _EXPLAINED else "Besides"
            print(f"{head}: {'; '.join(reasons)}", file=sys.stderr)  # noqa: T201

    @property
    def ran(self) -> int:
        """How many scenarios came to a verdict."""
        return sum(count for status, count in self.counts.items() if status != "skipped")

    @property
    def code(self) -> int:
        codes = {code for code, _ in self.reasons}
        return next((code for code in MEANINGS if code in codes), 0)

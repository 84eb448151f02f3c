"""A recorded scenario, run again without the system.

The steps run as they did; every act and look is answered from the record, by step, kind, resource
and question. Change an entry first and the replay shows whether the scenario notices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from avow.core.entries import Entry, Role
from avow.core.errors import AvowError
from avow.core.ledger import Ledger, Observed, Sink


class NotRecorded(AvowError):
    """The replay took a way that the recording did not."""


def _key(step: int, kind: str, resource: str, question: Mapping[str, Any]) -> tuple[object, ...]:
    return step, kind, resource, msgspec.json.encode(question, order="deterministic")


class ReplayLedger(Ledger):
    """Answers acts and looks from recorded entries.

    A question asked more often than it was recorded gets the last answer again: a replay does not
    wait.
    """

    def __init__(self, recorded: Iterable[Entry], sink: Sink | None = None) -> None:
        super().__init__(sink)
        self._answers: dict[tuple[object, ...], list[Entry]] = defaultdict(list)
        self._by_place: dict[tuple[object, ...], list[Entry]] = defaultdict(list)
        self._effects: list[Entry] = []
        self._acts: set[tuple[int, int]] = set()
        for entry in recorded:
            if entry.role == "effect":
                self._effects.append(entry)
            else:
                key = _key(entry.step, entry.kind, entry.resource, entry.question)
                self._answers[key].append(entry)
                self._by_place[key[:3]].append(entry)
                if entry.role == "act":
                    self._acts.add((entry.step, entry.id))

    def _perform(
        self,
        kind: str,
        resource: str,
        role: Role,
        question: Mapping[str, Any],
        perform: Callable[[], Observed],
    ) -> Entry:
        key = _key(self.step, kind, resource, question)
        # A question that holds a value which the recording redacted (a token) is not equal to the
        # recorded one; the order in which a step asks is.
        answers = self._answers.get(key) or self._by_place.get(key[:3])
        if not answers:
            raise NotRecorded(
                f"step {self.step + 1} asked {resource!r} ({kind}) something that was not recorded",
                advice="Record the scenario again: its steps have changed.",
            )
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        for place in (self._by_place.get(key[:3]), self._answers.get(key)):
            if place is not None and place is not answers and answer in place and len(place) > 1:
                place.remove(answer)
        self._acts.discard((answer.step, answer.id))
        self._reveal(answer.id)
        return self.write(
            msgspec.structs.replace(answer, id=len(self._entries) + 1, step=self.step)
        )

    def collect(self, source: str, perform: Callable[[], None]) -> None:
        # What followed an act that this step has yet to repeat has not happened yet.
        following = [entry for step, entry in self._acts if step == self.step]
        self._reveal(min(following, default=None))

    def _reveal(self, before: int | None) -> None:
        """Write the effects that had been recorded by this step (and before entry `before`)."""
        while self._effects and self._effects[0].step <= self.step:
            effect = self._effects[0]
            if before is not None and effect.step == self.step and effect.id > before:
                return
            del self._effects[0]
            self.write(msgspec.structs.replace(effect, id=len(self._entries) + 1))

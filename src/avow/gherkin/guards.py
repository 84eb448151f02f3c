"""Guards: what may stand before any Then, the suite's own plain ones too.

    Then within 5 seconds <phrase>         eventually; ends as soon as it holds
    Then for 2 seconds <phrase>            holds now and all that time
    Then it is not true that <phrase>      fails where the phrase passes

They combine, the outermost first: `for 2 seconds it is not true that ...`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from avow.core.errors import CannotTell, ScenarioFailure
from avow.core.text import plural
from avow.core.waiting import until
from avow.gherkin.units import DURATION, duration, spoken

Check = Callable[[], None]


class Guard(Protocol):
    """One guard; `words` is what the author typed."""

    @property
    def words(self) -> str: ...

    def run(self, check: Check, phrase: str) -> None:
        """Run `check` the guard's way; raises ScenarioFailure where it does not come out."""
        ...


@dataclass(frozen=True, slots=True)
class Within:
    """It holds at some moment until then."""

    words: str
    time: timedelta

    def run(self, check: Check, phrase: str) -> None:
        waited = until(check, self.time)
        if waited.holds:
            return
        looked = f"looked {plural(waited.attempts, 'time')}"
        terminal = isinstance(waited.error, ScenarioFailure) and waited.error.terminal
        if terminal:
            head = f"it cannot come true any more (stopped after {waited.seconds:.1f} s, {looked})"
        else:
            head = f"not within {spoken(self.time)} ({looked})"
        raise ScenarioFailure(
            f"{head}. Last seen:\n{_message(waited.error, phrase)}", terminal=terminal
        ) from waited.error


@dataclass(frozen=True, slots=True)
class During:
    """It holds now and all the time until then."""

    words: str
    time: timedelta

    def run(self, check: Check, phrase: str) -> None:
        def broken() -> AssertionError | Literal[False]:
            try:
                check()
            except AssertionError as error:
                return error
            return False

        waited = until(broken, self.time, retry_on=())
        if not waited.holds:
            return
        error = waited.value
        if waited.attempts == 1:
            head = f"it does not hold even at the start of {spoken(self.time)}"
        else:
            head = (
                f"it held for {waited.seconds:.2f} s of {spoken(self.time)} "
                f"({plural(waited.attempts - 1, 'look')}), then no longer"
            )
        raise ScenarioFailure(f"{head}. Seen:\n{_message(error or None, phrase)}") from (
            error or None
        )


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold. Only a failed assertion counts: trouble of the suite stays trouble, and
    what cannot be told is not untrue.
    """

    words: str

    def run(self, check: Check, phrase: str) -> None:
        try:
            check()
        except CannotTell as error:
            raise CannotTell(f"whether {phrase} cannot be told: {error}") from error
        except AssertionError:
            return
        raise ScenarioFailure(f"it should not be true that {phrase}, but it is")


def _message(error: BaseException | None, phrase: str) -> str:
    text = str(error).strip() if error is not None else ""
    return text or f"{phrase}: it does not hold (the assertion says nothing more)"


_GUARD = re.compile(
    rf"(?P<within>within\s+(?P<limit>{DURATION})\s+)"
    rf"|(?P<during>for\s+(?P<length>{DURATION})\s+)"
    r"|(?P<no>it\s+is\s+not\s+true\s+that\s+)"
)


def split(text: str) -> tuple[tuple[Guard, ...], str]:
    """Return the guards at the start of a step's text, outermost first, and what follows."""
    guards: list[Guard] = []
    position = 0
    while match := _GUARD.match(text, position):
        words = match.group().strip()
        if match["within"]:
            guards.append(Within(words, duration(match["limit"])))
        elif match["during"]:
            guards.append(During(words, duration(match["length"])))
        else:
            guards.append(Not(words))
        position = match.end()
    return tuple(guards), text[position:]


def run(guards: Sequence[Guard], check: Check, phrase: str) -> None:
    """Run `check` under guards; `phrase` is the step's text without them."""
    if not guards:
        check()
        return
    outer, *inner = guards
    words = " ".join([*(guard.words for guard in inner), phrase])
    outer.run(lambda: run(inner, check, phrase), words)

"""Regular expressions that people write, matched within a bound.

A pattern with nested repetition can take longer than the universe lasts on forty characters, and no
thread can stop it. In the main thread a timer can; elsewhere only short texts are tried.
"""

from __future__ import annotations

import functools
import re
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from avow.core.errors import SuiteError
from avow.core.text import shortened

#: Seconds that one match may take.
LIMIT = 1.0

#: Characters of a text that a pattern is tried on; what is longer does not match.
LONGEST = 1_000_000

#: The same for a pattern with nested repetition where no timer can stop it.
LONGEST_UNTIMED = 200

_REPEATS = re.compile(r"[*+]|\{\d*,\}")


class _TookTooLong(Exception):
    pass


@functools.lru_cache(maxsize=512)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the pattern; raises SuiteError that says where it is wrong."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        at = getattr(error, "pos", None)
        place = f" at character {at + 1}" if at is not None else ""
        raise SuiteError(
            f'"{shortened(pattern)}" is not a regular expression: '
            f"{getattr(error, 'msg', error)}{place}",
            advice="It is written as in Python's re module, and has to match the whole text.",
        ) from None


def fits(pattern: str, text: str) -> tuple[bool, str]:
    """Return whether the whole text matches, and why it could not be told where it could not."""
    expression = compiled(pattern)
    if len(text) > LONGEST:
        return False, f"a text of {len(text)} characters is too long to match a pattern on"
    if not _may_explode(pattern):
        return expression.fullmatch(text) is not None, ""
    try:
        with _bounded() as is_timed:
            if not is_timed and len(text) > LONGEST_UNTIMED:
                return False, (
                    "a pattern with nested repetition is tried on at most "
                    f"{LONGEST_UNTIMED} characters here"
                )
            return expression.fullmatch(text) is not None, ""
    except _TookTooLong:
        return False, f"the pattern took longer than {LIMIT:g} s; its nested repetition explodes"


@functools.lru_cache(maxsize=512)
def _may_explode(pattern: str) -> bool:
    # Two unbounded repetitions are needed for anything worse than linear; a rough count will do,
    # for the price of being careful is two system calls.
    return len(_REPEATS.findall(pattern)) > 1


@contextmanager
def _bounded() -> Iterator[bool]:
    if threading.current_thread() is not threading.main_thread() or not hasattr(
        signal, "setitimer"
    ):
        yield False
        return
    remaining, interval = signal.getitimer(signal.ITIMER_REAL)
    if 0 < remaining <= LIMIT:
        # Somebody's own deadline comes first and ends the match as well.
        yield True
        return
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    try:
        yield True
    finally:
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before if before is not None else signal.SIG_DFL)
        if remaining:
            signal.setitimer(
                signal.ITIMER_REAL, max(remaining - (LIMIT - left), 0.000_001), interval
            )


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise _TookTooLong

"""An exception in the words that a reader of a report needs: the message first, then the user's own
frames.
"""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from types import TracebackType

from avow.core.errors import AvowError
from avow.core.events import Trouble
from avow.core.text import printable

#: Packages whose frames say nothing about what went wrong.
_NOISE = ("avow", "behave", "hamcrest", "allure_commons", "six", "pluggy")


@functools.cache
def _noise_roots() -> tuple[str, ...]:
    roots = []
    for name in _NOISE:
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if file:
            package = file.removesuffix("__init__.py")
            roots.append(package)
    site = sysconfig.get_paths()["purelib"]
    roots += [f"{site}{os.sep}{name}{os.sep}" for name in _NOISE]
    return tuple(dict.fromkeys(roots))


@functools.lru_cache(4096)
def is_noise(filename: str) -> bool:
    """Say whether a frame of this file belongs to the machinery and not to the suite."""
    if filename.startswith(_noise_roots()):
        return True
    return filename.startswith("<frozen") or filename.endswith(os.sep + "contextlib.py")


def message_of(error: BaseException) -> str:
    """Return what the exception says; its type leads where it does not explain itself."""
    try:
        text = str(error).strip("\n")
    except Exception as broken:  # noqa: BLE001 - a broken __str__ must not hide the failure
        text = f"<its text raised {type(broken).__name__}>"
    text = printable(text)
    if isinstance(error, AvowError):
        return text
    if isinstance(error, AssertionError):
        return text or "assertion failed"
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _useful(frames: traceback.StackSummary) -> traceback.StackSummary:
    return traceback.StackSummary.from_list(
        [frame for frame in frames if not is_noise(frame.filename)]
    )


def _chain(report: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    seen: set[int] = set()
    left: list[traceback.TracebackException | None] = [report]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        left += [one.__cause__, one.__context__, *(one.exceptions or [])]


def trace_of(error: BaseException, frames: TracebackType | None = None) -> str:
    """Return the traceback without the machinery's frames, causes included; empty where none is
    left.
    """
    try:
        report = traceback.TracebackException(
            type(error), error, frames or error.__traceback__, compact=True
        )
        found = False
        for one in _chain(report):
            one.stack = _useful(one.stack)
            found = found or bool(one.stack)
        if not found and report.__cause__ is None:
            return ""
        return printable("".join(report.format()).rstrip())
    except Exception as broken:  # noqa: BLE001 - evidence never raises
        return f"(the traceback could not be formatted: {type(broken).__name__})"


def trouble_of(error: BaseException, frames: TracebackType | None = None) -> Trouble:
    """Return the trouble that an exception means: failed for the system's fault, else broken."""
    return Trouble(
        status="failed" if isinstance(error, AssertionError) else "broken",
        message=message_of(error),
        trace=trace_of(error, frames),
        kind=type(error).__name__,
    )


def console_text(
    error: BaseException, frames: TracebackType | None, *, verbose: bool = False
) -> str:
    """Return what behave's formatters print for a step, without the machinery."""
    if isinstance(error, AssertionError):
        text = f"ASSERT FAILED: {printable(error)}"
        return f"{text}\n{trace_of(error, frames)}" if verbose else text
    if isinstance(error, AvowError) and not verbose:
        return f"ERROR: {message_of(error)}"
    trace = trace_of(error, frames)
    return f"{trace}\n" if trace else f"ERROR: {message_of(error)}"

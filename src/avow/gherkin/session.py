"""Which world the steps of this process run in. The runner begins and ends it, once a scenario."""

from __future__ import annotations

from typing import Any

from avow.core.errors import SuiteError
from avow.world import World

_current: World | None = None


def begin(context: Any, world: World) -> None:
    """Give the steps of a scenario their world; `context.world` is it for behave's own steps."""
    global _current
    _current = world
    # An ordinary assignment costs a walk of the stack and warns where a layer below has the name.
    context._set_root_attribute("world", world)  # noqa: SLF001 - behave has no public way


def end(context: Any) -> None:
    """Take the world away; a step that runs later is told so."""
    global _current
    _current = None
    context._set_root_attribute("world", None)  # noqa: SLF001 - behave has no public way


def current() -> World | None:
    """Return the world of the running scenario, or None."""
    return _current


def needed(phrase: str) -> World:
    """Return the world of the running scenario; raises SuiteError where there is none."""
    if _current is None:
        raise SuiteError(
            f'"{phrase}" needs a world, and none is set up',
            advice='Set runner = "avow.runner:Runner" under [tool.behave] in pyproject.toml, or '
            "put `from avow.environment import *` into environment.py.",
        )
    return _current

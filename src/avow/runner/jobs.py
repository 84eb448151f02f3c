"""How many scenarios run at a time: as many as were asked for, unless they would meet."""

from __future__ import annotations

import os
import sys
from typing import Any

#: Kinds of which nothing is restored or collected, so that several scenarios may use one.
_WITHOUT_STATE = frozenset({"http", "process"})


def count(config: Any, settings: Any, scenarios: int) -> tuple[int, str]:
    """Return how many workers to run, and why there are fewer than were asked for."""
    wanted = asked(config, settings)
    if wanted == 1:
        return 1, ""
    shared = [each for each in settings.services.values() if _is_shared(each)]
    if shared:
        names = ", ".join(f'"{each.name}"' for each in shared)
        return 1, (
            f"One scenario at a time, not {wanted}: all would meet in {names}, of which there is "
            "only one (scope run or attached)."
        )
    return max(1, min(wanted, scenarios)), ""


def asked(config: Any, settings: Any) -> int:
    """`behave -j` goes before the settings; behave itself does not tell its default from a 1."""
    said = any(word.startswith(("-j", "--jobs", "--parallel")) for word in sys.argv[1:])
    wanted = config.jobs if said or config.jobs != 1 else settings.runner.jobs
    return _processors() if wanted == "auto" else max(1, int(wanted))


def has_state(settings: Any) -> bool:
    """Say whether the run has services from which something may come at any time."""
    return any(each.kind not in _WITHOUT_STATE for each in settings.services.values())


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _is_shared(definition: Any) -> bool:
    if definition.kind in _WITHOUT_STATE:
        return False
    return bool(definition.scope == "run" or definition.provider == "attached")

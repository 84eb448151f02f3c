"""behave's front door: plain `behave` runs the suite supervised (docs/guides/running.md).

    behave -> Runner (coordinator: plan, services, dispatch, reports, exit code; runs no user code)
           -> template (loads hooks and steps once; the only process that forks)
           -> workers (one scenario at a time)

`[tool.behave] runner = "avow.runner:Runner"` selects it. Everything is imported where it is used:
the template process imports this package too and needs none of the coordinator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avow.runner.front import Runner

__all__ = ["Runner"]


def __getattr__(name: str) -> Any:
    if name == "Runner":
        from avow.runner.front import Runner

        return Runner
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

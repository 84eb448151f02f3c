"""The hooks of avow: what a plug-in may offer and what it may listen to.

A plug-in is a module or object with functions of these names, marked `@avow.plugins.hookimpl` and
listed under the entry-point group "avow". A function may leave out arguments that it does not use.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pluggy

from avow.core.events import Event, RunFinished, ScenarioFinished
from avow.plugins.values import ServiceKind, SignatureScheme

hookspec = pluggy.HookspecMarker("avow")


@hookspec
def avow_service_kinds() -> list[ServiceKind]:  # type: ignore[empty-body]
    """Return kinds of services that avow.toml may declare."""


@hookspec
def avow_signature_schemes() -> list[SignatureScheme]:  # type: ignore[empty-body]
    """Return ways in which providers sign their webhooks."""


@hookspec
def avow_channels() -> dict[str, str]:  # type: ignore[empty-body]
    """Return channel classes ("module:Class") by the kind of service that they talk to."""


@hookspec
def avow_run_configured(settings: Any, manager: pluggy.PluginManager) -> None:
    """Settings are read, nothing has started: register here what needs them, such as a report."""


@hookspec
def avow_event(event: Event) -> None:
    """Something happened in the run; called in the coordinator, in order, redacted."""


@hookspec
def avow_scenario_recorded(path: Path, event: ScenarioFinished) -> None:
    """The file of a scenario is complete."""


@hookspec
def avow_run_finished(summary: RunFinished) -> None:
    """The run is over: close files."""

"""What avow itself brings: modules by name, each loaded when its hook is first called."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from typing import Any

import pluggy

from avow.core.events import Event, RunFinished, ScenarioFinished
from avow.plugins.values import ServiceKind, SignatureScheme

hookimpl = pluggy.HookimplMarker("avow")

MODULES: dict[str, tuple[str, ...]] = {
    "avow_service_kinds": ("avow.services.kinds",),
    "avow_signature_schemes": ("avow.stubs.webhooks.schemes",),
    "avow_channels": (),
    "avow_run_configured": ("avow.reports.plugin",),
    "avow_event": (),
    "avow_scenario_recorded": (),
    "avow_run_finished": (),
}


class Builtins:
    """One plug-in that stands for all of avow's own modules, which need not be imported for it."""

    def __init__(self, modules: dict[str, tuple[str, ...]] | None = None) -> None:
        self._modules = MODULES if modules is None else modules

    @hookimpl
    def avow_service_kinds(self) -> list[ServiceKind]:
        return self._merged("avow_service_kinds")

    @hookimpl
    def avow_signature_schemes(self) -> list[SignatureScheme]:
        return self._merged("avow_signature_schemes")

    @hookimpl
    def avow_channels(self) -> dict[str, str]:
        return dict(itertools.chain(*(found.items() for found in self._call("avow_channels"))))

    @hookimpl
    def avow_run_configured(self, settings: Any, manager: pluggy.PluginManager) -> None:
        self._call("avow_run_configured", settings=settings, manager=manager)

    @hookimpl
    def avow_event(self, event: Event) -> None:
        if self._modules["avow_event"]:
            self._call("avow_event", event=event)

    @hookimpl
    def avow_scenario_recorded(self, path: Path, event: ScenarioFinished) -> None:
        self._call("avow_scenario_recorded", path=path, event=event)

    @hookimpl
    def avow_run_finished(self, summary: RunFinished) -> None:
        self._call("avow_run_finished", summary=summary)

    def _merged(self, hook: str) -> list[Any]:
        return list(itertools.chain(*self._call(hook)))

    def _call(self, hook: str, **arguments: Any) -> list[Any]:
        return [
            getattr(importlib.import_module(path), hook)(**arguments)
            for path in self._modules[hook]
        ]

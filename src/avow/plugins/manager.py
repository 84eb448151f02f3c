"""Plug-ins found, checked when they are registered, and asked what they offer."""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
from collections.abc import Iterable
from typing import Any

import pluggy

from avow.core.errors import ConfigError, did_you_mean
from avow.plugins import specs
from avow.plugins.builtin import Builtins
from avow.plugins.values import ServiceKind, SignatureScheme

GROUP = "avow"
_PREFIX = "avow_"


def _hooks() -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(stub)
        for name, stub in vars(specs).items()
        if name.startswith(_PREFIX)
    }


class PluginManager(pluggy.PluginManager):
    """pluggy's manager, which also refuses a hook that avow does not have, and wrong arguments."""

    def __init__(self) -> None:
        super().__init__(GROUP)
        self.add_hookspecs(specs)

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Register a plug-in; raises ConfigError that names the hook and the nearest real one."""
        _check(plugin, name or self.get_canonical_name(plugin))
        return super().register(plugin, name)


def _check(plugin: object, name: str) -> None:
    hooks = _hooks()
    for attribute in dir(plugin):
        if not attribute.startswith(_PREFIX):
            continue
        function = inspect.getattr_static(plugin, attribute)
        if isinstance(function, (staticmethod, classmethod)):
            function = function.__func__
        if not callable(function):
            continue
        where = f'plug-in "{name}"'
        if attribute not in hooks:
            raise ConfigError(
                f'there is no hook "{attribute}"',
                where=where,
                advice=did_you_mean(attribute, hooks, what="hooks"),
            )
        if not hasattr(function, f"{GROUP}_impl"):
            raise ConfigError(
                f'"{attribute}" is named like a hook and is not marked as one',
                where=where,
                advice="Put @avow.plugins.hookimpl above it.",
            )
        known = list(hooks[attribute].parameters)
        for argument in inspect.signature(function).parameters:
            if argument not in known and argument != "self":
                raise ConfigError(
                    f'"{attribute}" asks for an argument "{argument}" that the hook does not have',
                    where=where,
                    advice=f"Its signature is {attribute}({', '.join(known)}); "
                    "arguments may be left out.",
                )


def new_manager(*, entry_points: bool = True, builtins: object | None = None) -> PluginManager:
    """Return a manager of its own, with avow's own plug-ins and those of installed packages."""
    made = PluginManager()
    made.register(Builtins() if builtins is None else builtins, "avow")
    if entry_points:
        for entry_point in importlib.metadata.entry_points(group=GROUP):
            made.register(_loaded(entry_point), entry_point.name)
    return made


def _loaded(entry_point: importlib.metadata.EntryPoint) -> object:
    try:
        return entry_point.load()
    except Exception as error:
        package = entry_point.dist.name if entry_point.dist else "an installed package"
        raise ConfigError(
            f"{entry_point.value} of {package} cannot be loaded: {type(error).__name__}: {error}",
            where=f'plug-in "{entry_point.name}"',
            advice=f"Repair or uninstall {package}.",
        ) from error


@functools.cache
def manager() -> PluginManager:
    """Return the manager of this process."""
    return new_manager()


def service_kinds(plugins: PluginManager | None = None) -> dict[str, ServiceKind]:
    """Return every kind of service by its name; raises ConfigError where a name comes twice."""
    offered = (plugins or manager()).hook.avow_service_kinds()
    return _by_name(offered, ServiceKind, "kind of service")


def signature_schemes(plugins: PluginManager | None = None) -> dict[str, SignatureScheme]:
    """Return every way of signing webhooks by its name."""
    offered = (plugins or manager()).hook.avow_signature_schemes()
    return _by_name(offered, SignatureScheme, "signature scheme")


def channels(plugins: PluginManager | None = None) -> dict[str, str]:
    """Return channel classes ("module:Class") by the kind of service that they talk to."""
    plugins = plugins or manager()
    found = {kind.name: kind.channel for kind in service_kinds(plugins).values() if kind.channel}
    for offered in plugins.hook.avow_channels():
        found.update(offered)
    return found


def _by_name(offered: Iterable[Iterable[Any]], of: type[Any], what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for value in (each for several in offered for each in several):
        if not isinstance(value, of):
            raise ConfigError(
                f"a plug-in offers {value!r} as a {what}",
                advice=f"It must be a {of.__module__}.{of.__name__}.",
            )
        if value.name in found:
            raise ConfigError(
                f'two plug-ins offer the {what} "{value.name}"',
                advice="Uninstall one of them, or give one of the two another name.",
            )
        found[value.name] = value
    return found

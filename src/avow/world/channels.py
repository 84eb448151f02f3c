"""The channels of a worker: built once, connections kept, bound to each scenario's ledger."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from avow.channels.base import ChannelContext
from avow.config import Secrets, ServiceDefinition, Settings, resolve
from avow.core.errors import AvowError, ConfigError, Problems
from avow.core.ledger import Ledger
from avow.plugins import channels as channel_classes
from avow.plugins import load

#: Where the channels of avow's own kinds appear on the world; a plug-in's class says it by `area`.
AREAS = {
    "http": "http",
    "kafka": "messages",
    "postgres": "databases",
    "stub": "stubs",
    "s3": "objects",
    "smtp": "mail",
    "redis": "cache",
}

Facts = Mapping[str, Mapping[str, str]]


class Channels:
    """Every channel of a worker, by name; closed when the worker ends."""

    def __init__(self, by_area: Mapping[str, Mapping[str, Any]], kinds: Mapping[str, str]) -> None:
        self.by_area = {area: dict(channels) for area, channels in by_area.items()}
        #: The kind of every service, also of those without a channel.
        self.kinds = dict(kinds)
        self.all = {
            f"{area}.{name}": channel
            for area, channels in self.by_area.items()
            for name, channel in channels.items()
        }
        self.sources = {each.name: each for each in self.all.values() if each.is_source}

    @classmethod
    def build(
        cls,
        settings: Settings,
        facts: Facts,
        context: ChannelContext,
        *,
        secrets: Secrets | None = None,
    ) -> Channels:
        """Build a channel for every service that has facts and whose kind has one.

        Nothing is connected yet. Raises Problems that name every missing extra and broken plug-in.
        """
        if context.resolve is str:
            reveal = None if secrets is None else secrets.reveal
            context = replace(context, resolve=_resolver(facts, reveal))
        classes = channel_classes()
        by_area: dict[str, dict[str, Any]] = {}
        kinds: dict[str, str] = {}
        problems: list[AvowError] = []
        for name, definition in settings.services.items():
            kinds[name] = definition.kind
            path = classes.get(definition.kind)
            if not path or name not in facts:
                continue
            try:
                made = load(path, what=f'service "{name}"')
                area = getattr(made, "area", "") or AREAS.get(definition.kind, definition.kind)
                channel = made(name, facts[name], definition, Ledger(), context)
                by_area.setdefault(area, {})[name] = channel
                if getattr(definition.settings, "webhooks", None) is not None:
                    by_area.setdefault("webhooks", {})[name] = _sender(definition, context)
            except AvowError as error:
                problems.append(error)
        if problems:
            raise problems[0] if len(problems) == 1 else Problems(problems)
        return cls(by_area, kinds)

    def bind(self, ledger: Ledger) -> None:
        """Write into another scenario's ledger from now on."""
        for channel in self.all.values():
            channel.bind(ledger)

    def area(self, name: str) -> dict[str, Any]:
        return self.by_area.get(name, {})

    def close(self) -> None:
        """Close all, whatever each raises; the first problem is raised at the end."""
        first: Exception | None = None
        for channel in self.all.values():
            try:
                channel.close()
            except Exception as error:  # noqa: BLE001 - the others must be closed
                first = first or error
        if first is not None:
            raise (
                first
                if isinstance(first, AvowError)
                else ConfigError(f"a channel could not be closed: {first}")
            )


def _sender(definition: ServiceDefinition, context: ChannelContext) -> Any:
    from avow.stubs.webhooks.sender import WebhookSender

    return WebhookSender(definition.name, definition.settings.webhooks, Ledger(), context)


def _resolver(facts: Facts, reveal: Callable[[str], str] | None) -> Callable[[str], str]:
    return functools.partial(resolve, facts=facts, secret=reveal)

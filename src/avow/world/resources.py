"""Channels by the name that features use: `world.http["shop"]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from avow.core.errors import SuiteError, did_you_mean

C = TypeVar("C")

#: What a resource of each area is called in messages.
NOUNS = {
    "http": "an HTTP service",
    "messages": "a message broker",
    "databases": "a database",
    "stubs": "a stub",
    "webhooks": "a stub that sends webhooks",
    "objects": "an object store",
    "mail": "a mail server",
    "cache": "a cache",
}


class Resources(Mapping[str, C], Generic[C]):
    """The channels of one area. Case does not matter: `Stripe` in a sentence is `stripe`.

    Asking for a name that is not there raises SuiteError, which says what kind the name really is.
    """

    def __init__(self, area: str, channels: Mapping[str, C], kinds: Mapping[str, str]) -> None:
        self._area = area
        self._channels = dict(channels)
        self._by_lower = {name.lower(): name for name in channels}
        self._kinds = kinds

    def __getitem__(self, name: str) -> C:
        try:
            return self._channels[name]
        except KeyError:
            known = self._by_lower.get(name.lower())
            if known is not None:
                return self._channels[known]
        raise self._unknown(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_lower

    def __iter__(self) -> Iterator[str]:
        return iter(self._channels)

    def __len__(self) -> int:
        return len(self._channels)

    def get(self, name: str, default: object = None) -> C | None:  # type: ignore[override]
        """Return the channel, or None: nobody passes another default."""
        found = self._by_lower.get(name.lower())
        return None if found is None else self._channels[found]

    def _unknown(self, name: str) -> SuiteError:
        noun = NOUNS.get(self._area, self._area)
        kinds = {known.lower(): kind for known, kind in self._kinds.items()}
        kind = kinds.get(name.lower())
        if kind is not None:
            return SuiteError(
                f'"{name}" is not {noun}: avow.toml says kind = "{kind}"',
                advice=did_you_mean(name, self._channels, what=f"{noun} here"),
            )
        advice = did_you_mean(name, self._channels, what="declared")
        others = sorted(set(self._kinds) - set(self._channels))
        if others:
            advice += f" Other services: {', '.join(others)}."
        return SuiteError(f'no service "{name}" is declared', advice=advice)

"""What is private to a scenario, part by part; each knows how to undo its own."""

from __future__ import annotations

import inspect
from typing import Any, Protocol

from avow.channels.base import Channel
from avow.channels.cache import RedisChannel
from avow.channels.objects import S3Channel
from avow.core.entries import Body


class Part(Protocol):
    """One thing that scenarios change and that must be as before for the next."""

    name: str

    def prepare(self) -> str:
        """Remember how it is now; return why not, where it cannot be restored."""

    def start(self) -> None:
        """Make sure, at the last moment, that it is as it was."""

    def restore(self) -> None:
        """Undo what the scenario did; raises AvowError where that fails."""

    def close(self) -> None:
        """Give back connections."""


class BucketsPart:
    """The objects of a service: new ones go, changed and deleted ones come back."""

    def __init__(self, channel: S3Channel) -> None:
        self.name = channel.name
        self._channel = channel
        self._listing: dict[tuple[str, str], Any] = {}
        self._contents: dict[tuple[str, str], tuple[dict[str, Any], Body]] = {}
        self._is_on = False

    def prepare(self) -> str:
        if not self._channel.is_owned:
            return "it is attached, not the suite's own: its objects stay as scenarios leave them"
        self._listing = dict(self._channel.listing())
        for place in self._listing:
            found = self._channel.content(*place)
            if found is not None and not found[1].capped:
                self._contents[place] = found
        self._is_on = True
        return ""

    def start(self) -> None:
        pass  # the end of the last scenario did it; a listing costs more than what it could find

    def restore(self) -> None:
        if not self._is_on:
            return
        now = self._channel.listing()
        for place, version in now.items():
            if place not in self._listing:
                self._channel.delete(*place)
            elif version.etag != self._listing[place].etag and place in self._contents:
                self._channel.restore(*self._contents[place])
        for place in self._listing:
            if place not in now and place in self._contents:
                self._channel.restore(*self._contents[place])

    def close(self) -> None:
        pass


class CachePart:
    """The keys of a cache."""

    def __init__(self, channel: RedisChannel) -> None:
        self.name = channel.name
        self._channel = channel
        self._content: dict[bytes, tuple[int, bytes]] | None = None

    def prepare(self) -> str:
        if not self._channel.is_owned:
            return "it is attached, not the suite's own: its keys stay as scenarios leave them"
        self._content = self._channel.dump()
        return ""

    def start(self) -> None:
        pass

    def restore(self) -> None:
        if self._content is not None:
            self._channel.restore(self._content)

    def close(self) -> None:
        pass


class StubPart:
    """What a stub was told to answer, and which calls it has counted."""

    def __init__(self, channel: Any) -> None:
        self.name: str = channel.name
        self._channel = channel

    def prepare(self) -> str:
        return ""

    def start(self) -> None:
        pass

    def restore(self) -> None:
        self.end(None)

    def end(self, seed: int | None) -> list[str]:
        """Restore; return what a reader should know. What is random next comes from `seed`."""
        reset = self._channel.reset
        # A plug-in's channel need not know of seeds, nor have anything to say.
        takes = "seed" in inspect.signature(reset).parameters
        return list((reset(seed=seed) if takes else reset()) or ())

    def close(self) -> None:
        pass


def part_of(channel: Channel) -> Part | None:
    """Return what must be restored of a channel's service, or None: reading on is enough."""
    from avow.channels.database import PostgresChannel
    from avow.isolation.database import DatabasePart

    if isinstance(channel, PostgresChannel):
        return DatabasePart(channel)
    if isinstance(channel, S3Channel):
        return BucketsPart(channel)
    if isinstance(channel, RedisChannel):
        return CachePart(channel)
    # Channels of plug-ins, and the stubs' (a room that this one need not import).
    if callable(getattr(channel, "reset", None)):
        return StubPart(channel)
    return None

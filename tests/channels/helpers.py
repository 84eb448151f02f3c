from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from avow.channels.base import ChannelContext
from avow.config import GuardSettings
from avow.core.secrets import Redactor
from avow.guards import Guards


def context(
    *,
    hosts: tuple[str, ...] = (),
    call: float = 10.0,
    redactor: Redactor | None = None,
    **extra: Any,
) -> ChannelContext:
    guards = Guards(GuardSettings(hosts=hosts), Path.cwd())
    timeouts = SimpleNamespace(call=timedelta(seconds=call))
    return ChannelContext(guards, timeouts, redactor or Redactor(), **extra)


@dataclass(frozen=True)
class Definition:
    """A service's definition as a test needs it."""

    name: str = "shop"
    kind: str = "http"
    provider: str | None = "command"
    secrets: tuple[str, ...] = ()
    settings: Any = field(default_factory=dict)

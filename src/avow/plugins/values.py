"""What plug-ins hand over: plain values that name code by its place; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import msgspec


class ServiceKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of service: the word after `kind =` in avow.toml.

    `settings` holds what only this kind can be told; its fields are checked by name and type before
    anything starts. `providers` are the ways to get one ("embedded", "command", "attached", ...),
    as "module:Class", imported only when chosen. `facts` are the names that `{service.fact}` may
    ask for. `extra` is the extra of avow that the embedded provider needs. `channel`
    ("module:Class") is how steps talk to it, or "" where they do not.
    """

    name: str
    settings: type[msgspec.Struct]
    providers: dict[str, str]
    default_provider: str
    facts: tuple[str, ...] = ()
    extra: str = ""
    channel: str = ""


class Unsigned(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook about to be signed. `timestamp` is in whole seconds since the epoch."""

    body: bytes
    timestamp: int
    id: str = ""
    url: str = ""
    method: str = "POST"
    headers: Mapping[str, str] = {}


@runtime_checkable
class SignatureScheme(Protocol):
    """How one provider signs its webhooks."""

    #: The word after `scheme =` in avow.toml.
    name: str

    def sign(self, secret: str, unsigned: Unsigned) -> dict[str, str]:
        """Return the headers that carry the signature."""
        ...

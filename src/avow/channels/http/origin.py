"""Scheme, host and port: what a connection, a cookie and a credential belong to."""

from __future__ import annotations

from typing import NamedTuple

import httpx

PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: httpx.URL) -> Origin:
        scheme = url.scheme
        return cls(scheme, url.raw_host.decode("ascii"), url.port or PORTS[scheme])

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

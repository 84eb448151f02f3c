"""Third parties stood in for: an HTTP server in a process of its own that is told what to answer
and writes down every call.

with StubProcess(stripe=[{"on": "POST /v1/charges", "answer": {"body": {"id": "ch_1"}}}]) as stubs:
    call_my_system(stripe=stubs["stripe"].url)
    stubs["stripe"].collect()
    assert stubs["stripe"].count("POST /v1/charges") == 1
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avow.stubs.client import StubChannel
    from avow.stubs.routes import Answer, Route, route_from
    from avow.stubs.running import StubProcess

__all__ = ["Answer", "Route", "StubChannel", "StubProcess", "route_from"]

_PLACES = {
    "Answer": "avow.stubs.routes",
    "Route": "avow.stubs.routes",
    "StubChannel": "avow.stubs.client",
    "StubProcess": "avow.stubs.running",
    "route_from": "avow.stubs.routes",
}


def __getattr__(name: str) -> Any:
    # The server's process needs none of the worker's side, and the other way round.
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)

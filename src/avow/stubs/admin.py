"""The worker's door to its stubs: a port of its own on loopback, a random token, plain JSON.

    POST /stubs/NAME/routes   arm routes; answered once they are in force
    POST /stubs/NAME/reset    end a scenario
    GET  /stubs/NAME          counters, calls in flight, trouble with the journal

A page in a browser can reach loopback too: the Host must be ours (DNS rebinding), the token must
be right, and no answer allows another origin to read it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from avow.core.errors import AvowError, did_you_mean
from avow.stubs.answers import Rendered, render
from avow.stubs.request import NOT_STRUCTURED, Request
from avow.stubs.routes import routes_from
from avow.stubs.stub import Plan, Stub

#: Bytes of what a worker may send at once: a file of routes with long answers fits many times.
_LARGEST = 64 * 1024 * 1024


class Admin:
    """Answers the worker; a site like a stub, without a journal."""

    def __init__(self, stubs: Mapping[str, Stub], token: str) -> None:
        self.port = 0
        self.connections: set[Any] = set()
        self.has_early_resets = False
        self.largest_body = _LARGEST
        self._stubs = stubs
        self._token = token.encode()

    def receive(self, request: Request) -> Rendered | Plan:
        host = request.header(b"host").decode("latin-1")
        if host not in (f"127.0.0.1:{self.port}", f"localhost:{self.port}"):
            return _answer(403, {"error": f'Host "{host}" is not this server'})
        shown = request.header(b"authorization")
        if not hmac.compare_digest(shown, b"Bearer " + self._token):
            return _answer(401, {"error": "the token is missing or wrong"})
        try:
            return self._answer(request)
        except AvowError as error:
            return _answer(422, {"error": str(error)})

    def _answer(self, request: Request) -> Rendered:
        # As it stood on the wire: the name of a stub may hold a slash.
        raw = request.target.partition("?")[0].strip("/")
        parts = [unquote(part) for part in raw.split("/")]
        if parts == ["stubs"] and request.method == "GET":
            return _answer(200, {name: _state(stub) for name, stub in self._stubs.items()})
        if parts[0] != "stubs" or len(parts) < 2:
            return _answer(404, {"error": f"there is no {request.path} here"})
        stub = self._stubs.get(parts[1])
        if stub is None:
            advice = did_you_mean(parts[1], self._stubs, what="stubs")
            return _answer(404, {"error": f'there is no stub "{parts[1]}". {advice}'})
        told = request.structure if request.body else {}
        what = (request.method, *parts[2:])
        if told is NOT_STRUCTURED or not isinstance(told, dict):
            return _answer(400, {"error": "the body is not a JSON object"})
        if what == ("POST", "routes"):
            routes = routes_from(told.get("routes", []), where=f'stub "{stub.name}"')
            stub.arm(routes)
            return _answer(200, {"armed": len(routes), **_state(stub)})
        if what == ("POST", "reset"):
            epoch, unfinished = stub.reset(told.get("seed"))
            return _answer(200, {"epoch": epoch, "unfinished": unfinished, **_state(stub)})
        if what == ("GET",):
            return _answer(200, _state(stub))
        return _answer(404, {"error": f"there is no {request.method} {request.path} here"})

    def resets_before_reading(self, head: Request) -> bool:
        return False

    def refuse(self, request: Request, status: int, why: str) -> Rendered:
        return _answer(status, {"error": why})

    def unfinished(self, request: Request, why: str) -> None: ...

    def processed(self, plan: Plan) -> None: ...

    def ended(self, number: int, outcome: str) -> None: ...


def _state(stub: Stub) -> dict[str, Any]:
    return {
        "calls": stub.journal.number,
        "in_flight": stub.in_flight,
        "routes": len(stub.table.routes),
        "counts": stub.journal.counts,
        "problem": stub.journal.problem,
    }


def _answer(status: int, body: Any) -> Rendered:
    return render(status, {}, msgspec.json.encode(body), "application/json")

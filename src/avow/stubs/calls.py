"""Reading what a stub received: from the ledger alone, so that a replay needs no stub.

A call whose line or body was dropped is never mistaken for one that did not happen: whoever needs
it gets an error that says so.
"""

from __future__ import annotations

from typing import Any

from avow.core.entries import Entry
from avow.core.errors import AvowError
from avow.core.ledger import Ledger
from avow.core.text import plural
from avow.stubs.journal import OTHER_PATHS
from avow.stubs.matching import Matcher, fits_method
from avow.stubs.request import NOT_STRUCTURED, Request
from avow.stubs.routes import Route, route_from

CALL = "stub.call"
DROPPED = "stub.dropped"


class CallDropped(AvowError):
    """A phrase needs a call, or a body, that the journal did not keep."""


def calls(ledger: Ledger, stub: str, target: str = "") -> list[Entry]:
    """Return the calls of a scenario to `target` ("POST /v1/charges", "/v1/charges/{id}"), oldest
    first.

    Calls that never became whole are not among them. Raises CallDropped where some are only
    counted.
    """
    for gap in _gaps(ledger, stub, target):
        first, last = gap.data["first"], gap.data["last"]
        raise CallDropped(
            f"calls {first} to {last} were dropped from its journal before they were read",
            where=f'stub "{stub}"',
            advice="Their number is known, what they said is not: count them, or make fewer calls.",
        )
    return _kept(ledger, stub, target)


def count(ledger: Ledger, stub: str, target: str = "") -> int:
    """Return how many calls there were; exact also where the calls themselves were dropped.

    Raises CallDropped where so many paths were called that dropped ones were not told apart.
    """
    total = len(_kept(ledger, stub, target))
    wanted = _target(target)
    for gap in _gaps(ledger, stub, target):
        for counted, number in gap.data["counts"].items():
            method, _, path = counted.partition(" ")
            if path == OTHER_PATHS and target:
                raise CallDropped(
                    f"calls to more than a thousand paths were dropped, some perhaps to {target}",
                    where=f'stub "{stub}"',
                    advice="Let a scenario call fewer paths, or count all calls of the stub.",
                )
            if wanted is None or _fits(wanted, method, path):
                total += number
    return total


def unmatched(ledger: Ledger, stub: str = "") -> list[Entry]:
    """Return the calls that no route answered."""
    return ledger.find(CALL, stub, where=lambda entry: entry.data["outcome"] == "unmatched")


def request_data(call: Entry) -> Any:
    """Return a call's request body as data (JSON or a form), or as text where it is neither.

    A request without a body is None. Raises CallDropped where the body was cut.
    """
    raw = _whole(call, "request")
    if not raw:
        return None
    body = call.bodies["request"]
    headers = [(b"content-type", body.content_type.encode("latin-1", "replace"))]
    request = Request("POST", "/", headers, raw)
    data = request.structure
    return request.text() if data is NOT_STRUCTURED else data


def _whole(call: Entry, part: str) -> bytes:
    body = call.bodies.get(part)
    if body is None:
        return b""
    if body.capped:
        kept = len(body.raw)
        target = f"{call.data['method']} {call.data['path']}"
        raise CallDropped(
            f"the {part} body of call {call.data['number']} ({target}) has "
            f"{plural(body.length, 'byte')}, of which the first {kept} were kept",
            where=f'stub "{call.resource}"',
            advice=f"Keep more of it: set body_limit in [services.{call.resource}].",
        )
    return body.raw


def _kept(ledger: Ledger, stub: str, target: str) -> list[Entry]:
    wanted = _target(target)
    return [
        entry
        for entry in ledger.find(CALL, stub)
        if entry.data["outcome"] not in ("unfinished", "refused")
        and (wanted is None or _fits(wanted, entry.data["method"], entry.data["path"]))
    ]


def _gaps(ledger: Ledger, stub: str, target: str) -> list[Entry]:
    wanted = _target(target)
    return [
        entry
        for entry in ledger.find(DROPPED, stub)
        if wanted is None
        or any(
            key.endswith(OTHER_PATHS) or _fits(wanted, *key.split(" ", 1))
            for key in entry.data["counts"]
        )
    ]


def _target(target: str) -> Matcher | None:
    if not target:
        return None
    words = target.split(None, 1)
    route: Route = route_from(
        {"on": target} if len(words) == 2 else {"path": target}, where=f'"{target}"'
    )
    return Matcher(route)


def _fits(wanted: Matcher, method: str, path: str) -> bool:
    return fits_method(wanted.route.method, method) and wanted.fits_path(path)

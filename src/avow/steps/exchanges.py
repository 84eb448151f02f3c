"""Reading an HTTP exchange: what came back, and why nothing did."""

from __future__ import annotations

from typing import Any

from avow.core.entries import Entry
from avow.core.errors import CannotTell, ScenarioFailure
from avow.core.text import shortened
from avow.matchers import read_json
from avow.world import World


def answered(world: World, name: str = "response") -> Entry:
    """Return the exchange of `the response`; raises CannotTell where no answer came."""
    entry = world.memory.entry(name)
    world.claim(entry)
    require_answer(entry)
    return entry


def require_answer(entry: Entry) -> None:
    """Raise CannotTell where the exchange ended without an answer."""
    if entry.data.get("response") is None:
        error = entry.data.get("error") or {"kind": "unknown", "message": "nobody knows why"}
        after = ""
        if error["kind"] == "timeout" and "seconds" in entry.data:
            after = f" after {entry.data['seconds']:.2g} s"
        raise CannotTell(
            f"no answer came to {request_text(entry)}: {error['kind']}{after} ({error['message']})"
        )


def request_text(entry: Entry) -> str:
    """Return `POST http://...` as it was sent."""
    request = entry.data["request"]
    return f"{request['method']} {request['url']}"


def status_text(entry: Entry) -> str:
    """Return `404 Not Found`, or why there is none."""
    response = entry.data.get("response")
    if response is None:
        return str((entry.data.get("error") or {}).get("kind", "no answer"))
    return f"{response['status']} {response.get('reason') or ''}".strip()


def header_values(entry: Entry, name: str) -> list[str]:
    """Return the values of a header, as often as it came."""
    response = entry.data.get("response") or {}
    return [value for each, value in response.get("headers", ()) if each.lower() == name.lower()]


def response_text(entry: Entry) -> str:
    """Return the body as text; what is no text shows as escapes."""
    body = entry.bodies.get("response")
    if body is None:
        return ""
    text = body.text()
    return body.raw.decode("utf-8", "backslashreplace") if text is None else text


def response_json(entry: Entry, part: str = "response") -> Any:
    """Return a body's JSON; raises ScenarioFailure that says what it is instead."""
    if part == "response" and entry.kind in ("http.exchange", "webhook.sent"):
        require_answer(entry)
    body = entry.bodies.get(part)
    data, problem = read_json(body.raw if body else b"")
    if problem:
        kind = f" ({body.content_type})" if body and body.content_type else ""
        shown = shortened(body.text() or "") if body else ""
        raise ScenarioFailure(
            f"the body of {entry.summary}{kind} cannot be compared: {problem}"
            + (f"\n  {shown}" if shown and shown not in problem else "")
        )
    return data

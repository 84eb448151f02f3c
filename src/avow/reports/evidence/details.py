"""What an entry holds, in full: one function for each shape of data, and JSON for any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from avow.core.entries import Entry
from avow.core.text import plural, printable
from avow.reports.evidence import bodies, tables
from avow.reports.evidence.looks import duration

_PLAIN = bytes(range(32, 127)) + b"\n\t"


def of(entry: Entry) -> str:
    """Return printable text; never raises for what the entry holds."""
    return clean("\n".join(lines(entry)))


def lines(entry: Entry) -> list[str]:
    """Return text that may hold any character; whoever puts a page together cleans it, once."""
    try:
        return _SHAPES.get(entry.kind, _any)(entry)
    except Exception as error:  # noqa: BLE001 - evidence must not cost a verdict
        return [f"(could not be shown: {type(error).__name__}: {error})", *_any(entry)]


def clean(text: str) -> str:
    """Return `printable(text)`; a page of plain ASCII, which most are, is seen to be so at once."""
    if text.isascii() and not text.encode("ascii").translate(None, _PLAIN):
        return text
    return printable(text)


def _exchange(entry: Entry) -> list[str]:
    data = entry.data
    request = data.get("request") or {}
    response = data.get("response")
    found = [f"{request.get('method', '?')} {request.get('url') or request.get('path', '')}"]
    found += _headers(request.get("headers"))
    found += _part(entry, "request")
    found.append("")
    if response:
        status = f"{response.get('status', '?')} {response.get('reason') or ''}".rstrip()
        found.append(
            f"{status}   after {duration(data.get('seconds', entry.ended - entry.started))}"
        )
        found += _headers(response.get("headers"))
        found += _part(entry, "response")
    error = data.get("error")
    if error:
        found.append(f"{error.get('kind', 'error')}: {error.get('message', '')}")
    elif not response:
        found.append("(no answer)")
    found += [f"redirected: {tables.cell(hop)}" for hop in data.get("redirects") or []]
    found += [f"note: {note}" for note in data.get("notes") or []]
    return found


def _webhook(entry: Entry) -> list[str]:
    data = entry.data
    signed = f"{data.get('signature', '?')} signature ({data.get('scheme', '?')})"
    return [f"event {data.get('event', '?')}, {signed}", *_exchange(entry)]


def _stub_call(entry: Entry) -> list[str]:
    data = entry.data
    head = f"call {data.get('number', '?')}: {data.get('method', '?')} {data.get('path', '')}"
    query = data.get("query")
    if query:
        head += "?" + "&".join(
            f"{name}={value}"
            for name, values in query.items()
            for value in (values if isinstance(values, list) else [values])
        )
    found = [head]
    found += _headers(data.get("headers"))
    found += _part(entry, "request")
    found.append("")
    matched = data.get("matched")
    status = data.get("status")
    outcome = data.get("outcome", "")
    if matched:
        found.append(f'matched route "{matched}": {outcome or "answered"}')
    else:
        found.append("no route of the stub matched")
    if status is not None:
        found.append(f"answered {status}")
    found += _part(entry, "response")
    if data.get("note"):
        found.append(str(data["note"]))
    for miss in data.get("near_misses") or []:
        found.append(f'close: route "{miss.get("route", "?")}" also wants')
        for difference in miss.get("differences") or []:
            found.append(f"  - {_difference(difference)}")
    return found


def _difference(difference: Any) -> str:
    if not isinstance(difference, dict):
        return str(difference)
    if difference.get("text"):
        return str(difference["text"])
    wanted, seen = tables.cell(difference.get("wanted")), tables.cell(difference.get("seen"))
    return f"{difference.get('path', '?')}: wanted {wanted}, saw {seen}"


def _message(entry: Entry) -> list[str]:
    data = entry.data
    found = [f"topic {data.get('topic', '?')}, key {tables.cell(data.get('key'))}"]
    if "partition" in data:
        found[0] += f", partition {data['partition']}, offset {data.get('offset')}"
    found += _headers(list((data.get("headers") or {}).items()))
    return found + _part(entry, "value")


def _rows(entry: Entry) -> list[str]:
    data = entry.data
    found = [str(data["sql"])] if data.get("sql") else []
    if data.get("table"):
        found.append(f"table {data['table']}")
    if data.get("parameters"):
        found.append(f"parameters {tables.cell(data['parameters'])}")
    if "before" in data or "after" in data:
        return found + tables.changes(data.get("before") or [], data.get("after") or [])
    if "rows" in data:
        return found + tables.records(data["rows"], data.get("columns") or ())
    if "count" in data:
        found.append(f"{plural(data['count'], 'row')} affected")
    return found or _any(entry)


def _mail(entry: Entry) -> list[str]:
    data = entry.data
    recipients = data.get("to") or []
    found = [
        f"from    {data.get('from', '?')}",
        f"to      {', '.join(map(str, recipients))}",
        f"subject {data.get('subject', '')}",
    ]
    found += _headers(
        [
            pair
            for pair in data.get("headers") or []
            if str(pair[0]).lower() not in {"from", "to", "subject"}
        ]
    )
    for attached in data.get("attachments") or []:
        found.append(
            f"attached {attached.get('name')} ({attached.get('type')}, "
            f"{plural(attached.get('size', 0), 'byte')})"
        )
    for part, body in entry.bodies.items():
        found += ["", f"-- {part}", *bodies.lines(body)]
    return found


def _object(entry: Entry) -> list[str]:
    data = entry.data
    if "key" not in data:
        return _any(entry)
    found = [
        f"{data.get('bucket', '?')}/{data['key']}   {data.get('type') or 'unknown type'}, "
        f"{plural(data.get('size', 0), 'byte')}, etag {data.get('etag')}"
    ]
    found += _headers(list((data.get("metadata") or {}).items()))
    return found + _part(entry, "content")


def _process(entry: Entry) -> list[str]:
    data = entry.data
    how = f"signal {data['signal']}" if data.get("signal") else f"exit code {data.get('code')}"
    last = data.get("last_lines") or []
    found = [f"ended with {how}"]
    if last:
        found += ["its last lines:", *(map(str, last) if isinstance(last, list) else [str(last)])]
    return found


def _any(entry: Entry) -> list[str]:
    found: list[str] = []
    if entry.data:
        try:
            raw = msgspec.json.format(msgspec.json.encode(entry.data), indent=2)
            found.append(raw.decode("utf-8"))
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError):
            found += [f"{name}: {tables.cell(value)}" for name, value in entry.data.items()]
    for part, body in entry.bodies.items():
        found += [f"-- {part}", *bodies.lines(body)]
    return found


def _headers(pairs: Any) -> list[str]:
    return [f"{pair[0]}: {pair[1]}" for pair in pairs or []]


def _part(entry: Entry, part: str) -> list[str]:
    body = entry.bodies.get(part)
    return ["", *bodies.lines(body)] if body is not None and body.length else []


_SHAPES: dict[str, Callable[[Entry], list[str]]] = {
    "http.exchange": _exchange,
    "webhook.sent": _webhook,
    "stub.call": _stub_call,
    "message.sent": _message,
    "message.seen": _message,
    "rows.seen": _rows,
    "rows.changed": _rows,
    "mail.received": _mail,
    "mail.seen": _mail,
    "object.stored": _object,
    "object.put": _object,
    "object.seen": _object,
    "process.ended": _process,
}

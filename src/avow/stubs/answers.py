"""An answer made ready to send: bytes once, unless it repeats something of the request.

Substitution is plain text from a flat list of names. There is no language in it that could run.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec

from avow.stubs.request import NOT_STRUCTURED, Request
from avow.stubs.routes import Answer

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z][\w.\-]*)(?::(number|boolean))?\}")
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_encode = msgspec.json.encode


class Rendered(msgspec.Struct, frozen=True):
    """Bytes for the wire; `record` is the answer's part of a journal line, as JSON."""

    status: int
    head: bytes
    body: bytes
    content_type: str

    @property
    def wire(self) -> bytes:
        return self.head + self.body


class Call(msgspec.Struct, frozen=True):
    """What an answer may repeat: the request, the segments of its path by name, its number."""

    request: Request
    path: dict[str, str]
    number: int
    random: random.Random


def render(status: int, headers: dict[str, str], body: bytes, content_type: str) -> Rendered:
    """Return the answer with its length; `headers` win over what would be set by itself."""
    names = {name.lower() for name in headers}
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if content_type and "content-type" not in names:
        lines.append(f"content-type: {content_type}")
    # RFC 9110 section 8.6: no length with 204 (nor with 1xx, which a stub does not send).
    if status == 204:
        body = b""
    elif "content-length" not in names and "transfer-encoding" not in names:
        lines.append(f"content-length: {len(body)}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    return Rendered(status, head, b"" if status == 304 else body, content_type)


class Template:
    """An answer that is rendered once, or each time where it repeats something of the request."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.content_type, raw = _body(answer.body)
        for name, value in answer.headers.items():
            if name.lower() == "content-type":
                self.content_type = value
        texts = [raw.decode("utf-8", "replace"), *answer.headers.values()]
        self.fixed: Rendered | None = None
        if not any("${" in text for text in texts):
            self.fixed = render(answer.status, answer.headers, raw, self.content_type)

    def render(self, call: Call) -> Rendered:
        """Return the answer to `call`."""
        if self.fixed is not None:
            return self.fixed
        answer = self.answer
        headers = {
            name: re.sub(r"[\r\n\0]", " ", _text(value, call))
            for name, value in answer.headers.items()
        }
        body = answer.body
        raw = _text(body, call).encode() if isinstance(body, str) else _encode(_filled(body, call))
        return render(answer.status, headers, raw, self.content_type)


def _body(body: Any) -> tuple[str, bytes]:
    if body is msgspec.UNSET:
        return "", b""
    if isinstance(body, str):
        return "text/plain; charset=utf-8", body.encode("utf-8", "replace")
    return "application/json", _encode(body)


def _filled(value: Any, call: Call) -> Any:
    if isinstance(value, str):
        whole = _PLACEHOLDER.fullmatch(value)
        if whole:
            found = _look_up(whole.group(1), call)
            return value if found is NOT_STRUCTURED else _as(whole.group(2), found)
        return _text(value, call) if "${" in value else value
    if isinstance(value, dict):
        return {key: _filled(inner, call) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(inner, call) for inner in value]
    return value


def _text(value: str, call: Call) -> str:
    def fill(match: re.Match[str]) -> str:
        found = _look_up(match.group(1), call)
        if found is NOT_STRUCTURED:
            # Left as it stands: an answer that shows the name tells more than an empty one.
            return match.group()
        return found if isinstance(found, str) else _encode(found).decode()

    return _PLACEHOLDER.sub(fill, value)


def _as(kind: str | None, value: Any) -> Any:
    """Return a form's text as the number or boolean that it spells."""
    if not isinstance(value, str) or kind is None:
        return value
    if kind == "boolean":
        return {"true": True, "false": False}.get(value.lower(), value)
    try:
        return float(value) if re.search(r"[.eE]", value) else int(value[:400])
    except ValueError:
        return value


def _uuid(call: Call) -> str:
    # RFC 9562 section 5.4: version 4, from the scenario's own generator.
    digits = f"{call.random.getrandbits(128) & ~(0xF << 76 | 3 << 62) | 4 << 76 | 2 << 62:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


_GENERATED: dict[str, Callable[[Call], Any]] = {
    "uuid": _uuid,
    "uuid.hex": lambda call: _uuid(call).replace("-", ""),
    "now": lambda call: int(time.time()),
    "call.number": lambda call: call.number,
    "request.method": lambda call: call.request.method,
    "request.path": lambda call: call.request.path,
    "request.text": lambda call: call.request.text(),
    "request.body": lambda call: call.request.structure,
}


def _look_up(name: str, call: Call) -> Any:
    made = _GENERATED.get(name)
    if made is not None:
        return made(call)
    _, _, rest = name.partition("request.")
    part, _, key = rest.partition(".")
    if part == "path":
        return call.path.get(key, NOT_STRUCTURED)
    if part == "headers":
        return call.request.header_values.get(key.lower(), NOT_STRUCTURED)
    if part == "query":
        return _inside(call.request.query, key)
    if part == "body":
        return _inside(call.request.structure, key)
    return NOT_STRUCTURED


def _inside(value: Any, key: str) -> Any:
    if isinstance(value, dict) and key in value:
        return value[key]
    for part in key.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return NOT_STRUCTURED
    return value

"""A request as bytes: where it goes, its head and its body."""

from __future__ import annotations

import json as jsonlib
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import uuid4

from avow.channels.http.coding import ACCEPT
from avow.channels.http.wire import Origin
from avow.core.errors import SuiteError
from avow.core.text import shortened

Pairs = Mapping[str, Any] | Iterable[tuple[str, Any]]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# RFC 9110 section 5.5: a field value holds no control characters; CR and LF would start another
# header.
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PORTS = {"http": 80, "https": 443}
#: What may stand in a path or query as it is; a stray percent sign is left to be wrong, as tests
#: want.
_SAFE = "/%:@!$&'()*+,;=~-._?"
_ALL_SAFE = re.compile(rf"[A-Za-z0-9{re.escape(_SAFE)}]*")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes."""

    origin: Origin
    path: str
    query: str = ""

    @property
    def url(self) -> str:
        return f"{self.origin.scheme}://{host_of(self.origin)}{self.at}"

    @property
    def at(self) -> str:
        """Path and query, as in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def query_values(self) -> dict[str, list[str]]:
        if not self.query:
            return {}
        return urllib.parse.parse_qs(self.query, keep_blank_values=True, max_num_fields=10_000)


@lru_cache(maxsize=256)
def host_of(origin: Origin) -> str:
    """Return the value of the Host header: the port shows where it is not the scheme's own."""
    whole = str(origin).partition("://")[2]
    return whole if _PORTS[origin.scheme] != origin.port else whole.rpartition(":")[0]


def target_of(base: str, path: str, query: Pairs = ()) -> Target:
    """Return where `path` (or a whole URL) leads from `base`; raises SuiteError for no URL."""
    if path.startswith(("http://", "https://")):
        found = _split(path)
        prefix, rest = found, found.path
        asked = found.query
    else:
        prefix = _split(base)
        rest, _, asked = path.partition("#")[0].partition("?")
        if rest and not rest.startswith("/"):
            rest = "/" + rest
        rest = prefix.path.rstrip("/") + quoted(rest)
        asked = quoted(asked)
    pairs = pairs_of(query)
    if pairs:
        added = urllib.parse.urlencode(pairs)
        asked = f"{asked}&{added}" if asked else added
    return Target(prefix.origin, rest or "/", asked)


def quoted(text: str) -> str:
    """Return a path or query in which everything that may not stand there is percent-encoded."""
    return text if _ALL_SAFE.fullmatch(text) else urllib.parse.quote(text, safe=_SAFE)


@lru_cache(maxsize=256)
def _split(url: str) -> Target:
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SuiteError(f"{shortened(url)!r} is not a URL: {error}") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise SuiteError(
            f"{shortened(url)!r} is not an http or https URL",
            advice='Write a path ("/orders"), which goes to the service, or a whole URL.',
        )
    if parts.username is not None or "\\" in url:
        # Readers of URLs disagree about both; a guard must not be one of two opinions.
        raise SuiteError(
            f"{shortened(_without_user(url))!r} holds a user name, a password or a backslash",
            advice="Name credentials in an auth profile of the service in avow.toml.",
        )
    try:
        host = parts.hostname.encode("ascii").decode()
    except UnicodeEncodeError:
        try:
            host = parts.hostname.encode("idna").decode()
        except UnicodeError:
            raise SuiteError(f"{shortened(url)!r} names a host that cannot exist") from None
    origin = Origin(parts.scheme, host, port or _PORTS[parts.scheme])
    return Target(origin, quoted(parts.path) or "/", quoted(parts.query))


def _without_user(url: str) -> str:
    head, _, rest = url.partition("://")
    return f"{head}://...@{rest.rpartition('@')[2]}" if "@" in rest else url


def pairs_of(values: Pairs) -> list[tuple[str, str]]:
    """Return names and values as text; a list of values repeats its name, None leaves it out."""
    items = values.items() if isinstance(values, Mapping) else values
    pairs: list[tuple[str, str]] = []
    for name, value in items:
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if one is not None:
                pairs.append((str(name), _plain(one)))
    return pairs


def _plain(value: Any) -> str:
    # JSON's words for booleans, which is what people write in tables.
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class Payload:
    """The bytes of a request's body and what they are."""

    raw: bytes = b""
    content_type: str = ""


_NOTHING = Payload()
_json = jsonlib.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def payload_of(
    *,
    json: Any = ...,
    text: str | None = None,
    form: Pairs | None = None,
    files: Mapping[str, Any] | None = None,
    body: bytes | None = None,
) -> Payload:
    """Return the one body that was asked for; raises SuiteError for two, or for what JSON cannot
    hold.
    """
    given = [
        name
        for name, value in (("text", text), ("form", form), ("body", body))
        if value is not None
    ]
    given += ["json"] if json is not ... else []
    if len(given) > 1:
        raise SuiteError(f"a request has one body, and got {' and '.join(sorted(given))}")
    if files is not None:
        return _multipart(pairs_of(form or ()), files)
    if json is not ...:
        try:
            return Payload(_json(json).encode("utf-8", "surrogatepass"), "application/json")
        except (TypeError, ValueError, RecursionError) as error:
            raise SuiteError(f"the JSON body cannot be written as JSON: {error}") from None
    if text is not None:
        return Payload(text.encode("utf-8", "surrogatepass"), "text/plain; charset=utf-8")
    if form is not None:
        encoded = urllib.parse.urlencode(pairs_of(form)).encode("ascii")
        return Payload(encoded, "application/x-www-form-urlencoded")
    return Payload(body, "application/octet-stream") if body is not None else _NOTHING


def _multipart(fields: list[tuple[str, str]], files: Mapping[str, Any]) -> Payload:
    """Return multipart/form-data; a file is bytes, or (name, bytes), or (name, bytes, type)."""
    boundary = uuid4().hex
    parts: list[bytes] = []

    def part(disposition: str, content: bytes, kind: str = "") -> None:
        head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n"
        head += f"Content-Type: {kind}\r\n" if kind else ""
        parts.append(head.encode() + b"\r\n" + content + b"\r\n")

    for name, value in fields:
        part(f'name="{_in_quotes(name)}"', value.encode("utf-8", "surrogatepass"))
    for name, file in files.items():
        filename, content, kind = (file if isinstance(file, tuple) else (name, file)) + (
            ("application/octet-stream",) if not isinstance(file, tuple) or len(file) == 2 else ()
        )
        part(f'name="{_in_quotes(name)}"; filename="{_in_quotes(filename)}"', content, kind)
    parts.append(f"--{boundary}--\r\n".encode())
    return Payload(b"".join(parts), f"multipart/form-data; boundary={boundary}")


def _in_quotes(text: str) -> str:
    # As the HTML standard has browsers do it (multipart/form-data encoding algorithm).
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def headers_of(
    target: Target, payload: Payload, method: str, given: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return the headers given, and those that a client adds where they are missing."""
    names = {name.lower() for name, _ in given}
    headers = [] if "host" in names else [("Host", host_of(target.origin))]
    if "accept" not in names:
        headers.append(("Accept", "*/*"))
    if "accept-encoding" not in names:
        headers.append(("Accept-Encoding", ACCEPT))
    if "user-agent" not in names:
        headers.append(("User-Agent", "avow"))
    if payload.content_type and "content-type" not in names:
        headers.append(("Content-Type", payload.content_type))
    if (
        "content-length" not in names
        and "transfer-encoding" not in names
        and (payload.raw or method in ("POST", "PUT", "PATCH"))
    ):
        headers.append(("Content-Length", str(len(payload.raw))))
    headers += given
    return headers


def head_of(method: str, target: Target, headers: list[tuple[str, str]]) -> bytes:
    """Return request line and headers as bytes; raises SuiteError for what would break them."""
    if not _TOKEN.fullmatch(method):
        raise SuiteError(f"{shortened(method)!r} is not an HTTP method")
    lines = [f"{method} {target.at} HTTP/1.1"]
    for name, value in headers:
        if not (name.replace("-", "").isalnum() and name.isascii()) and not _TOKEN.fullmatch(name):
            raise SuiteError(f"{shortened(name)!r} is not the name of a header")
        if not value.isprintable() and _BAD_VALUE.search(value):
            raise SuiteError(f"the value of header {name} holds a control character")
        lines.append(f"{name}: {value}")
    lines.append("\r\n")
    try:
        return "\r\n".join(lines).encode("latin-1")
    except UnicodeEncodeError:
        # RFC 9110 section 5.5 leaves octets above 127 open; UTF-8 is what servers make of them
        # today.
        return "\r\n".join(lines).encode("utf-8", "surrogatepass")

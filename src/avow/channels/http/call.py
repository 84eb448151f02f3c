"""A request before it goes: where to, with which body and headers, in httpx's words."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import httpx

from avow.channels.http.origin import PORTS
from avow.channels.http.translation import ERRORS
from avow.core.errors import SuiteError
from avow.core.text import shortened

Pairs = Mapping[str, Any] | Iterable[tuple[str, Any]]

#: A URL with "." or ".." for a part of its path; the group is path and query.
_DOTS = re.compile(r"\w+://[^/?]*((?:/[^/?]*)*?/\.\.?(?:[/?].*)?)$", re.DOTALL)
#: What may stand in a path or query as it is; a stray percent sign is left to be wrong, as tests
#: want.
_SAFE = "/%:@!$&'()*+,;=~-._?"


class Target(NamedTuple):
    """Where a request goes; `at` is path and query as the request line has them."""

    url: httpx.URL
    at: str

    @property
    def path(self) -> str:
        return self.at.partition("?")[0]

    @property
    def text(self) -> str:
        """The whole URL."""
        return f"{self.url.scheme}://{self.url.netloc.decode('ascii')}{self.at}"

    def query_values(self) -> dict[str, list[str]]:
        if "?" not in self.at:
            return {}
        params = self.url.params
        return {name: params.get_list(name) for name in params}


def target_of(base: str, path: str, query: Pairs = ()) -> Target:
    """Return where `path` (or a whole URL) leads from `base`; raises SuiteError for no URL."""
    if path.startswith(("http://", "https://")):
        if "\\" in path:
            raise _of_two_opinions(path)
        text = path
    else:
        text = base.rstrip("/") + ("/" if path and path[0] not in "/?#" else "") + path
    text = text.partition("#")[0]
    pairs = pairs_of(query)
    if pairs:
        text += f"{'&' if '?' in text else '?'}{httpx.QueryParams(tuple(pairs))}"
    return _parsed(text)


@lru_cache(maxsize=256)
def _parsed(text: str) -> Target:
    try:
        url = httpx.URL(text)
        if not 0 < (url.port or 80) < 65536:
            raise ValueError(f"there is no port {url.port}")
    except (*ERRORS, ValueError) as error:
        raise SuiteError(f"{shortened(_without_user(text))!r} is not a URL: {error}") from None
    if url.scheme not in PORTS or not url.raw_host:
        raise SuiteError(
            f"{shortened(text)!r} is not an http or https URL",
            advice='Write a path ("/orders"), which goes to the service, or a whole URL.',
        )
    if url.userinfo:
        raise _of_two_opinions(text)
    at = url.raw_path.decode("ascii")
    dots = _DOTS.match(text) if "/." in text else None
    if dots:
        # httpx resolves "/../" as browsers do; what a server makes of it is what a test may ask.
        at = urllib.parse.quote(dots[1], safe=_SAFE)
    return Target(url, at)


def _of_two_opinions(url: str) -> SuiteError:
    # Readers of URLs disagree about both; a guard must not be one of two opinions.
    return SuiteError(
        f"{shortened(_without_user(url))!r} holds a user name, a password or a backslash",
        advice="Name credentials in an auth profile of the service in avow.toml.",
    )


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


class Body(NamedTuple):
    """A body as the arguments of httpx's requests, and its type where those do not say it."""

    arguments: Mapping[str, Any] = {}
    content_type: str = ""


def body_of(
    *,
    json: Any = ...,
    text: str | None = None,
    form: Pairs | None = None,
    files: Mapping[str, Any] | None = None,
    body: bytes | None = None,
) -> Body:
    """Return the one body that was asked for; raises SuiteError for two.

    A file is bytes, or (name, bytes), or (name, bytes, type).
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
        named = {
            name: (name, one) if isinstance(one, bytes) else one for name, one in files.items()
        }
        return Body({"data": _fields(form or ()), "files": named})
    if json is None:
        return Body({"content": b"null"}, "application/json")  # to httpx None is no body
    if json is not ...:
        return Body({"json": json})
    if text is not None:
        return Body({"content": text.encode("utf-8", "surrogatepass")}, "text/plain; charset=utf-8")
    if form is not None:
        return Body({"data": _fields(form)}, "application/x-www-form-urlencoded")
    return Body() if body is None else Body({"content": body}, "application/octet-stream")


def _fields(form: Pairs) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in pairs_of(form):
        fields.setdefault(name, []).append(value)
    return fields


def octets_of(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return headers as octets."""
    return [(_octets(name), _octets(value)) for name, value in headers]


def _octets(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        # RFC 9110 section 5.5 leaves octets above 127 open; UTF-8 is what servers make of them
        # today.
        return text.encode("utf-8", "surrogatepass")


def text_of(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return headers as text."""
    # ISO 8859-1 keeps each octet.
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]

"""One call as it came in: raw bytes, decoded only as far as somebody asks."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import msgspec

from avow.matchers import read_json
from avow.stubs.forms import decode_form

_decode_json = msgspec.json.Decoder().decode
#: "Not decoded yet" and "neither JSON nor a form"; None is a JSON value.
_NOT_YET: Any = object()
NOT_STRUCTURED: Any = object()


def split_target(target: str) -> tuple[str, str]:
    """Return the path, percent-decoded, and the query as it stands."""
    path, _, query = target.partition("?")
    if not path.startswith("/"):
        # RFC 9112 section 3.2.2: a client that takes us for a proxy sends the absolute form.
        scheme, _, rest = path.partition("://")
        path = "/" + rest.partition("/")[2] if scheme and rest else path
    return (unquote(path) if "%" in path else path), query


class Request:
    """A whole request. `target` is the path and the query as they stood on the wire."""

    __slots__ = (
        "_body",
        "_headers",
        "_query",
        "body",
        "headers",
        "is_form",
        "method",
        "path",
        "query_raw",
        "target",
    )

    def __init__(
        self,
        method: str,
        target: str,
        headers: list[tuple[bytes, bytes]],
        body: bytes = b"",
    ) -> None:
        self.method = method
        self.target = target
        self.path, self.query_raw = split_target(target)
        self.headers = headers
        self.body = body
        self.is_form = False
        self._headers: dict[str, str] | None = None
        self._query: dict[str, Any] | None = None
        self._body = _NOT_YET

    def header(self, name: bytes) -> bytes:
        """Return a header by its lower-case name, b"" where it is absent."""
        for each, value in self.headers:
            if each.lower() == name:
                return value
        return b""

    @property
    def header_values(self) -> dict[str, str]:
        """Headers by lower-case name; several of one name are joined as RFC 9110 section 5.3
        says.
        """
        if self._headers is None:
            found: dict[str, str] = {}
            for raw_name, raw_value in self.headers:
                name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
                found[name] = f"{found[name]}, {value}" if name in found else value
            self._headers = found
        return self._headers

    @property
    def query(self) -> dict[str, Any]:
        if self._query is None:
            self._query = decode_form(self.query_raw)
        return self._query

    @property
    def structure(self) -> Any:
        """The body as data, by its content type; NOT_STRUCTURED where it is neither JSON nor a
        form.
        """
        if self._body is _NOT_YET:
            self._body = self._decode()
        return self._body

    def _decode(self) -> Any:
        body = self.body
        if not body:
            return NOT_STRUCTURED
        content_type = self.header(b"content-type")
        if content_type.startswith(b"application/x-www-form-urlencoded"):
            self.is_form = True
            return decode_form(body)
        try:
            return _decode_json(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
            # Slower and more patient: a byte-order mark, huge numbers, NaN.
            data, trouble = read_json(body)
            return NOT_STRUCTURED if trouble else data

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

"""Is this call meant by this route? Differences are the decision: none is a match.

differences(request)   the explanation: what was wanted beside what was seen, field by field
accepts(request)       the same decision for the hot path: literals are compared as they are, and
                       whatever is not plainly equal or plainly different is left to the explanation
"""

from __future__ import annotations

from typing import Any

import msgspec

from avow.core.text import plural, shortened
from avow.matchers import Wanted, compare, prepare
from avow.stubs.language import compiled, size
from avow.stubs.request import NOT_STRUCTURED, Request
from avow.stubs.routes import Route, path_names, path_segments


class Matcher:
    """A route, made ready to be asked. Raises SuiteError for a marker that cannot be read."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.segments = path_segments(route.path)
        self.names = path_names(route.path)
        self.is_literal = None not in self.segments
        self.literal_path = "/".join(part or "" for part in self.segments)
        self.has_body = route.body is not msgspec.UNSET
        self.body = prepare(route.body) if self.has_body else None
        self._body_wanted = Wanted(self.body)
        self._query = prepare(route.query)
        self._headers = prepare({name.lower(): value for name, value in route.headers.items()})
        self._query_check = compiled(self._query)
        self._headers_check = compiled(self._headers)
        self._body_check = compiled(self.body, exactly=route.mode == "exactly")

    @property
    def specificity(self) -> tuple[int, int, int]:
        """Literal segments, a method that is named, conditions; more of them is more specific."""
        literal = sum(segment is not None for segment in self.segments)
        conditions = len(self.route.query) + len(self.route.headers)
        if self.has_body:
            conditions += 1 + size(self.route.body)
        return literal, self.route.method != "*", conditions

    def fits_path(self, path: str) -> bool:
        if self.is_literal:
            return path == self.literal_path
        parts = path.split("/")
        return len(parts) == len(self.segments) and all(
            bool(part) if wanted is None else part == wanted
            for wanted, part in zip(self.segments, parts, strict=True)
        )

    def path_values(self, path: str) -> dict[str, str]:
        """Return the segments of a path that fits, by their names."""
        return {
            name: part
            for name, part in zip(self.names, path.split("/"), strict=False)
            if name is not None
        }

    def accepts(self, request: Request, *, ignoring_body: bool = False) -> bool:
        """Say whether the call is meant. Method and path have been looked up already."""
        if self._query:
            plain = self._query_check(request.query)
            if plain is False or (plain is None and self._query_differences(request)):
                return False
        if self._headers:
            plain = self._headers_check(request.header_values)
            if plain is False or (plain is None and self._header_differences(request)):
                return False
        if not self.has_body or ignoring_body:
            return True
        seen = request.structure
        if seen is not NOT_STRUCTURED and type(self.body) is dict:
            plain = self._body_check(seen)
            if plain is not None:
                return plain
        return not self._body_differences(request)

    def differences(self, request: Request) -> list[str]:
        """Return what keeps the call from being meant: where, what is wanted, what was seen."""
        found: list[str] = []
        route = self.route
        if not self.fits_path(request.path):
            found.append(f"path: wanted {route.path}, saw {shortened(request.path, 120)}")
        if not fits_method(route.method, request.method):
            found.append(f"method: wanted {route.method}, saw {request.method}")
        found += self._query_differences(request)
        found += self._header_differences(request)
        if self.has_body:
            found += self._body_differences(request)
        return found

    # A query, a header and a form hold text only: there "2000" is the number too (`loose`).

    def _query_differences(self, request: Request) -> list[str]:
        if not self._query:
            return []
        wanted = Wanted(self._query)
        found = compare(wanted, request.query, path="query", loose=True)
        return [each.text.replace("; the object is empty", "; there is no query") for each in found]

    def _header_differences(self, request: Request) -> list[str]:
        if not self._headers:
            return []
        written = {name.lower(): name for name in self.route.headers}
        wanted = Wanted({written[name]: value for name, value in self._headers.items()})
        seen = {written.get(name, name): text for name, text in request.header_values.items()}
        return [each.text for each in compare(wanted, seen, path="header", loose=True)]

    def _body_differences(self, request: Request) -> list[str]:
        mode = self.route.mode
        wants_data = isinstance(self.body, (dict, list))
        seen: Any = request.structure if wants_data else request.text()
        if seen is NOT_STRUCTURED:
            if not request.body:
                return ["body: wanted data (JSON or a form), saw none"]
            size_seen = plural(len(request.body), "byte")
            return [
                f"body: wanted data (JSON or a form), saw {size_seen} of something else: "
                f"{shortened(request.text(), 80)}"
            ]
        loose = request.is_form if wants_data else True
        found = compare(self._body_wanted, seen, mode=mode, path="body", loose=loose)
        return [each.text for each in found]


def fits_method(wanted: str, seen: str) -> bool:
    # RFC 9110 section 9.3.2: HEAD is GET without the content of the answer.
    return wanted in ("*", seen) or (wanted == "GET" and seen == "HEAD")

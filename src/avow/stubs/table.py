"""All routes of a stub, found by method and path, so that a thousand cost no more than ten.

Newest first, so that what a scenario arms wins over what was there; among routes armed together the
more specific one, and of equals the one that was written last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from avow.core.text import shortened
from avow.stubs.answers import Template
from avow.stubs.language import literal_texts
from avow.stubs.matching import Matcher, fits_method
from avow.stubs.request import NOT_STRUCTURED, Request
from avow.stubs.routes import Route

#: From this many routes on one method and path, a field that tells them apart is looked up, not
#: tried.
_MANY = 8
#: Routes whose differences are worked out for one call, closest first.
_CLOSEST = 12
_NEAR_MISSES = 3


class NearMiss(msgspec.Struct, frozen=True):
    """A route that came close, and what kept the call from it."""

    route: str
    differences: list[str]


class Armed:
    """A route in a stub: its matcher, its answers, and how many of them have been given."""

    __slots__ = ("calls", "generation", "matcher", "order", "rank", "route", "templates")

    def __init__(self, route: Route, generation: int, order: int) -> None:
        self.route = route
        self.matcher = Matcher(route)
        self.templates = [Template(answer) for answer in route.answers]
        self.calls = 0
        self.generation = generation
        self.order = order
        literal, named, conditions = self.matcher.specificity
        self.rank = (-generation, -literal, -named, -conditions, -order)

    @property
    def is_spent(self) -> bool:
        return self.route.after == "unmatched" and self.calls >= len(self.templates)

    def next_template(self) -> Template:
        """Return the answer to the next call, and count that call."""
        template = self.templates[min(self.calls, len(self.templates) - 1)]
        self.calls += 1
        return template

    def peek_template(self) -> Template:
        return self.templates[min(self.calls, len(self.templates) - 1)]


class RouteTable:
    """The routes of one stub."""

    def __init__(self) -> None:
        self.routes: list[Armed] = []
        self._generation = 0
        self._order = 0
        self._literal: dict[tuple[str, str], _Bucket] = {}
        self._named: dict[tuple[str, int], list[Armed]] = {}

    def arm(self, routes: Iterable[Route]) -> list[Armed]:
        """Add routes that win over all that are there."""
        self._generation += 1
        added = []
        for route in routes:
            self._order += 1
            added.append(Armed(route, self._generation, self._order))
        self.routes = sorted([*added, *self.routes], key=lambda armed: armed.rank)
        self._index()
        return added

    def clear(self) -> None:
        self.routes = []
        self._index()

    def _index(self) -> None:
        literal: dict[tuple[str, str], list[Armed]] = defaultdict(list)
        named: dict[tuple[str, int], list[Armed]] = defaultdict(list)
        for armed in self.routes:
            matcher, method = armed.matcher, armed.route.method
            if matcher.is_literal:
                literal[method, matcher.literal_path].append(armed)
            else:
                named[method, len(matcher.segments)].append(armed)
        self._literal = {key: _Bucket(found) for key, found in literal.items()}
        self._named = dict(named)

    def find(self, request: Request, *, ignoring_body: bool = False) -> Armed | None:
        """Return the route that answers the call, or None."""
        for armed in self._candidates(request, ignoring_body):
            if not armed.is_spent and armed.matcher.accepts(request, ignoring_body=ignoring_body):
                return armed
        return None

    def _candidates(self, request: Request, ignoring_body: bool) -> Iterable[Armed]:
        method, path = request.method, request.path
        groups: list[list[Armed]] = []
        methods = (method, "*", "GET") if method == "HEAD" else (method, "*")
        for each in methods:
            bucket = self._literal.get((each, path))
            if bucket is not None:
                groups.append(bucket.routes if ignoring_body else bucket.candidates(request))
        if self._named:
            length = path.count("/") + 1
            for each in methods:
                named = self._named.get((each, length))
                if named is not None:
                    groups.append([armed for armed in named if armed.matcher.fits_path(path)])
        if len(groups) == 1:
            return groups[0]
        return sorted((armed for group in groups for armed in group), key=lambda armed: armed.rank)

    def near_misses(self, request: Request) -> list[NearMiss]:
        """Return the routes that came closest to an unmatched call, closest first."""
        closest = sorted(self.routes, key=lambda armed: _distance(armed, request))[:_CLOSEST]
        explained = [(_explain(armed, request), armed) for armed in closest]
        explained.sort(key=lambda pair: (_distance(pair[1], request), len(pair[0]), pair[1].rank))
        return [NearMiss(armed.route.title, found) for found, armed in explained[:_NEAR_MISSES]]


def _explain(armed: Armed, request: Request) -> list[str]:
    found = armed.matcher.differences(request)
    if not found and armed.is_spent:
        count = len(armed.templates)
        found.append(
            "answers: its one answer has been given"
            if count == 1
            else f"answers: all {count} of them have been given"
        )
    return found


def _distance(armed: Armed, request: Request) -> int:
    """How far off the target is; cheap, so that a thousand routes can be ranked."""
    matcher = armed.matcher
    distance = 0 if fits_method(armed.route.method, request.method) else 2
    if matcher.fits_path(request.path):
        return distance
    parts = request.path.split("/")
    pairs = zip(matcher.segments, parts, strict=False)
    alike = sum(wanted is None or wanted == part for wanted, part in pairs)
    return distance + 3 + 2 * (max(len(parts), len(matcher.segments)) - alike)


class _Bucket:
    """Routes of one method and literal path, in order.

    Where there are many, most of them usually want different literals in the same field of the
    body: that field is looked up, and only the routes that want its value (or do not care) are
    tried.
    """

    __slots__ = ("_by_value", "_path", "_rest", "routes")

    def __init__(self, routes: list[Armed]) -> None:
        self.routes = routes
        self._path: tuple[str, ...] = ()
        self._by_value: dict[str, list[Armed]] = {}
        self._rest: list[Armed] = routes
        if len(routes) >= _MANY:
            self._look_for_field()

    def _look_for_field(self) -> None:
        texts = [literal_texts(armed.matcher.body) for armed in self.routes]
        values: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for found in texts:
            for path, text in found.items():
                values[path].add(text)
        path = max(values, key=lambda each: len(values[each]), default=())
        if not path or len(values[path]) < _MANY // 2:
            return
        self._path = path
        self._rest = [
            armed for armed, found in zip(self.routes, texts, strict=True) if path not in found
        ]
        by_value: dict[str, list[Armed]] = {text: [] for text in values[path]}
        for armed, found in zip(self.routes, texts, strict=True):
            for text in [found[path]] if path in found else by_value:
                by_value[text].append(armed)
        self._by_value = by_value

    def candidates(self, request: Request) -> list[Armed]:
        if not self._path:
            return self.routes
        seen = request.structure
        if seen is NOT_STRUCTURED:
            return self._rest
        for key in self._path:
            seen = seen.get(key, NOT_STRUCTURED) if isinstance(seen, dict) else NOT_STRUCTURED
        # Only text equals a literal text; a marker or a number is among the rest.
        return self._by_value.get(seen, self._rest) if isinstance(seen, str) else self._rest


def near_miss_text(stub: str, request: Request, near: list[NearMiss], routes: int) -> str:
    """Return the report of an unmatched call, for its answer and for the journal."""
    return "\n".join(_near_miss_lines(stub, request, near, routes))


def _near_miss_lines(
    stub: str, request: Request, near: list[NearMiss], routes: int
) -> Iterator[str]:
    target = shortened(f"{request.method} {request.path}", 200)
    if not near:
        yield f"{stub} stub: nothing matches {target}; it has no routes."
        yield "Arm one in the scenario, or list it in the stub's `routes` file."
        return
    yield f"{stub} stub: nothing matches {target}; closest of {routes}:"
    for miss in near:
        yield f'  "{miss.route}"'
        for text in miss.differences:
            yield f"    {text}"
    yield "Add what is missing to the call, relax the route, or arm one for this call."

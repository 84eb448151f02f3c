"""Sending: what several phrases about HTTP do with a service."""

from __future__ import annotations

import mimetypes
import re
from typing import Any

from avow.core.entries import Entry
from avow.core.errors import ScenarioFailure, SuiteError
from avow.core.text import plural
from avow.gherkin import Document, Table
from avow.matchers import read_json
from avow.steps.exchanges import header_values, require_answer, status_text
from avow.steps.parameters import METHODS
from avow.world import World

_SAFE = ("GET", "HEAD", "OPTIONS")
#: Pages after which a list is taken to have no end.
_MOST_PAGES = 1000


def defaults(world: World, service: str) -> dict[str, Any]:
    """Return what Givens said about later requests to a service; it may be changed."""
    told: dict[str, dict[str, Any]] = world.notes.setdefault("http.defaults", {})
    return told.setdefault(world.http[service].name, {})


def _complete(world: World, service: str, options: dict[str, Any]) -> dict[str, Any]:
    told = defaults(world, service)
    own = [*options.pop("headers", ())]
    named = {name.lower() for name, _ in own}
    headers = [pair for pair in told.get("headers", ()) if pair[0].lower() not in named]
    made = {"headers": [*headers, *own], **options}
    for key in ("auth", "timeout"):
        if key in told:
            made.setdefault(key, told[key])
    return made


def send(world: World, service: str, method: str, path: str, **options: Any) -> Entry:
    """Send a request; its exchange is `the response` from now on."""
    made = _complete(world, service, options)
    world.notes["http.last"] = (service, method, path, made)
    entry = world.http[service].send(method, path, **made)
    world.memory.see("response", entry)
    return entry


def send_again(world: World) -> Entry:
    """Send the last request once more."""
    last = world.notes.get("http.last")
    if last is None:
        raise SuiteError("no request has been sent in this scenario yet")
    service, method, path, made = last
    entry = world.http[service].send(method, path, **made)
    world.memory.see("response", entry)
    return entry


def send_together(
    world: World, service: str, method: str, path: str, times: int, **options: Any
) -> None:
    """Send a request several times at once; the last answer is `the response`."""
    if not 1 <= times <= 64:
        raise SuiteError(f"{times} requests at once are not from 1 to 64")
    channel = world.http[service]
    call = channel.call(method, path, **_complete(world, service, options))
    entries = channel.send_together([call] * times)
    world.notes["http.together"] = entries
    world.memory.see("response", entries[-1])


def together(world: World) -> list[Entry]:
    """Return the exchanges of what was sent at once."""
    entries: list[Entry] | None = world.notes.get("http.together")
    if entries is None:
        raise SuiteError(
            "nothing has been sent at once in this scenario",
            advice='For example: When I send POST "/orders" to "shop" 3 times at once',
        )
    return entries


def look(world: World, service: str, method: str, path: str) -> Entry:
    """Send a GET, HEAD or OPTIONS that changes nothing; it is `the response` from now on."""
    if method not in _SAFE:
        raise SuiteError(
            f"{method} may change the system, and a Then only looks",
            advice=f"Look with {', '.join(_SAFE)}; send {method} in a When.",
        )
    made = _complete(world, service, {})
    entry = world.http[service].send(method, path, as_look=True, **made)
    world.claim(entry)
    world.memory.see("response", entry)
    return entry


# -- what stands under a step


def file(world: World, path: str) -> tuple[bytes, list[tuple[str, str]]]:
    """Return the bytes of a file under the suite's root, and the header that says what they are."""
    kind, _ = mimetypes.guess_type(path)
    return world.file(path).read_bytes(), [("Content-Type", kind)] if kind else []


def parts(world: World, table: Table) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    """Return the fields and the files of `| name | value | file | type |`."""
    table.only("name", "value", "file", "type", needs=("name",))
    fields: list[tuple[str, str]] = []
    files: dict[str, Any] = {}
    for row in table:
        path = row.get("file")
        if not path:
            fields.append((row["name"], row.get("value")))
            continue
        if row.get("value"):
            raise row.wrong("value", "a part is a value or a file, not both")
        kind = row.get("type") or mimetypes.guess_type(path)[0] or "application/octet-stream"
        found = world.file(path)
        files[row["name"]] = (found.name, found.read_bytes(), kind)
    return fields, files


_FIRST_LINE = re.compile(rf"({'|'.join(METHODS)})\s+(\S+)(?:\s+HTTP/1\.[01])?\s*")


def written_out(document: Document) -> tuple[str, str, dict[str, Any]]:
    """Return method, path and options of a request in a docstring."""
    head, _, body = document.text.partition("\n\n")
    lines = head.splitlines()
    first = _FIRST_LINE.fullmatch(lines[0]) if lines else None
    if first is None:
        raise document.pointed(
            0, 0, "this is not the first line of a request", 'Write it as "POST /orders".'
        )
    headers: list[tuple[str, str]] = []
    for number, line in enumerate(lines[1:], 1):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise document.pointed(
                number, 0, "this is not a header", 'Write it as "Name: value"; the body comes '
                "after an empty line.",
            )  # fmt: skip
        headers.append((name.strip(), value.strip()))
    options: dict[str, Any] = {"headers": headers}
    if body:
        options["body"] = body.encode("utf-8", "surrogatepass")
        if not any(name.lower() == "content-type" for name, _ in headers):
            is_json = not read_json(body)[1]
            headers.append(("Content-Type", "application/json" if is_json else "text/plain"))
    return first[1], first[2], options


# -- pages


def walk(world: World, service: str, path: str) -> None:
    """Read a list from page to page; raises ScenarioFailure where it has no end."""
    entries: list[Entry] = []
    seen: set[str] = set()
    following: str | None = path
    made = _complete(world, service, {})
    while following is not None:
        if following in seen or len(entries) == _MOST_PAGES:
            raise ScenarioFailure(
                f"the pages have no end: after {plural(len(entries), 'page')} the next one is "
                f"{following} again"
            )
        seen.add(following)
        entry = world.http[service].send("GET", following, **made)
        require_answer(entry)
        if not 200 <= entry.data["response"]["status"] < 300:
            raise ScenarioFailure(
                f"page {len(entries) + 1} ({following}) answers {status_text(entry)}"
            )
        entries.append(entry)
        following = _next(entry)
    world.notes["http.pages"] = entries
    world.memory.see("response", entries[-1])


def _next(entry: Entry) -> str | None:
    # RFC 8288: <url>; rel="next"
    for value in header_values(entry, "Link"):
        for link in value.split(","):
            url, _, rest = link.strip().partition(">")
            if url.startswith("<") and re.search(r'rel="?[^"]*\bnext\b', rest):
                return url[1:]
    data = _page(entry)
    if not isinstance(data, dict):
        return None
    links = data.get("links") or data.get("_links") or {}
    following = data.get("next") or (links.get("next") if isinstance(links, dict) else None)
    if isinstance(following, dict):
        following = following.get("href")
    return following if isinstance(following, str) and following else None


def _page(entry: Entry) -> Any:
    body = entry.bodies.get("response")
    return read_json(body.raw)[0] if body else None


def pages(world: World) -> tuple[list[Entry], list[Any]]:
    """Return the exchanges of the pages that were read, and the items on all of them."""
    entries: list[Entry] | None = world.notes.get("http.pages")
    if entries is None:
        raise SuiteError(
            "no pages have been read in this scenario",
            advice='For example: When I read all pages of "/orders" from "shop"',
        )
    items: list[Any] = []
    for entry in entries:
        items += _items(entry)
    world.claim(*entries)
    return entries, items


def _items(entry: Entry) -> list[Any]:
    data = _page(entry)
    if isinstance(data, dict):
        lists = [each for each in data.values() if isinstance(each, list)]
        if len(lists) == 1:
            return list(lists[0])
    if isinstance(data, list):
        return data
    raise ScenarioFailure(f"{entry.summary}: the page holds no list, or several")


def judge_bytes(seen: bytes, wanted: bytes, *, what: str) -> None:
    """Compare bytes; raises ScenarioFailure that says where they part."""
    if seen == wanted:
        return
    at = next(
        (at for at, (one, other) in enumerate(zip(seen, wanted, strict=False)) if one != other),
        min(len(seen), len(wanted)),
    )
    raise ScenarioFailure(
        f"{what}: {plural(len(seen), 'byte')} seen, {len(wanted)} wanted; they part at byte "
        f"{at + 1}: saw {seen[at : at + 20]!r}, wanted {wanted[at : at + 20]!r}"
    )

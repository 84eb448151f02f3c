"""Responses: what came back over HTTP, and why nothing did."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from avow.core.entries import Entry
from avow.core.errors import ScenarioFailure, SuiteError, did_you_mean
from avow.core.text import plural, shortened
from avow.gherkin import Block, Table, then
from avow.gherkin.units import spoken
from avow.matchers import compare, describe, parse_cell
from avow.steps import sending
from avow.steps.exchanges import (
    answered,
    header_values,
    request_text,
    response_json,
    response_text,
    status_text,
)
from avow.steps.judging import judge, wanted_whole
from avow.steps.parameters import Count, Status, Value
from avow.world import World

# -- Then: the response


@then("the response status is {status}")
def status_is(world: World, status: Status) -> None:
    """Check the status code, or its class (`2xx`).

    Example:
        When I send GET "/greeting" to "shop"
        Then the response status is 200

    Fails:
        When I send GET "/nowhere" to "shop"
        Then the response status is 2xx
        # the status is 404 Not Found; wanted 2xx
    """
    _judge_status(world, answered(world), [status])


@then("the response status is {status} or {status}")
def status_is_either(world: World, one: Status, other: Status) -> None:
    """Check that the status code is one of two.

    Example:
        When I send GET "/greeting" to "shop"
        Then the response status is 200 or 304

    Fails:
        When I send GET "/nowhere" to "shop"
        Then the response status is 200 or 304
        # the status is 404 Not Found; wanted 200 or 304
    """
    _judge_status(world, answered(world), [one, other])


@then("the response header {string} is {value}")
def header_is(world: World, name: str, value: Value) -> None:
    """Check a header of the response; any case of its name, any marker as its value.

    Example:
        When I send GET "/greeting" to "shop"
        Then the response header "content-type" is "application/json"

    Fails:
        When I send GET "/greeting" to "shop"
        Then the response header "Content-Type" is <contains: html>
        # wanted <contains: html>, saw "application/json"
    """
    _judge_headers(answered(world), [(name, value.wanted)])


@then("the response has the header(s)")
def has_headers(world: World, *, table: Table) -> None:
    """Check several headers at once; a value may be a marker.

    Example:
        When I send GET "/greeting" to "shop"
        Then the response has the headers:
          | name           | value             |
          | Content-Type   | <contains: json>  |
          | Content-Length | <between 1 and 99> |

    Fails:
        When I send GET "/greeting" to "shop"
        Then the response has the headers:
          | name         | value    |
          | Content-Type | text/css |
          | X-Trace      | <uuid>   |
        # Content-Type: wanted text/css, saw "application/json"
        # X-Trace: wanted <uuid>, is not there
    """
    table.wanted_cells("value")
    _judge_headers(answered(world), [(name, parse_cell(cell)) for name, cell in table.pairs()])


@then("the response has no header {string}")
def has_no_header(world: World, name: str) -> None:
    """Check that a header is not there.

    Example:
        When I send GET "/greeting" to "shop"
        Then the response has no header "X-Powered-By"

    Fails:
        When I send GET "/greeting" to "shop"
        Then the response has no header "Content-Type"
        # Content-Type is not wanted, saw "application/json"
    """
    found = header_values(answered(world), name)
    if found:
        raise ScenarioFailure(f'{name} is not wanted, saw "{", ".join(found)}"')


@then("the response body contains {string}")
def body_contains(world: World, text: str) -> None:
    """Check for a text anywhere in the body.

    Example:
        When I send GET "/greeting?name=Ada" to "shop"
        Then the response body contains "Ada"

    Fails:
        When I send GET "/greeting?name=Ada" to "shop"
        Then the response body contains "Grace"
        # wanted a text that contains "Grace", saw:
    """
    seen = response_text(answered(world))
    if text not in seen:
        raise ScenarioFailure(
            f'wanted a text that contains "{text}", saw:\n{shortened(seen, 1000)}'
        )


@then("the response body is empty")
def body_is_empty(world: World) -> None:
    """Check that nothing follows the headers.

    Example:
        When I send DELETE "/orders/1" to "shop"
        Then the response body is empty

    Fails:
        When I send GET "/greeting" to "shop"
        Then the response body is empty
        # the body has
    """
    body = answered(world).bodies.get("response")
    if body is not None and body.length:
        raise ScenarioFailure(
            f"the body has {plural(body.length, 'byte')}: {shortened(body.text() or '')}"
        )


@then("the response body is the file {string}")
def body_is_file(world: World, file: str) -> None:
    """Check that the body is a file under the suite's root, byte for byte.

    Example:
        When I send GET "/file" to "shop"
        Then the response body is the file "data/greeting.txt"

    Fails:
        When I send GET "/file" to "shop"
        Then the response body is the file "data/order.json"
        # the body is not the file "data/order.json"
    """
    wanted = world.file(file).read_bytes()
    body = answered(world).bodies.get("response")
    seen = body.raw if body else b""
    sending.judge_bytes(seen, wanted, what=f'the body is not the file "{file}"')


@then("the response took at most {duration}")
def took_at_most(world: World, time: timedelta) -> None:
    """Check the time from the first byte sent to the last one read.

    Example:
        When I send GET "/greeting" to "shop"
        Then the response took at most 5 seconds

    Fails:
        When I send GET "/slow" to "shop"
        Then the response took at most 1 ms
        # the response took
    """
    entry = answered(world)
    if entry.data["seconds"] > time.total_seconds():
        raise ScenarioFailure(
            f"the response took {entry.data['seconds']:.3f} s; wanted at most {spoken(time)}"
        )


@then("the response redirects to {value}")
def redirects_to(world: World, value: Value) -> None:
    """Check that the response is a redirect (3xx) and where it leads, as its Location says.

    Example:
        When I send GET "/moved" to "shop"
        Then the response redirects to "/greeting?name=Ada"

    Fails:
        When I send GET "/moved" to "shop"
        Then the response redirects to <contains: Grace>
        # Location: wanted <contains: Grace>, saw "/greeting?name=Ada"
    """
    entry = answered(world)
    _judge_status(world, entry, [Status("3xx")])
    _judge_headers(entry, [("Location", value.wanted)])


@then("the response sets the cookie {string}")
def sets_cookie(world: World, name: str) -> None:
    """Check that the response sets a cookie, whatever its value.

    Example:
        When I send POST "/login" to "shop"
        Then the response sets the cookie "session"

    Fails:
        When I send POST "/login" to "shop"
        Then the response sets the cookie "sesion"
        # sets no cookie "sesion". Did you mean "session"?
    """
    names = [
        each.partition("=")[0].strip() for each in header_values(answered(world), "Set-Cookie")
    ]
    if name not in names:
        near = did_you_mean(name, names, what="set")
        raise ScenarioFailure(f'the response sets no cookie "{name}". {near}')


# -- Then: several responses, no response, a look


@then("{count} of the responses has/have the status {status}")
def responses_with_status(world: World, count: Count, status: Status) -> None:
    """Count the answers to what was sent at once by their status.

    Example:
        When I send GET "/greeting" to "shop" 2 times at once
        Then exactly 2 of the responses have the status 2xx

    Fails:
        When I send GET "/nowhere" to "shop" 2 times at once
        Then no of the responses has the status 404
        # 2 of 2 responses have the status 404; wanted no
    """
    entries = sending.together(world)
    fitting = [each for each in entries if _has_status(each, status)]
    if count.holds(len(fitting)):
        world.claim(*entries)
        return
    seen = ", ".join(status_text(each) for each in entries)
    number = len(fitting) or "none"
    raise ScenarioFailure(
        f"{number} of {plural(len(entries), 'response')} "
        f"{'have' if len(fitting) > 1 else 'has'} the status {status}; wanted {count.words}. "
        f"Seen: {seen}"
    )


@then("the request timed out")
def timed_out(world: World) -> None:
    """Check that no whole answer came before the deadline of the call.

    Example:
        Given requests to "shop" time out after 50 ms
        When I send GET "/slow" to "shop"
        Then the request timed out

    Fails:
        When I send GET "/greeting" to "shop"
        Then the request timed out
        # an answer came: 200 OK; wanted "timeout"
    """
    failed_because(world, "timeout")


@then("the request failed because of {string}")
def failed_because(world: World, kind: str) -> None:
    """Check why no answer came: "timeout", "refused", "reset", "closed", "tls"...

    Example:
        When I send GET "/reset" to "shop"
        Then the request failed because of "closed"

    Fails:
        When I send GET "/greeting" to "shop"
        Then the request failed because of "refused"
        # an answer came: 200 OK; wanted "refused"
    """
    from avow.channels.http.trouble import Kind

    if kind not in {each.value for each in Kind}:
        raise SuiteError(
            f'a request does not fail because of "{kind}"',
            advice=did_you_mean(kind, [each.value for each in Kind], what="possible"),
        )
    entry = world.memory.entry("response")
    world.claim(entry)
    error = entry.data.get("error")
    if error is None:
        raise ScenarioFailure(f'an answer came: {status_text(entry)}; wanted "{kind}"')
    if error["kind"] != kind:
        raise ScenarioFailure(
            f'the request failed because of "{error["kind"]}" ({error["message"]}); wanted "{kind}"'
        )


@then("{method} {string} from {resource} answers {status}")
def answers_status(world: World, method: str, path: str, service: str, status: Status) -> None:
    """Look again now: a GET, HEAD or OPTIONS that a Then may send, and may wait for.

    Example:
        When I send POST "/orders" to "shop" with JSON:
          | sku | quantity |
          | tea | 1        |
        Then within 5 seconds GET "/orders/${response.id}" from "shop" answers 200

    Fails:
        Then GET "/nowhere" from "shop" answers 200
        # the status is 404 Not Found; wanted 200
    """
    _judge_status(world, sending.look(world, service, method, path), [status])


@then("{method} {string} from {resource} answers with")
def answers_with(world: World, method: str, path: str, service: str, *, block: Block) -> None:
    """Look again now and compare the JSON body; it holds what is wanted at least.

    Example:
        When I send POST "/orders" to "shop" with JSON:
          | sku | quantity |
          | tea | 1        |
        Then within 5 seconds GET "/orders/${response.id}" from "shop" answers with:
          | state  |
          | packed |

    Fails:
        Then within 50 ms GET "/greeting?name=Ada" from "shop" answers with:
          | greeting      |
          | Hello, Grace! |
        # not within 50 ms
        # greeting: wanted Hello, Grace!, saw "Hello, Ada!"
    """
    entry = sending.look(world, service, method, path)
    judge(
        response_json(entry),
        wanted_whole(block),
        what=f"{request_text(entry)} answers {status_text(entry)} and does not match",
    )


@then("the pages hold {count} item(s)")
def pages_hold(world: World, count: Count) -> None:
    """Count the items of all pages that were read.

    Example:
        When I read all pages of "/catalogue?size=3" from "shop"
        Then the pages hold exactly 5 items

    Fails:
        When I read all pages of "/catalogue?size=3" from "shop"
        Then the pages hold at least 6 items
        # the 2 pages hold 5 items; wanted at least 6
    """
    pages, items = sending.pages(world)
    if not count.holds(len(items)):
        raise ScenarioFailure(
            f"the {plural(len(pages), 'page')} hold {plural(len(items), 'item')}; "
            f"wanted {count.words}"
        )


@then("no item is on the pages twice")
def no_item_twice(world: World) -> None:
    """Check that no page repeats an item: by `id` where items have one, else as a whole.

    Example:
        When I read all pages of "/catalogue?size=2" from "shop"
        Then no item is on the pages twice

    Fails:
        When I read all pages of "/catalogue?size=2&overlap=1" from "shop"
        Then no item is on the pages twice
        # came more than once
    """
    _, items = sending.pages(world)
    seen: dict[str, int] = {}
    for item in items:
        key = str(item["id"] if isinstance(item, dict) and "id" in item else item)
        seen[key] = seen.get(key, 0) + 1
    double = [f"{key} ({number} times)" for key, number in seen.items() if number > 1]
    if double:
        raise ScenarioFailure(f"came more than once: {', '.join(double)}")


# -- what several phrases say


def _judge_status(world: World, entry: Entry, wanted: Iterable[Status]) -> None:
    world.claim(entry)
    wanted = list(wanted)
    if any(_has_status(entry, each) for each in wanted):
        return
    words = " or ".join(map(str, wanted))
    shown = shortened(response_text(entry), 500)
    raise ScenarioFailure(
        f"the status is {status_text(entry)}; wanted {words}\n{request_text(entry)}"
        + (f"\nThe body says: {shown}" if shown else "")
    )


def _has_status(entry: Entry, status: Status) -> bool:
    response = entry.data["response"]
    return response is not None and status.holds(response["status"])


def _judge_headers(entry: Entry, wanted: Iterable[tuple[str, Any]]) -> None:
    seen = {}
    for name, _ in wanted:
        values = header_values(entry, name)
        if values:
            seen[name] = ", ".join(values)
    differences = compare(dict(wanted), seen, loose=True)
    if differences:
        names = ", ".join(name for name, _ in entry.data["response"]["headers"])
        raise ScenarioFailure(
            f"the headers do not match:\n{describe(differences)}\nThere are: {names}"
        )

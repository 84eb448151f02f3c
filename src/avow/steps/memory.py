"""Remembered things: whatever was seen last, and what a scenario gave a name."""

from __future__ import annotations

from typing import Any

from avow.core.entries import Entry
from avow.core.errors import ScenarioFailure
from avow.gherkin import Block, step, then
from avow.matchers import compare, describe
from avow.steps.exchanges import header_values, require_answer, response_json
from avow.steps.judging import judge, wanted_whole
from avow.steps.parameters import Count, Subject, Value
from avow.world import World
from avow.world.paths import NotThere, value_at

# -- remembering


@step("the value {string} is remembered as {string}")
def remember(world: World, value: str, name: str) -> None:
    """Remember a value under a name: `${name}` stands for it from now on.

    Example:
        Given the value "${random.email}" is remembered as "address"
        Then the values "${address}" and "${address}" are equal

    Fails:
        Given the value "${random.email}" is remembered as "address"
        Then the values "${adress}" and "x" are equal
        # ${adress} is not known
        # Did you mean ${address}?
    """
    world.memory.remember(name, value)


@step("{subject} is remembered as {string}")
def remember_subject(world: World, subject: Subject, name: str) -> None:
    """Remember the last response, message, row... under a name, to use and to compare it later.

    Example:
        When I send POST "/orders" to "shop" with JSON:
          | sku | quantity |
          | tea | 1        |
        And the response is remembered as "first order"
        And I send GET "/orders/${first order.id}" to "shop"
        Then the response at "id" is ${first order.id}

    Fails:
        When I send GET "/greeting" to "shop"
        And the response is remembered as "greeting"
        And I send GET "/orders/${greeting.id}" to "shop"
        Then the response status is 200
        # there is no "id"
    """
    entry = _entry(world, subject)
    world.memory.keep(name, entry, _value(world, subject, entry))


@step("{subject} at {string} is remembered as {string}")
def remember_at(world: World, subject: Subject, path: str, name: str) -> None:
    """Remember one value of a response, message, row... by its path.

    Example:
        When I send POST "/orders" to "shop" with JSON:
          | sku | quantity |
          | tea | 1        |
        And the response at "id" is remembered as "order number"
        And I send GET "/orders/${order number}" to "shop"
        Then the response status is 200

    Fails:
        When I send POST "/orders" to "shop" with JSON:
          | sku | quantity |
          | tea | 1        |
        And the response at "idd" is remembered as "order number"
        Then the response status is 201
        # Did you mean "id"?
    """
    world.memory.remember(name, _at(world, subject, path))


@step("{subject} header {string} is remembered as {string}")
def remember_header(world: World, subject: Subject, header: str, name: str) -> None:
    """Remember a header of a response, a message or a call.

    Example:
        When I send POST "/orders" to "shop" with JSON:
          | sku | quantity |
          | tea | 1        |
        And the response header "Location" is remembered as "order url"
        And I send GET "${order url}" to "shop"
        Then the response status is 200

    Fails:
        When I send GET "/greeting" to "shop"
        And the response header "Location" is remembered as "order url"
        Then the response status is 200
        # the response has no header "Location"
    """
    entry = _entry(world, subject)
    values = _headers(entry, header)
    if not values:
        raise ScenarioFailure(f'{subject.words} has no header "{header}"')
    world.memory.remember(name, ", ".join(values))


# -- comparing


@then("{subject} matches")
def matches(world: World, subject: Subject, *, block: Block) -> None:
    """Compare the JSON of a response, message, row, call...: it holds what is wanted at least.

    A row of a table names values by path; several rows are the elements of a list, in any order.

    Example:
        When I send GET "/orders/1?full=yes" to "shop"
        Then the response body matches:
          | id | customer.name | lines[0].sku |
          | 1  | Ada           | tea          |

    Fails:
        When I send GET "/orders/1?full=yes" to "shop"
        Then the response matches:
          '''
          {"id": "<uuid>", "customer": {"name": "Grace"}}
          '''
        # id: wanted <uuid>, saw 1
        # customer.name: wanted "Grace", saw "Ada"
    """
    _judge(world, subject, block, "at least", "does not match")


@then("{subject} matches in order")
def matches_in_order(world: World, subject: Subject, *, block: Block) -> None:
    """Compare as `matches` does; the wanted elements of lists come in this order.

    Example:
        When I send GET "/catalogue?size=5" to "shop"
        Then the response at "items" matches:
          | sku  |
          | tea  |
          | cake |

    Fails:
        When I send GET "/skus" to "shop"
        Then the response matches in order:
          '''
          ["tea", "cake"]
          '''
        # later than it came
    """
    _judge(world, subject, block, "in order", "does not match in order")


@then("{subject} is exactly")
def is_exactly(world: World, subject: Subject, *, block: Block) -> None:
    """Compare everything: no other field, no other element, lists in their order.

    Example:
        When I send GET "/greeting?name=Ada" to "shop"
        Then the response is exactly:
          | greeting    |
          | Hello, Ada! |

    Fails:
        When I send GET "/orders/1" to "shop"
        Then the response is exactly:
          | id |
          | 1  |
        # is not wanted, saw
    """
    _judge(world, subject, block, "exactly", "is not exactly this")


@then("{subject} at {string} is {value}")
def at_is(world: World, subject: Subject, path: str, value: Value) -> None:
    """Compare one value by its path: a literal or a marker.

    Example:
        When I send GET "/orders/1?full=yes" to "shop"
        Then the response at "customer.name" is "Ada"
        And the response at "lines[0].quantity" is <between 1 and 9>

    Fails:
        When I send GET "/orders/1?full=yes" to "shop"
        Then the response at "customer.name" is "Grace"
        # customer.name: wanted "Grace", saw "Ada"
    """
    differences = compare(value.wanted, _at(world, subject, path), path=path)
    if differences:
        raise ScenarioFailure(f"{subject.words} does not match:\n{describe(differences)}")


@then("{subject} at {string} matches")
def at_matches(world: World, subject: Subject, path: str, *, block: Block) -> None:
    """Compare a part of a response, message, row... by its path.

    Example:
        When I send GET "/orders/1?full=yes" to "shop"
        Then the response at "lines" matches:
          | sku | quantity |
          | tea | 2        |

    Fails:
        When I send GET "/orders/1?full=yes" to "shop"
        Then the response at "customer" matches:
          | name  |
          | Grace |
        # customer.name: wanted Grace, saw "Ada"
    """
    seen = _at(world, subject, path)
    wanted = wanted_whole(block)
    if isinstance(seen, list) and not isinstance(wanted, list):
        inner = getattr(wanted, "value", wanted)
        wanted = inner if isinstance(inner, list) else [inner]
    differences = compare(wanted, seen, path=path)
    if differences:
        raise ScenarioFailure(f"{subject.words} does not match:\n{describe(differences)}")


@then("{subject} at {string} has {count} item(s)")
def at_has_items(world: World, subject: Subject, path: str, count: Count) -> None:
    """Count the elements of a list.

    Example:
        When I send GET "/orders/1?full=yes" to "shop"
        Then the response at "lines" has exactly 1 item

    Fails:
        When I send GET "/orders/1?full=yes" to "shop"
        Then the response at "lines" has no items
        # lines: has 1, wanted no
    """
    seen = _at(world, subject, path)
    if not isinstance(seen, list):
        raise ScenarioFailure(f"{path}: is not a list, saw {seen!r}")
    if not count.holds(len(seen)):
        raise ScenarioFailure(f"{path}: has {len(seen)}, wanted {count.words}")


@then("{subject} has nothing at {string}")
def has_nothing_at(world: World, subject: Subject, path: str) -> None:
    """Check that there is no such field, not even null.

    Example:
        When I send GET "/orders/1" to "shop"
        Then the response has nothing at "customer.password"

    Fails:
        When I send GET "/orders/1?full=yes" to "shop"
        Then the response has nothing at "customer.name"
        # customer.name: is not wanted, saw 'Ada'
    """
    entry = _entry(world, subject)
    try:
        seen = value_at(_value(world, subject, entry), path)
    except NotThere:
        return
    raise ScenarioFailure(f"{path}: is not wanted, saw {seen!r}")


@then("{subject} has the header {string} with {value}")
def has_header(world: World, subject: Subject, name: str, value: Value) -> None:
    """Check a header of a message, a call or a response.

    Example:
        When I publish these messages to "orders":
          | value                                   | header trace |
          | {"type": "order.placed", "order_id": 7} | t-1          |
        Then within 5 seconds a message on "shipments" matches:
          | order_id |
          | 7        |
        And the message has the header "trace" with "t-1"

    Fails:
        When I publish these messages to "orders":
          | value                                   | header trace |
          | {"type": "order.placed", "order_id": 7} | t-1          |
        Then within 5 seconds a message on "shipments" matches:
          | order_id |
          | 7        |
        And the message has the header "trace" with "t-2"
        # trace: wanted "t-2", saw "t-1"
    """
    values = _headers(_entry(world, subject), name)
    if not values:
        raise ScenarioFailure(f'{subject.words} has no header "{name}"')
    differences = compare(value.wanted, ", ".join(values), path=name, loose=True)
    if differences:
        raise ScenarioFailure(f"a header of {subject.words} differs:\n{describe(differences)}")


@then("the message has the key {value}")
def has_key(world: World, value: Value) -> None:
    """Check the key of `the message`.

    Example:
        When I publish a message with the key "7" to "orders":
          | type         | order_id |
          | order.placed | 7        |
        Then within 5 seconds a message on "shipments" matches:
          | order_id |
          | 7        |
        And the message has the key "7"

    Fails:
        When I publish a message with the key "7" to "orders":
          | type         | order_id |
          | order.placed | 7        |
        Then within 5 seconds a message on "shipments" matches:
          | order_id |
          | 7        |
        And the message has the key "8"
        # key: wanted "8", saw "7"
    """
    entry = world.memory.entry("message")
    world.claim(entry)
    differences = compare(value.wanted, entry.data["key"], path="key", loose=True)
    if differences:
        raise ScenarioFailure(f"the message has another key:\n{describe(differences)}")


@then("the values {string} and {string} are equal")
def are_equal(world: World, one: str, other: str) -> None:
    """Compare two remembered values.

    Example:
        Given the value "tea" is remembered as "drink"
        Then the values "${drink}" and "tea" are equal

    Fails:
        Given the value "tea" is remembered as "drink"
        Then the values "${drink}" and "coffee" are equal
        # "tea" is not "coffee"
    """
    if one != other:
        raise ScenarioFailure(f'"{one}" is not "{other}"')


@then("the value {string} is {value}")
def value_is(world: World, seen: str, value: Value) -> None:
    """Compare a remembered value with a literal or a marker.

    Example:
        Given the value "${uuid}" is remembered as "number"
        Then the value "${number}" is <uuid>

    Fails:
        Given the value "tea" is remembered as "drink"
        Then the value "${drink}" is <uuid>
        # wanted <uuid>, saw "tea"
    """
    differences = compare(value.wanted, seen, loose=True)
    if differences:
        raise ScenarioFailure(f"the value is another:\n{describe(differences)}")


# -- what several phrases do

#: Kinds whose value is the JSON of a body.
_BODIES = {
    "http.exchange": "response",
    "webhook.sent": "request",
    "message.sent": "value",
    "message.seen": "value",
}


def _entry(world: World, subject: Subject) -> Entry:
    entry = world.memory.entry(subject.name)
    world.claim(entry)
    return entry


def _value(world: World, subject: Subject, entry: Entry) -> Any:
    part = _BODIES.get(entry.kind)
    if part is None:
        return world.memory.recall(subject.name)
    if entry.kind == "http.exchange":
        require_answer(entry)
    return response_json(entry, part)


def _at(world: World, subject: Subject, path: str) -> Any:
    entry = _entry(world, subject)
    try:
        return value_at(_value(world, subject, entry), path)
    except NotThere as error:
        raise ScenarioFailure(
            f"{subject.words}: {error.message}" + (f". {error.advice}" if error.advice else "")
        ) from None


def _judge(world: World, subject: Subject, block: Block, mode: str, words: str) -> None:
    entry = _entry(world, subject)
    seen = _value(world, subject, entry)
    loose = entry.kind in ("rows.seen", "rows.changed", "stub.call")
    what = f"{subject.words} {words} ({entry.summary})"
    judge(seen, wanted_whole(block), what=what, mode=mode, loose=loose)


def _headers(entry: Entry, name: str) -> list[str]:
    if entry.kind in ("http.exchange", "webhook.sent"):
        return header_values(entry, name)
    headers = entry.data.get("headers", {})
    pairs = headers.items() if isinstance(headers, dict) else headers
    return [str(value) for each, value in pairs if each.lower() == name.lower()]

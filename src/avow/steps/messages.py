"""Messages: what a scenario publishes, and what the system published."""

from __future__ import annotations

from collections import Counter
from typing import Any

from avow.core.entries import Entry
from avow.core.errors import ScenarioFailure, SuiteError
from avow.gherkin import Block, Table, given, then, when
from avow.matchers.wanted import Wanted
from avow.steps import streams
from avow.steps.judging import (
    judge_all,
    judge_count,
    just_count,
    listed,
    wanted_records,
)
from avow.steps.parameters import Count
from avow.world import World
from avow.world.memory import plain_value

_WORDS = ("message", "messages")

# -- Given, When


@given("a message was published to {resource}")
@when("I publish a message to {resource}")
def publish(world: World, stream: str, *, block: Block) -> None:
    """Publish a JSON message: a docstring as it stands, or an object made of a row.

    Several rows are several messages, in their order. A topic's name may stand for its service.

    Example:
        When I publish a message to "orders":
          | type         | order_id |
          | order.placed | 7        |
        Then within 5 seconds a message on "shipments" matches:
          | type          | order_id |
          | order.shipped | 7        |

    Fails:
        When I publish a message to "orders":
          '''
          {"type": "order.placed", "order_id": 7}
          '''
        Then within 500 ms a message on "shipments" matches:
          | type          | order_id |
          | order.shipped | 8        |
        # order_id: wanted 8, saw 7
    """
    for value in streams.values(block):
        streams.publish(world, stream, value)


@given("a message with the key {string} was published to {resource}")
@when("I publish a message with the key {string} to {resource}")
def publish_with_key(world: World, key: str, stream: str, *, block: Block) -> None:
    """Publish a JSON message with a key, which decides about its partition and so its order.

    Example:
        When I publish a message with the key "7" to "orders":
          | type         | order_id |
          | order.placed | 7        |
        Then within 5 seconds exactly 1 message with the key "7" on "shipments" matches:
          | type          |
          | order.shipped |

    Fails:
        When I publish a message with the key "7" to "orders":
          | type         | order_id |
          | order.placed | 7        |
        Then within 500 ms a message with the key "8" on "shipments" matches:
          | type          |
          | order.shipped |
        # no message with the key "8" on "shipments" fits
    """
    for value in streams.values(block):
        streams.publish(world, stream, value, key=key)


@when("I publish these messages to {resource}")
def publish_these(world: World, stream: str, *, table: Table) -> None:
    """Publish messages with keys and headers, in their order; `value` is text as it stands.

    Example:
        When I publish these messages to "orders":
          | key | value                                   | header trace |
          | 7   | {"type": "order.placed", "order_id": 7} | t-1          |
          | 8   | {"type": "order.placed", "order_id": 8} | t-2          |
        Then within 5 seconds the messages on "shipments" match:
          | order_id |
          | 8        |
          | 7        |

    Fails:
        When I publish these messages to "orders":
          | key | vlaue |
          | 7   | {}    |
        Then there is exactly 1 message on "orders"
        # the heading "vlaue" means nothing here
        # Did you mean "value"?
    """
    for row in streams.rows(table):
        streams.publish(world, stream, row.value, key=row.key, headers=row.headers)


@when("I publish the text {string} to {resource}")
def publish_text(world: World, text: str, stream: str) -> None:
    """Publish a text that need not be JSON: a poison message.

    Example:
        When I publish the text "{not json" to "orders"
        Then within 5 seconds the message is dead-lettered to "orders.dead-letter"

    Fails:
        When I publish the text "{not json" to "orders"
        Then within 500 ms a message on "shipments" matches:
          | type          |
          | order.shipped |
        # No message came at all
    """
    streams.publish(world, stream, text)


@when("I publish the same message again")
def publish_again(world: World) -> None:
    """Deliver the last published message once more: same topic, key, headers and bytes.

    Example:
        When I publish a message to "orders":
          | type         | order_id | event   |
          | order.placed | 7        | ${uuid} |
        And I publish the same message again
        Then for 300 ms at most 1 message on "shipments" matches:
          | order_id |
          | 7        |

    Fails:
        When I publish a message to "orders":
          | type         | order_id |
          | order.placed | 7        |
        And I publish the same message again
        Then within 3 seconds exactly 2 messages on "orders" match:
          | order_id |
          | 7        |
        And within 3 seconds exactly 2 messages on "shipments" match:
          | order_id |
          | 7        |
        And exactly 1 message on "shipments" matches:
          | order_id |
          | 7        |
        # 2 messages on "shipments" fit {order_id: 7}; wanted exactly 1
    """
    streams.publish_again(world)


@when("I publish the last {int} messages again in reverse order")
def publish_reversed(world: World, number: int) -> None:
    """Deliver what was published last once more, the newest first: out of order.

    Example:
        When I publish these messages to "orders":
          | key | value                                                       |
          | 7   | {"type": "order.placed", "order_id": 7, "event": "${uuid}"} |
          | 8   | {"type": "order.placed", "order_id": 8, "event": "${uuid}"} |
        And I publish the last 2 messages again in reverse order
        Then for 300 ms at most 2 messages on "shipments" match:
          | type          |
          | order.shipped |

    Fails:
        When I publish the text "x" to "orders"
        And I publish the last 2 messages again in reverse order
        Then there are exactly 4 messages on "orders"
        # 1 message has been published in this scenario, not 2
    """
    sent = streams.published(world)
    if not 1 <= number <= len(sent):
        count = f"{len(sent)} message{'s have' if len(sent) != 1 else ' has'}"
        raise SuiteError(f"{count} been published in this scenario, not {number}")
    for entry in reversed(sent[-number:]):
        streams.repeat(world, entry)


# -- Then


@then("{count} message(s) on {resource} match(es)")
def messages_match(world: World, count: Count, stream: str, *, block: Block) -> None:
    """Count the messages of this scenario that hold what is wanted at least.

    Several rows are several wishes; each is counted on its own. Markers and `${...}` as everywhere.
    The last message that fits is `the message`.

    Example:
        When I publish a message to "orders":
          | type         | order_id |
          | order.placed | 7        |
        Then within 5 seconds exactly one message on "shipments" matches:
          | type          | order_id | at          |
          | order.shipped | <number> | <timestamp> |

    Fails:
        When I publish a message to "orders":
          | type         | order_id |
          | order.placed | 7        |
        Then within 500 ms a message on "shipments" matches:
          | type           | order_id |
          | order.returned | 7        |
        # no message on "shipments" fits {type: order.returned, order_id: 7}; wanted at least 1
        # The nearest:
        # type: wanted order.returned, saw "order.shipped"
    """
    entries = streams.messages(world, stream)
    _judge(world, entries, count, f'on "{stream}"', block)


@then("{count} message(s) with the key {string} on {resource} match(es)")
def messages_with_key_match(
    world: World, count: Count, key: str, stream: str, *, block: Block
) -> None:
    """Count the messages with a key that hold what is wanted at least.

    Example:
        When I publish a message with the key "7" to "orders":
          | type         | order_id |
          | order.placed | 7        |
        Then within 5 seconds a message with the key "7" on "shipments" matches:
          | type          |
          | order.shipped |

    Fails:
        When I publish a message with the key "7" to "orders":
          | type         | order_id |
          | order.placed | 7        |
        Then within 500 ms a message with the key "8" on "shipments" matches:
          | type          |
          | order.shipped |
        # no message with the key "8" on "shipments" fits
    """
    entries = [each for each in streams.messages(world, stream) if each.data["key"] == key]
    _judge(world, entries, count, f'with the key "{key}" on "{stream}"', block)


@then("there is/are {count} message(s) on {resource}")
def number_of_messages(world: World, count: Count, stream: str) -> None:
    """Count all messages that came in this scenario, whatever they say.

    Example:
        When I publish the text "{not json" to "orders"
        Then for 300 ms there are no messages on "shipments"

    Fails:
        When I publish a message to "orders":
          | type         | order_id |
          | order.placed | 7        |
        Then within 500 ms there are exactly 2 messages on "shipments"
        # there is 1 message on "shipments"; wanted exactly 2
    """
    entries = streams.messages(world, stream)
    there = "there is" if len(entries) < 2 else "there are"
    found = just_count(world, entries, count, _WORDS, f'{there} {{}} on "{stream}"')
    _remember(world, found)


@then("the messages on {resource} match")
def all_match(world: World, stream: str, *, block: Block) -> None:
    """Find a message of its own for each row, in any order; others may be there.

    Example:
        When I publish a message to "orders":
          | type         | order_id |
          | order.placed | 7        |
          | order.placed | 8        |
        Then within 5 seconds the messages on "shipments" match:
          | order_id |
          | 8        |
          | 7        |

    Fails:
        When I publish a message to "orders":
          | type         | order_id |
          | order.placed | 7        |
        Then within 500 ms the messages on "shipments" match:
          | order_id |
          | 7        |
          | 7        |
        # the messages on "shipments" do not match
    """
    _judge_list(world, stream, block, "at least", "match")


@then("the messages on {resource} match in order")
def all_match_in_order(world: World, stream: str, *, block: Block) -> None:
    """Find the wanted messages in this order; others may come between.

    Order is that of the broker within a partition, and of its time stamps between partitions.

    Example:
        When I publish a message with the key "7" to "orders":
          | type         | order_id |
          | order.placed | 7        |
          | order.placed | 8        |
        Then within 5 seconds the messages on "shipments" match in order:
          | order_id |
          | 7        |
          | 8        |

    Fails:
        When I publish a message with the key "7" to "orders":
          | type         | order_id |
          | order.placed | 7        |
          | order.placed | 8        |
        Then within 500 ms the messages on "shipments" match in order:
          | order_id |
          | 8        |
          | 7        |
        # the messages on "shipments" do not match in order
        # later than it came
    """
    _judge_list(world, stream, block, "in order", "match in order")


@then("the messages on {resource} are exactly")
def are_exactly(world: World, stream: str, *, block: Block) -> None:
    """Find these messages and no other, in any order; fields that are not named do not matter.

    Example:
        When I publish a message to "orders":
          | type         | order_id |
          | order.placed | 7        |
        Then within 5 seconds the messages on "shipments" are exactly:
          | type          | order_id |
          | order.shipped | 7        |

    Fails:
        When I publish a message with the key "7" to "orders":
          | type         | order_id |
          | order.placed | 7        |
          | order.placed | 8        |
        Then within 5 seconds there are exactly 2 messages on "shipments"
        And the messages on "shipments" are exactly:
          | order_id |
          | 7        |
        # the messages on "shipments" are not exactly these
    """
    _judge_list(world, stream, block, "only", "are exactly")


@then("no message on {resource} comes twice")
def none_twice(world: World, stream: str) -> None:
    """Check that no two messages have the same key and the same bytes.

    Example:
        When I publish a message to "orders":
          | type         | order_id | event   |
          | order.placed | 7        | ${uuid} |
        And I publish the same message again
        Then for 300 ms no message on "shipments" comes twice

    Fails:
        When I publish a message to "orders":
          | type         | order_id |
          | order.placed | 7        |
        And I publish the same message again
        Then within 3 seconds there are exactly 2 messages on "shipments"
        And no message on "shipments" comes twice
        # comes 2 times
    """
    entries = streams.messages(world, stream)
    seen = Counter((str(each.data["key"]), streams.raw(each)) for each in entries)
    double = [f"comes {number} times: {raw!r}" for (_, raw), number in seen.items() if number > 1]
    if double:
        raise ScenarioFailure("\n".join([*double, *listed(entries)]), terminal=True)
    world.claim(*entries)


@then("the message is dead-lettered to {resource}")
def is_dead_lettered(world: World, stream: str) -> None:
    """Check that the last published message arrived on a dead-letter topic.

    Its bytes are there as they are, or as a text or an object inside of the dead letter.

    Example:
        When I publish the text "{not json" to "orders"
        Then within 5 seconds the message is dead-lettered to "orders.dead-letter"

    Fails:
        When I publish a message to "orders":
          | type         | order_id |
          | order.placed | 7        |
        Then within 300 ms the message is dead-lettered to "orders.dead-letter"
        # no dead letter on "orders.dead-letter" holds the message
    """
    sent = streams.last_published(world)
    entries = streams.messages(world, stream)
    fitting = [each for each in entries if streams.holds(each, sent)]
    if not fitting:
        lines = [f'no dead letter on "{stream}" holds the message ({sent.summary})']
        raise ScenarioFailure("\n".join([*lines, *(listed(entries) or ["  Nothing is there."])]))
    world.claim(*fitting)
    _remember(world, fitting)


# -- what several phrases do


def _judge(world: World, entries: list[Entry], count: Count, where: str, block: Block) -> None:
    for wanted in wanted_records(block):
        found = judge_count(world, entries, wanted, count, of=_WORDS, where=where, view=plain_value)
        _remember(world, found)


def _judge_list(world: World, stream: str, block: Block, mode: str, words: str) -> None:
    wanted: list[Any] = [
        each.value if isinstance(each, Wanted) else each for each in wanted_records(block)
    ]
    negated = "are not exactly these" if mode == "only" else f"do not {words}"
    found = judge_all(
        world,
        streams.messages(world, stream),
        wanted,
        what=f'the messages on "{stream}" {negated}',
        view=plain_value,
        mode=mode,
    )
    _remember(world, found)


def _remember(world: World, entries: list[Entry]) -> None:
    if entries:
        world.memory.see("message", entries[-1])

"""Publishing and reading messages: what several phrases do with a broker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from avow.core.entries import Entry
from avow.core.errors import SuiteError, did_you_mean
from avow.gherkin import Block, Table
from avow.matchers import read_json
from avow.world import World

if TYPE_CHECKING:
    from avow.channels.messaging import KafkaChannel

_HEADER = "header "


def find(world: World, name: str) -> tuple[KafkaChannel, str | None]:
    """Return the broker and the topic that a name means; None is the broker's only or first one.

    A service's name means its topic of that name, else its first; a topic's name means itself.
    """
    channel = world.messages.get(name)
    if channel is not None:
        topics = channel.topics
        return channel, (name if name in topics else topics[0] if topics else None)
    known = {topic: each for each in world.messages.values() for topic in each.topics}
    if name in known:
        return known[name], name
    if known and name not in world.channels.kinds:
        raise SuiteError(
            f'no message broker and no topic is called "{name}"',
            advice=did_you_mean(name, [*world.messages, *known], what="declared"),
        )
    return world.messages[name], None


# -- reading


def messages(world: World, name: str) -> list[Entry]:
    """Collect, and return the messages of this scenario on a topic, oldest first.

    avow's own are among them: what a topic holds is what a reader of it sees.
    """
    channel, topic = find(world, name)
    world.collect(channel.name)
    found = [
        each
        for each in world.ledger.find("message", channel.name)
        if topic is None or each.data["topic"] == topic
    ]
    return sorted(found, key=_order)


def _order(entry: Entry) -> tuple[float, int, int]:
    return entry.data.get("timestamp") or entry.at, entry.data["partition"], entry.data["offset"]


def raw(entry: Entry) -> bytes:
    """Return the bytes of a message's value."""
    body = entry.bodies.get("value")
    return body.raw if body else b""


def holds(letter: Entry, sent: Entry) -> bool:
    """Say whether a dead letter holds the value of a message: as it is, as text or as an object."""
    wanted = raw(sent)
    if raw(letter) == wanted:
        return True
    data, problem = read_json(raw(letter))
    if problem:
        return False
    text = wanted.decode("utf-8", "backslashreplace")
    parsed, unreadable = read_json(wanted)
    return any(each == text or (not unreadable and each == parsed) for each in _inside(data))


def _inside(data: Any) -> list[Any]:
    children = list(data.values()) if isinstance(data, dict) else data
    if not isinstance(children, list):
        return []
    return [*children, *(deeper for child in children for deeper in _inside(child))]


# -- publishing


@dataclass(frozen=True, slots=True)
class Message:
    """One row of `| key | value | header X |`."""

    value: str
    key: str | None
    headers: dict[str, str]


def rows(table: Table) -> list[Message]:
    """Return the messages of a table; raises SuiteError that points at a heading."""
    names = [each for each in table.headings if each.startswith(_HEADER)]
    table.only("key", "value", *names, needs=("value",))
    return [
        Message(
            row["value"],
            row.get("key") or None,
            {name.removeprefix(_HEADER): row[name] for name in names if row[name]},
        )
        for row in table
    ]


def values(block: Block) -> list[Any]:
    """Return the values to publish: one for each row, or the document as it stands."""
    if isinstance(block, Table):
        return block.values()
    block.json()  # a mistake is told with its line; the text goes out as written
    return [block.json_text.encode("utf-8", "surrogatepass")]


def publish(
    world: World,
    name: str,
    value: Any,
    *,
    key: str | None = None,
    headers: dict[str, str] | None = None,
) -> Entry:
    """Publish a message; it is `the message` from now on."""
    channel, topic = find(world, name)
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    entry = channel.publish(topic, value, key=key, headers=headers or {})
    published(world).append(entry)
    world.memory.see("message", entry)
    return entry


def published(world: World) -> list[Entry]:
    """Return what was published in this scenario; it may be added to."""
    sent: list[Entry] = world.notes.setdefault("messages.sent", [])
    return sent


def last_published(world: World) -> Entry:
    """Return the last published message; raises SuiteError where there is none."""
    sent = published(world)
    if not sent:
        raise SuiteError(
            "no message has been published in this scenario",
            advice='For example: When I publish the text "oops" to "orders"',
        )
    return sent[-1]


def publish_again(world: World) -> None:
    """Publish the last message once more."""
    repeat(world, last_published(world))


def repeat(world: World, sent: Entry) -> None:
    """Publish a message once more: same topic, key, headers and bytes."""
    channel = world.messages[sent.resource]
    entry = channel.publish(
        sent.data["topic"],
        raw(sent),
        key=sent.data["key"],
        headers=sent.data["headers"],
        partition=sent.data["partition"],
    )
    published(world).append(entry)
    world.memory.see("message", entry)

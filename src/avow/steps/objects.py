"""Objects: files in buckets."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from avow.core.entries import Body, Entry
from avow.core.errors import ScenarioFailure, SuiteError, did_you_mean
from avow.core.text import shortened
from avow.gherkin import Block, Document, given, then
from avow.steps.exchanges import response_json
from avow.steps.judging import judge, just_count, wanted_whole
from avow.steps.parameters import Count, Value
from avow.steps.sending import judge_bytes
from avow.world import World

if TYPE_CHECKING:
    from avow.channels.objects import S3Channel

_WORDS = ("object", "objects")

# -- Given


@given("{resource} holds the object {string}")
def put(world: World, store: str, key: str, *, document: Document) -> None:
    """Put a text into a bucket; the word after its quotes is the content type.

    A store's name means its bucket of that name, else its first; a bucket's name means itself.

    Example:
        Given "files" holds the object "prices.json":
          '''application/json
          {"tea": 450}
          '''
        Then the object "prices.json" in "files" matches:
          | tea |
          | 450 |

    Fails:
        Given "files" holds the object "prices.json":
          '''
          {"tea": 450}
          '''
        Then the object "prices.json" in "files" matches:
          | tea |
          | 500 |
        # tea: wanted 500, saw 450
    """
    channel, bucket = _find(world, store)
    raw = document.text.encode("utf-8", "surrogatepass")
    channel.put(bucket, key, raw, content_type=document.kind or "text/plain; charset=utf-8")


@given("{resource} holds the object {string} from the file {string}")
def put_file(world: World, store: str, key: str, file: str) -> None:
    """Put a file under the suite's root into a bucket.

    Example:
        Given "files" holds the object "hello.txt" from the file "data/greeting.txt"
        Then the object "hello.txt" in "files" contains "Hello from a file"

    Fails:
        Given "files" holds the object "hello.txt" from the file "data/greetin.txt"
        Then the object "hello.txt" in "files" contains "Hello"
        # Did you mean "greeting.txt"?
    """
    import mimetypes

    channel, bucket = _find(world, store)
    kind = mimetypes.guess_type(file)[0] or "application/octet-stream"
    channel.put(bucket, key, world.file(file).read_bytes(), content_type=kind)


# -- Then


@then("{resource} holds {count} new object(s)")
def number_of_new(world: World, store: str, count: Count) -> None:
    """Count the objects that the system stored in this scenario; the last one is `the object`.

    Example:
        When I send POST "/reports" to "shop" with JSON:
          | name |
          | may  |
        Then within 5 seconds "files" holds exactly 1 new object

    Fails:
        When I send GET "/greeting" to "shop"
        Then within 50 ms "files" holds a new object
        # "files" holds no object that is new; wanted at least 1
    """
    entries = _stored(world, store)
    say = f'"{store}" holds {{}} that {"is" if len(entries) < 2 else "are"} new'
    _remember(world, just_count(world, entries, count, _WORDS, say))


@then("{resource} holds {count} new object(s) like {string}")
def number_of_new_like(world: World, store: str, count: Count, pattern: str) -> None:
    """Count the objects of this scenario by key; `*` stands for any text.

    Example:
        When I send POST "/reports" to "shop" with JSON:
          | name |
          | may  |
        Then within 5 seconds "files" holds exactly 1 new object like "reports/*.json"

    Fails:
        When I send POST "/reports" to "shop" with JSON:
          | name |
          | may  |
        Then within 500 ms "files" holds a new object like "reports/*.pdf"
        # "files" holds no object like "reports/*.pdf" that is new
        # reports/may.json
    """
    entries = _stored(world, store)
    fitting = [each for each in entries if fnmatch.fnmatchcase(each.data["key"], pattern)]
    say = f'"{store}" holds {{}} like "{pattern}" that {"is" if len(fitting) < 2 else "are"} new'
    _remember(world, just_count(world, fitting, count, _WORDS, say, others=entries))


@then("the object {string} in {resource} matches")
def object_matches(world: World, key: str, store: str, *, block: Block) -> None:
    """Compare the JSON of an object; it holds what is wanted at least.

    Example:
        When I send POST "/reports" to "shop" with JSON:
          | name |
          | may  |
        Then within 5 seconds the object "reports/may.json" in "files" matches:
          | name | total    |
          | may  | <number> |

    Fails:
        When I send POST "/reports" to "shop" with JSON:
          | name |
          | may  |
        Then within 500 ms the object "reports/may.json" in "files" matches:
          | name |
          | june |
        # name: wanted june, saw "may"
    """
    entry = _the_object(world, store, key)
    what = f'the object "{key}" in "{store}" does not match'
    judge(response_json(entry, "content"), wanted_whole(block), what=what)


@then("the object {string} in {resource} contains {string}")
def object_contains(world: World, key: str, store: str, text: str) -> None:
    """Check for a text anywhere in an object.

    Example:
        Given "files" holds the object "hello.txt" from the file "data/greeting.txt"
        Then the object "hello.txt" in "files" contains "Hello"

    Fails:
        Given "files" holds the object "hello.txt" from the file "data/greeting.txt"
        Then the object "hello.txt" in "files" contains "Good bye"
        # does not contain "Good bye"
    """
    body = _content(_the_object(world, store, key))
    seen = body.text() or body.raw.decode("utf-8", "backslashreplace")
    if text not in seen:
        raise ScenarioFailure(
            f'the object "{key}" in "{store}" does not contain "{text}". It says:\n'
            f"{shortened(seen, 1000)}"
        )


@then("the object {string} in {resource} is the file {string}")
def object_is_file(world: World, key: str, store: str, file: str) -> None:
    """Check that an object is a file under the suite's root, byte for byte.

    Example:
        Given "files" holds the object "hello.txt" from the file "data/greeting.txt"
        Then the object "hello.txt" in "files" is the file "data/greeting.txt"

    Fails:
        Given "files" holds the object "hello.txt" from the file "data/greeting.txt"
        Then the object "hello.txt" in "files" is the file "data/order.json"
        # the object "hello.txt" is not the file "data/order.json"
    """
    seen = _content(_the_object(world, store, key)).raw
    what = f'the object "{key}" is not the file "{file}"'
    judge_bytes(seen, world.file(file).read_bytes(), what=what)


@then("the object {string} in {resource} has the type {value}")
def object_has_type(world: World, key: str, store: str, value: Value) -> None:
    """Check the content type of an object.

    Example:
        Given "files" holds the object "hello.txt" from the file "data/greeting.txt"
        Then the object "hello.txt" in "files" has the type "text/plain"

    Fails:
        Given "files" holds the object "hello.txt" from the file "data/greeting.txt"
        Then the object "hello.txt" in "files" has the type "application/pdf"
        # type: wanted "application/pdf", saw "text/plain"
    """
    entry = _the_object(world, store, key)
    what = f'the object "{key}" in "{store}" is something else'
    judge({"type": entry.data.get("type")}, {"type": value.wanted}, what=what)


@then("{resource} holds no object {string}")
def holds_no_object(world: World, store: str, key: str) -> None:
    """Check that there is nothing under a key.

    Example:
        Then "files" holds no object "reports/may.json"

    Fails:
        Given "files" holds the object "hello.txt" from the file "data/greeting.txt"
        Then "files" holds no object "hello.txt"
        # "files" holds the object "hello.txt"
    """
    if key in _keys(world, store):
        raise ScenarioFailure(f'"{store}" holds the object "{key}"')


# -- what several phrases do


def _find(world: World, name: str) -> tuple[S3Channel, str | None]:
    """Return the store and the bucket that a name means; None is the store's only or first one."""
    channel = world.objects.get(name)
    if channel is not None:
        return channel, (name if name in channel.buckets else None)
    known = {bucket: each for each in world.objects.values() for bucket in each.buckets}
    if name in known:
        return known[name], name
    if known and name not in world.channels.kinds:
        raise SuiteError(
            f'no object store and no bucket is called "{name}"',
            advice=did_you_mean(name, [*world.objects, *known], what="declared"),
        )
    return world.objects[name], None


def _stored(world: World, store: str) -> list[Entry]:
    channel, bucket = _find(world, store)
    world.collect(channel.name)
    wanted = bucket or (channel.buckets[0] if channel.buckets else "")
    return [
        each
        for each in world.ledger.find("object.stored", channel.name)
        if not wanted or each.data["bucket"] == wanted
    ]


def _keys(world: World, store: str) -> list[str]:
    channel, bucket = _find(world, store)
    entry = channel.keys(bucket)
    world.claim(entry)
    return list(entry.data["keys"])


def _the_object(world: World, store: str, key: str) -> Entry:
    """Return the object as it is now; raises ScenarioFailure, with the nearest key, for none."""
    channel, bucket = _find(world, store)
    keys = _keys(world, store)
    if key not in keys:
        raise ScenarioFailure(
            f'"{store}" holds no object "{key}". {did_you_mean(key, keys[:200], what="there")}'
        )
    entry = channel.get(bucket, key)
    world.claim(entry)
    for stored in _stored(world, store):
        if stored.data["key"] == key:
            world.claim(stored)
    world.memory.see("object", entry)
    return entry


def _content(entry: Entry) -> Body:
    return entry.bodies["content"]


def _remember(world: World, entries: list[Entry]) -> None:
    if entries:
        world.memory.see("object", entries[-1])

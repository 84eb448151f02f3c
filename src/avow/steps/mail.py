"""Mails: what the system sent to people."""

from __future__ import annotations

import re
from typing import Any

from avow.core.entries import Entry
from avow.core.errors import ScenarioFailure, did_you_mean
from avow.core.text import plural, shortened
from avow.gherkin import Block, step, then
from avow.matchers import compare, describe
from avow.steps.judging import judge_count, just_count, wanted_records
from avow.steps.parameters import Count, Value
from avow.world import World
from avow.world.memory import plain_value

_WORDS = ("mail", "mails")


@then("{resource} received {count} mail(s)")
def received(world: World, service: str, count: Count) -> None:
    """Count the mails of this scenario; the last one is `the mail`.

    Example:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 5 seconds "post" received exactly 1 mail

    Fails:
        When I send GET "/greeting" to "shop"
        Then within 50 ms "post" received a mail
        # "post" received no mail; wanted at least 1
    """
    entries = _mails(world, service)
    _remember(world, just_count(world, entries, count, _WORDS, f'"{service}" received {{}}'))


@then("{resource} received {count} mail(s) to {string}")
def received_to(world: World, service: str, count: Count, address: str) -> None:
    """Count the mails to an address, whatever its case.

    Example:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 5 seconds "post" received exactly 1 mail to "Ada@example.com"
        And "post" received no mails to "grace@example.com"

    Fails:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 500 ms "post" received a mail to "grace@example.com"
        # "post" received no mail to "grace@example.com"; wanted at least 1
        # mail to ada@example.com
    """
    entries = _mails(world, service)
    fitting = [each for each in entries if _is_to(each, address)]
    say = f'"{service}" received {{}} to "{address}"'
    _remember(world, just_count(world, fitting, count, _WORDS, say, others=entries))


@then("{resource} received {count} mail(s) matching")
def received_matching(world: World, service: str, count: Count, *, block: Block) -> None:
    """Count the mails that hold what is wanted: from, to, subject, text, html, attachments.

    Example:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 5 seconds "post" received exactly 1 mail matching:
          | to[0]           | subject     | text                   |
          | ada@example.com | Welcome Ada | <contains: Your link:> |

    Fails:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 500 ms "post" received a mail matching:
          | subject       |
          | Welcome Grace |
        # subject: wanted Welcome Grace, saw "Welcome Ada"
    """
    entries = _mails(world, service)
    for wanted in wanted_records(block):
        found = judge_count(
            world, entries, wanted, count, of=_WORDS, where=f'to "{service}"', view=plain_value
        )
        _remember(world, found)


@then("the mail has the subject {value}")
def has_subject(world: World, value: Value) -> None:
    """Check the subject of `the mail`.

    Example:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 5 seconds "post" received exactly 1 mail
        And the mail has the subject "Welcome Ada"

    Fails:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 5 seconds "post" received exactly 1 mail
        And the mail has the subject <contains: Grace>
        # wanted <contains: Grace>, saw "Welcome Ada"
    """
    seen = _the_mail(world).data["subject"]
    differences = compare(value.wanted, seen, path="subject")
    if differences:
        raise ScenarioFailure(f"the mail has another subject:\n{describe(differences)}")


@then("the mail says {string}")
def says(world: World, text: str) -> None:
    """Check for a text in the mail, plain or HTML; line breaks count as spaces.

    Example:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 5 seconds "post" received exactly 1 mail
        And the mail says "Hello Ada, welcome to the shop"

    Fails:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 5 seconds "post" received exactly 1 mail
        And the mail says "Hello Grace"
        # the mail does not say "Hello Grace"; it says:
    """
    entry = _the_mail(world)
    seen = _texts(entry)
    if not any(_flat(text) in _flat(each) for each in seen):
        shown = "\n".join(shortened(each, 1000) for each in seen) or "nothing"
        raise ScenarioFailure(f'the mail does not say "{text}"; it says:\n{shown}')


@then("the mail has {count} attachment(s)")
def has_attachments(world: World, count: Count) -> None:
    """Count the attachments of `the mail`.

    Example:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 5 seconds "post" received exactly 1 mail
        And the mail has exactly 1 attachment

    Fails:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 5 seconds "post" received exactly 1 mail
        And the mail has no attachments
        # the mail has 1 attachment; wanted no
    """
    found = _the_mail(world).data["attachments"]
    if not count.holds(len(found)):
        names = ", ".join(each["name"] for each in found)
        raise ScenarioFailure(
            f"the mail has {plural(len(found), 'attachment')}; wanted {count.words}"
            + (f". There: {names}" if names else "")
        )


@then("the mail has the attachment {string}")
def has_attachment(world: World, name: str) -> None:
    """Check that a file of that name is attached.

    Example:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 5 seconds "post" received exactly 1 mail
        And the mail has the attachment "terms.txt"

    Fails:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 5 seconds "post" received exactly 1 mail
        And the mail has the attachment "terms.pdf"
        # Did you mean "terms.txt"?
    """
    names = [each["name"] for each in _the_mail(world).data["attachments"]]
    if name not in names:
        raise ScenarioFailure(
            f'the mail has no attachment "{name}". {did_you_mean(name, names, what="attached")}'
        )


@step("the first link of the mail is remembered as {string}")
def remember_link(world: World, name: str) -> None:
    """Remember the first http(s) link of `the mail`, to follow it later.

    Example:
        When I send POST "/invite" to "shop" with JSON:
          | email           |
          | ada@example.com |
        Then within 5 seconds "post" received exactly 1 mail
        And the first link of the mail is remembered as "invitation"
        When I send GET "${invitation}" to "shop"
        Then the response status is 200

    Fails:
        When I send POST "/invite" to "shop" with JSON:
          | email           | plain |
          | ada@example.com | true  |
        Then within 5 seconds "post" received exactly 1 mail
        And the first link of the mail is remembered as "invitation"
        # the mail has no link
    """
    seen = _texts(_the_mail(world))
    for text in seen:
        found = _LINK.search(text)
        if found:
            world.memory.remember(name, found.group().rstrip(".,;:!?"))
            return
    raise ScenarioFailure(f"the mail has no link; it says:\n{shortened(' '.join(seen), 1000)}")


_LINK = re.compile(r"https?://[^\s<>\"')\]]+")


# -- what several phrases do


def _mails(world: World, service: str) -> list[Entry]:
    channel = world.mail[service]
    world.collect(channel.name)
    return world.ledger.find("mail.received", channel.name)


def _is_to(entry: Entry, address: str) -> bool:
    return address.lower() in (each.lower() for each in entry.data["to"])


def _remember(world: World, entries: list[Entry]) -> None:
    if entries:
        world.memory.see("mail", entries[-1])


def _the_mail(world: World) -> Entry:
    entry = world.memory.entry("mail")
    world.claim(entry)
    return entry


def _texts(entry: Entry) -> list[str]:
    parts: list[Any] = [entry.bodies.get("text"), entry.bodies.get("html")]
    return [each.text() or "" for each in parts if each is not None]


def _flat(text: str) -> str:
    return " ".join(text.split())

"""Webhooks: a third party tells the system something, rightly signed or not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from avow.core.entries import Entry
from avow.core.errors import ScenarioFailure
from avow.core.text import shortened
from avow.gherkin import Block, Document, then, when
from avow.gherkin.units import spoken
from avow.steps.exchanges import require_answer, response_text, status_text
from avow.steps.judging import data_of
from avow.steps.parameters import Status
from avow.world import World

# -- When


@when("{resource} sends a/an {string} webhook")
def send(world: World, stub: str, event: str, *, block: Block | None = None) -> None:
    """Send an event, rightly signed; what stands below is the event's object.

    What the system answers is part of `the webhook`.

    Example:
        When "bank" sends a "charge.paid" webhook:
          | id   | amount |
          | ch_1 | 450    |
        Then the webhook is accepted

    Fails:
        When "bank" sends a "charge.unknown" webhook:
          | id   |
          | ch_1 |
        Then the webhook is accepted
        # the webhook "charge.unknown" was answered with 422
    """
    _send(world, stub, event, block)


@when("{resource} sends a/an {string} webhook signed with the wrong secret")
def send_forged(world: World, stub: str, event: str, *, block: Block | None = None) -> None:
    """Send an event as somebody would who does not know the secret.

    Example:
        When "bank" sends a "charge.paid" webhook signed with the wrong secret:
          | id   |
          | ch_1 |
        Then the webhook is rejected with status 400

    Fails:
        When "bank" sends a "charge.paid" webhook signed with the wrong secret:
          | id   |
          | ch_1 |
        Then the webhook is accepted
        # was answered with 400
    """
    _send(world, stub, event, block, signature="wrong")


@when("{resource} sends a/an {string} webhook with a stale signature")
def send_stale(world: World, stub: str, event: str, *, block: Block | None = None) -> None:
    """Send an event whose signature is right and older than the provider's tolerance.

    Example:
        When "bank" sends a "charge.paid" webhook with a stale signature:
          | id   |
          | ch_1 |
        Then the webhook is rejected

    Fails:
        When "bank" sends a "charge.paid" webhook with a stale signature:
          | id   |
          | ch_1 |
        Then the webhook is accepted
        # was answered with 400
    """
    _send(world, stub, event, block, signature="stale")


@when("{resource} sends a/an {string} webhook without a signature")
def send_unsigned(world: World, stub: str, event: str, *, block: Block | None = None) -> None:
    """Send an event without the header that carries the signature.

    Example:
        When "bank" sends a "charge.paid" webhook without a signature:
          | id   |
          | ch_1 |
        Then the webhook is rejected with status 400

    Fails:
        When "bank" sends a "charge.paid" webhook without a signature:
          | id   |
          | ch_1 |
        Then the webhook is accepted
        # was answered with 400
    """
    _send(world, stub, event, block, signature="missing")


@when("{resource} sends this {string} webhook")
def send_payload(world: World, stub: str, event: str, *, document: Document) -> None:
    """Send the whole body of a webhook as it stands, rightly signed.

    Example:
        When "bank" sends this "charge.paid" webhook:
          '''
          {"id": "evt_1", "type": "charge.paid", "data": {"object": {"id": "ch_1"}}}
          '''
        Then the webhook is accepted

    Fails:
        When "bank" sends this "charge.paid" webhook:
          '''
          {"id": "evt_1"}
          '''
        Then the webhook is accepted
        # was answered with 422
    """
    payload = document.json_text.encode("utf-8", "surrogatepass")
    _see(world, world.webhooks[stub].send(event, payload=payload))


@when("{resource} sends the webhook again")
def redeliver(world: World, stub: str) -> None:
    """Send the last event again, signed anew: what a provider does that got no answer.

    Example:
        When "bank" sends a "charge.paid" webhook:
          | id   |
          | ch_1 |
        And "bank" sends the webhook again
        Then the webhook is accepted

    Fails:
        When "bank" sends a "charge.unknown" webhook:
          | id   |
          | ch_1 |
        And "bank" sends the webhook again
        Then the webhook is accepted
        # was answered with 422
    """
    _see(world, world.webhooks[stub].redeliver())


@when("somebody replays the webhook of {resource}")
def replay(world: World, stub: str) -> None:
    """Send the last delivery again byte for byte, old signature included.

    Example:
        When "bank" sends a "charge.paid" webhook with a stale signature:
          | id   |
          | ch_1 |
        And somebody replays the webhook of "bank"
        Then the webhook is rejected

    Fails:
        When "bank" sends a "charge.paid" webhook signed with the wrong secret:
          | id   |
          | ch_1 |
        And somebody replays the webhook of "bank"
        Then the webhook is accepted
        # was answered with 400
    """
    _see(world, world.webhooks[stub].replay())


@when("{resource} sends a/an {string} webhook {int} times")
def send_times(
    world: World, stub: str, event: str, times: int, *, block: Block | None = None
) -> None:
    """Deliver one event several times, one after the other: duplicates.

    Example:
        When "bank" sends a "charge.paid" webhook 3 times:
          | id       |
          | ch_thrice |
        Then the webhook is accepted
        And GET "/charges/ch_thrice" from "shop" answers with:
          | paid_times |
          | 1          |

    Fails:
        When "bank" sends a "charge.unknown" webhook 2 times:
          | id   |
          | ch_1 |
        Then the webhook is accepted
        # was answered with 422
    """
    _send(world, stub, event, block, times=times)


# -- Then


@then("the webhook is accepted")
def is_accepted(world: World) -> None:
    """Check that the system answered the last webhook with 2xx.

    Example:
        When "bank" sends a "charge.paid" webhook:
          | id   |
          | ch_1 |
        Then the webhook is accepted

    Fails:
        When "bank" sends a "charge.paid" webhook without a signature:
          | id   |
          | ch_1 |
        Then the webhook is accepted
        # the webhook "charge.paid" (signature missing) was answered with 400
    """
    _judge(world, [Status("2xx")], "2xx")


@then("the webhook is rejected")
def is_rejected(world: World) -> None:
    """Check that the system answered the last webhook with 4xx.

    Example:
        When "bank" sends a "charge.paid" webhook signed with the wrong secret:
          | id   |
          | ch_1 |
        Then the webhook is rejected

    Fails:
        When "bank" sends a "charge.paid" webhook:
          | id   |
          | ch_1 |
        Then the webhook is rejected
        # was answered with 200 OK; wanted 4xx
    """
    _judge(world, [Status("4xx")], "4xx")


@then("the webhook is rejected with status {status}")
def is_rejected_with(world: World, status: Status) -> None:
    """Check the status with which the system refused the last webhook.

    Example:
        When "bank" sends a "charge.paid" webhook signed with the wrong secret:
          | id   |
          | ch_1 |
        Then the webhook is rejected with status 400

    Fails:
        When "bank" sends a "charge.paid" webhook signed with the wrong secret:
          | id   |
          | ch_1 |
        Then the webhook is rejected with status 401
        # was answered with 400 Bad Request; wanted 401
    """
    _judge(world, [status], str(status))


@then("the webhook is answered with {status}")
def is_answered_with(world: World, status: Status) -> None:
    """Check the status of the answer, whatever it is.

    Example:
        When "bank" sends a "charge.unknown" webhook:
          | id   |
          | ch_1 |
        Then the webhook is answered with 422

    Fails:
        When "bank" sends a "charge.paid" webhook:
          | id   |
          | ch_1 |
        Then the webhook is answered with 202
        # was answered with 200 OK; wanted 202
    """
    _judge(world, [status], str(status))


@then("the webhook is answered within {duration}")
def is_answered_within(world: World, time: timedelta) -> None:
    """Check how long the system took: providers give up on slow receivers.

    Example:
        When "bank" sends a "charge.paid" webhook:
          | id   |
          | ch_1 |
        Then the webhook is answered within 5 seconds

    Fails:
        When "bank" sends a "charge.slow" webhook:
          | id   |
          | ch_1 |
        Then the webhook is answered within 1 ms
        # the answer took
    """
    entry = world.memory.entry("webhook")
    world.claim(entry)
    require_answer(entry)
    if entry.data["seconds"] > time.total_seconds():
        raise ScenarioFailure(
            f"the answer took {entry.data['seconds']:.3f} s; wanted at most {spoken(time)}"
        )


# -- what several phrases do


def _send(world: World, stub: str, event: str, block: Block | None, **options: Any) -> None:
    data = None if block is None else data_of(block)
    _see(world, world.webhooks[stub].send(event, data, **options))


def _see(world: World, entry: Entry) -> None:
    world.memory.see("webhook", entry)


def _judge(world: World, wanted: list[Status], words: str) -> None:
    entry = world.memory.entry("webhook")
    world.claim(entry)
    require_answer(entry)
    if any(each.holds(entry.data["response"]["status"]) for each in wanted):
        return
    signature = entry.data.get("signature", "right")
    signed = "" if signature == "right" else f" (signature {signature})"
    shown = shortened(response_text(entry), 400)
    raise ScenarioFailure(
        f'the webhook "{entry.data.get("event", "")}"{signed} was answered with '
        f"{status_text(entry)}; wanted {words}" + (f"\nThe body says: {shown}" if shown else "")
    )

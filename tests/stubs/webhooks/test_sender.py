from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import stripe

from avow.channels.base import ChannelContext
from avow.core.entries import Entry
from avow.core.errors import ConfigError, SuiteError, ThenCannotAct
from avow.core.ledger import Ledger
from avow.core.replay import ReplayLedger
from avow.core.secrets import Redactor
from avow.stubs.client import StubChannel
from avow.stubs.running import StubProcess
from avow.stubs.webhooks import WebhookSender

SECRET = "whsec_test_secret_0123456789abcdef"


class Guards:
    def address(self, host: str, port: int, *, where: str) -> str:
        assert host == "127.0.0.1"
        return host

    def path(self, text: str) -> Path:
        return Path(text)


class Timeouts:
    call = timedelta(seconds=10)


@pytest.fixture
def receiver(process: StubProcess, stub: StubChannel) -> StubChannel:
    """A stub that plays the system under test: it takes webhooks in."""
    stub.arm({"on": "POST /webhooks/stripe", "answer": {"body": "thanks"}})
    return stub


@pytest.fixture
def webhooks() -> Any:
    return SimpleNamespace(
        scheme="stripe",
        to="{shop.url}/webhooks/stripe",
        secret="${secret:STRIPE}",
        tolerance=timedelta(minutes=5),
        headers={"User-Agent": "Stripe/1.0"},
    )


@pytest.fixture
def sender(receiver: StubChannel, webhooks: Any) -> Iterator[WebhookSender]:
    known = {"{shop.url}": receiver.url, "${secret:STRIPE}": SECRET}

    def resolve(text: str) -> str:
        for reference, value in known.items():
            text = text.replace(reference, value)
        return text

    context = ChannelContext(Guards(), Timeouts(), Redactor(), resolve=resolve)
    made = WebhookSender("stripe", webhooks, Ledger(), context)
    yield made
    made.close()


def received(receiver: StubChannel) -> list[Entry]:
    receiver.collect()
    return receiver.calls("POST /webhooks/stripe")


def header(call: Entry, name: str) -> str:
    return next((value for each, value in call.data["headers"] if each.lower() == name), "")


def verified(call: Entry) -> str:
    """Return what Stripe's own verifier says."""
    raw = call.bodies["request"].raw
    try:
        stripe.WebhookSignature.verify_header(
            raw.decode(), header(call, "stripe-signature"), SECRET, tolerance=300
        )
    except stripe.SignatureVerificationError as error:
        return str(error.user_message)
    return "right"


def test_sends_an_event_that_verifies(sender: WebhookSender, receiver: StubChannel) -> None:
    entry = sender.send("payment_intent.succeeded", {"id": "pi_1", "amount": 4250})
    [call] = received(receiver)
    assert verified(call) == "right"
    assert header(call, "user-agent") == "Stripe/1.0"
    assert header(call, "content-type") == "application/json; charset=utf-8"
    event = json.loads(call.bodies["request"].raw)
    assert event["data"]["object"] == {"id": "pi_1", "amount": 4250}
    assert (event["type"], event["livemode"]) == ("payment_intent.succeeded", False)
    assert abs(event["created"] - time.time()) < 60

    assert (entry.kind, entry.role, entry.resource) == ("webhook.sent", "act", "stripe")
    assert entry.summary == "stripe sent payment_intent.succeeded -> 200"
    assert entry.data["response"]["status"] == 200
    assert entry.data["request"]["method"] == "POST"
    assert (entry.data["scheme"], entry.data["signature"], entry.data["event"]) == (
        "stripe",
        "right",
        "payment_intent.succeeded",
    )
    assert entry.bodies["request"].raw == call.bodies["request"].raw
    assert entry.bodies["response"].raw == b"thanks"
    assert len(sender.ledger.entries) == 1


@pytest.mark.parametrize(
    ("signature", "wanted"),
    [
        ("wrong", "No signatures found matching the expected signature for payload"),
        ("stale", "Timestamp outside the tolerance zone"),
        ("missing", "No Stripe-Signature header value was provided"),
    ],
)
def test_signs_deliberately_wrong(
    sender: WebhookSender, receiver: StubChannel, signature: str, wanted: str
) -> None:
    entry = sender.send("x.y", {"id": 1}, signature=signature)
    [call] = received(receiver)
    assert wanted in verified(call)
    assert entry.data["signature"] == signature
    assert entry.summary == f"stripe sent x.y, signature {signature}, -> 200"
    assert (header(call, "stripe-signature") == "") == (signature == "missing")


def test_duplicates_are_one_event_each_signed(sender: WebhookSender, receiver: StubChannel) -> None:
    sender.send("x.y", {"id": 1}, times=3)
    calls = received(receiver)
    assert [verified(each) for each in calls] == ["right"] * 3
    assert len({each.bodies["request"].raw for each in calls}) == 1
    assert len(sender.ledger.find("webhook.sent")) == 3


def test_a_redelivery_is_signed_anew_and_a_replay_is_not(
    sender: WebhookSender, receiver: StubChannel
) -> None:
    moments = iter([1_000_000_000.0, 1_000_000_000.0, 1_000_000_500.0])
    sender._clock = lambda: next(moments)
    sender.send("x.y", {"id": 1})
    sender.redeliver()
    sender.replay()
    first, redelivered, replayed = received(receiver)
    assert len({each.bodies["request"].raw for each in (first, redelivered, replayed)}) == 1
    stamps = [header(each, "stripe-signature")[:12] for each in (first, redelivered, replayed)]
    assert stamps == ["t=1000000000", "t=1000000500", "t=1000000500"]
    assert header(replayed, "stripe-signature") == header(redelivered, "stripe-signature")


def test_a_whole_payload_may_be_given(sender: WebhookSender, receiver: StubChannel) -> None:
    sender.send("x", payload={"type": "x", "own": True})
    sender.send("x", payload=b"not even json")
    sender.send("x", {"id": 1}, fields={"livemode": True, "id": "evt_given"})
    own, raw, fields = (each.bodies["request"].raw for each in received(receiver))
    assert json.loads(own) == {"type": "x", "own": True}
    assert raw == b"not even json"
    assert (json.loads(fields)["id"], json.loads(fields)["livemode"]) == ("evt_given", True)


def test_who_does_not_answer_is_an_outcome(sender: WebhookSender, receiver: StubChannel) -> None:
    receiver.arm({"on": "POST /webhooks/stripe", "answer": {"fault": "close"}})
    entry = sender.send("x.y")
    assert entry.data["response"] is None
    assert entry.data["error"]["message"]
    assert entry.summary.startswith("stripe sent x.y -> ")


def test_sending_is_an_act(sender: WebhookSender) -> None:
    with sender.ledger.observing("the order is paid"), pytest.raises(ThenCannotAct):
        sender.send("x.y")


def test_nothing_can_be_sent_again_before_something_was(sender: WebhookSender) -> None:
    for again in (sender.replay, sender.redeliver):
        with pytest.raises(SuiteError) as caught:
            again()
        assert str(caught.value) == (
            "stripe: no webhook has been sent in this scenario, so none can be sent again\n"
            "  Send one first."
        )
    sender.send("x.y")
    sender.bind(Ledger())
    with pytest.raises(SuiteError):
        sender.replay()


def test_a_replay_of_the_scenario_needs_nobody(sender: WebhookSender) -> None:
    def steps() -> list[str]:
        return [sender.send("x.y").summary, sender.redeliver().summary, sender.replay().summary]

    recorded = steps()
    entries = list(sender.ledger.entries)
    sender.bind(ReplayLedger(entries))
    sender._webhooks.to = "http://127.0.0.1:1/"
    sender._webhooks.secret = ""
    sender._secret = ""
    assert steps() == recorded


def test_the_secret_is_known_to_the_redactor_and_nowhere_else(sender: WebhookSender) -> None:
    entry = sender.send("x.y", {"id": 1})
    assert sender.context.redactor.finds_in(SECRET.encode())
    assert SECRET not in repr(entry)


def test_says_what_is_wrong_with_the_settings(sender: WebhookSender, webhooks: Any) -> None:
    with pytest.raises(SuiteError) as caught:
        sender.send("x", signature="forged")
    assert 'stripe: a webhook cannot have a "forged" signature' in str(caught.value)
    assert "Possible: missing, right, stale, wrong." in str(caught.value)
    with pytest.raises(SuiteError, match="stripe: the webhook cannot be written as JSON: "):
        sender.send("x", object())
    webhooks.secret = ""
    with pytest.raises(ConfigError) as config:
        sender.send("x")
    assert str(config.value) == (
        "services.stripe.webhooks: webhooks are to be signed and there is no secret\n"
        '  Add secret = "${secret:NAME}", the one that the system verifies with.'
    )
    webhooks.scheme = "strip"
    with pytest.raises(ConfigError) as config:
        sender.send("x")
    assert str(config.value) == (
        'services.stripe.webhooks.scheme: there is no signature scheme "strip"\n'
        '  Did you mean "stripe"? Schemes: stripe.'
    )

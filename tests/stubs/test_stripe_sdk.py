"""The official client of Stripe, pointed at a stub."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe

from avow.core.errors import AvowError
from avow.stubs import calls as reading
from avow.stubs.client import StubChannel

INTENT = {
    "id": "pi_${uuid.hex}",
    "object": "payment_intent",
    "amount": "${request.body.amount:number}",
    "currency": "${request.body.currency}",
    "metadata": "${request.body.metadata}",
    "status": "succeeded",
}
ROUTES = [
    {
        "on": "POST /v1/payment_intents",
        "headers": {"Authorization": "<matches: Bearer sk_.*>", "Stripe-Version": "<present>"},
        "body": {"amount": "<number>", "currency": "<string>"},
        "idempotent": True,
        "answer": {"body": INTENT, "headers": {"Request-Id": "req_${call.number}"}},
    },
    {
        "on": "GET /v1/payment_intents/{id}",
        "answer": {"body": {"id": "${request.path.id}", "object": "payment_intent"}},
    },
    {
        "on": "GET /v1/payment_intents?limit=2",
        "answer": {
            "body": {
                "object": "list",
                "url": "/v1/payment_intents",
                "has_more": False,
                "data": [{"id": "pi_1", "object": "payment_intent"}],
            }
        },
    },
    {
        "on": "POST /v1/refunds",
        "body": {"payment_intent": "<matches: pi_.*>"},
        "idempotent": True,
        "answer": {
            "body": {
                "id": "re_${uuid.hex}",
                "object": "refund",
                "payment_intent": "${request.body.payment_intent}",
                "status": "succeeded",
            }
        },
    },
]


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe, "enable_telemetry", False)
    # The client's pauses between tries, in seconds; the tests are about the tries.
    monkeypatch.setattr("stripe._http_client.HTTPClient._sleep_time_seconds", lambda *_, **__: 0)


@pytest.fixture
def client(stub: StubChannel) -> Iterator[stripe.StripeClient]:
    stub.arm(*ROUTES)
    http = stripe.RequestsClient()
    yield stripe.StripeClient(
        "sk_test_1",
        base_addresses={"api": stub.url},
        max_network_retries=2,
        http_client=http,
    )
    http.close()


CREATE = {
    "amount": 4250,
    "currency": "eur",
    "automatic_payment_methods": {"enabled": True},
    "metadata": {"order": "17"},
    "payment_method_types": ["card", "link"],
}


def test_creates_retrieves_lists_and_refunds(
    client: stripe.StripeClient, stub: StubChannel
) -> None:
    intent = client.v1.payment_intents.create(CREATE)  # type: ignore[arg-type]
    assert (intent.amount, intent.currency, intent.status) == (4250, "eur", "succeeded")
    assert intent.metadata["order"] == "17"
    assert client.v1.payment_intents.retrieve(intent.id).id == intent.id
    listed = client.v1.payment_intents.list({"limit": 2})
    assert [each.id for each in listed.auto_paging_iter()] == ["pi_1"]
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert (refund.status, refund.payment_intent) == ("succeeded", intent.id)

    stub.collect()
    [call] = stub.calls("POST /v1/payment_intents")
    assert reading.request_data(call) == {
        "amount": "4250",
        "currency": "eur",
        "automatic_payment_methods": {"enabled": "true"},
        "metadata": {"order": "17"},
        "payment_method_types": ["card", "link"],
    }
    assert stub.count() == 4
    assert reading.unmatched(stub.ledger) == []


def test_the_same_key_is_the_same_payment(client: stripe.StripeClient) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "order-17"}
    first = client.v1.payment_intents.create(CREATE, options)  # type: ignore[arg-type]
    again = client.v1.payment_intents.create(CREATE, options)  # type: ignore[arg-type]
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create({**CREATE, "amount": 1}, options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 500},
        {"status": 409},
        {"fault": "reset-before-reading"},
        {"fault": "reset-after-reading"},
        {"fault": "close"},
    ],
)
def test_retries_after_trouble(
    client: stripe.StripeClient, stub: StubChannel, trouble: dict[str, object]
) -> None:
    error = {"error": {"type": "api_error", "message": "Sorry."}}
    body = {} if "fault" in trouble else {"body": error}
    stub.arm(
        {
            "on": "POST /v1/payment_intents",
            "answers": [{**trouble, **body}] * 2,
            "after": "unmatched",
        }
    )
    assert client.v1.payment_intents.create(CREATE).status == "succeeded"  # type: ignore[arg-type]
    stub.collect()
    calls = stub.calls("POST /v1/payment_intents")
    assert len(calls) == 3
    keys = {
        value
        for each in calls
        for name, value in each.data["headers"]
        if name.lower() == "idempotency-key"
    }
    assert len(keys) == 1


@pytest.mark.parametrize("fault", ["reset-after-processing", "cut-short"])
def test_an_answer_that_is_lost_charges_once(
    client: stripe.StripeClient, stub: StubChannel, fault: str
) -> None:
    lost = {"body": {**INTENT, "id": "pi_first"}, "fault": fault}
    options: stripe.RequestOptions = {"idempotency_key": "order-17"}
    stub.arm(
        {
            "on": "POST /v1/payment_intents",
            "idempotent": True,
            "answers": [lost],
            "after": "unmatched",
        }
    )
    if fault == "cut-short":
        # The client does not try again by itself after a body that ends too early.
        with pytest.raises(stripe.APIConnectionError):
            client.v1.payment_intents.create(CREATE, options)  # type: ignore[arg-type]
    again = client.v1.payment_intents.create(CREATE, options)  # type: ignore[arg-type]
    assert again.id == "pi_first"
    stub.collect()
    processed = [
        each
        for each in stub.calls("POST /v1/payment_intents")
        if each.data["status"] == 200 and not each.data.get("replayed")
    ]
    assert len(processed) == 1


def test_errors_are_the_client_s_own(client: stripe.StripeClient, stub: StubChannel) -> None:
    error = {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}
    stub.arm(
        {
            "on": "POST /v1/payment_intents",
            "body": {"metadata": {"card": "declined"}},
            "answer": {"status": 402, "body": {"error": error}},
        },
        {
            "on": "POST /v1/payment_intents",
            "body": {"metadata": {"card": "busy"}},
            "answer": {"status": 429, "body": {"error": {"code": "rate_limit", "message": "."}}},
        },
    )
    for card, wanted in (("declined", stripe.CardError), ("busy", stripe.RateLimitError)):
        with pytest.raises(wanted):
            client.v1.payment_intents.create(
                {**CREATE, "metadata": {"card": card}}  # type: ignore[arg-type]
            )
    stub.collect()
    assert stub.count("POST /v1/payment_intents") == 2


def test_the_client_shows_the_near_miss(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.create({"currency": "eur"})  # type: ignore[typeddict-item]
    assert "shop stub: nothing matches POST /v1/payment_intents; closest of 4:" in str(caught.value)
    assert "body.amount: wanted <number>, is not there; there: currency" in str(caught.value)


def test_arming_nothing_useful_is_an_error_of_the_suite(stub: StubChannel) -> None:
    with pytest.raises(AvowError):
        stub.arm({"on": "POST /v1/payment_intents", "body": {"amount": "<nubmer>"}})

"""Stripe's signatures: our own reading of them, Stripe's own verifier, and recorded vectors."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from avow.plugins import SignatureScheme, Unsigned, signature_schemes
from avow.stubs.webhooks.stripe import StripeScheme, rolled

SECRET = "whsec_test_secret_0123456789abcdef"
SCHEME = StripeScheme()


def vectors() -> list[dict[str, Any]]:
    """Return the recorded cases; none where the collection is not beside the checkout."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "contracts"
    place = Path(os.environ.get("AVOW_CONTRACTS", beside)) / "webhook-signatures" / "vectors.json"
    if not place.is_file():
        return []
    cases: list[dict[str, Any]] = json.loads(place.read_text())["schemes"]["stripe"]["cases"]
    return cases


@pytest.mark.contracts
def test_agrees_with_the_recorded_vectors() -> None:
    cases = vectors()
    if not cases:
        pytest.skip("no collection of contracts: set AVOW_CONTRACTS to its directory")
    assert len(cases) >= 12
    for case in cases:
        body = case["body"].encode()
        tolerance = case.get("tolerance")
        wrong = SCHEME.verify(case["secret"], case["headers"], body, 1_800_000_000, tolerance)
        assert (wrong == "") == case["valid"], (case["name"], wrong)
        header = case["headers"].get("Stripe-Signature", "")
        if case["valid"] and header.count("=") == 2:
            unsigned = Unsigned(body=body, timestamp=case["timestamp"])
            assert SCHEME.sign(case["secret"], unsigned) == case["headers"], case["name"]


@given(st.binary(max_size=200).filter(lambda raw: _is_text(raw)), st.integers(1, 2**40))
def test_stripe_s_own_verifier_accepts_it(body: bytes, timestamp: int) -> None:
    headers = SCHEME.sign(SECRET, Unsigned(body=body, timestamp=timestamp))
    assert stripe.WebhookSignature.verify_header(
        body.decode(), headers["Stripe-Signature"], SECRET, tolerance=None
    )
    assert SCHEME.verify(SECRET, headers, body, timestamp) == ""


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_stripe_s_own_verifier_refuses_the_wrong_ones() -> None:
    headers = SCHEME.sign(f"{SECRET}-of-somebody-else", Unsigned(body=b"{}", timestamp=1))
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header("{}", headers["Stripe-Signature"], SECRET)


def test_a_rolled_secret_signs_twice() -> None:
    unsigned = Unsigned(body=b"{}", timestamp=5)
    headers = rolled(["whsec_old", SECRET], unsigned)
    assert headers["Stripe-Signature"].count("v1=") == 2
    for secret in ("whsec_old", SECRET):
        assert SCHEME.verify(secret, headers, b"{}", 5) == ""
        header = headers["Stripe-Signature"]
        assert stripe.WebhookSignature.verify_header("{}", header, secret, tolerance=None)


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, "there is no header Stripe-Signature"),
        ({"Stripe-Signature": "garbage"}, "the header holds no timestamp"),
        ({"Stripe-Signature": "t=x,v1=a"}, "the header holds no timestamp"),
        ({"stripe-signature": "t=5,v0=a"}, "the header holds no signature of scheme v1"),
        ({"Stripe-Signature": "t=5,v1=a"}, "no signature matches the body and the secret"),
    ],
)
def test_says_what_is_wrong_with_a_signature(headers: dict[str, str], wanted: str) -> None:
    assert SCHEME.verify(SECRET, headers, b"{}", 5) == wanted


def test_an_old_signature_is_stale_and_one_from_the_future_is_not() -> None:
    headers = SCHEME.sign(SECRET, Unsigned(body=b"{}", timestamp=1000))
    assert SCHEME.verify(SECRET, headers, b"{}", 1300) == ""
    wanted = "the signature is 301 s old, more than 300 s"
    assert SCHEME.verify(SECRET, headers, b"{}", 1301) == wanted
    assert SCHEME.verify(SECRET, headers, b"{}", 1301, None) == ""
    assert SCHEME.verify(SECRET, headers, b"{}", 0) == ""


def test_the_envelope_is_an_event_that_the_client_can_read() -> None:
    made = SCHEME.event("payment_intent.succeeded", {"id": "pi_1"}, 5, {"livemode": True})
    event = stripe.Event.construct_from(made, "sk_test")
    assert (event.type, event.data.object["id"], event.created) == (
        "payment_intent.succeeded",
        "pi_1",
        5,
    )
    assert made["livemode"] is True
    assert made["id"] != SCHEME.event("x", {}, 5)["id"]


def test_it_comes_by_the_door_of_plug_ins() -> None:
    scheme = signature_schemes()["stripe"]
    assert isinstance(scheme, SignatureScheme)
    assert isinstance(scheme, StripeScheme)

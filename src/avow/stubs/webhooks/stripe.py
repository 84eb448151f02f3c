"""Stripe's webhooks: the header `Stripe-Signature: t=...,v1=...` and the event around an object.

Source: docs.stripe.com/webhooks#verify-manually, and what stripe's own SDKs accept.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from avow.plugins import Unsigned

HEADER = "Stripe-Signature"
#: Seconds that a signature is good for; only the past counts, as in Stripe's SDKs.
TOLERANCE = 300
API_VERSION = "2026-10-28.endive"


class StripeScheme:
    """Signs "TIMESTAMP.BODY" with HMAC-SHA256. The key is the whole secret, "whsec_" included."""

    name = "stripe"

    def sign(self, secret: str, unsigned: Unsigned) -> dict[str, str]:
        """Return the header."""
        mac = _mac(secret, unsigned.timestamp, unsigned.body)
        return {HEADER: f"t={unsigned.timestamp},v1={mac}"}

    def verify(
        self,
        secret: str,
        headers: Mapping[str, str],
        body: bytes,
        now: float,
        tolerance: float | None = TOLERANCE,
    ) -> str:
        """Return what is wrong with a signature, "" where nothing is.

        `now` is in seconds since the epoch; a `tolerance` of None accepts any age.
        """
        header = next(
            (value for name, value in headers.items() if name.lower() == HEADER.lower()), ""
        )
        if not header:
            return f"there is no header {HEADER}"
        items = [item.strip().partition("=") for item in header.split(",")]
        stamps = [value for key, _, value in items if key == "t"]
        # While a secret is rolled, one signature per active secret is sent; one match is enough.
        macs = [value for key, _, value in items if key == "v1"]
        if not stamps or not stamps[0].isdecimal():
            return "the header holds no timestamp"
        if not macs:
            return "the header holds no signature of scheme v1"
        wanted = _mac(secret, int(stamps[0]), body)
        if not any(hmac.compare_digest(wanted.encode(), mac.encode()) for mac in macs):
            return "no signature matches the body and the secret"
        age = now - int(stamps[0])
        if tolerance is not None and age > tolerance:
            return f"the signature is {age:.0f} s old, more than {tolerance:.0f} s"
        return ""

    def event(
        self, kind: str, data: Any, created: int, fields: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the event around an object; `fields` replace those of the event itself.

        Its id is new each time and in every run: a system that remembers events must not take it
        for one it knows.
        """
        return {
            "id": f"evt_{uuid.uuid4().hex[:24]}",
            "object": "event",
            "api_version": API_VERSION,
            "created": created,
            "data": {"object": data},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
            **(fields or {}),
        }


def rolled(secrets: Sequence[str], unsigned: Unsigned) -> dict[str, str]:
    """Return the header as it is while a secret is rolled: one signature per active secret."""
    macs = [f"v1={_mac(secret, unsigned.timestamp, unsigned.body)}" for secret in secrets]
    return {HEADER: ",".join([f"t={unsigned.timestamp}", *macs])}


def _mac(secret: str, timestamp: int, body: bytes) -> str:
    signed = str(timestamp).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()

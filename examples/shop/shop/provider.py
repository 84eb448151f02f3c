"""The payment provider: Stripe, through its own library. Nothing else of the shop knows it.

payments -> Provider.charge -> stripe -> STRIPE_API_BASE
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from shop.logs import Log
from shop.settings import Settings


class ProviderUnavailable(Exception):
    """No answer, or none that says what became of the charge. The same key may be tried again."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What the provider says: `status` is succeeded, requires action, processing or declined."""

    status: str
    provider_id: str | None = None
    redirect_url: str | None = None
    decline_code: str | None = None
    message: str = ""


class Provider:
    """One client for a process; safe to share between threads."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._settings = settings
        self._log = log
        self._stripe: Any = None

    def client(self) -> Any:
        """Return the library's client, whose import takes a fifth of a second: not at start."""
        if self._stripe is None:
            import stripe

            stripe.enable_telemetry = False
            base = self._settings.stripe_api_base
            self._stripe = stripe.StripeClient(
                self._settings.stripe_api_key,
                base_addresses={"api": base, "files": base, "connect": base, "meter_events": base},
                http_client=stripe.RequestsClient(timeout=self._settings.payment_timeout),
                # The shop repeats by itself: it also wants to repeat a 429, and sooner.
                max_network_retries=0,
            )
        return self._stripe

    def charge(self, order: dict[str, Any], method: str, key: str) -> Charge:
        """Charge the card for an order, once for a key however often this is called with it."""
        amount = order["amount_minor"]
        if self._settings.has("amount-rounded"):
            amount = round(amount / 100) * 100
        return self._repeat(
            key,
            lambda client, options: client.v1.payment_intents.create(
                params={
                    "amount": amount,
                    "currency": order["currency"].lower(),
                    "payment_method": method,
                    "payment_method_types": ["card"],
                    "confirm": True,
                    "return_url": f"https://shop.example/orders/{order['id']}",
                    "metadata": {"order_id": str(order["id"])},
                },
                options=options,
            ),
        )

    def confirm(self, provider_id: str, key: str) -> Charge:
        """Ask for the charge again after the customer has shown to the bank who they are."""
        return self._repeat(
            f"{key}-confirmed",
            lambda client, options: client.v1.payment_intents.confirm(provider_id, options=options),
        )

    def refund(self, provider_id: str, amount: int, key: str) -> str:
        """Give money back; return the provider's name of the refund."""
        answer = self._repeat(
            key,
            lambda client, options: client.v1.refunds.create(
                params={"payment_intent": provider_id, "amount": amount}, options=options
            ),
        )
        if answer.provider_id is None:
            raise ProviderUnavailable(answer.message)
        return answer.provider_id

    def _repeat(self, key: str, call: Any) -> Charge:
        """Call, and again after trouble that may pass. The key stays, so it is charged once."""
        import stripe

        tries = self._settings.payment_retries + 1
        for number in range(1, tries + 1):
            if self._settings.has("double-charge-on-retry"):
                key = str(uuid.uuid4())
            try:
                return _read(call(self.client(), {"idempotency_key": key}))
            except stripe.CardError as error:
                return _read_decline(error)
            except stripe.StripeError as error:
                if not _may_pass(error):
                    raise
                self._log.warning(
                    "payment provider in trouble",
                    error=type(error).__name__,
                    status=error.http_status,
                    number=number,
                    of=tries,
                )
                if number == tries:
                    raise ProviderUnavailable(type(error).__name__) from error
                time.sleep(0.05 * 2 ** (number - 1))
        raise AssertionError("unreachable")


def _may_pass(error: Any) -> bool:
    """Say whether the same request may be answered otherwise a moment later."""
    import stripe

    # 409: another request with this key is on its way (a double click).
    return error.http_status == 409 or isinstance(
        error, (stripe.RateLimitError, stripe.APIConnectionError, stripe.APIError)
    )


def _read(answer: Any) -> Charge:
    action = getattr(answer, "next_action", None)
    redirect = getattr(getattr(action, "redirect_to_url", None), "url", None)
    status = str(getattr(answer, "status", "")).replace("_", " ")
    return Charge(status, answer.id, redirect)


def _read_decline(error: Any) -> Charge:
    detail = error.error
    intent = getattr(detail, "payment_intent", None)
    return Charge(
        "declined",
        getattr(intent, "id", None),
        None,
        getattr(detail, "decline_code", None) or error.code,
        error.user_message or "The card was declined.",
    )

"""Sends webhooks for a stub: `world.webhooks["stripe"]`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

import msgspec

from avow.channels.base import ChannelBase, ChannelContext
from avow.channels.http import HttpChannel
from avow.core.entries import Entry
from avow.core.errors import ConfigError, SuiteError, did_you_mean
from avow.core.ledger import Ledger, Observed
from avow.plugins import SignatureScheme, Unsigned, signature_schemes

#: right: as the provider does. wrong: with another secret. stale: older than is accepted. missing:
#: none.
SIGNATURES = ("right", "wrong", "stale", "missing")
#: Beyond the tolerance, so that a clock that differs a little makes no difference.
_STALER = 60
_json = msgspec.json.Encoder().encode


class Delivery(msgspec.Struct, frozen=True):
    """One webhook as it went out: enough to send it again."""

    event: str
    body: bytes
    signature: str
    headers: dict[str, str] | None = None


class WebhookSender(ChannelBase):
    """Signs and sends what a provider tells by itself. Each delivery is a `webhook.sent` in the
    ledger.

    `webhooks` is the stub's setting of that name: `scheme`, `to`, `secret`, `tolerance`, `headers`;
    `to` and `secret` may hold references, which are resolved at the first delivery.
    """

    is_source: ClassVar[bool] = False

    def __init__(
        self,
        name: str,
        webhooks: Any,
        ledger: Ledger,
        context: ChannelContext,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name, {}, None, ledger, context)
        self._webhooks = webhooks
        self._clock = clock
        self._http: HttpChannel | None = None
        self._last: Delivery | None = None
        self._secret = ""

    # -- acts

    def send(
        self,
        event: str,
        data: Any = None,
        *,
        payload: Mapping[str, Any] | bytes | None = None,
        fields: Mapping[str, Any] | None = None,
        signature: str = "right",
        times: int = 1,
        timeout: timedelta | float | None = None,
    ) -> Entry:
        """Send an event and return the exchange (of the last delivery, where `times` is more than
        one).

        `data` is the event's object, in the provider's own envelope, of which `fields` replace
        some; `payload` is the whole body instead. Several deliveries are the same event, each
        signed anew.
        """
        if signature not in SIGNATURES:
            raise SuiteError(
                f'a webhook cannot have a "{signature}" signature',
                where=self.name,
                advice=did_you_mean(signature, SIGNATURES, what="possible"),
            )
        body = self._body(event, data, payload, fields)
        for _ in range(max(times, 1)):
            entry = self._deliver(Delivery(event, body, signature), timeout, "send")
        return entry

    def redeliver(self, times: int = 1, *, timeout: timedelta | float | None = None) -> Entry:
        """Send the last event again, as a provider does that got no answer: signed anew."""
        unsigned = msgspec.structs.replace(self._known(), headers=None)
        for _ in range(max(times, 1)):
            entry = self._deliver(unsigned, timeout, "redeliver")
        return entry

    def replay(self, *, timeout: timedelta | float | None = None) -> Entry:
        """Send the last delivery again byte for byte, as somebody does who recorded it."""
        return self._deliver(self._known(), timeout, "replay")

    # -- the life of a worker

    def bind(self, ledger: Ledger) -> None:
        super().bind(ledger)
        self._last = None

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    # -- how

    @property
    def scheme(self) -> SignatureScheme:
        schemes = signature_schemes()
        wanted = self._webhooks.scheme
        if wanted not in schemes:
            raise ConfigError(
                f'there is no signature scheme "{wanted}"',
                where=f"services.{self.name}.webhooks.scheme",
                advice=did_you_mean(wanted, schemes, what="schemes"),
            )
        return schemes[wanted]

    def _known(self) -> Delivery:
        if self._last is None:
            raise SuiteError(
                "no webhook has been sent in this scenario, so none can be sent again",
                where=self.name,
                advice="Send one first.",
            )
        return self._last

    def _body(
        self,
        event: str,
        data: Any,
        payload: Mapping[str, Any] | bytes | None,
        fields: Mapping[str, Any] | None,
    ) -> bytes:
        if isinstance(payload, bytes):
            return payload
        if payload is None:
            envelope = getattr(self.scheme, "event", None)
            made = {} if data is None else data
            payload = envelope(event, made, int(self._clock()), fields) if envelope else made
        try:
            return _json(payload)
        except (TypeError, ValueError) as error:
            raise SuiteError(
                f"the webhook cannot be written as JSON: {error}", where=self.name
            ) from None

    def _headers(self, body: bytes, signature: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json; charset=utf-8", **self._webhooks.headers}
        if signature == "missing":
            return headers
        timestamp = int(self._clock())
        if signature == "stale":
            timestamp -= int(self._webhooks.tolerance.total_seconds()) + _STALER
        secret = self._revealed()
        if signature == "wrong":
            secret = f"{secret}-of-somebody-else"
        unsigned = Unsigned(body=body, timestamp=timestamp, headers=headers)
        return {**headers, **self.scheme.sign(secret, unsigned)}

    def _revealed(self) -> str:
        if not self._secret:
            if not self._webhooks.secret:
                raise ConfigError(
                    "webhooks are to be signed and there is no secret",
                    where=f"services.{self.name}.webhooks",
                    advice='Add secret = "${secret:NAME}", the one that the system verifies with.',
                )
            self._secret = self.context.resolve(self._webhooks.secret)
            self.context.redactor.mint(f"{self.name} webhooks", self._secret)
        return self._secret

    def _deliver(self, delivery: Delivery, timeout: timedelta | float | None, how: str) -> Entry:
        question = {"event": delivery.event, "signature": delivery.signature, "how": how}

        def perform() -> Observed:
            headers = delivery.headers
            if headers is None:
                headers = self._headers(delivery.body, delivery.signature)
            self._last = msgspec.structs.replace(delivery, headers=headers)
            # The exchange is written once, by us: its own channel writes where nobody reads.
            http = self._channel()
            http.bind(Ledger())
            done = http.send(
                "POST",
                self.context.resolve(self._webhooks.to),
                body=delivery.body,
                headers=headers,
                timeout=timeout,
            )
            data = {
                **done.data,
                "scheme": self._webhooks.scheme,
                "signature": delivery.signature,
                "event": delivery.event,
            }
            answer = done.data["response"]
            outcome = str(answer["status"]) if answer else done.data["error"]["kind"]
            signed = "" if delivery.signature == "right" else f", signature {delivery.signature},"
            summary = f"{self.name} sent {delivery.event}{signed} -> {outcome}"
            return Observed(summary, data, done.bodies, done.started, done.ended)

        # A replay does not perform; what it would send again is answered from the record too.
        self._last = delivery
        return self.ledger.act("webhook.sent", self.name, question, perform)

    def _channel(self) -> HttpChannel:
        if self._http is None:
            self._http = HttpChannel(self.name, {}, None, Ledger(), self.context)
        return self._http

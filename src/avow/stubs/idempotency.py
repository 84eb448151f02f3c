"""Idempotency keys as Stripe keeps them (docs.stripe.com/api/idempotent_requests).

The status and body of the first call with a key are kept, whether it succeeded or not, and given
again to every later call with that key; a call with the same key and other parameters is an error.
Nothing is kept for a call that did not begin to execute: here, one that no route answered or whose
connection was reset before that.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import msgspec

from avow.stubs.answers import Rendered, render
from avow.stubs.request import Request

#: Keys that are remembered; a scenario has fewer, a load test forgets the oldest.
_KEPT = 10_000
_REPLAYED = b"Idempotent-Replayed: true\r\n"


class Kept(msgspec.Struct):
    """What is known of a key: the call it came with, and its answer once there is one."""

    method: str
    path: str
    parameters: bytes
    answer: Rendered | None = None


class IdempotencyKeys:
    """The keys of one stub; forgotten at the end of a scenario."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()

    def clear(self) -> None:
        self._kept.clear()

    def begin(self, key: bytes, request: Request) -> Kept | Rendered:
        """Return what to answer to a call with a known key, or where to keep the answer of a new
        one.
        """
        parameters = hashlib.sha256(request.body).digest()
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = Kept(request.method, request.path, parameters)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return kept
        if (kept.method, kept.path) != (request.method, request.path):
            return _error(
                400,
                "idempotency_error",
                None,
                "Keys for idempotent requests can only be used for the same endpoint they were"
                f" first used for ('{kept.path}' vs '{request.path}').",
            )
        if kept.parameters != parameters:
            return _error(
                400,
                "idempotency_error",
                None,
                "Keys for idempotent requests can only be used with the same parameters they were"
                " first used with.",
            )
        if kept.answer is None:
            return _error(
                409,
                "idempotency_error",
                "idempotency_key_in_use",
                "There is currently another in-progress request using this Idempotency-Key.",
            )
        return msgspec.structs.replace(
            kept.answer, head=kept.answer.head[:-2] + _REPLAYED + b"\r\n"
        )

    def forget(self, key: bytes) -> None:
        self._kept.pop(key, None)


def _error(status: int, kind: str, code: str | None, message: str) -> Rendered:
    error = {"type": kind, "message": message}
    if code:
        error["code"] = code
    body = msgspec.json.encode({"error": error})
    return render(status, {}, body, "application/json")

"""Tokens that the shop never gave to anybody."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json


def signed(claims: dict[str, object], key: str) -> str:
    """Return a JWT (RFC 7519), signed with HMAC-SHA256."""
    head = _part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = _part(json.dumps(claims).encode())
    mac = hmac.new(key.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_part(mac)}"


def unsigned(claims: dict[str, object]) -> str:
    """Return a JWT that says it needs no signature."""
    head = _part(json.dumps({"alg": "none"}).encode())
    return f"{head}.{_part(json.dumps(claims).encode())}."


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")

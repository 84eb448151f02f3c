"""Who is asking: customers by API key, staff by a signed token from POST /token."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Any

from shop.database import Connection
from shop.problems import Problem, forbidden, unauthenticated
from shop.settings import Settings

_AUDIENCE = "shop-admin"
_LIFETIME = 900


@dataclass(frozen=True, slots=True)
class Customer:
    id: int
    name: str
    email: str


def new_api_key() -> str:
    return "shop_key_" + secrets.token_urlsafe(24)


def digest(api_key: str) -> str:
    """Return what the database knows of a key. Keys are long and random: no salt, no stretching."""
    return hashlib.sha256(api_key.encode()).hexdigest()


def _bearer(headers: Any) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthenticated("Send your key as `Authorization: Bearer <key>`.")
    return str(token.strip())


def customer(conn: Connection, headers: Any) -> Customer:
    """Return the customer whose API key this is."""
    row = conn.execute(
        "SELECT id, name, email FROM customers WHERE api_key_hash = %s",
        (digest(_bearer(headers)),),
    ).fetchone()
    if row is None:
        raise unauthenticated("This key is not known.")
    return Customer(**row)


def issue_token(settings: Settings, form: dict[str, str], headers: Any) -> dict[str, object]:
    """Answer a client-credentials request (RFC 6749, section 4.4)."""
    import jwt

    if form.get("grant_type") != "client_credentials":
        raise Problem(
            400,
            "unsupported-grant",
            "Only client_credentials is offered",
            error="unsupported_grant_type",
        )
    client, secret = _client(form, headers)
    known = {"admin": settings.admin_secret, "auditor": settings.auditor_secret}
    wanted = known.get(client, "")
    if not wanted or not hmac.compare_digest(wanted.encode(), secret.encode()):
        raise Problem(
            401,
            "unknown-client",
            "This client is not known",
            headers={"WWW-Authenticate": 'Basic realm="shop"'},
            error="invalid_client",
        )
    now = int(time.time())
    scope = "orders:read" if client == "auditor" else "orders:read orders:write"
    claims = {"sub": client, "aud": _AUDIENCE, "scope": scope, "iat": now, "exp": now + _LIFETIME}
    token = jwt.encode(claims, settings.jwt_secret, algorithm="HS256")
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": _LIFETIME,
        "scope": scope,
    }


def _client(form: dict[str, str], headers: Any) -> tuple[str, str]:
    """Return the client's name and secret, from HTTP Basic or from the form."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def staff(settings: Settings, headers: Any, scope: str) -> str:
    """Return the name of the client whose token allows `scope`."""
    import jwt

    try:
        claims = jwt.decode(
            _bearer(headers),
            settings.jwt_secret,
            algorithms=["HS256"],
            audience=_AUDIENCE,
            options={"require": ["exp", "aud", "sub"]},
        )
    except jwt.ExpiredSignatureError:
        raise unauthenticated("This token has expired; ask for another at POST /token.") from None
    except jwt.InvalidTokenError:
        raise unauthenticated("This is not a token of this shop.") from None
    if scope not in str(claims.get("scope", "")).split():
        raise forbidden(f"Your token does not cover {scope}.")
    return str(claims["sub"])

"""Auth profiles of a service: how a request says who sends it.

In avow.toml:
    auth.customer = { scheme = "bearer", token = "${secret:CUSTOMER}" }
    auth.clerk = { scheme = "basic", user = "clerk", password = "${secret:CLERK}" }
    auth.partner = { scheme = "header", header = "X-Api-Key", token = "${secret:PARTNER}" }
    auth.legacy = { scheme = "query", name = "key", token = "${secret:LEGACY}" }
    auth.browser = { scheme = "cookie", name = "session", token = "${secret:SESSION}" }
    auth.admin = { scheme = "oauth2", token_url = "{shop.url}/token", client = "admin",
                   secret = "${secret:ADMIN}" }
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from avow.core.entries import Entry
from avow.core.errors import ConfigError, EnvironmentProblem, did_you_mean
from avow.core.secrets import Redactor

SCHEMES = ("bearer", "basic", "header", "query", "cookie", "oauth2")

Fetch = Callable[[str, dict[str, str]], Entry]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a profile adds to a request."""

    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """One `auth.NAME`, its references not yet resolved."""

    name: str
    service: str
    fields: Mapping[str, Any]

    @classmethod
    def find(cls, profiles: Mapping[str, Any], name: str, service: str) -> Profile:
        """Return the profile; raises ConfigError, with the nearest name, where there is none."""
        if name not in profiles:
            raise ConfigError(
                f'service "{service}" has no auth profile "{name}"',
                where=f"[services.{service}] auth",
                advice=did_you_mean(name, profiles, what="declared"),
            )
        value = profiles[name]
        if not isinstance(value, Mapping):
            value = {key: getattr(value, key) for key in value.__struct_fields__}
        return cls(name, service, value)

    @property
    def scheme(self) -> str:
        scheme = str(self.fields.get("scheme") or "").lower()
        if scheme not in SCHEMES:
            raise ConfigError(
                f'"{scheme}" is not an auth scheme',
                where=self.where,
                advice=did_you_mean(scheme, SCHEMES, what="possible"),
            )
        return scheme

    @property
    def where(self) -> str:
        return f"[services.{self.service}] auth.{self.name}"

    def field(self, name: str, resolve: Callable[[str], str], default: str | None = None) -> str:
        """Return a field with its references resolved."""
        value = self.fields.get(name)
        if value:
            return resolve(str(value))
        if default is None:
            raise ConfigError(f'scheme "{self.scheme}" also needs "{name}"', where=self.where)
        return default


class Auth:
    """Makes a profile's credentials; keeps the tokens it fetched until the scenario ends."""

    def __init__(self, resolve: Callable[[str], str], redactor: Redactor) -> None:
        self._resolve = resolve
        self._redactor = redactor
        self._tokens: dict[str, str] = {}

    def forget(self) -> None:
        """Another scenario begins: its tokens are its own."""
        self._tokens.clear()

    def credentials(self, profile: Profile, fetch: Fetch) -> Credentials:
        """Return what to send; `fetch(url, form)` posts a form and returns the exchange."""
        match profile.scheme:
            case "basic":
                pair = f"{self._field(profile, 'user')}:{self._field(profile, 'password')}"
                encoded = base64.b64encode(pair.encode()).decode()
                # The pair is a secret of its own where its password is one.
                if self._redactor.finds_in(pair.encode()):
                    self._redactor.mint(f"{profile.service} auth {profile.name}", encoded)
                return _authorization(f"Basic {encoded}")
            case "header":
                header = self._field(profile, "header")
                return Credentials(((header, self._field(profile, "token")),))
            case "query":
                name = self._field(profile, "name")
                return Credentials(query=((name, self._field(profile, "token")),))
            case "cookie":
                cookie = f"{self._field(profile, 'name')}={self._field(profile, 'token')}"
                return Credentials((("Cookie", cookie),))
            case "oauth2":
                token = self._tokens.get(profile.name)
                if token is None:
                    token = self._tokens[profile.name] = self._fetched(profile, fetch)
                return _authorization(f"Bearer {token}")
            case _:
                return _authorization(f"Bearer {self._field(profile, 'token')}")

    def _field(self, profile: Profile, name: str, default: str | None = None) -> str:
        return profile.field(name, self._resolve, default)

    def _fetched(self, profile: Profile, fetch: Fetch) -> str:
        form = {"grant_type": self._field(profile, "flow", "client_credentials")}
        # RFC 6749 section 2.3.1: the client's credentials in the body, as every server takes them.
        form["client_id"] = self._field(profile, "client")
        form["client_secret"] = self._field(profile, "secret")
        if form["grant_type"] == "password":
            form["username"] = self._field(profile, "user")
            form["password"] = self._field(profile, "password")
        scopes = profile.fields.get("scopes")
        if scopes:
            form["scope"] = " ".join(scopes)
        audience = self._field(profile, "audience", "")
        if audience:
            form["audience"] = audience
        entry = fetch(self._field(profile, "token_url"), form)
        token, problem = _token_of(entry)
        if problem:
            raise EnvironmentProblem(
                f"no token came: {problem}",
                where=profile.where,
                advice="Look at the exchange in the evidence, and at token_url, client and secret.",
            )
        self._redactor.mint(f"{profile.service} auth {profile.name}", token)
        return token


def _authorization(value: str) -> Credentials:
    return Credentials((("Authorization", value),))


def _token_of(entry: Entry) -> tuple[str, str]:
    error = entry.data.get("error")
    if error:
        return "", str(error["message"])
    url, status = entry.data["request"]["url"], entry.data["response"]["status"]
    if status != 200:
        return "", f"{url} answered {status}"
    try:
        token = json.loads(entry.bodies["response"].raw)["access_token"]
    except (ValueError, KeyError, TypeError):
        return "", f'{url} answered without "access_token"'
    return (token, "") if isinstance(token, str) and token else ("", '"access_token" is not a text')

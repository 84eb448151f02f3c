"""Auth profiles of a service: how a request says who sends it.

In avow.toml:
    auth.customer = { scheme = "bearer", token = "${secret:CUSTOMER}" }
    auth.clerk = { scheme = "basic", user = "clerk", password = "${secret:CLERK}" }
    auth.partner = { scheme = "api-key", header = "X-Api-Key", token = "${secret:PARTNER}" }
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

SCHEMES = ("bearer", "basic", "api-key", "oauth2")

Header = tuple[str, str]


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
        scheme = str(self.fields.get("scheme") or "").replace("_", "-").lower()
        scheme = {"header": "api-key", "apikey": "api-key", "client-credentials": "oauth2"}.get(
            scheme, scheme
        )
        if scheme not in SCHEMES:
            raise ConfigError(
                f'"{self.fields.get("scheme")}" is not an auth scheme',
                where=self.where,
                advice=did_you_mean(scheme, SCHEMES, what="possible"),
            )
        return scheme

    @property
    def where(self) -> str:
        return f"[services.{self.service}] auth.{self.name}"

    def field(self, *names: str, resolve: Callable[[str], str], default: str | None = None) -> str:
        """Return the first such field with its references resolved."""
        for name in names:
            value = self.fields.get(name)
            if value is not None and value != "":
                return resolve(str(value))
        if default is None:
            raise ConfigError(f'scheme "{self.scheme}" needs "{names[0]}"', where=self.where)
        return default


class Auth:
    """Makes the headers of a profile; remembers the tokens it fetched until the scenario ends."""

    def __init__(self, resolve: Callable[[str], str], redactor: Redactor) -> None:
        self._resolve = resolve
        self._redactor = redactor
        self._tokens: dict[str, str] = {}

    def forget(self) -> None:
        """Another scenario begins: its tokens are its own."""
        self._tokens.clear()

    def headers(
        self, profile: Profile, fetch: Callable[[str, dict[str, str]], Entry]
    ) -> list[Header]:
        """Return the headers; `fetch(url, form)` posts a form and returns the exchange."""
        match profile.scheme:
            case "bearer":
                return [("Authorization", f"Bearer {self._field(profile, 'token')}")]
            case "basic":
                user = self._field(profile, "user", "username", "client")
                password = self._field(profile, "password", "secret")
                pair = base64.b64encode(f"{user}:{password}".encode()).decode()
                return [("Authorization", f"Basic {pair}")]
            case "api-key":
                header = self._field(profile, "header", default="X-Api-Key")
                return [(header, self._field(profile, "token", "key"))]
            case _:
                token = self._tokens.get(profile.name)
                if token is None:
                    token = self._tokens[profile.name] = self._fetched(profile, fetch)
                return [("Authorization", f"Bearer {token}")]

    def _field(self, profile: Profile, *names: str, default: str | None = None) -> str:
        return profile.field(*names, resolve=self._resolve, default=default)

    def _fetched(self, profile: Profile, fetch: Callable[[str, dict[str, str]], Entry]) -> str:
        # RFC 6749 section 4.4.2, the client's own credentials in the body (section 2.3.1).
        form = {
            "grant_type": "client_credentials",
            "client_id": self._field(profile, "client", "client_id"),
            "client_secret": self._field(profile, "secret", "client_secret"),
        }
        for field in ("scope", "audience"):
            value = self._field(profile, field, default="")
            if value:
                form[field] = value
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


def _token_of(entry: Entry) -> tuple[str, str]:
    error = entry.data.get("error")
    if error:
        return "", str(error["message"])
    status = entry.data["response"]["status"]
    if status != 200:
        return "", f"{entry.data['request']['url']} answered {status}"
    try:
        answer = json.loads(entry.bodies["response"].raw)
        token = answer["access_token"]
    except (ValueError, KeyError, TypeError):
        return "", f'{entry.data["request"]["url"]} answered without "access_token"'
    return (token, "") if isinstance(token, str) and token else ("", '"access_token" is not a text')

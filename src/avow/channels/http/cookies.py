"""The cookies of one scenario and service, kept as a browser keeps them (RFC 6265, by the standard
library).
"""

from __future__ import annotations

import email.message
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, cast

from avow.channels.http.call import Target, host_of
from avow.channels.http.wire import Origin


class Cookies:
    """Costs nothing until a server sets the first one.

    A jar for each origin: on one machine many services share a host, and RFC 6265 would hand the
    cookies of one to all of them.
    """

    def __init__(self) -> None:
        self._jars: dict[Origin, CookieJar] = {}

    def header(self, target: Target) -> str:
        """Return the value of the Cookie header for a request, or nothing."""
        jar = self._jars.get(target.origin)
        if jar is None:
            return ""
        request = _Request(target)
        jar.add_cookie_header(cast("Any", request))
        return request.added.get("Cookie", "")

    def keep(self, target: Target, headers: list[tuple[str, str]]) -> None:
        """Keep what the headers of an answer set."""
        setters = [value for name, value in headers if name.lower() == "set-cookie"]
        if not setters:
            return
        jar = self._jars.get(target.origin)
        if jar is None:
            # Hosts here are addresses and single words; the default policy refuses some of them
            # domains.
            jar = self._jars[target.origin] = CookieJar(DefaultCookiePolicy(strict_ns_domain=0))
        message = email.message.Message()
        for value in setters:
            message["Set-Cookie"] = value
        jar.extract_cookies(cast("Any", _Response(message)), cast("Any", _Request(target)))

    def values(self) -> dict[str, str]:
        """Return names and values of all cookies."""
        return {each.name: each.value or "" for jar in self._jars.values() for each in jar}


class _Request:
    """As much of urllib.request.Request as CookieJar looks at."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.added: dict[str, str] = {}
        self.unverifiable = False
        self.type = target.origin.scheme
        self.host = host_of(target.origin)
        self.origin_req_host = target.origin.host

    def get_full_url(self) -> str:
        return self._target.url

    def has_header(self, name: str) -> bool:
        return name in self.added

    def get_header(self, name: str, default: str | None = None) -> str | None:
        return self.added.get(name, default)

    def add_unredirected_header(self, name: str, value: str) -> None:
        self.added[name] = value


class _Response:
    def __init__(self, message: email.message.Message) -> None:
        self._message = message

    def info(self) -> email.message.Message:
        return self._message

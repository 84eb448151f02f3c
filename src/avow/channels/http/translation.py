"""httpx's exceptions and avow's words for the same, both ways; nobody else tells them apart.

    Trouble --fail--> the exception that httpx expects of a transport --understood--> Trouble

httpx says which call failed (connect, read), avow what failed (refused, reset, incomplete): the
exception carries what the wire saw as its cause.
"""

from __future__ import annotations

from typing import NoReturn

import httpx

from avow.channels.http.trouble import Kind, Trouble
from avow.core.errors import InternalError, SuiteError

#: Everything that httpx raises.
ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)

_RAISED: dict[Kind, type[httpx.RequestError]] = {
    Kind.UNRESOLVED: httpx.ConnectError,
    Kind.REFUSED: httpx.ConnectError,
    Kind.UNREACHABLE: httpx.ConnectError,
    Kind.TLS: httpx.ConnectError,
    Kind.RESET: httpx.ReadError,
    Kind.CLOSED: httpx.RemoteProtocolError,
    Kind.INCOMPLETE: httpx.RemoteProtocolError,
    Kind.TIMEOUT: httpx.ReadTimeout,
    Kind.PROTOCOL: httpx.RemoteProtocolError,
    Kind.TOO_LARGE: httpx.ReadError,
    Kind.UNDECODABLE: httpx.DecodingError,
    Kind.REDIRECTS: httpx.TooManyRedirects,
}

#: What an exception means that does not come from the wire; the nearest base class counts.
_OUTCOMES: dict[type[Exception], Kind] = {
    httpx.ConnectError: Kind.UNREACHABLE,
    httpx.ProxyError: Kind.UNREACHABLE,
    httpx.NetworkError: Kind.RESET,
    httpx.TimeoutException: Kind.TIMEOUT,
    httpx.RemoteProtocolError: Kind.PROTOCOL,
    httpx.ProtocolError: Kind.PROTOCOL,
    httpx.DecodingError: Kind.UNDECODABLE,
    httpx.TooManyRedirects: Kind.REDIRECTS,
}

#: The request cannot be: whoever wrote it has to change it.
_MISTAKES = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)


class Seen(Exception):
    """What the wire saw, and the address that it was connected to."""

    def __init__(self, trouble: Trouble, address: str = "") -> None:
        super().__init__(trouble.message)
        self.trouble = trouble
        self.address = address


def fail(trouble: Trouble, address: str = "") -> NoReturn:
    """Raise what httpx expects of a transport that met a trouble."""
    raise _RAISED[trouble.kind](trouble.message) from Seen(trouble, address)


def understood(error: Exception) -> Seen:
    """Return what an exception of httpx tells of the exchange; raises AvowError where it tells
    nothing of the system, but of the request or of avow.
    """
    if isinstance(error.__cause__, Seen):
        return error.__cause__
    for base in type(error).__mro__:
        if base in _MISTAKES:
            raise SuiteError(str(error))
        if base in _OUTCOMES:
            return Seen(Trouble(_OUTCOMES[base], str(error)))
    raise InternalError(f"httpx raised {type(error).__name__}: {error}") from error

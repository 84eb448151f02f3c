"""What can go wrong with an exchange: outcomes that a scenario may assert on, one kind each."""

from __future__ import annotations

import errno
import socket
import ssl
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """The word in the entry's `error.kind`."""

    UNRESOLVED = "unresolved"  # the name has no address
    REFUSED = "refused"  # nobody listens there
    UNREACHABLE = "unreachable"  # no way to the address
    TLS = "tls"  # the handshake or the certificate
    RESET = "reset"  # the connection was torn down
    CLOSED = "closed"  # closed in order, without an answer
    INCOMPLETE = "incomplete"  # closed in order, in the middle of the answer
    TIMEOUT = "timeout"  # the deadline of the call passed
    PROTOCOL = "protocol"  # what came is not HTTP
    TOO_LARGE = "too large"  # the decoded body is over the limit
    UNDECODABLE = "undecodable"  # the content coding is broken
    REDIRECTS = "redirects"  # more redirects than anybody follows


class Trouble(NamedTuple):
    """One kind and what was seen."""

    kind: Kind
    message: str

    def to_plain(self) -> dict[str, str]:
        return {"kind": self.kind.value, "message": self.message}


_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.ENETDOWN}


def of_os_error(error: OSError, seen: str) -> Trouble:
    """Return the kind of an error of a socket; `seen` says how far the exchange had come."""
    said = error.strerror or str(error) or type(error).__name__
    kind = Kind.UNREACHABLE
    match error:
        case TimeoutError():
            kind, said = Kind.TIMEOUT, "the deadline passed"
        case socket.gaierror():
            kind = Kind.UNRESOLVED
        case ssl.SSLEOFError():
            kind, said = Kind.RESET, "the peer ended TLS without saying so"
        case ssl.SSLCertVerificationError():
            kind, said = Kind.TLS, f"the certificate is not accepted: {error.verify_message}"
        case ssl.SSLError():
            kind = Kind.TLS
        case ConnectionRefusedError():
            kind = Kind.REFUSED
        case ConnectionResetError() | BrokenPipeError() | ConnectionAbortedError():
            kind, said = Kind.RESET, "the peer tore the connection down"
        case _ if error.errno in _UNREACHABLE:
            kind = Kind.UNREACHABLE
        case _ if error.errno == errno.ETIMEDOUT:
            kind = Kind.TIMEOUT
    return Trouble(kind, f"{said} {seen}")

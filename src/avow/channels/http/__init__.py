"""HTTP/1.1 over TCP and TLS: the channel that scenarios use most, and so the one that must cost
least.

    HttpChannel.send --Call--> Session --httpx.Client--> Wire --> socket --Answer--> Observed
         |                        |                       |
         +-- auth, ledger         +-- cookies, redirects  +-- one deadline, one cap, one address

httpx makes requests, keeps cookies and reads redirects; below it is a transport of avow's own
(wire.py says why). What goes wrong on the way is not an exception but the outcome of the exchange:
`Trouble`, one kind each.
"""

import sys

if "httpx" not in sys.modules:
    # With httpx comes a command line, where click and rich are installed: half of what it costs to
    # import. None says that they are not, which httpx is prepared for.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    try:
        import httpx  # noqa: F401
    finally:
        del sys.modules["httpx._main"]

from avow.channels.http.channel import HttpChannel
from avow.channels.http.trouble import Kind, Trouble

__all__ = ["HttpChannel", "Kind", "Trouble"]

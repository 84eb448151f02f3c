"""HTTP/1.1 over TCP and TLS: the channel that scenarios use most, and so the one that must cost
least.

    HttpChannel.send --Call--> ledger.act --Wire.exchange--> socket --Answer--> Observed
         |                                      |
         +-- auth, cookies, redirects           +-- one deadline, one cap, one address

What goes wrong on the way is not an exception but the outcome of the exchange: `Trouble`, one kind
each.
"""

from avow.channels.http.channel import HttpChannel
from avow.channels.http.trouble import Kind, Trouble

__all__ = ["HttpChannel", "Kind", "Trouble"]

"""Which addresses a suite may connect to: loopback, what it started itself, and [guards] hosts.

The decision falls on the address that was looked up, and that address is what the caller connects
to: a name that answers differently the second time changes nothing, nor does a strange spelling. A
name that is not allowed is not even looked up, unless the machine's own hosts file knows it.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from avow.core.errors import EnvironmentProblem, GuardRefusal, nearest
from avow.core.text import shortened

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Looks up a name; returns addresses. `numeric`: without asking anybody.
Lookup = Callable[[str, bool], list[str]]

_HOSTS_FILE = Path("/etc/hosts")

# Characters that different readers of a URL split at differently: `127.0.0.1\@evil.example`.
_NOT_IN_A_HOST = re.compile(r"[\s\\/@?#\[\]<>^|%\x00-\x1f\x7f]")


def look_up(host: str, numeric: bool) -> list[str]:
    """Return the addresses of a name, without a query where `numeric`; raises OSError."""
    flags = socket.AI_NUMERICHOST if numeric else 0
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Addresses:
    """Decides about addresses; `own` adds what the suite started itself."""

    def __init__(self, allowed: Iterable[str], lookup: Lookup = look_up) -> None:
        self._allowed = tuple(each.lower().rstrip(".") for each in allowed)
        found = map(_network, self._allowed)
        self._networks: list[Network] = [each for each in found if each is not None]
        self._own: set[tuple[str, int]] = set()
        self._lookup = lookup

    def own(self, host: str, port: int) -> None:
        """Allow an address (not a name) that the suite started a service on."""
        self._own.add((str(_plain(host)), port))

    def check(self, host: str, port: int, where: str) -> str:
        """Return the address to connect to; raises GuardRefusal before anything is sent."""
        if not host or _NOT_IN_A_HOST.search(host):
            raise GuardRefusal(
                f'"{shortened(host, 80)}" is not a host',
                where=where,
                advice="Write a name or an address, without anything else.",
            )
        found = self._numeric(host)
        if found:
            for address in found:
                if self._allows(address, port):
                    return _reachable(address)
            raise self._refusal(host, where, found[0])
        name = host.lower().rstrip(".")
        if self._lists(name):
            return self._listed(host, where)
        if name == "localhost" or name.endswith(".localhost"):
            # RFC 6761 section 6.3: these names are loopback, whatever a resolver says.
            return "127.0.0.1"
        for address in _in_hosts_file(name):
            if self._allows(address, port):
                return _reachable(address)
        raise self._refusal(host, where)

    def _numeric(self, host: str) -> list[Address]:
        try:
            # Not ipaddress: 2130706433, 0x7f.1, 127.1 and circled digits reach 127.0.0.1 as well.
            return [_plain(each) for each in self._lookup(host, True)]
        except (OSError, UnicodeError):
            return []

    def _listed(self, host: str, where: str) -> str:
        try:
            found = [_plain(each) for each in self._lookup(host, False)]
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise EnvironmentProblem(
                f'the name "{host}" cannot be looked up: {reason}',
                where=where,
                advice="Is the name right, and does this machine reach the network it is in?",
            ) from None
        # A cloud's metadata service lives at a link-local address and hands out credentials.
        usable = [each for each in found if not each.is_link_local]
        if not usable:
            raise self._refusal(host, where, found[0] if found else None)
        return _reachable(min(usable, key=lambda each: each.version))

    def _allows(self, address: Address, port: int) -> bool:
        return (
            address.is_loopback
            or address.is_unspecified
            or (str(address), port) in self._own
            or any(address in network for network in self._networks)
        )

    def _lists(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self._allowed)

    def _refusal(self, host: str, where: str, address: Address | None = None) -> GuardRefusal:
        shown = f'"{shortened(host, 80)}"'
        entry = host.lower()
        if address is not None and str(address) != host:
            shown += f" is {address}, which"
            entry = str(address)
        guess = nearest(host, self._allowed, cutoff=0.8)
        hint = f'Did you mean "{guess}"? ' if guess else ""
        return GuardRefusal(
            f"{shown} is neither this machine nor in [guards] hosts",
            where=where,
            advice=f"{hint}If this suite may touch it, allow it in avow.toml: "
            f'[guards] hosts = ["{entry}"].',
        )


def _plain(text: str) -> Address:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        # ::ffff:127.0.0.1 is 127.0.0.1 on the wire, and not loopback to ipaddress.
        return address.ipv4_mapped
    return address


def _reachable(address: Address) -> str:
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return str(address)


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _in_hosts_file(name: str) -> list[Address]:
    found = []
    try:
        lines = _HOSTS_FILE.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        if name in map(str.lower, names):
            try:
                found.append(_plain(address))
            except ValueError:
                continue
    return sorted(found, key=lambda each: each.version)

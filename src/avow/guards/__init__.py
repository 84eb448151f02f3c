"""What a suite may touch. Every refusal comes before the first byte and names the setting."""

from __future__ import annotations

from pathlib import Path

from avow.config import GuardSettings
from avow.guards.addresses import Addresses, Lookup, look_up
from avow.guards.databases import check_database
from avow.guards.paths import check_path

__all__ = ["Guards"]


class Guards:
    """The guards of one suite; channels and services ask before they touch anything."""

    def __init__(self, settings: GuardSettings, root: Path, *, lookup: Lookup = look_up) -> None:
        self._settings = settings
        self._root = root
        self._addresses = Addresses(settings.hosts, lookup)

    def address(self, host: str, port: int, *, where: str = "") -> str:
        """Return the address to connect to, and to no other; raises GuardRefusal."""
        return self._addresses.check(host, port, where)

    def own(self, host: str, port: int) -> None:
        """Allow an address on which the suite itself started a service."""
        self._addresses.own(host, port)

    def database(self, name: str, owned: bool = False, *, where: str = "") -> None:
        """Return quietly where the database may be used; raises GuardRefusal."""
        check_database(name, owned=owned, allowed=self._settings.databases, where=where)

    def path(self, text: str, *, exists: bool = False, where: str = "") -> Path:
        """Return the real path of a file under the suite's root; raises GuardRefusal."""
        return check_path(text, self._root, exists=exists, where=where)

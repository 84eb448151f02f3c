"""A service that is somebody else's: not started, not stopped, only asked whether it is there."""

from __future__ import annotations

from avow.core.errors import ConfigError, GuardRefusal
from avow.services.addresses import facts_from_url, secrets_in
from avow.services.provider import Facts, Provider
from avow.services.readiness import look_at


class Attached(Provider):
    def start(self) -> Facts:
        definition = self.definition
        if not definition.url:
            raise ConfigError(
                "an attached service needs its address",
                where=f"services.{definition.name}",
                advice='Set url = "...".',
            )
        url = self.at.resolve(definition.url)
        facts = facts_from_url(definition, url, self.at.environ)
        self.secrets = secrets_in(facts, url)
        address = self._allowed(facts)
        if look := look_at(definition, facts, address=address):
            self.at.wait(*look)
        return facts

    def _allowed(self, facts: Facts) -> str:
        """Return the address that the suite may connect to; raises GuardRefusal for any other."""
        where = f"services.{self.definition.name}.url"
        guards = self.at.guards
        if guards is None:
            raise GuardRefusal("no guards are at hand to allow an attached service", where=where)
        if self.definition.kind == "postgres":
            guards.database(facts["name"], owned=False)
        address: str = guards.address(facts["host"], int(facts["port"]), where=where)
        return address

    def stop(self) -> None:
        pass

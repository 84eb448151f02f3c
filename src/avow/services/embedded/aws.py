"""The embedded AWS: moto in a process of its own, one for all of a stack's S3, SQS, SNS and SSM."""

from __future__ import annotations

import importlib.util
from typing import Any, ClassVar

from avow.config.values import ServiceDefinition
from avow.core.errors import MissingExtra
from avow.services.embedded import server
from avow.services.provider import Facts, Provider

#: Not secrets: moto lets everybody in, but clients will not go without.
ACCESS_KEY, SECRET_KEY = "avow", "avow-local-only"


class EmbeddedAws(Provider):
    # One process, so that a topic can deliver to a queue as it does at AWS.
    shared: ClassVar[str] = "aws"

    def start(self) -> Facts:
        for module in ("moto", "flask"):
            if importlib.util.find_spec(module) is None:
                kind, name = self.definition.kind, self.definition.name
                raise MissingExtra.for_feature(f'the embedded {kind} "{name}"', "aws", module)
        wanted: dict[str, Any] = {"create": []}
        for sibling in self.at.siblings or (self.definition,):
            settings = sibling.settings
            for what in ("bucket", "queue", "topic"):
                wanted["create"] += [
                    [settings.region, what, each] for each in getattr(settings, f"{what}s", ())
                ]
            wanted["create"] += [
                [settings.region, "parameter", name, self.at.resolve(value)]
                for name, value in getattr(settings, "parameters", {}).items()
            ]
        self._facts = server.start(self, "avow.services.servers.aws", wanted)
        return self.facts_of(self.definition)

    def facts_of(self, definition: ServiceDefinition) -> Facts:
        return {
            **self._facts,
            "region": definition.settings.region,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
        }

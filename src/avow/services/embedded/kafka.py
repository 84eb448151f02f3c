"""The embedded Kafka: librdkafka's mock cluster in a process of its own."""

from __future__ import annotations

import importlib.util

from avow.core.errors import MissingExtra
from avow.services.embedded import server
from avow.services.provider import Facts, Provider


class EmbeddedKafka(Provider):
    def start(self) -> Facts:
        if importlib.util.find_spec("confluent_kafka") is None:
            raise MissingExtra.for_feature(
                f'the embedded kafka "{self.definition.name}"', "kafka", "confluent_kafka"
            )
        settings = self.definition.settings
        topics = dict.fromkeys(settings.topics, settings.partitions)
        facts = server.start(self, "avow.services.servers.kafka", {"topics": topics})
        host, _, port = facts["bootstrap"].rpartition(":")
        return {**facts, "host": host, "port": port, "url": f"kafka://{facts['bootstrap']}"}

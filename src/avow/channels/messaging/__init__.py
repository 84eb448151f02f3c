"""Messages: what scenarios publish and what the system published."""

from avow.channels.messaging.kafka import KafkaChannel

__all__ = ["KafkaChannel"]

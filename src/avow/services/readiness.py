"""The right look at each kind of service, by its facts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

from avow.config.values import ServiceDefinition
from avow.services import probes

Look = tuple[Callable[[], object], str]


def look_at(
    definition: ServiceDefinition, facts: Mapping[str, str], *, address: str = ""
) -> Look | None:
    """Return how to look whether it is ready, and the words for "did not ...".

    `address` is the one to connect to where it was decided before. None: there is nothing to ask.
    """
    health = definition.health
    host, port = address or facts.get("host", ""), facts.get("port", "")
    if health.path and facts.get("url"):
        wanted = f" with {health.status}"
        if health.json is not None:
            wanted += f" and {json.dumps(health.json, ensure_ascii=False)}"
        return (
            lambda: probes.http_health(facts["url"], health, connect_to=address),
            f"answer GET {health.path}{wanted}",
        )
    if not port:
        return None
    if definition.kind == "redis":
        parts = urlsplit(facts["url"])
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return lambda: probes.redis_ping(
            host, int(port), user=user, password=password
        ), "answer PING"
    if definition.kind == "smtp":
        return lambda: probes.smtp_banner(host, int(port)), "greet as a mail server"
    if definition.kind == "postgres":
        return lambda: probes.postgres(facts["url"]), "answer a query"
    if definition.kind == "kafka":
        return lambda: probes.kafka(facts["bootstrap"]), "tell its topics"
    return lambda: probes.tcp(host, int(port)), f"accept connections on port {port}"

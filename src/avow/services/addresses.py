"""From a URL to the facts of a service: what `{db.host}` means where avow did not start it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from avow.config.values import ServiceDefinition
from avow.core.errors import ConfigError

_PORTS = {
    "http": 80,
    "https": 443,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "kafka": 9092,
    "smtp": 25,
}
_AWS = ("s3", "sqs", "sns", "ssm")


def facts_from_url(
    definition: ServiceDefinition, url: str, environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the facts of a service at `url`; raises ConfigError where it is no address."""
    kind = definition.kind
    if kind == "kafka":
        return _kafka(definition, url)
    where = f"services.{definition.name}.url"
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise ConfigError(f'"{_shown(url)}" is not a URL: {error}', where=where) from None
    if not parts.hostname or not port:
        raise ConfigError(
            f'"{_shown(url)}" is not a URL with a host and a port',
            where=where,
            advice=f"For example: {_example(kind)}",
        )
    facts = {"url": url.rstrip("/"), "host": parts.hostname, "port": str(port)}
    if kind == "postgres":
        facts["name"] = unquote(parts.path.lstrip("/")) or definition.settings.database
        facts["user"] = unquote(parts.username or "")
        facts["password"] = unquote(parts.password or "")
    elif kind in _AWS:
        facts["region"] = definition.settings.region
        facts["access_key"] = environ.get("AWS_ACCESS_KEY_ID", "")
        facts["secret_key"] = environ.get("AWS_SECRET_ACCESS_KEY", "")
    return facts


def secrets_in(facts: Mapping[str, str], url: str) -> dict[str, str]:
    """Return what of the facts must not show in reports."""
    found = {name: facts[name] for name in ("password", "secret_key") if facts.get(name)}
    try:
        password = urlsplit(url).password
    except ValueError:
        password = None
    if password:
        found.setdefault("password", unquote(password))
    return found


def _kafka(definition: ServiceDefinition, url: str) -> dict[str, str]:
    bootstrap = url.partition("://")[2] or url
    first = bootstrap.split(",", 1)[0].strip().rstrip("/")
    host, _, port = first.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(
            f'"{_shown(url)}" is not an address of a broker',
            where=f"services.{definition.name}.url",
            advice=f"For example: {_example('kafka')}",
        )
    return {"bootstrap": bootstrap.rstrip("/"), "host": host, "port": port, "url": url}


def _shown(url: str) -> str:
    """Return a URL without what stands before its host: that may be a password."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}...@{rest.rpartition('@')[2]}" if "@" in rest else url


def _example(kind: str) -> str:
    return {
        "postgres": "postgresql://user@db.test.example:5432/shop_test",
        "kafka": "broker.test.example:9092",
        "redis": "redis://cache.test.example:6379/0",
    }.get(kind, "https://shop.test.example")

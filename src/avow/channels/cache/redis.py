"""Valkey and Redis by redis-py: keys that scenarios set, and those that the system left."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from avow.channels.base import ChannelBase
from avow.core.entries import Body, Entry
from avow.core.errors import EnvironmentProblem, SuiteError
from avow.core.ledger import Observed
from avow.core.text import plural, shortened
from avow.plugins.extras import require

T = TypeVar("T")


class RedisChannel(ChannelBase):
    """One database of a server."""

    def prepare(self) -> None:
        self._client: Any = None

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def get(self, key: str) -> Entry:
        """Look at a key; `data.value` is None where it is not there, `data.seconds` its life."""

        def perform() -> Observed:
            kind = self._ask(lambda client: client.type(key)).decode()
            value = self._value(key, kind)
            left = self._ask(lambda client: client.ttl(key))
            data = {"key": key, "type": kind, "value": _plain(value)}
            if left >= 0:
                data["seconds"] = left
            bodies = {"value": Body.of(value)} if isinstance(value, bytes) else {}
            shown = "not there" if value is None else shortened(str(_plain(value)), 60)
            return Observed(f"{key}: {shown}", data, bodies)

        return self.ledger.look("cache.seen", self.name, {"key": key}, perform)

    def keys(self, pattern: str = "*") -> Entry:
        """Look at the keys that match a glob; `data.keys` has them in alphabetical order."""

        def perform() -> Observed:
            keys = sorted(
                str(_plain(key))
                for key in self._ask(lambda client: list(client.scan_iter(pattern, 1000)))
            )
            return Observed(
                f"{pattern}: {plural(len(keys), 'key')}", {"pattern": pattern, "keys": keys}
            )

        return self.ledger.look("cache.seen", self.name, {"keys": pattern}, perform)

    def set(self, key: str, value: str | bytes, *, life: timedelta | None = None) -> Entry:
        """Set a key, for a time or for good."""

        def perform() -> Observed:
            milliseconds = None if life is None else int(life.total_seconds() * 1000)
            self._ask(lambda client: client.set(key, value, px=milliseconds))
            body = Body.of(value)
            return Observed(f"{key} set", {"key": key, "value": body.text()}, {"value": body})

        return self.ledger.act("cache.changed", self.name, {"set": key}, perform)

    def delete(self, *keys: str) -> Entry:
        """Delete keys; `data.count` says how many were there."""

        def perform() -> Observed:
            count = self._ask(lambda client: client.delete(*keys))
            return Observed(f"{plural(count, 'key')} deleted", {"keys": list(keys), "count": count})

        return self.ledger.act("cache.changed", self.name, {"delete": list(keys)}, perform)

    # -- for restoring: these write no entries

    def dump(self) -> dict[bytes, tuple[int, bytes]]:
        """Return every key with its life in milliseconds (0: for good) and its content."""

        def ask(client: Any) -> dict[bytes, tuple[int, bytes]]:
            found = {}
            for key in client.scan_iter(count=1000):
                content = client.dump(key)
                if content is not None:
                    found[key] = (max(client.pttl(key), 0), content)
            return found

        return self._ask(ask)

    def restore(self, content: Mapping[bytes, tuple[int, bytes]]) -> None:
        """Make the database hold this and nothing else."""

        def ask(client: Any) -> None:
            if not content and client.dbsize() == 0:
                return
            with client.pipeline(transaction=True) as pipeline:
                pipeline.flushdb()
                for key, (life, raw) in content.items():
                    pipeline.restore(key, life, raw)
                pipeline.execute()

        self._ask(ask)

    # -- underneath

    def _value(self, key: str, kind: str) -> Any:
        match kind:
            case "string":
                return self._ask(lambda client: client.get(key))
            case "list":
                return self._ask(lambda client: client.lrange(key, 0, -1))
            case "set":
                return sorted(self._ask(lambda client: client.smembers(key)))
            case "hash":
                return self._ask(lambda client: client.hgetall(key))
            case "zset":
                return dict(self._ask(lambda client: client.zrange(key, 0, -1, withscores=True)))
            case "stream":
                return [list(item) for item in self._ask(lambda client: client.xrange(key))]
            case _:
                return None

    def _ask(self, work: Callable[[Any], T]) -> T:
        client = self._connected()
        errors = require("redis.exceptions", "redis", f'service "{self.name}"')
        try:
            return work(client)
        except (errors.ConnectionError, errors.TimeoutError) as error:
            raise EnvironmentProblem(
                f"it could not answer: {error}",
                where=f'service "{self.name}"',
                advice="Is it still up? Its log is in the evidence of the run.",
            ) from None
        except errors.RedisError as error:
            raise SuiteError(str(error), where=f'service "{self.name}"') from None

    def _connected(self) -> Any:
        if self._client is None:
            redis = require("redis", "redis", f'service "{self.name}"')
            parts = urllib.parse.urlsplit(self.facts.get("url", ""))
            host, port = parts.hostname or "127.0.0.1", parts.port or 6379
            ip = self.context.guards.address(host, port, where=f'service "{self.name}"')
            path = parts.path.strip("/")
            retry = require("redis.retry", "redis", f'service "{self.name}"')
            backoff = require("redis.backoff", "redis", f'service "{self.name}"')
            self._client = redis.Redis(
                host=ip,
                port=port,
                db=int(path) if path else int(self.setting("database", 0)),
                username=parts.username,
                password=parts.password,
                ssl=parts.scheme == "rediss",
                # An error is an outcome to tell, not to try away.
                retry=retry.Retry(backoff.NoBackoff(), 0),
                socket_timeout=self.context.call_seconds,
                socket_connect_timeout=self.context.call_seconds,
            )
        return self._client


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    return value

"""Caches: keys of Valkey and Redis."""

from avow.channels.cache.redis import RedisChannel

__all__ = ["RedisChannel"]

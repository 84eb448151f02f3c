"""Objects in buckets: what scenarios put there, and what the system stored."""

from avow.channels.objects.s3 import S3Channel

__all__ = ["S3Channel"]

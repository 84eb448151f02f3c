"""S3 by boto3: as much of it as a scenario says.

collect -> list every bucket -> new or other than before -> get -> object.stored
"""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar

from avow.channels.base import BODY_LIMIT, ChannelBase
from avow.core.entries import Body, Entry
from avow.core.errors import EnvironmentProblem, SuiteError, did_you_mean
from avow.core.ledger import Observed
from avow.core.text import plural
from avow.plugins.extras import require

T = TypeVar("T")

#: Keys of one answer; S3 gives no more.
_PAGE = 1000


class Version(NamedTuple):
    """What tells one content of a key from another."""

    etag: str
    modified: float
    size: int


Listing = dict[tuple[str, str], Version]


class S3Channel(ChannelBase):
    """The buckets of one service: all where the suite owns it, the declared ones elsewhere."""

    is_source: ClassVar[bool] = True
    resumes: ClassVar[bool] = True

    def prepare(self) -> None:
        self.buckets: tuple[str, ...] = tuple(self.setting("buckets", ()))
        self._client: Any = None
        self._known: Listing = {}
        self._own: set[tuple[str, str, str]] = set()

    # -- life

    def open(self) -> None:
        """Load boto3 now: it takes longer than all that follows."""
        self.start_scenario()

    def start_scenario(self) -> None:
        """What is stored now is none of the next scenario's business."""
        self._known = self.listing()
        self._own.clear()

    def watermark(self) -> int:
        """Return how many objects are known."""
        return len(self._known)

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    # -- acts and looks

    def put(
        self,
        bucket: str | None,
        key: str,
        content: bytes | str,
        *,
        content_type: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> Entry:
        """Store an object; `bucket` None is the service's first."""
        body = Body.of(content, content_type)

        def perform() -> Observed:
            where = self.bucket(bucket)
            extra: dict[str, Any] = {"ContentType": content_type} if content_type else {}
            if metadata:
                extra["Metadata"] = dict(metadata)
            answer = self._ask("put_object", Bucket=where, Key=key, Body=body.raw, **extra)
            etag = answer["ETag"].strip('"')
            self._own.add((where, key, etag))
            data = _data(where, key, body.length, etag, content_type, metadata or {})
            return Observed(f"put {where}/{key}", data, {"content": body})

        question = {"bucket": bucket, "key": key}
        return self.ledger.act("object.put", self.name, question, perform)

    def get(self, bucket: str | None, key: str) -> Entry:
        """Look at an object; raises SuiteError, with the nearest key, where there is none."""

        def perform() -> Observed:
            where = self.bucket(bucket)
            found = self._got(where, key)
            if found is None:
                known = [other for owner, other in self.listing() if owner == where]
                raise SuiteError(
                    f'bucket "{where}" has no object "{key}"',
                    advice=did_you_mean(key, known, what="there"),
                )
            data, body = found
            return Observed(f"{where}/{key}: {body.length} bytes", data, {"content": body})

        return self.ledger.look("object.seen", self.name, {"bucket": bucket, "key": key}, perform)

    def keys(self, bucket: str | None = None, prefix: str = "") -> Entry:
        """Look at the keys of a bucket; `data.keys` has them in their order."""

        def perform() -> Observed:
            where = self.bucket(bucket)
            keys = [key for owner, key in self.listing() if owner == where]
            keys = [key for key in keys if key.startswith(prefix)]
            return Observed(
                f"{where}: {plural(len(keys), 'object')}", {"bucket": where, "keys": keys}
            )

        question = {"bucket": bucket, "prefix": prefix}
        return self.ledger.look("object.seen", self.name, question, perform)

    def bucket(self, name: str | None = None) -> str:
        """Return the bucket of that name; raises SuiteError, with the nearest, for none."""
        if (name is None or name == self.name) and self.buckets and name not in self.buckets:
            return self.buckets[0]
        known = {*self.buckets, *self._buckets()}
        if name is None or name not in known:
            raise SuiteError(
                f'"{self.name}" has no bucket "{name or self.name}"',
                advice=did_you_mean(name or self.name, known, what="there"),
            )
        return name

    # -- effects

    def collect(self) -> None:
        """Write what was stored or deleted since the last look."""
        self.ledger.collect(self.name, self._collect)

    def _collect(self) -> None:
        now = self.listing()
        before, self._known = self._known, now
        changed = [place for place, version in now.items() if before.get(place) != version]
        for bucket, key in sorted(changed, key=lambda place: now[place].modified):
            version = now[bucket, key]
            if (bucket, key, version.etag) in self._own:
                self._own.discard((bucket, key, version.etag))
                continue
            found = self._got(bucket, key)
            if found is None:
                continue  # gone again: what stays is what counts
            data, body = found
            self._write("object.stored", f"stored {bucket}/{key}", data, {"content": body})
        for bucket, key in before:
            if (bucket, key) not in now:
                data = {"bucket": bucket, "key": key}
                self._write("object.deleted", f"deleted {bucket}/{key}", data, {})

    def _write(
        self, kind: str, summary: str, data: dict[str, Any], bodies: dict[str, Body]
    ) -> None:
        # S3 stamps whole seconds, too coarse for a timeline: the moment of the look is nearer.
        self.ledger.effect(kind, self.name, summary, data, bodies, at=time.time())

    # -- the server

    def listing(self) -> Listing:
        """Return every object of every bucket that counts."""
        found: Listing = {}
        for bucket in self._buckets():
            for item in self._items(bucket):
                modified = item["LastModified"].timestamp()
                version = Version(item["ETag"].strip('"'), modified, item["Size"])
                found[bucket, item["Key"]] = version
        return found

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object; for restoring, not for scenarios: it writes no entry."""
        self._ask("delete_object", Bucket=bucket, Key=key)
        # Our own doing is no effect of the system's.
        self._known.pop((bucket, key), None)

    def restore(self, data: Mapping[str, Any], body: Body) -> None:
        """Put an object back as it was; for restoring, not for scenarios: it writes no entry."""
        extra = {"ContentType": data["type"]} if data["type"] else {}
        place = {"Bucket": data["bucket"], "Key": data["key"]}
        answer = self._ask("put_object", **place, Body=body.raw, Metadata=data["metadata"], **extra)
        self._known.pop((data["bucket"], data["key"]), None)
        self._own.add((data["bucket"], data["key"], answer["ETag"].strip('"')))

    def content(self, bucket: str, key: str) -> tuple[dict[str, Any], Body] | None:
        """Return an object without writing an entry, or None where there is none."""
        return self._got(bucket, key)

    def _buckets(self) -> list[str]:
        if not self.is_owned:
            return list(self.buckets)
        return [bucket["Name"] for bucket in self._ask("list_buckets").get("Buckets", ())]

    def _items(self, bucket: str) -> Iterator[dict[str, Any]]:
        more: dict[str, Any] = {}
        while True:
            page = self._ask("list_objects_v2", Bucket=bucket, MaxKeys=_PAGE, **more)
            yield from page.get("Contents", ())
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _got(self, bucket: str, key: str) -> tuple[dict[str, Any], Body] | None:
        try:
            answer = self._call("get_object", Bucket=bucket, Key=key)
        except self._errors().ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise self._refused("get_object", error) from None
        with answer["Body"] as stream:
            raw = self._safely("get_object", lambda: stream.read(BODY_LIMIT + 1))
        size, kind = answer["ContentLength"], answer.get("ContentType", "")
        body = Body(raw, kind, size)
        if len(raw) > BODY_LIMIT:
            body = Body(raw[:BODY_LIMIT], kind, size, "", True)
        etag = answer["ETag"].strip('"')
        return _data(bucket, key, size, etag, kind, answer.get("Metadata", {})), body

    def _ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            return self._call(operation, **arguments)
        except self._errors().ClientError as error:
            raise self._refused(operation, error) from None

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        function = getattr(self._connected(), operation)
        answer: dict[str, Any] = self._safely(operation, lambda: function(**arguments))
        return answer

    def _safely(self, operation: str, ask: Callable[[], T]) -> T:
        errors = self._errors()
        try:
            return ask()
        except errors.ClientError:
            raise
        except errors.ParamValidationError as error:
            raise SuiteError(f"{operation}: {error}", where=f'"{self.name}"') from None
        except (errors.BotoCoreError, errors.HTTPClientError, OSError) as error:
            raise EnvironmentProblem(
                f"{operation} failed: {error}",
                where=f'service "{self.name}"',
                advice="Is it still up? Its log is in the evidence of the run.",
            ) from None

    def _refused(self, operation: str, error: Any) -> SuiteError:
        said = error.response.get("Error", {})
        return SuiteError(
            f"{operation} was refused: {said.get('Code', '')} {said.get('Message', '')}".strip(),
            where=f'service "{self.name}"',
        )

    def _errors(self) -> Any:
        return require("botocore.exceptions", "aws", f'service "{self.name}"')

    def _connected(self) -> Any:
        if self._client is None:
            what = f'service "{self.name}"'
            boto3 = require("boto3", "aws", what)
            config = require("botocore.config", "aws", what).Config(
                connect_timeout=self.context.call_seconds,
                read_timeout=self.context.call_seconds,
                # An error is an outcome to tell, not to try away.
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                proxies={},
            )
            url = self.facts.get("url") or None
            if url:
                parts = urllib.parse.urlsplit(url)
                port = parts.port or (443 if parts.scheme == "https" else 80)
                self.context.guards.address(parts.hostname or "", port, where=what)
            self._client = boto3.session.Session().client(
                "s3",
                endpoint_url=url,
                region_name=self.facts.get("region") or "us-east-1",
                aws_access_key_id=self.facts.get("access_key") or None,
                aws_secret_access_key=self.facts.get("secret_key") or None,
                config=config,
            )
        return self._client


def _data(
    bucket: str, key: str, size: int, etag: str, kind: str, metadata: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "bucket": bucket,
        "key": key,
        "size": size,
        "etag": etag,
        "type": kind,
        "metadata": dict(metadata),
    }

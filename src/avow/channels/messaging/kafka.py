"""Kafka without consumer groups: read from where the scenario began to where the log ends now.

    collect -> which topics are there -> where do they end -> assign what is new at the known offset
            -> poll to the end -> unassign

A group's join costs seconds, a subscription's long poll half a second, and a topic that was
assigned before it existed a whole one; asking for ends first costs a tenth of a millisecond and
none of these. Between two looks nothing is fetched, so an idle channel costs nothing.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from avow.channels.base import ChannelBase
from avow.core.entries import Body, Entry
from avow.core.errors import EnvironmentProblem, SuiteError, did_you_mean
from avow.core.ledger import Observed
from avow.core.text import plural, shortened
from avow.core.waiting import Deadline
from avow.plugins.extras import require

Value = bytes | str | Mapping[str, Any] | list[Any] | None
Headers = Mapping[str, str | bytes | None] | Iterable[tuple[str, str | bytes | None]]
_Place = tuple[str, int]

#: What librdkafka would print goes nowhere; its last error is in our messages.
_silent = logging.getLogger("avow.kafka")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False

_CLIENT: dict[str, Any] = {
    "log.connection.close": False,
    # Metadata is asked for when it is needed; these only bound how wrong a cache may be.
    "topic.metadata.refresh.interval.ms": 60_000,
    "reconnect.backoff.ms": 10,
    "reconnect.backoff.max.ms": 500,
}
_PRODUCER: dict[str, Any] = {"linger.ms": 0, "acks": "all", "enable.idempotence": False}
_CONSUMER: dict[str, Any] = {
    "group.id": "avow",  # never joined: librdkafka wants a name
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "earliest",
    "fetch.wait.max.ms": 1,
    "fetch.error.backoff.ms": 1,
    "allow.auto.create.topics": False,
}


class KafkaChannel(ChannelBase):
    """One broker's topics: all of them where the suite owns it, the declared ones elsewhere."""

    is_source: ClassVar[bool] = True
    resumes: ClassVar[bool] = True

    def prepare(self) -> None:
        self.topics: tuple[str, ...] = tuple(self.setting("topics", ()))
        self._library: Any = None
        self._producer: Any = None
        self._consumer: Any = None
        #: Next offset to read, by topic and partition.
        self._next: dict[_Place, int] = {}
        #: Published by avow itself: acts, not effects.
        self._own: set[tuple[str, int, int]] = set()
        self._last_error = ""
        self._connected = False

    # -- life

    def open(self) -> None:
        """Connect, so that the first message does not wait for it."""
        self._connect()
        self.start_scenario()

    def start_scenario(self) -> None:
        """Everything that is in the topics now is none of the next scenario's business."""
        self._connect()
        self._next = self._ends(self._partitions())
        self._own.clear()

    def watermark(self) -> dict[str, int]:
        """Return the next offset to read, by `topic/partition`."""
        return {f"{topic}/{part}": offset for (topic, part), offset in sorted(self._next.items())}

    def close(self) -> None:
        consumer, self._consumer, self._producer = self._consumer, None, None
        self._connected = False
        if consumer is not None:
            consumer.close()

    # -- acts

    def publish(
        self,
        topic: str | None,
        value: Value,
        key: str | bytes | None = None,
        headers: Headers = (),
        *,
        partition: int | None = None,
    ) -> Entry:
        """Publish and wait for the broker's word; a `value` of None is a tombstone.

        Text is sent as UTF-8, a table or list as JSON. `topic` None is the service's first.
        """
        raw = _raw(value)
        raw_key = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        question = {"topic": topic or self.name, "key": _textual(raw_key)}

        def perform() -> Observed:
            where = self.topic(topic)
            sent = self._delivered(where, raw, raw_key, _header_bytes(pairs), partition)
            self._own.add((where, sent.partition(), sent.offset()))
            data = {
                "topic": where,
                "key": _textual(raw_key),
                "headers": _plain_headers(pairs),
                "partition": sent.partition(),
                "offset": sent.offset(),
            }
            return Observed(f"sent to {where}: {_shown(raw)}", data, _bodies(raw))

        return self.ledger.act("message.sent", self.name, question, perform)

    def topic(self, name: str | None = None) -> str:
        """Return the topic of that name; raises SuiteError, with the nearest, for no topic."""
        self._connect()
        if name is None or (name == self.name and self.topics and name not in self.topics):
            if not self.topics:
                raise SuiteError(
                    f'kafka service "{self.name}" declares no topic',
                    advice=f'Name one: [services.{self.name}] topics = ["..."].',
                )
            return self.topics[0]
        if name in self.topics:
            return name
        known = self._known_topics()
        if name in known:
            return name
        raise SuiteError(
            f'there is no topic "{name}" on "{self.name}"',
            advice=did_you_mean(name, {*known, *self.topics}, what="there"),
        )

    def _delivered(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        headers: list[tuple[str, bytes | None]],
        partition: int | None,
    ) -> Any:
        deadline = Deadline(self.context.call_seconds)
        done: list[tuple[Any, Any]] = []
        extra = {} if partition is None else {"partition": partition}
        try:
            self._producer.produce(
                topic,
                value,
                key,
                headers=headers or None,
                on_delivery=lambda error, message: done.append((error, message)),
                **extra,
            )
        except self._library.KafkaException as error:
            raise SuiteError(
                f"the message cannot be sent: {_said(error)}", where=f'"{self.name}" topic {topic}'
            ) from None
        while not done:
            if deadline.is_over:
                raise self._lost(f"did not acknowledge a message to {topic}", deadline)
            self._producer.poll(min(deadline.remaining(), 0.1))
        failure, message = done[0]
        if failure is not None:
            raise EnvironmentProblem(
                f"the broker did not take the message: {failure.str()}",
                where=f'"{self.name}" topic {topic}',
            )
        return message

    # -- effects

    def collect(self) -> None:
        """Write every message that was acknowledged to its producer before this call."""
        self.ledger.collect(self.name, self._collect)

    def _collect(self) -> None:
        messages = self._read_new()
        # One clock for all topics: the order in which brokers were asked means nothing.
        messages.sort(key=lambda each: (each.timestamp()[1], each.topic(), each.offset()))
        for message in messages:
            place = (message.topic(), message.partition(), message.offset())
            if place in self._own:
                self._own.discard(place)
            else:
                self._write(message)

    def _write(self, message: Any) -> None:
        raw = message.value()
        stamp = message.timestamp()[1] / 1000
        now, utc = time.monotonic(), time.time()
        # Brokers elsewhere have clocks of their own; nothing is seen before it happened.
        started = now - max(utc - stamp, 0.0) if stamp > 0 else now
        data = {
            "topic": message.topic(),
            "key": _textual(message.key()),
            "headers": _plain_headers(message.headers() or ()),
            "partition": message.partition(),
            "offset": message.offset(),
            "timestamp": stamp,
        }
        if raw is None:
            data["tombstone"] = True
        self.ledger.effect(
            "message.seen",
            self.name,
            f"on {message.topic()}: {_shown(raw)}",
            data,
            _bodies(raw),
            started=started,
            at=stamp if stamp > 0 else utc,
        )

    def _read_new(self) -> list[Any]:
        """Return all messages between the known offsets and the ends of this moment."""
        self._connect()
        ends = self._ends(self._partitions())
        # A topic or partition that is new has been empty until this scenario: read it from its
        # start.
        wanted = {
            place: end for place, end in ends.items() if end > max(self._next.get(place, 0), 0)
        }
        if not wanted:
            return []
        library, deadline = self._library, Deadline(self.context.call_seconds)
        self._consumer.assign(
            [
                library.TopicPartition(topic, part, self._next.get((topic, part), 0))
                for topic, part in wanted
            ]
        )
        messages: list[Any] = []
        try:
            while wanted:
                if deadline.is_over:
                    missing = plural(len(wanted), "partition")
                    raise self._lost(f"did not hand over the messages of {missing}", deadline)
                message = self._consumer.poll(min(deadline.remaining(), 0.1))
                if message is not None:
                    self._take(message, wanted, messages)
        finally:
            self._consumer.unassign()
        return messages

    def _take(self, message: Any, wanted: dict[_Place, int], messages: list[Any]) -> None:
        place = (message.topic(), message.partition())
        error = message.error()
        if error is None:
            if message.offset() < self._next.get(place, 0):
                return
            messages.append(message)
            self._next[place] = message.offset() + 1
        elif error.code() == self._library.KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
            # Markers of transactions and compacted records have offsets, but nobody is handed them.
            self._next[place] = max(message.offset(), self._next.get(place, 0))
        elif error.retriable():
            return
        else:
            raise EnvironmentProblem(
                f"reading {place[0]} failed: {error.str()}", where=f'"{self.name}"'
            )
        if place in wanted and self._next[place] >= wanted[place]:
            del wanted[place]

    # -- the broker

    def _connect(self) -> None:
        if self._connected:
            return
        self._library = require("confluent_kafka", "kafka", f'kafka service "{self.name}"')
        servers = self._guarded(self.facts.get("bootstrap", "").split(","))
        common = {
            **_CLIENT,
            **self.setting("client", {}),
            "bootstrap.servers": ",".join(servers),
            "error_cb": self._remember,
            "logger": _silent,
        }
        self._producer = self._library.Producer({**common, **_PRODUCER})
        self._consumer = self._library.Consumer({**common, **_CONSUMER})
        # Both connect now, so that neither the first message nor the first look waits for it.
        metadata = self._metadata()
        self._guarded(f"{broker.host}:{broker.port}" for broker in metadata.brokers.values())
        for topic in self.topics:
            # Brokers that make topics on use make these now; the others have them.
            self._producer.list_topics(topic, timeout=self.context.call_seconds)
        self._connected = True

    def _guarded(self, servers: Iterable[str]) -> list[str]:
        """Return the servers by address, each allowed by the guards."""
        found = []
        for server in servers:
            host, _, port = server.strip().rpartition(":")
            host = host.strip("[]")
            ip = self.context.guards.address(host, int(port), where=f'service "{self.name}"')
            found.append(f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}")
        return found

    def _remember(self, error: Any) -> None:
        self._last_error = error.str()

    def _metadata(self) -> Any:
        try:
            return self._consumer.list_topics(timeout=self.context.call_seconds)
        except self._library.KafkaException as error:
            raise self._lost(f"did not say what topics it has ({_said(error)})") from None

    def _known_topics(self) -> dict[str, int]:
        """Return the number of partitions by topic; Kafka's own topics are left out."""
        return {
            topic: len(found.partitions)
            for topic, found in self._metadata().topics.items()
            if found.error is None and not topic.startswith("__")
        }

    def _partitions(self) -> list[_Place]:
        known = self._known_topics()
        if not self.is_owned:
            known = {topic: count for topic, count in known.items() if topic in self.topics}
        return [(topic, part) for topic, count in known.items() for part in range(count)]

    def _ends(self, places: list[_Place]) -> dict[_Place, int]:
        """Return where each log ends now."""
        if not places:
            return {}
        library, timeout = self._library, self.context.call_seconds
        # "The offset at the time -1" is the end (ListOffsets); one request for all partitions.
        asked = [library.TopicPartition(topic, part, library.OFFSET_END) for topic, part in places]
        try:
            answers = self._consumer.offsets_for_times(asked, timeout=timeout)
        except library.KafkaException as error:
            raise self._lost(f"did not say where its topics end ({_said(error)})") from None
        ends = {}
        for answer in answers:
            if answer.error is None and answer.offset >= 0:
                ends[answer.topic, answer.partition] = answer.offset
            elif answer.error is not None and not answer.error.retriable():
                raise EnvironmentProblem(
                    f"{answer.topic} cannot be read: {answer.error.str()}", where=f'"{self.name}"'
                )
        return ends

    def _lost(self, what: str, deadline: Deadline | None = None) -> EnvironmentProblem:
        within = self.context.call_seconds if deadline is None else deadline.within
        last = f" Its last error: {shortened(self._last_error)}." if self._last_error else ""
        return EnvironmentProblem(
            f"{self.facts.get('bootstrap', '')} {what} in {within:g} s.{last}",
            where=f'kafka service "{self.name}"',
            advice="Is the broker still up? Its log is in the evidence of the run.",
        )


def _said(error: BaseException) -> str:
    first = error.args[0] if error.args else error
    return str(first.str()) if hasattr(first, "str") else str(first)


def _raw(value: Value) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _bodies(raw: bytes | None) -> dict[str, Body]:
    return {} if raw is None else {"value": Body.of(raw)}


def _shown(raw: bytes | None) -> str:
    return "a tombstone" if raw is None else shortened(raw.decode("utf-8", "backslashreplace"), 80)


def _textual(raw: str | bytes | None) -> str | None:
    """Return bytes as JSON can hold them: text where they are, else base64 that says so."""
    if raw is None or isinstance(raw, str):
        return raw
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(raw).decode("ascii")


def _header_bytes(pairs: list[tuple[str, str | bytes | None]]) -> list[tuple[str, bytes | None]]:
    return [
        (name, value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value)
        for name, value in pairs
    ]


def _plain_headers(pairs: Iterable[tuple[str, str | bytes | None]]) -> dict[str, Any]:
    """Return headers by name; a name that comes more than once has a list of values."""
    found: dict[str, list[str | None]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(_textual(value))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from tests.isolation.conftest import context

from avow.channels.objects import S3Channel
from avow.core.ledger import Ledger
from avow.isolation import Isolation

Facts = dict[str, dict[str, str]]


@pytest.fixture
def system(facts: Facts) -> Iterator[Any]:
    """Return a client of the system under test's own."""
    told = facts["receipts"]
    client = boto3.client(
        "s3",
        endpoint_url=told["url"],
        region_name=told["region"],
        aws_access_key_id=told["access_key"],
        aws_secret_access_key=told["secret_key"],
    )
    yield client
    for item in client.list_objects_v2(Bucket="receipts").get("Contents", ()):
        client.delete_object(Bucket="receipts", Key=item["Key"])
    client.close()


@pytest.fixture
def channel(facts: Facts) -> Iterator[S3Channel]:
    definition: Any = SimpleNamespace(
        name="receipts",
        kind="s3",
        provider="embedded",
        secrets=(),
        settings={"buckets": ("receipts",)},
    )
    made = S3Channel("receipts", facts["receipts"], definition, Ledger(), context())
    yield made
    made.close()


def test_what_isolation_undoes_is_nobody_s_late_effect(system: Any, channel: S3Channel):
    system.put_object(Bucket="receipts", Key="seed", Body=b"as it was")
    isolation = Isolation({"receipts": channel})
    isolation.prepare_run()
    first = Ledger()
    isolation.start_scenario(first)
    system.put_object(Bucket="receipts", Key="new", Body=b"1")
    system.put_object(Bucket="receipts", Key="seed", Body=b"changed")
    channel.collect()
    assert [entry.kind for entry in first.entries] == ["object.stored", "object.stored"]
    assert isolation.end_scenario() == []
    isolation.after("first", first)

    second = Ledger()
    isolation.start_scenario(second)
    channel.collect()
    assert isolation.late() == []
    assert second.entries == []
    held = system.get_object(Bucket="receipts", Key="seed")
    with held["Body"] as body:
        assert body.read() == b"as it was"
    assert system.list_objects_v2(Bucket="receipts")["KeyCount"] == 1

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from tests.channels.helpers import Definition, context

from avow.channels.objects import S3Channel, s3
from avow.core.entries import Entry
from avow.core.errors import EnvironmentProblem, GuardRefusal, SuiteError, ThenCannotAct
from avow.core.ledger import Ledger


@pytest.fixture
def receipts(channel: Callable[..., Any]) -> Iterator[S3Channel]:
    made: S3Channel = channel("receipts", S3Channel)
    yield made
    for bucket, key in made.listing():
        made.delete(bucket, key)


@pytest.fixture
def system(running: Any) -> Any:
    facts = running.facts["receipts"]
    return boto3.client(
        "s3",
        endpoint_url=facts["url"],
        region_name=facts["region"],
        aws_access_key_id=facts["access_key"],
        aws_secret_access_key=facts["secret_key"],
    )


def stored(channel: S3Channel) -> list[Entry]:
    channel.collect()
    return channel.ledger.find("object.stored")


def test_what_the_system_stored_is_an_effect(receipts: S3Channel, system: Any) -> None:
    system.put_object(
        Bucket="receipts",
        Key="2026/17.txt",
        Body=b"paid",
        ContentType="text/plain",
        Metadata={"order": "17"},
    )
    (entry,) = stored(receipts)
    assert entry.role == "effect"
    assert entry.summary == "stored receipts/2026/17.txt"
    assert entry.data["bucket"] == "receipts"
    assert entry.data["key"] == "2026/17.txt"
    assert entry.data["size"] == 4
    assert entry.data["type"] == "text/plain"
    assert entry.data["metadata"] == {"order": "17"}
    assert entry.bodies["content"].raw == b"paid"
    assert len(stored(receipts)) == 1


def test_an_object_that_is_stored_again_with_other_content(
    receipts: S3Channel, system: Any
) -> None:
    system.put_object(Bucket="receipts", Key="k", Body=b"one")
    assert len(stored(receipts)) == 1
    system.put_object(Bucket="receipts", Key="k", Body=b"two")
    assert [entry.bodies["content"].raw for entry in stored(receipts)] == [b"one", b"two"]


def test_what_the_system_deleted_is_an_effect(receipts: S3Channel, system: Any) -> None:
    system.put_object(Bucket="receipts", Key="k", Body=b"x")
    receipts.start_scenario()
    system.delete_object(Bucket="receipts", Key="k")
    receipts.collect()
    (entry,) = receipts.ledger.find("object.deleted")
    assert entry.data == {"bucket": "receipts", "key": "k"}


def test_what_avow_puts_is_an_act_and_no_effect(receipts: S3Channel) -> None:
    entry = receipts.put(None, "k", "content", content_type="text/plain", metadata={"a": "b"})
    assert entry.kind == "object.put"
    assert entry.role == "act"
    assert entry.data["bucket"] == "receipts"
    assert stored(receipts) == []
    with receipts.ledger.observing("a receipt is stored"), pytest.raises(ThenCannotAct):
        receipts.put(None, "k", b"")


def test_looking_at_an_object(receipts: S3Channel, system: Any) -> None:
    system.put_object(Bucket="receipts", Key="a/b.txt", Body=b"x")
    entry = receipts.get("receipts", "a/b.txt")
    assert entry.role == "look"
    assert entry.bodies["content"].raw == b"x"
    assert receipts.keys(None, "a/").data["keys"] == ["a/b.txt"]
    with pytest.raises(SuiteError, match=r'bucket "receipts" has no object "a/c\.txt"') as raised:
        receipts.get(None, "a/c.txt")
    assert 'Did you mean "a/b.txt"?' in str(raised.value)


def test_an_unknown_bucket_gets_the_nearest(receipts: S3Channel) -> None:
    with pytest.raises(SuiteError, match='"receipts" has no bucket "reciepts"') as raised:
        receipts.get("reciepts", "x")
    assert 'Did you mean "receipts"?' in str(raised.value)


def test_a_new_bucket_is_read_where_the_service_is_owned(
    receipts: S3Channel, system: Any, channel: Callable[..., Any]
) -> None:
    attached = channel("receipts", S3Channel, provider="attached")
    system.create_bucket(Bucket="made-by-system")
    try:
        system.put_object(Bucket="made-by-system", Key="k", Body=b"x")
        assert [entry.data["bucket"] for entry in stored(receipts)] == ["made-by-system"]
        assert stored(attached) == []
    finally:
        system.delete_object(Bucket="made-by-system", Key="k")
        system.delete_bucket(Bucket="made-by-system")


def test_more_objects_than_a_page(
    receipts: S3Channel, system: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_PAGE", 2)
    for number in range(5):
        system.put_object(Bucket="receipts", Key=f"{number:04}", Body=b"")
    assert len(receipts.listing()) == 5


def test_no_server() -> None:
    facts = {"url": "http://127.0.0.1:9", "access_key": "a", "secret_key": "b"}
    dead = S3Channel("receipts", facts, Definition(kind="s3"), Ledger(), context())
    with pytest.raises(EnvironmentProblem, match='service "receipts": list_buckets failed: '):
        dead.collect()
    dead.close()


def test_a_server_elsewhere_is_refused() -> None:
    facts = {"url": "https://s3.eu-west-1.amazonaws.com"}
    channel = S3Channel("receipts", facts, Definition(kind="s3"), Ledger(), context())
    with pytest.raises(GuardRefusal, match=r"\[guards\] hosts"):
        channel.open()

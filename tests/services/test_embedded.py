"""Each embedded server, asked by the client that a system would use."""

from __future__ import annotations

import json
import os
import smtplib
import socket
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from avow.config import Settings
from avow.core.errors import EnvironmentProblem
from avow.core.waiting import until
from avow.processes import ports
from avow.processes.reaper import started_at
from avow.services.stack import Stack

Suite = Callable[..., Settings]
Up = Callable[..., Stack]


def aws(stack: Stack, name: str, service: str = "") -> Any:
    import boto3

    facts = stack.facts[name]
    return boto3.client(
        service or name,
        endpoint_url=facts["url"],
        region_name=facts["region"],
        aws_access_key_id=facts["access_key"],
        aws_secret_access_key=facts["secret_key"],
    )


# -- PostgreSQL


def test_postgres_with_tables_and_vectors(suite: Suite, up: Up, root: Path) -> None:
    import psycopg

    (root / "migrations").mkdir()
    (root / "migrations" / "002.sql").write_text("INSERT INTO orders (item) VALUES ('tea');")
    (root / "migrations" / "001.sql").write_text(
        "CREATE TABLE orders (id serial PRIMARY KEY, item text, near vector(3));"
    )
    settings = suite(
        """
        [services.db]
        kind = "postgres"
        migrations = "migrations"
        extensions = ["vector"]
        parameters = { wal_level = "logical" }
        """
    )
    stack = up(settings)
    facts = stack.facts["db"]
    assert facts["name"] == "shop_test"
    with psycopg.connect(facts["url"]) as connection:
        assert connection.execute("SELECT id, item FROM orders").fetchall() == [(1, "tea")]
        assert connection.execute("SHOW wal_level").fetchone() == ("logical",)
        version = connection.execute("SHOW server_version").fetchone()
        assert version is not None
        assert version[0].startswith("18.")
        # The order of text is the same on every machine.
        ordered = "SELECT string_agg(t, '' ORDER BY t) FROM unnest(ARRAY['b', 'B', 'a', 'ä']) t"
        assert connection.execute(ordered).fetchone() == ("Babä",)
    assert stack.secrets["db.password"] == facts["password"]


def test_postgres_lets_nobody_in_without_its_password(suite: Suite, up: Up) -> None:
    import psycopg

    facts = up(suite('[services.db]\nkind = "postgres"')).facts["db"]
    for password in ("", "postgres"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(
                host=facts["host"],
                port=facts["port"],
                user="postgres",
                password=password,
                dbname=facts["name"],
            )


def test_postgres_leaves_nothing(suite: Suite, up: Up) -> None:
    stack = up(suite('[services.db]\nkind = "postgres"'))
    provider: Any = stack._services["db"].provider
    place = Path(stack.facts["db"]["socket"])
    command = Path(f"/proc/{provider.child.pid}/cmdline")
    if command.exists():
        assert stack.facts["db"]["password"].encode() not in command.read_bytes()
    assert place.is_dir()
    stack.stop()
    assert not place.exists()
    assert not started_at(provider.child.pid)


def test_postgres_with_an_extension_that_is_not_there(suite: Suite, up: Up) -> None:
    settings = suite('[services.db]\nkind = "postgres"\nextensions = ["postgis"]')
    with pytest.raises(EnvironmentProblem) as caught:
        up(settings)
    assert 'cannot have the extension "postgis": extension "postgis" is not available' in str(
        caught.value
    )
    assert "The embedded server brings: plpgsql, vector." in str(caught.value)


def test_postgres_with_a_parameter_that_is_not_there(suite: Suite, up: Up) -> None:
    settings = suite('[services.db]\nkind = "postgres"\nparameters = { wal_levl = "logical" }')
    with pytest.raises(EnvironmentProblem) as caught:
        up(settings)
    assert 'unrecognized configuration parameter "wal_levl"' in str(caught.value)


# -- Kafka


def test_kafka_keeps_what_is_produced(suite: Suite, up: Up) -> None:
    from confluent_kafka import Consumer, Producer, TopicPartition

    settings = suite(
        '[services.orders]\nkind = "kafka"\ntopics = ["orders", "orders.dead"]\npartitions = 2'
    )
    bootstrap = up(settings).facts["orders"]["bootstrap"]
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
    topics = producer.list_topics(timeout=10).topics
    assert {name: len(topic.partitions) for name, topic in topics.items()} == {
        "orders": 2,
        "orders.dead": 2,
    }
    producer.produce("orders", b"paid", key=b"1", partition=1, headers={"type": b"order.paid"})
    assert producer.flush(10) == 0
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "test", "auto.offset.reset": "earliest"}
    )
    consumer.assign([TopicPartition("orders", 1, 0)])
    message = consumer.poll(10)
    assert message is not None
    assert (message.value(), message.key(), message.offset()) == (b"paid", b"1", 0)
    assert message.headers() == [("type", b"order.paid")]
    consumer.close()


def test_kafka_lets_a_group_form_at_once(suite: Suite, up: Up) -> None:
    from confluent_kafka import Consumer

    settings = suite('[services.orders]\nkind = "kafka"\ntopics = ["orders"]')
    bootstrap = up(settings).facts["orders"]["bootstrap"]
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "inventory"})
    consumer.subscribe(["orders"])
    begun = time.monotonic()
    assert until(lambda: consumer.poll(0.01) is None and bool(consumer.assignment()), 20).holds
    # A real broker, and librdkafka's mock by default, would wait three seconds for more members.
    assert time.monotonic() - begun < 2.9
    consumer.close()


# -- Redis


def test_redis_is_real(suite: Suite, up: Up) -> None:
    import redis

    facts = up(suite('[services.cache]\nkind = "redis"\ndatabase = 2')).facts["cache"]
    assert facts["url"] == f"redis://127.0.0.1:{facts['port']}/2"
    with redis.Redis.from_url(facts["url"]) as client:
        client.set("a", "1")
        assert client.eval("return redis.call('GET', KEYS[1])", 1, "a") == b"1"


# -- AWS


AWS = """
    [services.receipts]
    kind = "s3"
    buckets = ["receipts"]
    region = "eu-west-1"
    [services.jobs]
    kind = "sqs"
    queues = ["jobs", "jobs.fifo"]
    [services.events]
    kind = "sns"
    topics = ["events"]
    [services.settings]
    kind = "ssm"
    parameters = { "/shop/key" = "k-123" }
"""


def test_aws_is_one_process_with_what_was_declared(suite: Suite, up: Up) -> None:
    stack = up(suite(AWS))
    assert len({stack.facts[name]["url"] for name in stack.facts}) == 1
    s3 = aws(stack, "receipts", "s3")
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == ["receipts"]
    assert s3.get_bucket_location(Bucket="receipts")["LocationConstraint"] == "eu-west-1"
    s3.put_object(Bucket="receipts", Key="a/b.txt", Body=b"hello", Metadata={"order": "1"})
    stored = s3.get_object(Bucket="receipts", Key="a/b.txt")
    assert stored["Body"].read() == b"hello"
    assert stored["Metadata"] == {"order": "1"}
    sqs, sns = aws(stack, "jobs", "sqs"), aws(stack, "events", "sns")
    urls = sqs.list_queues()["QueueUrls"]
    assert sorted(url.rpartition("/")[2] for url in urls) == ["jobs", "jobs.fifo"]
    (queue,) = [url for url in urls if url.endswith("/jobs")]
    assert queue.startswith(stack.facts["jobs"]["url"])
    (topic,) = sns.list_topics()["Topics"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = attributes["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic["TopicArn"], Message="paid")
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Message"] == "paid"
    ssm = aws(stack, "settings", "ssm")
    parameter = ssm.get_parameter(Name="/shop/key", WithDecryption=True)["Parameter"]
    assert parameter["Value"] == "k-123"


def test_aws_parameters_are_not_in_its_arguments(suite: Suite, up: Up) -> None:
    settings = suite('[services.settings]\nkind = "ssm"\nparameters = { "/k" = "${secret:TOKEN}" }')
    stack = up(settings, environ={**os.environ, "AVOW_SECRET_TOKEN": "a-secret-token"})
    provider: Any = stack._services["settings"].provider
    for part in ("cmdline", "environ"):
        file = Path(f"/proc/{provider.child.pid}/{part}")
        if file.exists():
            assert b"a-secret-token" not in file.read_bytes().replace(
                b"AVOW_SECRET_TOKEN=a-secret-token", b""
            )
    client = aws(stack, "settings", "ssm")
    parameter = client.get_parameter(Name="/k", WithDecryption=True)["Parameter"]
    assert parameter["Value"] == "a-secret-token"


def test_aws_that_refuses_what_was_declared(suite: Suite, up: Up) -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        up(suite('[services.receipts]\nkind = "s3"\nbuckets = ["A"]'))
    assert "exited with code 1 before it was ready" in str(caught.value)
    assert "s3 refused" in str(caught.value)
    assert "InvalidBucketName" in str(caught.value)


# -- mail


def test_a_mail_is_a_file_when_its_sender_goes_on(suite: Suite, up: Up) -> None:
    stack = up(suite('[services.mail]\nkind = "smtp"\nrefuse = ["*@bounce.example"]'))
    facts = stack.facts["mail"]
    assert facts["address"] == f"{facts['host']}:{facts['port']}"
    mail = EmailMessage()
    mail["Subject"] = "Your receipt"
    mail["From"] = "shop@example.com"
    mail["To"] = "ada@example.com"
    mail.set_content("Thank you, Adä.")
    box = Path(facts["maildir"])
    with smtplib.SMTP(facts["host"], int(facts["port"]), timeout=10) as client:
        client.login("anybody", "anything")
        for number in (1, 2):
            client.send_message(mail)
            records = [json.loads(line) for line in (box / "index.jsonl").read_text().splitlines()]
            assert [record["number"] for record in records] == list(range(1, number + 1))
            assert records[-1]["to"] == ["ada@example.com"]
            assert records[-1]["from"] == "shop@example.com"
            assert b"Subject: Your receipt" in (box / records[-1]["file"]).read_bytes()
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("a@example.com", ["x@bounce.example"], "text")
    assert sorted(path.name for path in box.iterdir()) == ["00001.eml", "00002.eml", "index.jsonl"]


# -- ports that somebody else has


@pytest.mark.parametrize("kind", ["postgres", "redis"])
def test_a_port_that_was_taken_is_replaced(
    suite: Suite, up: Up, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = ports.hold
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        held: list[int] = []

        def hold_one_that_is_taken_first() -> ports.HeldPort:
            made = hold()
            if not held:
                made.release()
                made.port = taken
            held.append(made.port)
            return made

        monkeypatch.setattr(ports, "hold", hold_one_that_is_taken_first)
        facts = up(suite(f'[services.it]\nkind = "{kind}"')).facts["it"]
    assert held[0] == taken
    assert int(facts["port"]) == held[1] != taken

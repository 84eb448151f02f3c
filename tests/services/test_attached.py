from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from avow.config import GuardSettings, Settings
from avow.core.errors import ConfigError, EnvironmentProblem, GuardRefusal, MissingExtra
from avow.guards import Guards
from avow.services.stack import Stack

Suite = Callable[..., Settings]
Up = Callable[..., Stack]


@pytest.fixture
def guards(root: Path) -> Guards:
    return Guards(GuardSettings(), root)


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_its_address_is_its_facts(suite: Suite, up: Up, guards: Guards, listening: int) -> None:
    settings = suite(f'[services.shop]\nkind = "http"\nurl = "http://127.0.0.1:{listening}/v1/"')
    facts = up(settings, guards=guards).facts["shop"]
    assert facts == {
        "url": f"http://127.0.0.1:{listening}/v1",
        "host": "127.0.0.1",
        "port": str(listening),
    }


def test_an_address_outside_is_refused_before_the_first_byte(
    suite: Suite, up: Up, guards: Guards
) -> None:
    settings = suite('[services.shop]\nkind = "http"\nurl = "http://192.0.2.1:80"')
    with pytest.raises(GuardRefusal) as caught:
        up(settings, guards=guards)
    assert "192.0.2.1" in str(caught.value)


def test_a_database_that_is_not_for_tests_is_refused(suite: Suite, up: Up, guards: Guards) -> None:
    settings = suite(
        '[services.db]\nkind = "postgres"\nurl = "postgresql://me@127.0.0.1:5432/production"'
    )
    with pytest.raises(GuardRefusal) as caught:
        up(settings, guards=guards)
    assert "production" in str(caught.value)


def test_one_that_is_not_there(suite: Suite, up: Up, guards: Guards) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        settings = suite(
            f"""
            [services.cache]
            kind = "redis"
            url = "redis://:a-long-password@127.0.0.1:{port}/0"
            health = {{ within = "300ms" }}
            """
        )
        with pytest.raises(EnvironmentProblem) as caught:
            up(settings, guards=guards)
    text = str(caught.value)
    assert text.startswith('service "cache" (redis, attached): did not answer PING in 0.')
    assert "last: ConnectionRefusedError" in text
    assert "Is it up, and is its url right?" in text
    assert "a-long-password" not in text


def test_a_library_that_is_missing_is_told_at_once(
    suite: Suite, up: Up, guards: Guards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    settings = suite('[services.db]\nkind = "postgres"\nurl = "postgresql://127.0.0.1:1/db_test"')
    with pytest.raises(MissingExtra) as caught:
        up(settings, guards=guards)
    assert str(caught.value) == (
        'service "db" (postgres, attached): an attached postgres needs the Python package '
        "'psycopg', which is not installed\n  Install it with: pip install 'avow[postgres]'"
    )


def test_its_password_is_a_secret(suite: Suite, up: Up, guards: Guards, tmp_path: Path) -> None:
    first = up(suite('[services.db]\nkind = "postgres"'))
    url = first.facts["db"]["url"]
    settings = suite(f'[services.db]\nkind = "postgres"\nurl = "{url}"')
    stack = up(settings, guards=guards, slot=1)
    assert stack.facts["db"]["name"] == "shop_test"
    assert stack.secrets["db.password"] == first.facts["db"]["password"]


@pytest.mark.parametrize(
    ("kind", "url", "said"),
    [
        ("http", "shop.example", '"shop.example" is not a URL with a host and a port'),
        ("http", "http://u:pw@x:99999", '"http://...@x:99999" is not a URL: Port out of range'),
        ("kafka", "broker", '"broker" is not an address of a broker'),
    ],
)
def test_what_is_no_address(
    suite: Suite, up: Up, guards: Guards, kind: str, url: str, said: str
) -> None:
    settings = suite(f'[services.it]\nkind = "{kind}"\nurl = "{url}"')
    with pytest.raises(ConfigError) as caught:
        up(settings, guards=guards)
    assert said in str(caught.value)
    assert str(caught.value).startswith("services.it.url: ")


def test_kafka_facts(suite: Suite, up: Up, guards: Guards) -> None:
    broker = up(suite('[services.orders]\nkind = "kafka"\ntopics = ["a"]'))
    address = broker.facts["orders"]["bootstrap"]
    settings = suite(f'[services.orders]\nkind = "kafka"\nurl = "kafka://{address}"')
    facts = up(settings, guards=guards, slot=1).facts["orders"]
    assert facts["bootstrap"] == address

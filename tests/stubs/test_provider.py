"""Stubs as services of a stack."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.stubs.conftest import Caller

from avow import config
from avow.channels.base import ChannelContext
from avow.core.errors import AvowError
from avow.core.ledger import Ledger
from avow.core.secrets import Redactor
from avow.guards import Guards
from avow.processes import Journal
from avow.services.stack import Stack
from avow.stubs.client import StubChannel

Up = Callable[[str], Stack]


class Timeouts:
    call = timedelta(seconds=5)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    root = tmp_path / "suite"
    (root / "support").mkdir(parents=True)
    journal = Journal(tmp_path / "journal.jsonl")
    started: list[Stack] = []

    def start(text: str) -> Stack:
        (root / "avow.toml").write_text(textwrap.dedent(text))
        settings = config.load(root, environ={})
        guards = Guards(settings.guards, root)
        started.append(
            Stack.start(settings, run_dir=tmp_path / "run", journal=journal, guards=guards)
        )
        return started[-1]

    yield start
    for stack in started:
        stack.stop()
    journal.close()


def test_all_stubs_of_a_stack_are_one_process(up: Up, tmp_path: Path) -> None:
    Path(tmp_path / "suite" / "support" / "bank.toml").write_text(
        '[[routes]]\non = "GET /accounts/{id}"\nanswer = { body = { id = "${request.path.id}" } }\n'
    )
    stack = up(
        """
        [services.stripe]
        kind = "stub"
        unmatched = 501
        largest_body = "1KiB"
        [[services.stripe.routes]]
        on = "GET /v1/charges/{id}"
        answer = { status = 201, body = "${request.path.id}" }
        [services.bank]
        kind = "stub"
        routes = "support/bank.toml"
        """
    )
    stripe, bank = stack.facts["stripe"], stack.facts["bank"]
    assert stripe["admin"] == bank["admin"]
    assert stripe["port"] != bank["port"]
    assert stripe["url"] == f"http://127.0.0.1:{stripe['port']}"
    assert stripe["token"] in stack.secrets.values()
    caller = Caller(int(stripe["port"]))
    answered = caller("GET", "/v1/charges/7")
    assert (answered.status, answered.body) == (201, b"7")
    assert caller("GET", "/other").status == 501
    assert caller("POST", "/v1/charges/7", body=b"a" * 1025).status == 413
    caller.close()
    other = Caller(int(bank["port"]))
    assert other("GET", "/accounts/9").json == {"id": "9"}
    other.close()
    for name, count in (("stripe", 2), ("bank", 1)):
        channel = StubChannel(name, stack.facts[name], None, Ledger())
        channel.collect()
        assert channel.count() == count
        channel.close()


def test_a_channel_of_a_stub_with_webhooks_has_a_sender(up: Up, tmp_path: Path) -> None:
    stack = up(
        """
        [services.stripe]
        kind = "stub"
        webhooks = { scheme = "stripe", to = "http://127.0.0.1:9/x", secret = "whsec_0123456789" }
        """
    )
    settings = config.load(tmp_path / "suite", environ={})
    guards = Guards(settings.guards, tmp_path / "suite")
    context = ChannelContext(guards, Timeouts(), Redactor())
    definition = settings.services["stripe"]
    channel = StubChannel("stripe", stack.facts["stripe"], definition, Ledger(), context)
    assert channel.webhooks is not None
    entry = channel.webhooks.send("x.y")
    assert entry.data["response"] is None
    channel.close()


def test_a_stub_that_dies_is_noticed(up: Up) -> None:
    stack = up('[services.stripe]\nkind = "stub"\n')
    import os
    import signal

    import psutil

    from avow.core.waiting import until

    port = int(stack.facts["stripe"]["port"])
    [pid] = {
        child.pid
        for child in psutil.Process().children(recursive=True)
        for each in child.net_connections("inet")
        if each.laddr.port == port
    }
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: bool(stack.check()), 20).holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'routes = "support/nothing.toml"',
            'services.stripe.routes: there is no "support/nothing.toml"',
        ),
        ('routes = [{ on = "x" }]', "stripe.routes, route 1: "),
        ('routes = "support/broken.toml"', "support/broken.toml: cannot be read: "),
    ],
)
def test_routes_that_cannot_be_read_are_told(up: Up, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "suite" / "support" / "broken.toml").write_text("[[routes]\n")
    with pytest.raises(AvowError) as caught:
        up(f'[services.stripe]\nkind = "stub"\n{text}\n')
    assert said in str(caught.value)

"""Resources by name, what is remembered, and channels kept from scenario to scenario."""

import pytest

from avow.config import ServiceDefinition, Settings
from avow.core.entries import Body
from avow.core.errors import SuiteError
from avow.core.ledger import Ledger, Observed
from avow.world import Channels, Resources, World


class Recording:
    """A source of effects that writes what it was told to."""

    is_source = True

    def __init__(self, name: str, closes: Exception | None = None) -> None:
        self.name = name
        self.ledger = Ledger()
        self.waiting: list[str] = []
        self.closed = 0
        self._closes = closes

    def bind(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def collect(self) -> None:
        def perform() -> None:
            while self.waiting:
                self.ledger.effect("message.seen", self.name, self.waiting.pop(0))

        self.ledger.collect(self.name, perform)

    def close(self) -> None:
        self.closed += 1
        if self._closes:
            raise self._closes


@pytest.fixture
def orders() -> Recording:
    return Recording("orders")


@pytest.fixture
def mail() -> Recording:
    return Recording("mail")


@pytest.fixture
def channels(orders, mail) -> Channels:
    kinds = {"orders": "kafka", "mail": "smtp", "worker": "process"}
    return Channels({"messages": {"orders": orders}, "mail": {"mail": mail}}, kinds)


@pytest.fixture
def full(settings, channels) -> World:
    return World.begin(settings, channels, Ledger())


def test_a_resource_is_found_whatever_its_case(full, orders) -> None:
    assert full.messages["Orders"] is full.messages["orders"] is orders
    assert "ORDERS" in full.messages
    assert full.messages.get("nothing") is None
    assert full.name_of("ORDERS") == "orders"


def test_an_unknown_name_gets_the_nearest(full) -> None:
    with pytest.raises(SuiteError) as caught:
        full.messages["oders"]
    assert str(caught.value) == (
        'no service "oders" is declared\n'
        '  Did you mean "orders"? Declared: orders. Other services: mail, worker.'
    )


def test_a_name_of_another_kind_is_told_as_what_it_is(full) -> None:
    with pytest.raises(SuiteError) as caught:
        full.messages["mail"]
    assert str(caught.value).startswith(
        '"mail" is not a message broker: avow.toml says kind = "smtp"'
    )
    with pytest.raises(SuiteError, match=r'"worker" is not an HTTP service: .* kind = "process"'):
        full.http["worker"]


def test_an_area_of_a_plugin(settings, orders) -> None:
    world = World(settings, Channels({"robots": {"arm": orders}}, {"arm": "robot"}), Ledger())
    assert world.resources("robots")["arm"] is orders
    with pytest.raises(AttributeError, match=r'no "robbots"; Did you mean "robots"\?'):
        world.resources("robbots")


def test_collect_reads_all_sources_or_the_named_ones(full, orders, mail) -> None:
    orders.waiting, mail.waiting = ["m1"], ["mail 1"]
    full.collect("Orders")
    assert [each.summary for each in full.ledger.entries] == ["m1"]
    full.collect()
    assert [each.summary for each in full.ledger.entries] == ["m1", "mail 1"]
    full.collect("worker", "nobody")


def test_find_collects_first(full, orders) -> None:
    orders.waiting = ["m1", "m2"]
    assert [each.summary for each in full.find("message", "orders")] == ["m1", "m2"]


def test_unclaimed_effects_are_those_nobody_spoke_of(full, orders) -> None:
    orders.waiting = ["m1", "m2"]
    one, two = full.find("message.seen", "orders")
    full.claim(one)
    full.claim(one)
    assert full.unclaimed() == [two]
    assert len(full.ledger.claims) == 1
    full.expect_anything("Orders")
    assert full.unclaimed() == []
    with pytest.raises(SuiteError, match=r'Did you mean "orders"\?'):
        full.expect_anything("oders")


def test_channels_are_bound_to_the_ledger_of_each_scenario(settings, channels, orders) -> None:
    first, second = Ledger(), Ledger()
    World.begin(settings, channels, first)
    assert orders.ledger is first
    World.begin(settings, channels, second)
    assert orders.ledger is second


def test_closing_goes_on_after_a_failure() -> None:
    first, second = Recording("a", RuntimeError("stuck")), Recording("b")
    channels = Channels({"mail": {"a": first, "b": second}}, {})
    with pytest.raises(Exception, match="a channel could not be closed: stuck"):
        channels.close()
    assert second.closed == 1


def test_channels_are_built_for_services_with_facts(tmp_path) -> None:
    from avow.channels.base import ChannelContext
    from avow.config.values import Timeouts
    from avow.core.secrets import Redactor
    from avow.guards import Guards

    services = {
        "shop": ServiceDefinition(name="shop", kind="http", provider="command"),
        "later": ServiceDefinition(name="later", kind="http", provider="command"),
        "worker": ServiceDefinition(name="worker", kind="process", provider="command"),
    }
    settings = Settings(root=str(tmp_path), name="x", services=services)
    context = ChannelContext(Guards(settings.guards, tmp_path), Timeouts(), Redactor(), tmp_path)
    facts = {"shop": {"url": "http://127.0.0.1:1"}, "worker": {"host": "127.0.0.1"}}
    channels = Channels.build(settings, facts, context)
    assert list(channels.area("http")) == ["shop"]
    assert channels.kinds == {"shop": "http", "later": "http", "worker": "process"}
    resolve = channels.area("http")["shop"].context.resolve
    assert resolve("{shop.url}/token") == "http://127.0.0.1:1/token"
    channels.close()


def test_a_subject_is_the_last_of_its_kind(world) -> None:
    def exchange(body: str):
        return world.ledger.act(
            "http.exchange",
            "shop",
            {},
            lambda: Observed("GET /", {"response": {"status": 200}}, {"response": Body.of(body)}),
        )

    world.memory.see("response", exchange('{"id": 1}'))
    world.memory.see("response", exchange("plain text"))
    assert world.memory.recall("response") == "plain text"
    entry = exchange('{"id": 3}')
    assert world.memory.see("response", entry) == {"id": 3}
    assert world.memory.entry("response") is entry
    assert world.values.substitute("${response.id}") == "3"


def test_a_subject_that_is_not_there_yet_says_what_makes_one(world) -> None:
    with pytest.raises(SuiteError) as caught:
        world.memory.entry("mail")
    assert str(caught.value) == (
        'there is no mail yet\n  An earlier step must make one: Then "post" received a mail.'
    )


def test_a_name_that_was_not_remembered_gets_the_nearest(world) -> None:
    world.memory.remember("first order", 1)
    with pytest.raises(SuiteError, match=r'Did you mean "first order"\?'):
        world.memory.recall("frist order")
    assert world.memory.recall("first order") == 1


def test_files_are_those_under_the_root(world, tmp_path) -> None:
    (tmp_path / "order.json").write_text("{}")
    assert world.file("order.json").read_text() == "{}"
    with pytest.raises(SuiteError, match=r'Did you mean "order\.json"\?'):
        world.file("oder.json")


@pytest.mark.parametrize(
    ("kind", "data", "bodies", "value"),
    [
        ("message.seen", {"key": "7"}, {"value": '{"a": 1}'}, {"a": 1}),
        ("message.seen", {"key": "7"}, {}, None),
        ("stub.call", {"method": "GET"}, {"request": "x=1"}, "x=1"),
        ("webhook.sent", {}, {"request": '{"id": "evt"}', "response": "ok"}, {"id": "evt"}),
        ("object.stored", {"key": "k"}, {"content": "[1]"}, {"key": "k", "content": [1]}),
        ("mail.received", {"to": ["a"]}, {"text": "hi"}, {"to": ["a"], "text": "hi"}),
        ("rows.seen", {"rows": [{"a": 1}, {"a": 2}]}, {}, {"a": 2}),
        ("rows.seen", {"rows": []}, {}, None),
        ("process.ended", {"code": 1}, {}, {"code": 1}),
    ],
)
def test_what_an_entry_is_worth(world, kind, data, bodies, value) -> None:
    from avow.world.memory import plain_value

    parts = {part: Body.of(text) for part, text in bodies.items()}
    entry = world.ledger.effect(kind, "x", "summary", data, parts)
    assert plain_value(entry) == value


def test_resources_are_a_mapping() -> None:
    resources = Resources("http", {"a": 1, "b": 2}, {"a": "http", "b": "http"})
    assert dict(resources) == {"a": 1, "b": 2}
    assert len(resources) == 2

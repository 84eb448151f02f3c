from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.stubs.conftest import Caller

from avow.channels.base import ChannelContext
from avow.core.entries import Entry
from avow.core.errors import EnvironmentProblem, GuardRefusal, Problems, SuiteError, ThenCannotAct
from avow.core.ledger import Ledger
from avow.core.replay import ReplayLedger
from avow.core.secrets import Redactor
from avow.stubs import calls as reading
from avow.stubs.client import AdminClient, StubChannel
from avow.stubs.routes import Route
from avow.stubs.running import StubProcess


class Timeouts:
    call = timedelta(seconds=5)


def test_the_room_has_a_face_and_loads_only_what_is_asked_for() -> None:
    import avow.stubs

    assert avow.stubs.StubChannel is StubChannel
    assert {getattr(avow.stubs, name).__name__ for name in avow.stubs.__all__} == set(
        avow.stubs.__all__
    )
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = avow.stubs.Nothing


def test_arming_is_an_act_and_in_force_when_it_returns(stub: StubChannel, call: Caller) -> None:
    entry = stub.arm({"on": "GET /a"}, Route(method="GET", path="/b", name="the b"))
    assert call("GET", "/a").status == call("GET", "/b").status == 200
    assert (entry.kind, entry.role, entry.resource) == ("stub.route", "act", "shop")
    assert entry.summary == 'shop answers "GET /a", "the b"'
    with stub.ledger.observing("the order is paid"), pytest.raises(ThenCannotAct):
        stub.arm({"on": "GET /c"})
    assert call("GET", "/c").status == 404


def test_a_call_becomes_an_effect(stub: StubChannel, call: Caller) -> None:
    stub.arm({"name": "charge", "on": "POST /v1/charges", "answer": {"body": {"id": "ch_1"}}})
    call.form("/v1/charges?expand[]=customer", "amount=5&m[o]=1", X_Trace="t")
    stub.collect()
    [entry] = stub.ledger.find("stub.call", "shop")
    assert (entry.role, entry.summary) == ("effect", "shop got POST /v1/charges and answered 200")
    assert entry.data["number"] == 1
    assert entry.data["query"] == {"expand": ["customer"]}
    assert ["X-Trace", "t"] in entry.data["headers"]
    assert (entry.data["matched"], entry.data["status"], entry.data["outcome"]) == (
        "charge",
        200,
        "answered",
    )
    assert entry.bodies["request"].raw == b"amount=5&m[o]=1"
    assert reading.request_data(entry) == {"amount": "5", "m": {"o": "1"}}
    assert entry.bodies["response"].raw == b'{"id":"ch_1"}'
    assert entry.bodies["response"].raw == b'{"id":"ch_1"}'
    assert not stub.ledger.is_claimed(entry)


def test_calls_are_found_by_target(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "* /v1/charges"}, {"on": "* /v1/charges/{id}"})
    call("POST", "/v1/charges")
    call("GET", "/v1/charges/1")
    call("GET", "/v1/charges/2")
    stub.collect()
    assert stub.count() == 3
    assert stub.count("POST /v1/charges") == 1
    assert stub.count("/v1/charges/{id}") == 2
    assert [each.data["path"] for each in stub.calls("GET /v1/charges/2")] == ["/v1/charges/2"]
    assert stub.calls("DELETE /v1/charges") == []
    with pytest.raises(Problems, match="is not a method and a path"):
        stub.calls("POST charges")


def test_an_unmatched_call_is_an_effect_and_warned_about(stub: StubChannel, call: Caller) -> None:
    stub.arm({"name": "charge", "on": "POST /v1/charges"})
    call("POST", "/v1/charge")
    stub.collect()
    [entry] = reading.unmatched(stub.ledger)
    assert (entry.data["outcome"], entry.data["status"], entry.data["matched"]) == (
        "unmatched",
        404,
        None,
    )
    assert entry.data["near_misses"] == [
        {"route": "charge", "differences": ["path: wanted /v1/charges, saw /v1/charge"]}
    ]
    assert entry.summary == "shop got POST /v1/charge, which no route answers (404)"
    assert not stub.ledger.is_claimed(entry)
    [warning] = stub.reset()
    assert warning.startswith("shop stub: nothing matches POST /v1/charge; closest of 1:")


def test_a_scenario_knows_nothing_of_the_one_before(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "GET /x"})
    call("GET", "/x")
    assert stub.reset() == []
    assert stub.count() == 1
    call("GET", "/x")  # late: after the end of its scenario
    stub.bind(Ledger())
    stub.start_scenario()
    stub.collect()
    assert stub.ledger.entries == []
    assert call("GET", "/x").status == 404
    stub.collect()
    assert [each.data["number"] for each in stub.ledger.find("stub.call")] == [1]


def test_what_comes_after_the_end_can_still_be_read_as_late(
    stub: StubChannel, call: Caller
) -> None:
    stub.reset()
    call("GET", "/x")
    stub.collect()
    assert len(stub.ledger.find("stub.call")) == 1


def test_a_name_may_be_any_text(tmp_path: Path) -> None:
    name = "pay/../ments ü"
    with StubProcess(tmp_path, **{name: [{"on": "GET /x"}]}) as stubs:
        caller = Caller(int(stubs.facts[name]["port"]))
        assert caller("GET", "/x").status == 200
        caller.close()
        stubs[name].arm({"on": "GET /y"})
        stubs[name].collect()
        assert stubs[name].count() == 1
    assert {path.parent for path in tmp_path.rglob("*.calls.*")} == {tmp_path}


def test_default_routes_come_back(tmp_path: Path) -> None:
    routes = [{"on": "GET /x", "answers": [{"body": "one"}, {"body": "two"}]}]
    with StubProcess(tmp_path, shop=routes) as stubs:
        stub, caller = stubs["shop"], Caller(int(stubs.facts["shop"]["port"]))
        assert [caller("GET", "/x").body for _ in range(2)] == [b"one", b"two"]
        stub.arm({"on": "GET /x", "answer": {"body": "other"}})
        assert caller("GET", "/x").body == b"other"
        stub.reset()
        assert caller("GET", "/x").body == b"one"
        caller.close()


def test_stubs_of_a_process_know_nothing_of_each_other(tmp_path: Path) -> None:
    with StubProcess(tmp_path, one=[{"on": "GET /x"}], two=[]) as stubs:
        one = Caller(int(stubs.facts["one"]["port"]))
        two = Caller(int(stubs.facts["two"]["port"]))
        assert (one("GET", "/x").status, two("GET", "/x").status) == (200, 404)
        stubs["one"].reset()
        stubs["two"].collect()
        assert stubs["two"].count() == 1
        assert stubs["one"].count() == 1
        one.close()
        two.close()


def test_a_replay_needs_no_stub(stub: StubChannel, call: Caller) -> None:
    def steps() -> list[Entry]:
        stub.ledger.step = 0
        stub.arm({"on": "GET /x", "answer": {"body": "ok"}})
        stub.ledger.step = 1
        if not isinstance(stub.ledger, ReplayLedger):
            call("GET", "/x")
        stub.collect()
        return stub.calls("GET /x")

    recorded = [steps()[0], *stub.ledger.entries][1:]
    stub.ledger = ReplayLedger(recorded)
    before = stub._admin
    stub._admin = None  # type: ignore[assignment]
    try:
        assert [each.data for each in steps()] == [recorded[-1].data]
    finally:
        stub._admin = before


def test_the_token_is_a_secret(process: StubProcess) -> None:
    redactor = Redactor()
    context = ChannelContext(None, Timeouts(), redactor)  # type: ignore[arg-type]
    channel = StubChannel("shop", process.facts["shop"], None, Ledger(), context)
    assert redactor.finds_in(process.facts["shop"]["token"].encode())
    channel.close()


def test_bodies_of_answers_may_stand_in_files(
    stub: StubChannel, call: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("intent.json").write_text('{"id": "${request.path.id}", "n": 1}')
    Path("page.html").write_text("<h1>${request.path.id}</h1>")
    stub.arm({"on": "GET /intents/{id}", "answer": {"file": "intent.json", "status": 201}})
    html = {"file": "page.html", "headers": {"Content-Type": "text/html"}}
    stub.arm({"on": "GET /pages/{id}", "answers": [html]})
    answered = call("GET", "/intents/pi_7")
    assert (answered.status, answered.json) == (201, {"id": "pi_7", "n": 1})
    assert call("GET", "/pages/7").body == b"<h1>7</h1>"
    with pytest.raises(Exception, match=r"nothing\.json: cannot be read: No such file"):
        stub.arm({"on": "GET /x", "answer": {"file": "nothing.json"}})


def test_files_are_looked_for_where_the_guards_allow(process: StubProcess) -> None:
    class Guards:
        def address(self, host: str, port: int, *, where: str) -> str:
            return host

        def path(self, text: str) -> Path:
            raise GuardRefusal(f"{text} is outside")

    context = ChannelContext(Guards(), Timeouts(), Redactor())  # type: ignore[arg-type]
    channel = StubChannel("shop", process.facts["shop"], None, Ledger(), context)
    with pytest.raises(GuardRefusal):
        channel.arm({"on": "GET /x", "answer": {"file": "/etc/passwd"}})
    channel.close()


def test_a_stub_that_has_ended_is_told(tmp_path: Path) -> None:
    with StubProcess(tmp_path, shop=[]) as stubs:
        facts = stubs.facts["shop"]
    channel = StubChannel("shop", facts, None, Ledger())
    with pytest.raises(EnvironmentProblem, match='stub "shop": its process does not answer'):
        channel.arm({"on": "GET /x"})
    channel.close()


def test_a_process_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        StubProcess(tmp_path, {"largest_body": "much"}, shop=[]).__enter__()
    assert str(caught.value) == (
        "the process of stubs did not start:\n"
        "stubs: Expected `int`, got `str` - at `$.stubs[0].settings.largest_body`\n"
    )


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({}, 200),
    ],
)
def test_the_worker_s_door_is_closed_to_others(
    process: StubProcess, header: dict[str, str], status: int
) -> None:
    facts = process.facts["shop"]
    caller = Caller(int(facts["admin"].rpartition(":")[2]))
    headers = {"Authorization": f"Bearer {facts['token']}", "Origin": "http://evil.example"}
    answered = caller("GET", "/stubs/shop", headers={**headers, **header})
    assert answered.status == status
    assert not [name for name in answered.headers if name.startswith("access-control")]
    assert caller("OPTIONS", "/stubs/shop", headers=headers).status == 404
    caller.close()


def test_the_worker_s_door_tells_what_it_does_not_know(process: StubProcess) -> None:
    facts = process.facts["shop"]
    admin = AdminClient("shpo", facts["admin"], facts["token"])
    with pytest.raises(SuiteError) as caught:
        admin.ask("GET", "", None)
    admin.close()
    assert str(caught.value) == (
        'stub "shpo": there is no stub "shpo". Did you mean "shop"? Stubs: shop.'
    )
    admin = AdminClient("shop", facts["admin"], facts["token"])
    with pytest.raises(SuiteError, match="there is no POST /stubs/shop/nothing here"):
        admin.ask("POST", "nothing", {})
    with pytest.raises(SuiteError, match="the body is not a JSON object"):
        admin.ask("POST", "routes", [1])
    with pytest.raises(SuiteError, match='route 1: "x" is not a method and a path'):
        admin.ask("POST", "routes", {"routes": [{"on": "x"}]})
    admin.close()


def test_stubs_listen_on_loopback_only(process: StubProcess) -> None:
    import psutil

    listening = [
        each.laddr.ip
        for each in psutil.Process(process.pid).net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1", "127.0.0.1"]

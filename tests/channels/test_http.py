from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.channels.helpers import Definition, context
from tests.channels.misbehaving import Misbehaving, Peer, answering

from avow.channels.base import ChannelContext
from avow.channels.http import HttpChannel
from avow.channels.http.paths import parsed, values_at
from avow.core.errors import (
    ConfigError,
    EnvironmentProblem,
    GuardRefusal,
    SuiteError,
    ThenCannotAct,
)
from avow.core.ledger import Ledger
from avow.core.replay import ReplayLedger
from avow.core.secrets import Redactor, Secret

Server = Callable[..., Misbehaving]
Shop = Callable[..., HttpChannel]


def head(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


def line(request: bytes) -> str:
    return request.split(b"\r\n", 1)[0].decode()


def sent_body(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


# -- what an exchange looks like


def test_an_exchange_is_one_entry(server: Server, shop: Shop) -> None:
    answer = answering(b'{"id": 17}', "Content-Type: application/json\r\n", "201 Created")
    channel = shop(server(answer).url)
    entry = channel.send(
        "post",
        "/orders",
        query={"dry": True, "tag": ["a", "b"]},
        json={"sku": "x"},
        headers={"A": "b"},
    )
    assert entry.kind == "http.exchange"
    assert entry.role == "act"
    assert entry.resource == "shop"
    assert entry.summary == "POST /orders?dry=true&tag=a&tag=b -> 201"
    request, response = entry.data["request"], entry.data["response"]
    assert request["method"] == "POST"
    assert request["path"] == "/orders"
    assert request["query"] == {"dry": ["true"], "tag": ["a", "b"]}
    assert request["url"] == f"{channel.base}/orders?dry=true&tag=a&tag=b"
    assert ["A", "b"] in request["headers"]
    assert response["status"] == 201
    assert response["reason"] == "Created"
    assert ["Content-Type", "application/json"] in response["headers"]
    assert entry.bodies["request"].text() == '{"sku":"x"}'
    assert entry.bodies["response"].text() == '{"id": 17}'
    assert entry.bodies["response"].content_type == "application/json"
    assert entry.data["seconds"] > 0
    json.dumps(entry.to_plain())


def test_what_arrives_is_what_was_meant(server: Server, shop: Shop) -> None:
    system = server(answering())
    channel = shop(system.url + "/base/")
    channel.send("GET", "orders/ü 1?x=a b&y=%20", headers={"X-One": "ä"})
    assert line(system.requests[0]) == "GET /base/orders/%C3%BC%201?x=a%20b&y=%20 HTTP/1.1"
    got = head(system.requests[0])
    assert got["host"] == f"127.0.0.1:{system.port}"
    assert got["x-one"] == "ä"
    assert got["accept-encoding"] == "gzip, deflate"
    assert "content-length" not in got


@pytest.mark.parametrize(
    ("options", "kind", "body"),
    [
        ({"json": None}, "application/json", b"null"),
        ({"json": {"a": "ü"}}, "application/json", '{"a":"ü"}'.encode()),
        ({"text": "hi"}, "text/plain; charset=utf-8", b"hi"),
        ({"form": {"a": "1 2", "b": ["x", "y"]}}, "application/x-www-form-urlencoded",
         b"a=1+2&b=x&b=y"),
        ({"body": b"\x00\xff"}, "application/octet-stream", b"\x00\xff"),
        ({"body": b"<x/>", "headers": {"content-type": "text/xml"}}, "text/xml", b"<x/>"),
    ],
)  # fmt: skip
def test_bodies(
    options: dict[str, Any], kind: str, body: bytes, server: Server, shop: Shop
) -> None:
    system = server(answering())
    shop(system.url).send("PUT", "/", **options)
    assert head(system.requests[0])["content-type"] == kind
    assert sent_body(system.requests[0]) == body


def test_files_are_multipart(server: Server, shop: Shop) -> None:
    system = server(answering())
    shop(system.url).send(
        "POST", "/", form={"a": "1"}, files={"f": ('n".txt', b"content", "text/plain"), "g": b"raw"}
    )
    kind = head(system.requests[0])["content-type"]
    boundary = kind.removeprefix("multipart/form-data; boundary=")
    parts = sent_body(system.requests[0]).decode().split(f"--{boundary}")
    assert parts[1] == '\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    assert 'name="f"; filename="n%22.txt"\r\nContent-Type: text/plain' in parts[2]
    assert 'name="g"; filename="g"' in parts[3]
    assert parts[4] == "--\r\n"


def test_an_empty_post_says_its_length(server: Server, shop: Shop) -> None:
    system = server(answering())
    shop(system.url).send("POST", "/")
    assert head(system.requests[0])["content-length"] == "0"


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"
         b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz", 200, b"z"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n"
         b"Trailer: t\r\n\r\n", 200, b"abcde"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b""),
    ],
)  # fmt: skip
def test_answers(answer: bytes, status: int, body: bytes, server: Server, shop: Shop) -> None:
    def serve(peer: Peer) -> None:
        peer.receive()
        peer.send(answer)

    entry = shop(server(serve).url).send("GET", "/")
    assert "error" not in entry.data
    assert entry.data["response"]["status"] == status
    assert entry.bodies["response"].raw == body


def test_head_has_no_body_whatever_its_length_says(server: Server, shop: Shop) -> None:
    def serve(peer: Peer) -> None:
        while peer.receive():
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")

    system = server(serve)
    channel = shop(system.url)
    for _ in range(2):
        assert channel.send("HEAD", "/").data["response"]["status"] == 200
    assert system.connections == 1


def test_ten_megabytes_go_through(server: Server, shop: Shop) -> None:
    big = b"x" * (10 * 1024 * 1024)
    entry = shop(server(answering(big)).url).send("GET", "/")
    assert entry.bodies["response"].raw == big
    assert "error" not in entry.data


# -- connections


def test_connections_are_used_again_over_scenarios(server: Server, shop: Shop) -> None:
    system = server(answering())
    channel = shop(system.url)
    for _ in range(3):
        channel.bind(Ledger())
        channel.send("GET", "/")
    assert system.connections == 1


def test_a_connection_that_the_server_closed_is_not_used(server: Server, shop: Shop) -> None:
    def once(peer: Peer) -> None:
        peer.receive()
        peer.answer()

    system = server(once)
    channel = shop(system.url)
    for _ in range(3):
        assert channel.send("GET", "/").data["response"]["status"] == 200
    assert system.connections == 3


def test_connection_close_is_honoured(server: Server, shop: Shop) -> None:
    system = server(answering(head="Connection: close\r\n"))
    channel = shop(system.url)
    channel.send("GET", "/")
    channel.send("GET", "/")
    assert system.connections == 2


def test_requests_together_overlap(server: Server, shop: Shop) -> None:
    import threading

    barrier = threading.Barrier(3, timeout=10)

    def serve(peer: Peer) -> None:
        peer.receive()
        barrier.wait()  # nobody is answered before all have come
        peer.answer()

    channel = shop(server(serve).url)
    entries = channel.send_together([channel.call("POST", "/last")] * 3)
    assert [entry.data["response"]["status"] for entry in entries] == [200, 200, 200]
    assert [entry.question["together"] for entry in entries] == [0, 1, 2]
    assert channel.send_together([]) == []


# -- looks


def test_a_get_in_a_then_is_a_look_and_a_post_is_refused(server: Server, shop: Shop) -> None:
    channel = shop(server(answering()).url)
    with channel.ledger.observing("the order is paid"):
        assert channel.send("GET", "/orders/1").role == "look"
        with pytest.raises(ThenCannotAct, match='"the order is paid" is a Then'):
            channel.send("POST", "/orders")
        with pytest.raises(ThenCannotAct):
            channel.send_together([channel.call("POST", "/orders")])
    assert channel.send("GET", "/orders/1").role == "act"
    assert channel.send("GET", "/orders/1", as_look=True).role == "look"
    with pytest.raises(SuiteError, match="shop: POST may change the system, so it is not a look"):
        channel.send("POST", "/orders", as_look=True)


# -- what belongs to a scenario


def test_cookies_last_for_a_scenario(server: Server, shop: Shop) -> None:
    system = server(answering(head="Set-Cookie: session=abc; Path=/; HttpOnly\r\n"))
    channel = shop(system.url)
    channel.send("GET", "/login")
    channel.send("GET", "/orders")
    assert "cookie" not in head(system.requests[0])
    assert head(system.requests[1])["cookie"] == "session=abc"
    assert channel.cookies == {"session": "abc"}
    channel.bind(Ledger())
    channel.send("GET", "/orders")
    assert "cookie" not in head(system.requests[2])


def test_cookies_keep_to_their_path(server: Server, shop: Shop) -> None:
    system = server(answering(head="Set-Cookie: a=1; Path=/admin\r\n"))
    channel = shop(system.url)
    channel.send("GET", "/admin/login")
    channel.send("GET", "/orders")
    channel.send("GET", "/admin/users")
    assert ["cookie" in head(request) for request in system.requests] == [False, False, True]


# -- redirects


def redirecting(to: str, status: str = "302 Found") -> Any:
    return answering(b"", f"Location: {to}\r\n", status)


def by_path(**paths: tuple[str, str]) -> Any:
    def serve(peer: Peer) -> None:
        while request := peer.receive():
            path = request.split(b" ")[1].decode().partition("?")[0].strip("/")
            status, to = paths.get(path, ("200 OK", ""))
            peer.answer(b"", f"Location: {to}\r\n" if to else "", status)

    return serve


def test_a_redirect_is_the_answer_unless_asked(server: Server, shop: Shop) -> None:
    system = server(by_path(old=("301 Moved", "/new")))
    channel = shop(system.url)
    assert channel.send("GET", "/old").data["response"]["status"] == 301
    entry = channel.send("GET", "/old", follow=True)
    assert entry.data["response"]["status"] == 200
    assert entry.data["redirects"] == [{"status": 301, "location": f"{system.url}/new"}]
    assert entry.data["request"]["path"] == "/new"


def test_methods_after_redirects(server: Server, shop: Shop) -> None:
    system = server(
        by_path(found=("302 Found", "to"), other=("303 See", "/to"), same=("307 T", "/to"))
    )
    channel = shop(system.url)
    for path in ("found", "other", "same"):
        channel.send("POST", f"/{path}", json=1, follow=True)
    assert [line(request) for request in system.requests[1::2]] == [
        "GET /to HTTP/1.1",
        "GET /to HTTP/1.1",
        "POST /to HTTP/1.1",
    ]
    assert sent_body(system.requests[-1]) == b"1"


def test_no_redirect_leads_to_another_origin_by_itself(server: Server, shop: Shop) -> None:
    elsewhere = server(answering())
    system = server(redirecting(f"{elsewhere.url}/steal"))
    entry = shop(system.url).send("GET", "/", follow=True)
    assert entry.data["response"]["status"] == 302
    assert elsewhere.requests == []


def test_secrets_do_not_follow_to_another_origin(server: Server, shop: Shop) -> None:
    elsewhere = server(answering())
    system = server(
        answering(b"", f"Set-Cookie: s=1\r\nLocation: {elsewhere.url}/x\r\n", "302 Found")
    )
    redactor = Redactor()
    redactor.add(Secret("token", "a-very-secret-value"))
    auth = {"partner": {"scheme": "header", "header": "X-Partner", "token": "whatever"}}
    channel = shop(system.url, redactor=redactor, settings={"auth": auth})
    channel.send(
        "GET",
        "/",
        follow="anywhere",
        auth="partner",
        headers={
            "Authorization": "Bearer abc",
            "X-Api-Key": "a-very-secret-value",
            "X-Kept": "yes",
        },
    )
    got = head(elsewhere.requests[0])
    assert got["x-kept"] == "yes"
    assert not {"authorization", "x-api-key", "cookie", "x-partner"} & set(got)


def test_a_redirect_to_a_forbidden_host_is_refused(server: Server, shop: Shop) -> None:
    system = server(redirecting("http://metadata.example/latest"))
    with pytest.raises(GuardRefusal, match=r"metadata\.example"):
        shop(system.url).send("GET", "/", follow="anywhere")


def test_redirects_have_an_end(server: Server, shop: Shop) -> None:
    entry = shop(server(redirecting("/again")).url).send("GET", "/again", follow=True)
    assert entry.data["error"] == {
        "kind": "redirects",
        "message": "the answer is still a redirect after 10 redirects",
    }


# -- guards


def test_the_guard_decides_and_the_connection_goes_to_exactly_it(server: Server) -> None:
    system = server(answering())

    class OnlyLoopback:
        def __init__(self) -> None:
            self.asked: list[tuple[str, int]] = []

        def address(self, host: str, port: int, *, where: str = "") -> str:
            self.asked.append((host, port))
            return "127.0.0.1"

        def database(self, name: str, owned: bool = False, *, where: str = "") -> None: ...

        def path(self, text: str, *, exists: bool = False, where: str = "") -> Path:
            return Path(text)

    guards = OnlyLoopback()
    given = ChannelContext(guards, context().timeouts, Redactor())
    # A name that no resolver knows: only the guard's word can lead anywhere.
    url = f"http://shop.invalid:{system.port}"
    channel = HttpChannel("shop", {"url": url}, Definition(), Ledger(), given)
    entry = channel.send("GET", "/")
    channel.close()
    assert guards.asked == [("shop.invalid", system.port)]
    assert head(system.requests[0])["host"] == f"shop.invalid:{system.port}"
    assert entry.data["address"] == f"127.0.0.1:{system.port}"


@pytest.mark.parametrize("path", ["http://evil.example/", "http://169.254.169.254/latest"])
def test_other_hosts_are_refused_and_nothing_is_written(path: str, shop: Shop) -> None:
    channel = shop("http://127.0.0.1:1")
    with pytest.raises(GuardRefusal):
        channel.send("GET", path)
    assert channel.ledger.entries == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://user:geheim@127.0.0.1/", "holds a user name, a password or a backslash"),
        ("http://127.0.0.1\\@evil.example/", "a backslash"),
        ("http://127.0.0.1:99999/", "is not a URL"),
        ("http:///orders", "is not an http or https URL"),
    ],
)
def test_urls_that_readers_disagree_about_are_refused(url: str, message: str, shop: Shop) -> None:
    with pytest.raises(SuiteError, match=message) as raised:
        shop("http://127.0.0.1:1").send("GET", url)
    assert "geheim" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"headers": {"X": "a\r\nInjected: b"}}, "the value of header X holds a control character"),
        ({"headers": {"X Y": "a"}}, "'X Y' is not the name of a header"),
        ({"method": "GE T"}, "'GE T' is not an HTTP method"),
        ({"json": object()}, "the JSON body cannot be written as JSON"),
        ({"json": 1, "text": "x"}, "a request has one body, and got json and text"),
        ({"path": "http://"}, "is not an http or https URL"),
    ],
)
def test_requests_that_cannot_be(options: dict[str, Any], message: str, shop: Shop) -> None:
    given = {"method": "GET", "path": "/", **options}
    with pytest.raises(SuiteError, match=message):
        shop("http://127.0.0.1:1").send(**given)


# -- who asks


def test_auth_profiles(server: Server, shop: Shop) -> None:
    system = server(answering())
    auth = {
        "bearer": {"scheme": "bearer", "token": "${secret:T}"},
        "basic": {"scheme": "basic", "user": "u", "password": "p"},
        "key": {"scheme": "header", "header": "X-Key", "token": "k"},
        "query": {"scheme": "query", "name": "key", "token": "k y"},
        "cookie": {"scheme": "cookie", "name": "session", "token": "s"},
    }
    channel = shop(
        system.url, settings={"auth": auth}, resolve=lambda text: text.replace("${secret:T}", "tok")
    )
    for name in auth:
        channel.send("GET", "/", auth=name)
    got = [head(request) for request in system.requests]
    assert got[0]["authorization"] == "Bearer tok"
    assert got[1]["authorization"] == "Basic dTpw"
    assert got[2]["x-key"] == "k"
    assert line(system.requests[3]) == "GET /?key=k+y HTTP/1.1"
    assert got[4]["cookie"] == "session=s"


def test_an_unknown_profile_gets_the_nearest(shop: Shop) -> None:
    channel = shop("http://127.0.0.1:1", settings={"auth": {"customer": {"scheme": "bearer"}}})
    with pytest.raises(ConfigError, match='has no auth profile "custmer"') as raised:
        channel.send("GET", "/", auth="custmer")
    assert 'Did you mean "customer"?' in str(raised.value)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"scheme": "bearr"}, '"bearr" is not an auth scheme'),
        ({"scheme": "bearer"}, 'scheme "bearer" also needs "token"'),
    ],
)
def test_profiles_that_cannot_be(profile: dict[str, str], message: str, shop: Shop) -> None:
    channel = shop("http://127.0.0.1:1", settings={"auth": {"a": profile}})
    with pytest.raises(ConfigError, match=message):
        channel.send("GET", "/", auth="a")


ADMIN = {
    "scheme": "oauth2",
    "token_url": "{shop.url}/token",
    "client": "admin",
    "secret": "the-client-secret",
    "scopes": ("read", "write"),
}


def test_a_token_is_fetched_once_per_scenario_and_redacted(server: Server, shop: Shop) -> None:
    token = b'{"access_token": "minted-token-123", "token_type": "Bearer"}'
    system = server(answering(token))
    redactor = Redactor()
    channel = shop(
        system.url,
        redactor=redactor,
        settings={"auth": {"admin": ADMIN}},
        resolve=lambda text: text.replace("{shop.url}", system.url),
    )
    channel.send("GET", "/a", auth="admin")
    channel.send("GET", "/b", auth="admin")
    assert [line(request) for request in system.requests] == [
        "POST /token HTTP/1.1", "GET /a HTTP/1.1", "GET /b HTTP/1.1",
    ]  # fmt: skip
    assert sent_body(system.requests[0]) == (
        b"grant_type=client_credentials&client_id=admin&client_secret=the-client-secret"
        b"&scope=read+write"
    )
    assert head(system.requests[1])["authorization"] == "Bearer minted-token-123"
    assert "minted-token-123" not in redactor.text("a minted-token-123 b")
    assert [entry.role for entry in channel.ledger.entries] == ["look", "act", "act"]
    channel.bind(Ledger())
    channel.send("GET", "/c", auth="admin")
    assert line(system.requests[3]) == "POST /token HTTP/1.1"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (answering(b"no", status="401 Unauthorized"), "no token came: http.*/token answered 401"),
        (answering(b"{}"), 'answered without "access_token"'),
        (answering(b'{"access_token": 5}'), '"access_token" is not a text'),
        (lambda peer: peer.receive(), "no token came: the connection was closed without an answer"),
    ],
)
def test_no_token(answer: Any, message: str, server: Server, shop: Shop) -> None:
    system = server(answer)
    profile = {**ADMIN, "token_url": f"{system.url}/token"}
    channel = shop(system.url, settings={"auth": {"admin": profile}})
    with pytest.raises(EnvironmentProblem, match=message):
        channel.send("GET", "/", auth="admin")


def test_own_headers_go_with_every_request_unless_given(server: Server, shop: Shop) -> None:
    system = server(answering())
    channel = shop(system.url, settings={"headers": {"X-Tenant": "t1", "Accept": "text/x"}})
    channel.send("GET", "/")
    channel.send("GET", "/", headers={"x-tenant": "t2"})
    assert head(system.requests[0])["x-tenant"] == "t1"
    assert head(system.requests[0])["accept"] == "text/x"
    assert head(system.requests[1])["x-tenant"] == "t2"


def test_the_service_may_have_a_timeout_of_its_own(server: Server, shop: Shop) -> None:
    def hang(peer: Peer) -> None:
        peer.receive()
        peer.hang()

    channel = shop(server(hang).url, settings={"timeout": timedelta(milliseconds=100)})
    assert channel.send("GET", "/").data["error"]["kind"] == "timeout"


# -- secrets in answers


def test_declared_tokens_are_known_before_the_entry_is_written(server: Server, shop: Shop) -> None:
    redactor = Redactor()
    seen: list[str] = []

    class Sink:
        def entry(self, entry: Any) -> None:
            seen.append(redactor.text(json.dumps(entry.to_plain())))

        def claim(self, claim: Any) -> None: ...

    body = b'{"data": {"sessions": [{"key": "session-key-one"}]}, "token": "a-token-in-answer"}'
    system = server(
        answering(body, "X-Session: header-session-1\r\nSet-Cookie: sid=cookie-sid-22\r\n")
    )
    secrets = ("token", "$.data.sessions[*].key", "header:X-Session", "cookie:sid")
    channel = shop(system.url, redactor=redactor, secrets=secrets)
    channel.bind(Ledger(Sink()))
    entry = channel.send("GET", "/")
    for token in ("a-token-in-answer", "session-key-one", "header-session-1", "cookie-sid-22"):
        assert token not in seen[0]
        assert token in json.dumps(entry.to_plain())


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", [{"b": [1, {"c": 2}]}]),
        ("$.a.b[0]", [1]),
        ("a.b[*].c", [2]),
        ("$..c", [2]),
        ("$['a']['b']", [[1, {"c": 2}]]),
        ("a.b[7]", []),
        ("x.y", []),
    ],
)
def test_paths(path: str, found: list[Any]) -> None:
    assert list(values_at({"a": {"b": [1, {"c": 2}]}}, parsed(path))) == found


def test_a_path_that_is_none() -> None:
    with pytest.raises(ConfigError, match=r'secrets: "a\[b\]" is not a path into JSON'):
        parsed("a[b]")


# -- replay


def test_a_recorded_exchange_needs_no_system(server: Server, shop: Shop) -> None:
    recorded = shop(server(answering(b'{"id": 1}')).url)
    recorded.send("POST", "/orders", json={})
    recorded.send("GET", "/orders/1")
    replayed = shop("http://127.0.0.1:1")
    replayed.bind(ReplayLedger(recorded.ledger.entries))
    assert replayed.send("POST", "/orders", json={}).bodies["response"].text() == '{"id": 1}'
    assert replayed.send("GET", "/orders/1").data["response"]["status"] == 200

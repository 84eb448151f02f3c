from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.matchers import compare, prepare
from avow.stubs.language import compiled
from avow.stubs.matching import Matcher
from avow.stubs.request import Request
from avow.stubs.routes import route_from

SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0, 1.5])
    | st.sampled_from(["", "a", "1", "true", "null", "\\<any>"])
)
SEEN = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
WANTED = st.recursive(
    SCALARS | st.sampled_from(["<any>", "<absent>", "<number>", "<present>", "<string>"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(WANTED, SEEN, st.booleans(), st.booleans())
def test_the_compiled_decision_is_that_of_compare(
    wanted: Any, seen: Any, exactly: bool, loose: bool
) -> None:
    plain = compiled(prepare(wanted), exactly=exactly)(seen)
    if plain is not None:
        mode = "exactly" if exactly else "at least"
        assert plain == (not compare(wanted, seen, mode=mode, loose=loose))


@given(WANTED, SEEN, st.sampled_from(["at least", "exactly"]))
def test_accepting_is_having_no_differences(wanted: Any, seen: Any, mode: str) -> None:
    matcher = Matcher(route_from({"on": "POST /x", "body": wanted, "mode": mode}))
    request = call("POST", "/x", seen)
    assert matcher.accepts(request) == (not matcher.differences(request))


@given(
    st.dictionaries(st.sampled_from("ab"), SCALARS, max_size=2),
    st.dictionaries(st.sampled_from("ab"), st.sampled_from(["", "1", "true", "a"]), max_size=2),
)
def test_so_it_is_for_forms_and_queries(wanted: Any, seen: dict[str, str]) -> None:
    text = "&".join(f"{name}={value}" for name, value in seen.items())
    form = Request(
        "POST", "/x", [(b"Content-Type", b"application/x-www-form-urlencoded")], text.encode()
    )
    for route, request in (
        ({"on": "POST /x", "body": wanted}, form),
        ({"on": "POST /x", "query": wanted}, Request("POST", f"/x?{text}", [])),
    ):
        matcher = Matcher(route_from(route))
        assert matcher.accepts(request) == (not matcher.differences(request))


def call(
    method: str, target: str, body: Any = ..., headers: dict[str, str] | None = None
) -> Request:
    pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    raw = b"" if body is ... else body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method, target, pairs, raw)


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("route", "request_"),
    [
        ({"on": "GET /x"}, call("GET", "/x")),
        ({"on": "GET /x"}, call("HEAD", "/x")),
        ({"on": "* /x"}, call("PURGE", "/x")),
        ({"on": "GET /x"}, call("GET", "http://stripe.example/x")),
        ({"on": "GET /a b/ü"}, call("GET", "/a%20b/%C3%BC")),
        ({"on": "GET /x/{id}/y"}, call("GET", "/x/17/y")),
        ({"on": "GET /x?limit=2"}, call("GET", "/x?limit=2&more=1")),
        ({"on": "GET /x", "query": {"limit": 2}}, call("GET", "/x?limit=2")),
        ({"on": "GET /x", "query": {"limit": "<between 1 and 5>"}}, call("GET", "/x?limit=2")),
        ({"on": "GET /x", "query": {"id": ["a", "b"]}}, call("GET", "/x?id=a&id=b")),
        ({"on": "GET /x", "query": {"page": "<absent>"}}, call("GET", "/x?limit=2")),
        ({"on": "GET /x", "headers": {"x-n": 1}}, call("GET", "/x", headers={"X-N": "1"})),
        (
            {"on": "GET /x", "headers": {"Authorization": "<matches: Bearer .+>"}},
            call("GET", "/x", headers={"authorization": "Bearer sk"}),
        ),
        ({"on": "POST /x", "body": {"amount": 5}}, call("POST", "/x", {"amount": 5, "b": 1})),
        ({"on": "POST /x", "body": {"amount": 5}}, call("POST", "/x", b"amount=5", FORM)),
        ({"on": "POST /x", "body": {"ok": True}}, call("POST", "/x", b"ok=true", FORM)),
        ({"on": "POST /x", "body": {"n": "<number>"}}, call("POST", "/x", b"n=5", FORM)),
        ({"on": "POST /x", "body": {"m": {"o": "1"}}}, call("POST", "/x", b"m[o]=1", FORM)),
        ({"on": "POST /x", "body": "ping"}, call("POST", "/x", b"ping")),
        ({"on": "POST /x", "body": "<contains: in>"}, call("POST", "/x", b"ping")),
        ({"on": "POST /x", "body": [1, 2]}, call("POST", "/x", [2, 1, 3])),
        ({"on": "POST /x", "body": {"n": 10**30}}, call("POST", "/x", {"n": 10**30})),
        ({"on": "POST /x", "body": {"a": 1}}, call("POST", "/x", b'\xef\xbb\xbf{"a": 1}')),
    ],
)
def test_matches(route: dict[str, Any], request_: Request) -> None:
    matcher = Matcher(route_from(route))
    assert matcher.fits_path(request_.path)
    assert matcher.differences(request_) == []
    assert matcher.accepts(request_)


@pytest.mark.parametrize(
    ("route", "request_", "wanted"),
    [
        ({"on": "GET /x"}, call("GET", "/y"), ["path: wanted /x, saw /y"]),
        ({"on": "GET /x/{id}"}, call("GET", "/x/"), ["path: wanted /x/{id}, saw /x/"]),
        ({"on": "GET /x"}, call("GET", "/x/"), ["path: wanted /x, saw /x/"]),
        ({"on": "GET /x"}, call("POST", "/x"), ["method: wanted GET, saw POST"]),
        (
            {"on": "GET /x?limit=2"},
            call("GET", "/x?limit=3"),
            ['query.limit: wanted "2", saw "3"'],
        ),
        (
            {"on": "GET /x?limit=2"},
            call("GET", "/x"),
            ['query.limit: wanted "2", is not there; there is no query'],
        ),
        (
            {"on": "GET /x", "headers": {"Idempotency-Key": "<present>"}},
            call("GET", "/x", headers={"Host": "h", "X-Idempotency-Key": "k"}),
            [
                "header.Idempotency-Key: wanted <present>, is not there; "
                'did you mean "x-idempotency-key"?'
            ],
        ),
        (
            {"on": "POST /x", "body": {"amount": 2000, "currency": "eur"}},
            call("POST", "/x", {"amount": "2000", "currency": "usd"}),
            [
                'body.amount: wanted 2000 (a number), saw "2000" (text)',
                'body.currency: wanted "eur", saw "usd"',
            ],
        ),
        (
            {"on": "POST /x", "body": {"a": 1}, "mode": "exactly"},
            call("POST", "/x", {"a": 1, "b": 2}),
            ["body.b: is not wanted, saw 2"],
        ),
        (
            {"on": "POST /x", "body": {"m": {"o": "<uuid>"}}},
            call("POST", "/x", b"m[o]=1", FORM),
            ['body.m.o: wanted <uuid>, saw "1"'],
        ),
        (
            {"on": "POST /x", "body": {"a": 1}},
            call("POST", "/x"),
            ["body: wanted data (JSON or a form), saw none"],
        ),
        (
            {"on": "POST /x", "body": {"a": 1}},
            call("POST", "/x", b"<a>1</a>"),
            ["body: wanted data (JSON or a form), saw 8 bytes of something else: <a>1</a>"],
        ),
        (
            {"on": "POST /x", "body": "ping"},
            call("POST", "/x", b"pong"),
            ['body: wanted "ping", saw "pong"'],
        ),
        (
            {"on": "POST /x", "body": ["a"]},
            call("POST", "/x", {"a": 1}),
            ['body: wanted ["a"] (a list), saw {"a": 1} (an object)'],
        ),
    ],
)
def test_says_what_differs(route: dict[str, Any], request_: Request, wanted: list[str]) -> None:
    matcher = Matcher(route_from(route))
    assert matcher.differences(request_) == wanted
    if matcher.fits_path(request_.path) and not wanted[0].startswith("method"):
        assert not matcher.accepts(request_)

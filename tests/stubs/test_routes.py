from __future__ import annotations

from typing import Any

import pytest

from avow.core.errors import Problems
from avow.stubs.routes import Answer, Route, route_from, routes_from


def test_reads_a_route_as_people_write_it() -> None:
    route = route_from(
        {
            "on": "post /v1/charges/{id}?expand=customer",
            "headers": {"Idempotency-Key": "<present>"},
            "body": {"amount": "<number>"},
            "answers": [{"status": 500, "delay": "250ms"}, {"body": {"id": "ch_1"}}],
            "after": "unmatched",
            "idempotent": True,
        }
    )
    assert route == Route(
        method="POST",
        path="/v1/charges/{id}",
        query={"expand": "customer"},
        headers={"Idempotency-Key": "<present>"},
        body={"amount": "<number>"},
        answers=(Answer(500, delay=0.25), Answer(body={"id": "ch_1"})),
        after="unmatched",
        idempotent=True,
    )
    assert route.title == "POST /v1/charges/{id}"


def test_goes_through_plain_data_unchanged() -> None:
    route = route_from(
        {"on": "GET /x", "name": "x", "body": None, "answer": {"fault": "hang", "body": None}}
    )
    assert route_from(route.to_plain()) == route
    assert route_from(Route(method="GET", path="/x").to_plain()) == Route(method="GET", path="/x")


def test_a_path_alone_means_every_method() -> None:
    assert route_from({"path": "/x"}).method == "*"


@pytest.mark.parametrize(
    ("route", "message"),
    [
        (
            {"onn": "GET /x", "path": "/x"},
            'a route: a route has no "onn"\n  Did you mean "on"? Known: after, answer, answers, '
            "body, headers, idempotent, method, mode, name, on, path, query.",
        ),
        (
            {"on": "/x"},
            'a route: "/x" is not a method and a path\n  Write on = "POST /v1/charges"; "*" stands '
            "for every method.",
        ),
        (
            {"on": "GET /x/{id}.json"},
            'a route: "{id}.json" in the path /x/{id}.json mixes text and a name\n'
            "  A name stands for a whole segment: /v1/charges/{id}/refunds.",
        ),
        (
            {"on": "GET /x", "answer": {"fault": "reset"}},
            'a route: fault is "reset"\n  Write one of: reset-before-reading, reset-after-reading, '
            "reset-after-processing, close, cut-short, hang.",
        ),
        (
            {"on": "GET /x", "answer": {"fault": "hangs"}},
            'a route: fault is "hangs"\n  Did you mean "hang"? Write one of: reset-before-reading, '
            "reset-after-reading, reset-after-processing, close, cut-short, hang.",
        ),
        (
            {"on": "GET /x", "answer": {"delay": 250000}},
            'a route: delay is 250000\n  Write seconds or "250ms", at most one hour.',
        ),
        (
            {"on": "GET /x", "answer": {"status": "200"}},
            "a route: status is '200'\n  Write a number from 200 to 599.",
        ),
        (
            {"on": "GET /x", "answer": {"headers": {"X": "a\r\nSet-Cookie: b"}}},
            "a route: header 'X' = 'a\\r\\nSet-Cookie: b' cannot be sent\n"
            "  Header values are one line of text.",
        ),
        (
            {"on": "GET /x", "answers": []},
            "a route: answers is []\n  Write a list of at least one answer.",
        ),
        (
            {"on": "GET /x", "answer": {}, "answers": [{}]},
            "a route: has both answer and answers\n  Keep one: answers is a list of several.",
        ),
        (
            {"on": "GET /x", "method": "GET"},
            "a route: has on and also method or path\n  Keep on.",
        ),
        (
            {"on": "GET /x", "mode": "exact"},
            'a route: mode is "exact"\n  Write one of: at least, exactly.',
        ),
        (
            {"on": "GET /x", "query": "a=b"},
            "a route: query is 'a=b'\n"
            "  Write a table of names and values: query = { name = value }.",
        ),
        (
            {"on": "GET /x", "idempotent": "yes"},
            "a route: idempotent is 'yes'\n  Write true or false.",
        ),
        (
            {"on": "GET /x", "answer": "ok"},
            "a route: an answer is 'ok'\n"
            '  Write a table: answer = { status = 200, body = "ok" }.',
        ),
    ],
)
def test_says_what_is_wrong(route: dict[str, Any], message: str) -> None:
    with pytest.raises(Problems) as caught:
        route_from(route)
    assert str(caught.value) == message


def test_a_marker_that_nobody_knows_is_told_when_the_route_is_made() -> None:
    with pytest.raises(Problems, match="a route: body: "):
        route_from({"on": "GET /x", "body": {"amount": "<nubmer>"}})


def test_tells_all_mistakes_of_all_routes() -> None:
    with pytest.raises(Problems) as caught:
        routes_from(
            {"routes": [{"on": "GET /ok"}, {"on": "x", "answer": {"status": 1}}, 7]},
            where="stripe.toml",
        )
    heads = [str(problem).splitlines()[0] for problem in caught.value.problems]
    assert heads == [
        'stripe.toml, route 2: "x" is not a method and a path',
        "stripe.toml, route 2: status is 1",
        "stripe.toml, route 3: is 7",
    ]


def test_a_file_without_a_list_says_so() -> None:
    with pytest.raises(Exception, match=r"x\.json: holds no list of routes"):
        routes_from({"routes": {"on": "GET /x"}}, where="x.json")

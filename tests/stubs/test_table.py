from __future__ import annotations

import json
import random
from typing import Any

from avow.stubs.request import Request
from avow.stubs.routes import route_from
from avow.stubs.table import RouteTable, near_miss_text


def table(*batches: list[dict[str, Any]]) -> RouteTable:
    made = RouteTable()
    for batch in batches:
        made.arm([route_from(each) for each in batch])
    return made


def post(path: str, body: Any = None) -> Request:
    raw = b"" if body is None else json.dumps(body).encode()
    return Request("POST", path, [(b"Content-Type", b"application/json")], raw)


def found(routes: RouteTable, request: Request) -> str | None:
    armed = routes.find(request)
    return None if armed is None else armed.route.title


def test_the_newest_wins_also_over_the_more_specific() -> None:
    routes = table(
        [{"name": "special", "on": "POST /x", "body": {"a": 1}}],
        [{"name": "general", "on": "POST /x"}],
    )
    assert found(routes, post("/x", {"a": 1})) == "general"


def test_of_those_armed_together_the_more_specific_wins() -> None:
    routes = table(
        [
            {"name": "any method", "on": "* /x/{id}"},
            {"name": "one body", "on": "POST /x/7", "body": {"a": 1}},
            {"name": "two fields", "on": "POST /x/7", "body": {"a": 1, "b": 2}},
            {"name": "literal path", "on": "POST /x/7"},
            {"name": "any id", "on": "POST /x/{id}"},
        ]
    )
    assert found(routes, post("/x/7", {"a": 1, "b": 2})) == "two fields"
    assert found(routes, post("/x/7", {"a": 1})) == "one body"
    assert found(routes, post("/x/7")) == "literal path"
    assert found(routes, post("/x/8")) == "any id"
    assert found(routes, Request("GET", "/x/8", [])) == "any method"


def test_of_equals_the_last_one_written_wins() -> None:
    routes = table([{"name": "a", "on": "POST /x"}, {"name": "b", "on": "POST /x"}])
    assert found(routes, post("/x")) == "b"


def test_a_route_whose_answers_are_given_leaves_calls_to_the_older_ones() -> None:
    routes = table(
        [{"name": "works", "on": "POST /x"}],
        [{"name": "fails", "on": "POST /x", "answers": [{"status": 500}], "after": "unmatched"}],
    )
    assert found(routes, post("/x")) == "fails"
    routes.find(post("/x")).next_template()  # type: ignore[union-attr]
    assert found(routes, post("/x")) == "works"


def test_what_is_looked_up_is_what_would_be_found_by_trying_all() -> None:
    """Many routes on one path are told apart by a field; the result must not depend on it."""
    chance = random.Random(7)
    batches: list[list[dict[str, Any]]] = []
    for number in range(60):
        body: dict[str, Any] = {"customer": f"c{chance.randrange(12)}"}
        if chance.random() < 0.3:
            body["customer"] = chance.choice(["<any>", 7, "<absent>"])
        if chance.random() < 0.5:
            body["amount"] = chance.randrange(3)
        route: dict[str, Any] = {"name": str(number), "on": "POST /x"}
        if chance.random() < 0.9:
            route["body"] = body
        if number % 20 == 0:
            batches.append([])
        batches[-1].append(route)
    # The general ones first, so that they do not hide all others.
    routes = table(*batches)
    tried = [armed for armed in routes.routes if armed.matcher.is_literal]
    for number in range(300):
        seen: dict[str, Any] = {"amount": chance.randrange(3)}
        if number % 5:
            seen["customer"] = chance.choice([f"c{chance.randrange(14)}", 7, None])
        request = post("/x", seen)
        wanted = next((armed for armed in tried if armed.matcher.accepts(request)), None)
        assert routes.find(request) is wanted


def test_a_near_miss_report_shows_the_closest_first() -> None:
    routes = table(
        [
            {
                "name": "charge accepted",
                "on": "POST /v1/charges",
                "headers": {"Idempotency-Key": "<present>"},
                "body": {"amount": "<number>", "currency": "eur"},
            },
            {"on": "GET /v1/charges/{id}"},
            {"on": "POST /v1/refunds"},
            {"on": "GET /health"},
        ]
    )
    request = post("/v1/charges", {"amount": "12", "currency": "eur"})
    text = near_miss_text("payments", request, routes.near_misses(request), len(routes.routes))
    assert text == (
        "payments stub: nothing matches POST /v1/charges; closest of 4:\n"
        '  "charge accepted"\n'
        "    header.Idempotency-Key: wanted <present>, is not there; there: content-type\n"
        '    body.amount: wanted <number>, saw "12" (it is text)\n'
        '  "POST /v1/refunds"\n'
        "    path: wanted /v1/refunds, saw /v1/charges\n"
        '  "GET /v1/charges/{id}"\n'
        "    path: wanted /v1/charges/{id}, saw /v1/charges\n"
        "    method: wanted GET, saw POST\n"
        "Add what is missing to the call, relax the route, or arm one for this call."
    )


def test_a_near_miss_report_tells_when_all_answers_are_given() -> None:
    routes = table([{"name": "once", "on": "POST /x", "answers": [{}], "after": "unmatched"}])
    routes.routes[0].next_template()
    near = routes.near_misses(post("/x"))
    assert near[0].differences == ["answers: its one answer has been given"]


def test_a_stub_without_routes_says_so() -> None:
    text = near_miss_text("payments", post("/x"), [], 0)
    assert text == (
        "payments stub: nothing matches POST /x; it has no routes.\n"
        "Arm one in the scenario, or list it in the stub's `routes` file."
    )


def test_a_thousand_routes_are_not_all_tried() -> None:
    routes = table(
        [
            {"on": f"POST /v1/{kind}", "body": {"customer": f"c{number}", "amount": number}}
            for kind in ("charges", "refunds")
            for number in range(500)
        ]
    )
    request = post("/v1/charges", {"customer": "c499", "amount": 499})
    assert len(list(routes._candidates(request, False))) == 1
    assert routes.find(request) is not None

"""Stubs: how a third party answers in a scenario, and what it was asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from avow.core.entries import Entry
from avow.core.errors import ScenarioFailure, SuiteError
from avow.core.text import plural
from avow.gherkin import Block, Document, Table, given, then
from avow.matchers import matching, parse_cell
from avow.steps.judging import (
    data_of,
    judge_count,
    just_count,
    listed,
    wanted_records,
)
from avow.steps.parameters import Count, Status
from avow.world import World

_WORDS = ("call", "calls")

# -- Given: how it answers


@given("{resource} answers {string} with {status}")
def answers(
    world: World, stub: str, call: str, status: Status, *, block: Block | None = None
) -> None:
    """Answer calls with a status, and with a body where one stands below: JSON, or a text.

    A name in braces stands for any part of the path: "GET /v1/charges/{id}". It wins over what was
    said before about the same calls.

    Example:
        Given "bank" answers "POST /charges" with 201:
          | id   | state |
          | ch_1 | paid  |
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then the response at "charge" is "ch_1"

    Fails:
        Given "bank" answers "POST /charges" with 402
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then the response status is 201
        # the status is 502
    """
    _arm(world, stub, call, [_answer(status, block)])


@given("{resource} answers {string} after {duration} with {status}")
def answers_late(
    world: World,
    stub: str,
    call: str,
    delay: timedelta,
    status: Status,
    *,
    block: Block | None = None,
) -> None:
    """Answer calls late.

    Example:
        Given "bank" answers "POST /charges" after 50 ms with 201:
          | id   |
          | ch_1 |
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then the response status is 201

    Fails:
        Given "bank" answers "POST /charges" after 3 seconds with 201:
          | id   |
          | ch_1 |
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then the response status is 201
        # the status is 504
    """
    _arm(world, stub, call, [{**_answer(status, block), "delay": delay.total_seconds()}])


@given("{resource} answers {string} with {status} {int} time(s) and then with {status}")
def answers_then(
    world: World,
    stub: str,
    call: str,
    first: Status,
    times: int,
    status: Status,
    *,
    block: Block | None = None,
) -> None:
    """Answer the first calls with one status, all later ones with another (and the body below).

    Example:
        Given "bank" answers "POST /charges" with 503 2 times and then with 201:
          | id   |
          | ch_1 |
        When I send POST "/pay" to "shop" with JSON:
          | amount | tries |
          | 450    | 3     |
        Then the response at "charge" is "ch_1"
        And "bank" received exactly 3 "POST /charges" calls

    Fails:
        Given "bank" answers "POST /charges" with 503 2 times and then with 201:
          | id   |
          | ch_1 |
        When I send POST "/pay" to "shop" with JSON:
          | amount | tries |
          | 450    | 2     |
        Then the response at "charge" is "ch_1"
        # the response
    """
    if times < 1:
        raise SuiteError(f"{times} times is not at least once")
    _arm(world, stub, call, [{"status": _code(first)}] * times + [_answer(status, block)])


@given("{resource} answers {string} in turn with")
def answers_in_turn(world: World, stub: str, call: str, *, table: Table) -> None:
    """Answer with each row once, in order; the last one is the answer to all later calls.

    Columns: status, body (JSON or text), delay, fault, and `header NAME`.

    Example:
        Given "bank" answers "POST /charges" in turn with:
          | status | body           | delay | fault |
          |        |                |       | close |
          | 503    |                | 20 ms |       |
          | 201    | {"id": "ch_1"} |       |       |
        When I send POST "/pay" to "shop" with JSON:
          | amount | tries |
          | 450    | 3     |
        Then the response at "charge" is "ch_1"

    Fails:
        Given "bank" answers "POST /charges" in turn with:
          | status | fault |
          | 201    | cloze |
        Then "bank" received no calls
        # Did you mean "close"?
    """
    _arm(world, stub, call, rows_of_answers(table))


@given("{resource} breaks {string} with a/the {string}")
def breaks(world: World, stub: str, call: str, fault: str) -> None:
    """Break calls on the network: "reset-before-reading", "reset-after-processing", "close"...

    Example:
        Given "bank" breaks "POST /charges" with a "reset-after-processing"
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then the response status is 502
        And "bank" received exactly 1 "POST /charges" call

    Fails:
        Given "bank" breaks "POST /charges" with a "rest"
        Then "bank" received no calls
        # fault is "rest"
    """
    _arm(world, stub, call, [{"fault": fault}])


@given("{resource} never answers {string}")
def never_answers(world: World, stub: str, call: str) -> None:
    """Take calls and let them wait until the caller gives up.

    Example:
        Given "bank" never answers "POST /charges"
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then the response status is 504

    Fails:
        Given "bank" never answers "POST /charges"
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then the response status is 201
        # the status is 504
    """
    _arm(world, stub, call, [{"fault": "hang"}])


@given("{resource} has the route")
def has_route(world: World, stub: str, *, document: Document) -> None:
    """Answer calls as a route in JSON says, which may also match query, headers and body.

    Example:
        Given "bank" has the route:
          '''
          {"on": "POST /charges",
           "body": {"amount": "<between 1 and 1000>"},
           "answer": {"status": 201, "body": {"id": "ch_small"}}}
          '''
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then the response at "charge" is "ch_small"

    Fails:
        Given "bank" has the route:
          '''
          {"on": "POST /charges", "anser": {"status": 201}}
          '''
        Then "bank" received no calls
        # Did you mean "answer"?
    """
    data = document.json()
    routes = data if isinstance(data, list) else [data]
    world.stubs[stub].arm(*routes)


@given("{resource} has the routes in the file {string}")
def has_routes(world: World, stub: str, file: str) -> None:
    """Answer calls as the routes of a file say (JSON: a list, or {"routes": [...]}; or TOML).

    Example:
        Given "bank" has the routes in the file "data/bank.json"
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then the response at "charge" is "ch_from_file"

    Fails:
        Given "bank" has the routes in the file "data/bnak.json"
        Then "bank" received no calls
        # Did you mean "bank.json"?
    """
    from avow.stubs.routes import routes_from

    path = world.file(file)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        import tomllib

        plain: Any = tomllib.loads(text)
    else:
        plain = Document(text, world.values, file=file).json()
    world.stubs[stub].arm(*routes_from(plain, where=file))


# -- Then: what it was asked


@then("{resource} received {count} {string} call(s)")
def received(world: World, stub: str, count: Count, call: str) -> None:
    """Count the calls to a method and path; the last one is `the call`.

    Example:
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then "bank" received exactly 1 "POST /charges" call
        And "bank" received no "GET /charges/{id}" calls

    Fails:
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then "bank" received exactly 2 "POST /charges" calls
        # "bank" received 1 call of "POST /charges"; wanted exactly 2
    """
    entries = _calls(world, stub, call)
    say = f'"{stub}" received {{}} of "{call}"'
    others = [] if entries else _calls(world, stub)
    _remember(world, just_count(world, entries, count, _WORDS, say, others=others))


@then("{resource} received {count} call(s)")
def received_any(world: World, stub: str, count: Count) -> None:
    """Count all calls.

    Example:
        When I send GET "/greeting" to "shop"
        Then "bank" received no calls

    Fails:
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then "bank" received no calls
        # "bank" received 1 call; wanted no
    """
    entries = _calls(world, stub)
    _remember(world, just_count(world, entries, count, _WORDS, f'"{stub}" received {{}}'))


@then("{resource} received {count} {string} call(s) matching")
def received_matching(world: World, stub: str, count: Count, call: str, *, block: Block) -> None:
    """Count the calls whose body (JSON or a form) holds what is wanted.

    Example:
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then "bank" received exactly 1 "POST /charges" call matching:
          | amount |
          | 450    |

    Fails:
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then "bank" received a "POST /charges" call matching:
          | amount |
          | 500    |
        # The nearest:
        # amount: wanted 500, saw 450
    """
    entries = _calls(world, stub, call)
    for wanted in wanted_records(block):
        found = judge_count(
            world,
            entries,
            wanted,
            count,
            of=_WORDS,
            where=f'of "{call}" to "{stub}"',
            view=_body,
            loose=True,
        )
        _remember(world, found)


@then("{resource} received {count} {string} call(s) with the header(s)")
def received_with_headers(
    world: World, stub: str, count: Count, call: str, *, table: Table
) -> None:
    """Count the calls that carry these headers; a value may be a marker.

    Example:
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then "bank" received exactly 1 "POST /charges" call with the header:
          | name            | value  |
          | Idempotency-Key | <uuid> |

    Fails:
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then "bank" received a "POST /charges" call with the header:
          | name          | value               |
          | Authorization | <contains: Bearer > |
        # authorization: wanted <contains: Bearer >, is not there
    """
    table.wanted_cells("value")
    wanted = {name.lower(): parse_cell(cell) for name, cell in table.pairs()}
    found = judge_count(
        world,
        _calls(world, stub, call),
        wanted,
        count,
        of=_WORDS,
        where=f'of "{call}" to "{stub}"',
        view=_headers,
        loose=True,
    )
    _remember(world, found)


@then("{resource} received {count} {string} call(s) with the query")
def received_with_query(world: World, stub: str, count: Count, call: str, *, table: Table) -> None:
    """Count the calls with these query parameters; a value may be a marker.

    Example:
        When I send GET "/charges?state=paid" to "shop"
        Then "bank" received a "GET /charges" call with the query:
          | name  | value |
          | state | paid  |

    Fails:
        When I send GET "/charges?state=paid" to "shop"
        Then "bank" received a "GET /charges" call with the query:
          | name  | value |
          | state | open  |
        # state: wanted open, saw "paid"
    """
    table.wanted_cells("value")
    found = judge_count(
        world,
        _calls(world, stub, call),
        {name: parse_cell(cell) for name, cell in table.pairs()},
        count,
        of=_WORDS,
        where=f'of "{call}" to "{stub}"',
        view=_query,
        loose=True,
    )
    _remember(world, found)


@then("{resource} received the calls in order")
def received_in_order(world: World, stub: str, *, table: Table) -> None:
    """Find calls in this order; others may come between. `body` may hold JSON that is wanted.

    Example:
        When I send POST "/pay" to "shop" with JSON:
          | amount | check |
          | 450    | true  |
        Then "bank" received the calls in order:
          | call              | body            |
          | GET /health       |                 |
          | POST /charges     | {"amount": 450} |

    Fails:
        When I send POST "/pay" to "shop" with JSON:
          | amount | check |
          | 450    | true  |
        Then "bank" received the calls in order:
          | call          |
          | POST /charges |
          | GET /health   |
        # "GET /health" did not come after that
    """
    _judge_order(world, stub, table)


@then("{resource} received {count} unmatched call(s)")
def received_unmatched(world: World, stub: str, count: Count) -> None:
    """Count the calls that no route answers; the failure says what the nearest route wanted.

    Example:
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then "bank" received no unmatched calls

    Fails:
        When I send GET "/charges?unknown=yes" to "shop"
        Then "bank" received no unmatched calls
        # "bank" received 1 unmatched call; wanted no
    """
    from avow.stubs import calls

    world.collect(world.stubs[stub].name)
    entries = calls.unmatched(world.ledger, world.stubs[stub].name)
    try:
        words = ("unmatched call", "unmatched calls")
        just_count(world, entries, count, words, f'"{stub}" received {{}}')
    except ScenarioFailure as failure:
        notes = [str(each.data.get("note")) for each in entries if each.data.get("note")]
        raise ScenarioFailure(
            "\n".join([failure.message, *notes[:5]]), terminal=failure.terminal
        ) from None


@then("the {string} calls to {resource} carry the same header {string}")
def same_header(world: World, call: str, stub: str, header: str) -> None:
    """Check that all calls carry one header with one value: a retry keeps its idempotency key.

    Example:
        Given "bank" answers "POST /charges" with 503 1 time and then with 201:
          | id   |
          | ch_1 |
        When I send POST "/pay" to "shop" with JSON:
          | amount | tries |
          | 450    | 2     |
        Then the "POST /charges" calls to "bank" carry the same header "Idempotency-Key"

    Fails:
        Given "bank" answers "POST /charges" with 503 1 time and then with 201:
          | id   |
          | ch_1 |
        When I send POST "/pay" to "shop" with JSON:
          | amount | tries |
          | 450    | 2     |
        Then the "POST /charges" calls to "bank" carry the same header "X-Attempt"
        # 2 calls carry 2 values of X-Attempt
    """
    entries = _calls(world, stub, call)
    values = [_headers(each).get(header.lower()) for each in entries]
    different = dict.fromkeys(values)
    if not entries or None in different or len(different) != 1:
        seen = ", ".join("nothing" if each is None else f'"{each}"' for each in different)
        raise ScenarioFailure(
            f"{plural(len(entries), 'call')} carry {plural(len(different), 'value')} of {header}: "
            f"{seen or 'there was no call'}"
        )
    world.claim(*entries)
    _remember(world, entries)


@then("every answer of {resource} was used")
def every_answer_used(world: World, stub: str) -> None:
    """Check that each route that the scenario gave a stub answered at least one call.

    Example:
        Given "bank" answers "POST /charges" with 201:
          | id   |
          | ch_1 |
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then every answer of "bank" was used

    Fails:
        Given "bank" answers "POST /charges" with 201:
          | id   |
          | ch_1 |
        And "bank" answers "POST /refunds" with 201
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then every answer of "bank" was used
        # "bank" was never asked: POST /refunds
    """
    entries = _calls(world, stub)
    used = {each.data["matched"] for each in entries}
    armed = [
        route.get("name") or f"{route['method']} {route['path']}"
        for each in world.ledger.find("stub.route", world.stubs[stub].name)
        for route in each.data["routes"]
    ]
    unused = [title for title in dict.fromkeys(armed) if title not in used]
    if unused:
        raise ScenarioFailure(f'"{stub}" was never asked: {", ".join(unused)}')


# -- what several phrases do


def _code(status: Status) -> int:
    if status.words.endswith("xx"):
        raise SuiteError(f"a stub answers with one status; {status} is a class of them")
    return int(status.words)


def _answer(status: Status, block: Block | None) -> dict[str, Any]:
    answer: dict[str, Any] = {"status": _code(status)}
    if isinstance(block, Table):
        answer["body"] = data_of(block)
    elif block is not None:
        is_json = block.kind in ("", "json", "application/json") and block.text.lstrip()[:1] in (
            "{",
            "[",
            '"',
        )
        answer["body"] = block.json() if is_json else block.text
        if block.kind and not is_json:
            answer["headers"] = {"Content-Type": block.kind}
    return answer


_COLUMNS = ("status", "body", "delay", "fault")


def rows_of_answers(table: Table) -> list[dict[str, Any]]:
    """Return the answers of `| status | body | delay | fault | header X |`."""
    from avow.matchers import cell_value

    headers = [each for each in table.headings if each.startswith("header ")]
    table.only(*_COLUMNS, *headers)
    answers: list[dict[str, Any]] = []
    for row in table:
        answer: dict[str, Any] = {}
        for column in _COLUMNS:
            cell = row.get(column).strip()
            if not cell:
                continue
            if column == "status":
                if not re.fullmatch(r"[1-5]\d\d", cell):
                    raise row.wrong(column, f'"{cell}" is not a status', "Write one such as 201.")
                answer[column] = int(cell)
            elif column == "body":
                answer[column] = cell_value(cell)
            else:
                answer[column] = cell.replace(" ", "") if column == "delay" else cell
        if headers:
            answer["headers"] = {
                name.removeprefix("header "): row[name] for name in headers if row[name]
            }
        answers.append(answer)
    return answers


def _arm(world: World, stub: str, call: str, answers: Sequence[dict[str, Any]]) -> None:
    world.stubs[stub].arm({"on": call, "answers": list(answers)})


def _calls(world: World, stub: str, call: str = "") -> list[Entry]:
    channel = world.stubs[stub]
    world.collect(channel.name)
    return list(channel.calls(call))


def _body(call: Entry) -> Any:
    from avow.stubs import calls

    return calls.request_data(call)


def _headers(call: Entry) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in call.data["headers"]:
        lowered = name.lower()
        found[lowered] = f"{found[lowered]}, {value}" if lowered in found else value
    return found


def _query(call: Entry) -> dict[str, Any]:
    return {
        name: each[0] if isinstance(each, list) and len(each) == 1 else each
        for name, each in call.data["query"].items()
    }


def _judge_order(world: World, stub: str, table: Table) -> None:
    table.only("call", "body", needs=("call",))
    table.wanted_cells(*(["body"] if "body" in table.headings else []))
    channel = world.stubs[stub]
    everything = _calls(world, stub)
    after = -1
    claimed = []
    for row in table:
        entries = channel.calls(row["call"])
        if row.get("body"):
            fitting = matching(
                parse_cell(row["body"]), [_body(each) for each in entries], loose=True
            )
            entries = [entries[at] for at in fitting]
        found = next((each for each in entries if each.data["number"] > after), None)
        if found is None:
            what = f'"{row["call"]}"' + (f" with {row['body']}" if row.get("body") else "")
            lines = [f"{stub}: {what} did not come{' after that' if after > 0 else ''}. What came:"]
            lines += listed(everything) or ["  nothing"]
            raise ScenarioFailure("\n".join(lines))
        after = found.data["number"]
        claimed.append(found)
    world.claim(*claimed)
    _remember(world, claimed)


def _remember(world: World, entries: Sequence[Entry]) -> None:
    if entries:
        world.memory.see("call", entries[-1])

"""Stubs: how a third party answers in a scenario."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from avow.core.errors import SuiteError
from avow.gherkin import Block, Document, Table, given
from avow.steps.judging import (
    data_of,
)
from avow.steps.parameters import Status
from avow.world import World

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

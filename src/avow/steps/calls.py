"""Calls: what a stubbed third party was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from avow.core.entries import Entry
from avow.core.errors import ScenarioFailure
from avow.core.text import plural
from avow.gherkin import Block, Table, then
from avow.matchers import matching, parse_cell
from avow.steps.judging import judge_count, just_count, listed, wanted_records
from avow.steps.parameters import Count
from avow.world import World

_WORDS = ("call", "calls")


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

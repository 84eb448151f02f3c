"""Evidence as people read it: the timeline, everything exchanged, and nothing that raises."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.reports import stories

from avow.core.entries import Body, Entry
from avow.core.text import printable
from avow.reports import record
from avow.reports.evidence import bodies, details, document, exchange, looks, tables, timeline


def entry(kind="http.exchange", role="act", number=1, **more) -> Entry:
    fields = {"step": 0, "started": 1.0, "ended": 1.01, "at": 1.0, "summary": "it happened"}
    return Entry(number, kind, "shop", role, **(fields | more))


# -- timeline


def test_the_timeline_of_a_passed_scenario(worker):
    path, _ = stories.passed_payment(worker)

    told = "\n".join(line.rstrip() for line in timeline.lines(record.read(path)))

    assert told == (
        """\
      0.0 ms  Given a customer with an order of 42.50 EUR                               passed in 12 ms
      0.0 ms  |  -> shop    POST /orders -> 201 Created                                 12 ms
     13.0 ms  Given Stripe accepts payments                                             passed in 2.0 ms
     13.0 ms  |  -> stripe  POST /v1/payment_intents answers 200                        2.0 ms
     16.0 ms  When the customer pays by card                                            passed in 12 ms
     16.0 ms  |  -> shop    POST /orders/o-17/payment -> 202 Accepted                   12 ms
     20.0 ms  |  <- stripe  POST /v1/payment_intents, answered 200                      3.0 ms
     28.0 ms  Then the payment succeeds                                                 passed in 0.0 ms
     28.0 ms  Then within 5 seconds the order is "paid"                                 passed in 504 ms
     28.0 ms  |   ? db      1 row of orders: paid (looked 12 times in 464 ms; the answer changed once)
    332.0 ms  |  <- orders  order.paid on orders                                        3.0 ms
    432.0 ms  |  <- mail    to zoe@example.test: "Your receipt"                         3.0 ms
    532.0 ms  Then nothing else happened                                                passed in 0.0 ms
    532.0 ms  The scenario ended: passed"""  # noqa: E501
    )


def test_an_effect_stands_where_it_happened_not_where_it_was_noticed(worker):
    it = worker().begin("When it acts", "Then it is seen")
    it.start(0).pass_time(1.0).end()
    it.start(1).pass_time(0.1)
    it.effect("message.seen", "orders", "early bird", ago=0.9)
    it.end()
    it.finish()

    told = [line.split("  ", 1)[-1].strip() for line in timeline.lines(record.read(it.path))]

    assert told[1].startswith("200.0 ms  |  <- orders  early bird")
    assert "Then it is seen" in told[2]


def test_the_timeline_names_hooks_that_failed_late_effects_and_steps_that_did_not_run(worker):
    from avow.core import events

    it = worker().begin("Given a world", "Then it is well")
    it.start(0).end("failed", "no")
    trouble = events.Trouble("broken", "KeyError: 'cart'")
    it.event(events.HookFailed(at=it.clock, hook="after_scenario", phase="after", trouble=trouble))
    it.finish("failed")
    late = entry("message.seen", "effect", 7, started=5001.5, ended=5001.5, summary="order.paid")
    event = events.LateEffect(at=it.clock, scenario="x", entry=late.to_plain())

    told = "\n".join(timeline.lines(record.read(it.path, late=[event])))

    assert "after_scenario went wrong: KeyError: 'cart'" in told
    assert "1 500.0 ms  |  <- shop  order.paid" in told
    assert "LATE: after the end" in told
    assert "(1 of 2 steps did not run)" in told


def test_no_line_of_the_timeline_is_too_wide_for_the_report(worker):
    it = worker().begin("When " + "it says very much " * 20)
    it.start(0).act("message.sent", "orders", "sent " + "x" * 300)
    for _ in range(3):
        it.look("rows.seen", "db", "seen " + "y" * 300)
    it.end()
    it.finish()

    assert max(map(len, timeline.lines(record.read(it.path)))) <= 115


# -- looking again and again


def test_equal_looks_of_one_step_are_told_once(worker):
    path, _ = stories.failed_payment(worker)

    seen = looks.collapse(record.read(path).entries)

    assert [one.count for one in seen] == [1, 1, 1, 37]
    assert seen[-1].label() == (
        "? db: 1 row of orders: status is payment_pending (looked 37 times in 1.9 s)"
    )


def test_looks_that_ask_something_else_are_told_apart():
    found = [
        entry(role="look", question={"table": "a"}),
        entry(role="look", question={"table": "b"}),
        entry(role="look", question={"table": "a"}, step=1),
        entry(role="act", question={"table": "a"}),
    ]

    assert [one.count for one in looks.collapse(found)] == [1, 1, 1, 1]


def test_an_answer_changes_by_what_it_holds_not_by_its_date():
    def rows(status):
        return entry("rows.seen", "look", data={"rows": [{"status": status}]})

    def response(date, body):
        data = {"response": {"status": 200, "headers": [["date", date]]}, "seconds": 0.1}
        return entry(role="look", data=data, bodies={"response": Body.of(body)})

    (seen,) = looks.collapse([rows("new"), rows("new"), rows("paid"), rows("paid")])
    assert seen.title().endswith("; the answer changed once)")
    (seen,) = looks.collapse([response("1", "a"), response("2", "a"), response("3", "b")])
    assert len(seen.changes) == 2


def test_a_summary_that_opens_with_the_resource_says_it_once():
    sent = entry(summary="shop sent order.paid")

    assert looks.collapse([sent])[0].label() == "-> shop: sent order.paid"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 ms"),
        (0.0004, "0.4 ms"),
        (0.0123, "12 ms"),
        (1.84, "1.8 s"),
        (125, "2 min 5 s"),
    ],
)
def test_durations_are_short(seconds, text):
    assert looks.duration(seconds) == text


# -- the document


def test_the_document_holds_everything_that_was_exchanged(worker):
    path, _ = stories.passed_payment(worker)

    text = document.text(record.read(path))

    for wanted in (
        "TIMELINE   -> avow did it   <- the system did it   ? avow looked",
        '{\n  "amount": 4250\n}',
        "201 Created   after 12 ms",
        '"name": "Zoë 😀"',
        'matched route "payments are accepted": answered',
        "amount=4250&currency=eur",
        "answer 1, at 28.0 ms:\ntable orders\n| id   | status  | amount |",
        "last answer:\ntable orders\n| id   | status | amount |",
        'topic orders, key o-17, partition 2, offset 41\ntype: order.paid\n\n{\n  "type"',
        "to      zoe@example.test",
        "attached receipt.pdf (application/pdf, 3 bytes)",
        "00000000  00 ff 01",
        "6. Then nothing else happened",
    ):
        assert wanted in text
    assert text.count("table orders") == 2


def test_a_stub_call_that_matched_nothing_shows_the_closest_route(worker):
    path, _ = stories.failed_payment(worker)

    text = document.text(record.read(path))

    assert (
        "no route of the stub matched\n"
        "answered 404\n"
        'close: route "charge declined" also wants\n'
        "  - header Idempotency-Key: wanted <present>, it is not there"
    ) in text


def test_strange_bodies_become_bounded_printable_text(worker):
    path, _ = stories.strange_bodies(worker)

    text = document.text(record.read(path))

    assert len(text) < 100_000
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "9 bytes of application/json, sha256 " in text
    assert "00000000  ff fe 7b 62 72 6f 6b 65 6e                       ..{broken" in text
    assert (
        "... (first 16384 of 65536 characters; 65536 of 10485760 bytes were kept, sha256 " in text
    )
    assert "bell \\x07 escape \\x1b[31mred" in text
    assert "... (516 more bytes)" in text


def test_a_document_that_grows_too_long_says_what_is_left_out(worker):
    path, _ = stories.strange_bodies(worker)

    text = document.text(record.read(path), limit=2000)

    assert text.rstrip().endswith(
        "more entries of scenario-3.jsonl left out: the evidence is longer than 2000 characters"
    )


# -- each shape


def test_rows_that_changed_are_one_table_of_before_and_after():
    changed = entry(
        "rows.changed",
        data={
            "table": "stock",
            "before": [{"sku": "cake", "left": 2}],
            "after": [{"sku": "cake", "left": 1, "note": None}],
        },
    )

    assert details.of(changed) == (
        "table stock\n"
        "|   | sku  | left | note |\n"
        "|---|------|------|------|\n"
        "| - | cake | 2    |      |\n"
        "| + | cake | 1    | null |"
    )


def test_no_rows_is_said():
    assert details.of(entry("rows.seen", data={"table": "orders", "rows": []})) == (
        "table orders\n(no rows)"
    )


def test_statements_show_their_parameters_and_count():
    done = entry("rows.changed", data={"sql": "delete from x", "parameters": [1], "count": 3})

    assert details.of(done) == "delete from x\nparameters [1]\n3 rows affected"


def test_an_object_shows_where_it_lies_and_what_it_holds():
    stored = entry(
        "object.stored",
        data={
            "bucket": "receipts",
            "key": "o-17.json",
            "size": 2,
            "etag": "abc",
            "type": "application/json",
            "metadata": {"order": "o-17"},
        },
        bodies={"content": Body.of("{}")},
    )

    assert details.of(stored) == (
        "receipts/o-17.json   application/json, 2 bytes, etag abc\norder: o-17\n\n{}"
    )


def test_a_webhook_says_how_it_was_signed():
    sent = entry(
        "webhook.sent",
        data={
            "event": "payment_intent.succeeded",
            "scheme": "stripe",
            "signature": "wrong",
            "request": {"method": "POST", "url": "http://shop/webhooks"},
            "response": {"status": 400, "reason": "Bad Request", "headers": []},
            "seconds": 0.5,
        },
    )

    assert details.of(sent) == (
        "event payment_intent.succeeded, wrong signature (stripe)\n"
        "POST http://shop/webhooks\n"
        "\n"
        "400 Bad Request   after 500 ms"
    )


def test_an_exchange_without_an_answer_says_why():
    data = {"request": {"method": "GET", "url": "http://shop/"}, "response": None}
    timed_out = entry(data=data | {"error": {"kind": "timeout", "message": "10 s passed"}})

    assert details.of(timed_out) == "GET http://shop/\n\ntimeout: 10 s passed"
    assert details.of(entry(data=data)) == "GET http://shop/\n\n(no answer)"


def test_redirects_and_notes_of_an_exchange_are_told():
    data = {
        "request": {"method": "GET", "url": "/"},
        "response": {"status": 200, "headers": []},
        "seconds": 0.5,
        "redirects": ["http://shop/login"],
        "notes": ["the body was not JSON"],
    }

    assert details.of(entry(data=data)).endswith(
        "redirected: http://shop/login\nnote: the body was not JSON"
    )


def test_the_keys_of_a_bucket_are_listed():
    seen = entry("object.seen", "look", data={"bucket": "receipts", "keys": ["a"]})

    assert '"keys": [\n    "a"\n  ]' in details.of(seen)


def test_a_process_that_ended_shows_its_last_words():
    ended = entry("process.ended", data={"code": 1, "signal": None, "last_lines": ["boom"]})

    assert details.of(ended) == "ended with exit code 1\nits last lines:\nboom"


def test_a_kind_that_nobody_knows_is_shown_as_json():
    assert details.of(entry("span.seen", data={"name": "charge"})) == '{\n  "name": "charge"\n}'


def test_an_entry_of_the_wrong_shape_is_shown_all_the_same():
    odd = entry("mail.received", data={"to": 7, "attachments": [3]})

    assert details.of(odd).startswith(
        "(could not be shown: TypeError: 'int' object is not iterable)\n"
    )
    assert '"to": 7' in details.of(odd)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KINDS = [*details._SHAPES, "unheard.of"]


@given(
    kind=st.sampled_from(KINDS),
    keys=st.dictionaries(
        st.sampled_from(
            [
                "request",
                "response",
                "headers",
                "query",
                "near_misses",
                "rows",
                "before",
                "after",
                "columns",
                "table",
                "sql",
                "count",
                "to",
                "attachments",
                "size",
                "metadata",
                "last_lines",
                "matched",
                "status",
                "seconds",
                "error",
            ]
        ),
        json_like,
    ),
    raw=st.binary(max_size=64),
)
@example(kind="process.ended", keys={"last_lines": [None, 1, "x"]}, raw=b"")
def test_no_entry_makes_evidence_raise(kind, keys, raw):
    odd = entry(kind, data=keys, bodies={"request": Body.of(raw), "text": Body.of(raw).cap(3)})

    text = details.of(odd)

    assert printable(text) == text


# -- bodies and tables


def test_json_is_indented_and_its_escapes_are_read():
    raw = json.dumps({"name": "Zoë 😀", "quote": 'a"b', "path": "c\\u00eb", "bell": "\x07"})

    assert bodies.lines(Body.of(raw)) == [
        "{\n"
        '  "name": "Zoë 😀",\n'
        '  "quote": "a\\"b",\n'
        '  "path": "c\\\\u00eb",\n'
        '  "bell": "\\u0007"\n'
        "}"
    ]


@given(json_like)
def test_indented_json_says_the_same(value):
    raw = json.dumps(value).encode()

    shown = bodies.pretty(raw, raw.decode())

    if raw[:1] in b"{[" and b"NaN" not in raw and b"Infinity" not in raw and b"\\ud" not in raw:
        assert json.loads(shown) == json.loads(raw)


def test_numbers_and_doubled_keys_are_not_touched():
    raw = b'{"n":1e5,"n":100000000000000000000000000001}'

    assert bodies.lines(Body.of(raw)) == [
        '{\n  "n": 1e5,\n  "n": 100000000000000000000000000001\n}'
    ]


def test_a_character_cut_in_two_does_not_make_a_body_binary():
    body = Body.of("é" * 10).cap(5)

    assert bodies.lines(body)[0] == "éé"


def test_an_empty_body_is_said():
    assert bodies.lines(Body.of(b"")) == ["(empty)"]


def test_wide_characters_keep_columns_aligned():
    assert tables.lines(["item", "n"], [["日本", "1"], ["é", "22"]]) == [
        "| item | n  |",
        "|------|----|",
        "| 日本 | 1  |",
        "| é    | 22 |",
    ]


def test_long_tables_and_cells_are_cut_and_say_so():
    rows = [{"id": number, "text": "x" * 100} for number in range(60)]

    told = tables.records(rows)

    assert len(told) == 53
    assert told[-1] == "... (10 more rows)"
    assert f"{'x' * 37}...{'x' * 20}" in told[2]


# -- HTTP exchanges as Allure draws them


def test_an_exchange_has_what_allures_viewer_reads(worker):
    path, _ = stories.failed_payment(worker)
    sent = record.read(path).entries[1]

    drawn = json.loads(exchange.encode(sent))

    assert drawn["schemaVersion"] == 1
    assert drawn["stop"] - drawn["start"] == 12
    assert drawn["request"]["method"] == "POST"
    assert drawn["request"]["url"] == "http://127.0.0.1:8080/orders/o-18/payment"
    assert {"name": "accept", "value": "*/*"} in drawn["request"]["headers"]
    assert drawn["request"]["body"] == {
        "contentType": "application/json",
        "value": '{"card": {"number": "4000000000000002"}}',
        "size": 40,
    }
    assert drawn["response"]["status"] == 502
    assert drawn["response"]["statusText"] == "Bad Gateway"


def test_a_stub_call_is_an_exchange_whose_error_is_the_near_miss(worker):
    path, _ = stories.failed_payment(worker)
    call = record.read(path).entries[2]

    drawn = json.loads(exchange.encode(call))

    assert drawn["request"]["url"] == "stub://stripe/v1/charges"
    assert drawn["request"]["query"] == [{"name": "expand", "value": "balance"}]
    assert drawn["request"]["body"]["form"] == [
        {"name": "amount", "value": "4250"},
        {"name": "source", "value": "tok_declined"},
    ]
    assert drawn["error"] == {
        "name": "no route matched",
        "message": 'closest route "charge declined": header Idempotency-Key: wanted <present>, '
        "it is not there",
    }


def test_bytes_that_are_not_text_go_as_base64_and_capped_ones_are_marked():
    data = {"request": {"method": "PUT", "url": "/"}, "response": {"status": 200}}
    sent = entry(
        data=data,
        bodies={"request": Body.of(b"\xff\xfe", "image/png"), "response": Body.of("abc").cap(2)},
    )

    drawn = json.loads(exchange.encode(sent))

    assert drawn["request"]["body"] == {
        "size": 2,
        "encoding": "base64",
        "value": "//4=",
        "contentType": "image/png",
    }
    assert drawn["response"]["body"]["truncated"] is True


def test_an_exchange_that_failed_shows_its_error():
    data = {
        "request": {"method": "GET", "url": "/"},
        "response": None,
        "error": {"kind": "reset", "message": "connection reset by peer"},
    }

    drawn = json.loads(exchange.encode(entry(data=data)))

    assert "response" not in drawn
    assert drawn["error"] == {"name": "reset", "message": "connection reset by peer"}

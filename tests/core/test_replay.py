import json

import msgspec
import pytest

from avow.core.entries import Body, Entry
from avow.core.errors import AvowError
from avow.core.ledger import Ledger, Observed
from avow.core.record import Recorder, read
from avow.core.replay import NotRecorded, ReplayLedger
from avow.core.secrets import Redactor


def never():
    raise AssertionError("the system was asked")


def recorded(tmp_path, play, **options):
    """Play a scenario against its system; return the entries of its file."""
    path = tmp_path / "scenario.jsonl"
    redactor = Redactor()
    recorder = Recorder(path, redactor, **options)
    play(Ledger(recorder), redactor)
    recorder.close()
    return [Entry.from_plain(each.entry) for each in read(path) if hasattr(each, "entry")]


def post(ledger, path, perform, **question):
    return ledger.act(
        "http.exchange", "shop", {"method": "POST", "path": path, **question}, perform
    )


def test_acts_looks_and_effects_come_from_the_record(tmp_path):
    def play(ledger, perform_act, perform_look, perform_collect):
        ledger.step = 0
        paid = post(ledger, "/pay", perform_act)
        ledger.step = 1
        row = ledger.look("rows.seen", "db", {"table": "orders"}, perform_look)
        ledger.collect("stripe", perform_collect(ledger))
        calls = ledger.find("stub.call")
        return paid.data, row.data, [each.data for each in calls]

    def collect(ledger):
        return lambda: ledger.effect("stub.call", "stripe", "POST /v1", {"number": 1})

    results = []
    entries = recorded(
        tmp_path,
        lambda ledger, _: results.append(
            play(
                ledger,
                lambda: Observed("201", {"id": 7}),
                lambda: Observed("1 row", {"rows": [{"state": "paid"}]}),
                collect,
            )
        ),
    )
    replay = ReplayLedger(entries)
    assert play(replay, never, never, lambda ledger: never) == results[0]
    assert [each.summary for each in replay.entries] == ["201", "1 row", "POST /v1"]


def test_a_changed_entry_is_what_the_replay_sees(tmp_path):
    entries = recorded(
        tmp_path, lambda ledger, _: post(ledger, "/", lambda: Observed("", {"a": 1}))
    )
    changed = [msgspec.structs.replace(each, data={"a": 2}) for each in entries]
    assert post(ReplayLedger(changed), "/", never).data == {"a": 2}


def test_a_token_from_an_answer_is_used_again(tmp_path):
    token = "tok_0123456789abcdef"

    def play(ledger, redactor, answer):
        ledger.step = 0
        login = post(ledger, "/login", answer)
        given = json.loads(login.bodies["response"].text())["token"]
        if redactor:
            redactor.mint("token", given)
        ledger.step = 1
        return post(ledger, "/pay", answer, headers=[["Authorization", f"Bearer {given}"]])

    def answer():
        return Observed("200", {}, {"response": Body.of(json.dumps({"token": token}))})

    entries = recorded(tmp_path, lambda ledger, redactor: play(ledger, redactor, answer))
    assert entries[1].question["headers"][0][1].startswith("Bearer [secret:token:")
    # The body that brought it was written before anybody knew that it is a secret.
    replay = ReplayLedger(entries)
    assert play(replay, None, never).summary == "200"


def test_equal_questions_are_answered_in_their_order_and_the_last_one_again(tmp_path):
    answers = iter(["pending", "pending", "paid"])

    def play(ledger, _):
        for _ in range(3):
            ledger.look("http.exchange", "shop", {"path": "/o"}, lambda: Observed(next(answers)))

    replay = ReplayLedger(recorded(tmp_path, play))
    seen = [replay.look("http.exchange", "shop", {"path": "/o"}, never).summary for _ in range(5)]
    assert seen == ["pending", "pending", "paid", "paid", "paid"]


def test_questions_that_differ_by_a_redacted_value_are_told_apart_by_their_order(tmp_path):
    def play(ledger, _):
        for name in ("first", "second", "third"):
            post(ledger, "/x", lambda name=name: Observed(name), key=f"[secret:{name}]")

    replay = ReplayLedger(recorded(tmp_path, play))
    assert [post(replay, "/x", never, key="its own").summary for _ in range(3)] == [
        "first",
        "second",
        "third",
    ]


def test_effects_of_a_later_act_are_not_seen_early(tmp_path):
    def play(ledger, happen):
        counts = []
        ledger.step = 0
        for number in (1, 2):
            post(ledger, "/pay", lambda: Observed("200"), number=number)
            ledger.collect("stripe", lambda: happen(ledger, number))  # noqa: B023
            counts.append(len(ledger.find("stub.call")))
        return counts

    def happen(ledger, number):
        ledger.effect("stub.call", "stripe", str(number))

    entries = recorded(tmp_path, lambda ledger, _: play(ledger, happen))
    assert play(ReplayLedger(entries), lambda *_: never()) == [1, 2]


def test_effects_of_later_steps_stay_hidden(tmp_path):
    def play(ledger, _):
        for step in (0, 1):
            ledger.step = step
            ledger.collect("x", lambda: ledger.effect("stub.call", "stripe", "x"))

    replay = ReplayLedger(recorded(tmp_path, play))
    replay.step = 0
    replay.collect("x", never)
    assert len(replay.entries) == 1
    replay.step = 1
    replay.collect("x", never)
    assert len(replay.entries) == 2


def test_another_way_than_the_recorded_one_says_so(tmp_path):
    replay = ReplayLedger(
        recorded(tmp_path, lambda ledger, _: post(ledger, "/", lambda: Observed("")))
    )
    replay.step = 1
    with pytest.raises(NotRecorded) as error:
        post(replay, "/", never)
    assert str(error.value) == (
        "step 2 asked 'shop' (http.exchange) something that was not recorded\n"
        "  Record the scenario again: its steps have changed."
    )


def test_a_body_that_was_capped_says_so_when_it_is_asked_for(tmp_path):
    big = b"x" * 100_000

    def play(ledger, _):
        post(ledger, "/", lambda: Observed("", {}, {"response": Body.of(big)}))

    body = post(ReplayLedger(recorded(tmp_path, play, body_limit=1000)), "/", never).bodies[
        "response"
    ]
    assert body.length == 100_000
    with pytest.raises(AvowError, match="only the first 1000 of 100000 bytes"):
        body.whole()
    whole = post(ReplayLedger(recorded(tmp_path, play, body_limit=200_000)), "/", never)
    assert whole.bodies["response"].whole() == big

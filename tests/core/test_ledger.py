import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.core.entries import Body, Entry
from avow.core.errors import AvowError, ThenCannotAct
from avow.core.ledger import Ledger, Observed


class Sink:
    def __init__(self):
        self.seen = []

    def entry(self, entry):
        self.seen.append(entry)

    def claim(self, claim):
        self.seen.append(claim)


def answer(summary="ok", **fields):
    return lambda: Observed(summary, **fields)


def test_acts_looks_and_effects_are_entries_in_order():
    sink = Sink()
    ledger = Ledger(sink)
    ledger.step = 2
    act = ledger.act("http.exchange", "shop", {"path": "/"}, answer(data={"status": 200}))
    look = ledger.look("rows.seen", "db", {"table": "t"}, answer())
    effects = []
    ledger.collect(
        "stripe", lambda: effects.append(ledger.effect("stub.call", "stripe", "POST /", {"n": 1}))
    )
    assert ledger.entries == [act, look, *effects] == sink.seen
    assert [each.id for each in ledger.entries] == [1, 2, 3]
    assert [each.role for each in ledger.entries] == ["act", "look", "effect"]
    assert act.step == 2
    assert act.started <= act.ended <= look.started
    assert act.question == {"path": "/"}


def test_entries_are_found_by_kind_channel_resource_and_role():
    ledger = Ledger()
    first = ledger.act("http.exchange", "shop", {}, answer())
    second = ledger.look("http.exchange", "shop", {}, answer())
    third = ledger.effect("stub.call", "stripe", "x")
    assert ledger.find("http.exchange") == [first, second]
    assert ledger.find("http") == [first, second]
    assert ledger.find("http", role="look") == [second]
    assert ledger.find(resource="stripe") == [third]
    assert ledger.find(where=lambda entry: entry.id == 1) == [first]
    assert ledger.last("http", "shop") == second
    assert ledger.last("http", "shop", role="act") == first
    assert ledger.last("mail") is None


def test_a_then_cannot_act():
    ledger = Ledger()
    with ledger.observing('the order is "paid"'):
        assert ledger.is_observing
        ledger.look("rows.seen", "db", {}, answer())
        with pytest.raises(ThenCannotAct) as error:
            ledger.act("http.exchange", "shop", {}, answer())
    assert str(error.value) == (
        '"the order is "paid"" is a Then and tried to change "shop" (http.exchange)\n'
        "  A Then only observes. Move the act into a When step."
    )
    assert not ledger.is_observing
    assert len(ledger.entries) == 1
    ledger.act("http.exchange", "shop", {}, answer())


def test_what_perform_raises_passes_and_nothing_is_written():
    ledger = Ledger()

    def fails():
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        ledger.act("http.exchange", "shop", {}, fails)
    assert ledger.entries == []


def test_claims_are_records_of_their_own():
    sink = Sink()
    ledger = Ledger(sink)
    entry = ledger.effect("stub.call", "stripe", "x")
    assert not ledger.is_claimed(entry)
    ledger.step = 3
    ledger.claim(entry, "asserted")
    assert ledger.is_claimed(entry)
    assert ledger.claims == [sink.seen[-1]]
    assert (sink.seen[-1].step, sink.seen[-1].entry, sink.seen[-1].note) == (3, 1, "asserted")


def test_a_body_keeps_its_size_and_digest_when_capped():
    body = Body.of("x" * 100, "text/plain").cap(10)
    assert (body.raw, body.length, body.capped) == (b"x" * 10, 100, True)
    assert body.cap(5).sha256 == body.sha256
    assert body.cap(5).length == 100
    assert Body.of(b"abc").cap(3).sha256 == ""
    assert Body.of(b"\xff").text() is None
    assert Body.of("a\ud800").raw == b"a\xed\xa0\x80"


def test_a_capped_body_is_no_whole_one():
    assert Body.of("abc").whole() == b"abc"
    with pytest.raises(AvowError) as error:
        Body.of("x" * 100).cap(10).whole()
    assert str(error.value) == (
        "only the first 10 of 100 bytes of the body were kept\n"
        "  Assert on its size or digest, or keep more: [reports] body_limit."
    )


plain_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(), plain_json, max_size=3),
    st.dictionaries(st.text(min_size=1), st.binary() | st.text(), max_size=2),
    st.integers(1, 20),
)
def test_entries_round_trip_through_json(data, bodies, limit):
    entry = Entry(
        1, "http.exchange", "shop", "act", 0, 1.5, 2.5, 3.5, "GET /", data,
        {part: Body.of(raw, "x/y").cap(limit) for part, raw in bodies.items()}, data,
    )  # fmt: skip
    assert Entry.from_plain(json.loads(json.dumps(entry.to_plain()))) == entry

import contextlib

import pytest
from hamcrest import assert_that, not_
from hypothesis import given
from hypothesis import strategies as st

from avow.core.errors import SuiteError
from avow.matchers import (
    best_match,
    compare,
    matches_json,
    matches_records,
    matching,
    parse_cell,
    table_to_records,
    table_to_values,
)
from avow.matchers.records import heading_path

ORDER = {
    "type": "order.paid",
    "amount": 4250,
    "customer": {"email": "a@b.example", "id": "7"},
    "items": [{"sku": "A-1"}, {"sku": "B-2"}],
    "flat.key": 1,
}


def texts(headings, row, seen, **options):
    return [each.text for each in compare(table_to_records(headings, [row])[0], seen, **options)]


def test_headings_are_paths():
    assert texts(
        ["type", "amount", "customer.email", "items[1].sku", "flat.key", "items[-1].sku"],
        ["order.paid", "4250", "<email>", "B-2", "1", "B-2"],
        ORDER,
    ) == []  # fmt: skip


def test_every_field_that_differs_is_told():
    assert texts(
        ["type", "amuont", "customer.email", "items[5].sku", "customer.id.x", "customer.phone"],
        ["order.piad", "1", "<uuid>", "B-2", "1", "<absent>"],
        ORDER,
    ) == [
        'type: wanted order.piad, saw "order.paid"',
        'amuont: wanted 1, is not there; did you mean "amount"?',
        'customer.email: wanted <uuid>, saw "a@b.example"',
        "items[5]: wanted B-2, is not there; the list has 2",
        'customer.id.x: wanted 1, is not there: customer.id is "7"',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "good", "bad"),
    [
        ("42", [42, "42", 42.0], [43, "42.0", True, None]),
        ("4.50", [4.5, "4.50"], ["4.5"]),
        ("007", ["007"], [7, "7"]),
        ("+1", ["+1"], [1]),
        ("true", [True, "true"], [1, "True"]),
        ("null", [None, "null"], ["", 0]),
        ("", [""], [None, " ", 0]),
        ('"42"', ["42"], [42]),
        ('"<any>"', ["<any>"], ["x"]),
        ("\\<any>", ["<any>"], ["x"]),
        ("<any>", [1, None, "x"], []),
        ('{"a": 1}', [{"a": 1, "b": 2}, '{"a": 1}'], [{"a": 2}, "x"]),
        ("[1, <number>]", [[2, 1]], [[1, "x"]]),
        ("{name}", ["{name}"], []),
        ("plain text", ["plain text"], ["plain"]),
        ("1e3", [1000, "1e3"], ["1000"]),
    ],
)
def test_a_cell_means_what_a_reader_expects(cell, good, bad):
    wanted = parse_cell(cell)
    assert [each for each in good if compare(wanted, each)] == []
    assert [each for each in bad if not compare(wanted, each)] == []


def test_a_cell_whose_value_shows_the_same_says_the_type():
    assert [each.text for each in compare(parse_cell("007"), 7)] == ["wanted 007, saw 7"]
    assert [each.text for each in compare(parse_cell('"7"'), 7)] == [
        'wanted "7" (text), saw 7 (a number)'
    ]
    assert [each.text for each in compare(parse_cell(""), None)] == [
        "wanted an empty text, saw null"
    ]


@pytest.mark.parametrize(
    ("heading", "path"),
    [
        ("a", ("a",)), ("a.b", ("a", "b")), ("a[0].b", ("a", 0, "b")), ("[1]", (1,)),
        ('a["b.c"]', ("a", "b.c")), ('"odd key".x', ("odd key", "x")), ("a b", ("a b",)),
        ("x-y_z", ("x-y_z",)), ("a[0][1]", ("a", 0, 1)),
    ],
)  # fmt: skip
def test_heading_path(heading, path):
    assert heading_path(heading) == path


@pytest.mark.parametrize("heading", [".a", "a.", "a..b", "a[x]", "a[0", "a]b", "a[0]b"])
def test_a_torn_heading_says_where(heading):
    with pytest.raises(SuiteError, match="is not a path: it breaks off at character"):
        heading_path(heading)


def test_mistakes_in_a_table_name_the_cell():
    with pytest.raises(SuiteError) as error:
        table_to_records(["id", "at"], [["1", "<any>"], ["2", "<timestmap>"]])
    assert str(error.value).startswith(
        'row 2, "at": there is no marker <timestmap>\n  Did you mean "timestamp"?'
    )
    with pytest.raises(SuiteError, match="row 1 has 1 cells, the table has 2 headings"):
        table_to_records(["a", "b"], [["1"]])
    with pytest.raises(SuiteError, match='the heading "a" stands twice in the table'):
        table_to_records(["a", "a"], [["1", "2"]])
    with pytest.raises(SuiteError, match="a column of the table has no heading"):
        table_to_records([""], [["1"]])


def test_only_and_exactly_apply_to_records():
    assert texts(["type"], ["x"], {"type": "x", "id": 1}, mode="only") == [
        "id: is not wanted, saw 1"
    ]
    assert texts(["a.b"], ["1"], {"a": {"b": 1}}, mode="only") == []


def test_tables_make_values_to_send():
    assert table_to_values(
        ["id", "name", "customer.email", "items[0].sku", "items[1].sku", "ok", "note", "raw",
         "text"],
        [["1", "Ann", "a@b.c", "A", "B", "true", "null", '{"x": [1]}', '"42"']],
    ) == [
        {
            "id": 1, "name": "Ann", "customer": {"email": "a@b.c"},
            "items": [{"sku": "A"}, {"sku": "B"}], "ok": True, "note": None,
            "raw": {"x": [1]}, "text": "42",
        }
    ]  # fmt: skip
    with pytest.raises(SuiteError, match=r'row 1, "items\[1\]": 1 does not fit what other columns'):
        table_to_values(["items[1]"], [["x"]])
    with pytest.raises(SuiteError, match="does not fit"):
        table_to_values(["a", "a.b"], [["1", "2"]])


def test_the_nearest_candidate_is_the_one_with_fewest_differences():
    wanted = {"type": "paid", "id": 7, "amount": 1}
    candidates = [{"type": "open", "id": 1}, {"type": "paid", "id": 7, "amount": 2}, {}]
    best = best_match(wanted, candidates)
    assert best.index == 1
    assert not best.fits
    assert [each.text for each in best.differences] == ["amount: wanted 1, saw 2"]
    assert best_match(wanted, []) is None
    assert best_match("<any>", [1, 2]).index == 0
    assert matching({"type": "paid"}, candidates) == [1]


def test_hamcrest_matchers_show_every_difference():
    assert_that({"a": 1, "b": 2}, matches_json('{"a": <number>}'))
    assert_that(b'{"a": 1}', matches_json({"a": "<number>"}))
    assert_that([ORDER], matches_records(["type", "amount"], ["order.paid", "4250"]))
    assert_that([ORDER], not_(matches_records(["type"], ["x"])))
    with pytest.raises(AssertionError) as error:
        assert_that({"a": "x", "b": 1}, matches_json({"a": "<number>", "b": 2}))
    assert str(error.value) == (
        '\nExpected: JSON that holds at least {"a": "<number>", "b": 2}\n'
        '     but: these differ:\n- a: wanted <number>, saw "x" (it is text)\n'
        "- b: wanted 2, saw 1\n"
    )
    with pytest.raises(AssertionError, match="it is not JSON: Expecting property name"):
        assert_that("{x}", matches_json({"a": 1}))


@given(st.text(), st.text() | st.integers() | st.none() | st.booleans())
def test_any_cell_is_read_or_refused_in_words(cell, seen):
    with contextlib.suppress(SuiteError):
        for each in compare(parse_cell(cell), seen):
            each.text.encode()


@given(st.text())
def test_any_heading_is_read_or_refused_in_words(heading):
    with contextlib.suppress(SuiteError):
        assert heading_path(heading)

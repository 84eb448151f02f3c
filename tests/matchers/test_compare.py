import contextlib
import itertools
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.core.errors import SuiteError
from avow.matchers import Difference, compare, describe, parse, read_json


def texts(wanted, seen, mode="at least", **options):
    return [each.text for each in compare(wanted, seen, mode=mode, **options)]


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        (1, 1.0), (1.5, 1.5), ("a", "a"), (None, None), (True, True), ({}, {}), ([], []),
        ({"a": 1}, {"a": 1, "b": 2}), ([2, 1], [1, 3, 2]),
        ([{"a": 1}], [{"b": 1}, {"a": 1, "c": 2}]),
        (float("nan"), float("nan")), (10**400, 10**400),
        (["<any>", 1], [1, 2]), (["<number>", "<any>"], ["x", 1]),
    ],
)  # fmt: skip
def test_what_is_there_at_least_is_a_match(wanted, seen):
    assert texts(wanted, seen) == []


@pytest.mark.parametrize(
    ("wanted", "seen", "expected"),
    [
        (1, True, "wanted 1 (a number), saw true (a boolean)"),
        (False, 0, "wanted false (a boolean), saw 0 (a number)"),
        ("42", 42, 'wanted "42" (text), saw 42 (a number)'),
        (None, "", 'wanted null (null), saw "" (text)'),
        ({}, {"a": 1}, "a: is not wanted, saw 1"),
        ([], [1], "[0]: is not wanted, saw 1"),
        ({"a": {"b": [1]}}, {"a": {"b": {"c": 1}}},
         'a.b: wanted [1] (a list), saw {"c": 1} (an object)'),
        ({"emial": 1}, {"email": 1}, 'emial: wanted 1, is not there; did you mean "email"?'),
        ({"a": 1}, {"x": 1, "y": 2}, "a: wanted 1, is not there; there: x, y"),
        ({"a": 1}, {}, "a: wanted 1, is not there; the object is empty"),
        ({"odd key": 1}, {"odd key": 2}, '["odd key"]: wanted 1, saw 2'),
        ([1, 1], [1], "wanted 1 once more than it is there"),
        ([5], [1, 2], "wanted 5, is not among the 2: [1, 2]"),
        ([5], [], "wanted 5, the list is empty"),
        ({"a": "<uuid>"}, {"a": "x"}, 'a: wanted <uuid>, saw "x"'),
    ],
)  # fmt: skip
def test_a_difference_says_where_what_was_wanted_and_what_was_seen(wanted, seen, expected):
    assert texts(wanted, seen) == [expected]


def test_every_difference_is_told():
    found = texts({"a": 1, "b": {"c": "x", "d": "<number>"}}, {"a": 2, "b": {"c": "y"}})
    assert found == [
        "a: wanted 1, saw 2",
        'b.c: wanted "x", saw "y"',
        'b.d: wanted <number>, is not there; did you mean "c"?' if False else
        "b.d: wanted <number>, is not there; there: c",
    ]  # fmt: skip


def test_an_element_that_is_not_there_comes_with_the_nearest():
    wanted = {"lines": [{"sku": "A-1", "qty": 2}, {"sku": "B-9", "qty": 1}]}
    seen = {"lines": [{"sku": "A-1", "qty": 2}, {"sku": "B-9", "qty": 3}, {"sku": "C", "qty": 7}]}
    assert describe(compare(wanted, seen, path="body")) == (
        '- body.lines: wanted {"sku": "B-9", "qty": 1}, is not among the 3; '
        "nearest is body.lines[1]:\n"
        "    body.lines[1].qty: wanted 1, saw 3"
    )


def test_only_wants_nothing_else_at_the_top():
    assert texts({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, "only") == []
    assert texts({"a": 1}, {"a": 1, "b": 2}, "only") == ["b: is not wanted, saw 2"]
    assert texts([1, 2], [2, 1], "only") == []
    assert texts([1], [2, 1], "only") == ["[0]: is not wanted, saw 2"]


def test_in_order_wants_the_order_and_allows_others_between():
    assert texts([1, 3], [1, 2, 3], "in order") == []
    assert texts([3, 1], [1, 2, 3], "in order") == ["wanted 1 later than it came, at [0]"]
    assert texts([4], [1], "in order") == ["wanted 4, is not among the 1: [1]"]
    assert texts({"a": [2, 1]}, {"a": [1, 2]}, "in order") == [
        "a: wanted 1 later than it came, at a[0]"
    ]
    assert texts([1, 2], [1, 2, 3], "only in order") == ["[2]: is not wanted, saw 3"]
    assert texts([1, 2], [2, 1], "only in order") == [
        "[0]: wanted 1, saw 2",
        "[1]: wanted 2, saw 1",
    ]


def test_exactly_wants_nothing_else_at_any_depth():
    assert texts({"a": [{"b": 1}]}, {"a": [{"b": 1}]}, "exactly") == []
    assert texts({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}, "exactly") == [
        "a[0].c: is not wanted, saw 2"
    ]
    assert texts([1, 2, 3], [1], "exactly") == [
        "[1]: wanted 2, is not there; the list has 1",
        "[2]: wanted 3, is not there; the list has 1",
    ]


def test_an_unknown_mode_offers_the_nearest():
    with pytest.raises(SuiteError) as error:
        compare(1, 1, mode="exactely")
    assert str(error.value).startswith(
        '"exactely" is not a way to compare\n  Did you mean "exactly"? '
    )


def test_each_tells_every_element_that_is_not_so():
    assert texts('<each: {"n": <number>}>', [{"n": 1}, {"n": "2"}, {}]) == [
        '[1].n: wanted <number>, saw "2" (it is text)',
        "[2].n: wanted <number>, is not there; the object is empty",
    ]
    assert texts("<each: <any>>", []) == [
        "wanted <each: <any>>, saw [] (the list is empty, so nothing was checked; "
        "<length: 0> wants that)"
    ]


def test_long_texts_say_where_they_part():
    found = texts("x" * 100 + "a" + "y" * 100, "x" * 100 + "b" + "y" * 100)
    assert "they part at character 101" in found[0]
    assert len(found[0]) < 700


def test_many_differences_are_counted_in_the_end():
    found = compare({f"k{i}": 1 for i in range(60)}, {f"k{i}": 2 for i in range(60)})
    assert len(found) == 60
    assert describe(found).endswith("\n- and 10 more differences")


# -- whatever was seen, nothing raises


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def test_deep_data_is_a_difference_and_not_an_error():
    seen = nested(5000)
    assert compare({"a": 1}, {"a": seen})
    assert compare([[1]], seen)
    assert texts(nested(5000), seen)[-1].endswith("nested too deeply to be compared")


def test_huge_numbers_and_nan_are_told():
    limit = sys.get_int_max_str_digits()
    assert "a whole number of about" in texts({"a": 1}, {"a": 10 ** (limit + 5)})[0]
    assert texts(1, float("nan")) == ["wanted 1, saw NaN"]
    assert texts({"a": "<number>"}, {"a": float("inf")}) == [
        "a: wanted <number>, saw Infinity (it is no number that JSON knows)"
    ]


def test_surrogates_and_control_characters_are_printable_in_messages():
    found = texts("a", "b\ud800\x1b[31m")
    found[0].encode()
    assert "\x1b" not in found[0]


def test_a_large_text_is_shortened_at_once():
    assert len(texts("a", "b" * 10_000_000)[0]) < 700


def test_too_many_pairs_are_refused():
    wanted = [{"n": i} for i in range(1100)]
    seen = [{"n": -i} for i in range(1100)]
    assert "too many to look for among 1100 in any order" in texts(wanted, seen)[0]


def test_long_lists_of_scalars_are_paired_by_value():
    assert texts(list(range(20_000)), list(range(20_000, -1, -1))) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def free_of_markers(value):
    return "<" not in json.dumps(value, ensure_ascii=False)


@given(json_values.filter(free_of_markers))
def test_everything_matches_itself_in_every_mode(value):
    for mode in ("at least", "in order", "only", "only in order", "exactly"):
        assert compare(value, value, mode=mode) == []


@given(json_values.filter(free_of_markers), json_values)
def test_whatever_is_compared_differences_can_be_shown(wanted, seen):
    for mode in ("at least", "in order", "only", "only in order", "exactly"):
        found = compare(wanted, seen, mode=mode)
        assert all(isinstance(each, Difference) and each.text for each in found)
        describe(found).encode()


def equal(wanted, seen):
    """The definition of `exactly`."""
    if isinstance(wanted, dict) or isinstance(seen, dict):
        return (
            isinstance(wanted, dict)
            and isinstance(seen, dict)
            and wanted.keys() == seen.keys()
            and all(equal(wanted[key], seen[key]) for key in wanted)
        )
    if isinstance(wanted, list) or isinstance(seen, list):
        return (
            isinstance(wanted, list)
            and isinstance(seen, list)
            and len(wanted) == len(seen)
            and all(map(equal, wanted, seen))
        )
    if isinstance(wanted, bool) or isinstance(seen, bool):
        return wanted is seen
    return wanted == seen or (wanted != wanted and seen != seen)


small = st.recursive(
    st.sampled_from([0, 1, True, False, None, "", "a", 1.0, float("nan")]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(small, small)
def test_exactly_is_equality_of_json(wanted, seen):
    assert (compare(wanted, seen, mode="exactly") == []) is equal(wanted, seen)


@given(
    st.lists(st.sampled_from([1, 2, "<any>", "<between 2 and 3>"]), max_size=5),
    st.lists(st.integers(1, 3), max_size=5),
)
def test_any_order_finds_a_pairing_where_there_is_one(wanted, seen):
    """Against the definition: some choice of distinct elements, one for each that is wanted."""

    def fits(want, see):
        return want in ("<any>", see) or (want == "<between 2 and 3>" and see >= 2)

    choices = itertools.permutations(seen, len(wanted))
    exists = any(all(map(fits, wanted, choice)) for choice in choices) if wanted else not seen
    assert (compare(wanted, seen) == []) is exists


def test_bodies_are_read_whatever_they_are():
    assert read_json(b'\xef\xbb\xbf{"a": 1}') == ({"a": 1}, "")
    assert read_json(b"\xff")[1] == "it is not UTF-8 text (byte 1)"
    assert read_json(b" ")[1] == "it is empty"
    assert read_json('{"a": }')[1] == (
        'it is not JSON: Expecting value in line 1, column 7: {"a": }'
    )
    assert read_json("[" * 100_000)[1] == "it is JSON that is nested too deeply"
    assert read_json("9" * 5000)[1] == "it is JSON with a number of too many digits"


def test_a_document_may_hold_bare_markers():
    wanted = parse('{"id": <uuid>, "n": [<number>, "<any>"], "t": "a < b", "r": <matches: a,"b">}')
    seen = {
        "id": "4b1f2c8a-0000-4000-8000-123456789abc",
        "n": [1, None],
        "t": "a < b",
        "r": 'a,"b"',
    }
    assert compare(wanted, seen) == []
    nested_each = parse('{"x": <each: {"a": <number>, "b": <each: <string>>}>, "y": 1}')
    assert compare(nested_each, {"x": [{"a": 1, "b": ["c"]}], "y": 1}) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,}', "the document is not JSON: "),
        ("{'a': 1}", "JSON puts texts and names in double quotes."),
        ('{"a": 1\n "b": 2}', "in line 2: "),
        ('{"a": <}', "the document is not JSON: "),
        ("[" * 3000 + "]" * 3000, "it is nested too deeply"),
        ("[" + "9" * 5000 + "]", "the document cannot be read: "),
    ],
)
def test_a_document_that_is_no_json_says_where(text, message):
    with pytest.raises(SuiteError) as error:
        parse(text)
    assert message in str(error.value)


@given(st.text())
def test_any_document_is_read_or_refused_in_words(text):
    with contextlib.suppress(SuiteError):
        compare(parse(text), {"a": text})


def test_documents_that_are_not_json_are_text():
    assert not compare(parse("hello\nworld"), "hello\nworld")
    assert not compare(parse("42"), 42)
    assert compare(parse("42"), "42")
    assert not compare(parse('"42"'), "42")
    assert not compare(parse("null"), None)
    assert not compare(parse("007"), "007")

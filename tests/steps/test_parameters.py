"""The words that shared phrases have in common."""

import re

import pytest

from avow.core.errors import SuiteError
from avow.gherkin.parameters import types
from avow.matchers import compare
from avow.steps.parameters import Count, Status, Value


def matches(name: str, text: str) -> bool:
    known = types.lookup_by_type_name(name)
    return any(re.fullmatch(regexp, text) for regexp in known.regexps)


@pytest.mark.parametrize(
    ("words", "low", "high"),
    [
        ("no", 0, 0),
        ("zero", 0, 0),
        ("a", 1, None),
        ("an", 1, None),
        ("some", 1, None),
        ("one", 1, 1),
        ("exactly one", 1, 1),
        ("exactly 12", 12, 12),
        ("3", 3, 3),
        ("at least two", 2, None),
        ("at most 4", 0, 4),
        ("more than 4", 5, None),
        ("fewer than 4", 0, 3),
        ("between 2 and 4", 2, 4),
        ("between 4 and 2", 2, 4),
    ],
)
def test_how_many(words, low, high) -> None:
    assert matches("count", words)
    count = Count.read(words)
    assert (count.low, count.high) == (low, high)
    assert count.holds(low)
    assert not count.holds(low - 1)
    assert count.is_exceeded(10**6) == (high is not None)


def test_fewer_than_nothing_is_refused() -> None:
    with pytest.raises(SuiteError, match='there is nothing fewer than 0; say "no"'):
        Count.read("fewer than 0")


@pytest.mark.parametrize("words", ["exactly", "many", "at least", "-1", "one two"])
def test_what_is_no_count(words) -> None:
    assert not matches("count", words)


@pytest.mark.parametrize(
    ("text", "seen", "fits"),
    [
        ('"paid"', "paid", True),
        ('"42"', 42, False),
        ('"42"', "42", True),
        ("42", 42, True),
        ("42", "42", False),
        ("-1.5", -1.5, True),
        ("true", True, True),
        ("null", None, True),
        ("null", "null", False),
        ("<number>", 3, True),
        ('"<number>"', 3, True),
        ("<each: <uuid>>", ["x"], False),
        (r'"say \"hi\""', 'say "hi"', True),
        (r'"C:\path"', r"C:\path", True),
        ('""', "", True),
    ],
)
def test_one_wanted_value(text, seen, fits) -> None:
    assert matches("value", text)
    assert (compare(Value(text).wanted, seen) == []) == fits


@pytest.mark.parametrize("seen", [42, "42"])
def test_a_value_that_came_from_a_reference_has_no_type(seen) -> None:
    value = Value("${order.id}").substituted(lambda text: text.replace("${order.id}", "42"))
    assert compare(value.wanted, seen) == []
    assert compare(value.wanted, 43) != []


def test_statuses() -> None:
    assert matches("status", "404")
    assert matches("status", "4xx")
    assert not matches("status", "600")
    assert Status("404").holds(404)
    assert Status("4xx").holds(499)
    assert not Status("4xx").holds(500)


def test_resources_are_quoted_or_one_word() -> None:
    for text in ('"my shop"', "Stripe", "receipt-office", "orders.dead-letter"):
        assert matches("resource", text)
    assert not matches("resource", "two words")

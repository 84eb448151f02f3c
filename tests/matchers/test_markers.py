import re
import time
from pathlib import Path

import pytest

from avow.core.errors import SuiteError
from avow.matchers import FORMS, compare, is_marker, parse

NOW = 1_800_000_000.0
UUID = "4b1f2c8a-0000-4000-8000-123456789abc"


def holds(marker: str, seen: object, **options: object) -> bool:
    return not compare(parse(marker), seen, now=NOW, **options)


@pytest.mark.parametrize(
    ("marker", "good", "bad"),
    [
        ("<any>", [None, 0, "", [], {}], []),
        ("<present>", [0, "", False, [], {}], [None]),
        ("<null>", [None], [0, "", "null", False]),
        ("<number>", [0, -1.5, 10**400], ["1", True, None, float("nan"), float("inf")]),
        ("<string>", ["", "1"], [1, None, ["a"]]),
        ("<boolean>", [True, False], [0, 1, "true", None]),
        ("<uuid>", [UUID, UUID.upper()], [UUID[1:], UUID + "0", 1, None]),
        (
            "<timestamp>",
            ["2026-12-01T10:00:00Z", "2026-12-01 10:00:00.123456789+02:00", "2026-12-01T10:00",
             "2026-12-01T10:00:00,5+0200", 1_700_000_000, 1_700_000_000_123, 1.7e9],
            ["2026-12-01", "2026-13-01T10:00:00Z", "now", 12, True, None, "2026-12-01T25:00:00Z"],
        ),
        ("<date>", ["2026-12-01", "2024-02-29"],
         ["2026-02-29", "01.12.2026", 20261201, "2026-12-1"]),
        ("<email>", ["a@b.example", "a.b+c@sub.b.co"],
         ["a@b", "a b@c.de", "@b.c", "a@b.c, d@e.f", 1]),
        ("<url>", ["https://a.example/x?y=1", "http://127.0.0.1:80"],
         ["a.example", "ftp://a.example", "http://", "https://a b", "http://[", None]),
        ("<matches: A-\\d+>", ["A-1"], ["A-1x", "xA-1", "a-1", None, ["A-1"]]),
        ("<matches: [<>]+>", ["<>"], ["x"]),
        ("<matches: \\d{3}>", [404, "404"], [4040, True]),
        ("<contains: paid>", ["is paid.", ["a", "paid"]], ["Paid", ["is paid"], 5, None]),
        ("<contains: 5>", [[4, 5]], [[4, 51]]),
        ("<within 5s of now>", [NOW + 4.9, (NOW - 5) * 1000, "2027-01-15T08:00:03Z"],
         [NOW + 5.1, "2027-01-15T08:00:06Z", "soon", None]),
        ("<within 1m of 2026-12-01T10:00:00Z>",
         ["2026-12-01T10:00:59+00:00"], ["2026-12-01T10:02:00Z"]),
        ("<between 1 and 5>", [1, 5, 3.2], [0.99, 6, "3", None, True]),
        ("<between -2.5 and -1>", [-2], [0]),
        ("<between 2026-01-01 and 2026-12-31>", ["2026-06-01", "2026-06-01T12:00:00Z"],
         ["2027-01-01", 5, "x"]),
        ("<length: 3>", ["abc", [1, 2, 3], {"a": 1, "b": 2, "c": 3}], ["ab", [], 3, None]),
        ("<each: <number>>", [[1, 2.5]], [[1, "2"], [], "12", None]),
        ("<each: uuid>", [[UUID]], [["x"]]),
        ('<each: {"sku": <matches: A.*>, "n": 1}>', [[{"sku": "A1", "n": 1, "x": 0}]],
         [[{"sku": "B1", "n": 1}]]),
        ("<each: paid>", [["paid", "paid"]], [["paid", "open"]]),
        ("<each: <each: <number>>>", [[[1], [2, 3]]], [[[1], []]]),
    ],
)  # fmt: skip
def test_marker(marker, good, bad):
    assert [each for each in good if not holds(marker, each)] == []
    assert [each for each in bad if holds(marker, each)] == []


def test_every_marker_is_tested_above():
    source = Path(__file__).read_text(encoding="utf-8")
    words = [re.match("<([a-z]+)", form)[1] for form in FORMS]
    assert [word for word in words if f'"<{word}' not in source] == []
    assert len(words) == 18


def test_absent_is_about_the_field():
    assert not compare({"a": "<absent>"}, {"b": 1})
    assert compare({"a": "<absent>"}, {"a": None})[0].text == "a: is not wanted, saw null"


def test_now_is_the_present_by_default():
    assert not compare("<within 5s of now>", time.time())
    assert compare("<within 5s of now>", time.time() - 60)[0].text.endswith("s earlier)")


def test_loose_reads_numbers_in_text():
    assert holds("<between 1 and 5>", "3", loose=True)
    assert holds("<number>", "42.50", loose=True)
    assert not holds("<number>", "4x", loose=True)
    assert not compare(42.5, "42.50", loose=True)
    assert not compare(True, "true", loose=True)
    assert compare(1, "true", loose=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<uid>", 'there is no marker <uid>\n  Did you mean "uuid"? Markers: absent, any, '),
        ("<number: 3>", "<number: 3> takes nothing after its word\n  Write <number>."),
        ("<matches>", "<matches> is not complete\n  Write it as <matches: REGEX>."),
        ("<length 3>", "<length 3> is not complete\n  Write it as <length: 3>."),
        ("<length: x>", "<length: x> cannot be read\n  Write a whole number: <length: 3>."),
        ("<between 5 and 1>", "nothing is in <between 5 and 1>\n  Write the smaller of the two "),
        ("<between 1 and 2026-01-01>", "nothing is in <between 1 and 2026-01-01>"),
        ("<between 1 or 5>", "<between 1 or 5> cannot be read\n  Write it as <between 1 and 5>"),
        ("<within 5 of now>", "<within 5 of now> cannot be read\n  Write it as <within 5s of now>"),
        ("<matches: (a>", '"(a" is not a regular expression: missing ), unterminated subpattern at '
         "character 1\n  It is written as in Python's re module"),
        ("<each: <uid>>", 'there is no marker <uid>\n  Did you mean "uuid"?'),
        ('{"a": <uid>}', "there is no marker <uid>"),
    ],
)  # fmt: skip
def test_a_marker_that_cannot_be_read_says_what_is_near(text, message):
    with pytest.raises(SuiteError) as error:
        parse(text)
    assert str(error.value).startswith(message)


def test_an_unknown_marker_says_how_text_is_written():
    with pytest.raises(SuiteError, match=r"Text that looks like a marker is written \\<html>"):
        parse("<html>")
    assert not compare(parse("\\<html>"), "<html>")


@pytest.mark.parametrize(
    "text", ["<b>bold</b>", "<p>a</p>", "a <any> b", "<>", "<1>", "< >", "<A>"]
)
def test_text_with_angle_brackets_is_text(text):
    assert not is_marker(text)
    assert not compare(parse(text), text)

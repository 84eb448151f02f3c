import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.core.errors import did_you_mean, nearest
from avow.core.text import plural, printable, shortened


class Broken:
    def __str__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\\x0db"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\ud800", "\\ud800"),
        (b"\xff a", "\\xff a"),
        (b"\xc3\xa9", "é"),
        ("😀", "😀"),
        (5, "5"),
        (None, "None"),
        (Broken(), "<Broken whose text raised RuntimeError>"),
    ],
)
def test_anything_becomes_text(value, text):
    assert printable(value) == text


@given(st.binary() | st.text())
def test_any_text_can_be_printed_and_stored(value):
    text = printable(value)
    text.encode("utf-8")
    assert not any(ord(each) < 32 and each not in "\t\n" for each in text)


@given(st.text(), st.integers(10, 60))
def test_shortened_is_one_line_within_its_limit(text, limit):
    short = shortened(text, limit)
    assert len(short) <= limit
    assert "\n" not in short


def test_shortened_keeps_both_ends():
    assert shortened("start " + "x" * 100 + " end", 30).startswith("start x")
    assert shortened("start " + "x" * 100 + " end", 30).endswith("x end")


def test_a_name_cannot_show_reversed():
    assert printable("invoice\u202efdp.exe") == "invoice\\u202efdp.exe"
    assert printable("a\u2066b\u2069") == "a\\u2066b\\u2069"


def test_plural():
    assert (plural(1, "call"), plural(0, "call"), plural(2, "entry", "entries")) == (
        "1 call", "0 calls", "2 entries")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("ordres", ["orders", "order"], "orders"),
        ("bd", ["db", "shop"], "db"),
        ("prot", ["root", "port"], "port"),
        ("STRIPE", ["Stripe"], "Stripe"),
        ("x", ["orders"], None),
        ("x", [], None),
        ("", ["orders"], None),
    ],
)
def test_the_nearest_name(name, known, found):
    assert nearest(name, known) == found


def test_advice_for_an_unknown_name():
    assert did_you_mean("ordrs", ["orders", "db"], what="services") == (
        'Did you mean "orders"? Services: db, orders.'
    )
    assert did_you_mean("x", [], what="services") == "Services: none."

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.config.lines import key_lines, line_of
from avow.config.types import duration, size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("30s", 30), ("2m", 120), ("1h30m", 5400), ("1.5s", 1.5), ("1d", 86400),
     ("1m 30s", 90), ("0s", 0)],
)  # fmt: skip
def test_durations(text, seconds):
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "5 parsecs", "-5s", "5s!", "1e9s", "9" * 40 + "d"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError):
        duration(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("64KiB", 65536),
        ("10MB", 10_000_000),
        ("512", 512),
        ("1GiB", 2**30),
        ("1 kB", 1000),
        ("5B", 5),
    ],
)
def test_sizes(text, count):
    assert size(text) == count


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5MB", "5 TB"])
def test_what_is_no_size(text):
    with pytest.raises(ValueError):
        size(text)


def test_lines_of_keys():
    lines = key_lines(
        '# [not.a.table]\n[a]\nb.c = 1\n"d e" = """\n[in.text]\nx = 1\n"""\n'
        "list = [\n  [1],\n]\nafter = 1\n[[t]]\nx = 1\n[[t]]\nx = 2\n[ q . 'r s' ]\nz = '''a'''\n"
    )
    assert lines[("a",)] == 2
    assert lines[("a", "b", "c")] == 3
    assert lines[("a", "d e")] == 4
    assert lines[("a", "after")] == 11
    assert lines[("t", "1", "x")] == 15
    assert lines[("q", "r s", "z")] == 17
    assert ("in", "text") not in lines
    assert ("not", "a", "table") not in lines
    assert line_of(("a", "b", "c", "deeper"), lines) == 3
    assert line_of(("nowhere",), lines) is None


@given(st.text())
def test_lines_of_any_text(text):
    key_lines(text)

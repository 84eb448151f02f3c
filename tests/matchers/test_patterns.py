import signal
import threading

import pytest

from avow.matchers import compare, patterns

EXPLODES = "<matches: (a+)+$>"
TEXT = "a" * 40 + "!"


def test_a_pattern_that_explodes_is_ended():
    assert compare(EXPLODES, TEXT)[0].text == (
        f'wanted <matches: (a+)+$>, saw "{TEXT}" (the pattern took longer than 1 s; its nested '
        "repetition explodes)"
    )


def test_somebody_elses_timer_goes_on(monkeypatch):
    monkeypatch.setattr(patterns, "LIMIT", 0.05)
    rang = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 30)
        assert compare(EXPLODES, TEXT)
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 25 < left <= 30
        signal.raise_signal(signal.SIGALRM)
        assert rang == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_nearer_deadline_of_somebody_else_ends_the_match(monkeypatch):
    class StepTimedOut(Exception):
        pass

    def ring(*_):
        raise StepTimedOut

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(StepTimedOut):
            compare(EXPLODES, TEXT)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_off_the_main_thread_only_short_texts_are_tried():
    found = []

    def match(text):
        found.append(compare("<matches: [a-z]+( [a-z]+)*>", text))

    for text in ("some words", "word " * 60 + "word"):
        thread = threading.Thread(target=match, args=(text,))
        thread.start()
        thread.join()
    assert found[0] == []
    assert "tried on at most 200 characters here" in found[1][0].text


def test_a_text_that_is_too_long_does_not_match():
    found = compare("<matches: .*>", "x" * (patterns.LONGEST + 1))
    assert "a text of 1000001 characters is too long to match a pattern on" in found[0].text

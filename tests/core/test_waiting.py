from datetime import timedelta

import pytest

from avow.core import waiting
from avow.core.errors import ScenarioFailure
from avow.core.waiting import Deadline, until


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.pauses = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(waiting, "time", made)
    return made


def test_what_holds_at_once_is_not_waited_for(clock):
    waited = until(lambda: "yes", timedelta(seconds=5))
    assert (waited.holds, waited.value, waited.attempts, waited.seconds) == (True, "yes", 1, 0)
    assert clock.pauses == []


def test_it_looks_until_it_holds(clock):
    seen = iter([False, False, "there"])
    waited = until(lambda: next(seen), 5)
    assert (waited.holds, waited.value, waited.attempts) == (True, "there", 3)


def test_a_deadline_that_passes_tells_the_last_value_and_how_often(clock):
    def fails():
        raise AssertionError(f"at {clock.now}")

    waited = until(fails, 1.0)
    assert not waited.holds
    assert str(waited.error) == "at 1001.0"
    assert waited.seconds == 1.0
    assert waited.attempts == len(clock.pauses) + 1
    assert max(clock.pauses) <= waiting.LONGEST_PAUSE
    assert sum(clock.pauses) == pytest.approx(1.0)


def test_it_looks_once_even_without_time(clock):
    assert until(lambda: True, 0).holds
    assert until(lambda: False, 0).attempts == 1


def test_a_terminal_failure_ends_the_wait(clock):
    def fails():
        raise ScenarioFailure("cancelled", terminal=True)

    waited = until(fails, 60)
    assert (waited.holds, waited.attempts) == (False, 1)


def test_other_errors_pass_through(clock):
    def fails():
        raise KeyError("x")

    with pytest.raises(KeyError):
        until(fails, 60)
    assert not until(fails, 0.1, retry_on=KeyError).holds


def test_falsy_values_other_than_false_hold(clock):
    assert until(lambda: None, 1).holds
    assert until(list, 1).holds


def test_a_deadline_is_shared(clock):
    deadline = Deadline(1)
    until(lambda: False, deadline)
    assert deadline.is_over
    assert deadline.remaining() == 0
    assert until(lambda: False, deadline).attempts == 1

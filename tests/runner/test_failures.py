from __future__ import annotations

from hamcrest import assert_that, equal_to

from avow.core.errors import EnvironmentProblem
from avow.runner import failures


def caught(function):
    try:
        function()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError("it did not raise")


def test_an_assertion_is_the_systems_fault_and_says_only_what_it_says():
    trouble = failures.trouble_of(AssertionError("3 is not 4"))
    assert trouble.status == "failed"
    assert trouble.message == "3 is not 4"


def test_an_assertion_without_words():
    assert failures.message_of(AssertionError()) == "assertion failed"


def test_anything_else_is_broken_and_led_by_its_type():
    trouble = failures.trouble_of(ValueError("boom"))
    assert (trouble.status, trouble.message) == ("broken", "ValueError: boom")


def test_hamcrest_shows_its_difference_without_its_frames():
    trouble = failures.trouble_of(caught(lambda: assert_that(3, equal_to(4))))
    assert trouble.message == "Expected: <4>\n     but: was <3>"
    assert "hamcrest" not in trouble.trace.replace("test_hamcrest", "")
    assert __file__ in trouble.trace


def test_causes_are_kept():
    def raises():
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("outer") from error

    trace = failures.trace_of(caught(raises))
    assert "KeyError: 'inner'" in trace
    assert "direct cause" in trace


def test_a_group_is_shown():
    group = ExceptionGroup("two", [ValueError("one"), KeyError("two")])

    def raises():
        raise group

    trace = failures.trace_of(caught(raises))
    assert "ValueError: one" in trace


def test_trouble_of_the_suite_explains_itself():
    error = EnvironmentProblem("db did not come up", advice="Try again.")
    assert failures.message_of(error) == "db did not come up\n  Try again."
    assert failures.console_text(error, None) == "ERROR: db did not come up\n  Try again."


def test_an_exception_whose_text_raises_hides_nothing():
    class Broken(Exception):
        def __str__(self):
            raise RuntimeError

    assert failures.message_of(Broken()) == "Broken: <its text raised RuntimeError>"
    assert failures.trouble_of(caught(lambda: (_ for _ in ()).throw(Broken()))).status == "broken"


def test_a_lone_surrogate_is_made_printable():
    trouble = failures.trouble_of(AssertionError("bad \ud800 text"))
    assert trouble.message == "bad \\ud800 text"
    trouble.message.encode()

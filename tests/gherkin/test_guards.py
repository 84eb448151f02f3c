"""Guards stand before any Then, plain ones too."""

from datetime import timedelta

import pytest

from avow.core.errors import EnvironmentProblem, ScenarioFailure, SuiteError
from avow.gherkin import guards

COUNTING = """
seen = []
@then("it has happened {int} time(s)")
def happened(world, wanted):
    seen.append(1)
    assert len(seen) >= wanted, f"it happened {len(seen)} times"

@then("it is still calm")
def calm(world):
    seen.append(1)
    assert len(seen) < 4, "a storm came up"

@then("the order is paid")
def paid(world):
    seen.append(1)
    raise ScenarioFailure("the order is cancelled", terminal=True)

@then("it fails silently")
def silent(world):
    assert False

@then("it holds")
def holds(world):
    seen.append(1)

@then("the answer is no")
def no(world):
    raise CannotTell("no answer came")

@then("the suite is wrong")
def wrong(world):
    raise EnvironmentProblem("the database is gone")

@given("a world")
@when("something is done")
def nothing(world):
    pass
"""


@pytest.fixture
def seen(declare):
    source = (
        "from avow.core.errors import CannotTell, EnvironmentProblem, ScenarioFailure\n" + COUNTING
    )
    return declare(source)["seen"]


@pytest.mark.parametrize(
    ("text", "words", "rest"),
    [
        ("within 5 seconds it holds", ["within 5 seconds"], "it holds"),
        ("within 250 ms it holds", ["within 250 ms"], "it holds"),
        ("for 1.5 s it holds", ["for 1.5 s"], "it holds"),
        ("it is not true that it holds", ["it is not true that"], "it holds"),
        (
            "for 2 minutes it is not true that it holds",
            ["for 2 minutes", "it is not true that"],
            "it holds",
        ),
        ("within 5 secondsit holds", [], "within 5 secondsit holds"),
        ("for 3 sugars it holds", [], "for 3 sugars it holds"),
    ],
)
def test_guards_are_split_off_outermost_first(text, words, rest) -> None:
    found, phrase = guards.split(text)
    assert [guard.words for guard in found] == words
    assert phrase == rest


def test_within_looks_until_it_holds(steps, seen) -> None:
    assert steps.run("Then within 10 seconds it has happened 3 times") is None
    assert len(seen) == 3


def test_without_a_guard_it_looks_once(steps, seen) -> None:
    assert str(steps.run("Then it has happened 3 times")) == "it happened 1 times"
    assert len(seen) == 1


def test_a_wait_that_fails_says_what_was_seen_last_and_how_often_it_looked(steps, seen) -> None:
    error = steps.run("Then within 60 ms it has happened 1000000 times")
    assert isinstance(error, ScenarioFailure)
    assert str(error) == (
        f"not within 60 ms (looked {len(seen)} times). Last seen:\nit happened {len(seen)} times"
    )


def test_a_wait_ends_at_a_terminal_failure(steps, seen) -> None:
    error = steps.run("Then within 1 hour the order is paid")
    assert len(seen) == 1
    assert "it cannot come true any more (stopped after 0.0 s, looked 1 time)" in str(error)
    assert str(error).endswith("Last seen:\nthe order is cancelled")
    assert error.terminal


def test_an_assertion_without_words_is_given_some(steps, seen) -> None:
    error = steps.run("Then within 10 ms it fails silently")
    assert "it fails silently: it does not hold (the assertion says nothing more)" in str(error)


def test_for_holds_all_the_time(steps, seen) -> None:
    assert steps.run("Then for 20 ms it holds") is None
    assert len(seen) > 1


def test_for_that_breaks_says_when_and_what_was_seen(steps, seen) -> None:
    error = steps.run("Then for 1 minute it is still calm")
    assert len(seen) == 4
    assert str(error).startswith("it held for 0.0")
    assert "s of 1 min (3 looks), then no longer. Seen:\na storm came up" in str(error)


def test_for_that_does_not_hold_at_all(steps, seen) -> None:
    error = steps.run("Then for 1 minute it has happened 9 times")
    assert str(error) == ("it does not hold even at the start of 1 min. Seen:\nit happened 1 times")


def test_not_inverts_failed_assertions(steps, seen) -> None:
    assert steps.run("Then it is not true that it has happened 5 times") is None
    error = steps.run("Then it is not true that it holds")
    assert str(error) == "it should not be true that it holds, but it is"


def test_not_leaves_trouble_of_the_suite_alone(steps, seen) -> None:
    error = steps.run("Then it is not true that the suite is wrong")
    assert isinstance(error, EnvironmentProblem)


def test_not_is_not_for_what_cannot_be_told(steps, seen) -> None:
    error = steps.run("Then for 1 minute it is not true that the answer is no")
    assert isinstance(error, ScenarioFailure)
    assert str(error) == (
        "it does not hold even at the start of 1 min. Seen:\n"
        "whether the answer is no cannot be told: no answer came"
    )


def test_for_and_not_combine(steps, seen) -> None:
    assert steps.run("Then for 20 ms it is not true that it has happened 1000000 times") is None
    error = steps.run("Then for 1 minute it is not true that it has happened 30 times")
    assert "it should not be true that it has happened 30 times, but it is" in str(error)


def test_within_and_not_wait_for_the_end(steps, seen) -> None:
    assert steps.run("Then within 10 seconds it is not true that it is still calm") is None
    assert len(seen) == 4


def test_and_inherits_the_then(steps, seen) -> None:
    assert steps.run("Then it holds\nAnd within 1 second it holds\nBut for 5 ms it holds") is None


def test_a_plain_step_of_behave_is_guarded_too(steps, registry) -> None:
    seen = []

    def three_times(context):
        seen.append(context.world)
        assert len(seen) == 3

    registry.add_step_definition("then", "it comes three times", three_times)
    assert steps.run("Then within 10 seconds it comes three times") is None
    assert seen == [steps.world] * 3


@pytest.mark.parametrize(
    "step", ["Given within 5 seconds a world", "When for 1 s something is done"]
)
def test_a_guard_before_anything_but_a_then_is_told(steps, seen, step) -> None:
    error = steps.run(step)
    assert isinstance(error, SuiteError)
    keyword, _, _ = step.partition(" ")
    assert f"stands before a {keyword}" in str(error)
    assert "Only a Then can be waited for or negated" in str(error)
    assert error.where == "features/f.feature:3"


def test_a_phrase_of_the_suite_may_use_the_words_itself(steps, declare) -> None:
    seen = declare(
        "seen = []\n@then('within {int} seconds the order is {word}')\n"
        "def order(world, seconds, state): seen.append((seconds, state))"
    )["seen"]
    assert steps.run("Then within 5 seconds the order is paid") is None
    assert seen == [(5, "paid")]


def test_a_failing_plain_check_shows_through_the_cause(steps, seen) -> None:
    error = steps.run("Then within 10 ms it fails silently")
    assert isinstance(error.__cause__, AssertionError)


def test_durations_are_spoken_shortly() -> None:
    from avow.gherkin.units import duration, spoken

    assert spoken(duration("250 ms")) == "250 ms"
    assert spoken(duration("5 seconds")) == "5 s"
    assert spoken(duration("120 s")) == "2 min"
    assert duration("1.5 minutes") == timedelta(seconds=90)
    with pytest.raises(ValueError, match="is not a duration"):
        duration("5 sugars")

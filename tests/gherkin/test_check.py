"""The pre-check: everything that is wrong with features and phrases, before anything runs."""

import pytest
from behave.parser import parse_feature

from avow.gherkin import check

PHRASES = """
@given("an order of {int} item(s)")
def order(world, n): ...

@when("the order is paid")
def paid(world): ...

@then("the order is {word}")
def order_is(world, state): ...

@then("the table has")
def table_has(world, *, table: Table): ...
"""


@pytest.fixture
def phrases(declare):
    declare(PHRASES)


def feature(text: str, name: str = "features/a.feature"):
    return parse_feature("Feature: f\n" + text, filename=name)


def test_features_without_mistakes(phrases) -> None:
    good = feature(
        "  Background:\n    Given an order of 2 items\n"
        "  Scenario: s\n    When the order is paid\n    Then within 5 seconds the order is paid\n"
        "    And the order is ${state}\n    And the table has:\n      | a |\n      | <uuid> |\n"
    )
    assert check.everything([good]) == []


def test_an_undefined_step_gets_its_place_the_nearest_phrase_and_a_snippet(phrases) -> None:
    wrong = feature(
        '  Scenario: s\n    Given an order of 2 itms\n    When "Ada" sends 3 mails in 1.5 s:\n'
        "      | a |\n      | 1 |\n    And the order is paid\n"
    )
    one, two = check.undefined([wrong])
    assert str(one).startswith("features/a.feature:3: no phrase says: Given an order of 2 itms")
    assert "The nearest phrase is: Given an order of {int} item(s)" in str(one)
    assert '@given("an order of {int} itms")\n    def an_order_of_itms(world, number):' in str(one)
    assert '@when("{string} sends {int} mails in {float} s")' in str(two)
    assert "def sends_mails_in_s(world, text, number, number2, *, table: Table):" in str(two)


def test_a_step_of_the_wrong_kind_is_told(phrases) -> None:
    wrong = feature("  Scenario: s\n    Given the order is paid\n")
    assert "It is a When, and stands here as a Given." in str(check.undefined([wrong])[0])


def test_the_same_text_is_told_once(phrases) -> None:
    wrong = feature("  Scenario: s\n    Given x\n  Scenario: t\n    Given x\n    When x\n")
    assert [each.where for each in check.undefined([wrong])] == [
        "features/a.feature:3",
        "features/a.feature:6",
    ]


def test_a_step_that_two_phrases_say_is_told_with_both_places(phrases, declare) -> None:
    declare("@then('the order is {string}')\ndef other(world, s): ...", "steps/other.py")
    declare("@then('the order is paid')\ndef third(world): ...", "steps/third.py")
    wrong = feature("  Scenario: s\n    Then for 1 s the order is paid\n")
    (problem,) = check.ambiguous([wrong])
    assert str(problem).splitlines() == [
        'features/a.feature:3: "the order is paid" can mean 2 phrases:',
        '    Then "the order is {word}"  (steps/own.py:11)',
        '    Then "the order is paid"  (steps/third.py:4)',
        "  One phrase, one meaning: reword one of them, or remove it.",
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("the order is {word}", "the order is paid"),
        ("the order is paid", "the order is {word}"),
        ("there is/are {int} order(s)", "there are {float} orders"),
        ("there are {float} orders", "there is/are {int} order(s)"),
        ("it is done", "it is done"),
    ],
)
def test_ambiguity_is_found_in_both_directions(declare, registry, first, second) -> None:
    count = first.count("{")
    declare(f"@then({first!r})\ndef f(world, *args): ...", "steps/first.py")
    declare(f"@then({second!r})\ndef f(world, *args): ...", "steps/second.py")
    (problem,) = check.phrases()
    assert "steps/first.py:4" in str(problem)
    assert "steps/second.py:4" in str(problem)
    assert count < 3


def test_a_phrase_for_any_kind_collides_with_a_then(declare, registry) -> None:
    declare("@step('it is noted')\ndef f(world): ...", "steps/first.py")
    declare("@then('it is noted')\ndef f(world): ...", "steps/second.py")
    assert len(check.phrases()) == 1


def test_the_same_words_may_be_a_given_and_a_then(declare, registry) -> None:
    declare("@given('it is noted')\ndef f(world): ...", "steps/first.py")
    declare("@then('it is noted')\ndef f(world): ...", "steps/second.py")
    assert check.phrases() == []


def test_a_phrase_that_cannot_be_read_is_among_the_problems(declare, registry) -> None:
    declare("@then('the (order')\ndef f(world): ...")
    (problem,) = check.everything([])
    assert "this phrase cannot be read" in str(problem)


def test_a_guard_before_a_when_is_told_beforehand(phrases) -> None:
    wrong = feature("  Scenario: s\n    When within 5 seconds the order is paid\n")
    (problem,) = check.everything([wrong])
    assert str(problem).startswith('features/a.feature:3: "within 5 seconds" stands before a When')


def test_blocks_that_do_not_fit_are_told_beforehand(phrases) -> None:
    wrong = feature(
        "  Scenario: s\n    When the order is paid\n      | a |\n      | 1 |\n"
        "    Then the table has\n"
    )
    one, two = check.blocks([wrong])
    assert str(one).startswith("features/a.feature:3: this phrase takes no table")
    assert str(two).startswith("features/a.feature:6: this phrase needs a table under it")


def test_a_heading_of_examples_that_hides_a_marker_is_told(phrases) -> None:
    wrong = feature(
        "  Scenario Outline: s\n    When the order is paid\n    Then the order is <state>\n"
        "    Examples:\n      | state | email |\n      | open  | a@b.c |\n"
    )
    (problem,) = check.examples([wrong])
    assert str(problem) == (
        'features/a.feature:6: the heading "email" of Examples hides the marker <email>\n'
        "  Give the column another name."
    )


def test_rows_of_outlines_and_backgrounds_are_checked(phrases) -> None:
    wrong = feature(
        "  Background:\n    Given nothing like it\n"
        "  Scenario Outline: s\n    When the order is <how>\n"
        "    Examples:\n      | how  |\n      | paid |\n      | lost |\n"
    )
    assert [each.message for each in check.undefined([wrong])] == [
        "no phrase says: Given nothing like it",
        "no phrase says: When the order is lost",
    ]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("{int} order(s) is/are {word}", "7 order is x"),
        ("plain", "plain"),
        ("{string} \\(sic\\) a\\/b", '"x" (sic) a/b'),
        ("{float} {}", "7.5 x"),
    ],
)
def test_a_sample_is_what_its_expression_says(registry, pattern, text) -> None:
    from avow.gherkin.expressions import CucumberMatcher

    assert check.sample(pattern) == text
    assert CucumberMatcher(lambda: None, pattern).read(text)

"""The registry: found by index, kept in a cache, one object everywhere in behave."""

import behave
import behave.runner
import behave.step_registry
import pytest

from avow.gherkin import install
from avow.gherkin.behaving import uninstalled_modules
from avow.gherkin.expressions import literal_prefix
from avow.gherkin.registry import Registry


@pytest.mark.parametrize(
    ("expression", "prefix"),
    [
        ("the response status is {int}", "the response status is "),
        ("{int} orders", ""),
        ("an order(s) of {int}", "an "),
        ("there is/are {int}", "there "),
        ("a/an order", ""),
        ("all is well", "all is well"),
        ("I GET \\/orders", "I GET "),
        ("word", "word"),
        ("", ""),
    ],
)
def test_the_words_with_which_every_text_of_a_phrase_begins(expression, prefix) -> None:
    assert literal_prefix(expression) == prefix


def test_one_registry_everywhere(registry) -> None:
    assert isinstance(registry, Registry)
    assert behave.runner.the_step_registry is registry
    assert behave.step_registry.registry is registry
    assert install() is registry
    assert uninstalled_modules() == []


def test_a_phrase_that_is_declared_later_is_found(declare, registry, steps) -> None:
    assert registry.look_up("when", "it rains") is None
    declare("@when('it rains')\ndef rains(world): ...")
    assert registry.look_up("when", "it rains") is not None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("{int} order(s) come(s)", "3 orders come"),
        ("a/an/the order", "an order"),
        ("word", "word"),
        ("order {string} is {word}", 'order "a b" is open'),
        ("I GET \\/orders", "I GET /orders"),
        ("{} and more", "this and more"),
    ],
)
def test_phrases_are_found_whatever_they_begin_with(declare, registry, pattern, text) -> None:
    declare(f"@when({pattern!r})\ndef f(world, *args): ...")
    found = registry.look_up("when", text)
    assert found is not None
    assert found.problem is None
    assert registry.look_up("when", text) is found


def test_a_colon_and_a_name_are_not_part_of_the_phrase(declare, registry) -> None:
    declare("@then('the order is {word}')\ndef f(world, w): ...")
    found = registry.look_up("then", 'within 5 s the order is paid as "first":')
    assert (found.phrase, found.name, found.offset) == ("the order is paid", "first", 11)
    assert len(found.guards) == 1


def test_a_phrase_may_itself_end_in_a_name(declare, registry) -> None:
    declare("@when('I sign in as {string}')\ndef f(world, w): ...")
    assert registry.look_up("when", 'I sign in as "admin"').name == ""
    assert registry.look_up("when", 'I sign in as "admin" as "session"').name == "session"


def test_arguments_know_where_they_stand_in_the_step(steps, declare) -> None:
    declare("@then('{int} order(s) of {string}')\ndef f(world, n, s): ...")
    assert steps.run('Then within 1 s 2 orders of "Ada"') is None
    text = steps.last.step.name
    assert [text[each.start : each.end] for each in steps.last.arguments] == ["2", '"Ada"']


def test_arguments_show_their_values_once_the_step_ran(steps, declare, world) -> None:
    world.memory.remember("who", "Ada")
    declare("@when('{string} comes')\ndef f(world, s): ...")
    assert steps.run('When "${who}" comes') is None
    assert [each.value for each in steps.last.arguments] == ["Ada"]
    assert [each.original for each in steps.last.arguments] == ['"${who}"']


def test_behave_finds_definitions_by_the_same_index(declare, registry, steps) -> None:
    declare("@when('it rains')\ndef rains(world): ...")
    (step,) = steps.parse("When it rains")
    assert registry.find_step_definition(step).pattern == "it rains"
    (step,) = steps.parse("When it snows")
    assert registry.find_step_definition(step) is None
    assert registry.find_match(step) is None


def test_the_cache_is_bounded(declare, registry, monkeypatch) -> None:
    monkeypatch.setattr("avow.gherkin.registry._CACHED", 10)
    declare("@when('order {int}')\ndef f(world, n): ...")
    for number in range(100):
        assert registry.look_up("when", f"order {number}") is not None
    assert len(registry._cache) <= 12


def test_a_user_asking_behave_for_cucumber_expressions_gets_these(registry, steps) -> None:
    from behave.cucumber_expression import use_step_matcher_for_cucumber_expressions
    from behave.matchers import use_default_step_matcher

    use_step_matcher_for_cucumber_expressions()
    try:
        registry.add_step_definition("when", "{int} eggs", lambda context, n: None)
    finally:
        use_default_step_matcher()
    assert steps.run("When 3 eggs") is None


def test_behaves_parameter_types_may_be_defined_twice(registry, steps) -> None:
    from behave.cucumber_expression import StepMatcher4CucumberExpressions

    for _ in range(2):
        StepMatcher4CucumberExpressions.TYPE_REGISTRY.define_parameter_type_with(
            "hue", "red|blue", str, lambda text: text.upper()
        )
    seen = []
    registry.add_step_definition("when", "it is {hue}", lambda context, hue: seen.append(hue))
    assert steps.run("When it is red") is None
    assert seen == ["RED"]
    assert StepMatcher4CucumberExpressions.TYPE_REGISTRY.has_type("hue")


def test_steps_run_by_execute_steps_are_told_at_their_callers_place(steps, declare, world) -> None:
    declare(
        "from avow.core.errors import SuiteError\n"
        "@when('inner')\ndef inner(world): raise SuiteError('no')\n"
        "@when('outer')\ndef outer(context):\n"
        "    step, = steps.parse_steps('When inner')\n"
        "    registry.find_match(step).run(context)\n"
    )
    # As behave's Context.execute_steps does: steps without a file of their own.
    from behave import parser

    steps.registry.find_match(steps.parse("When outer")[0]).func.__wrapped__.__globals__.update(
        steps=parser, registry=steps.registry
    )
    assert str(steps.run("When outer")) == "features/f.feature:3: no"

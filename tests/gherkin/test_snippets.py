"""What is printed for steps that no phrase says."""

import io

import pytest
from behave.parser import parse_feature

from avow.gherkin import snippets


def steps_of(text: str):
    feature = parse_feature(f"Feature: f\n  Scenario: s\n{text}", filename="features/a.feature")
    return list(next(iter(feature.walk_scenarios())).all_steps)


@pytest.mark.parametrize(
    ("step", "decorator", "signature"),
    [
        ("When 3 apples fall", '@when("{int} apples fall")', "apples_fall(world, number)"),
        (
            "Then \"Ada\" pays 4.50 to 'Bo'",
            '@then("{string} pays {float} to {string}")',
            "pays_to(world, text, number, text2)",
        ),
        ("Given (nearly) all", '@given("\\\\(nearly) all")', "nearly_all(world)"),
        ("When I GET /orders", '@when("I GET \\\\/orders")', "i_get_orders(world)"),
        ("When 5", '@when("{int}")', "step(world, number)"),
        ("Then within 5 seconds it rains:", '@then("it rains")', "it_rains(world)"),
        ("When class", '@when("class")', "class_(world)"),
    ],
)
def test_a_snippet_is_a_cucumber_expression(step, decorator, signature) -> None:
    (made,) = map(snippets.snippet, steps_of(step))
    first, second, third = made.splitlines()
    assert first == decorator
    assert second == f"def {signature}:"
    assert third.startswith("    raise NotImplementedError(")
    compile("from avow.gherkin import *\n" + made, "x.py", "exec")


@pytest.mark.parametrize(
    "step", ["When 3 apples fall", "Given (nearly) all", "When I GET /orders", 'Then "x" is {y}']
)
def test_a_snippet_says_the_step_it_was_made_for(steps, declare, registry, step) -> None:
    (made,) = map(snippets.snippet, steps_of(step))
    declare(made)
    assert registry.problems == []
    assert isinstance(steps.run(step), NotImplementedError)


def test_all_undefined_steps_in_one_text(declare, registry) -> None:
    declare("@when('the order is paid')\ndef paid(world): ...")
    steps = steps_of(
        "When the order is payed\nWhen the order is payed\n"
        'Given x:\n| a |\n| 1 |\nThen y:\n"""\nz\n"""\n'
    )
    text = snippets.undefined_text(steps, registry)
    assert text.startswith(
        "3 steps that no phrase says:\n\n"
        "features/a.feature:3: When the order is payed\n"
        "  The nearest phrase is: When the order is paid\n"
        "features/a.feature:5: Given x:\n"
    )
    assert "from avow.gherkin import Document, Table, given, then, when" in text
    assert text.count("def the_order_is_payed") == 1
    assert snippets.undefined_text([], registry) == ""


def test_behaves_own_printer_prints_these(registry) -> None:
    import behave.runner_util

    out = io.StringIO()
    behave.runner_util.print_undefined_step_snippets(
        steps_of("When 3 apples fall"), stream=out, colored=False
    )
    assert '@when("{int} apples fall")' in out.getvalue()
    made = behave.runner_util.make_undefined_step_snippets(["When 3 apples fall"])
    assert made[0].startswith('@when("{int} apples fall")')

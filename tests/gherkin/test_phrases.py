"""Step functions and their phrases: what they get, and what is told where the two do not fit."""

import pytest

from avow.core.errors import SuiteError, ThenCannotAct
from avow.core.ledger import Observed
from avow.gherkin import check, install, phrases


def test_a_step_function_gets_the_world_and_typed_arguments(steps, declare, world) -> None:
    seen = declare(
        "seen = []\n@when('{int} order(s) of {string} arrive(s)')\n"
        "def orders(world, count, who): seen.append((world, count, who))"
    )["seen"]
    assert steps.run('When 2 orders of "Ada" arrive\nAnd 1 order of "Bo" arrives') is None
    assert seen == [(world, 2, "Ada"), (world, 1, "Bo")]


def test_a_step_function_may_take_behaves_context(steps, declare, world) -> None:
    seen = declare(
        "seen = []\n@given('a')\ndef a(context): seen.append(context.world)\n"
        "@given('b')\ndef b(ctx): seen.append(ctx.world)\n"
        "@given('c')\ndef c(x: behave.runner.Context): seen.append(x.world)"
    )["seen"]
    assert steps.run("Given a\nAnd b\nAnd c") is None
    assert seen == [world] * 3


def test_an_async_step_function_runs(steps, declare) -> None:
    seen = declare(
        "import asyncio\nseen = []\n@when('{int} wait(s)')\n"
        "async def waits(world, n):\n    await asyncio.sleep(0)\n    seen.append(n)"
    )["seen"]
    assert steps.run("When 3 wait") is None
    assert seen == [3]


def test_plain_steps_of_behave_get_arguments_with_values_in_place(steps, registry, world) -> None:
    world.memory.remember("order", {"id": "o-1"})
    seen = []

    def plain(context, number):
        seen.append((number, context.text, [row["id"] for row in context.table or ()]))

    registry.add_step_definition("given", "order {string}", plain)
    assert steps.run('Given order "${order.id}"\n"""\n${order.id}!\n"""') is None
    assert steps.run('Given order "x"\n| id |\n| ${order.id} |') is None
    assert seen == [("o-1", "o-1!", []), ("x", None, ["o-1"])]


def test_a_then_only_observes(steps, declare, world) -> None:
    declare(
        "from avow.core.ledger import Observed\n"
        "@then('it acts')\ndef acts(world):\n"
        "    world.ledger.act('http.exchange', 'shop', {}, lambda: Observed('x'))"
    )
    error = steps.run("Then it acts")
    assert isinstance(error, ThenCannotAct)
    assert '"it acts" is a Then and tried to change "shop"' in str(error)
    world.ledger.act("http.exchange", "shop", {}, lambda: Observed("after"))


def test_an_error_of_the_suite_gets_the_place_of_its_step(steps, declare) -> None:
    declare(
        "from avow.core.errors import SuiteError\n"
        "@when('it is wrong')\ndef wrong(world): raise SuiteError('nobody knows why')"
    )
    assert str(steps.run("When it is wrong")) == "features/f.feature:3: nobody knows why"


def test_a_step_that_exits_does_not_end_the_run(steps, declare) -> None:
    declare("import sys\n@when('it exits')\ndef exits(world): sys.exit(3)")
    error = steps.run("When it exits")
    assert isinstance(error, SuiteError)
    assert "the step called sys.exit(3), which would have ended the whole run" in str(error)


def test_values_in_step_texts(steps, declare, world) -> None:
    world.memory.remember("first order", {"id": "o-7", "total": 42})
    seen = declare(
        "seen = []\n@when('{string} costs {int}')\n"
        "def costs(world, what, n): seen.append((what, n))"
    )["seen"]
    assert steps.run('When "order ${first order.id}" costs ${first order.total}') is None
    assert seen == [("order o-7", 42)]


def test_a_value_that_no_phrase_can_take_is_told(steps, declare, world) -> None:
    world.memory.remember("total", "a lot")
    declare("@when('it costs {int}')\ndef costs(world, n): ...")
    error = steps.run("When it costs ${total}")
    assert 'with its values in place the step says "it costs a lot", and no phrase does' in str(
        error
    )
    assert 'It was read as "it costs {int}".' in str(error)


def test_an_unknown_value_is_pointed_at(steps, declare, world) -> None:
    world.memory.remember("order", {"id": 1})
    declare("@when('{string} is paid')\ndef paid(world, what): ...")
    error = steps.run('When "${ordr.id}" is paid')
    assert str(error).splitlines()[:3] == [
        "features/f.feature:3: ${ordr.id} is not known",
        '    When "${ordr.id}" is paid',
        "          ^^^^^^^^^^",
    ]
    assert "Did you mean ${order}?" in str(error)


def test_naming_what_a_step_saw(steps, declare, world) -> None:
    declare(
        "from avow.core.ledger import Observed\n"
        "@when('an order is sent')\ndef sent(world):\n"
        "    entry = world.ledger.act('http.exchange', 'shop', {}, lambda: Observed('x'))\n"
        "    world.memory.see('response', entry, {'id': 5})\n"
        "@when('nothing is sent')\ndef nothing(world): ..."
    )
    assert steps.run('When an order is sent as "first order":') is None
    assert world.values.substitute("${first order.id}") == "5"
    error = steps.run('When nothing is sent as "second order"')
    assert 'there is nothing to call "second order"' in str(error)


def test_without_a_world_a_phrase_says_how_to_get_one(without_world, declare) -> None:
    declare("@when('it needs a world')\ndef needs(world): ...")
    error = without_world.run("When it needs a world")
    assert '"it needs a world" needs a world, and none is set up' in str(error)
    assert 'runner = "avow.runner:Runner"' in str(error)


def test_without_a_world_plain_steps_work_and_are_guarded(without_world, registry) -> None:
    seen = []

    def plain(context):
        seen.append(1)
        assert len(seen) > 2

    registry.add_step_definition("then", "it comes", plain)
    assert without_world.run("Then within 5 s it comes") is None


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "@when('{int} and {int}')\ndef f(world, one): ...",
            "has 2 parameters and its step function takes 1 (one)",
        ),
        (
            "@when('nothing')\ndef f(world, one): ...",
            "has 0 parameters and its step function takes 1 (one)",
        ),
    ],
)
def test_a_function_that_does_not_fit_its_phrase(declare, registry, source, said) -> None:
    declare(source)
    (problem,) = registry.problems
    assert said in str(problem)
    assert problem.where == "steps/own.py:4"


def test_a_function_without_a_world_is_refused(declare) -> None:
    with pytest.raises(
        SuiteError, match=r"steps/own.py:4: the step function of \"x\" takes no world"
    ):
        declare("@when('x')\ndef f(): ...")


def test_an_expression_that_cannot_be_read_is_told_with_a_caret(declare, registry) -> None:
    declare("@when('I (do')\ndef f(world): ...\n@when('the {oder} is')\ndef g(world, o): ...")
    first, second = registry.problems
    assert str(first).splitlines()[:3] == [
        "steps/own.py:4: this phrase cannot be read: The '(' does not have a matching ')'",
        "    I (do",
        "      ^",
    ]
    assert "there is no parameter type {oder}" in str(second)
    assert "    the {oder} is\n        ^----^" in str(second)
    assert "Define it with parameter_type(...)." in str(second)


def test_a_file_may_be_read_twice(steps, declare, registry) -> None:
    source = "@when('a')\ndef a(world): world.memory.remember('by', {})\n"
    for version in (1, 2):
        declare(source.format(version))
    assert steps.run("When a") is None
    assert steps.world.memory.recall("by") == 2
    assert check.phrases() == []


def test_behaves_reset_leaves_phrases_and_types_alone(steps, declare, registry) -> None:
    import behave.step_registry
    from behave.runner_util import reset_runtime

    declare("parameter_type('oddity', 'odd|even')\n@when('{oddity}')\ndef f(world, o): ...")
    reset_runtime()
    assert behave.step_registry.registry is not registry
    declare("parameter_type('oddity', 'odd|even')\n@when('{oddity} again')\ndef g(world, o): ...")
    assert behave.step_registry.registry is registry
    assert steps.run("When odd\nAnd even again") is None


def test_phrases_come_back_into_an_emptied_registry(declare, registry, steps) -> None:
    declare("@when('a')\ndef a(world): ...")
    registry.clear()
    assert registry.steps["when"] == []
    install()
    assert steps.run("When a") is None
    assert len(phrases.declared) == 1


def test_cucumber_expressions_are_behaves_default(registry, steps) -> None:
    import behave

    seen = []
    namespace: dict = {"behave": behave, "seen": seen}
    exec("@behave.when('{int} cuke(s)')\ndef f(context, n): seen.append(n)", namespace)
    assert steps.run("When 4 cukes") is None
    assert seen == [4]


def test_other_matchers_of_behave_still_work(registry, steps) -> None:
    from behave import use_step_matcher
    from behave.matchers import use_default_step_matcher

    seen = []
    try:
        use_step_matcher("parse")
        registry.add_step_definition("when", "{n:d} eggs", lambda context, n: seen.append(n))
        use_step_matcher("re")
        registry.add_step_definition("when", "(?P<n>\\d+) hens?", lambda context, n: seen.append(n))
    finally:
        use_default_step_matcher()
    assert steps.run("When 4 eggs\nAnd 1 hen\nAnd ${two} eggs") is not None
    assert seen == [4, "1"]


def test_a_type_with_two_meanings_is_told(declare) -> None:
    declare("parameter_type('shade', 'red|blue')")
    with pytest.raises(SuiteError, match=r"the parameter type \{shade\} has two meanings"):
        declare("parameter_type('shade', 'dark|light', lambda text: text)", "steps/other.py")


def test_a_type_whose_pattern_cannot_be_read_is_told(declare) -> None:
    with pytest.raises(SuiteError) as caught:
        declare("parameter_type('broken', '(')")
    assert "{broken} has a pattern that cannot be read" in str(caught.value)


def test_a_converter_that_refuses_is_told(steps, declare) -> None:
    declare(
        "def even(text):\n    if int(text) % 2: raise ValueError(f'{text} is odd')\n"
        "parameter_type('even', r'\\d+', even)\n@when('{even} shoes')\ndef f(world, n): ..."
    )
    error = steps.run("When 3 shoes")
    assert 'a value in "3 shoes" cannot be read: 3 is odd' in str(error)
    assert error.where == "features/f.feature:3"


def test_a_phrase_of_another_matcher_that_cannot_be_read_is_a_problem(registry, capsys) -> None:
    from behave import use_step_matcher
    from behave.matchers import use_default_step_matcher

    try:
        use_step_matcher("re")
        registry.add_step_definition("when", "(oops", lambda context: None)
    finally:
        use_default_step_matcher()
    (problem,) = registry.problems
    assert 'the phrase "^(oops$" cannot be read' in str(problem)
    assert capsys.readouterr().err == ""

"""`${...}`: what it can mean, and what is said where it means nothing."""

import json
import re

import pytest

from avow.world import UnknownValue, World


def test_a_text_without_references_is_what_it_is(world) -> None:
    text = "nothing $ here {to} replace"
    assert world.values.substitute(text) is text


def test_remembered_values_by_name_and_path(world) -> None:
    world.memory.remember("order", {"id": "o-1", "lines": [{"sku": "tea"}, {"sku": "cake"}]})
    world.memory.remember("first order", {"id": 7, "customer": {"e mail": "a@b.c"}})
    substitute = world.values.substitute
    assert substitute("order ${order.id} of ${first order.id}") == "order o-1 of 7"
    assert substitute("${order.lines[1].sku} ${order.lines[-1].sku}") == "cake cake"
    assert substitute('${first order.customer."e mail"}') == "a@b.c"
    assert json.loads(substitute("${order.lines}")) == [{"sku": "tea"}, {"sku": "cake"}]


def test_the_longest_remembered_name_is_meant(world) -> None:
    world.memory.remember("order", {"id": 1})
    world.memory.remember("order.first", {"id": 2})
    assert world.values.substitute("${order.first.id}") == "2"
    assert world.values.substitute("${order.id}") == "1"


@pytest.mark.parametrize(
    ("value", "text"), [(None, "null"), (True, "true"), (1.5, "1.5"), ("x", "x"), ([], "[]")]
)
def test_values_of_any_type_have_a_text(world, value, text) -> None:
    world.memory.remember("it", value)
    assert world.values.substitute("${it}") == text


def test_a_backslash_keeps_the_characters(world) -> None:
    assert world.values.substitute(r"\${order.id} costs \$5") == r"${order.id} costs \$5"


def test_values_from_outside(world) -> None:
    assert world.values.substitute("${env:HOME}/x") == "/home/ada/x"
    assert world.values.substitute("${secret:TOKEN}") == "t0k3n-of-the-suite"
    assert world.redactor.finds_in(b"say t0k3n-of-the-suite")


def test_the_clock(world) -> None:
    substitute = world.values.substitute
    assert substitute("${now}") == "2026-11-20T12:00:00.123Z"
    assert substitute("${now+5m}") == "2026-11-20T12:05:00.123Z"
    assert substitute("${now - 1.5 h}") == "2026-11-20T10:30:00.123Z"
    assert substitute("${now:unix} ${now+1s:ms}") == "1795176000 1795176001123"
    assert substitute("${today} ${today+1d}") == "2026-11-20 2026-11-21"
    assert substitute("${now:http}") == "Fri, 20 Nov 2026 12:00:00 GMT"
    assert substitute("${now:date}") == "2026-11-20"


def test_made_up_values_come_from_the_seed(settings) -> None:
    def made(seed: int, scenario: str) -> str:
        from avow.core.ledger import Ledger
        from avow.world import Channels

        world = World(settings, Channels({}, {}), Ledger(), seed=seed, scenario=scenario)
        return world.values.substitute("${uuid} ${random.email} ${random.int} ${random.name}")

    assert made(1, "a") == made(1, "a")
    assert len({made(1, "a"), made(2, "a"), made(1, "b")}) == 3


@pytest.mark.parametrize(
    ("reference", "pattern"),
    [
        ("uuid", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        ("random.email", r"[a-z]+\.[a-z]{8}@example\.com"),
        ("random.int:1-6", r"[1-6]"),
        ("random.digits:12", r"\d{12}"),
        ("random.hex", r"[0-9a-f]{16}"),
        ("random.words:2", r"[a-z]+ [a-z]+"),
        ("random.amount", r"\d+\.\d\d"),
        ("random.boolean", r"true|false"),
        ("random.ip", r"192\.0\.2\.\d+"),
    ],
)
def test_kinds_of_made_up_values(world, reference, pattern) -> None:
    assert re.fullmatch(pattern, world.values.substitute(f"${{{reference}}}"))


def test_every_kind_of_made_up_value_can_be_made(world) -> None:
    for kind in world.random.kinds():
        assert world.random.value(kind)


def test_a_made_up_value_is_new_each_time(world) -> None:
    assert world.values.substitute("${uuid}") != world.values.substitute("${uuid}")


def test_values_in_json_are_escaped_where_they_stand(world) -> None:
    world.memory.remember("name", 'Ada "the first"\n')
    world.memory.remember("order", {"id": 7, "tags": ["a"]})
    text = '{"name": "${name}", "id": ${order.id}, "key": "o-${order.id}",'
    text += '"tags": ${order.tags}, "n": ${name}}'
    assert json.loads(world.values.substitute(text, as_json=True)) == {
        "name": 'Ada "the first"\n',
        "id": 7,
        "key": "o-7",
        "tags": ["a"],
        "n": 'Ada "the first"\n',
    }


def test_quotes_that_are_escaped_do_not_end_a_json_string(world) -> None:
    world.memory.remember("x", '"')
    text = r'{"a\"b": "${x}", "\\": "${x}"}'
    assert json.loads(world.values.substitute(text, as_json=True)) == {'a"b': '"', "\\": '"'}


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("ordr.id", ["${ordr.id} is not known", "Did you mean ${order}?", "Remembered: order."]),
        (
            "order.idd",
            ['${order.idd}: in order, there is no "idd" at the top', 'Did you mean "id"?'],
        ),
        ("order.id.x", ['${order.id.x}: in order, at id is 7, so it has no "x"']),
        ("order.lines[3]", ["at lines is a list of 1, so it has no [3]"]),
        ("order[0]", ["at the top is an object with id, lines, not a list, so it has no [0]"]),
        ("env:HOEM", ["the environment variable HOEM is not set", "Did you mean HOME?"]),
        ("secret:TOKENN", ['secret "TOKENN"', "AVOW_SECRET_TOKENN is not set"]),
        ("random.emial", ['there is no random "emial"', 'Did you mean "email"?']),
        ("random.int:6-1", ['":6-1" are no bounds', "Write ${random.int:1-6}."]),
        ("random.digits:x", ['":x" is not a size from 1 to 10000']),
        ("nowish", ["${nowish} is not known", "Did you mean ${now}?"]),
        ("", ["${} is not known"]),
    ],
)
def test_what_is_not_known_is_told_with_the_nearest(world, reference, said) -> None:
    world.memory.remember("order", {"id": 7, "lines": [{}]})
    with pytest.raises(UnknownValue) as caught:
        world.values.substitute(f"an order: ${{{reference}}}")
    for fragment in said:
        assert fragment in str(caught.value)
    assert caught.value.reference == f"${{{reference}}}"
    assert caught.value.position == 10


def test_with_nothing_remembered_it_says_so(world) -> None:
    with pytest.raises(UnknownValue, match="Remembered: nothing"):
        world.values.substitute("${x}")


def test_a_name_may_hide_a_builtin(world) -> None:
    world.memory.remember("today", {"dish": "soup"})
    assert world.values.substitute("${today.dish}") == "soup"

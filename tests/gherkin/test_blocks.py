"""Tables and documents under a step: values in place, mistakes pointed at."""

import pytest

from avow.core.errors import SuiteError
from avow.gherkin import Document, Table

SEEN = """
seen = []
@when("a table")
def a_table(world, *, table: Table):
    '''Take a table.

    Example:
        When a table:
          | name |
          | Ada  |
    '''
    seen.append(table)

@when("a document")
def a_document(world, *, document: Document):
    seen.append(document)

@when("a block")
def a_block(world, *, block: Block):
    seen.append(block)

@when("perhaps a table")
def perhaps(world, *, table: Table | None):
    seen.append(table)

@when("perhaps a block")
def perhaps_block(world, *, block: Block | None = None):
    seen.append(block)

@when("nothing")
def nothing(world):
    seen.append(None)
"""


@pytest.fixture
def seen(declare):
    return declare(SEEN)["seen"]


def test_a_table_comes_with_values_in_place(steps, seen, world) -> None:
    world.memory.remember("order", {"id": "o-1"})
    assert steps.run("When a table:\n| id | name |\n| ${order.id} | Ada |\n| x | Bo |") is None
    (table,) = seen
    assert table.headings == ("id", "name")
    assert table.records() == [{"id": "o-1", "name": "Ada"}, {"id": "x", "name": "Bo"}]
    assert table.rows[1]["name"] == table.rows[1][1] == "Bo"
    assert (table.where, table.rows[0].where) == ("features/f.feature:4", "features/f.feature:5")
    assert (len(table), [list(row) for row in table][1]) == (2, ["x", "Bo"])
    assert table.rows[0].get("nothing", "-") == "-"


def test_a_document_comes_with_values_in_place(steps, seen, world) -> None:
    world.memory.remember("name", 'Ada "A."')
    text = 'When a document:\n"""json\n{"name": "${name}", "n": ${name}}\n"""'
    assert steps.run(text) is None
    (document,) = seen
    assert document.kind == "json"
    assert document.written == '{"name": "${name}", "n": ${name}}'
    assert document.text == '{"name": "Ada "A."", "n": Ada "A."}'
    assert document.json() == {"name": 'Ada "A."', "n": 'Ada "A."'}


def test_a_block_is_either(steps, seen) -> None:
    assert steps.run('When a block:\n| a |\n| 1 |\nAnd a block:\n"""\ntext\n"""') is None
    assert [type(each).__name__ for each in seen] == ["Table", "Document"]


def test_optional_blocks(steps, seen) -> None:
    assert steps.run("When perhaps a table\nAnd perhaps a block\nAnd nothing") is None
    assert seen == [None, None, None]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("When a table", "this phrase needs a table under it"),
        ("When a document", 'this phrase needs a docstring (""") under it'),
        ("When a block", 'this phrase needs a table or a docstring (""") under it'),
        (
            'When a table:\n"""\nx\n"""',
            "this phrase needs a table under it",
        ),
        ('When perhaps a table\n"""\nx\n"""', "this phrase takes no docstring; it takes a table"),
        ("When nothing\n| a |\n| b |", "this phrase takes no table"),
        ('When nothing\n"""\nx\n"""', "this phrase takes no docstring"),
    ],
)
def test_a_block_that_does_not_fit_is_told(steps, seen, step, said) -> None:
    error = steps.run(step)
    assert isinstance(error, SuiteError)
    assert said in str(error)
    assert error.where == "features/f.feature:3"


def test_a_missing_table_comes_with_the_phrases_example(steps, seen) -> None:
    assert str(steps.run("When a table")).endswith(
        "For example:\n    When a table:\n      | name |\n      | Ada  |"
    )


def test_an_unknown_value_is_pointed_at_in_its_cell(steps, seen, world) -> None:
    world.memory.remember("order", {})
    error = steps.run("When a table:\n| id | name |\n| 1 | ${ordr} |")
    assert str(error).splitlines()[:3] == [
        "features/f.feature:5: ${ordr} is not known",
        "    | 1 | ${ordr} |",
        "          ^^^^^^^",
    ]
    assert "Did you mean ${order}?" in str(error)


def test_an_unknown_value_is_pointed_at_in_its_line(steps, seen, world) -> None:
    error = steps.run('When a document:\n"""\n{\n  "id": "${nope}"\n}\n"""')
    assert str(error).splitlines()[:3] == [
        "features/f.feature:6: ${nope} is not known",
        '      "id": "${nope}"',
        "             ^",
    ]


def table(**options) -> Table:
    return Table(["name", "value"], [["a", "1"], ["b", "2"]], file="f.feature", line=3, **options)


def test_a_heading_that_means_nothing_is_pointed_at() -> None:
    with pytest.raises(SuiteError) as caught:
        table().only("name", "values")
    assert str(caught.value).splitlines() == [
        'f.feature:3: the heading "value" means nothing here',
        "    | name | value |",
        "             ^^^^^",
        '  Did you mean "values"? Possible: name, values.',
    ]


def test_a_heading_that_is_missing_is_told() -> None:
    with pytest.raises(SuiteError) as caught:
        table().only("name", "value", "file", needs=("file",))
    assert str(caught.value) == (
        'f.feature:3: the table needs the heading "file"\n  Possible headings: name, value, file.'
    )


def test_a_column_that_is_not_there_is_told() -> None:
    with pytest.raises(SuiteError, match=r'has no heading "vale"\s+Did you mean "value"\?'):
        table().rows[0]["vale"]


def test_pairs_and_single_rows() -> None:
    assert table().pairs() == [("a", "1"), ("b", "2")]
    with pytest.raises(SuiteError, match="the table has 2 rows below its headings; one is wanted"):
        table().single()
    assert Table(["a"], [["1"]]).single() == {"a": "1"}


def test_a_cell_can_be_pointed_at_by_a_step() -> None:
    error = table().rows[1].wrong("value", "2 is too much", "Write 1.")
    assert str(error) == "f.feature:5: 2 is too much\n    | b | 2 |\n          ^\n  Write 1."


def test_a_marker_that_is_none_is_pointed_at_in_its_cell() -> None:
    wrong = Table(["id"], [["<uid>"]], file="f.feature", line=3)
    with pytest.raises(SuiteError) as caught:
        wrong.wanted()
    assert str(caught.value).splitlines()[:3] == [
        "f.feature:4: there is no marker <uid>",
        "    | <uid> |",
        "      ^^^^^",
    ]
    assert "uuid" in str(caught.value)


def test_a_secret_does_not_show_in_a_message(steps, declare, world) -> None:
    declare(
        "@when('a table')\ndef a(world, *, table: Table): raise table.rows[0].wrong(1, 'no', '')"
    )
    world.memory.remember("token", "s3cr3t-value")
    error = steps.run("When a table:\n| a | token |\n| 1 | ${token} |")
    assert "${token}" in str(error)
    assert "s3cr3t-value" not in str(error)


def test_a_document_that_is_no_json_is_pointed_at() -> None:
    document = Document('{\n  "a": 1,\n}', file="f.feature", line=3)
    with pytest.raises(SuiteError) as caught:
        document.json()
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("f.feature:6: this is not JSON: ")
    assert lines[1:3] == ["    }", "    ^"]


def test_a_long_line_of_a_document_is_cut_around_the_mistake() -> None:
    document = Document('{"a": "' + "x" * 5000 + '", oops}', file="f.feature", line=3)
    with pytest.raises(SuiteError) as caught:
        document.json()
    assert all(len(line) < 250 for line in str(caught.value).splitlines())
    assert "oops" in str(caught.value)


def test_a_document_nested_too_deeply_is_told() -> None:
    with pytest.raises(SuiteError, match=r"nested too deeply|is not JSON"):
        Document("[" * 100_000).json()


def test_what_blocks_want_and_hold() -> None:
    values = Table(["id", "total.amount"], [["7", "null"], ['"7"', "x"]]).values()
    assert values == [
        {"id": 7, "total": {"amount": None}},
        {"id": "7", "total": {"amount": "x"}},
    ]
    with pytest.raises(SuiteError, match=r"f.feature:3.*: the heading .* stands twice"):
        Table(["a", "a"], [["1", "2"]], file="f.feature", line=3).values()
    wanted = Document('{"id": <uuid>}').wanted().value
    assert repr(wanted["id"]) == "<uuid>"
    with pytest.raises(SuiteError, match=r"f\.feature:10: there is no marker <uid>\n"):
        Document('{"id": <uid>}', file="f.feature", line=9).wanted()

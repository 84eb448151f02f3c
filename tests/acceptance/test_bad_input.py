"""Whatever is wrong in a feature is told with its place and what to write instead; whatever bytes a
system sends become a report.
"""

from __future__ import annotations

import json
import textwrap
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

PARROT = Path(__file__).parents[1] / "apps/parrot/app.py"

SETTINGS = f"""
[suite]
name = "bad"

[services.db]
kind = "postgres"
migrations = "migrations"

[services.orders]
kind = "kafka"
topics = ["orders"]

[services.bank]
kind = "stub"
routes = [{{ on = "POST /v1/{{path}}", answer = {{ status = 201, body = {{ id = "ch_1" }} }} }}]

[services.parrot]
kind = "http"
command = ["python", "{PARROT}", "{{port}}"]
health = {{ path = "/health" }}

[services.parrot.env]
MINTED = "{{root}}/minted.txt"
STUB = "{{bank.url}}"
STUB_KEY = "key-of-the-system"
"""


@pytest.fixture
def bad(suite):
    suite.write("avow.toml", SETTINGS)
    suite.write(
        "migrations/1.sql", "create table goods (id int primary key, sku text, stock int, x jsonb);"
    )
    suite.write("steps/shared.py", "from avow.steps.all import *  # noqa: F403\n")
    return suite


def steps(text: str) -> str:
    lines = "\n".join(f"    {line}" for line in text.strip("\n").splitlines())
    return f"Feature: Bad\n  Scenario: s\n{lines}\n"


# -- before anything runs


def test_every_file_is_read_before_one_runs(bad):
    bad.feature("good", steps('Given the value "1" is remembered as "a"'))
    bad.feature("one", "Feature: One\n  Scenario: s\n    Given a thing\n    Then\n  nonsense\n")
    bad.feature("two", "Feature: Two\n  Scenario: s\n    Given x\n      | a | b |\n      | 1 |\n")
    bad.feature("three", "Featur: Three\n")
    bad.feature("four", 'Feature: Four\n  Scenario: s\n    Given x\n      """\n      open\n')
    bad.feature("five", "Feature: Five\n  Background: b\n    Given x\n  Background: c\n")
    (bad.root / "features/six.feature").write_bytes("Feature: Sechs \xfc\n".encode("latin-1"))
    (bad.root / "features/seven.feature").write_bytes("Feature: Seven\n".encode("utf-16"))
    ran = bad.behave()
    assert ran.code == 4, ran.text
    for name in ("one", "two", "three", "four", "five", "six", "seven"):
        assert f"features/{name}.feature:" in ran.err, name
    assert "features/four.feature:4:7: this docstring has no end" in ran.err
    assert "Traceback" not in ran.text
    assert "Feature:" not in ran.out
    assert not (bad.root / "reports/allure-results").exists()


UNDEFINED = {
    "snippet": (
        'When the clerk "ann" packs 3 boxes',
        ['@when("the clerk {string} packs {int} boxes")'],
    ),
    "nearest": (
        "Then the response states is 200",
        ["The nearest phrase is: Then the response status is {status}"],
    ),
    "wrong kind": (
        "Given the response status is 200",
        ["It is a Then, and stands here as a Given"],
    ),
    "no time": (
        "Then within 3 fortnights the response status is 200",
        ['"within 3 fortnights" is not a time', "5 seconds"],
    ),
    "no table": (
        'Given the table "goods" of db has the rows',
        ["features/a.feature:3", "table"],
    ),
    "block too many": (
        'Then the response status is 200\n  """\n  x\n  """',
        ["features/a.feature:3"],
    ),
}


@pytest.mark.parametrize("case", UNDEFINED)
def test_steps_that_nobody_knows(bad, case):
    text, wanted = UNDEFINED[case]
    bad.feature("a", steps(text))
    ran = bad.behave()
    assert ran.code == 4, ran.text
    assert "features/a.feature:3" in ran.err
    for each in wanted:
        assert each in ran.err
    assert "Feature:" not in ran.out


def test_steps_that_two_phrases_know(bad):
    bad.write(
        "steps/twice.py",
        """
        from avow.gherkin import given

        @given("a box of {string}")
        def box_of(world, what): ...

        @given("a box of {string} or nothing")
        def box_or(world, what): ...

        @given("a {word} of {string}")
        def any_of(world, thing, what): ...
        """,
    )
    bad.feature("a", steps('Given a box of "tea"'))
    ran = bad.behave()
    assert ran.code == 4, ran.text
    assert "features/a.feature:3" in ran.err
    assert "a box of {string}" in ran.err
    assert "a {word} of {string}" in ran.err
    assert "steps/twice.py:3" in ran.err


def test_a_heading_of_examples_that_is_a_marker(bad):
    bad.feature(
        "a",
        """
        Feature: F
          Scenario Outline: o
            Then the response body at "id" is "<uuid>"
            Examples:
              | uuid |
              | 1    |
        """,
    )
    ran = bad.behave()
    assert ran.code == 4, ran.text
    assert 'features/a.feature:5: the heading "uuid" of Examples hides the marker <uuid>' in ran.err
    assert "Give the column another name" in ran.err


# -- in a step


WRONG = {
    "heading of a row that is written": (
        """
        Given the table "goods" of db has the row:
          | id | skku |
          | 1  | tea  |
        """,
        ['table "goods" has no column "skku"', 'Did you mean "sku"?'],
    ),
    "heading of a row that is wanted": (
        """
        Then the table "goods" of db has the row:
          | id | stok |
          | 1  | 3    |
        """,
        ["features/a.feature:4", 'table "goods" has no column "stok"', 'Did you mean "stock"?'],
    ),
    "heading of a row that is not wanted": (
        """
        Then the table "goods" of db has no row matching:
          | stok |
          | 3    |
        """,
        ['table "goods" has no column "stok"', "    | stok |\n      ^^^^"],
    ),
    "value": (
        """
        Given the table "goods" of db has the row:
          | id | stock |
          | 1  | many  |
        """,
        ['"many"', "integer"],
    ),
    "table": ('Then the table "gods" of db has no rows', ['Did you mean "goods"?']),
    "service": ('When I send GET "/say" to parot', ['Did you mean "parrot"?']),
    "topic": ('When I publish the text "x" to ordres', ['Did you mean "orders"?']),
    "heading of headers": (
        """
        When I send GET "/say" to parrot with the headers:
          | nam | value |
          | a   | b     |
        """,
        ["    | nam | value |\n      ^^^", 'Did you mean "name"?'],
    ),
    "JSON": (
        '''
        When I send POST "/say" to parrot with JSON:
          """
          {"a": 1,
           "b": tru}
          """
        ''',
        ["features/a.feature:6: this is not JSON: expecting value", '\n     "b": tru}\n'],
    ),
    "marker in a cell": (
        """
        When I send POST "/say" to parrot
        Then the response body matches:
          | said  | path              |
          | <any> | <bewteen 1 and 3> |
        """,
        ["features/a.feature:6: there is no marker <bewteen 1 and 3>", "    ^^^^^^", '"between"?'],
    ),
    "marker in a document": (
        '''
        When I send POST "/say" to parrot
        Then the response body matches:
          """
          {
            "said": <uid>
          }
          """
        ''',
        ["features/a.feature:7: there is no marker <uid>", "          ^", 'Did you mean "uuid"?'],
    ),
    "marker without its number": (
        """
        When I send POST "/say" to parrot
        Then the response body at "said" is <length>
        """,
        ["<length: 3>"],
    ),
    "value in a step": (
        """
        Given the value "4" is remembered as "order_id"
        When I send GET "/say?${orderid}" to parrot
        """,
        ["features/a.feature:4: ${orderid} is not known", "^^^^^^^^^^", "${order_id}"],
    ),
    "value in a cell": (
        """
        Given the value "4" is remembered as "order_id"
        When I send POST "/say" to parrot with JSON:
          | a | b          |
          | 1 | ${ordr_id} |
        """,
        ["features/a.feature:6: ${ordr_id} is not known", "| 1 | ${ordr_id} |", "${order_id}"],
    ),
    "value in a document": (
        '''
        Given the value "4" is remembered as "order_id"
        When I send POST "/say" to parrot with JSON:
          """
          {"a": 1,
           "b": "${ordr_id}"}
          """
        ''',
        ["features/a.feature:7: ${ordr_id} is not known", "${order_id}"],
    ),
    "secret": ('When I send GET "/${secret:NO}" to parrot', ["AVOW_SECRET_NO", "[secrets] NO"]),
    "file": (
        'When I send POST "/say" to parrot with the file "avow.tml"',
        ["features/a.feature:3", 'Did you mean "avow.toml"?'],
    ),
    "heading twice": (
        """
        When I send POST "/say" to parrot with JSON:
          | a | a |
          | 1 | 2 |
        """,
        ['the heading "a" stands twice'],
    ),
    "remembered thing": (
        "Then the response status is 200",
        ["features/a.feature:3"],
    ),
}


def test_what_is_wrong_in_a_step_is_shown_where_it_is(bad):
    names = {}
    for number, (name, (text, _)) in enumerate(WRONG.items()):
        names[name] = f"w{number:02d}"
        body = textwrap.dedent(text).strip("\n")
        bad.feature(names[name], steps(body).replace("Scenario: s", f"Scenario: {name}"))
    ran = bad.behave()
    assert ran.code == 1, ran.text
    assert "0 scenarios passed" in ran.out
    parts = {part.split("\n", 1)[0]: part for part in ran.out.split("  Scenario: ")[1:]}
    missing = [
        f"{name}: {each!r} is not in\n{parts[name]}"
        for name, (_, wanted) in WRONG.items()
        for each in wanted
        if each.replace("a.feature", f"{names[name]}.feature") not in parts[name]
    ]
    assert not missing, "\n".join(missing)
    # One with the wrong value is the system's or the suite's; none is avow's own.
    assert "Traceback" not in ran.text
    assert "InternalError" not in ran.text


# -- hostile bytes


BODIES = ["latin", "nul", "surrogate", "emoji", "deep", "number", "big", "nan", "binary", "script"]

HOSTILE_STEPS = r"""
from avow.gherkin import given, when, then

BYTES = {
    "latin": b'{"name": "caf\xe9"}',
    "nul": b'{"name": "a\x00b\x1b[31mred"}',
    "surrogate": b'{"name": "\\ud83d alone"}',
    "deep": b"[" * 20_000 + b"]" * 20_000,
    "binary": bytes(range(256)),
    "big": b"x" * 900_000,
    "empty": b"",
}

@when("hostile messages are published")
def publish(world):
    for name, raw in BYTES.items():
        world.messages["orders"].publish("orders", raw, key=raw[:200], headers={"h": raw[:200]})

@when("hostile bodies are sent to the stub")
def to_the_stub(world):
    for raw in BYTES.values():
        world.http["parrot"].send("POST", "/call/x%00%ff%F0%9F%98%80", body=raw)

@when("hostile text is printed")
def prints(world):
    import logging, sys
    text = "\ud83d lone \x00 nul \x1b[31m red \u202e reversed \U0001f9fe ]]> </script>"
    print(text)
    logging.getLogger("x").warning(text)
    print(text, file=sys.stderr)

@then("it fails with hostile text")
def fails(world):
    raise AssertionError("\ud83d lone \x00 nul \x1b[31m red ]]> \u202e " + "x" * 3_000_000)

@given("hostile rows")
def rows(world):
    db = world.databases["db"]
    db.insert("goods", [
        {"id": 1, "sku": "\U0001f9fe \u202e \x1b[31m ]]> <any>", "x": {"a": [[[["deep"]]]]}},
        {"id": 2, "sku": "x" * 3_000_000},
        {"id": 3, "sku": None, "x": [1e300, 12345678901234567890123]},
    ])
"""


def test_hostile_bytes_become_a_report(bad):
    bad.write("steps/hostile.py", HOSTILE_STEPS)
    exchanges = "\n".join(
        f"  Scenario: body {name}\n"
        f'    When I send GET "/bytes/{name}" to parrot\n'
        '    Then the response body at "name" is "other"\n'
        for name in BODIES
    )
    bad.feature(
        "a",
        f"Feature: Hostile \U0001f9fe\n{exchanges}"
        "\n  Scenario: messages\n"
        "    When hostile messages are published\n"
        "    Then exactly 1 message on orders matches:\n      | name |\n      | x |\n"
        "\n  Scenario: stub\n"
        "    When hostile bodies are sent to the stub\n"
        '    Then bank received exactly 1 "POST /v1/other" call\n'
        "\n  Scenario: rows\n"
        "    Given hostile rows\n"
        '    Then the table "goods" of db has only the row:\n      | sku |\n      | tea |\n'
        "\n  Scenario: printed\n"
        "    When hostile text is printed\n"
        "    Then it fails with hostile text\n"
        "\n  Scenario: after all\n"
        '    When I send GET "/health" to parrot\n'
        "    Then the response status is 200\n",
    )
    ran = bad.behave(
        "--junit", "--junit-directory=reports/junit", "-f", "json", "-o", "reports/out.json",
        "-f", "plain", timeout=120,
    )  # fmt: skip
    assert ran.code == 1, ran.text[-3000:]
    results = bad.results()
    assert len(results) == len(BODIES) + 5
    broken = [name for name, status in results.items() if status == "broken"]
    assert not broken, "\n".join(line for line in ran.out.splitlines() if "ERROR" in line)[:3000]
    assert results.pop("after all") == "passed"
    assert set(results.values()) == {"failed"}
    assert "Traceback" not in ran.text
    assert "incomplete" not in ran.err
    for character in "\x00\x1b\u202e":
        assert character not in ran.out
    for file in (bad.root / "reports/allure-results").glob("*.json"):
        json.loads(file.read_text(encoding="utf-8"))
    json.loads((bad.root / "reports/out.json").read_text(encoding="utf-8"))
    for file in (bad.root / "reports/junit").glob("*.xml"):
        ET.parse(file)

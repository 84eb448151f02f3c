"""Rows: what a scenario puts into a database, and what the system left there."""

from __future__ import annotations

import re
from typing import Any

from avow.core.entries import Entry
from avow.core.errors import ScenarioFailure, SuiteError, did_you_mean
from avow.core.text import plural
from avow.gherkin import Block, Document, Table, given, then, when
from avow.matchers import compare, describe, matching
from avow.steps.judging import data_of, judge, shown, wanted_records
from avow.steps.parameters import Count
from avow.world import World

# -- Given, When


@given("the table {string} of {resource} has the row(s)")
def insert_rows(world: World, table: str, database: str, *, block: Block) -> None:
    """Insert rows; columns that are not named get their defaults.

    Example:
        Given the table "products" of "db" has the rows:
          | sku    | price |
          | tea    | 450   |
          | coffee | 700   |
        Then the table "products" of "db" has exactly 2 rows

    Fails:
        Given the table "products" of "db" has the row:
          | sku | prise |
          | tea | 450   |
        Then the table "products" of "db" has exactly 1 row
        # Did you mean "price"?
    """
    entry = world.databases[database].insert(table, _rows_to_write(block))
    _remember(world, entry, entry.data["after"])


@given("the table {string} of {resource} has only the row(s)")
def replace_rows(world: World, table: str, database: str, *, block: Block) -> None:
    """Delete what is in a table, then insert rows.

    Example:
        Given the table "products" of "db" has the row:
          | sku | price |
          | tea | 450   |
        And the table "products" of "db" has only the row:
          | sku  | price |
          | cake | 900   |
        Then the table "products" of "db" has only the row:
          | sku  |
          | cake |

    Fails:
        Given the table "products" of "db" has only the row:
          | sku  | price |
          | cake | 900   |
        Then the table "products" of "db" has the row:
          | sku |
          | tea |
        # sku: wanted tea, saw "cake"
    """
    world.databases[database].delete(table)
    insert_rows(world, table, database, block=block)


@given("the table {string} of {resource} is empty")
def empty_table(world: World, table: str, database: str) -> None:
    """Delete every row of a table.

    Example:
        Given the table "products" of "db" is empty
        Then the table "products" of "db" has no rows

    Fails:
        Given the table "product" of "db" is empty
        Then the table "products" of "db" has no rows
        # Did you mean "products"?
    """
    world.databases[database].delete(table)


@given("this SQL was run on {resource}")
@when("I run this SQL on {resource}")
def run_sql(world: World, database: str, *, document: Document) -> None:
    """Run SQL that changes something; all of it or, where it fails, none.

    Example:
        When I run this SQL on "db":
          '''
          INSERT INTO products (sku, price) VALUES ('tea', 450);
          UPDATE products SET price = price + 50;
          '''
        Then the table "products" of "db" has the row:
          | sku | price |
          | tea | 500   |

    Fails:
        When I run this SQL on "db":
          '''
          INSERT INTO products (sku) VALEUS ('tea')
          '''
        Then the table "products" of "db" has no rows
        # syntax error at or near "VALEUS"
    """
    world.databases[database].execute(document.text)


@given("the SQL file {string} was run on {resource}")
@when("I run the SQL file {string} on {resource}")
def run_sql_file(world: World, file: str, database: str) -> None:
    """Run the SQL of a file under the suite's root; all of it or none.

    Example:
        When I run the SQL file "data/products.sql" on "db"
        Then the table "products" of "db" has exactly 3 rows

    Fails:
        When I run the SQL file "data/product.sql" on "db"
        Then the table "products" of "db" has exactly 3 rows
        # Did you mean "products.sql"?
    """
    world.databases[database].execute(world.file(file).read_text(encoding="utf-8"))


# -- Then


@then("the table {string} of {resource} has the row(s)")
def has_rows(world: World, table: str, database: str, *, block: Block) -> None:
    """Find a row of its own for each wanted one, in any order; others may be there.

    Columns that are not named do not matter. The last row that fits is `the row`.

    Example:
        Given the table "products" of "db" has the row:
          | sku | price |
          | tea | 450   |
        Then the table "products" of "db" has the row:
          | sku | price             | created_at  |
          | tea | <between 1 and 500> | <timestamp> |

    Fails:
        Given the table "products" of "db" has the row:
          | sku | price |
          | tea | 450   |
        Then the table "products" of "db" has the rows:
          | sku  | price |
          | tea  | 500   |
          | cake | 900   |
        # the table "products" does not have the rows
        # price: wanted 500, saw 450
    """
    _judge(world, table, database, block, "at least", "does not have the rows")


@then("the table {string} of {resource} has the rows in order of {string}")
def has_rows_in_order(
    world: World, table: str, database: str, column: str, *, block: Block
) -> None:
    """Find rows in this order when the table is sorted by a column.

    Example:
        Given the table "products" of "db" has the rows:
          | sku  | price |
          | cake | 900   |
          | tea  | 450   |
        Then the table "products" of "db" has the rows in order of "price":
          | sku  |
          | tea  |
          | cake |

    Fails:
        Given the table "products" of "db" has the rows:
          | sku  | price |
          | cake | 900   |
          | tea  | 450   |
        Then the table "products" of "db" has the rows in order of "price":
          | sku  |
          | cake |
          | tea  |
        # later than it came
    """
    words = f'does not have the rows in order of "{column}"'
    _judge(world, table, database, block, "in order", words, order=column)


@then("the table {string} of {resource} has only the row(s)")
def has_only_rows(world: World, table: str, database: str, *, block: Block) -> None:
    """Find these rows and no other, in any order; columns that are not named do not matter.

    Example:
        Given the table "products" of "db" has the row:
          | sku | price |
          | tea | 450   |
        Then the table "products" of "db" has only the row:
          | sku |
          | tea |

    Fails:
        Given the table "products" of "db" has the rows:
          | sku  | price |
          | tea  | 450   |
          | cake | 900   |
        Then the table "products" of "db" has only the row:
          | sku |
          | tea |
        # the table "products" has other rows
    """
    _judge(world, table, database, block, "only", "has other rows than these")


@then("the table {string} of {resource} has {count} row(s)")
def number_of_rows(world: World, table: str, database: str, count: Count) -> None:
    """Count the rows of a table.

    Example:
        Then the table "products" of "db" has no rows

    Fails:
        Then the table "products" of "db" has at least 1 row
        # the table "products" has 0 rows; wanted at least 1
    """
    entry = world.databases[database].count(table)
    world.claim(entry)
    number = entry.data["count"]
    if not count.holds(number):
        raise ScenarioFailure(
            f'the table "{table}" has {plural(number, "row")}; wanted {count.words}'
        )


@then("the table {string} of {resource} has {count} row(s) matching")
def number_of_matching_rows(
    world: World, table: str, database: str, count: Count, *, block: Block
) -> None:
    """Count the rows that hold what is wanted; several wishes are counted on their own.

    Example:
        Given the table "products" of "db" has the row:
          | sku | price |
          | tea | 450   |
        Then the table "products" of "db" has exactly 1 row matching:
          | sku |
          | tea |
        And the table "products" of "db" has no row matching:
          | sku  |
          | cake |

    Fails:
        Given the table "products" of "db" has the row:
          | sku | price |
          | tea | 450   |
        Then the table "products" of "db" has no row matching:
          | price             |
          | <between 1 and 500> |
        # the table "products" has 1 row matching
    """
    entry = world.databases[database].rows(table)
    world.claim(entry)
    _check_columns(block, entry.data["columns"], table)
    rows = entry.data["rows"]
    for wanted in wanted_records(block):
        found = matching(wanted, rows, loose=True)
        if not count.holds(len(found)):
            lines = [
                f'the table "{table}" has {plural(len(found), "row")} matching '
                f"{shown(wanted)}; wanted {count.words}"
            ]
            raise ScenarioFailure("\n".join([*lines, *_shown([rows[at] for at in found] or rows)]))
        _remember(world, entry, [rows[at] for at in found])


@then("the query {string} on {resource} returns")
def query_returns(world: World, sql: str, database: str, *, block: Block) -> None:
    """Run a query that cannot change anything; it returns these rows, in this order, and no other.

    Example:
        Given the table "products" of "db" has the rows:
          | sku  | price |
          | tea  | 450   |
          | cake | 900   |
        Then the query "SELECT sum(price) AS total FROM products" on "db" returns:
          | total |
          | 1350  |

    Fails:
        Given the table "products" of "db" has the row:
          | sku | price |
          | tea | 450   |
        Then the query "SELECT count(*) AS number FROM products" on "db" returns:
          | number |
          | 2      |
        # number: wanted 2, saw 1
    """
    entry = world.databases[database].query(sql)
    world.claim(entry)
    judge(
        entry.data["rows"],
        _values(block),
        what="the query returns something else",
        mode="only in order",
        loose=True,
    )
    _remember(world, entry, entry.data["rows"])


@then("this query on {resource} returns {count} row(s)")
def query_returns_count(world: World, database: str, count: Count, *, document: Document) -> None:
    """Count what a query returns that cannot change anything.

    Example:
        Then this query on "db" returns no rows:
          '''
          SELECT sku FROM products GROUP BY sku HAVING count(*) > 1
          '''

    Fails:
        Given the table "products" of "db" has the row:
          | sku | price |
          | tea | 450   |
        Then this query on "db" returns no rows:
          '''
          SELECT sku FROM products WHERE price > 400
          '''
        # the query returns 1 row; wanted no
    """
    entry = world.databases[database].query(document.text)
    world.claim(entry)
    rows = entry.data["rows"]
    if not count.holds(len(rows)):
        lines = [f"the query returns {plural(len(rows), 'row')}; wanted {count.words}"]
        raise ScenarioFailure("\n".join([*lines, *_shown(rows)]))
    _remember(world, entry, rows)


@given("the table {string} of {resource} is noted")
def note_table(world: World, table: str, database: str) -> None:
    """Keep in mind what a table holds now, for `is as it was noted`.

    Example:
        Given the table "products" of "db" is noted
        When I send GET "/greeting" to "shop"
        Then the table "products" of "db" is as it was noted

    Fails:
        Given the table "products" of "db" is noted
        And the table "products" of "db" has the row:
          | sku | price |
          | tea | 450   |
        Then the table "products" of "db" is as it was noted
        # the table "products" is not as it was noted
    """
    rows = world.databases[database].rows(table).data["rows"]
    world.notes.setdefault("tables", {})[database.lower(), table] = rows


@then("the table {string} of {resource} is as it was noted")
def is_as_noted(world: World, table: str, database: str) -> None:
    """Check that a table holds what it held when it was noted, row by row.

    Example:
        Given the table "products" of "db" is noted
        When I send GET "/greeting" to "shop"
        Then for 100 ms the table "products" of "db" is as it was noted

    Fails:
        Given the table "products" of "db" has the row:
          | sku | price |
          | tea | 450   |
        And the table "products" of "db" is noted
        When I run this SQL on "db":
          '''
          UPDATE products SET price = 500
          '''
        Then the table "products" of "db" is as it was noted
        # price: wanted 450, saw 500
    """
    noted = world.notes.get("tables", {}).get((database.lower(), table))
    if noted is None:
        raise SuiteError(
            f'the table "{table}" was not noted in this scenario',
            advice=f'Begin with: Given the table "{table}" of "{database}" is noted',
        )
    entry = world.databases[database].rows(table)
    world.claim(entry)
    differences = compare(_escaped(noted), entry.data["rows"], mode="exactly")
    if differences:
        raise ScenarioFailure(
            f'the table "{table}" is not as it was noted:\n{describe(differences)}'
        )


# -- what several phrases do


def _rows_to_write(block: Block) -> list[dict[str, Any]]:
    if isinstance(block, Table):
        # A heading is a column, whatever characters it has.
        from avow.matchers import cell_value

        return [
            {name: cell_value(cell.strip()) for name, cell in row.to_dict().items()}
            for row in block
        ]
    data = data_of(block)
    rows = data if isinstance(data, list) else [data]
    for row in rows:
        if not isinstance(row, dict):
            raise SuiteError(
                "a row is a JSON object with a value for each column", where=block.where
            )
    return rows


def _values(block: Block) -> list[Any]:
    return [getattr(each, "value", each) for each in wanted_records(block)]


def _judge(
    world: World,
    table: str,
    database: str,
    block: Block,
    mode: str,
    words: str,
    order: str | None = None,
) -> None:
    entry = world.databases[database].rows(table, order=order)
    world.claim(entry)
    _check_columns(block, entry.data["columns"], table)
    rows = entry.data["rows"]
    wanted = _values(block)
    if wanted and not rows and mode != "in order":
        raise ScenarioFailure(
            f'the table "{table}" {words}: it is empty\n'
            + "\n".join(f"- wanted {shown(each)}" for each in wanted[:8])
        )
    judge(rows, wanted, what=f'the table "{table}" {words}', mode=mode, loose=True)
    found = matching(wanted[-1], rows, loose=True) if wanted else []
    _remember(world, entry, [rows[at] for at in found])


def _check_columns(block: Block, columns: list[str], table: str) -> None:
    """Refuse a column that the table does not have: "no row matching" would be true of it."""
    if isinstance(block, Table):
        for number, heading in enumerate(block.headings):
            if not _is_of(heading, columns):
                raise block.pointed(block.line, number, *_no_column(heading, columns, table))
        return
    for each in wanted_records(block):
        value = getattr(each, "value", each)
        for name in value if isinstance(value, dict) else ():
            if str(name) not in columns:
                message, advice = _no_column(str(name), columns, table)
                raise SuiteError(message, where=block.where, advice=advice)


def _is_of(heading: str, columns: list[str]) -> bool:
    # A path leads into a column of JSON: payload.customer.name, lines[0].
    return heading in columns or re.split(r"[.\[]", heading, maxsplit=1)[0].strip() in columns


def _no_column(name: str, columns: list[str], table: str) -> tuple[str, str]:
    return (
        f'table "{table}" has no column "{name}"',
        did_you_mean(name, columns, what=f"in {table}"),
    )


def _remember(world: World, entry: Entry, rows: list[Any]) -> None:
    if rows:
        world.memory.see("row", entry, rows[-1])


def _shown(rows: list[Any]) -> list[str]:
    lines = [f"  {shown(row)}" for row in rows[:8]]
    return lines + ([f"  and {len(rows) - 8} more"] if len(rows) > 8 else [])


def _escaped(value: Any) -> Any:
    """Return data in which text that looks like a marker is only text."""
    if isinstance(value, str):
        return f"\\{value}" if value[:1] == "<" or value[:2] == "\\<" else value
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    if isinstance(value, dict):
        return {key: _escaped(each) for key, each in value.items()}
    return value
